//! What ten rules of five conditions cost over a million machines, beside the same ten as plain Rust.
//!
//! `cargo bench --bench rules`. Three ways over the same machines, each on one core, the best of [`ROUNDS`]:
//! - by hand: each rule is one `&&` chain that tests in the order in which the rule was written, up to the first that fails;
//! - `Rule::evaluate`: the same rules from YAML, which may ask what is cheap first, wherever in the rule it was written. So it is
//!   no race of equals: who writes a rule by hand could choose that order too;
//! - `Policy::judge`: the rules and all that makes a decision of them: eligibility, holds, notices, the one rule that acts.
//!
//! The first two must count the same matches. Machines and rules are made up, always the same; see [`machine`] and [`RULES`].

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "it prints what it measured")]

use std::{hint::black_box, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use zenreaper::{
    clock,
    diagnostic::Source,
    inventory::{ChargeType, Instance, InstanceId, Interner, Status, Tags},
    plan::{Policy, eligibility::Host, memory::Memory},
    rules::{self, Condition, Due, Terms, Verdict},
};

const MACHINES: usize = 1_000_000;
const ROUNDS: usize = 5;

/// The instant at which all is judged.
const NOW: Timestamp = Timestamp::constant(1_795_478_400, 0);

const RULES: &str = "
rules:
  - name: dev
    match: { tags: { env: [dev, test] }, name: 'dev-*', zone: HKG-A, status: RUNNING, age: '>= 3d' }
  - name: ci
    match: { tags: { env: [dev, test] }, name: 'ci-*', zone: [SEL-A, TYO-A], status: [STOPPED, INSTALL_FAILED], age: '> 1d' }
  - name: pull-request
    match: { name: { regex: '^pr-[0-9]+-' }, zone: { not_in: FRA-A }, tags: { env: dev }, status: RUNNING, age: '>= 2d' }
  - name: team
    match: { tags: { team: [web, api] }, zone: SIN-A, type: M6C, status: STOPPED, age: '>= 7d' }
  - name: either
    match: { any: [{ name: 'tmp-*' }, { tags: { env: test } }], not: { tags: { keep: '*' } }, zone: 'HKG-*', status: RUNNING, age: '< 90d' }
  - name: stage
    match: { zone: LAX-A, tags: { env: [stage, staging] }, name: 'dev-*', status: [RUNNING, STOPPED], age: '>= 1d' }
  - name: failed
    match: { status: INSTALL_FAILED, charge_type: POSTPAID, tags: { owner: { exists: false } }, name: '*-old', age: '>= 1h' }
  - name: teams
    match: { tags: { team: [web, api, data, ops] }, name: 'dev-*', zone: [HKG-A, SEL-A, TYO-A, SIN-A], status: RUNNING, age: '>= 30d' }
  - name: neither
    match: { not: [{ tags: { env: prod } }, { name: 'ci-*' }], type: [M6C, M8C], zone: FRA-A, status: RUNNING, age: '>= 14d' }
  - name: pairs
    match: { any: [{ zone: HKG-A, tags: { env: test } }, { zone: SEL-A, tags: { env: dev } }], hostname: '*.lab', type: M8C, status: STOPPED, age: '>= 5d' }
";

/// Machines of every kind, always the same.
fn machines() -> Vec<Instance> {
    let mut chance = fastrand::Rng::with_seed(1);
    let mut texts = Interner::default();
    (0..MACHINES).map(|n| machine(n, &mut chance, &mut texts)).collect()
}

fn machine(n: usize, chance: &mut fastrand::Rng, texts: &mut Interner) -> Instance {
    let mut one = |words: &[&'static str]| words[chance.usize(..words.len())];
    let kind = one(&["dev", "dev", "ci", "pr", "tmp", "web", "db"]);
    let name = format!("{kind}-{n}-{}", one(&["api", "front", "old"]));
    let hostname = format!("{name}.{}", one(&["lab", "example"]));
    let words: [(&str, &[&'static str]); 3] = [
        ("env", &["dev", "test", "stage", "prod", "prod"]),
        ("team", &["web", "api", "data", "ops", "core"]),
        (one(&["owner", "keep", "note"]), &["amy", "ben"]),
    ];
    let tags = words.map(|(key, values)| (texts.intern(key), texts.intern(one(values))));
    let zone = one(&["HKG-A", "SEL-A", "TYO-A", "SIN-A", "LAX-A", "FRA-A"]);
    let status = one(&["RUNNING", "RUNNING", "RUNNING", "STOPPED", "INSTALL_FAILED"]);
    let charge = one(&["POSTPAID", "POSTPAID", "PREPAID"]);
    let kind = one(&["M6C", "M8C", "S5C"]);
    Instance {
        id: InstanceId::new(&format!("i-{n:07}")),
        name: Some(name.into()),
        hostname: Some(hostname.into()),
        zone: Some(texts.intern(zone)),
        instance_type: Some(texts.intern(kind)),
        image: Some(texts.intern("Debian 12")),
        status: Some(Status::from(texts.intern(status))),
        charge_type: Some(ChargeType::from(texts.intern(charge))),
        created: Some(NOW - SignedDuration::from_mins(chance.i64(0..60 * 24 * 60))),
        internet_charge_type: None,
        resource_group_id: Some(texts.intern("rg-1")),
        resource_group_name: Some(texts.intern("platform")),
        addresses: Box::default(),
        addresses_told: true,
        tags: Tags::new(tags.into()).unwrap(),
    }
}

fn policy() -> Policy {
    let source = Source { name: "rules.yaml".into(), text: RULES.into() };
    let rules = rules::parse(&[Arc::new(source)], &Terms::default()).unwrap();
    Policy { rules, protect: Condition::NOTHING, host: Host::default() }
}

// ---- The rules by hand ----

fn tag(one: &Instance, key: &str, values: &[&str]) -> bool {
    one.tags.get(key).is_some_and(|value| values.contains(&value))
}

fn named(one: &Instance, prefix: &str) -> bool {
    one.name.as_deref().is_some_and(|name| name.starts_with(prefix))
}

fn zone(one: &Instance, zones: &[&str]) -> bool {
    one.zone.as_deref().is_some_and(|zone| zones.contains(&zone))
}

fn kind(one: &Instance, kinds: &[&str]) -> bool {
    one.instance_type.as_deref().is_some_and(|kind| kinds.contains(&kind))
}

fn status(one: &Instance, statuses: &[Status]) -> bool {
    one.status.as_ref().is_some_and(|status| statuses.contains(status))
}

fn hours(one: &Instance) -> i64 {
    one.created.map_or(i64::MIN, |created| NOW.duration_since(created).as_hours())
}

const RUNNING: &[Status] = &[Status::Running];
const STOPPED: &[Status] = &[Status::Stopped];

fn by_hand(one: &Instance, regex: &Regex) -> u64 {
    let exact_minutes = || one.created.map_or(0, |at| NOW.duration_since(at).as_mins());
    let ends = |text: &Option<Box<str>>, end| text.as_deref().is_some_and(|it| it.ends_with(end));
    let answers = [
        tag(one, "env", &["dev", "test"])
            && named(one, "dev-")
            && zone(one, &["HKG-A"])
            && status(one, RUNNING)
            && hours(one) >= 72,
        tag(one, "env", &["dev", "test"])
            && named(one, "ci-")
            && zone(one, &["SEL-A", "TYO-A"])
            && status(one, &[Status::Stopped, Status::InstallFailed])
            && exact_minutes() > 24 * 60,
        one.name.as_deref().is_some_and(|name| regex.is_match(name))
            && !zone(one, &["FRA-A"])
            && tag(one, "env", &["dev"])
            && status(one, RUNNING)
            && hours(one) >= 48,
        tag(one, "team", &["web", "api"])
            && zone(one, &["SIN-A"])
            && kind(one, &["M6C"])
            && status(one, STOPPED)
            && hours(one) >= 168,
        (named(one, "tmp-") || tag(one, "env", &["test"]))
            && one.tags.get("keep").is_none()
            && one.zone.as_deref().is_some_and(|zone| zone.starts_with("HKG-"))
            && status(one, RUNNING)
            && hours(one) < 90 * 24,
        zone(one, &["LAX-A"])
            && tag(one, "env", &["stage", "staging"])
            && named(one, "dev-")
            && status(one, &[Status::Running, Status::Stopped])
            && hours(one) >= 24,
        status(one, &[Status::InstallFailed])
            && one.charge_type == Some(ChargeType::Postpaid)
            && one.tags.get("owner").is_none()
            && ends(&one.name, "-old")
            && hours(one) >= 1,
        tag(one, "team", &["web", "api", "data", "ops"])
            && named(one, "dev-")
            && zone(one, &["HKG-A", "SEL-A", "TYO-A", "SIN-A"])
            && status(one, RUNNING)
            && hours(one) >= 720,
        !(tag(one, "env", &["prod"]) || named(one, "ci-"))
            && kind(one, &["M6C", "M8C"])
            && zone(one, &["FRA-A"])
            && status(one, RUNNING)
            && hours(one) >= 336,
        (zone(one, &["HKG-A"]) && tag(one, "env", &["test"])
            || zone(one, &["SEL-A"]) && tag(one, "env", &["dev"]))
            && ends(&one.hostname, ".lab")
            && kind(one, &["M8C"])
            && status(one, STOPPED)
            && hours(one) >= 120,
    ];
    answers.into_iter().map(u64::from).sum()
}

// ---- The measure ----

/// The sum over all machines, and the best time that it took.
fn measure(machines: &[Instance], of: impl Fn(&Instance) -> u64) -> (u64, Duration) {
    let round = |_| {
        let started = clock::monotonic();
        let sum = machines.iter().map(|one| of(black_box(one))).sum();
        (sum, started.elapsed())
    };
    (0..ROUNDS).map(round).min_by_key(|(_, took)| *took).unwrap()
}

fn main() {
    let (machines, policy, memory) = (machines(), policy(), Memory::default());
    let regex = Regex::new("^pr-[0-9]+-").unwrap();
    let matches = |one: &Instance| {
        let verdicts = policy.rules.rules.iter().map(|rule| rule.evaluate(one, NOW));
        verdicts.map(|verdict| u64::from(verdict == Verdict::Matches(Due::AtOnce))).sum()
    };
    let (expected, by_hand) = measure(&machines, |one| by_hand(one, &regex));
    let (found, by_rules) = measure(&machines, matches);
    assert_eq!(found, expected, "the rules and the same by hand");
    let judge = |one: &Instance| u64::from(policy.judge(one, &memory, NOW).rule.is_some());
    let (decided, judged) = measure(&machines, judge);
    let ratio = |took: Duration| took.as_secs_f64() / by_hand.as_secs_f64();
    println!("{MACHINES} machines, {} rules: {found} matches", policy.rules.rules.len());
    println!("by hand        {by_hand:?}");
    println!("Rule::evaluate {by_rules:?}, {:.2} times as long", ratio(by_rules));
    println!(
        "Policy::judge  {judged:?}, {:.2} times as long; {decided} decided by a rule",
        ratio(judged)
    );
}
