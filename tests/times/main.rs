//! Durations, dates and timestamps: one table of texts, each with what it means or why it is refused.
//!
//! Each text is tried wherever one can be written: as the value of a tag, in every key of a rule that holds a duration or an
//! instant, and in the schema for editors. The table of `docs/rules.md` is held against this one.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

mod table;

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use zenreaper::{
    cases, config,
    diagnostic::{Problem, Source},
    inventory::{ChargeType, Instance, InstanceId, Status, Tags},
    lifetime,
    plan::{Policy, eligibility::Host, memory::Memory},
    rules::{self, Condition, Expiry, RuleSet, Terms},
};

use crate::table::{NO_INSTANTS, TABLE};

const CREATED: &str = "2026-11-01T00:00:00Z";

/// Keys of a rule that hold a duration, and one that holds an instant.
const DURATION_KEYS: [&str; 6] = [
    "expire.after",
    "notice",
    "expire.tag.default",
    "expire.tag.min",
    "expire.tag.max",
    "match.age",
];

/// Reasons that a schema cannot know: they take arithmetic or a calendar.
const UNSEEN: [&str; 4] = [
    "longer than a hundred years",
    "shorter than a minute",
    "not a day of the calendar",
    "finer than a nanosecond",
];

fn source(name: &str, text: String) -> Arc<Source> {
    Arc::new(Source { name: name.into(), text })
}

fn parse(rule: &Value) -> Result<RuleSet, Vec<Problem>> {
    let text = json!({ "rules": [rule] }).to_string();
    rules::parse(&[source("rules.yaml", text)], &Terms::default())
}

/// A rule with a text in one of its keys.
fn rule(key: &str, text: &str) -> Value {
    let mut rule = json!({ "name": "r", "match": { "zone": "A" } });
    match key {
        "notice" => rule["notice"] = json!(text),
        "match.age" => rule["match"]["age"] = json!(format!(">= {text}")),
        "expire.after" => rule["expire"] = json!({ "after": text }),
        "expire.at" => rule["expire"] = json!({ "at": text }),
        other => {
            let (_, key) = other.rsplit_once('.').unwrap();
            rule["expire"] = json!({ "tag": "ttl", key: text });
        }
    }
    rule
}

fn created() -> Timestamp {
    CREATED.parse().unwrap()
}

fn instance(ttl: &str) -> Instance {
    Instance {
        id: InstanceId::new("i"),
        name: None,
        hostname: None,
        zone: Some("A".into()),
        instance_type: None,
        image: None,
        status: Some(Status::Running),
        charge_type: Some(ChargeType::Postpaid),
        created: Some(created()),
        internet_charge_type: None,
        resource_group_id: None,
        resource_group_name: None,
        addresses: Box::default(),
        addresses_told: false,
        tags: Tags::new(vec![("ttl".into(), ttl.into())]).unwrap(),
    }
}

/// The decision on an instance with this tag, at an instant.
fn decision(ttl: &str, now: Timestamp) -> (&'static str, &'static str) {
    let rules =
        parse(&json!({ "name": "r", "match": { "zone": "A" }, "expire": { "tag": "ttl" } }));
    let (rules, protect) = (rules.unwrap(), Condition::NOTHING);
    let policy = Policy { rules, protect, host: Host::default() };
    let decision = policy.judge(&instance(ttl), &Memory::default(), now).decision;
    (decision.as_str(), decision.reason())
}

/// The reason why a tag with this text cannot be read.
fn unreadable(ttl: &str) -> Option<String> {
    let rules = parse(&json!({ "name": "r", "match": "everything", "expire": { "tag": "ttl" } }));
    let rules = rules.unwrap();
    let Expiry::Tag(tag) = &rules.rules[0].expiry else { panic!("no tag") };
    tag.unreadable(ttl, Some(created()))
}

