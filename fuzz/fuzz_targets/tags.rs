//! Any text as the value of a tag that says when, on a machine that was created at any time.
//!
//! After the byte FF stand the seconds of its creation, from 1970 on.

#![no_main]

use std::sync::LazyLock;

use jiff::{Timestamp, tz::TimeZone};
use libfuzzer_sys::fuzz_target;
use zenreaper::{
    lifetime,
    plan::{Decision, Policy, memory::Memory},
    rules::{self, Due, Terms, Verdict},
};
use zenreaper_fuzz::{machine, now, parts, policy, source};

const RULES: &str = "
rules:
  - { name: plain, match: everything, expire: { tag: ttl } }
  - { name: bounded, match: everything, expire: { tag: ttl, default: 12h, max: 30d } }
  - { name: told, match: everything, expire: { tag: ttl }, notice: 36500d }
  - { name: there, match: everything, expire: { tag: ttl }, timezone: America/Sao_Paulo }
  - { name: nightly, match: everything, expire: { tag: ttl }, schedule: '0 22 * * *' }
";

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    policy(rules::parse(&[source(RULES.into())], &Terms::default()).expect("good rules"))
});

fuzz_target!(|data: &[u8]| {
    let (text, rest) = parts(data);
    let seconds = rest.first_chunk().map(|bytes| i64::from_le_bytes(*bytes));
    let created = match seconds {
        None => Some(now()),
        Some(seconds) => Timestamp::from_second(seconds).ok(),
    };
    let instance = machine(created, vec![("ttl", &text)]);
    let says_when = lifetime::duration(&text).is_ok()
        || lifetime::instant(&text, &TimeZone::UTC).is_ok()
        || ["never", "forever"].iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    for rule in &POLICY.rules.rules {
        let verdict = rule.evaluate(&instance, now());
        // A date of the last day of time is one, but has no end in every zone.
        let unreadable = verdict == Verdict::Matches(Due::Unreadable);
        assert!(unreadable || says_when, "{text:?}: {verdict:?}");
    }
    let judgement = POLICY.judge(&instance, &Memory::default(), now());
    assert!(judgement.decision != Decision::Terminate || says_when, "{text:?}");
});
