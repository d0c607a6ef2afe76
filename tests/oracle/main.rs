//! The oracle: a second, deliberately plain evaluator of the whole plan, held against the real one.
//!
//! It is written from the text of the design and shares no code with `src`: it has its own globs, dates, time zones, schedules
//! and logic in three values, and takes the meaning of durations and dates from a table beside their texts. Each case goes
//! through zenreaper as a user's would: rules and config as YAML, instances as the API's records.
//!
//! `ZENREAPER_ORACLE_DECISIONS` is how many decisions to compare, `ZENREAPER_ORACLE_SEED` from which seed; `tests/oracle.sh` sets
//! both. A disagreement is printed as the smallest case that shows it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "an oracle that does not understand its own case has failed"
)]

mod case;
mod chance;
mod clock;
mod generate;
mod judge;
mod library;
mod shrink;
mod truth;
mod words;
mod write;

use std::{collections::BTreeMap, env, fmt::Write};

use crate::{
    case::{Case, Instance, Millis, Promise, Turn},
    chance::Chance,
    judge::{Expected, judge},
    library::Got,
};

/// How many decisions the suite compares.
const DECISIONS: u64 = 10_000;

/// How many cases are compared side by side.
const LANES: u64 = 4;

/// How many kinds of disagreements are shown, one case each.
const SHOWN_MAX: usize = 25;

/// What must occur, each in at least one of a thousand decisions.
const MAIN_REASONS: [&str; 24] = [
    "terminate due",
    "notice notice_pending",
    "notice notice_sent",
    "notice notice_failed",
    "wait not_due",
    "wait off_schedule",
    "wait protection_vanished",
    "skip protected",
    "skip self",
    "skip held",
    "skip commitment",
    "skip already_terminated",
    "skip subscription",
    "skip creating",
    "skip installing",
    "skip recycled",
    "skip unknown_status",
    "skip unknown_charge_type",
    "skip unreadable_expiry",
    "keep no_rule",
    "keep excluded",
    "keep never",
    "keep near_miss",
    "keep unknown",
];

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(text) if !text.is_empty() => {
            text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
        }
        _ => default,
    }
}

/// The names of reasons as the design has them.
fn reason(name: &'static str) -> &'static str {
    match name {
        "to_tell" => "notice_pending",
        "told" => "notice_sent",
        "undelivered" => "notice_failed",
        "excepted" => "excluded",
        "accepted" => "already_terminated",
        other => other,
    }
}

/// What differs, in a word that is the same for the same kind of disagreement.
fn difference(expected: &Expected, got: &Got) -> Option<String> {
    let reasons: Vec<_> = expected.reasons.iter().map(|(reason, _)| *reason).collect();
    let named = reason(got.reason);
    if expected.decision != got.decision || !reasons.contains(&named) {
        let first = reasons.first().unwrap();
        return Some(format!(
            "expected {} {first}, got {} {named}",
            expected.decision, got.decision
        ));
    }
    if !expected.reasons.contains(&(named, got.rule)) {
        return Some(format!("another rule, {named}"));
    }
    if expected.due != got.due {
        return Some(format!("another due_at, {named}"));
    }
    let other = expected.terminate != got.terminate;
    other.then(|| format!("another terminate_at, {named}"))
}

/// A refused text as a kind of disagreement: by its code, since each message has a value of its own.
fn refusal(refused: &str) -> String {
    format!("refused: {}", refused.split(':').next().unwrap_or_default())
}

/// The kinds of disagreement in a case.
fn differences(case: &Case, mut count: impl FnMut(&Got)) -> Vec<String> {
    let all = match library::decide(case) {
        Ok(all) => all,
        Err(refused) => return vec![refusal(&refused)],
    };
    let mut found = Vec::new();
    for (instance, got) in case.instances.iter().zip(&all) {
        count(got);
        found.extend(difference(&judge(case, instance), got));
    }
    found
}

fn shown_instant(at: Option<Millis>) -> String {
    at.map_or("none".to_owned(), clock::text)
}

fn shown_got(got: &Got) -> String {
    let rule = got.rule.map_or("none".into(), |number| format!("r{number}"));
    let (due, terminate) = (shown_instant(got.due), shown_instant(got.terminate));
    format!(
        "{} {}, rule {rule}, due_at {due}, terminate_at {terminate}",
        got.decision,
        reason(got.reason)
    )
}

fn shown_expected(expected: &Expected) -> String {
    let one = |(reason, rule): &(&str, Option<usize>)| match rule {
        Some(number) => format!("{reason} by r{number}"),
        None => format!("{reason} by none"),
    };
    let reasons: Vec<_> = expected.reasons.iter().map(one).collect();
    let (due, terminate) = (shown_instant(expected.due), shown_instant(expected.terminate));
    format!(
        "{} {}, due_at {due}, terminate_at {terminate}",
        expected.decision,
        reasons.join(" or ")
    )
}

fn shown_memory(instance: &Instance) -> String {
    let mut text = String::new();
    if let Some(hold) = &instance.hold {
        write!(text, "; hold {} until {}", hold.reason, clock::text(hold.until)).unwrap();
    }
    if instance.unprotected {
        text.push_str("; lost its own protection");
    }
    for promise in &instance.promises {
        let told = promise.told.map_or("nobody yet".into(), clock::text);
        let (begun, terminate) = (clock::text(promise.begun), clock::text(promise.terminate));
        let Promise { rule, owner, force, .. } = promise;
        write!(text, "; notice by r{rule} to {owner:?} of {begun}, sent {told}, terminates {terminate}, {force:?}").unwrap();
    }
    text
}

/// A case with what is expected of it and what came, for people.
fn shown(case: &Case) -> String {
    let turn = match &case.turn {
        Turn::Asked(last) => {
            format!("asked for, last run {}", last.map_or("never".into(), clock::text))
        }
        Turn::Service(resting) => {
            format!("the service's, without the schedules of rules {resting:?}")
        }
    };
    let (rules, config) = (write::rules(case), write::config(case));
    let mut text = format!(
        "--- rules\n{rules}--- config\n{config}--- now {}; the run is {turn}; the owner tag is {:?}\n",
        clock::text(case.now),
        case.owner_tag
    );
    if format!("{:?}", case.host) != format!("{:?}", case::Host::default()) {
        writeln!(text, "--- {:?}", case.host).unwrap();
    }
    let all = library::decide(case);
    for (n, instance) in case.instances.iter().enumerate() {
        let got = match &all {
            Ok(all) => shown_got(&all[n]),
            Err(refused) => refused.clone(),
        };
        let (record, memory) = (write::record(instance), shown_memory(instance));
        let expected = shown_expected(&judge(case, instance));
        writeln!(text, "--- {record}{memory}\n  expected {expected}\n  got      {got}").unwrap();
    }
    text
}

/// The share of each decision, where reasons of what is unknown are one.
fn share(got: &Got) -> String {
    match (got.decision, reason(got.reason)) {
        ("keep", reason) if reason.starts_with("unknown") => "keep unknown".to_owned(),
        (decision, reason) => format!("{decision} {reason}"),
    }
}

/// What came of many cases.
#[derive(Default)]
struct Outcome {
    cases: u64,
    decisions: u64,
    shares: BTreeMap<String, u64>,
    /// How often each kind of disagreement occurred, and the first case that shows it.
    kinds: BTreeMap<String, (u64, Case)>,
}

impl Outcome {
    /// Compares a case.
    fn compare(&mut self, case: &Case) {
        let shares = &mut self.shares;
        for kind in differences(case, |got| *shares.entry(share(got)).or_default() += 1) {
            self.kinds.entry(kind).or_insert_with(|| (0, case.clone())).0 += 1;
        }
        self.cases += 1;
        self.decisions += case.instances.len() as u64;
    }

    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.decisions += other.decisions;
        for (share, count) in other.shares {
            *self.shares.entry(share).or_default() += count;
        }
        for (kind, (count, case)) in other.kinds {
            self.kinds.entry(kind).or_insert((0, case)).0 += count;
        }
    }
}

