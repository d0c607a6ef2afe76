//! Matchers, from YAML to conditions.

use super::{MATCH_HELP, wrong_empty};
use crate::{
    diagnostic::Code,
    inventory::{ChargeType, Status, text},
    lifetime::shorten,
    rules::{
        age::{AGE_HELP, AgeTest},
        condition::{Condition, Test},
        field::Field,
        network::{self, NETWORK_HELP},
        pattern::{Case, Pattern},
        tag::Side,
    },
    yaml::{self, At, Fields, Reader, Value},
};

pub(super) const MATCHER_KEYS: [&str; 16] = [
    "id",
    "name",
    "hostname",
    "zone",
    "type",
    "image",
    "status",
    "charge_type",
    "internet_charge_type",
    "resource_group",
    "ip",
    "tags",
    "age",
    "all",
    "any",
    "not",
];

const TEXT_OPERATORS: [&str; 5] = ["in", "not_in", "glob", "regex", "exists"];

const NETWORK_OPERATORS: [&str; 3] = ["in", "not_in", "exists"];

const TEXT_HELP: &str =
    "a text, a list of texts, or operators such as `{ not_in: [prod] }` or `{ exists: true }`";

/// What a rule matches: a matcher, or the word `everything`.
pub(super) fn match_of(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    match &at.node.value {
        Value::Text(text) if text == "everything" => Some(Condition::Everything),
        Value::Text(text) => {
            let message = format!("`{}` is not a matcher", shorten(text));
            reader.wrong(at, Code::UnknownWord, message, format!("expected {MATCH_HELP}"));
            None
        }
        Value::Null | Value::List(_) | Value::Map(_) => matcher(reader, at),
    }
}

/// A matcher or a list of them, any of which may hold: what protects an instance.
pub(crate) fn matchers(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    let read = match &at.node.value {
        Value::List(items) => {
            let items = yaml::indexed(items, &at.path);
            every(items.iter().map(|item| matcher(reader, item)))
        }
        Value::Null | Value::Text(_) | Value::Map(_) => matcher(reader, at).map(|one| vec![one]),
    };
    read.map(|several| Condition::Any(several).standing_on(Side::Protects))
}

/// All of what was read, if all could be; every one is read, so that all that is wrong is told.
fn every<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let read: Vec<_> = read.collect();
    read.into_iter().collect()
}

/// A matcher: every line of it must hold.
fn matcher(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    let fields = reader.fields(at, &MATCHER_KEYS)?;
    if fields.iter().next().is_none() {
        wrong_empty(reader, at, MATCH_HELP);
        return None;
    }
    let known = fields.iter().filter(|(key, _)| MATCHER_KEYS.contains(&key.name.as_str()));
    every(known.map(|(key, at)| condition(reader, &key.name, &at))).map(Condition::all)
}

fn condition(reader: &mut Reader, key: &str, at: &At<'_>) -> Option<Condition> {
    match key {
        "all" => nested(reader, at).map(Condition::All),
        "any" => nested(reader, at).map(Condition::Any),
        "not" => not(reader, at),
        "age" => list_of(reader, at, &mut age).map(Condition::Age),
        "ip" => ip(reader, at),
        "tags" => tags(reader, at),
        "status" => on_words(reader, at, Field::Status, &Status::KNOWN),
        "charge_type" => on_words(reader, at, Field::ChargeType, &ChargeType::KNOWN),
        _ => {
            let field = Field::ALL.into_iter().find(|field| field.as_str() == key)?;
            let tests = text_tests(reader, at, &mut no_empty_text(field))?;
            Some(conditions(tests, |test| Condition::Field(field, test)))
        }
    }
}

/// A list of matchers.
fn nested(reader: &mut Reader, at: &At<'_>) -> Option<Vec<Condition>> {
    let help = format!("expected a list, each item of it {MATCH_HELP}");
    let items = reader.list(at, &help)?;
    if items.is_empty() {
        reader.wrong(at, Code::EmptyMatcher, "there is no matcher in this list", help);
        return None;
    }
    every(items.iter().map(|item| match_of(reader, item)))
}

/// A matcher that must not hold; of a list, none may.
fn not(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    let inner = match &at.node.value {
        Value::List(_) => nested(reader, at).map(Condition::Any),
        Value::Null | Value::Text(_) | Value::Map(_) => match_of(reader, at),
    };
    inner.map(|inner| Condition::Not(Box::new(inner)))
}

fn age(reader: &mut Reader, at: &At<'_>) -> Option<AgeTest> {
    reader.value(at, Code::NotAnAge, AGE_HELP, AgeTest::parse)
}

