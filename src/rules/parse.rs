//! Rule files, from YAML to rules or to all that is wrong with them.

use std::{collections::HashMap, sync::Arc};

use jiff::tz::TimeZone;

use super::{
    Condition, Delivery, Expiry, Field, NoticePeriod, Rule, RuleLimits, RuleName, RuleSet,
    condition::{Case, Pattern, Test},
    expiry::TagExpiry,
};
use crate::{
    diagnostic::{Code, Problem, Source},
    inventory::{ChargeType, Status},
    lifetime::{self, DURATION_HELP, INSTANT_HELP},
    yaml::{self, At, Fields, Reader, Value},
};

/// The most rules over all files.
const RULES_MAX: usize = 1_000;

const RULE_KEYS: [&str; 9] = [
    "name",
    "description",
    "match",
    "unless",
    "expire",
    "notice",
    "notice_required",
    "limits",
    "action",
];

/// Keys that the language will have; they are refused by name, because ignoring one of them would terminate too much.
const LATER_RULE_KEYS: [&str; 3] = ["schedule", "timezone", "enabled"];

const RULE_LIMIT_KEYS: [&str; 2] = ["max_terminations", "min_remaining"];

const MATCHER_KEYS: [&str; 10] = [
    "id",
    "name",
    "hostname",
    "zone",
    "type",
    "image",
    "status",
    "charge_type",
    "resource_group",
    "tags",
];

const LATER_MATCHER_KEYS: [&str; 6] = ["internet_charge_type", "ip", "age", "all", "any", "not"];

const EXPIRE_KEYS: [&str; 5] = ["after", "at", "tag", "default", "max"];

const NAME_HELP: &str = "a name of lower-case letters, digits and hyphens, 1 to 63 characters";

const MATCH_HELP: &str = "a matcher such as `{ tags: { env: dev } }`, or the word `everything`";

const TEXT_HELP: &str = "a text, a list of texts, or `{ exists: true }`";

/// Parses rule files. Dates in `at` and in tags mean days of `zone`. All that is wrong in all files comes back at once.
pub fn parse(sources: &[Arc<Source>], zone: &TimeZone) -> Result<RuleSet, Vec<Problem>> {
    let mut rules = Vec::new();
    let mut problems = Vec::new();
    let mut names = HashMap::new();
    for source in sources {
        let mut reader = Reader::new(Arc::clone(source));
        match yaml::parse(source) {
            Ok(node) => {
                let parsed = file(&mut reader, &At::root(&node), zone, &mut names);
                rules.extend(parsed);
            }
            Err(problem) => reader.problems.push(problem),
        }
        problems.append(&mut reader.problems);
    }
    if problems.is_empty() { Ok(RuleSet { rules }) } else { Err(problems) }
}

/// The names that were used so far, and where.
type Names = HashMap<RuleName, String>;

fn file(reader: &mut Reader, root: &At<'_>, zone: &TimeZone, names: &mut Names) -> Vec<Rule> {
    let Some(fields) = reader.fields(root, &["rules"]) else {
        return Vec::new();
    };
    let Some(at) = fields.require(reader, "rules", "a list of rules") else {
        return Vec::new();
    };
    let Some(items) = reader.list(&at, "expected a list of rules, each with `name` and `match`")
    else {
        return Vec::new();
    };
    if items.len() + names.len() > RULES_MAX {
        reader.wrong(
            &at,
            Code::TooMuch,
            format!("more than {RULES_MAX} rules"),
            "expected fewer rules",
        );
        return Vec::new();
    }
    items.iter().filter_map(|item| rule(reader, item, zone, names)).collect()
}

fn rule(reader: &mut Reader, at: &At<'_>, zone: &TimeZone, names: &mut Names) -> Option<Rule> {
    let fields = reader.fields_or_later(at, &RULE_KEYS, &LATER_RULE_KEYS)?;
    let name = name(reader, &fields, names);
    let description =
        fields.get("description").and_then(|at| reader.text(&at, "a text").map(str::to_owned));
    let matches = fields.require(reader, "match", MATCH_HELP).and_then(|at| match_of(reader, &at));
    let unless = fields.get("unless").map_or(Some(Condition::NOTHING), |at| matchers(reader, &at));
    let expiry = fields.get("expire").map_or(Some(Expiry::AtOnce), |at| expiry(reader, &at, zone));
    let notice = notice(reader, &fields);
    let limits = fields.get("limits").map_or_else(RuleLimits::default, |at| limits(reader, &at));
    if let Some(at) = fields.get("action") {
        action(reader, &at);
    }
    let (name, matches, unless, expiry) = (name?, matches?, unless?, expiry?);
    Some(Rule { name, description, matches, unless, expiry, notice, limits })
}

