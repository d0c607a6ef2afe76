//! Documents that differ from good ones in one place: whichever of them a parser takes, the schema takes.

use serde_json::{Value, json};

use crate::{Checker, Kind, read, repository, seen};

/// Values that are right in some place and wrong in others.
fn values() -> Vec<Value> {
    serde_json::from_str(&read("tests/fixtures/schema/values.json")).unwrap()
}

/// A test file with each key that there is.
fn every_key_of_tests() -> Value {
    json!({
        "rules": ["a.yaml", "b.yaml"],
        "timezone": "Asia/Shanghai",
        "protect": { "name": "db-*" },
        "now": "2026-11-04T00:00:00Z",
        "machine": {
            "id": "i-1", "name": "a", "hostname": null, "zone": "HKG-A", "type": "M6C", "image": "Debian",
            "status": "RUNNING", "charge_type": "POSTPAID", "internet_charge_type": "ByBandwidth",
            "resource_group": "lab", "ip": ["10.0.0.1"], "tags": { "env": "dev" }, "age": "3d"
        },
        "tests": [{
            "name": "it goes",
            "now": "2026-11-04T00:00:00Z",
            "last_run": "2026-11-03T00:00:00Z",
            "told": { "rule": "dev", "at": "2026-11-03T00:00:00Z" },
            "held": false,
            "machine": { "created": "2026-11-01T00:00:00Z" },
            "expect": {
                "decision": "terminate", "reason": "due", "rule": "dev", "due_at": null,
                "terminate_at": "2026-11-04T00:00:00Z"
            }
        }]
    })
}

/// A good document, and the pointer to the part of it that is to differ.
struct Base {
    document: Value,
    within: &'static str,
}

/// Good documents that have every key between them. Each is read again for each value, so they are short.
fn bases(kind: Kind) -> Vec<Base> {
    let fixture = |name: &str| {
        let folder = repository().join("tests/fixtures").join(kind.name()).join("good");
        seen(&folder.join(name)).unwrap()
    };
    match kind {
        Kind::Rules => {
            let files = ["every-key.yaml", "every-operator.yaml"].map(fixture);
            let rules = files.iter().flat_map(|file| file["rules"].as_array().unwrap());
            let told = json!({
                "name": "told", "match": "everything", "notice": "24h", "notice_required": false,
                "limits": { "max_terminations": 5, "min_remaining": 2 }, "action": "release"
            });
            rules.chain([&told]).flat_map(rules_apart).collect()
        }
        Kind::Tests => vec![Base { document: every_key_of_tests(), within: "" }],
        Kind::Config => {
            let files = ["every-key.yaml", "notices.yaml"].map(fixture);
            files.iter().flat_map(configs_apart).collect()
        }
    }
}

/// A rule as several: one for each line of its matcher, and one for all else.
fn rules_apart(rule: &Value) -> Vec<Base> {
    let base = |rule: Value, within| Base { document: json!({ "rules": [rule] }), within };
    let line = |line| base(json!({ "name": "a", "match": line }), "/rules/0/match");
    let mut rest = rule.clone();
    rest["match"] = json!("everything");
    entries(&rule["match"]).map(line).chain([base(rest, "")]).collect()
}

/// A config as several: one for each of its keys, and for each sink.
fn configs_apart(config: &Value) -> Vec<Base> {
    let base = |document, within| Base { document, within };
    let sinks = config["notices"]["sinks"].as_array().into_iter().flatten();
    let sinks = sinks.map(|sink| json!({ "notices": { "sinks": [sink] } }));
    let notices = entries(&config["notices"]).filter(|entry| entry.get("sinks").is_none());
    let notices = notices.map(|entry| json!({ "notices": entry })).chain(sinks);
    let others = entries(config).filter(|entry| entry.get("notices").is_none());
    let others = others.map(|entry| base(entry, ""));
    others.chain(notices.map(|document| base(document, "/notices"))).collect()
}

/// The entries of a mapping, each alone; of anything else, none.
fn entries(node: &Value) -> impl Iterator<Item = Value> {
    node.as_object().into_iter().flatten().map(|(key, value)| json!({ key: value }))
}

/// Where the parts of a document are.
fn pointers(node: &Value, pointer: String, found: &mut Vec<String>) {
    match node {
        Value::Object(fields) => {
            for (key, inner) in fields {
                pointers(inner, format!("{pointer}/{}", key.replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (n, inner) in items.iter().enumerate() {
                pointers(inner, format!("{pointer}/{n}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(pointer);
}

impl Base {
    /// The document with another value in each of its places, and without each of its keys.
    fn variants(&self, values: &[Value]) -> Vec<Value> {
        let mut places = Vec::new();
        pointers(&self.document, String::new(), &mut places);
        places.retain(|place| place.starts_with(self.within));
        let mut variants = Vec::new();
        for place in places {
            let with = |value: &Value| {
                let mut variant = self.document.clone();
                *variant.pointer_mut(&place).unwrap() = value.clone();
                variant
            };
            variants.extend(values.iter().map(with));
            let (outside, key) = place.rsplit_once('/').unwrap_or_default();
            let mut without = self.document.clone();
            if let Some(Value::Object(fields)) = without.pointer_mut(outside)
                && fields.remove(&key.replace("~1", "/")).is_some()
            {
                variants.push(without);
            }
        }
        variants
    }
}

fn whatever_is_taken_is_taken(kind: Kind) {
    let (checker, values) = (Checker::new(kind), values());
    let (mut taken, mut refused) = (0, 0);
    for base in bases(kind) {
        assert!(kind.problems(&base.document.to_string()).is_empty(), "{}", base.document);
        for variant in base.variants(&values) {
            if checker.takes(&variant) {
                taken += 1;
                continue;
            }
            refused += 1;
            let is_taken = kind.problems(&variant.to_string()).is_empty();
            assert!(!is_taken, "the parser takes {variant}\n{:?}", checker.complaint(&variant));
        }
    }
    assert!(taken > 500 && refused > 2000, "{taken} taken, {refused} refused: {kind:?}");
}

#[test]
fn the_schema_takes_all_rules_that_the_parser_takes() {
    whatever_is_taken_is_taken(Kind::Rules);
}

#[test]
fn the_schema_takes_all_tests_that_the_parser_takes() {
    whatever_is_taken_is_taken(Kind::Tests);
}

#[test]
fn the_schema_takes_all_configs_that_the_parser_takes() {
    whatever_is_taken_is_taken(Kind::Config);
}
