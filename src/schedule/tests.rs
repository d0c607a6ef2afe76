use std::fmt::Write;

use expect_test::{ExpectFile, expect_file};

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

/// What becomes of a pattern: its first firings and its doubts, or the whole message.
fn outcome(pattern: &str) -> String {
    let now: Timestamp = START.parse().unwrap();
    match Schedule::parse(pattern, TimeZone::UTC, now) {
        Err(rejected) => rejected.to_string(),
        Ok(schedule) => {
            let firings = schedule.next_firings(now).replace(" +00:00", "").replace(" (UTC)", "");
            let doubts = schedule.doubts().iter().map(|doubt| format!("{doubt:?}"));
            [firings].into_iter().chain(doubts).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Checks a table of patterns: each line begins with one, as a text of JSON, and goes on with what becomes of it.
fn check_table(table: &str, expected: &ExpectFile, is_right: impl Fn(&str) -> bool) {
    let mut found = String::new();
    for line in table.lines() {
        let mut texts = serde_json::Deserializer::from_str(line).into_iter::<String>();
        let pattern = texts.next().unwrap().unwrap();
        let written = &line[..texts.byte_offset()];
        let outcome = outcome(&pattern);
        assert!(is_right(&outcome), "{written} {outcome}");
        writeln!(found, "{written} {outcome}").unwrap();
    }
    expected.assert_eq(&found);
}

macro_rules! check_table {
    ($file:literal, $is_right:expr) => {
        check_table(include_str!($file), &expect_file![$file], $is_right)
    };
}

const DOUBTS: [&str; 3] = ["EitherDay", "LastIsYear", "WeekdayNumbers"];

fn is_doubted(outcome: &str) -> bool {
    DOUBTS.iter().any(|doubt| outcome.ends_with(doubt))
}

fn is_refused(outcome: &str) -> bool {
    ["is not a schedule", "is an interval", "never fires"].iter().any(|why| outcome.contains(why))
}

#[test]
fn what_is_taken_means_what_it_says() {
    check_table!("../../tests/fixtures/schedules/taken.txt", |outcome| {
        !is_doubted(outcome) && !is_refused(outcome)
    });
}

#[test]
fn what_may_mean_something_else_raises_a_doubt() {
    check_table!("../../tests/fixtures/schedules/doubted.txt", is_doubted);
}

#[test]
fn what_belongs_to_another_dialect_is_refused_with_what_was_meant() {
    check_table!("../../tests/fixtures/schedules/foreign.txt", is_refused);
}

#[test]
fn what_is_odd_is_refused_with_what_was_meant() {
    check_table!("../../tests/fixtures/schedules/odd.txt", is_refused);
}

#[test]
fn a_pattern_that_is_too_long_is_refused_and_not_shown_whole() {
    let long = format!("{} * * * *", vec!["1"; 10_000].join(","));
    let rejected = Schedule::parse(&long, TimeZone::UTC, START.parse().unwrap()).unwrap_err();
    assert!(rejected.to_string().len() < 300, "{rejected}");
    assert!(rejected.message.ends_with("is too long for a schedule"), "{rejected}");
}
