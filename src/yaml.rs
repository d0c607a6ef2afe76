//! YAML as a tree in which every node knows its place.
//!
//! Serde's derive stops at the first thing that is wrong; a person wants to hear of all of them. So a file is read in two
//! steps: this module makes the tree and offers readers that note a [`Problem`] and go on, `rules` and `config` say what the
//! tree means. Aliases and merge keys are resolved here; size, depth and count are bounded before anything is built.

use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Spanned, options::NonFiniteFloatPolicy};

use crate::diagnostic::{Place, Problem, Source, is_credential};

/// The largest file that is read, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 1 << 20;

/// The most nodes that a file may have after its aliases are resolved.
const NODES_MAX: usize = 100_000;

/// How deep a file may nest.
const DEPTH_MAX: usize = 40;

/// How alike two words must be (Jaro-Winkler, 0 to 1) for one to be offered for the other.
const ALIKE_MIN: f64 = 0.75;

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
    let fail = |place, message: String, help: String| Problem {
        source: Arc::clone(source),
        place,
        path: String::new(),
        message,
        help,
    };
    if source.text.len() > FILE_BYTES_MAX {
        let message = format!("the file is larger than {FILE_BYTES_MAX} bytes");
        return Err(fail(None, message, "expected a smaller file".to_owned()));
    }
    serde_yaml::from_str_with_options::<Spanned<Raw>>(&source.text, options())
        .map(|raw| resolve(raw, &source.text))
        .map_err(|error| {
            let place = error.location().map(|at| place_of(&at, &source.text));
            let (message, help) = wording(error.without_snippet());
            fail(place, message, help)
        })
}

fn options() -> serde_yaml::Options {
    let budget = serde_yaml::budget! {
        max_nodes: NODES_MAX,
        max_depth: DEPTH_MAX,
    };
    serde_yaml::options! {
        budget: budget,
        strict_booleans: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
    }
}

/// The parser's message without its place and talk of its options, and what to do about it.
fn wording(error: &serde_yaml::Error) -> (String, String) {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let text = text.split(", set DuplicateKeyPolicy").next().unwrap_or_default();
    let message = text.split("; use from_str").next().unwrap_or_default().to_owned();
    match error {
        serde_yaml::Error::AliasError { error, .. } => wording(error.without_snippet()),
        serde_yaml::Error::Budget { .. } => (
            "the file has too many values, or nests too deeply".to_owned(),
            format!(
                "expected at most {NODES_MAX} values, aliases resolved, nested {DEPTH_MAX} deep"
            ),
        ),
        serde_yaml::Error::DuplicateMappingKey { .. } => {
            (message, "expected every key once: take one of the two out".to_owned())
        }
        serde_yaml::Error::MultipleDocuments { .. } => {
            (message, "expected one document: put each into a file of its own".to_owned())
        }
        _ => (
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
    Place { line: at.line(), column: at.column(), bytes: start..(start + length).min(text.len()) }
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

/// A node and the path of keys that leads to it.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    /// The node.
    pub(crate) node: &'a Node,
    /// Its path, such as `rules[0].match`.
    pub(crate) path: String,
}

impl<'a> At<'a> {
    /// The root of a document.
    pub(crate) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new() }
    }

    fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// Reads nodes as what they should be, and notes what is not.
#[derive(Debug)]
pub(crate) struct Reader {
    source: Arc<Source>,
    /// What was found wrong so far.
    pub(crate) problems: Vec<Problem>,
}

impl Reader {
    /// A reader of one file.
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// The name of the file.
    pub(crate) fn source_name(&self) -> &str {
        &self.source.name
    }

    /// Notes that a node is wrong.
    pub(crate) fn wrong(
        &mut self,
        at: &At<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.note(at.node.place.clone(), at.path.clone(), message.into(), help.into());
    }

    fn note(&mut self, place: Place, path: String, message: String, help: String) {
        let source = Arc::clone(&self.source);
        self.problems.push(Problem { source, place: Some(place), path, message, help });
    }

    /// The entries of a mapping whose keys must be among `allowed`.
    pub(crate) fn fields<'a>(&mut self, at: &At<'a>, allowed: &[&str]) -> Option<Fields<'a>> {
        self.fields_or_later(at, allowed, &[])
    }

    /// Like [`Self::fields`], where `later` names keys that a later version will know.
    pub(crate) fn fields_or_later<'a>(
        &mut self,
        at: &At<'a>,
        allowed: &[&str],
        later: &[&str],
    ) -> Option<Fields<'a>> {
        let expected = format!("expected a mapping with the keys {}", allowed.join(", "));
        let entries = self.entries(at, &expected)?;
        for (key, _) in entries {
            let name = key.name.as_str();
            let (message, help) = match (allowed.contains(&name), later.contains(&name)) {
                (true, _) => continue,
                (false, true) => (
                    format!("`{name}` needs a later version of zenreaper"),
                    "expected a file without it: this version refuses what it would have to ignore"
                        .to_owned(),
                ),
                (false, false) => ("unknown key".to_owned(), nearest_of(name, allowed)),
            };
            self.note(key.place.clone(), at.key(name), message, help);
        }
        Some(Fields { at: at.clone(), entries })
    }

    /// The entries of a mapping with keys of the user's own.
    pub(crate) fn entries<'a>(&mut self, at: &At<'a>, expected: &str) -> Option<&'a [(Key, Node)]> {
        match &at.node.value {
            Value::Map(entries) => Some(entries),
            Value::Null | Value::Text(_) | Value::List(_) => {
                self.wrong(at, at.node.value.is_not("a mapping"), expected);
                None
            }
        }
    }

    /// The items of a list.
    pub(crate) fn list<'a>(&mut self, at: &At<'a>, expected: &str) -> Option<Vec<At<'a>>> {
        let Value::List(items) = &at.node.value else {
            self.wrong(at, at.node.value.is_not("a list"), expected);
            return None;
        };
        Some(indexed(items, &at.path))
    }

    /// The text of a scalar.
    pub(crate) fn text<'a>(&mut self, at: &At<'a>, expected: &str) -> Option<&'a str> {
        let Value::Text(text) = &at.node.value else {
            self.wrong(at, at.node.value.is_not("a text"), format!("expected {expected}"));
            return None;
        };
        Some(text)
    }

    /// A scalar that `parse` makes sense of; what it says otherwise becomes the message.
    pub(crate) fn value<T>(
        &mut self,
        at: &At<'_>,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(at, expected)?;
        parse(text).map_err(|message| self.wrong(at, message, format!("expected {expected}"))).ok()
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, at: &At<'_>) -> Option<bool> {
        self.value(at, "true or false", |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("`{other}` is not a boolean")),
        })
    }

    /// A whole number in a range.
    pub(crate) fn number(
        &mut self,
        at: &At<'_>,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.value(at, &expected, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| format!("`{text}` is not such a number"))
        })
    }

    /// One of a closed set of words.
    pub(crate) fn word<T: Copy>(&mut self, at: &At<'_>, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        let text = self.text(at, &format!("one of {}", names.join(", ")))?;
        let found = words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            self.wrong(at, format!("`{text}` is not known here"), nearest_of(text, &names));
        }
        found
    }
}

