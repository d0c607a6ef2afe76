//! YAML as a tree in which every node knows its place.
//!
//! Serde's derive stops at the first thing that is wrong; a person wants to hear of all of them. So a file is read in two
//! steps: this module makes the tree and offers readers that note a [`Problem`] and go on, `rules` and `config` say what the
//! tree means. Aliases and merge keys are resolved here; size, depth and count are bounded before anything is built.

mod read;

use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{
    Spanned,
    options::{MergeKeyPolicy, NonFiniteFloatPolicy},
};

pub(crate) use self::read::{At, Fields, Home, Reader, indexed, nearest, nearest_of};
use crate::diagnostic::{Code, Place, Problem, Source};

/// The largest file that is read, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 1 << 20;

/// The most nodes that a file may have after its aliases are resolved.
const NODES_MAX: usize = 100_000;

/// How deep a file may nest.
const DEPTH_MAX: usize = 40;

/// The place of what was never written.
pub(crate) const NOWHERE: Place = Place { line: 0, column: 0, bytes: 0..0 };

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The value.
    pub(crate) value: Value,
    /// Where it stands; an alias stands where its anchor does.
    pub(crate) place: Place,
}

/// A value. Scalars are text, just as they were written: `0123` and `NO` are not numbers or booleans until someone asks.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping; its keys are distinct.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The key as written.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) place: Place,
}

/// Parses a document; an empty one is `Null`.
pub(crate) fn parse(source: &Arc<Source>) -> Result<Node, Problem> {
    let fail = |code, place, message: String, help: String| Problem {
        code,
        source: Arc::clone(source),
        place,
        path: String::new(),
        message,
        help,
    };
    if source.text.len() > FILE_BYTES_MAX {
        let message = format!("the file is larger than {FILE_BYTES_MAX} bytes");
        return Err(fail(Code::TooMuch, None, message, "expected a smaller file".to_owned()));
    }
    let refused = |error: &serde_yaml::Error| {
        let place = error.location().map(|at| place_of(&at, &source.text));
        let (code, message, help) = wording(error.without_snippet());
        fail(code, place, message, help)
    };
    // Merged, two `<<` of one mapping lose what the second one has of the same key, such as an `unless`: so they are looked for
    // among keys that are not merged.
    let unmerged = options(MergeKeyPolicy::AsOrdinary);
    if let Err(error) = serde_yaml::from_str_with_options::<Spanned<Raw>>(&source.text, unmerged)
        && matches!(error.without_snippet(), serde_yaml::Error::DuplicateMappingKey { .. })
    {
        return Err(refused(&error));
    }
    let merged = options(MergeKeyPolicy::Merge);
    serde_yaml::from_str_with_options::<Spanned<Raw>>(&source.text, merged)
        .map(|raw| resolve(raw, &source.text))
        .map_err(|error| refused(&error))
}

fn options(merge_keys: MergeKeyPolicy) -> serde_yaml::Options {
    let budget = serde_yaml::budget! {
        max_nodes: NODES_MAX,
        max_depth: DEPTH_MAX,
    };
    serde_yaml::options! {
        budget: budget,
        merge_keys: merge_keys,
        strict_booleans: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
    }
}

/// The parser's message without its place and talk of its options, and what to do about it.
fn wording(error: &serde_yaml::Error) -> (Code, String, String) {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let text = text.split(", set DuplicateKeyPolicy").next().unwrap_or_default();
    let message = text.split("; use from_str").next().unwrap_or_default().to_owned();
    match error {
        serde_yaml::Error::AliasError { error, .. } => wording(error.without_snippet()),
        serde_yaml::Error::Budget { .. } => (
            Code::TooMuch,
            "the file has too many values, or nests too deeply".to_owned(),
            format!(
                "expected at most {NODES_MAX} values, aliases resolved, nested {DEPTH_MAX} deep"
            ),
        ),
        serde_yaml::Error::DuplicateMappingKey { .. } => {
            let help = "expected every key once: take one of the two out";
            (Code::DuplicateKey, message, help.to_owned())
        }
        serde_yaml::Error::MultipleDocuments { .. } => {
            let help = "expected one document: put each into a file of its own";
            (Code::SeveralDocuments, message, help.to_owned())
        }
        _ => (
            Code::NotYaml,
            message,
            "expected YAML: spaces to indent, quotes around special characters".to_owned(),
        ),
    }
}

