//! Test files that are read, run, met and not met.

use proptest::prelude::*;

use super::*;

const RULES: &str = "
rules:
  - { name: dev, match: { tags: { env: dev } }, unless: { tags: { keep: '*' } }, expire: { after: 72h } }
  - { name: told, match: { zone: SEL-A }, expire: { after: 72h }, notice: 24h }
";

fn policy() -> Policy {
    crate::plan::tests::policy(RULES)
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { name: "folder/dev.test.yaml".into(), text: text.into() })
}

/// A file of one case, whose keys these are.
fn suite(case: &str) -> Suite {
    let text = format!(
        "machine: {{ created: 2026-11-01T00:00:00Z }}\nnow: 2026-11-04T00:00:00Z\ntests: [{{ name: one, {case} }}]"
    );
    parse(&source(&text))
        .unwrap_or_else(|problems| panic!("{}", crate::diagnostic::render(&problems, false)))
}

/// Runs one case, which is to pass or to fail with what was got.
fn check(case: &str, expected: Result<(), &str>) {
    let suite = suite(case);
    let policy = policy();
    let got = run(&suite.cases[0], &policy).map_err(|failure| {
        let got = failure.got.iter().map(|got| got.as_deref().unwrap_or("~"));
        got.collect::<Vec<_>>().join(" ")
    });
    assert_eq!(got, expected.map_err(str::to_owned), "{case}");
}

#[test]
fn what_is_expected_is_compared_and_what_is_not_written_is_not() {
    let dev = "machine: { tags: { env: dev } }, ";
    let got = "terminate due dev 2026-11-04T00:00:00Z 2026-11-04T00:00:00Z";
    for passes in [
        "expect: { decision: terminate }",
        "expect: { decision: terminate, reason: due, rule: dev }",
        "expect: { decision: terminate, due_at: 2026-11-04T01:00:00+01:00 }",
        "now: 2026-11-03T23:59:59Z, expect: { decision: wait }",
    ] {
        check(&format!("{dev}{passes}"), Ok(()));
    }
    for fails in [
        "expect: { decision: wait }",
        "expect: { decision: terminate, rule: told }",
        "expect: { decision: terminate, rule: ~ }",
        "expect: { decision: terminate, due_at: ~ }",
        "expect: { decision: terminate, terminate_at: 2026-11-04T00:00:01Z }",
    ] {
        check(&format!("{dev}{fails}"), Err(got));
    }
    check(
        "expect: { decision: keep, reason: no_rule, rule: ~, due_at: ~ }",
        Err("keep unknown_zone told ~ ~"),
    );
    check(
        "machine: { zone: HKG-A }, expect: { decision: keep, reason: no_rule, rule: ~, due_at: ~ }",
        Ok(()),
    );
}

#[test]
fn a_machine_has_what_all_have_unless_it_says_otherwise() {
    check(
        "machine: { tags: { env: dev }, created: ~ }, expect: { decision: keep, reason: unknown_create_time }",
        Ok(()),
    );
    check(
        "machine: { tags: { env: dev }, age: 71h }, expect: { decision: wait, due_at: 2026-11-04T01:00:00Z }",
        Ok(()),
    );
    check(
        "machine: { tags: { env: dev }, status: ~ }, expect: { decision: skip, reason: unknown_status }",
        Ok(()),
    );
    check(
        "machine: { tags: { env: dev }, charge_type: ~ }, expect: { decision: skip, reason: unknown_charge_type }",
        Ok(()),
    );
    check(
        "machine: { tags: { env: dev }, charge_type: PREPAID }, expect: { decision: skip, reason: subscription }",
        Ok(()),
    );
    let [machine] = &suite(
        "machine: { ip: [192.0.2.1, '::1'], resource_group: rg }, expect: { decision: keep }",
    )
    .cases[0]
        .machines[..]
    else {
        panic!("one machine")
    };
    assert_eq!(
        (machine.id.as_str(), machine.addresses.len(), machine.addresses_told),
        ("i-test", 2, true)
    );
    assert_eq!(machine.resource_group_id, machine.resource_group_name);
    let [machine] = &suite("expect: { decision: keep }").cases[0].machines[..] else {
        panic!("one machine")
    };
    assert_eq!((machine.addresses.len(), machine.addresses_told), (0, false));
}

#[test]
fn a_machine_of_a_test_is_read_as_the_cloud_would_tell_it() {
    let kept = |machine: &str, reason: &str| {
        check(
            &format!("machine: {machine}, expect: {{ decision: keep, reason: {reason} }}"),
            Ok(()),
        );
    };
    kept("{ tags: { env: ~ } }", "unknown_tag");
    kept("{ tags: { env: null } }", "unknown_tag");
    kept("{ tags: { env: dev, keep: ~ } }", "unknown_tag");
    kept("{ tags: { env: dev, Keep: 'no' } }", "near_miss");
    kept("{ tags: { Env: dev }, zone: HKG-A }", "no_rule");
    let text = "tests: [{ name: a, machine: { tags: { env: } }, expect: { decision: keep } }]";
    assert!(parse(&source(text)).is_err());
}

#[test]
fn each_of_several_machines_is_to_meet_the_expectation() {
    let suite = suite(
        "machines: [{ tags: { env: dev } }, { id: i-2, zone: HKG-A }], expect: { decision: terminate }",
    );
    let policy = policy();
    let failure = run(&suite.cases[0], &policy).unwrap_err();
    assert_eq!(failure.machine.as_deref(), Some("machine 2 of 2, i-2"));
    assert_eq!(failure.why, "It stays: no rule matches.");
    assert_eq!(
        deciding(&suite.cases[0], &policy).map(RuleName::as_str).collect::<Vec<_>>(),
        ["dev"]
    );
}