fn ip(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    let mut read = |reader: &mut Reader, at: &At<'_>| {
        is_clean(reader, at, Code::NotANetwork).then_some(())?;
        reader.value(at, Code::NotANetwork, NETWORK_HELP, network::parse)
    };
    let tests = match &at.node.value {
        Value::Map(_) => {
            let fields = operators(reader, at, &NETWORK_OPERATORS)?;
            every(fields.iter().map(|(key, at)| operator(reader, &key.name, &at, &mut read)))?
        }
        Value::Null | Value::Text(_) | Value::List(_) => {
            vec![Test::AnyOf(list_of(reader, at, &mut read)?)]
        }
    };
    Some(conditions(tests, Condition::Ip))
}

/// A condition on a field whose values are documented words, in any case.
fn on_words(reader: &mut Reader, at: &At<'_>, field: Field, words: &[&str]) -> Option<Condition> {
    let mut read = |reader: &mut Reader, at: &At<'_>, form: Form| {
        let pattern = pattern(reader, at, (form, Case::Any))?;
        let text = pattern.written();
        let is_word = text.contains(['*', '?']) || form == Form::Regex;
        if !is_word && !words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            let message = format!("`{}` is not known here", shorten(text));
            reader.wrong(at, Code::UnknownWord, message, yaml::nearest_of(text, words));
        }
        Some(pattern)
    };
    let tests = text_tests(reader, at, &mut read)?;
    Some(conditions(tests, |test| Condition::Field(field, test)))
}

fn tags(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    const HELP: &str = "tags such as `{ env: dev }`";
    let entries = reader.entries(at, &format!("expected {HELP}"))?;
    if entries.is_empty() {
        wrong_empty(reader, at, HELP);
        return None;
    }
    let mut read =
        |reader: &mut Reader, at: &At<'_>, form: Form| pattern(reader, at, (form, Case::Exact));
    let tag = |(key, node): &(yaml::Key, yaml::Node)| {
        let at = At { node, path: format!("{}.{}", at.path, key.name) };
        let is_key = is_tag_key(reader, &at, &key.name);
        let tests = text_tests(reader, &at, &mut read)?;
        let on_tag = |test| Condition::Tag(key.name.as_str().into(), test);
        is_key.then(|| conditions(tests, on_tag))
    };
    every(entries.iter().map(tag)).map(Condition::all)
}

/// The tests of one value, all of which must hold.
fn conditions<T>(tests: Vec<Test<T>>, on: impl Fn(Test<T>) -> Condition) -> Condition {
    Condition::all(tests.into_iter().map(on).collect())
}

/// How a text is to be read as a pattern.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Form {
    /// Exact, or a glob where it has `*` or `?`.
    Text,
    /// A glob.
    Glob,
    /// A regular expression.
    Regex,
}

/// Reads one text of a test as a pattern.
type ReadPattern<'a> = dyn FnMut(&mut Reader, &At<'_>, Form) -> Option<Pattern> + 'a;

/// Reads one item of a list.
type ReadItem<'a, T> = dyn FnMut(&mut Reader, &At<'_>) -> Option<T> + 'a;

/// A text, a list of texts, or a mapping of operators.
fn text_tests(
    reader: &mut Reader,
    at: &At<'_>,
    read: &mut ReadPattern<'_>,
) -> Option<Vec<Test<Pattern>>> {
    if !matches!(at.node.value, Value::Map(_)) {
        let mut read = |reader: &mut Reader, at: &At<'_>| read(reader, at, Form::Text);
        return list_of(reader, at, &mut read).map(|all| vec![Test::AnyOf(all)]);
    }
    let fields = operators(reader, at, &TEXT_OPERATORS)?;
    let one = |(key, at): (&yaml::Key, At<'_>)| {
        let form = match key.name.as_str() {
            "glob" => Form::Glob,
            "regex" => Form::Regex,
            _ => Form::Text,
        };
        operator(reader, &key.name, &at, &mut |reader, at| read(reader, at, form))
    };
    every(fields.iter().map(one))
}

/// The operators of a mapping, at least one.
fn operators<'a>(reader: &mut Reader, at: &At<'a>, known: &[&str]) -> Option<Fields<'a>> {
    let fields = reader.fields(at, known)?;
    if fields.iter().next().is_none() {
        let help = format!("expected one of {}", known.join(", "));
        reader.wrong(at, Code::EmptyMatcher, "there is no operator", help);
        return None;
    }
    let all_known = fields.iter().all(|(key, _)| known.contains(&key.name.as_str()));
    all_known.then_some(fields)
}

