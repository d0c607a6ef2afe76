use super::*;
use crate::rules::parse::tests::rules;

/// The warnings on some rules, each as its code, its path and, after a colon, its message.
fn warned(yaml: &str) -> Vec<String> {
    let told = warnings(&rules(yaml));
    told.iter().map(|one| format!("{} {}: {}", one.code, one.path, one.message)).collect()
}

/// Checks the codes of the warnings on one rule; `|` begins a line of it.
fn check(rule: &str, expected: &[&str]) {
    let yaml = format!("rules:\n  - name: r\n    {}\n", rule.replace('|', "\n    "));
    let told = warned(&yaml);
    let codes: Vec<_> = told.iter().map(|one| one.split(':').next().unwrap()).collect();
    assert_eq!(codes, expected, "{yaml}{told:#?}");
}

/// The same of a rule whose matches live for three days.
fn check_match(matches: &str, expected: &[&str]) {
    check(&format!("match: {matches}|expire: {{ after: 3d }}"), expected);
}

const EVERYTHING: &[&str] = &["ZR101 rules[0].match"];

#[test]
fn a_match_that_is_always_true_is_everything() {
    for matches in [
        "everything",
        "{ id: '*' }",
        "{ id: { exists: true } }",
        "{ not: { id: { exists: false } } }",
        "{ all: [everything, { id: { regex: '.*' } }] }",
        "{ any: [{ zone: HKG-A }, everything] }",
        "{ any: [{ tags: { env: dev } }, { tags: { env: { not_in: [dev, test] } } }, { tags: { env: test } }, everything] }",
        "{ any: [{ tags: { env: { exists: true } } }, { tags: { env: { exists: false } } }] }",
        "{ any: [{ tags: { env: 'a*' } }, { not: { tags: { env: 'ab*' } } }] }",
        "{ any: [{ zone: { exists: false } }, { zone: '*' }] }",
    ] {
        check_match(matches, EVERYTHING);
    }
    let default = "match: everything|expire: { tag: ttl, default: 7d }";
    check(default, EVERYTHING);
}

#[test]
fn a_match_that_some_machine_escapes_is_not_everything() {
    for matches in [
        "{ name: '*' }",
        "{ zone: { exists: true } }",
        "{ id: 'i-*' }",
        "{ tags: { env: '*' } }",
        "{ any: [{ zone: HKG-A }, { zone: { not_in: [HKG-A] } }] }",
        "{ any: [{ zone: { exists: false } }, { zone: 'HKG-*' }] }",
        "{ any: [{ ip: 10.0.0.0/8 }, { ip: { exists: false } }, { ip: { exists: true } }] }",
        "{ any: [{ tags: { env: 'ab*' } }, { not: { tags: { env: 'a*' } } }] }",
        "{ age: '>= 1m' }",
    ] {
        check_match(matches, &[]);
    }
    check("match: everything|expire: { tag: ttl }", &[]);
    check("match: everything|expire: { tag: ttl, max: 30d }", &[]);
    check("match: everything|unless: { tags: { keep: '*' } }|expire: { after: 3d }", &[]);
}