#[test]
fn what_was_before_counts() {
    let told = "machine: { zone: SEL-A }, now: 2026-11-05T00:00:00Z, ";
    let tell = "expect: { decision: notice, reason: to_tell, terminate_at: 2026-11-06T00:00:00Z }";
    check(&format!("{told}{tell}"), Ok(()));
    let late = "told: { rule: told, at: 2026-11-04T12:00:00Z }, expect: { decision: notice, reason: told, terminate_at: 2026-11-05T12:00:00Z }";
    check(&format!("{told}{late}"), Ok(()));
    let kept = "told: { rule: told, at: 2026-11-03T00:00:00Z }, expect: { decision: terminate, due_at: 2026-11-04T00:00:00Z }";
    check(&format!("{told}{kept}"), Ok(()));
    check(
        "machine: { tags: { env: dev } }, held: true, expect: { decision: skip, reason: held }",
        Ok(()),
    );
    let before = |case: &str| {
        suite(&format!("{case}expect: {{ decision: keep }}")).cases[0].last_run.to_string()
    };
    assert_eq!(before(""), "2026-11-03T23:59:00Z");
    assert_eq!(before("last_run: 2026-11-03T00:00:00Z, "), "2026-11-03T00:00:00Z");
}

#[test]
fn the_rules_have_the_name_of_the_test_file_unless_it_names_them() {
    let names = |top: &str| {
        let suite = parse(&source(&format!("{top}\ntests: []"))).unwrap();
        suite.rules.into_iter().map(|named| named.name).collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["dev.yaml"]);
    assert_eq!(names("rules: a.yaml"), ["a.yaml"]);
    for (name, told) in [("a.b.test.yml", true), ("a.yaml", false), ("a.test.json", false)] {
        let source = Source { name: name.into(), text: "tests: []".into() };
        assert_eq!(parse(&source.into()).is_ok(), told, "{name}");
    }
    assert_eq!(names("x-any: &a b.yml\nrules: [a.yaml, *a]"), ["a.yaml", "b.yml"]);
}

#[test]
fn a_rule_that_is_not_there_is_told_with_the_nearest_one() {
    let wrong = |case: &str| {
        let problems = suite(case).check_names(&policy().rules);
        problems
            .into_iter()
            .map(|one| format!("{} {}: {}; {}", one.code, one.path, one.message, one.help))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        wrong(
            "told: { rule: tols, at: 2026-11-03T00:00:00Z }, expect: { decision: keep, rule: dew }"
        ),
        [
            "ZR013 tests[0].told.rule: `tols` is not a rule of this test; did you mean `told`? expected one of dev, told",
            "ZR013 tests[0].expect.rule: `dew` is not a rule of this test; did you mean `dev`? expected one of dev, told"
        ]
    );
    assert_eq!(
        wrong("told: { rule: dev, at: 2026-11-03T00:00:00Z }, expect: { decision: keep }"),
        ["ZR017 tests[0].told.rule: the rule `dev` tells nobody; expected a rule with `notice`"]
    );
}

/// A test file with every key.
const EVERY_KEY: &str = "
x-own: &own { tags: { env: dev } }
rules: [dev.yaml]
timezone: Asia/Shanghai
protect: { tags: { protected: '*' } }
now: 2026-11-04T00:00:00Z
machine: { id: i, name: n, hostname: h, zone: ~, type: t, image: m, status: STOPPED, charge_type: ~ }
tests:
  - name: one
    now: 2026-11-05T00:00:00Z
    last_run: 2026-11-04T00:00:00Z
    told: { rule: told, at: 2026-11-03T00:00:00Z }
    held: true
    machine: { internet_charge_type: b, resource_group: g, ip: 192.0.2.1, tags: {}, age: 3d }
    expect: { decision: wait, reason: not_due, rule: ~, due_at: ~, terminate_at: 2026-11-04T00:00:00Z }
  - { name: two, machines: [*own], expect: { decision: keep } }
";

#[test]
fn every_key_is_taken() {
    let suite = parse(&source(EVERY_KEY)).unwrap();
    let [one, two] = &suite.cases[..] else { panic!("two cases") };
    assert_eq!((one.line, two.line), (9, 16));
    assert_eq!(two.machines[0].tags.get("env"), Some("dev"));
    assert_eq!(suite.check_names(&policy().rules), []);
}

proptest! {
    #[test]
    fn a_damaged_file_is_refused_or_runs(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, "[-:{}\\[\\]&*~'\"#, \na-z0-9é]{0,3}"), 0..6),
    ) {
        let mut text: Vec<char> = EVERY_KEY.chars().collect();
        for (at, removed, inserted) in edits {
            let start = at.index(text.len() + 1);
            text.splice(start..(start + removed).min(text.len()), inserted.chars());
        }
        match parse(&source(&text.into_iter().collect::<String>())) {
            Ok(suite) => {
                let policy = suite.policy(policy().rules);
                for case in &suite.cases {
                    let failure = run(case, &policy).err();
                    prop_assert!(failure.is_none_or(|failure| !failure.why.is_empty()));
                }
            }
            Err(problems) => prop_assert!(!crate::diagnostic::render(&problems, false).is_empty()),
        }
    }
}