fn operator<T>(
    reader: &mut Reader,
    name: &str,
    at: &At<'_>,
    read: &mut ReadItem<'_, T>,
) -> Option<Test<T>> {
    match name {
        "exists" => reader.boolean(at).map(Test::Exists),
        "not_in" => list_of(reader, at, read).map(Test::NoneOf),
        _ => list_of(reader, at, read).map(Test::AnyOf),
    }
}

/// One item, or a list of some.
fn list_of<T>(reader: &mut Reader, at: &At<'_>, read: &mut ReadItem<'_, T>) -> Option<Vec<T>> {
    match &at.node.value {
        Value::List(items) if items.is_empty() => {
            let help = format!("expected {TEXT_HELP}");
            reader.wrong(at, Code::EmptyValue, "there is nothing in this list", help);
            None
        }
        Value::List(items) => {
            let items = yaml::indexed(items, &at.path);
            every(items.iter().map(|item| read(reader, item)))
        }
        Value::Text(_) | Value::Null | Value::Map(_) => read(reader, at).map(|one| vec![one]),
    }
}

/// Reads a pattern for a field that is never empty. Host names compare in any letter case, as DNS does (RFC 4343).
fn no_empty_text(field: Field) -> impl FnMut(&mut Reader, &At<'_>, Form) -> Option<Pattern> {
    move |reader, at, form| {
        if reader.text(at, TEXT_HELP)?.is_empty() {
            let help = format!("expected {TEXT_HELP}");
            reader.wrong(at, Code::EmptyValue, "an empty text matches no machine", help);
            return None;
        }
        let case = match (field, form) {
            (Field::Hostname, Form::Text | Form::Glob) => Case::Any,
            _ => Case::Exact,
        };
        pattern(reader, at, (form, case))
    }
}

fn pattern(reader: &mut Reader, at: &At<'_>, (form, case): (Form, Case)) -> Option<Pattern> {
    let code = match form {
        Form::Text | Form::Glob => Code::NotAPattern,
        Form::Regex => Code::NotARegex,
    };
    is_clean(reader, at, code).then_some(())?;
    match form {
        Form::Text => reader.value(at, code, TEXT_HELP, |text| Pattern::new(text, case)),
        Form::Glob => {
            let help = "a glob: `*` is any text, `?` one character, `[ab]` one of these";
            reader.value(at, code, help, |text| Pattern::glob(text, case))
        }
        Form::Regex => {
            let help = "a regular expression such as `^ci-[0-9]+$`";
            reader.value(at, code, help, |text| Pattern::regex(text, case))
        }
    }
}

/// Whether a scalar has no outer white space and no control character; one that has is noted. It would never match, and a value
/// that protects nothing looks as if it did. What is no scalar is for others to note.
fn is_clean(reader: &mut Reader, at: &At<'_>, code: Code) -> bool {
    let Value::Text(text) = &at.node.value else { return true };
    let Some(wrong) = unclean(text) else { return true };
    let clean = text::trimmed(text);
    let help = if clean.contains(char::is_control) {
        "expected a text on one line".to_owned()
    } else if clean.is_empty() {
        "expected a text that can be seen".to_owned()
    } else {
        let hint = match code {
            Code::NotARegex => ", and `[ ]` for a space that is meant",
            _ if text.ends_with('\n') => {
                "; a block that begins with `|-` ends without a line break"
            }
            _ => "",
        };
        format!("write `{}`{hint}", shorten(clean))
    };
    reader.wrong(at, code, format!("`{}` {wrong}", shorten(text)), help);
    false
}

/// What is wrong with a text that should have no outer white space and no control character.
fn unclean(text: &str) -> Option<&'static str> {
    let clean = text::trimmed(text);
    if clean.contains(char::is_control) {
        Some("has a control character or a line break in it")
    } else if clean.is_empty() && !text.is_empty() {
        Some("is white space only")
    } else if clean.len() < text.len() {
        Some("has white space around it")
    } else {
        None
    }
}

/// Whether a text can be the key of a tag; one that cannot is noted.
pub(super) fn is_tag_key(reader: &mut Reader, at: &At<'_>, key: &str) -> bool {
    let wrong = if key.is_empty() { Some("is empty") } else { unclean(key) };
    let Some(wrong) = wrong else { return true };
    let help = match text::trimmed(key) {
        "" => "expected the key of a tag".to_owned(),
        clean => format!("write `{}`", shorten(clean)),
    };
    reader.wrong(at, Code::NotATagKey, format!("the key `{}` {wrong}", shorten(key)), help);
    false
}