#[test]
fn a_match_that_excludes_itself_matches_nothing() {
    for (matches, place) in [
        ("{ all: [{ tags: { env: dev } }, { tags: { env: test } }] }", "all[0].tags.env"),
        ("{ zone: HKG-A, not: { zone: 'HKG-*' } }", "zone"),
        ("{ name: { in: [prod-1, prod-2], glob: 'dev-*' } }", "name"),
        ("{ name: { in: [prod-1, dev-1], regex: '^test' } }", "name"),
        ("{ name: { glob: 'dev-*', not_in: ['dev*'] } }", "name"),
        ("{ name: { glob: ['dev-*', 'qa-*'], not_in: ['dev-*', 'q*'] } }", "name"),
        ("{ all: [{ name: 'dev-*' }, { name: 'prod-*' }] }", "all[0].name"),
        ("{ all: [{ name: '*-dev' }, { name: '*-prod' }] }", "all[0].name"),
        ("{ zone: { exists: false, in: [HKG-A] } }", "zone"),
        ("{ zone: { exists: false, not_in: [HKG-A] } }", "zone"),
        ("{ zone: { not_in: ['*'] } }", "zone"),
        ("{ tags: { env: { exists: true, not_in: ['*'] } } }", "tags.env"),
        ("{ resource_group: { in: [a], not_in: ['a*'] } }", "resource_group"),
        ("{ resource_group: { exists: false, not_in: [a] } }", "resource_group"),
        ("{ ip: { in: [10.1.0.0/16], not_in: [10.0.0.0/8] } }", "ip"),
        ("{ ip: { in: [10.1.0.0/16], exists: false } }", "ip"),
        ("{ all: [{ age: '> 5d' }, { age: '< 3d' }] }", "all[0].age"),
        ("{ age: '> 3d', not: { age: '>= 72h' } }", "age"),
        ("{ age: ['< 1h', '> 5d'], all: [{ age: '>= 1h' }, { age: '<= 5d' }] }", "age"),
        (
            "{ any: [{ zone: { in: [a], not_in: [a] } }, { name: { in: [b], not_in: [b] } }] }",
            "any[0].zone",
        ),
        ("{ status: RUNNING, not: { status: running } }", "status"),
        ("{ status: RECYCLE }", "status"),
        ("{ status: [CREATING, INSTALLING, PENDING] }", "status"),
        ("{ status: '*ING', not: { status: [RUNNING, BOOTING, STOPPING] } }", "status"),
        ("{ charge_type: PREPAID, status: STOPPED }", "status"),
        ("{ charge_type: { not_in: [postpaid, PREPAID] } }", "charge_type"),
        ("{ status: { exists: false } }", "status"),
        ("{ not: everything }", ""),
    ] {
        let path = format!("ZR103 rules[0].match.{place}");
        check_match(matches, &[path.trim_end_matches('.')]);
    }
    check(
        "match: { tags: { env: dev } }|unless: { tags: { env: [dev, test] } }",
        &["ZR103 rules[0].unless"],
    );
    check(
        "match: { zone: a }|unless: [{ zone: '*' }]|expire: { after: 3d }",
        &["ZR103 rules[0].unless"],
    );
}

#[test]
fn a_match_that_some_machine_meets_is_no_contradiction() {
    for matches in [
        "{ all: [{ tags: { env: [dev, qa] } }, { tags: { env: [qa, test] } }] }",
        "{ name: { glob: 'dev-*', not_in: ['dev-a*'] } }",
        "{ all: [{ name: 'dev-*' }, { name: 'dev-a*' }] }",
        "{ all: [{ name: 'dev-*' }, { name: '*-prod' }] }",
        "{ tags: { env: { exists: false, not_in: [prod] } } }",
        "{ tags: { env: { not_in: ['*'] } } }",
        "{ name: { glob: '[ab]', in: [a] } }",
        "{ name: { glob: ['*', '[ab]?'] } }",
        "{ resource_group: { in: [a], not_in: [b] } }",
        "{ all: [{ resource_group: a }, { resource_group: b }] }",
        "{ all: [{ ip: 10.0.0.0/8 }, { ip: 203.0.113.7 }] }",
        "{ ip: { in: [10.0.0.0/8], not_in: [10.1.0.0/16] } }",
        "{ all: [{ age: '>= 3d' }, { age: '<= 3d' }] }",
        "{ any: [{ zone: { in: [a], not_in: [a] } }, { name: b }] }",
        "{ charge_type: PREPAID }",
        "{ charge_type: PREPAID, status: CREATE_FAILED }",
        "{ status: [RECYCLE, stopped] }",
    ] {
        check_match(matches, &[]);
    }
    check("match: { zone: a }|unless: { zone: b }|expire: { after: 3d }", &[]);
    check("match: { zone: a }|unless: { zone: a, name: b }|expire: { after: 3d }", &[]);
}