/// The schema of rule files.
struct Editor {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Editor {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/schema").join(name);
        let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource(name, schema).unwrap();
        let index = compiler.compile(name, &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn takes(&self, document: &Value) -> bool {
        self.schemas.validate(document, self.index).is_ok()
    }
}

/// Tries a text wherever it can be written.
fn check(editor: &Editor, text: &str, meaning: &str) {
    let refused = meaning.strip_prefix("refused: ");
    let is_dated = text.trim().as_bytes().get(4) == Some(&b'-');
    // A tag that ends too soon is a duration or an instant all the same.
    let is_read = ["expire.min", "before the creation"].iter().any(|why| meaning.contains(why));
    let is_duration = meaning.starts_with("a life") || (is_read && !is_dated);
    let is_instant = meaning.starts_with("until") || (is_read && is_dated);
    assert_eq!(lifetime::duration(text).is_ok(), is_duration, "{text:?}");
    assert_eq!(lifetime::instant(text, &TimeZone::UTC).is_ok(), is_instant, "{text:?}");
    for (keys, expected) in [(&DURATION_KEYS[..], is_duration), (&["expire.at"], is_instant)] {
        for key in keys {
            let rule = rule(key, text);
            let problems = parse(&rule).err().unwrap_or_default();
            assert_eq!(problems.is_empty(), expected, "{rule}: {problems:?}");
            let told = problems.iter().map(|problem| problem.message.as_str()).collect::<String>();
            let is_unseen = UNSEEN.iter().any(|why| told.contains(why));
            let takes = editor.takes(&json!({ "rules": [rule] }));
            assert!(is_unseen || takes == expected, "the schema on {rule}: {takes}");
        }
    }
    tagged(text, meaning, refused);
}

/// Tries a text as the value of a tag: an instance is terminated at the very instant that is meant, and not before.
fn tagged(text: &str, meaning: &str, refused: Option<&str>) {
    let late: Timestamp = "9999-12-30T22:00:00Z".parse().unwrap();
    let why = unreadable(text);
    let end = match (meaning.split_once("a life of "), meaning.split_once("until ")) {
        (Some((_, life)), _) => Some(created() + life.parse::<SignedDuration>().unwrap()),
        (_, Some((_, until))) => Some(until.parse().unwrap()),
        _ => None,
    };
    match (refused, end) {
        (Some(refused), _) => {
            let why = why.unwrap_or_default();
            assert!(why.contains(refused), "{text:?}: {why}");
            assert_eq!(decision(text, late), ("skip", "unreadable_expiry"), "{text:?}");
        }
        (None, Some(end)) => {
            assert_eq!(why, None, "{text:?}");
            assert_eq!(decision(text, end), ("terminate", "due"), "{text:?}");
            let before = end - SignedDuration::from_nanos(1);
            assert_eq!(decision(text, before), ("wait", "not_due"), "{text:?}");
        }
        (None, None) => assert_eq!(decision(text, late), ("keep", "never"), "{text:?}"),
    }
}

#[test]
fn each_text_means_one_thing_or_is_refused_everywhere() {
    let editor = Editor::new("rules.json");
    let no_instants = NO_INSTANTS.map(|(text, why)| (text, format!("refused: {why}")));
    let no_instants = no_instants.iter().map(|(text, why)| (*text, why.as_str()));
    let rows: Vec<_> = TABLE.into_iter().chain(no_instants).collect();
    let distinct: HashMap<_, _> = rows.iter().copied().collect();
    assert!(rows.len() >= 120 && distinct.len() == rows.len(), "a text stands there twice");
    for (text, meaning) in rows {
        check(&editor, text, meaning);
    }
}

#[test]
fn the_table_in_the_documentation_is_part_of_this_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, table) = page.split_once("<!-- times -->\n").unwrap();
    let rows: Vec<_> = table.lines().take_while(|line| line.starts_with('|')).skip(2).collect();
    assert!(rows.len() >= 30, "only {} rows", rows.len());
    let meanings: HashMap<_, _> = TABLE.into_iter().chain(NO_INSTANTS).collect();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [texts, meaning] = cells[..] else { panic!("{row}") };
        let texts: Vec<_> = texts.split('`').skip(1).step_by(2).collect();
        assert!(!texts.is_empty(), "{row}");
        for text in texts {
            let own = meanings.get(text).unwrap_or_else(|| panic!("`{text}` is not in the table"));
            let own = own.trim_start_matches("refused: ");
            let is_told = meaning.contains(own) || meaning.replace('`', "").contains(own);
            assert!(is_told, "`{text}`: {meaning}, but: {own}");
        }
    }
}

#[test]
fn a_date_ends_where_the_next_day_of_its_zone_begins() {
    for (date, zone, end) in [
        ("2026-12-31", "UTC", "2027-01-01T00:00:00Z"),
        ("2026-12-31", "Asia/Shanghai", "2026-12-31T16:00:00Z"),
        ("2026-12-31", "America/New_York", "2027-01-01T05:00:00Z"),
        ("2026-12-31", "Asia/Kathmandu", "2026-12-31T18:15:00Z"),
        ("2026-12-31", "Pacific/Kiritimati", "2026-12-31T10:00:00Z"),
        // Days of 23 and of 25 hours.
        ("2026-03-29", "Europe/Berlin", "2026-03-29T22:00:00Z"),
        ("2026-10-25", "Europe/Berlin", "2026-10-25T23:00:00Z"),
        // The clock goes from 24:00 to 01:00: the next day has no midnight.
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        // It goes from 24:00 back to 23:00: the last hour of the day comes twice.
        ("2018-02-17", "America/Sao_Paulo", "2018-02-18T03:00:00Z"),
        // It goes from 01:00 back to 00:00: the next day has two midnights, and begins with the first.
        ("2026-10-31", "America/Havana", "2026-11-01T04:00:00Z"),
        // Samoa skipped a whole day.
        ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z"),
    ] {
        let at = lifetime::instant(date, &TimeZone::get(zone).unwrap()).unwrap();
        assert_eq!(at.to_string(), end, "{date} in {zone}");
    }
    let last = Timestamp::MAX;
    for zone in ["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"] {
        let zone = TimeZone::get(zone).unwrap();
        assert!(lifetime::instant("9999-12-31", &zone).unwrap() <= last);
    }
}