/// Compares decisions in lanes side by side, as many on every host, so that a seed means the same cases everywhere.
fn compare_in_lanes(seed: u64, wanted: u64) -> Outcome {
    let lane = |lane: u64| {
        let mut outcome = Outcome::default();
        while outcome.decisions < wanted.div_ceil(LANES) {
            let number = outcome.cases * LANES + lane;
            outcome.compare(&generate::case(&mut Chance::new(seed, number)));
        }
        outcome
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|number| scope.spawn(move || lane(number))).collect();
        let mut all = Outcome::default();
        for lane in lanes {
            all.add(lane.join().unwrap());
        }
        all
    })
}

#[test]
fn every_decision_is_that_of_the_oracle() {
    let wanted = setting("ZENREAPER_ORACLE_DECISIONS", DECISIONS);
    let seed = setting("ZENREAPER_ORACLE_SEED", 20_261_201);
    let all = compare_in_lanes(seed, wanted);
    println!("{} decisions in {} cases from seed {seed}", all.decisions, all.cases);
    for (kind, count) in &all.shares {
        let per_mille = count * 1000 / all.decisions;
        println!("{count:>8} {:>3}.{} % {kind}", per_mille / 10, per_mille % 10);
    }
    let mut report = String::new();
    for (kind, (count, case)) in all.kinds.iter().take(SHOWN_MAX) {
        let shows = |case: &Case| differences(case, |_| {}).contains(kind);
        let smallest = shrink::shrink(case.clone(), shows);
        writeln!(report, "=== {count} times: {kind}\n{}", shown(&smallest)).unwrap();
    }
    assert!(all.kinds.is_empty(), "{} kinds of disagreement\n{report}", all.kinds.len());
    for main in MAIN_REASONS.iter().filter(|_| all.decisions >= DECISIONS) {
        let count = all.shares.get(*main).copied().unwrap_or_default();
        assert!(
            count * 1000 >= all.decisions,
            "{main} is only {count} of {} decisions",
            all.decisions
        );
    }
}

#[test]
fn durations_that_are_in_no_documented_form_are_refused_in_rules_too() {
    let rule = |line: &str| format!("rules:\n  - name: r\n    match: everything\n    {line}\n");
    let mut wrong = String::new();
    for text in words::UNREADABLE {
        let text = serde_json::json!(text);
        for line in [
            format!("expire: {{ after: {text} }}"),
            format!("expire: {{ tag: ttl, default: {text} }}"),
            format!("expire: {{ tag: ttl, max: {text} }}"),
            format!("notice: {text}"),
        ] {
            if library::reads_rules(&rule(&line)).is_ok() {
                writeln!(wrong, "{line} is not refused").unwrap();
            }
        }
    }
    for form in words::DURATIONS {
        for line in
            [format!("expire: {{ after: {:?} }}", form.text), format!("notice: {:?}", form.text)]
        {
            if let Err(refused) = library::reads_rules(&rule(&line)) {
                writeln!(wrong, "{line} is refused: {refused}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
