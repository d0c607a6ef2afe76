//! Reading a tree as what it should be: each reader notes what is not, and goes on.

use std::sync::Arc;

use super::{Key, Node, Value};
use crate::{
    diagnostic::{Code, Place, Problem, Source, is_credential},
    lifetime::shorten,
};

/// How alike two words must be (Jaro-Winkler, 0 to 1) for one to be offered for the other.
const ALIKE_MIN: f64 = 0.75;

/// What the keys of a document begin with that are the user's own.
const OWN_PREFIX: &str = "x-";

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
        code: Code,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.note(code, (&at.node.place, at.path.clone()), message.into(), help.into());
    }

    fn note(&mut self, code: Code, (place, path): (&Place, String), message: String, help: String) {
        let (source, place) = (Arc::clone(&self.source), Some(place.clone()));
        self.problems.push(Problem { code, source, place, path, message, help });
    }

    /// The entries of a mapping whose keys must be among `allowed`.
    pub(crate) fn fields<'a>(&mut self, at: &At<'a>, allowed: &[&str]) -> Option<Fields<'a>> {
        let entries = self.known_entries(at, allowed)?;
        self.among(at, entries.iter(), allowed);
        Some(Fields { at: at.clone(), entries })
    }

    /// The same of a whole document: there, keys that begin with `x-` are the user's own, to put anchors under.
    pub(crate) fn document<'a>(&mut self, at: &At<'a>, allowed: &[&str]) -> Option<Fields<'a>> {
        let entries = self.known_entries(at, allowed)?;
        let is_ours = |(key, _): &&(Key, Node)| !key.name.starts_with(OWN_PREFIX);
        self.among(at, entries.iter().filter(is_ours), allowed);
        Some(Fields { at: at.clone(), entries })
    }

    fn known_entries<'a>(&mut self, at: &At<'a>, allowed: &[&str]) -> Option<&'a [(Key, Node)]> {
        self.entries(at, &format!("expected a mapping with the keys {}", allowed.join(", ")))
    }

    /// Notes the keys that are not among `allowed`.
    fn among<'a>(
        &mut self,
        at: &At<'_>,
        entries: impl Iterator<Item = &'a (Key, Node)>,
        allowed: &[&str],
    ) {
        for (key, _) in entries.filter(|(key, _)| !allowed.contains(&key.name.as_str())) {
            let name = key.name.as_str();
            let code = if is_credential(name) { Code::Credential } else { Code::UnknownKey };
            let help = nearest_of(name, allowed);
            self.note(code, (&key.place, at.key(name)), "unknown key".to_owned(), help);
        }
    }

    /// The entries of a mapping with keys of the user's own.
    pub(crate) fn entries<'a>(&mut self, at: &At<'a>, expected: &str) -> Option<&'a [(Key, Node)]> {
        match &at.node.value {
            Value::Map(entries) => Some(entries),
            Value::Null | Value::Text(_) | Value::List(_) => {
                self.wrong(at, Code::WrongKind, at.node.value.is_not("a mapping"), expected);
                None
            }
        }
    }

    /// The items of a list.
    pub(crate) fn list<'a>(&mut self, at: &At<'a>, expected: &str) -> Option<Vec<At<'a>>> {
        let Value::List(items) = &at.node.value else {
            self.wrong(at, Code::WrongKind, at.node.value.is_not("a list"), expected);
            return None;
        };
        Some(indexed(items, &at.path))
    }

    /// The text of a scalar.
    pub(crate) fn text<'a>(&mut self, at: &At<'a>, expected: &str) -> Option<&'a str> {
        let Value::Text(text) = &at.node.value else {
            let message = at.node.value.is_not("a text");
            self.wrong(at, Code::WrongKind, message, format!("expected {expected}"));
            return None;
        };
        Some(text)
    }

    /// A scalar that `parse` makes sense of; what it says otherwise becomes the message.
    pub(crate) fn value<T>(
        &mut self,
        at: &At<'_>,
        code: Code,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(at, expected)?;
        let help = || format!("expected {expected}");
        parse(text).map_err(|message| self.wrong(at, code, message, help())).ok()
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, at: &At<'_>) -> Option<bool> {
        self.value(at, Code::NotABoolean, "true or false", |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("`{}` is not a boolean", shorten(other))),
        })
    }

    /// A whole number in a range.
    pub(crate) fn number(
        &mut self,
        at: &At<'_>,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.value(at, Code::NotANumber, &expected, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| format!("`{}` is not such a number", shorten(text)))
        })
    }

    /// One of a closed set of words.
    pub(crate) fn word<T: Copy>(&mut self, at: &At<'_>, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        let text = self.text(at, &format!("one of {}", names.join(", ")))?;
        let found = words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{}` is not known here", shorten(text));
            self.wrong(at, Code::UnknownWord, message, nearest_of(text, &names));
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
            let (message, help) = (format!("`{name}` is missing"), format!("expected {expected}"));
            reader.wrong(&self.at, Code::MissingKey, message, help);
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

    #[test]
    fn the_nearest_word_is_offered() {
        let keys = ["match", "unless", "expire"];
        assert!(nearest_of("matches", &keys).starts_with("did you mean `match`?"));
        assert_eq!(nearest_of("zzz", &keys), "expected one of match, unless, expire");
    }
}