/// Tries `min` with texts of a tag: an instance of 2026-11-01 is due then, or cannot be read.
fn check_min(expire: &str, ttl: &str, due: Option<&str>) {
    let text = format!("rules: [{{ name: r, match: everything, expire: {{ {expire} }} }}]");
    let rules = rules::parse(&[source("rules.yaml", text)], &Terms::default()).unwrap();
    let due = due.map_or(rules::Due::Unreadable, |at| rules::Due::At(at.parse().unwrap()));
    assert_eq!(rules.rules[0].expiry.due(&instance(ttl)), due, "{expire}: {ttl}");
}

#[test]
fn a_tag_that_ends_sooner_than_min_cannot_be_read() {
    let (ten, three) = (Some("2026-11-01T00:10:00Z"), Some("2026-11-01T00:03:00Z"));
    check_min("tag: ttl", "10m", ten);
    check_min("tag: ttl", "9m", None);
    check_min("tag: ttl, min: 1m", "3m", three);
    check_min("tag: ttl, min: 1m", "2026-11-01T00:03:00Z", three);
    check_min("tag: ttl, min: 1m", "2026-11-01T00:00:59Z", None);
    check_min("tag: ttl, min: 1m", CREATED, None);
    check_min("tag: ttl, min: 24h", "23h", None);
    check_min("tag: ttl, min: 24h", "2026-11-01", Some("2026-11-02T00:00:00Z"));
    check_min("tag: ttl, min: 25h", "2026-11-01", None);
    check_min("tag: ttl, min: 25h, default: 30h, max: 7d", "2026-11-01", None);
    // A `max` under ten minutes takes the place of the default `min`.
    check_min("tag: ttl, max: 5m", "5m", Some("2026-11-01T00:05:00Z"));
    check_min("tag: ttl, max: 5m", "4m", None);
    check_min("tag: ttl, max: 5m", "3d", Some("2026-11-01T00:05:00Z"));
    check_min("tag: ttl, default: 1m", "9m", None);
}

#[test]
fn min_is_refused_where_it_has_no_meaning_or_is_too_long() {
    for (expire, codes) in [
        ("tag: ttl, min: 1h, max: 1h", &[][..]),
        ("tag: ttl, min: 1h, default: 1h, max: 1h", &[]),
        ("tag: ttl, min: 2h, max: 1h", &["ZR043"]),
        ("tag: ttl, min: 2h, default: 1h", &["ZR043"]),
        ("tag: ttl, min: 2h, default: 1h, max: 90m", &["ZR043", "ZR043"]),
        ("tag: ttl, min: 0m", &["ZR021"]),
        ("tag: ttl, min: 30s", &["ZR021"]),
        ("tag: ttl, min: soon", &["ZR021"]),
        ("after: 3d, min: 1h", &["ZR017"]),
        ("at: 2026-12-31, min: 1h", &["ZR017"]),
        ("min: 1h", &["ZR017", "ZR042"]),
    ] {
        let text = format!("rules: [{{ name: r, match: everything, expire: {{ {expire} }} }}]");
        let parsed = rules::parse(&[source("rules.yaml", text)], &Terms::default());
        let problems = parsed.err().unwrap_or_default();
        let mut found: Vec<_> = problems.iter().map(|problem| problem.code.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, codes, "{expire}");
    }
}

/// Tries a text in a key of the config, in its parser and in its schema.
fn check_config(editor: &Editor, key: &str, text: &str, code: Option<&str>) {
    let document = match key.split_once('.') {
        Some(("accounts", "timeout")) => json!({ "accounts": [{ "name": "a", "timeout": text }] }),
        Some(("retry", key)) => json!({ "accounts": [{ "name": "a", "retry": { key: text } }] }),
        Some((outer, key)) => json!({ outer: { key: text } }),
        None => json!({ key: text }),
    };
    let now = created();
    let (_, problems) = config::read(&source("config.yaml", document.to_string()), now);
    let codes: Vec<_> = problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, Vec::from_iter(code), "{document}: {problems:?}");
    let is_form = code == Some("ZR021");
    assert_eq!(editor.takes(&document), !is_form, "the schema on {document}");
}