/// The items of a list with their paths.
pub(crate) fn indexed<'a>(items: &'a [Node], path: &str) -> Vec<At<'a>> {
    let at = |(n, node)| At { node, path: format!("{path}[{n}]") };
    items.iter().enumerate().map(at).collect()
}

/// The entries of a mapping, to be taken by name.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    at: At<'a>,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// The value under a key. One that is there and empty is not absent: an `expire` or `protect` whose lines were all commented
    /// out must not read as "at once" or "nothing".
    pub(crate) fn get(&self, name: &str) -> Option<At<'a>> {
        let (_, node) = self.entries.iter().find(|(key, _)| key.name == name)?;
        Some(At { node, path: self.at.key(name) })
    }

    /// The value under a key that must be there.
    pub(crate) fn require(
        &self,
        reader: &mut Reader,
        name: &str,
        expected: &str,
    ) -> Option<At<'a>> {
        let found = self.get(name);
        if found.is_none() {
            reader.wrong(&self.at, format!("`{name}` is missing"), format!("expected {expected}"));
        }
        found
    }

    /// All the entries with their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a Key, At<'a>)> {
        self.entries.iter().map(|(key, node)| (key, At { node, path: self.at.key(&key.name) }))
    }
}

impl Value {
    /// The complaint that it is not `wanted`, a kind of value with its article.
    fn is_not(&self, wanted: &str) -> String {
        match self {
            Self::Null => format!("there is nothing where {wanted} should be"),
            Self::Text(_) => format!("a text is not {wanted}"),
            Self::List(_) => format!("a list is not {wanted}"),
            Self::Map(_) => format!("a mapping is not {wanted}"),
        }
    }
}

/// The hint for a word that is none of `allowed`: the nearest one if there is one, then all.
pub(crate) fn nearest_of(word: &str, allowed: &[&str]) -> String {
    if is_credential(word) {
        return "expected none: credentials never stand in a file of zenreaper's, see `zenreaper --help`"
            .to_owned();
    }
    let lower = word.to_lowercase();
    let likeness = |one: &str| strsim::jaro_winkler(&lower, &one.to_lowercase());
    let best = allowed.iter().map(|one| (likeness(one), *one)).max_by(|a, b| a.0.total_cmp(&b.0));
    let all = match allowed {
        [one] => format!("expected `{one}`"),
        _ => format!("expected one of {}", allowed.join(", ")),
    };
    match best {
        Some((likeness, one)) if likeness >= ALIKE_MIN => format!("did you mean `{one}`? {all}"),
        _ => all,
    }
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
    fn anchors_aliases_and_merge_keys_are_resolved() {
        check("a: &x {k: v}\nb: *x\nc: {<<: *x, q: 1}", r#"{a={k="v"} b={k="v"} c={q="1" k="v"}}"#);
    }

    fn check_wrong(text: &str, line: u64, column: u64, message: &str) {
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

    #[test]
    fn the_nearest_word_is_offered() {
        let keys = ["match", "unless", "expire"];
        assert!(nearest_of("matches", &keys).starts_with("did you mean `match`?"));
        assert_eq!(nearest_of("zzz", &keys), "expected one of match, unless, expire");
    }
}
