//! That an explanation says what a run does: its decision is that of the policy, and its trees come to what the rules say.

use jiff::SignedDuration;
use proptest::{option, prelude::*, sample::select};

use super::*;
use crate::{
    inventory::{
        ChargeType, Status,
        tests::{instance, tags},
    },
    plan::{
        Turn,
        memory::{Force, Hold, HoldKind, Promise},
        tests::policy,
    },
    rules::{Due, Truth},
};

const RULES: &str = "
rules:
  - name: ttl
    match: { zone: HKG-A, any: [{ tags: { env: [dev, test] } }, { not: { type: M6C } }] }
    unless: [{ tags: { keep: { exists: true } } }, { all: [{ name: { regex: '^prod' } }, { age: '>= 2d' }] }]
    expire: { tag: ttl, default: 3d, max: 7d }
  - { name: told, match: { tags: { env: { not_in: [dev] } } }, unless: { ip: 10.0.0.0/8 }, expire: { after: 4d }, notice: 24h }
  - { name: nightly, match: { age: '>= 1d' }, unless: { zone: { not_in: HKG-A } }, schedule: '0 22 * * *' }
  - { name: off, enabled: false, match: everything }
";

fn hours(count: i64) -> Timestamp {
    "2026-11-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(count)
}

/// A machine that was created at hour 0, and may tell little.
fn machine() -> impl Strategy<Value = Instance> {
    let tag = |key, values: &'static [&'static str]| {
        option::of(select(values)).prop_map(move |value| value.map(|value| (key, value)))
    };
    let tags_of = (
        tag("env", &["dev", "test", "prod"]),
        tag("keep", &["yes"]),
        tag("ttl", &["1d", "30d", "never", "2026-11-03", "3 dayz"]),
    );
    let texts = (
        option::of(select(&["HKG-A", "SEL-A"][..])),
        option::of(select(&["M6C", "S9"][..])),
        option::of(select(&["dev-1", "prod-1"][..])),
        select(&["203.0.113.7", "10.1.1.1"][..]),
    );
    let status = option::of(select(&[Status::Running, Status::Installing, Status::Recycle][..]));
    let charge = option::of(select(&[ChargeType::Postpaid, ChargeType::Prepaid][..]));
    let told = (any::<bool>(), any::<bool>());
    (tags_of, texts, status, charge, told).prop_map(
        |((env, keep, ttl), (zone, kind, name, ip), status, charge_type, told)| {
            let own: Vec<_> = [env, keep, ttl].into_iter().flatten().collect();
            let (created_told, addresses_told) = told;
            let mut subject = instance("i-1");
            subject.tags = tags(&own);
            (subject.zone, subject.instance_type) = (zone.map(Into::into), kind.map(Into::into));
            (subject.name, subject.status) = (name.map(Into::into), status);
            (subject.charge_type, subject.addresses_told) = (charge_type, addresses_told);
            subject.addresses = Box::new([ip.parse().unwrap()]);
            subject.created = subject.created.filter(|_| created_told);
            subject
        },
    )
}

/// What is remembered of it.
fn memory() -> impl Strategy<Value = Memory> {
    let hold = option::weighted(0.2, (select(&HoldKind::ALL[..]), 0..240i64));
    let promise = option::of((0..200i64, option::of(0..200i64), select(&["told", "ttl"][..])));
    (hold, promise, 0..240i64).prop_map(|(hold, promise, last_run)| {
        let id = instance("i-1").id;
        let hold = hold.map(|(kind, until)| Hold { kind, until: hours(until) });
        let rules = policy(RULES).rules.rules;
        let promise = promise.map(|(begun, told, rule)| Promise {
            key: String::new(),
            rule: rules.iter().find(|own| own.name.as_str() == rule).unwrap().name.clone(),
            owner: Some(String::new()),
            begun_at: hours(begun),
            told_at: told.map(|after| hours(begun + after)),
            terminate_at: hours(begun + 24),
            force: Force::Stands,
        });
        Memory {
            holds: hold.map(|hold| (id.clone(), hold)).into_iter().collect(),
            promises: promise.map(|promise| (id, vec![promise])).into_iter().collect(),
            last_run_at: Some(hours(last_run)),
            ..Memory::default()
        }
    })
}

/// What a tree comes to by its questions alone; `None` is unknown.
fn recomputed(node: &Node) -> Option<bool> {
    let parts: Vec<_> = node.parts.iter().map(recomputed).collect();
    let decided = |by: bool| {
        let open = parts.iter().any(Option::is_none).then_some(None);
        parts.contains(&Some(by)).then_some(Some(by)).or(open).unwrap_or(Some(!by))
    };
    match node.kind {
        Kind::Question => known(node.truth),
        Kind::All => decided(false),
        Kind::Any => decided(true),
        Kind::Not => parts[0].map(|holds| !holds),
    }
}