/// What the parser hands over, before plain scalars get their text back.
enum Raw {
    Null,
    Plain,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(one) = access.next_element()? {
            list.push(one);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = access.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

fn resolve(raw: Spanned<Raw>, text: &str) -> Node {
    let place = place_of(&raw.defined, text);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Plain => Value::Text(text.get(place.bytes.clone()).unwrap_or_default().to_owned()),
        Raw::Text(own) => Value::Text(own),
        Raw::List(list) => Value::List(list.into_iter().map(|one| resolve(one, text)).collect()),
        Raw::Map(map) => {
            Value::Map(map.into_iter().map(|entry| resolve_entry(entry, text)).collect())
        }
    };
    Node { value, place }
}

fn resolve_entry((key, value): (Spanned<String>, Spanned<Raw>), text: &str) -> (Key, Node) {
    let place = place_of(&key.defined, text);
    (Key { name: key.value, place }, resolve(value, text))
}

fn place_of(at: &serde_yaml::Location, text: &str) -> Place {
    let offset = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
    let start = offset(at.span().byte_offset()).unwrap_or_else(|| offset_of(at, text));
    let start = start.min(text.len());
    let length = offset(at.span().byte_len()).unwrap_or_default();
    // A file has at most a million of each.
    let narrow = |from_1: u64| u32::try_from(from_1).unwrap_or(u32::MAX);
    let (line, column) = (narrow(at.line()), narrow(at.column()));
    Place { line, column, bytes: start..(start + length).min(text.len()) }
}

/// The byte at a line and column: the scanner's own errors tell no offset.
fn offset_of(at: &serde_yaml::Location, text: &str) -> usize {
    let index = |from_1: u64| usize::try_from(from_1.saturating_sub(1)).unwrap_or(usize::MAX);
    let (before, after): (Vec<_>, Vec<_>) =
        text.split_inclusive('\n').enumerate().partition(|(n, _)| *n < index(at.line()));
    let line = after.first().map_or("", |(_, line)| line.trim_end());
    let column = line.char_indices().nth(index(at.column())).map_or(line.len(), |(n, _)| n);
    before.iter().map(|(_, line)| line.len()).sum::<usize>() + column
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { name: "a.yaml".into(), text: text.into() })
    }

    fn text_of(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".into(),
            Value::Text(text) => format!("{text:?}"),
            Value::List(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
            Value::Map(entries) => {
                let entry = |(key, node): &(Key, Node)| format!("{}={}", key.name, text_of(node));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(text_of(&parse(&source(text)).unwrap()), expected, "{text}");
    }

    #[test]
    fn scalars_keep_the_text_that_was_written() {
        check(
            "a: [0123, true, True, NO, 1.50, 1e999, 1:20, '12', \"x\", .inf, 0x10, 1_000]",
            r#"{a="0123","true","True","NO","1.50","1e999","1:20","12","x",".inf","0x10","1_000"}"#,
        );
        check("a: ~\nb:\n", "{a=~ b=~}");
        check("", "~");
        check("é: [ü, 12]", r#"{é="ü","12"}"#);
    }

    #[test]
    fn a_merge_key_stands_once_as_every_key_does() {
        let text = "x: &x { u: 1 }\ny: &y { u: 2 }\nz:\n  <<: *x\n  <<: *y\n";
        let source = Source { name: "f.yaml".into(), text: text.into() };
        let problem = parse(&source.into()).err().unwrap();
        assert_eq!(problem.code, Code::DuplicateKey);
        assert_eq!(problem.place.unwrap().line, 5);
        let several = "x: &x { u: 1 }\ny: &y { u: 2 }\nz:\n  <<: [*x, *y]\n";
        let source = Source { name: "f.yaml".into(), text: several.into() };
        assert!(parse(&source.into()).is_ok());
    }

    #[test]
    fn anchors_aliases_and_merge_keys_are_resolved() {
        check("a: &x {k: v}\nb: *x\nc: {<<: *x, q: 1}", r#"{a={k="v"} b={k="v"} c={q="1" k="v"}}"#);
    }

    fn check_wrong(text: &str, line: u32, column: u32, message: &str) {
        let problem = parse(&source(text)).unwrap_err();
        let place = problem.place.clone().unwrap();
        assert_eq!((place.line, place.column), (line, column), "{text}: {}", problem.message);
        assert!(problem.message.contains(message), "{}", problem.message);
    }

    #[test]
    fn what_is_not_one_yaml_document_is_refused_with_its_place() {
        check_wrong("a: 1\na: 2\n", 2, 1, "duplicate mapping key: a");
        check_wrong("a: [1, 2\n", 1, 4, "unclosed bracket");
        check_wrong("a:\n\t- 1\n", 2, 2, "tab");
        check_wrong("--- 1\n--- 2\n", 2, 5, "multiple YAML documents");
        check_wrong("? [a]\n: 1\n", 1, 3, "string");
    }

    #[test]
    fn a_file_is_bounded_in_size_depth_and_aliases() {
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(parse(&source(&deep)).is_err());
        assert!(parse(&source(&"# long\n".repeat(FILE_BYTES_MAX / 7 + 1))).is_err());
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for n in 1..9 {
            let before = n - 1;
            let item = format!("*a{before}");
            laughs.extend([format!("a{n}: &a{n} [{}]\n", vec![item; 9].join(", "))]);
        }
        assert!(parse(&source(&laughs)).is_err());
    }
}
