//! docs/configuration.md: its tables list every key of the config and no other, each with what the schema and the parser know of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use jiff::SignedDuration;
use regex::Regex;
use serde_json::{Value, json};
use zenreaper::{
    config,
    diagnostic::Source,
    lifetime::{self, Smallest},
    rules::{self, Release, Terms},
};

use crate::document::{Document, in_repository};

const PAGE: &str = "docs/configuration.md";
const HEAD: &str = "| key | type | default | meaning |";

/// A key as the schema has it.
struct Key {
    schema: Value,
    is_required: bool,
}

fn schema() -> Value {
    let text = fs::read_to_string(in_repository("deploy/schema/config.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A node with what it refers to put in; `None` for matchers, which docs/rules.md lists.
fn resolved(root: &Value, node: &Value) -> Option<Value> {
    let mut whole = node.as_object().unwrap().clone();
    let all = node["allOf"].as_array().cloned().unwrap_or_default();
    let referred = all.iter().chain([node]).filter_map(|part| part["$ref"].as_str());
    for to in referred {
        if to.ends_with("/matchers") {
            return None;
        }
        let inner = resolved(root, root.pointer(to.trim_start_matches('#')).unwrap())?;
        for (name, value) in inner.as_object().unwrap() {
            whole.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Some(Value::Object(whole))
}

/// Collects the keys below a node, by their paths.
fn collect(root: &Value, node: &Value, path: &str, keys: &mut BTreeMap<String, Key>) {
    let variants = node["anyOf"].as_array().cloned().unwrap_or_else(|| vec![node.clone()]);
    for variant in variants {
        let required = variant["required"].as_array().cloned().unwrap_or_default();
        for (name, inner) in variant["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}{}{name}", if path.is_empty() { "" } else { "." });
            let found = resolved(root, inner);
            let schema = found.clone().unwrap_or_else(|| inner.clone());
            let is_required = required.contains(&json!(name));
            merge(keys, &path, Key { schema, is_required });
            let Some(found) = found else { continue };
            collect(root, &found, &path, keys);
            if found["items"].is_object() {
                let items = resolved(root, &found["items"]).unwrap();
                collect(root, &items, &format!("{path}[]"), keys);
            }
        }
    }
}

/// Adds a key; one that several variants have takes the words of all.
fn merge(keys: &mut BTreeMap<String, Key>, path: &str, key: Key) {
    let Some(other) = keys.get_mut(path) else {
        keys.insert(path.to_owned(), key);
        return;
    };
    if let (Some(words), Some(more)) =
        (other.schema["enum"].as_array_mut(), key.schema["enum"].as_array())
    {
        words.extend(more.clone());
    }
}

fn keys() -> BTreeMap<String, Key> {
    let root = schema();
    let mut keys = BTreeMap::new();
    collect(&root, &root, "", &mut keys);
    assert!(keys.len() > 45, "only {} keys", keys.len());
    keys
}

/// The rows of all tables of keys: key, type, default.
fn rows() -> Vec<[String; 3]> {
    let page = Document::read(PAGE);
    let mut rows = Vec::new();
    let mut is_table = false;
    for (_, line) in page.prose() {
        is_table = line == HEAD || (is_table && line.starts_with('|'));
        if is_table && line.starts_with("| `") {
            let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
            let mut cell = || cells.next().unwrap();
            let (key, kind, default) = (cell(), cell(), cell());
            rows.push([key.trim_matches('`').to_owned(), kind, default]);
        }
    }
    rows
}

fn spans(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_is_listed_once_and_no_other() {
    let rows = rows();
    let listed: BTreeSet<_> = rows.iter().map(|[key, ..]| key.clone()).collect();
    assert_eq!(listed.len(), rows.len(), "a key is listed twice");
    assert_eq!(listed, keys().into_keys().collect(), "{PAGE}");
}

#[test]
fn every_default_is_that_of_the_schema() {
    let keys = keys();
    let mut count = 0;
    for [key, _, default] in rows() {
        let Key { schema, is_required } = &keys[&key];
        let told = match &schema["default"] {
            Value::Null => default_in_words(schema),
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        // A key that only some variants require says of which.
        assert_eq!(default.starts_with("required"), *is_required, "{key}: {default}");
        if let Some(told) = &told {
            assert!(spans(&default).contains(told), "{key}: {default}, but it is {told}");
            count += 1;
        }
        let is_mapping = schema["properties"].is_object();
        assert_eq!(is_mapping, default == "as below", "{key}: {default}");
        // What a list of mappings holds by default has no short name.
        let is_list = schema["items"]["$ref"].is_string();
        let has_none = told.is_none() && !is_required && !is_list;
        assert!(!has_none || spans(&default).is_empty(), "{key} has no default {default}");
    }
    assert!(count > 25, "only {count} defaults");
}

/// A default that the schema tells only in its description: one of its words.
fn default_in_words(schema: &Value) -> Option<String> {
    let (_, told) = schema["description"].as_str()?.split_once("Default: ")?;
    schema["enum"].is_array().then(|| told.to_owned())
}

/// The words of a closed list, of the key itself or of its items.
fn words(schema: &Value) -> Option<BTreeSet<String>> {
    let node = if schema["type"] == "array" { &schema["items"] } else { schema };
    let texts = node["enum"].as_array()?.iter().map(|word| match word {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    Some(texts.collect())
}

#[test]
fn every_closed_word_is_listed_and_no_other() {
    let keys = keys();
    let mut count = 0;
    for [key, kind, _] in rows() {
        if let Some(words) = words(&keys[&key].schema) {
            assert_eq!(spans(&kind), words, "{key}: {kind}");
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} lists of words");
}

fn source(text: String) -> Arc<Source> {
    Arc::new(Source { name: "config.yaml".to_owned(), text })
}

/// The codes of what the parser says of a config.
fn codes_of(text: String) -> Vec<&'static str> {
    let (_, problems) = config::read(&source(text), "2026-11-24T00:00:00Z".parse().unwrap());
    problems.iter().map(|problem| problem.code.as_str()).collect()
}

/// The codes of what it says of this value for a key.
fn codes(key: &str, value: &str) -> Vec<&'static str> {
    let inner = key.replace("accounts[]", "accounts[0]");
    let mut text = value.to_owned();
    for name in inner.rsplit('.') {
        text = match name.strip_suffix("[0]") {
            Some(name) => format!("{{ {name}: [{}] }}", text.replacen('{', "{ name: a,", 1)),
            None => format!("{{ {name}: {text} }}"),
        };
    }
    codes_of(text)
}

/// What lies just outside of two bounds, written like them; below no time at all there is none.
fn outside(lowest: &str, highest: &str) -> Vec<String> {
    if let (Ok(lowest), Ok(highest)) = (lowest.parse::<i64>(), highest.parse::<i64>()) {
        return [lowest - 1, highest + 1].map(|number| number.to_string()).to_vec();
    }
    // By the smallest unit of the lowest bound, which is that of the key.
    let step = match lowest {
        ms if ms.ends_with("ms") => SignedDuration::from_millis(1),
        seconds if seconds.ends_with('s') => SignedDuration::from_secs(1),
        _ => SignedDuration::from_mins(1),
    };
    let read = |bound| lifetime::duration_to(bound, Smallest::Millisecond).unwrap();
    let beyond = [read(lowest) - step, read(highest) + step];
    let beyond = beyond.into_iter().filter(|duration| !duration.is_negative());
    beyond.map(|duration| format!("{duration:#}")).collect()
}

#[test]
fn every_range_is_that_of_the_parser() {
    let range = Regex::new(r"^(?:whole number|duration), (\S+) to (\S+)$").unwrap();
    let mut count = 0;
    for [key, kind, _] in rows() {
        let is_bounded = kind.starts_with("whole number") || kind.starts_with("duration");
        let Some(found) = range.captures(&kind) else {
            assert!(!is_bounded, "{key} has no range: {kind}");
            continue;
        };
        for bound in [&found[1], &found[2]] {
            assert!(codes(&key, bound).is_empty(), "{key}: {bound} is refused");
        }
        for beyond in outside(&found[1], &found[2]) {
            let codes = codes(&key, &beyond);
            let is_refused = matches!(codes[..], ["ZR015" | "ZR022"]);
            assert!(is_refused, "{key}: {beyond}: {codes:?}");
        }
        count += 1;
    }
    assert!(count >= 16, "only {count} ranges");
}

/// Lines that stand for a form, or belong to no file.
const FORMS: [&str; 6] =
    ["all: [a, b]", "any: [a, b]", "not: a", "keep: \"*\"", "complete: false", "held: true"];

/// Whether a line may stand in a config, in a rule, or in a part of one.
fn is_line(line: &str) -> bool {
    let rule = |inner: &str| {
        let text = format!("rules: [{{ name: r, {inner} }}]");
        let terms = Terms { release: Release::Allowed, ..Terms::default() };
        rules::parse(&[source(text)], &terms).is_ok()
    };
    codes_of(format!("{{ {line} }}")).is_empty()
        || rule(line)
        || rule(&format!("match: {{ zone: a }}, {line}"))
        || rule(&format!("match: {{ zone: a }}, notice: 24h, {line}"))
        || rule(&format!("match: {{ {line} }}"))
        || rule(&format!("match: {{ name: {{ {line} }} }}"))
        || rule(&format!("match: {{ zone: a }}, limits: {{ {line} }}"))
}

#[test]
fn every_line_of_yaml_in_the_prose_is_taken_somewhere() {
    let line = Regex::new(r"^[a-z_]+: ").unwrap();
    let mut count = 0;
    for page in Document::all() {
        for span in page.spans().iter().filter(|span| line.is_match(span)) {
            assert!(is_line(span) || FORMS.contains(&span.as_str()), "{}: `{span}`", page.path);
            count += 1;
        }
    }
    assert!(count >= 20, "only {count} lines");
    assert!(!is_line("mode: enforced") && !is_line("notice_requird: false"));
}