fn known(truth: Truth) -> Option<bool> {
    match truth {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown(_) => None,
    }
}

/// Whether a whole tree says of each frame what its parts come to.
fn is_sound(node: &Node) -> bool {
    recomputed(node) == known(node.truth) && node.parts.iter().all(is_sound)
}

/// What a rule comes to by its trees and its expiry.
fn verdict(view: &RuleView) -> &'static str {
    let excepted = view.unless.as_ref().map_or(Some(false), recomputed);
    match (recomputed(&view.matches), excepted, view.expiry.due) {
        (Some(false), _, _) => "no_match",
        (Some(true), Some(true), _) => "excepted",
        (Some(true), Some(false), _)
        | (Some(true), None, "unreadable")
        | (None, None | Some(false), "unreadable") => "matches",
        (Some(true), None, _) | (None, _, _) => "unknown",
    }
}

fn told(rule: &Rule, subject: &Instance, now: Timestamp) -> &'static str {
    match rule.evaluate(subject, now) {
        Verdict::NoMatch => "no_match",
        Verdict::Excepted => "excepted",
        Verdict::Unknown(_) => "unknown",
        Verdict::Matches(_) => "matches",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn an_explanation_is_the_judgement_of_a_run(
        subject in machine(), memory in memory(), now in 0..240i64,
    ) {
        let (policy, now) = (policy(RULES), hours(now));
        let memory = memory.at_turn(&Turn::Asked, &policy.rules, now);
        let told = explain(&policy, &subject, &memory, now);
        let judged = policy.judge(&subject, &memory, now);
        prop_assert_eq!(told.decision, judged.decision.as_str());
        prop_assert_eq!(told.reason, judged.decision.reason());
        prop_assert_eq!(told.rule.as_deref(), judged.rule.map(|rule| rule.name.as_str()));
        prop_assert_eq!(told.due_at, judged.due_at);
        prop_assert_eq!(told.terminate_at, judged.terminate_at);
        prop_assert_eq!(told.held_until, judged.held_until);
        let stays = told.sentence.starts_with("It stays");
        prop_assert!(!stays || judged.decision != crate::plan::Decision::Terminate);
        let decides = told.rules.iter().find(|view| Some(&view.rule) == told.rule.as_ref());
        if let (Some(view), Some(at)) = (decides, judged.terminate_at) {
            prop_assert_eq!(view.terminate_at, Some(at), "{:?}", view);
        }
    }

    #[test]
    fn the_trees_of_a_rule_come_to_what_it_says(subject in machine(), now in 0..240i64) {
        let (policy, now) = (policy(RULES), hours(now));
        let explanation = explain(&policy, &subject, &Memory::default(), now);
        let rules: Vec<_> = policy.rules.rules.iter().chain(&policy.rules.disabled).collect();
        prop_assert_eq!(explanation.rules.len(), rules.len());
        for (view, rule) in explanation.rules.iter().zip(rules) {
            prop_assert!(is_sound(&view.matches), "{:?}", view);
            prop_assert!(view.unless.as_ref().is_none_or(is_sound), "{:?}", view);
            prop_assert_eq!(verdict(view), told(rule, &subject, now), "{:?}", view);
            let at = match rule.expiry.due(&subject) {
                Due::At(at) => Some(at),
                Due::AtOnce | Due::Never | Due::Unknown(_) | Due::Unreadable => None,
            };
            prop_assert_eq!(view.expiry.due_at, at);
        }
    }
}

#[test]
fn an_exception_is_named_by_the_tag_that_is_there_or_by_its_question() {
    let check = |unless: &str, expected: &str| {
        let policy = policy(&format!(
            "rules: [{{ name: r, match: everything, unless: [{{ zone: SEL-A }}, {unless}] }}]"
        ));
        let mut subject = instance("i-1");
        subject.tags = tags(&[("a b", "c=d")]);
        let told = explain(&policy, &subject, &Memory::default(), hours(0));
        let expected = format!(
            "It stays: {expected} protects it from the rule r, and no other rule takes it."
        );
        assert_eq!(told.sentence, expected);
    };
    check("{ tags: { 'a b': '*' } }", "its tag a b=c=d");
    check("{ tags: { gone: { exists: false } } }", "`unless: tags.gone does not exist`");
    check("{ type: M6C, image: Debian* }", "`unless: type is M6C and image is Debian*`");
}