#[test]
fn a_life_that_is_shorter_than_its_notice_is_told_at_its_key() {
    let short = |key: &str| format!("ZR105 rules[0].expire.{key}");
    check("match: { zone: a }|expire: { after: 1h }|notice: 24h", &[&short("after")]);
    check("match: { zone: a }|expire: { after: 24h }|notice: 24h", &[]);
    check("match: { zone: a }|expire: { at: 2026-12-31 }|notice: 24h", &[]);
    let both = [short("default"), short("max")];
    check(
        "match: { zone: a }|expire: { tag: ttl, default: 1h, max: 2h }|notice: 24h",
        &both.each_ref().map(String::as_str),
    );
    check("match: { zone: a }|expire: { tag: ttl, default: 1d, max: 2d }|notice: 24h", &[]);
}

#[test]
fn what_is_due_at_once_is_told_unless_an_age_or_a_notice_leaves_it_time() {
    let at_once: &[&str] = &["ZR106 rules[0]"];
    for rule in [
        "match: { tags: { owner: { exists: false } } }",
        "match: { zone: a }|schedule: '0 22 * * *'",
        "match: { zone: a, age: '< 1h' }",
        "match: { any: [{ zone: a, age: '> 1h' }, { zone: b }] }",
        "match: { zone: a }|unless: { age: '> 3d' }",
    ] {
        check(rule, at_once);
    }
    for rule in [
        "match: { zone: a, age: '> 1h' }",
        "match: { any: [{ zone: a, age: '> 1h' }, { zone: b, age: '>= 2h' }] }",
        "match: { zone: a, not: { age: '< 3h' } }",
        "match: { zone: a }|unless: { age: '< 3d' }",
        "match: { zone: a }|notice: 24h",
        "match: { zone: a }|expire: { after: 1m }",
        "match: { zone: a }|expire: { tag: ttl }",
    ] {
        check(rule, &[]);
    }
}

#[test]
fn a_cap_of_zero_is_told() {
    let rule = "match: { zone: a }|expire: { after: 3d }|limits:";
    let told = ["ZR104 rules[0].limits.max_terminations"];
    check(&format!("{rule} {{ max_terminations: 0, min_remaining: 0 }}"), &told);
    check(&format!("{rule} {{ max_terminations: 1, min_remaining: 0 }}"), &[]);
}

#[test]
fn a_regular_expression_that_looks_like_a_whole_text_is_told() {
    for regex in ["dev", "ci-[0-9]+-build", "dev|test", "a.*b", "1 2"] {
        check_match(
            &format!("{{ name: {{ regex: '{regex}' }} }}"),
            &["ZR109 rules[0].match.name.regex"],
        );
    }
    for regex in
        ["^dev", "dev$", ".*dev.*", "(^|-)dev(-|$)", "dev-[0-9]+", r"\bdev\b", r"dev-\d", "(?i)dev"]
    {
        check_match(&format!("{{ name: {{ regex: '{regex}' }} }}"), &[]);
    }
    check_match("{ zone: a, not: { name: { regex: prod } } }", &[]);
    check("match: { zone: a }|unless: { name: { regex: prod } }|expire: { after: 3d }", &[]);
    let second = "{ any: [{ tags: { a: b } }, { tags: { a: { regex: dev } } }] }";
    check_match(second, &["ZR109 rules[0].match.any[1].tags.a.regex"]);
}

#[test]
fn a_plain_text_with_brackets_is_told() {
    let own = |rule: &str, path: &str| check(rule, &[&format!("ZR112 rules[0].{path}")]);
    own("match: { name: '[a-c]*' }|expire: { after: 3d }", "match.name");
    own("match: { hostname: '{a,b}-?' }|expire: { after: 3d }", "match.hostname");
    own("match: { zone: { not_in: ['*[a]'] } }|expire: { after: 3d }", "match.zone");
    let unless =
        "match: { zone: a }|unless: [{ any: [{ tags: { k: '[prod]*' } }] }]|expire: { after: 3d }";
    own(unless, "unless[0].any[0].tags.k");
    for fine in [
        "{ name: '[prod] db' }",
        "{ name: { glob: '[ab]*' } }",
        "{ name: { regex: '^[ab]*$' } }",
        "{ name: 'a[*' }",
    ] {
        check_match(fine, &[]);
    }
}