/// The notice of a rule; one that is wrong is noted, which refuses the file.
fn notice(reader: &mut Reader, fields: &Fields<'_>) -> Option<NoticePeriod> {
    let length = fields.get("notice").and_then(|at| {
        reader.value(&at, Code::NotADuration, DURATION_HELP, |text| {
            match lifetime::duration(text) {
                Ok(length) if length.is_zero() => {
                    Err("a notice of no time tells nobody".to_owned())
                }
                read => read,
            }
        })
    });
    let required = fields.get("notice_required").and_then(|at| {
        if fields.get("notice").is_none() {
            let message = "`notice_required` has no meaning here";
            let help = "expected `notice_required` beside `notice` only";
            reader.wrong(&at, Code::OutOfPlace, message, help);
        }
        reader.boolean(&at)
    });
    let delivery = if required == Some(false) { Delivery::Attempted } else { Delivery::Required };
    length.map(|length| NoticePeriod { length, delivery })
}

fn limits(reader: &mut Reader, at: &At<'_>) -> RuleLimits {
    let Some(fields) = reader.fields(at, &RULE_LIMIT_KEYS) else {
        return RuleLimits::default();
    };
    let mut number = |key: &str| fields.get(key).and_then(|at| reader.number(&at, 0..=u32::MAX));
    RuleLimits {
        max_terminations: number("max_terminations"),
        min_remaining: number("min_remaining"),
    }
}

fn name(reader: &mut Reader, fields: &Fields<'_>, names: &mut Names) -> Option<RuleName> {
    let at = fields.require(reader, "name", NAME_HELP)?;
    let name = reader.value(&at, Code::NotAName, NAME_HELP, RuleName::new)?;
    let here = format!("{}:{}", reader.source_name(), at.node.place.line);
    if let Some(first) = names.insert(name.clone(), here) {
        reader.wrong(
            &at,
            Code::DuplicateName,
            format!("`{name}` is a name that another rule has"),
            format!("expected a name of its own: the first one is at {first}"),
        );
    }
    Some(name)
}

fn action(reader: &mut Reader, at: &At<'_>) {
    let Some(text) = reader.text(at, "terminate") else {
        return;
    };
    match text {
        "terminate" => {}
        "release" => reader.wrong(
            at,
            Code::LaterVersion,
            "`release` needs a later version of zenreaper",
            "expected terminate: the recycle bin leaves 24 hours to change one's mind",
        ),
        other => reader.wrong(
            at,
            Code::UnknownWord,
            format!("`{other}` is not an action"),
            "expected terminate",
        ),
    }
}

fn match_of(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    match &at.node.value {
        Value::Text(text) if text == "everything" => Some(Condition::Everything),
        Value::Text(text) => {
            reader.wrong(
                at,
                Code::UnknownWord,
                format!("`{}` is not a matcher", lifetime::shorten(text)),
                format!("expected {MATCH_HELP}"),
            );
            None
        }
        Value::Null | Value::List(_) | Value::Map(_) => matcher(reader, at),
    }
}

/// A matcher or a list of them, any of which may hold.
pub(crate) fn matchers(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    let Value::List(items) = &at.node.value else {
        return matcher(reader, at).map(|one| Condition::Any(vec![one]));
    };
    let conditions: Vec<_> =
        yaml::indexed(items, &at.path).iter().map(|item| matcher(reader, item)).collect();
    conditions.into_iter().collect::<Option<_>>().map(Condition::Any)
}

/// A matcher: every line of it must hold.
fn matcher(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    let fields = reader.fields_or_later(at, &MATCHER_KEYS, &LATER_MATCHER_KEYS)?;
    if fields.iter().next().is_none() {
        reader.wrong(
            at,
            Code::EmptyMatcher,
            "an empty matcher would match everything",
            format!("expected {MATCH_HELP}"),
        );
        return None;
    }
    let known = fields.iter().filter(|(key, _)| MATCHER_KEYS.contains(&key.name.as_str()));
    let conditions: Vec<_> = known.map(|(key, at)| condition(reader, &key.name, &at)).collect();
    conditions.into_iter().collect::<Option<_>>().map(Condition::All)
}

