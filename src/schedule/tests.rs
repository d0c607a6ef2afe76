use std::fmt::Write;

use expect_test::{Expect, expect};

use super::*;

fn check(pattern: &str, zone: &str, from: &str, expected: &[&str]) {
    let mut now: Timestamp = from.parse().unwrap();
    let schedule = Schedule::parse(pattern, TimeZone::get(zone).unwrap(), now).unwrap();
    for expected in expected {
        now = schedule.next_after(now).unwrap();
        assert_eq!(now.to_string(), *expected, "{pattern} in {zone}");
    }
}

#[test]
fn five_or_six_fields_and_nicknames_fire_when_they_should() {
    check(
        "*/15 * * * *",
        "UTC",
        "2026-11-24T15:07:00Z",
        &["2026-11-24T15:15:00Z", "2026-11-24T15:30:00Z"],
    );
    check(
        "*/10 * * * * *",
        "UTC",
        "2026-11-24T15:07:01Z",
        &["2026-11-24T15:07:10Z", "2026-11-24T15:07:20Z"],
    );
    check("@hourly", "UTC", "2026-11-24T15:00:00Z", &["2026-11-24T16:00:00Z"]);
    check("0 9 * * MON-FRI", "Asia/Shanghai", "2026-11-27T02:00:00Z", &["2026-11-30T01:00:00Z"]);
    check("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z"]);
}

#[test]
fn a_daily_run_stays_at_its_hour_across_dst() {
    check(
        "0 3 * * *",
        "Europe/Berlin",
        "2026-10-24T00:00:00Z",
        &["2026-10-24T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"],
    );
    check(
        "0 3 * * *",
        "Europe/Berlin",
        "2027-03-27T00:00:00Z",
        &["2027-03-27T02:00:00Z", "2027-03-28T01:00:00Z", "2027-03-29T01:00:00Z"],
    );
}

#[test]
fn an_hour_that_is_skipped_or_repeated_runs_once() {
    check(
        "30 2 * * *",
        "Europe/Berlin",
        "2027-03-27T12:00:00Z",
        &["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"],
    );
    check(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
    check(
        "*/30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &[
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
        ],
    );
}

fn at(text: &str) -> Timestamp {
    format!("2026-11-24T{text}Z").parse().unwrap()
}

fn agenda(now: &str) -> Agenda {
    Agenda::new(Schedule::parse("*/15 * * * *", TimeZone::UTC, at(now)).unwrap(), at(now))
}

#[test]
fn after_a_gap_there_is_one_run_to_catch_up() {
    let mut agenda = agenda("10:01:00");
    assert!(!agenda.is_due(at("10:14:59")));
    assert!(agenda.is_due(at("10:15:00")));
    agenda.done(at("10:15:20"));
    assert!(!agenda.is_due(at("10:15:21")));
    assert!(agenda.is_due(at("13:07:00")), "after hours of sleep");
    agenda.done(at("13:07:30"));
    assert_eq!(agenda.next(), Some(at("13:15:00")));
}

#[test]
fn a_run_that_takes_longer_than_its_interval_is_not_followed_by_another_at_once() {
    let mut agenda = agenda("10:01:00");
    assert!(agenda.is_due(at("10:15:00")));
    agenda.done(at("10:40:00"));
    assert!(!agenda.is_due(at("10:40:01")));
    assert_eq!(agenda.next(), Some(at("10:45:00")));
}

#[test]
fn a_clock_that_is_set_back_does_not_silence_it() {
    let mut agenda = agenda("10:01:00");
    assert!(!agenda.is_due(at("08:00:00")));
    assert_eq!(agenda.next(), Some(at("08:15:00")));
    assert!(agenda.is_due(at("08:15:00")));
}

#[test]
fn a_reload_at_the_instant_of_a_run_does_not_lose_it() {
    let daily = Schedule::parse("0 0 * * *", TimeZone::UTC, at("10:00:00")).unwrap();
    let mut early = agenda("10:01:00");
    early.reschedule(daily.clone(), at("10:14:59"));
    assert!(!early.is_due(at("10:15:00")));
    let mut late = agenda("10:01:00");
    late.reschedule(daily, at("10:15:00"));
    assert!(late.is_due(at("10:15:00")));
    late.done(at("10:15:01"));
    assert_eq!(late.next().unwrap().to_string(), "2026-11-25T00:00:00Z");
}

#[test]
fn a_pattern_that_is_wrong_or_never_fires_is_refused() {
    let now = "2026-11-24T00:00:00Z".parse().unwrap();
    for pattern in [
        "",
        "* * * *",
        "61 * * * *",
        "x * * * *",
        "0 0 31 2 *",
        "@never",
        "* * * * * * 2030",
        "*/0 * * * *",
    ] {
        assert!(Schedule::parse(pattern, TimeZone::UTC, now).is_err(), "{pattern}");
    }
}

/// The instant that the tables of patterns are looked at from, a Tuesday.
const START: &str = "2026-12-01T00:00:00Z";

/// Checks what becomes of patterns: their first firings and doubts, or the whole message.
fn check_patterns(patterns: &[&str], expected: &Expect) {
    let now: Timestamp = START.parse().unwrap();
    let mut table = String::new();
    for pattern in patterns {
        let found = match Schedule::parse(pattern, TimeZone::UTC, now) {
            Err(rejected) => rejected.to_string(),
            Ok(schedule) => {
                let firings =
                    schedule.next_firings(now).replace(" +00:00", "").replace(" (UTC)", "");
                let doubts: String =
                    schedule.doubts().iter().map(|doubt| format!(" {doubt:?}")).collect();
                format!("{pattern:?} {firings}{doubts}")
            }
        };
        writeln!(table, "{found}").unwrap();
    }
    expected.assert_eq(&table);
}