#[test]
fn a_near_miss_of_a_key_that_protects_is_told_where_it_stands() {
    let known = TagKeys {
        keys: ["Keep", "keep", "TTL", "Env", "owner"].map(str::to_owned).into(),
        listed_at: "2026-11-24T09:00:00Z".parse().unwrap(),
    };
    let yaml = "
rules:
  - name: r
    match: { tags: { env: dev }, not: { tags: { OWNER: '*' } } }
    unless: [{ tags: { keep: '*' } }, { not: { tags: { Owner: a } } }]
    expire: { tag: ttl, default: 3d }
  - { name: s, match: { tags: { env: { not_in: [prod] } } }, expire: { after: 3d } }
";
    let rules = rules(yaml);
    let protect = &rules.rules[0].unless;
    let told = near_miss_keys((protect, &rules.rules[0].origin), &rules, &known);
    let told: Vec<_> = told.iter().map(|one| format!("{} {}", one.path, one.message)).collect();
    let expected = |path: &str, own: &str, asked: &str| {
        format!(
            "rules[0].{path} instances had the tag `{own}`, a near miss of `{asked}`, at the last inventory, 2026-11-24T09:00:00Z"
        )
    };
    assert_eq!(
        told,
        [
            expected("", "Keep", "keep").replace("rules[0]. ", "rules[0] "),
            expected("match.not.tags.OWNER", "owner", "OWNER"),
            expected("unless[0].tags.keep", "Keep", "keep"),
            expected("expire.tag", "TTL", "ttl"),
            expected("match.tags.env", "Env", "env").replace("rules[0]", "rules[1]"),
        ]
    );
}

#[test]
fn a_rule_that_is_switched_off_has_no_warning() {
    check("match: { zone: { in: [a], not_in: [a] } }|enabled: false", &[]);
    check("match: everything|enabled: false", &[]);
}

/// Checks whether the second of two rules is told to be shadowed by the first.
fn check_two(earlier: &str, later: &str, is_shadowed: bool) {
    let rule = |name: &str, keys: &str| {
        let keys = if keys.contains("match") {
            keys.to_owned()
        } else {
            format!("match: {{ zone: a }}, {keys}")
        };
        let unless = if keys.contains("unless") { "" } else { "unless: { tags: { keep: '*' } }, " };
        format!("  - {{ name: {name}, {unless}{keys} }}\n")
    };
    let yaml = format!("rules:\n{}{}", rule("one", earlier), rule("two", later));
    let told = warned(&yaml);
    let shadows: Vec<_> = told.iter().filter(|one| one.starts_with("ZR102")).collect();
    assert_eq!(shadows.len(), usize::from(is_shadowed), "{yaml}{told:#?}");
    for one in shadows {
        assert!(one.starts_with("ZR102 rules[1].name: ") && one.contains("`one`"), "{one}");
    }
}