fn condition(reader: &mut Reader, key: &str, at: &At<'_>) -> Option<Condition> {
    match key {
        "tags" => tags(reader, at),
        "status" => on_words(reader, at, Field::Status, &Status::KNOWN),
        "charge_type" => on_words(reader, at, Field::ChargeType, &ChargeType::KNOWN),
        _ => {
            let field = Field::ALL.into_iter().find(|field| field.as_str() == key)?;
            let test = test(reader, at, &mut |reader, at| {
                let text = reader.text(at, TEXT_HELP)?;
                if text.is_empty() {
                    reader.wrong(
                        at,
                        Code::EmptyValue,
                        "an empty text matches no machine",
                        format!("expected {TEXT_HELP}"),
                    );
                }
                pattern(reader, at, Case::Exact)
            })?;
            Some(Condition::Field(field, test))
        }
    }
}

/// A condition on a field whose values are documented words, in any case.
fn on_words(reader: &mut Reader, at: &At<'_>, field: Field, words: &[&str]) -> Option<Condition> {
    let test = test(reader, at, &mut |reader, at| {
        let pattern = pattern(reader, at, Case::Any)?;
        if let Pattern::AnyCase(text) = &pattern
            && !words.iter().any(|word| word.eq_ignore_ascii_case(text))
        {
            reader.wrong(
                at,
                Code::UnknownWord,
                format!("`{}` is not known here", lifetime::shorten(text)),
                yaml::nearest_of(text, words),
            );
        }
        Some(pattern)
    })?;
    Some(Condition::Field(field, test))
}

fn tags(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    const HELP: &str = "expected tags such as `{ env: dev }`";
    let entries = reader.entries(at, HELP)?;
    if entries.is_empty() {
        reader.wrong(at, Code::EmptyMatcher, "an empty matcher would match everything", HELP);
        return None;
    }
    let mut conditions = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        let at = At { node, path: format!("{}.{}", at.path, key.name) };
        let test = test(reader, &at, &mut |reader, at| pattern(reader, at, Case::Exact));
        conditions.push(test.map(|test| Condition::Tag(key.name.as_str().into(), test)));
    }
    conditions.into_iter().collect::<Option<_>>().map(Condition::All)
}

/// Reads one text of a test as a pattern.
type ReadPattern<'a> = dyn FnMut(&mut Reader, &At<'_>) -> Option<Pattern> + 'a;

/// A text, a list of texts, or a mapping of operators.
fn test(reader: &mut Reader, at: &At<'_>, read: &mut ReadPattern<'_>) -> Option<Test> {
    match &at.node.value {
        Value::Map(_) => exists(reader, at).map(Test::Exists),
        Value::List(items) if items.is_empty() => {
            reader.wrong(
                at,
                Code::EmptyValue,
                "an empty list matches no machine",
                format!("expected {TEXT_HELP}"),
            );
            None
        }
        Value::List(items) => {
            let items = yaml::indexed(items, &at.path);
            let patterns: Vec<_> = items.iter().map(|item| read(reader, item)).collect();
            patterns.into_iter().collect::<Option<_>>().map(Test::AnyOf)
        }
        Value::Text(_) | Value::Null => read(reader, at).map(|one| Test::AnyOf(vec![one])),
    }
}

fn pattern(reader: &mut Reader, at: &At<'_>, case: Case) -> Option<Pattern> {
    reader.value(at, Code::NotAPattern, TEXT_HELP, |text| Pattern::new(text, case))
}

fn exists(reader: &mut Reader, at: &At<'_>) -> Option<bool> {
    let fields = reader.fields_or_later(at, &["exists"], &["in", "not_in", "glob", "regex"])?;
    if fields.get("exists").is_none() && fields.iter().next().is_some() {
        return None;
    }
    let at = fields.require(reader, "exists", "`exists: true` or `exists: false`")?;
    reader.boolean(&at)
}