#[test]
fn each_duration_of_the_config_has_its_smallest_unit_and_its_bounds() {
    let editor = Editor::new("config.json");
    let (form, range) = (Some("ZR021"), Some("ZR022"));
    for key in ["jitter", "retry.total"] {
        for (text, code) in [
            ("0s", None),
            ("0m", None),
            ("1s", None),
            ("30 seconds", None),
            ("1.5s", None),
            ("1m 30s", None),
            ("PT30S", None),
            ("1h", None),
            ("61m", range),
            ("500ms", form),
            ("1h 0s", form),
            ("30S", form),
            ("30", form),
            ("-1s", form),
            ("+1s", form),
            ("00:30", form),
            ("1,5s", form),
            ("1s 1m", form),
            ("1mo", form),
            ("30 sec", form),
        ] {
            check_config(&editor, key, text, code);
        }
    }
    for key in ["accounts.timeout", "retry.first_delay"] {
        for (text, code) in [
            ("1ms", None),
            ("500 milliseconds", None),
            ("1s 500ms", None),
            ("10m", None),
            ("PT30S", None),
            ("0ms", range),
            ("0s", range),
            ("11m", range),
            ("5000000000ms", range),
            ("10us", form),
            ("1µs", form),
            ("500MS", form),
            ("500ms 1s", form),
        ] {
            check_config(&editor, key, text, code);
        }
    }
    for (key, text, code) in [
        ("hold.commitment", "0s", None),
        ("hold.commitment", "24h", None),
        ("hold.commitment", "366d", None),
        ("hold.commitment", "367d", range),
        ("hold.commitment", "24:00:00", form),
        ("apply.max_age", "1s", None),
        ("apply.max_age", "0s", range),
        ("apply.max_age", "7d", None),
        ("apply.max_age", "8d", range),
        ("journal_retention", "400d", None),
        ("journal_retention", "2d", None),
        ("journal_retention", "47h 59m", range),
        ("journal_retention", "172800s", form),
        ("journal_retention", "1y", form),
        ("journal_retention", "400", form),
    ] {
        check_config(&editor, key, text, code);
    }
}

#[test]
fn the_start_of_a_period_is_an_age_a_day_or_a_timestamp() {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    for (text, at) in [
        ("7d", "2026-11-13T12:00:00Z"),
        ("2026-11-01", "2026-11-01T00:00:00Z"),
        ("2026-11-01T06:00:00+08:00", "2026-10-31T22:00:00Z"),
        ("2026-11-01T06:00:00.25Z", "2026-11-01T06:00:00.25Z"),
    ] {
        assert_eq!(lifetime::since(text, now).unwrap().to_string(), at, "{text}");
    }
    for wrong in [
        "",
        "7",
        "soon",
        "yesterday",
        "00:30",
        "2026-11-01T06:00",
        "2026-11-31",
        "20261101",
        "2026-11-01 06h",
        "2026-11-01T06:00:00",
        "2026-11-01 06:00:00Z",
        "2026-11-01T06:00:00Z[UTC]",
    ] {
        let told = lifetime::since(wrong, now).unwrap_err();
        assert!(told.ends_with(lifetime::SINCE_HELP), "{wrong}: {told}");
    }
}

#[test]
fn the_tests_of_rules_read_the_same_forms() {
    let editor = Editor::new("tests.json");
    for (key, text, is_read) in [
        ("age", "3d", true),
        ("age", "59m 59s", true),
        ("age", "0s", true),
        ("age", "18:00:00", false),
        ("age", "1mo", false),
        ("age", "500ms", false),
        ("created", "2026-11-01T00:00:00Z", true),
        ("created", "2026-11-01", false),
        ("created", "2026-11-01 00:00:00Z", false),
        ("created", "2026-11-01T00:00:00", false),
        ("created", "2026-11-01T00:00:00+01:00[Europe/Berlin]", false),
    ] {
        let document = json!({
            "rules": "a.yaml",
            "tests": [{
                "name": "t",
                "now": "2026-12-01T00:00:00Z",
                "machine": { key: text },
                "expect": { "decision": "keep" }
            }]
        });
        let parsed = cases::parse(&source("a.test.yaml", document.to_string()));
        assert_eq!(parsed.is_ok(), is_read, "{key}: {text}");
        assert_eq!(editor.takes(&document), is_read, "the schema on {key}: {text}");
    }
}