#[test]
fn a_rule_is_shadowed_by_one_that_matches_more() {
    let check = |earlier: &str, later: &str, expected| {
        let rule = |matches: &str| format!("match: {matches}, expire: {{ after: 3d }}");
        check_two(&rule(earlier), &rule(later), expected);
    };
    for (earlier, later) in [
        ("everything", "{ zone: a }"),
        ("{ zone: a }", "{ zone: a }"),
        ("{ zone: a }", "{ zone: a, name: b }"),
        ("{ zone: [a, b] }", "{ zone: b }"),
        ("{ zone: 'a*' }", "{ zone: [ab, ac] }"),
        ("{ zone: 'a*' }", "{ zone: 'ab*' }"),
        ("{ zone: '*a' }", "{ zone: '*ba' }"),
        ("{ zone: { regex: '^a' } }", "{ zone: [ab, ac] }"),
        ("{ zone: { exists: true } }", "{ zone: a }"),
        ("{ zone: { not_in: [c] } }", "{ zone: [a, b] }"),
        ("{ zone: { not_in: [c] } }", "{ zone: { not_in: ['c*'] } }"),
        ("{ zone: { not_in: [c, d] } }", "{ zone: { not_in: [c], in: [a, d], glob: 'a*' } }"),
        ("{ tags: { env: { not_in: [prod] } } }", "{ tags: { env: { exists: false } } }"),
        ("{ tags: { env: '*' } }", "{ tags: { env: dev } }"),
        ("{ ip: 10.0.0.0/8 }", "{ ip: [10.1.0.0/16, 10.2.0.7] }"),
        ("{ ip: { not_in: [10.1.0.0/16] } }", "{ ip: { not_in: [10.0.0.0/8] } }"),
        ("{ ip: { exists: true } }", "{ ip: 10.0.0.0/8 }"),
        ("{ resource_group: [a, b] }", "{ resource_group: a }"),
        ("{ resource_group: { not_in: [a] } }", "{ resource_group: { not_in: [a, b] } }"),
        ("{ age: '> 1d' }", "{ age: '>= 2d' }"),
        ("{ age: ['< 1d', '> 3d'] }", "{ age: '> 4d' }"),
        ("{ any: [{ zone: a }, { name: b }] }", "{ name: b, type: c }"),
        ("{ any: [{ zone: a }, { name: b }] }", "{ any: [{ name: b, type: c }, { zone: a }] }"),
        ("{ charge_type: POSTPAID }", "{ status: RUNNING }"),
        ("{ status: [RUNNING, STOPPED, RECYCLE] }", "{ status: [running, stopped] }"),
    ] {
        check(earlier, later, true);
    }
    for (earlier, later) in [
        ("{ zone: a }", "everything"),
        ("{ zone: a, name: b }", "{ zone: a }"),
        ("{ zone: b }", "{ zone: [a, b] }"),
        ("{ zone: 'ab*' }", "{ zone: 'a*' }"),
        ("{ zone: { not_in: [c] } }", "{ tags: { env: dev } }"),
        ("{ zone: { not_in: [c] } }", "{ zone: { exists: false } }"),
        ("{ zone: { exists: true } }", "{ tags: { env: dev } }"),
        ("{ tags: { env: { not_in: [prod] } } }", "{ tags: { env: '*' } }"),
        ("{ ip: 10.1.0.0/16 }", "{ ip: 10.0.0.0/8 }"),
        ("{ ip: { not_in: [10.1.0.0/16] } }", "{ ip: 10.2.0.0/16 }"),
        ("{ resource_group: { not_in: [a] } }", "{ resource_group: b }"),
        ("{ age: '> 2d' }", "{ age: '> 1d' }"),
        ("{ age: '> 1m' }", "{ zone: a }"),
        ("{ all: [{ zone: a }, { name: b }] }", "{ any: [{ zone: a }, { name: b }] }"),
        ("{ charge_type: POSTPAID }", "{ status: CREATE_FAILED }"),
    ] {
        check(earlier, later, false);
    }
}

