//! No text makes reading panic, and what is read is in bounds. `tests/fuzz` looks longer for such texts.

use std::sync::Arc;

use jiff::{SignedDuration, tz::TimeZone};
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::json;
use zenreaper::{
    config,
    diagnostic::{self, Source},
    inventory::{ChargeType, Instance, Status, Tags},
    lifetime,
    plan::{Policy, eligibility::Host, memory::Memory},
    rules::{self, Condition, Terms},
    schedule::Schedule,
};

use crate::{
    model::Machine,
    real::{hours, instance, parse},
    settings,
};

/// Files that show the whole language.
const RULES: [&str; 5] = [
    include_str!("../fixtures/rules/good/every-key.yaml"),
    include_str!("../fixtures/rules/good/every-operator.yaml"),
    include_str!("../fixtures/rules/good/anchors-and-merge-keys.yaml"),
    include_str!("../../rules/ttl-tag.yaml"),
    include_str!("../../rules/project-expiry.yaml"),
];
const CONFIGS: [&str; 3] = [
    include_str!("../fixtures/config/good/every-key.yaml"),
    include_str!("../fixtures/config/good/notices.yaml"),
    include_str!("../../deploy/config.yaml"),
];

/// Pieces of the language, put where they do not belong.
const PIECES: [&str; 16] = [
    "{ not: { not: everything } }",
    "[[[[[[",
    "{ any: [{ all: [{}] }] }",
    "regex: '^(a|b)+$'",
    "regex: '('",
    "ip: ::/0",
    "age: '>= 1m'",
    "age: '< 876600h'",
    "exists: false",
    "not_in: [",
    "&a *a",
    "<<: *dev",
    "!!binary aGk=",
    "schedule: '0 0 31 2 *'",
    "timezone: America/Sao_Paulo",
    "\u{feff}",
];

/// Texts that are right but for a few characters or pieces.
fn damaged(good: &'static [&'static str]) -> impl Strategy<Value = String> {
    let letters = "[-:{}\\[\\]&*!|>'\"%@`#, \n\ta-z0-9é]{0,3}";
    let inserted = prop_oneof![4 => letters, 1 => select(&PIECES[..]).prop_map(str::to_owned)];
    let edits = proptest::collection::vec((any::<Index>(), 0..4_usize, inserted), 1..6);
    (select(good), edits).prop_map(move |(good, edits)| {
        let mut text: Vec<char> = good.chars().collect();
        for (at, removed, inserted) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        text.into_iter().collect()
    })
}

/// Reads rules, and asks those that come of it about some machines.
fn read_rules(text: String) {
    let source = Arc::new(Source { name: "rules.yaml".into(), text });
    match rules::parse(&[source], &Terms::default()) {
        Err(problems) => {
            assert!(!diagnostic::render(&problems, false).is_empty());
            assert!(!diagnostic::render(&problems, true).is_empty());
        }
        Ok(rules) => {
            let warnings = rules::warnings(&rules);
            assert_eq!(diagnostic::render(&warnings, false).is_empty(), warnings.is_empty());
            let policy = Policy { rules, protect: Condition::NOTHING, host: Host::default() };
            let tags = [("env", "dev"), ("ttl", "3d"), ("expires", "2026-11-01")];
            let tags = tags.map(|(key, value)| (key.into(), value.into()));
            let untold = Instance { tags: Tags::new(tags.into()).unwrap(), ..subject(None) };
            for subject in [subject(None), subject(Some(1000)), untold] {
                let _judged = policy.judge(&subject, &Memory::default(), hours(0));
            }
        }
    }
}

fn read_config(text: String) {
    let source = Arc::new(Source { name: "config.yaml".into(), text });
    let (config, problems) = config::read(&source, hours(0));
    assert_eq!(diagnostic::render(&problems, false).is_empty(), problems.is_empty());
    assert!(config.is_some() || !problems.is_empty());
}

/// A running machine of this age of which nothing else is told.
fn subject(age: Option<i64>) -> Instance {
    Instance {
        status: Some(Status::Running),
        charge_type: Some(ChargeType::Postpaid),
        created: age.map(|age| hours(-age)),
        ..instance(&Machine::default())
    }
}

proptest! {
    #![proptest_config(settings(200))]

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        read_rules(text.clone().into_owned());
        read_config(text.into_owned());
    }

    #[test]
    fn no_damage_makes_reading_panic(rules in damaged(&RULES), config in damaged(&CONFIGS)) {
        read_rules(rules);
        read_config(config);
    }

    #[test]
    fn a_lifetime_is_in_bounds_or_refused(
        text in prop_oneof![".{0,30}", "[-+0-9PTDHMSWYdhmsw.: Z]{0,24}", "[0-9]{4}-[0-9]{2}-[0-9]{2}.{0,12}"],
        zone in select(&["UTC", "Asia/Shanghai", "America/New_York", "Africa/Monrovia"][..]),
    ) {
        if let Ok(life) = lifetime::duration(&text) {
            prop_assert!(life >= SignedDuration::from_mins(1) && life <= SignedDuration::from_hours(100 * 366 * 24));
        }
        drop(lifetime::instant(&text, &TimeZone::get(zone).unwrap()));
        let rules = parse(&[json!({ "name": "r", "match": "everything", "expire": { "tag": "ttl" } })]);
        let policy = Policy { rules, protect: Condition::NOTHING, host: Host::default() };
        let tags = Tags::new(vec![("ttl".into(), text.as_str().into())]).unwrap();
        let subject = Instance { tags, ..subject(Some(1000)) };
        let terminates = policy.judge(&subject, &Memory::default(), hours(0)).decision.as_str() == "terminate";
        let (life, at) = (lifetime::duration(&text), lifetime::instant(&text, &TimeZone::UTC));
        prop_assert!(!terminates || life.is_ok() || at.is_ok(), "{text}");
    }

    #[test]
    fn a_schedule_moves_on_or_is_refused(text in prop_oneof![".{0,20}", "[-*/,0-9LW#?]{1,5}( [-*/,0-9LW#?A-Z]{1,5}){4,5}"]) {
        if let Ok(schedule) = Schedule::parse(&text, TimeZone::UTC, hours(0)) {
            prop_assert!(schedule.next_after(hours(0)).is_some_and(|next| next > hours(0)));
        }
    }
}