#[test]
fn what_is_taken_means_what_it_says() {
    check_patterns(
        &[
            "* * * * *",
            "*/5 * * * *",
            "*/1 * * * *",
            "0-59/20 * * * *",
            "5,10-12 * * * *",
            "00 09 * * *",
            "7 8-18/5 * * *",
            "1-5,3,59 * * * *",
            "59 23 31 12 *",
            "0 9 * * MON-FRI",
            "0 9 * * mon-fri",
            "0 9 * * 1-5",
            "0 9 * * 0",
            "0 9 * * 7",
            "0 9 * * SUN",
            "0 9 * * 0-7",
            "0 9 * * 6-7",
            "0 9 * * SAT-SUN",
            "0 9 * * FRI-SUN",
            "0 9 * * SUN-MON",
            "0 9 * * TUE,thu",
            "0 9 * * */2",
            "0 9 * * MON-FRI/2",
            "0 9 * JAN,jul *",
            "0 9 1 MAY-AUG *",
            "0 9 1 */3 *",
            "0 9 */10 * *",
            "0 9 L * *",
            "0 9 l * *",
            "0 9 LW * *",
            "0 9 1,L * *",
            "0 9 15W * *",
            "0 9 15W,16W * *",
            "0 9 1W * *",
            "0 9 31W * *",
            "0 9 L,15W * *",
            "0 9 * * MON#1",
            "0 9 * * 1#1",
            "0 9 * * SUN#2,FRI",
            "0 9 * * 7#1",
            "0 9 * * MON#5",
            "0 9 * * FRIL",
            "0 9 * * 5L",
            "0 9 * * 7L",
            "0 9 * * sunl",
            "0 9 ? * MON",
            "0 9 * * ?",
            "0 9 ? * ?",
            "0 9 1-7 * +MON",
            "0 9 13 * +FRI",
            "0 9 */2 * +MON-FRI",
            "0 9 * * +MON",
            "0 9 1 * +*",
            "0 0 29 2 *",
            "0 0 29 2 +MON",
            "  0\t9  *  * * ",
            "*/10 * * * * *",
            "30 0 9 * * MON-FRI",
            "0 0 0 1 1 *",
            "* * * * * *",
            "@hourly",
            "@DAILY",
            "@Weekly",
            "@monthly",
            "@yearly",
            "@annually",
            " @daily ",
            "0 0 9 * * *",
            "0 */15 * * * *",
        ],
        &expect![[r#"
            "* * * * *" Tue 2026-12-01 00:01, Tue 2026-12-01 00:02, Tue 2026-12-01 00:03
            "*/5 * * * *" Tue 2026-12-01 00:05, Tue 2026-12-01 00:10, Tue 2026-12-01 00:15
            "*/1 * * * *" Tue 2026-12-01 00:01, Tue 2026-12-01 00:02, Tue 2026-12-01 00:03
            "0-59/20 * * * *" Tue 2026-12-01 00:20, Tue 2026-12-01 00:40, Tue 2026-12-01 01:00
            "5,10-12 * * * *" Tue 2026-12-01 00:05, Tue 2026-12-01 00:10, Tue 2026-12-01 00:11
            "00 09 * * *" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "7 8-18/5 * * *" Tue 2026-12-01 08:07, Tue 2026-12-01 13:07, Tue 2026-12-01 18:07
            "1-5,3,59 * * * *" Tue 2026-12-01 00:01, Tue 2026-12-01 00:02, Tue 2026-12-01 00:03
            "59 23 31 12 *" Thu 2026-12-31 23:59, Fri 2027-12-31 23:59, Sun 2028-12-31 23:59
            "0 9 * * MON-FRI" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "0 9 * * mon-fri" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "0 9 * * 1-5" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "0 9 * * 0" Sun 2026-12-06 09:00, Sun 2026-12-13 09:00, Sun 2026-12-20 09:00
            "0 9 * * 7" Sun 2026-12-06 09:00, Sun 2026-12-13 09:00, Sun 2026-12-20 09:00
            "0 9 * * SUN" Sun 2026-12-06 09:00, Sun 2026-12-13 09:00, Sun 2026-12-20 09:00
            "0 9 * * 0-7" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "0 9 * * 6-7" Sat 2026-12-05 09:00, Sun 2026-12-06 09:00, Sat 2026-12-12 09:00
            "0 9 * * SAT-SUN" Sat 2026-12-05 09:00, Sun 2026-12-06 09:00, Sat 2026-12-12 09:00
            "0 9 * * FRI-SUN" Fri 2026-12-04 09:00, Sat 2026-12-05 09:00, Sun 2026-12-06 09:00
            "0 9 * * SUN-MON" Sun 2026-12-06 09:00, Mon 2026-12-07 09:00, Sun 2026-12-13 09:00
            "0 9 * * TUE,thu" Tue 2026-12-01 09:00, Thu 2026-12-03 09:00, Tue 2026-12-08 09:00
            "0 9 * * */2" Tue 2026-12-01 09:00, Thu 2026-12-03 09:00, Sat 2026-12-05 09:00
            "0 9 * * MON-FRI/2" Wed 2026-12-02 09:00, Fri 2026-12-04 09:00, Mon 2026-12-07 09:00
            "0 9 * JAN,jul *" Fri 2027-01-01 09:00, Sat 2027-01-02 09:00, Sun 2027-01-03 09:00
            "0 9 1 MAY-AUG *" Sat 2027-05-01 09:00, Tue 2027-06-01 09:00, Thu 2027-07-01 09:00
            "0 9 1 */3 *" Fri 2027-01-01 09:00, Thu 2027-04-01 09:00, Thu 2027-07-01 09:00
            "0 9 */10 * *" Tue 2026-12-01 09:00, Fri 2026-12-11 09:00, Mon 2026-12-21 09:00
            "0 9 L * *" Thu 2026-12-31 09:00, Sun 2027-01-31 09:00, Sun 2027-02-28 09:00
            "0 9 l * *" Thu 2026-12-31 09:00, Sun 2027-01-31 09:00, Sun 2027-02-28 09:00
            "0 9 LW * *" Thu 2026-12-31 09:00, Fri 2027-01-29 09:00, Fri 2027-02-26 09:00
            "0 9 1,L * *" Tue 2026-12-01 09:00, Thu 2026-12-31 09:00, Fri 2027-01-01 09:00
            "0 9 15W * *" Tue 2026-12-15 09:00, Fri 2027-01-15 09:00, Mon 2027-02-15 09:00
            "0 9 15W,16W * *" Tue 2026-12-15 09:00, Wed 2026-12-16 09:00, Fri 2027-01-15 09:00
            "0 9 1W * *" Tue 2026-12-01 09:00, Fri 2027-01-01 09:00, Mon 2027-02-01 09:00
            "0 9 31W * *" Thu 2026-12-31 09:00, Fri 2027-01-29 09:00, Wed 2027-03-31 09:00
            "0 9 L,15W * *" Tue 2026-12-15 09:00, Thu 2026-12-31 09:00, Fri 2027-01-15 09:00
            "0 9 * * MON#1" Mon 2026-12-07 09:00, Mon 2027-01-04 09:00, Mon 2027-02-01 09:00
            "0 9 * * 1#1" Mon 2026-12-07 09:00, Mon 2027-01-04 09:00, Mon 2027-02-01 09:00
            "0 9 * * SUN#2,FRI" Fri 2026-12-04 09:00, Fri 2026-12-11 09:00, Sun 2026-12-13 09:00
            "0 9 * * 7#1" Sun 2026-12-06 09:00, Sun 2027-01-03 09:00, Sun 2027-02-07 09:00
            "0 9 * * MON#5" Mon 2027-03-29 09:00, Mon 2027-05-31 09:00, Mon 2027-08-30 09:00
            "0 9 * * FRIL" Fri 2026-12-25 09:00, Fri 2027-01-29 09:00, Fri 2027-02-26 09:00
            "0 9 * * 5L" Fri 2026-12-25 09:00, Fri 2027-01-29 09:00, Fri 2027-02-26 09:00
            "0 9 * * 7L" Sun 2026-12-27 09:00, Sun 2027-01-31 09:00, Sun 2027-02-28 09:00
            "0 9 * * sunl" Sun 2026-12-27 09:00, Sun 2027-01-31 09:00, Sun 2027-02-28 09:00
            "0 9 ? * MON" Mon 2026-12-07 09:00, Mon 2026-12-14 09:00, Mon 2026-12-21 09:00
            "0 9 * * ?" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "0 9 ? * ?" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "0 9 1-7 * +MON" Mon 2026-12-07 09:00, Mon 2027-01-04 09:00, Mon 2027-02-01 09:00
            "0 9 13 * +FRI" Fri 2027-08-13 09:00, Fri 2028-10-13 09:00, Fri 2029-04-13 09:00
            "0 9 */2 * +MON-FRI" Tue 2026-12-01 09:00, Thu 2026-12-03 09:00, Mon 2026-12-07 09:00
            "0 9 * * +MON" Mon 2026-12-07 09:00, Mon 2026-12-14 09:00, Mon 2026-12-21 09:00
            "0 9 1 * +*" Tue 2026-12-01 09:00, Fri 2027-01-01 09:00, Mon 2027-02-01 09:00
            "0 0 29 2 *" Tue 2028-02-29 00:00, Sun 2032-02-29 00:00, Fri 2036-02-29 00:00
            "0 0 29 2 +MON" Mon 2044-02-29 00:00, Mon 2072-02-29 00:00, Mon 2112-02-29 00:00
            "  0\t9  *  * * " Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "*/10 * * * * *" Tue 2026-12-01 00:00:10, Tue 2026-12-01 00:00:20, Tue 2026-12-01 00:00:30
            "30 0 9 * * MON-FRI" Tue 2026-12-01 09:00:30, Wed 2026-12-02 09:00:30, Thu 2026-12-03 09:00:30
            "0 0 0 1 1 *" Fri 2027-01-01 00:00, Sat 2028-01-01 00:00, Mon 2029-01-01 00:00
            "* * * * * *" Tue 2026-12-01 00:00:01, Tue 2026-12-01 00:00:02, Tue 2026-12-01 00:00:03
            "@hourly" Tue 2026-12-01 01:00, Tue 2026-12-01 02:00, Tue 2026-12-01 03:00
            "@DAILY" Wed 2026-12-02 00:00, Thu 2026-12-03 00:00, Fri 2026-12-04 00:00
            "@Weekly" Sun 2026-12-06 00:00, Sun 2026-12-13 00:00, Sun 2026-12-20 00:00
            "@monthly" Fri 2027-01-01 00:00, Mon 2027-02-01 00:00, Mon 2027-03-01 00:00
            "@yearly" Fri 2027-01-01 00:00, Sat 2028-01-01 00:00, Mon 2029-01-01 00:00
            "@annually" Fri 2027-01-01 00:00, Sat 2028-01-01 00:00, Mon 2029-01-01 00:00
            " @daily " Wed 2026-12-02 00:00, Thu 2026-12-03 00:00, Fri 2026-12-04 00:00
            "0 0 9 * * *" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00
            "0 */15 * * * *" Tue 2026-12-01 00:15, Tue 2026-12-01 00:30, Tue 2026-12-01 00:45
        "#]],
    );
}

#[test]
fn what_may_mean_something_else_raises_a_doubt() {
    check_patterns(
        &[
            "0 9 */2 * MON-FRI",
            "0 9 1 * MON",
            "0 9 13 * FRI",
            "0 9 */1 * MON",
            "0 9 1-31 * MON",
            "0 9 1 * 0-6",
            "0 9 1 * */1",
            "0 9 L * FRI",
            "0 9 15W * MON#1",
            "0 0 9 1,15 * 1",
            "0 9 31 2 MON",
            "0 9 * * 1-5 *",
            "0 9 * * 1 *",
            "0 9 * 6 * *",
            "0 9 * * 1-5 ?",
            "*/15 9 * 1-6 2-6 *",
            "0 9 ? * 2-6",
            "0 0 9 ? * 2-6",
            "0 9 ? * 6L",
            "0 9 ? * 2#1",
        ],
        &expect![[r#"
            "0 9 */2 * MON-FRI" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00 EitherDay
            "0 9 1 * MON" Tue 2026-12-01 09:00, Mon 2026-12-07 09:00, Mon 2026-12-14 09:00 EitherDay
            "0 9 13 * FRI" Fri 2026-12-04 09:00, Fri 2026-12-11 09:00, Sun 2026-12-13 09:00 EitherDay
            "0 9 */1 * MON" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00 EitherDay
            "0 9 1-31 * MON" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00 EitherDay
            "0 9 1 * 0-6" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00 EitherDay
            "0 9 1 * */1" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00 EitherDay
            "0 9 L * FRI" Fri 2026-12-04 09:00, Fri 2026-12-11 09:00, Fri 2026-12-18 09:00 EitherDay
            "0 9 15W * MON#1" Mon 2026-12-07 09:00, Tue 2026-12-15 09:00, Mon 2027-01-04 09:00 EitherDay
            "0 0 9 1,15 * 1" Tue 2026-12-01 09:00, Mon 2026-12-07 09:00, Mon 2026-12-14 09:00 EitherDay
            "0 9 31 2 MON" Mon 2027-02-01 09:00, Mon 2027-02-08 09:00, Mon 2027-02-15 09:00 EitherDay
            "0 9 * * 1-5 *" Fri 2027-01-01 00:09, Fri 2027-01-01 01:09, Fri 2027-01-01 02:09 LastIsYear
            "0 9 * * 1 *" Fri 2027-01-01 00:09, Fri 2027-01-01 01:09, Fri 2027-01-01 02:09 LastIsYear
            "0 9 * 6 * *" Sun 2026-12-06 00:09, Sun 2026-12-06 01:09, Sun 2026-12-06 02:09 LastIsYear
            "0 9 * * 1-5 ?" Fri 2027-01-01 00:09, Fri 2027-01-01 01:09, Fri 2027-01-01 02:09 LastIsYear
            "*/15 9 * 1-6 2-6 *" Mon 2027-02-01 00:09:00, Mon 2027-02-01 00:09:15, Mon 2027-02-01 00:09:30 LastIsYear
            "0 9 ? * 2-6" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00 WeekdayNumbers
            "0 0 9 ? * 2-6" Tue 2026-12-01 09:00, Wed 2026-12-02 09:00, Thu 2026-12-03 09:00 WeekdayNumbers
            "0 9 ? * 6L" Sat 2026-12-26 09:00, Sat 2027-01-30 09:00, Sat 2027-02-27 09:00 WeekdayNumbers
            "0 9 ? * 2#1" Tue 2026-12-01 09:00, Tue 2027-01-05 09:00, Tue 2027-02-02 09:00 WeekdayNumbers
        "#]],
    );
}

#[test]
fn what_belongs_to_another_dialect_is_refused_with_what_was_meant() {
    check_patterns(
        &[
            // Names in the wrong field.
            "0 9 * * MON-FRI *",
            "0 9 * MON-FRI *",
            "0 9 MON * *",
            "0 MON * * *",
            "MON * * * *",
            "0 9 * * JAN",
            "0 9 JAN * *",
            "0 9 JAN * MON",
            "0 9 * MON JAN",
            "0 0 9 MON-FRI * *",
            "0 0 9 * MON JAN",
            "JAN 9 * * *",
            "0 9 * MON,WED *",
            "0 9 * MON 1",
            "1,MON 9 * * *",
            "0 9 * Monday *",
            "0 9 1 * JAN",
            "0 9 * * MON,JAN",
            // EventBridge and Quartz.
            "0 9 ? * MON-FRI *",
            "0 9 ? * 2-6 *",
            "15 10 ? * 6L 2019-2022",
            "0 9 1 * ? *",
            "0 9 L * ? *",
            "0/15 * * * ? *",
            "0 18 ? * MON-FRI 2027",
            "0 9 * * 1-5 2027",
            "0 8 ? * 2#1 *",
            "0 0 9 ? * MON-FRI *",
            "0 0 9 ? * 2-6 2027",
            "0 0/5 14 * * ? *",
            "0 0 9 1 * ? 2026,2027",
            "cron(0 9 ? * MON-FRI *)",
            "cron(0 9 * * *)",
            "cron(nonsense)",
            "rate(5 minutes)",
            "rate(1 hour)",
            "rate(7 minutes)",
            "* * * * * * 2030",
            "0 0 9 * * * *",
            "0 9 * * * * zenreaper",
            "0 9 * * * * * *",
            "* * ? * *",
            "0 ? * * *",
            "0 9 * ? *",
            // Intervals and words.
            "15m",
            "1h",
            "24h",
            "7d",
            "90m",
            "every 5 minutes",
            "every hour",
            "@every 5m",
            "@every 1h",
            "@every 1h30m",
            "@EVERY 10s",
            "@every",
            "@reboot",
            "@midnight",
            "@hourly 5",
            "@dayly",
            "@fortnightly",
            "@never",
            "@",
            "0 @daily",
            "hourly",
            "daily",
            "never",
            "09:00",
            "9:00 * * * *",
            "*:0/15",
            "Mon *-*-* 09:00",
            "CRON_TZ=UTC 0 9 * * *",
            "TZ=Europe/Berlin 0 9 * * *",
            // Other signs.
            "H * * * *",
            "H/15 * * * *",
            "H(0-29)/10 * * * *",
            "0~30 * * * *",
            "0 9 * * L",
            "0 9 L-3 * *",
            "0 9 5L * *",
            "0 9 WL * *",
            "0 9 W * *",
            "0 9 W15 * *",
            "0 9 15W3 * *",
            "0 9 1-5W * *",
            "0 9 LW5 * *",
            "0 9 L,LW * *",
            "0 9 1#2 * *",
            "0 9 * * 15W",
            "0 L * * *",
            "0 9 * L *",
            "0 9 * * 1#6",
            "0 9 * * MON#0",
            "0 9 * * MON#",
            "0 9 * * #1",
            "0 9 * * 5#L",
            "0 9 * * 1#2L",
            "0 9 * * 5LL",
            "0 9 * * MON-FRI#1",
            "0 9 * * 1-3L",
            "0 9 * * MON#1#2",
            "0 9 32W * *",
        ],
        &expect![[r#"
            `0 9 * * MON-FRI *` is not a schedule: `MON-FRI` in the month field is the name of a day of the week; write `0 9 * * MON-FRI`: of 6 fields the first is the second, and there is no field for the year
            `0 9 * MON-FRI *` is not a schedule: `MON-FRI` in the month field is the name of a day of the week; write `0 9 * * MON-FRI`
            `0 9 MON * *` is not a schedule: `MON` in the day-of-month field is the name of a day of the week; write `0 9 * * MON`
            `0 MON * * *` is not a schedule: `MON` in the hour field is the name of a day of the week; write it in the day-of-week field only
            `MON * * * *` is not a schedule: `MON` in the minute field is the name of a day of the week; write it in the day-of-week field only
            `0 9 * * JAN` is not a schedule: `JAN` in the day-of-week field is the name of a month; write `0 9 * JAN *`
            `0 9 JAN * *` is not a schedule: `JAN` in the day-of-month field is the name of a month; write `0 9 * JAN *`
            `0 9 JAN * MON` is not a schedule: `JAN` in the day-of-month field is the name of a month; write `0 9 * JAN MON`
            `0 9 * MON JAN` is not a schedule: `MON` in the month field is the name of a day of the week; write `0 9 * JAN MON`
            `0 0 9 MON-FRI * *` is not a schedule: `MON-FRI` in the day-of-month field is the name of a day of the week; write `0 0 9 * * MON-FRI`
            `0 0 9 * MON JAN` is not a schedule: `MON` in the month field is the name of a day of the week; write `0 0 9 * JAN MON`
            `JAN 9 * * *` is not a schedule: `JAN` in the minute field is the name of a month; write it in the month field only
            `0 9 * MON,WED *` is not a schedule: `MON` in the month field is the name of a day of the week; write `0 9 * * MON,WED`
            `0 9 * MON 1` is not a schedule: `MON` in the month field is the name of a day of the week; write it in the day-of-week field only
            `1,MON 9 * * *` is not a schedule: `MON` in the minute field is the name of a day of the week; write it in the day-of-week field only
            `0 9 * Monday *` is not a schedule: `Monday` in the month field is the name of a day of the week; write `0 9 * * MON`
            `0 9 1 * JAN` is not a schedule: `JAN` in the day-of-week field is the name of a month; write `0 9 1 JAN *`
            `0 9 * * MON,JAN` is not a schedule: `JAN` in the day-of-week field is the name of a month; write it in the month field only
            `0 9 ? * MON-FRI *` is not a schedule: `?` in the hour field has a meaning only in the day-of-month and day-of-week fields; write `0 9 * * MON-FRI`: of 6 fields the first is the second, and there is no field for the year
            `0 9 ? * 2-6 *` is not a schedule: `?` in the hour field has a meaning only in the day-of-month and day-of-week fields; write `0 9 * * MON-FRI`: of 6 fields the first is the second, and there is no field for the year
            `15 10 ? * 6L 2019-2022` is not a schedule: `?` in the hour field has a meaning only in the day-of-month and day-of-week fields; write `15 10 * * FRIL`: of 6 fields the first is the second, and there is no field for the year
            `0 9 1 * ? *` is not a schedule: `?` in the month field has a meaning only in the day-of-month and day-of-week fields; write `0 9 1 * *`: of 6 fields the first is the second, and there is no field for the year
            `0 9 L * ? *` is not a schedule: `L` in the hour field has a meaning only in the day-of-month and day-of-week fields; write `0 9 L * *`: of 6 fields the first is the second, and there is no field for the year
            `0/15 * * * ? *` is not a schedule: `0/15` in the second field has a step and only one value before it; write `*/15 * * * *`: of 6 fields the first is the second, and there is no field for the year
            `0 18 ? * MON-FRI 2027` is not a schedule: `?` in the hour field has a meaning only in the day-of-month and day-of-week fields; write `0 18 * * MON-FRI`: of 6 fields the first is the second, and there is no field for the year
            `0 9 * * 1-5 2027` is not a schedule: `2027` in the day-of-week field is outside 0 to 7; write `0 9 * * 1-5`: of 6 fields the first is the second, and there is no field for the year
            `0 8 ? * 2#1 *` is not a schedule: `?` in the hour field has a meaning only in the day-of-month and day-of-week fields; write `0 8 * * MON#1`: of 6 fields the first is the second, and there is no field for the year
            `0 0 9 ? * MON-FRI *` is not a schedule: it has 7 fields; write `0 0 9 * * MON-FRI`: there is no field for the year
            `0 0 9 ? * 2-6 2027` is not a schedule: it has 7 fields; write `0 0 9 * * MON-FRI`: there is no field for the year
            `0 0/5 14 * * ? *` is not a schedule: it has 7 fields; write `0 */5 14 * * *`: there is no field for the year
            `0 0 9 1 * ? 2026,2027` is not a schedule: it has 7 fields; write `0 0 9 1 * *`: there is no field for the year
            `cron(0 9 ? * MON-FRI *)` is not a schedule: it is an expression of Amazon EventBridge; write `0 9 * * MON-FRI`
            `cron(0 9 * * *)` is not a schedule: it is an expression of Amazon EventBridge; write `0 9 * * *`
            `cron(nonsense)` is not a schedule: it is an expression of Amazon EventBridge; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `rate(5 minutes)` is not a schedule: it is an expression of Amazon EventBridge; write `*/5 * * * *`
            `rate(1 hour)` is not a schedule: it is an expression of Amazon EventBridge; write `@hourly`
            `rate(7 minutes)` is not a schedule: it is an expression of Amazon EventBridge; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `* * * * * * 2030` is not a schedule: it has 7 fields; write `* * * * * *`: there is no field for the year
            `0 0 9 * * * *` is not a schedule: it has 7 fields; write `0 0 9 * * *`: there is no field for the year
            `0 9 * * * * zenreaper` is not a schedule: it has 7 fields; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `0 9 * * * * * *` is not a schedule: it has more than 6 fields; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            "* * ? * *" Tue 2026-12-01 00:01, Tue 2026-12-01 00:02, Tue 2026-12-01 00:03
            `0 ? * * *` is not a schedule: `?` in the hour field has a meaning only in the day-of-month and day-of-week fields; write `*`
            `0 9 * ? *` is not a schedule: `?` in the month field has a meaning only in the day-of-month and day-of-week fields; write `*`
            `15m` is an interval, not a schedule; write `*/15 * * * *`
            `1h` is an interval, not a schedule; write `@hourly`
            `24h` is an interval, not a schedule; write `@daily`
            `7d` is an interval, not a schedule; write `@weekly`
            `90m` is an interval, not a schedule; a crontab repeats evenly only what divides an hour or a day: write `*/5 * * * *`, `0 */6 * * *` or the like
            `every 5 minutes` is an interval, not a schedule; write `*/5 * * * *`
            `every hour` is an interval, not a schedule; write `@hourly`
            `@every 5m` is an interval, not a schedule; write `*/5 * * * *`
            `@every 1h` is an interval, not a schedule; write `@hourly`
            `@every 1h30m` is an interval, not a schedule; a crontab repeats evenly only what divides an hour or a day: write `*/5 * * * *`, `0 */6 * * *` or the like
            `@EVERY 10s` is an interval, not a schedule; a crontab repeats evenly only what divides an hour or a day: write `*/5 * * * *`, `0 */6 * * *` or the like
            `@every` is an interval, not a schedule; a crontab repeats evenly only what divides an hour or a day: write `*/5 * * * *`, `0 */6 * * *` or the like
            `@reboot` is not a schedule: the word is not known; write when it is to run, such as `@hourly`; after a start, the first run is the next one that is due
            `@midnight` is not a schedule: the word is not known; write `@daily`
            `@hourly 5` is not a schedule: there is more behind the word; write `@hourly` alone
            `@dayly` is not a schedule: the word is not known; did you mean `@daily`? expected one of @hourly, @daily, @weekly, @monthly, @yearly, @annually
            `@fortnightly` is not a schedule: the word is not known; expected one of @hourly, @daily, @weekly, @monthly, @yearly, @annually
            `@never` is not a schedule: the word is not known; expected one of @hourly, @daily, @weekly, @monthly, @yearly, @annually
            `@` is not a schedule: the word is not known; expected one of @hourly, @daily, @weekly, @monthly, @yearly, @annually
            `0 @daily` is not a schedule: it has 2 fields; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `hourly` is not a schedule: it has no @; write `@hourly`
            `daily` is not a schedule: it has no @; write `@daily`
            `never` is not a schedule: it has 1 field; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `09:00` is not a schedule: it has a time of the day; write `0 9 * * *` for each day at that time
            `9:00 * * * *` is not a schedule: it has a time of the day; write minute and hour as fields: `30 9 * * MON` is Monday, 09:30
            `*:0/15` is not a schedule: it has a time of the day; write minute and hour as fields: `30 9 * * MON` is Monday, 09:30
            `Mon *-*-* 09:00` is not a schedule: it has a time of the day; write minute and hour as fields: `30 9 * * MON` is Monday, 09:30
            `CRON_TZ=UTC 0 9 * * *` is not a schedule: it begins with a variable; write the time zone under `timezone`, beside `schedule`
            `TZ=Europe/Berlin 0 9 * * *` is not a schedule: it begins with a variable; write the time zone under `timezone`, beside `schedule`
            `H * * * *` is not a schedule: `H` in the minute field is Jenkins syntax for a spread; write a number, such as `7`; `jitter` in the config delays each run at random
            `H/15 * * * *` is not a schedule: `H/15` in the minute field is Jenkins syntax for a spread; write a number, such as `7`; `jitter` in the config delays each run at random
            `H(0-29)/10 * * * *` is not a schedule: `H(0-29)/10` in the minute field is Jenkins syntax for a spread; write a number, such as `7`; `jitter` in the config delays each run at random
            `0~30 * * * *` is not a schedule: `0~30` in the minute field is cronie syntax for a random value; write a number, such as `7`; `jitter` in the config delays each run at random
            `0 9 * * L` is not a schedule: `L` in the day-of-week field does not say of which day it is the last; write `FRIL` for the last Friday of the month; the last day of the month is `L` in the day-of-month field
            `0 9 L-3 * *` is not a schedule: `L-3` in the day-of-month field counts back from the last day, which is not supported; write `L` for the last day, or a day such as `28`
            `0 9 5L * *` is not a schedule: `5L` in the day-of-month field gives `L` a number; write `0 9 * * 5L`
            `0 9 WL * *` is not a schedule: `WL` in the day-of-month field is not how the last weekday is written; write `LW`
            `0 9 W * *` is not a schedule: `W` in the day-of-month field does not say which day; write a day before it, such as `15W`
            `0 9 W15 * *` is not a schedule: `W15` in the day-of-month field has its `W` in front; write `15W`
            `0 9 15W3 * *` is not a schedule: `15W3` in the day-of-month field is not a value of this field; expected `*`, 1 to 31, a range such as `1-7`, a step such as `*/10`, `L` (the last day), `15W` (the weekday nearest the 15th), `LW` (the last weekday), or a list of these
            `0 9 1-5W * *` is not a schedule: `1-5W` in the day-of-month field gives `W` a range; write one day before it, such as `15W`
            `0 9 LW5 * *` is not a schedule: `LW5` in the day-of-month field is not a value of this field; expected `*`, 1 to 31, a range such as `1-7`, a step such as `*/10`, `L` (the last day), `15W` (the weekday nearest the 15th), `LW` (the last weekday), or a list of these
            `0 9 L,LW * *` is not a schedule: `L,LW` in the day-of-month field lists `L` beside `LW`; write one of the two, or give each a rule of its own
            `0 9 1#2 * *` is not a schedule: `1#2` in the day-of-month field is the nth day of the week in a month; write `0 9 * * 1#2`
            `0 9 * * 15W` is not a schedule: `15W` in the day-of-week field has a meaning only for a day of the month; write `0 9 15W * *`
            `0 L * * *` is not a schedule: `L` in the hour field has a meaning only in the day-of-month and day-of-week fields; expected `*`, 0 to 23, a range such as `8-18`, a step such as `*/6`, or a list of these
            `0 9 * L *` is not a schedule: `L` in the month field has a meaning only in the day-of-month and day-of-week fields; write `0 9 L * *`
            `0 9 * * 1#6` is not a schedule: `1#6` in the day-of-week field names none of the five of a month; write `1#1` to `1#5`, or `1L` for the last one
            `0 9 * * MON#0` is not a schedule: `MON#0` in the day-of-week field names none of the five of a month; write `MON#1` to `MON#5`, or `MONL` for the last one
            `0 9 * * MON#` is not a schedule: `MON#` in the day-of-week field names none of the five of a month; write `MON#1` to `MON#5`, or `MONL` for the last one
            `0 9 * * #1` is not a schedule: `#1` in the day-of-week field is not a value of this field; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `0 9 * * 5#L` is not a schedule: `5#L` in the day-of-week field marks the last twice; write `5L`
            `0 9 * * 1#2L` is not a schedule: `1#2L` in the day-of-week field names none of the five of a month; write `1#1` to `1#5`, or `1L` for the last one
            `0 9 * * 5LL` is not a schedule: `5LL` in the day-of-week field is not a value of this field; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `0 9 * * MON-FRI#1` is not a schedule: `MON-FRI#1` in the day-of-week field marks a range, which has no one day; write `MON#1,TUE#1,WED#1,THU#1,FRI#1`
            `0 9 * * 1-3L` is not a schedule: `1-3L` in the day-of-week field marks a range, which has no one day; write `1L,2L,3L`
            `0 9 * * MON#1#2` is not a schedule: `MON#1#2` in the day-of-week field names none of the five of a month; write `MON#1` to `MON#5`, or `MONL` for the last one
            `0 9 32W * *` is not a schedule: `32` in the day-of-month field is outside 1 to 31; expected `*`, 1 to 31, a range such as `1-7`, a step such as `*/10`, `L` (the last day), `15W` (the weekday nearest the 15th), `LW` (the last weekday), or a list of these
        "#]],
    );
}

#[test]
fn what_is_odd_is_refused_with_what_was_meant() {
    check_patterns(
        &[
            // Steps.
            "*/90 * * * *",
            "*/60 * * * *",
            "*/120 * * * *",
            "0 */24 * * *",
            "0 */36 * * *",
            "0 0 */31 * *",
            "0 0 1 */12 *",
            "0 0 * * */7",
            "0 0 * * */8",
            "*/60 * * * * *",
            "*/0 * * * *",
            "1-5/0 * * * *",
            "0-10/30 * * * *",
            "10-20/15 * * * *",
            "/5 * * * *",
            "/90 * * * *",
            "0/15 * * * *",
            "5/15 * * * *",
            "50/15 * * * *",
            "0 9 * * MON/2",
            "*/ * * * *",
            "*/x * * * *",
            "*/-5 * * * *",
            "*/5/2 * * * *",
            "*/1.5 * * * *",
            "*/99999 * * * *",
            "0 9 L/2 * *",
            "0 0 * * 1-7/7",
            "0 0 * * 0-7/7",
            // Lists.
            "0 0 * * 1,L",
            "0 0 * * L,1",
            "1,,2 * * * *",
            ",1 * * * *",
            "1, * * * *",
            ", * * * *",
            "*,5 * * * *",
            "0 9 1,? * *",
            "1, 2 * * * *",
            "1;2 * * * *",
            "0 1 - 5 * * *",
            "0 9 * * 1, 3",
            "*/ 5 * * * *",
            // Ranges.
            "5- * * * *",
            "-5 * * * *",
            "0 9 * * MON-",
            "0 9 * * -FRI",
            "0 22-2 * * *",
            "0 23-2 * * *",
            "0 22-0 * * *",
            "0 22-2/2 * * *",
            "0 9 * * FRI-MON",
            "0 9 * * 5-1",
            "0 9 * * 6-0",
            "0 9 * * SAT-MON",
            "0 9 28-3 * *",
            "0 9 * NOV-FEB *",
            "0 9 * 11-2 *",
            "5-5 * * * *",
            "0 9 * * SUN-SUN",
            "0 9 * * SUN-7",
            "0 9 * * 7-0",
            "0 9 * * MON-MON",
            "1-2-3 * * * *",
            "*-5 * * * *",
            "1..5 * * * *",
            // Values.
            "60 * * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "0 0 32 * *",
            "0 0 1 0 *",
            "0 0 1 13 *",
            "0 0 * * 8",
            "60 * * * * *",
            "0 60 * * * *",
            "005 * * * *",
            "+5 * * * *",
            "0 9 * * +",
            "0 9 * * ++MON",
            "0 9 +1 * MON",
            "1.5 * * * *",
            "0 9 * * Monday",
            "0 9 * * mon-friday",
            "0 9 * * Tues",
            "0 9 * * Mo",
            "0 9 * * Mi",
            "0 9 * January *",
            "0 9 * * MONTUE",
            "0 9 * * 1MON",
            "MONTUE * * * *",
            "x * * * *",
            "** * * * *",
            "*5 * * * *",
            "0x5 * * * *",
            "0 0 31 2 *",
            "0 0 30,31 2 *",
            "0 0 31 4,6 *",
            "0 0 30 2 +MON",
            // Characters and counts.
            "",
            "   ",
            "*",
            "* *",
            "* * *",
            "* * * *",
            "0 9 * * *\n",
            "0 9 *\n* *",
            "0\u{a0}9 * * *",
            "\u{feff}0 9 * * *",
            "\u{ff11} * * * *",
            "\u{661} * * * *",
            "0 9 * * MON\u{2013}FRI",
            "\u{ff0a} * * * *",
            "0 9 * * \u{17f}UN",
            "0 9 * * *\0",
            "0 9 * * * # daily",
            "\"0 9 * * *\"",
            "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,x * * * *",
        ],
        &expect![[r#"
            `*/90 * * * *` is not a schedule: `*/90` in the minute field has a step that leaves only the value 0; write `0` for once per hour, or a step of at most 59; steps start again in each hour
            `*/60 * * * *` is not a schedule: `*/60` in the minute field has a step that leaves only the value 0; write `0` for once per hour, or a step of at most 59; steps start again in each hour
            `*/120 * * * *` is not a schedule: `*/120` in the minute field has a step that leaves only the value 0; for every 2 hours write `0 */2` in the minute and hour fields
            `0 */24 * * *` is not a schedule: `*/24` in the hour field has a step that leaves only the value 0; write `0` for once per day, or a step of at most 23; steps start again in each day
            `0 */36 * * *` is not a schedule: `*/36` in the hour field has a step that leaves only the value 0; write `0` for once per day, or a step of at most 23; steps start again in each day
            `0 0 */31 * *` is not a schedule: `*/31` in the day-of-month field has a step that leaves only the value 1; write `1` for once per month, or a step of at most 30; steps start again in each month
            `0 0 1 */12 *` is not a schedule: `*/12` in the month field has a step that leaves only the value 1; write `1` for once per year, or a step of at most 11; steps start again in each year
            `0 0 * * */7` is not a schedule: `*/7` in the day-of-week field has a step that leaves only the value 0; write `0` for once per week, or a step of at most 6; steps start again in each week
            `0 0 * * */8` is not a schedule: `*/8` in the day-of-week field has a step that leaves only the value 0; write `0` for once per week, or a step of at most 6; steps start again in each week
            `*/60 * * * * *` is not a schedule: `*/60` in the second field has a step that leaves only the value 0; write `0` for once per minute, or a step of at most 59; steps start again in each minute
            `*/0 * * * *` is not a schedule: `*/0` in the minute field has a step of 0; write a step of 1 or more, such as `*/5`
            `1-5/0 * * * *` is not a schedule: `1-5/0` in the minute field has a step of 0; write a step of 1 or more, such as `*/5`
            `0-10/30 * * * *` is not a schedule: `0-10/30` in the minute field has a step that leaves only the value 0; write `0` for once per hour, or a step of at most 10; steps start again in each hour
            `10-20/15 * * * *` is not a schedule: `10-20/15` in the minute field has a step that leaves only the value 10; write `10` for once per hour, or a step of at most 10; steps start again in each hour
            `/5 * * * *` is not a schedule: `/5` in the minute field has no range before its step; write `*/5`
            `/90 * * * *` is not a schedule: `/90` in the minute field has no range before its step; write `0` for once per hour, or a step of at most 59; steps start again in each hour
            `0/15 * * * *` is not a schedule: `0/15` in the minute field has a step and only one value before it; write `*/15`
            `5/15 * * * *` is not a schedule: `5/15` in the minute field has a step and only one value before it; write `5-59/15`
            `50/15 * * * *` is not a schedule: `50/15` in the minute field has a step and only one value before it; write `50` for once per hour, or a step of at most 9; steps start again in each hour
            `0 9 * * MON/2` is not a schedule: `MON/2` in the day-of-week field has a step and only one value before it; write `MON-SAT/2`
            `*/ * * * *` is not a schedule: `*/` in the minute field has a step that is not a number; write a step that is a whole number, such as `*/5`
            `*/x * * * *` is not a schedule: `*/x` in the minute field has a step that is not a number; write a step that is a whole number, such as `*/5`
            `*/-5 * * * *` is not a schedule: `*/-5` in the minute field has a step that is not a number; write a step that is a whole number, such as `*/5`
            `*/5/2 * * * *` is not a schedule: `*/5/2` in the minute field has a step that is not a number; write a step that is a whole number, such as `*/5`
            `*/1.5 * * * *` is not a schedule: `*/1.5` in the minute field has a step that is not a number; write a step that is a whole number, such as `*/5`
            `*/99999 * * * *` is not a schedule: `*/99999` in the minute field has a step that is not a number; write a step that is a whole number, such as `*/5`
            `0 9 L/2 * *` is not a schedule: `L` in the day-of-month field is not a value of this field; expected `*`, 1 to 31, a range such as `1-7`, a step such as `*/10`, `L` (the last day), `15W` (the weekday nearest the 15th), `LW` (the last weekday), or a list of these
            `0 0 * * 1-7/7` is not a schedule: `1-7/7` in the day-of-week field has a step that leaves only the value 1; write `1` for once per week, or a step of at most 6; steps start again in each week
            `0 0 * * 0-7/7` is not a schedule: `0-7/7` in the day-of-week field has a step that leaves only the value 0; write `0` for once per week, or a step of at most 6; steps start again in each week
            `0 0 * * 1,L` is not a schedule: `L` in the day-of-week field does not say of which day it is the last; write `FRIL` for the last Friday of the month; the last day of the month is `L` in the day-of-month field
            `0 0 * * L,1` is not a schedule: `L` in the day-of-week field does not say of which day it is the last; write `FRIL` for the last Friday of the month; the last day of the month is `L` in the day-of-month field
            `1,,2 * * * *` is not a schedule: `1,,2` in the minute field has an empty list item; write `1,2`
            `,1 * * * *` is not a schedule: `,1` in the minute field has an empty list item; write `1`
            `1, * * * *` is not a schedule: `1,` in the minute field has an empty list item; write `1`
            `, * * * *` is not a schedule: `,` in the minute field has an empty list item; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `*,5 * * * *` is not a schedule: `*,5` in the minute field lists `*` beside values that it covers; write `*` alone, or only the other values
            `0 9 1,? * *` is not a schedule: `1,?` in the day-of-month field lists `*` beside values that it covers; write `*` alone, or only the other values
            `1, 2 * * * *` is not a schedule: it has a space inside a field; write `1,2 * * * *`
            `1;2 * * * *` is not a schedule: `1;2` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `0 1 - 5 * * *` is not a schedule: it has a space inside a field; write `0 1-5 * * *`
            `0 9 * * 1, 3` is not a schedule: it has a space inside a field; write `0 9 * * 1,3`
            `*/ 5 * * * *` is not a schedule: it has a space inside a field; write `*/5 * * * *`
            `5- * * * *` is not a schedule: `5-` in the minute field is a range without an end; write `5-59`
            `-5 * * * *` is not a schedule: `-5` in the minute field is a range without a start; write `0-5`
            `0 9 * * MON-` is not a schedule: `MON-` in the day-of-week field is a range without an end; write `MON-SAT`
            `0 9 * * -FRI` is not a schedule: `-FRI` in the day-of-week field is a range without a start; write `SUN-FRI`
            `0 22-2 * * *` is not a schedule: `22-2` in the hour field is a range that runs backwards; write `22-23,0-2`
            `0 23-2 * * *` is not a schedule: `23-2` in the hour field is a range that runs backwards; write `23,0-2`
            `0 22-0 * * *` is not a schedule: `22-0` in the hour field is a range that runs backwards; write `22-23,0`
            `0 22-2/2 * * *` is not a schedule: `22-2` in the hour field is a range that runs backwards; write `22-23,0-2`
            `0 9 * * FRI-MON` is not a schedule: `FRI-MON` in the day-of-week field is a range that runs backwards; write `FRI-SUN,MON`
            `0 9 * * 5-1` is not a schedule: `5-1` in the day-of-week field is a range that runs backwards; write `5-7,1`
            `0 9 * * 6-0` is not a schedule: `6-0` in the day-of-week field is a range that runs backwards; write `6-7`
            `0 9 * * SAT-MON` is not a schedule: `SAT-MON` in the day-of-week field is a range that runs backwards; write `SAT-SUN,MON`
            `0 9 28-3 * *` is not a schedule: `28-3` in the day-of-month field is a range that runs backwards; write `28-31,1-3`
            `0 9 * NOV-FEB *` is not a schedule: `NOV-FEB` in the month field is a range that runs backwards; write `NOV-DEC,JAN-FEB`
            `0 9 * 11-2 *` is not a schedule: `11-2` in the month field is a range that runs backwards; write `11-12,1-2`
            `5-5 * * * *` is not a schedule: `5-5` in the minute field starts and ends with the same value; write `5`
            `0 9 * * SUN-SUN` is not a schedule: `SUN-SUN` in the day-of-week field starts and ends with the same value; write `SUN`
            `0 9 * * SUN-7` is not a schedule: `SUN-7` in the day-of-week field starts and ends with the same value; write `SUN`
            `0 9 * * 7-0` is not a schedule: `7-0` in the day-of-week field starts and ends with the same value; write `7`
            `0 9 * * MON-MON` is not a schedule: `MON-MON` in the day-of-week field starts and ends with the same value; write `MON`
            `1-2-3 * * * *` is not a schedule: `1-2-3` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `*-5 * * * *` is not a schedule: `*-5` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `1..5 * * * *` is not a schedule: `1..5` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `60 * * * *` is not a schedule: `60` in the minute field is outside 0 to 59; write `0`
            `0 24 * * *` is not a schedule: `24` in the hour field is outside 0 to 23; write `0` for midnight
            `0 0 0 * *` is not a schedule: `0` in the day-of-month field is outside 1 to 31; expected `*`, 1 to 31, a range such as `1-7`, a step such as `*/10`, `L` (the last day), `15W` (the weekday nearest the 15th), `LW` (the last weekday), or a list of these
            `0 0 32 * *` is not a schedule: `32` in the day-of-month field is outside 1 to 31; expected `*`, 1 to 31, a range such as `1-7`, a step such as `*/10`, `L` (the last day), `15W` (the weekday nearest the 15th), `LW` (the last weekday), or a list of these
            `0 0 1 0 *` is not a schedule: `0` in the month field is outside 1 to 12; expected `*`, 1 to 12 or JAN to DEC, a range such as `MAY-AUG`, a step such as `*/3`, or a list of these
            `0 0 1 13 *` is not a schedule: `13` in the month field is outside 1 to 12; expected `*`, 1 to 12 or JAN to DEC, a range such as `MAY-AUG`, a step such as `*/3`, or a list of these
            `0 0 * * 8` is not a schedule: `8` in the day-of-week field is outside 0 to 7; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `60 * * * * *` is not a schedule: `60` in the second field is outside 0 to 59; write `0`
            `0 60 * * * *` is not a schedule: `60` in the minute field is outside 0 to 59; write `0`
            `005 * * * *` is not a schedule: `005` in the minute field has more than two digits; write `5`
            `+5 * * * *` is not a schedule: `+5` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `0 9 * * +` is not a schedule: `+` in the day-of-week field has an empty list item; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `0 9 * * ++MON` is not a schedule: `+MON` in the day-of-week field is not a value of this field; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `0 9 +1 * MON` is not a schedule: `+1` in the day-of-month field is not a value of this field; expected `*`, 1 to 31, a range such as `1-7`, a step such as `*/10`, `L` (the last day), `15W` (the weekday nearest the 15th), `LW` (the last weekday), or a list of these
            `1.5 * * * *` is not a schedule: `1.5` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `0 9 * * Monday` is not a schedule: `Monday` in the day-of-week field is not how the name is written; write `MON`
            `0 9 * * mon-friday` is not a schedule: `friday` in the day-of-week field is not how the name is written; write `FRI`
            `0 9 * * Tues` is not a schedule: `Tues` in the day-of-week field is not how the name is written; write `TUE`
            `0 9 * * Mo` is not a schedule: `Mo` in the day-of-week field is not how the name is written; write `MON`
            `0 9 * * Mi` is not a schedule: `Mi` in the day-of-week field is not a value of this field; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `0 9 * January *` is not a schedule: `January` in the month field is not how the name is written; write `JAN`
            `0 9 * * MONTUE` is not a schedule: `MONTUE` in the day-of-week field is not a value of this field; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `0 9 * * 1MON` is not a schedule: `1MON` in the day-of-week field is not a value of this field; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `MONTUE * * * *` is not a schedule: `MONTUE` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `x * * * *` is not a schedule: `x` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `** * * * *` is not a schedule: `**` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `*5 * * * *` is not a schedule: `*5` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `0x5 * * * *` is not a schedule: `0x5` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
            `0 0 31 2 *` never fires; write a day that occurs in the month, or `L` for the last day of the month
            `0 0 30,31 2 *` never fires; write a day that occurs in the month, or `L` for the last day of the month
            `0 0 31 4,6 *` never fires; write a day that occurs in the month, or `L` for the last day of the month
            `0 0 30 2 +MON` never fires; write a day that occurs in the month, or `L` for the last day of the month
            `` is not a schedule: it is empty; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `   ` is not a schedule: it is empty; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `*` is not a schedule: it has 1 field; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `* *` is not a schedule: it has 2 fields; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `* * *` is not a schedule: it has 3 fields; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `* * * *` is not a schedule: it has 4 fields; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `0 9 * * *\n` is not a schedule: it has a line break; write the pattern on one line
            `0 9 *\n* *` is not a schedule: it has a line break; write the pattern on one line
            `0\u{a0}9 * * *` is not a schedule: the character U+00A0 has no meaning in one; separate the fields by spaces
            `\u{feff}0 9 * * *` is not a schedule: the character U+FEFF has no meaning in one; write digits, names and `* , - / ? # L W +` in plain ASCII
            `１ * * * *` is not a schedule: the character `１` has no meaning in one; write digits, names and `* , - / ? # L W +` in plain ASCII
            `١ * * * *` is not a schedule: the character `١` has no meaning in one; write digits, names and `* , - / ? # L W +` in plain ASCII
            `0 9 * * MON–FRI` is not a schedule: the character U+2013 has no meaning in one; write `-`
            `＊ * * * *` is not a schedule: the character U+FF0A has no meaning in one; write `*`
            `0 9 * * ſUN` is not a schedule: the character `ſ` has no meaning in one; write digits, names and `* , - / ? # L W +` in plain ASCII
            `0 9 * * *\0` is not a schedule: the character U+0000 has no meaning in one; write digits, names and `* , - / ? # L W +` in plain ASCII
            `0 9 * * * # daily` is not a schedule: it has 7 fields; expected a crontab of 5 fields such as `*/15 * * * *`, of 6 with seconds first, or @hourly, @daily and friends
            `\"0 9 * * *\"` is not a schedule: `\"0` in the minute field is not a value of this field; `*\"` in the day-of-week field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these; expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these
            `0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16…` is not a schedule: `x` in the minute field is not a value of this field; expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these
        "#]],
    );
}

#[test]
fn a_pattern_that_is_too_long_is_refused_and_not_shown_whole() {
    let long = format!("{} * * * *", vec!["1"; 10_000].join(","));
    let rejected = Schedule::parse(&long, TimeZone::UTC, START.parse().unwrap()).unwrap_err();
    assert!(rejected.to_string().len() < 300, "{rejected}");
    assert!(rejected.message.ends_with("is too long for a schedule"), "{rejected}");
}