fn expiry(reader: &mut Reader, at: &At<'_>, zone: &TimeZone) -> Option<Expiry> {
    let fields = reader.fields(at, &EXPIRE_KEYS)?;
    for key in ["default", "max"] {
        if let (Some(at), None) = (fields.get(key), fields.get("tag")) {
            reader.wrong(
                &at,
                Code::OutOfPlace,
                format!("`{key}` has no meaning here"),
                "expected `default` and `max` beside `tag` only",
            );
        }
    }
    match (fields.get("after"), fields.get("at"), fields.get("tag")) {
        (Some(after), None, None) => duration(reader, &after).map(Expiry::After),
        (None, Some(at), None) => {
            let instant = |text: &str| lifetime::instant(text, zone);
            reader.value(&at, Code::NotAnInstant, INSTANT_HELP, instant).map(Expiry::At)
        }
        (None, None, Some(key)) => tag_expiry(reader, &fields, &key, zone),
        (after, instant, tag) => {
            let several = [after, instant, tag].into_iter().flatten().nth(1);
            reader.wrong(
                several.as_ref().unwrap_or(at),
                Code::UnclearExpiry,
                "it is not clear when a match is due",
                "expected exactly one of after, at, tag",
            );
            None
        }
    }
}

fn tag_expiry(
    reader: &mut Reader,
    fields: &Fields<'_>,
    key: &At<'_>,
    zone: &TimeZone,
) -> Option<Expiry> {
    let text = reader.value(key, Code::NotATagKey, "the key of a tag", |text| match text {
        "" => Err("a tag's key is not empty".to_owned()),
        text => Ok(text.to_owned()),
    });
    let default = optional_duration(reader, fields, "default");
    let max = optional_duration(reader, fields, "max");
    let key = text?;
    if let (Some(life), Some(cap), Some(at)) = (default, max, fields.get("default"))
        && life > cap
    {
        reader.wrong(
            &at,
            Code::DefaultBeyondMax,
            "`default` is longer than `max`",
            "expected a default that the cap allows",
        );
    }
    Some(Expiry::Tag(TagExpiry { key: key.into(), default, max, zone: zone.clone() }))
}

/// The duration under a key, if it is there; one that is wrong is noted, which refuses the file.
fn optional_duration(
    reader: &mut Reader,
    fields: &Fields<'_>,
    key: &str,
) -> Option<jiff::SignedDuration> {
    fields.get(key).and_then(|at| duration(reader, &at))
}

fn duration(reader: &mut Reader, at: &At<'_>) -> Option<jiff::SignedDuration> {
    reader.value(at, Code::NotADuration, DURATION_HELP, lifetime::duration)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn source(yaml: &str) -> Arc<Source> {
        Arc::new(Source { name: "rules.yaml".into(), text: yaml.into() })
    }

    /// The rules of one file.
    pub(crate) fn rules(yaml: &str) -> RuleSet {
        parse(&[source(yaml)], &TimeZone::UTC)
            .unwrap_or_else(|problems| panic!("{}", crate::diagnostic::render(&problems, false)))
    }

    #[test]
    fn a_whole_rule_is_read() {
        let rules = rules(
            "rules:\n  - name: dev-three-days\n    description: Development machines\n    match:\n      tags: { env: [dev, test] }\n      \
             name: \"dev-*\"\n      status: [running, STOPPED]\n    unless:\n      - tags: { keep: \"*\" }\n    expire: { tag: ttl, default: 72h, max: 7d }\n    action: terminate\n",
        );
        assert_eq!(rules.rules[0].name.as_str(), "dev-three-days");
        assert!(matches!(&rules.rules[0].expiry, Expiry::Tag(tag) if tag.max.is_some()));
    }

    #[test]
    fn everything_that_is_wrong_in_all_files_is_told_at_once() {
        let one = source(
            "rules:\n  - name: Bad Name\n    match: {}\n    expire: { after: 3 dayz }\n  - name: same\n    match: everything\n",
        );
        let two = source("rules:\n  - name: same\n    mach: everything\n");
        let problems = parse(&[one, two], &TimeZone::UTC).unwrap_err();
        let told: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(
            told,
            [
                "rules[0].name",
                "rules[0].match",
                "rules[0].expire.after",
                "rules[0].mach",
                "rules[0].name",
                "rules[0]"
            ]
        );
    }
}