#[test]
fn a_rule_is_shadowed_only_by_one_that_acts_no_later() {
    for (earlier, later, expected) in [
        ("action: terminate", "expire: { after: 3d }", true),
        ("action: terminate", "expire: { tag: ttl, max: 3d }", true),
        ("expire: { after: 3d }", "action: terminate", false),
        ("expire: { after: 3d }", "expire: { after: 72h }", true),
        ("expire: { after: 3d }", "expire: { after: 2d }", false),
        ("expire: { after: 3d }", "expire: { tag: ttl, default: 7d }", false),
        ("expire: { at: 2026-11-01 }", "expire: { at: 2026-11-01 }", true),
        // The second one takes what was created in November.
        ("expire: { at: 2026-11-01 }", "expire: { at: 2026-12-01 }", false),
        ("expire: { at: 2026-12-01 }", "expire: { at: 2026-11-01 }", false),
        ("expire: { tag: ttl }", "expire: { tag: ttl }", true),
        ("expire: { tag: ttl, default: 1d }", "expire: { tag: ttl, default: 2d }", true),
        ("expire: { tag: ttl, default: 1d }", "expire: { tag: ttl }", true),
        ("expire: { tag: ttl }", "expire: { tag: ttl, default: 2d }", false),
        ("expire: { tag: ttl }", "expire: { tag: life }", false),
        ("expire: { tag: ttl, max: 1d }", "expire: { tag: ttl, max: 2d }", true),
        ("expire: { tag: ttl, max: 2d }", "expire: { tag: ttl, max: 1d }", false),
        ("expire: { tag: ttl, max: 1d }", "expire: { tag: ttl }", false),
        ("expire: { tag: ttl }", "expire: { tag: ttl }, timezone: Asia/Shanghai", false),
        ("expire: { after: 3d }", "expire: { after: 3d }, notice: 24h", true),
        ("expire: { after: 3d }, notice: 24h", "expire: { after: 3d }, notice: 48h", false),
        ("schedule: '@daily'", "schedule: '@daily'", true),
        ("schedule: '@daily'", "action: terminate", false),
        ("action: terminate", "schedule: '@daily'", false),
        ("schedule: '@daily'", "schedule: '@daily', timezone: Asia/Shanghai", false),
        ("limits: { max_terminations: 1 }", "limits: { max_terminations: 5 }", true),
        ("unless: { name: b }", "action: terminate", false),
        ("unless: { name: b }", "unless: { name: [b, c] }", true),
        ("unless: { name: [b, c] }", "unless: { name: b }", false),
        ("unless: { name: b }", "match: { zone: a, name: c }, unless: { type: x }", true),
        ("enabled: false", "action: terminate", false),
    ] {
        check_two(earlier, later, expected);
    }
}

#[test]
fn a_tag_that_no_machine_had_is_told_where_it_is_asked_for() {
    let known = TagKeys {
        keys: ["env", "owner", "ttl"].map(str::to_owned).into(),
        listed_at: "2026-11-24T09:00:00Z".parse().unwrap(),
    };
    let yaml = "
rules:
  - name: typo
    match: { any: [{ tags: { evn: dev, env: dev } }, { tags: { team: '*' } }] }
    unless: [{ tags: { keep: '*' } }]
    expire: { tag: Ttl }
  - name: fine
    match: { tags: { env: dev, project: { exists: false }, a: { not_in: [b] } }, not: { tags: { keep: '*' } } }
    expire: { tag: until, default: 3d }
  - { name: off, match: { tags: { evn: dev } }, enabled: false }
";
    let told = unknown_tag_keys(&rules(yaml), &known);
    let told: Vec<_> =
        told.iter().map(|one| [&*one.path, &one.message, &one.help].join(" | ")).collect();
    assert_eq!(
        told,
        [
            "rules[0].match.any[0].tags.evn | no machine had a tag `evn` at the last inventory, 2026-11-24T09:00:00Z | did you mean `env`?",
            "rules[0].match.any[1].tags.team | no machine had a tag `team` at the last inventory, 2026-11-24T09:00:00Z | expected the key of a tag that machines have, in the same case",
            "rules[0].expire.tag | no machine had a tag `Ttl` at the last inventory, 2026-11-24T09:00:00Z | did you mean `ttl`?",
        ]
    );
}

#[test]
fn too_many_cases_are_not_looked_at() {
    let either: Vec<_> =
        (0..20).map(|n| format!("{{ any: [{{ name: a{n} }}, {{ type: b{n} }}] }}")).collect();
    check_match(
        &format!("{{ zone: {{ in: [a], not_in: [a] }}, all: [{}] }}", either.join(", ")),
        &[],
    );
}
