//! A machine that no rule takes costs no allocation: an inventory of a hundred thousand is judged every few minutes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use jiff::Timestamp;
use zenreaper::{
    diagnostic::Source,
    inventory::{ChargeType, Instance, InstanceId, Status, Tags},
    plan::{Decision, Policy, eligibility::Host, memory::Memory},
    rules::{self, Condition, RuleSet, Terms, Verdict},
};

/// A rule for each kind of condition; none of them takes [`machine`].
const CONDITIONS: [&str; 16] = [
    "{ id: other }",
    "{ name: [a, 'b*', '*c', 'd*e', '?'] }",
    "{ hostname: { regex: '^ci-[0-9]+$' } }",
    "{ zone: { not_in: [HKG-A, SEL-A] } }",
    "{ type: { exists: false } }",
    "{ image: { glob: 'CentOS*' } }",
    "{ status: [stopped, 'install*'] }",
    "{ charge_type: prepaid }",
    "{ internet_charge_type: ByTraffic }",
    "{ resource_group: other }",
    "{ ip: [10.0.0.0/8, '2001:db8::/32'] }",
    "{ tags: { env: dev, team: { in: [web], not_in: [api] } } }",
    "{ tags: { owner: { exists: false } } }",
    "{ age: ['>= 30d', '< 1h'] }",
    "{ all: [{ zone: HKG-A }, { any: [{ zone: SEL-A }, { age: '< 1h' }] }] }",
    "{ not: [{ zone: HKG-A }, { tags: { env: prod } }] }",
];

fn rules() -> RuleSet {
    let rule = |(n, condition)| {
        format!("  - {{ name: r-{n}, match: {condition}, expire: {{ tag: ttl, default: 1h }} }}\n")
    };
    let text: String = CONDITIONS.iter().enumerate().map(rule).collect();
    let source = Source { name: "rules.yaml".into(), text: format!("rules:\n{text}") };
    rules::parse(&[Arc::new(source)], &Terms::default()).unwrap()
}

fn machine() -> Instance {
    let tags = [("env", "prod"), ("owner", "ana")].map(|(key, value)| (key.into(), value.into()));
    Instance {
        id: InstanceId::new("i"),
        name: Some("web-01".into()),
        hostname: Some("web-01.example".into()),
        zone: Some("HKG-A".into()),
        instance_type: Some("M6C".into()),
        image: Some("Debian 12".into()),
        status: Some(Status::Running),
        charge_type: Some(ChargeType::Postpaid),
        created: Some("2026-11-20T00:00:00Z".parse().unwrap()),
        internet_charge_type: Some("ByBandwidth".into()),
        resource_group_id: Some("rg-1".into()),
        resource_group_name: Some("platform".into()),
        addresses: Box::new(["203.0.113.7".parse().unwrap()]),
        addresses_told: true,
        tags: Tags::new(tags.into()).unwrap(),
    }
}

fn now() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

#[test]
fn a_machine_that_a_rule_does_not_match_costs_no_allocation() {
    let (rules, machine, now) = (rules(), machine(), now());
    for (rule, condition) in rules.rules.iter().zip(CONDITIONS) {
        // A regular expression makes room for itself when it is first used.
        assert_eq!(rule.evaluate(&machine, now), Verdict::NoMatch, "{condition}");
        let counted = allocation_counter::measure(|| {
            assert_eq!(rule.evaluate(&machine, now), Verdict::NoMatch);
        });
        assert_eq!(counted.count_total, 0, "{condition}");
    }
}

#[test]
fn a_machine_that_is_kept_costs_no_allocation() {
    let policy = Policy { rules: rules(), protect: Condition::NOTHING, host: Host::default() };
    let (machine, memory, now) = (machine(), Memory::default(), now());
    let judge = || policy.judge(&machine, &memory, now).decision;
    let decision = judge();
    assert!(matches!(decision, Decision::Keep(_)), "{decision:?}");
    let counted = allocation_counter::measure(|| assert_eq!(judge(), decision));
    assert_eq!(counted.count_total, 0);
}
