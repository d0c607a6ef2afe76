//! Reading a tree as what it should be: each reader notes what is not, and goes on.

use std::sync::Arc;

use super::{Key, Node, Value};
use crate::{
    diagnostic::{Code, Place, Problem, Source, is_credential},
    lifetime::shorten,
};

/// The shortest word that is taken for the beginning of a longer one.
const ABBREVIATION_MIN: usize = 4;

/// Where keys belong: a place in words, such as ``under `limits` ``, and the keys that may stand there.
pub(crate) type Home = (&'static str, &'static [&'static str]);

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
    /// Where keys belong that somebody may write elsewhere.
    homes: &'static [Home],
    /// What was found wrong so far.
    pub(crate) problems: Vec<Problem>,
}

impl Reader {
    /// A reader of one file.
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self { source, homes: &[], problems: Vec::new() }
    }

    /// The same, which tells where keys belong that stand in the wrong place.
    pub(crate) fn knowing(self, homes: &'static [Home]) -> Self {
        Self { homes, ..self }
    }

    /// The name of the file.
    pub(crate) fn source_name(&self) -> &str {
        &self.source.name
    }

    /// Whether a node is written out, as `~` is, and is not only the lack of one.
    pub(crate) fn is_written(&self, at: &At<'_>) -> bool {
        let written = self.source.text.get(at.node.place.bytes.clone());
        written.is_some_and(|text| matches!(text.trim(), "~" | "null" | "Null" | "NULL"))
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
        let keys = if allowed.len() == 1 { "key" } else { "keys" };
        self.entries(at, &format!("expected a mapping with the {keys} {}", allowed.join(", ")))
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
            let (code, message, help) = self.unknown(name, allowed);
            self.note(code, (&key.place, at.key(name)), message, help);
        }
    }

    /// What is wrong with a key that is none of `allowed`: misspelt, at home elsewhere, or both may be.
    fn unknown(&self, name: &str, allowed: &[&str]) -> (Code, String, String) {
        let home = self.homes.iter().find(|(_, keys)| keys.contains(&name));
        let unknown = || "unknown key".to_owned();
        match (home, nearest(name, allowed)) {
            _ if is_credential(name) => {
                let message = format!("`{name}` looks like a credential");
                (Code::Credential, message, nearest_of(name, allowed))
            }
            (None, _) => (Code::UnknownKey, unknown(), nearest_of(name, allowed)),
            (Some((place, _)), Some(near)) => {
                let help = format!(
                    "did you mean `{near}`? `{name}` belongs {place}; here, {}",
                    expected_of(allowed)
                );
                (Code::UnknownKey, unknown(), help)
            }
            (Some((place, _)), None) => {
                let message = format!("`{name}` has no meaning here");
                let help = format!("it belongs {place}; here, {}", expected_of(allowed));
                (Code::OutOfPlace, message, help)
            }
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
    let all = expected_of(allowed);
    nearest(word, allowed).map_or_else(|| all.clone(), |one| format!("did you mean `{one}`? {all}"))
}

fn expected_of(allowed: &[&str]) -> String {
    match allowed {
        [one] => format!("expected `{one}`"),
        _ => format!("expected one of {}", allowed.join(", ")),
    }
}

/// The one of `allowed` that somebody who wrote `word` most likely meant, if any is likely.
pub(crate) fn nearest<'a>(word: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let word = letters(word);
    let apart = |one: &&'a str| Some((distance(&word, &letters(one))?, *one));
    let nearest = allowed.iter().filter_map(apart).min_by_key(|(distance, _)| *distance);
    nearest.map(|(_, one)| one)
}

/// A word without what people vary: `chargeType`, `charge-type` and `CHARGE_TYPE` are one.
fn letters(word: &str) -> String {
    let letters = word.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// How many slips of the pen are between two words, or `None` if they are two words: more than one in three letters differs, and
/// neither is a short form of the other.
fn distance(word: &str, known: &str) -> Option<usize> {
    let (short, long) = if word.len() < known.len() { (word, known) } else { (known, word) };
    let slips = strsim::osa_distance(word, known);
    let is_slip = slips * 3 <= long.len().max(3) && slips * 2 < short.len();
    let more = long.len() - short.len();
    let is_plural = more == 1 && long.ends_with('s');
    let is_short_form = if short == word {
        short.len() >= ABBREVIATION_MIN
    } else {
        more <= short.len() && short.len() > 2
    };
    let extends = long.starts_with(short) && (is_plural || is_short_form);
    (is_slip || extends).then_some(slips)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: [&str; 11] = [
        "name",
        "description",
        "match",
        "unless",
        "expire",
        "notice",
        "notice_required",
        "limits",
        "action",
        "schedule",
        "enabled",
    ];
    const MATCHER: [&str; 14] = [
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
        "ip",
        "age",
        "any",
        "not",
    ];
    const CONFIG: [&str; 12] = [
        "mode",
        "schedule",
        "timezone",
        "jitter",
        "rules",
        "accounts",
        "limits",
        "protect",
        "journal",
        "http",
        "notices",
        "inventory",
    ];

    #[track_caller]
    fn check(word: &str, allowed: &[&str], expected: Option<&str>) {
        assert_eq!(nearest(word, allowed), expected, "{word}");
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_word() {
        for (word, expected) in [
            ("mach", "match"),
            ("matches", "match"),
            ("exipre", "expire"),
            ("expires", "expire"),
            ("unles", "unless"),
            ("Name", "name"),
            ("desc", "description"),
            ("limit", "limits"),
            ("noticeRequired", "notice_required"),
            ("acton", "action"),
        ] {
            check(word, &RULE, Some(expected));
        }
        for (word, expected) in [
            ("tag", "tags"),
            ("zones", "zone"),
            ("zone_id", "zone"),
            ("hostName", "hostname"),
            ("chargeType", "charge_type"),
            ("resource-group", "resource_group"),
            ("ids", "id"),
            ("stauts", "status"),
            ("typ", "type"),
        ] {
            check(word, &MATCHER, Some(expected));
        }
        check("enforced", &["dry-run", "enforce"], Some("enforce"));
        check("dry_run", &["dry-run", "enforce"], Some("dry-run"));
        check("runing", &["RUNNING", "STOPPED"], Some("RUNNING"));
        check("time_zone", &CONFIG, Some("timezone"));
        check("sched", &CONFIG, Some("schedule"));
    }

    #[test]
    fn another_word_is_not_taken_for_a_slip() {
        for word in ["prod", "production", "owner", "x", "", "as", "ttl", "\u{1f480}", "é"] {
            check(word, &CONFIG, None);
            check(word, &RULE, None);
            check(word, &MATCHER, None);
        }
        check("not", &RULE, None);
        check("at", &MATCHER, None);
        check("max_terminations", &["after", "at", "tag", "default", "max"], None);
        check("prod", &["dry-run", "enforce"], None);
        check("anything", &[], None);
    }

    #[test]
    fn the_nearest_word_is_offered_before_all_others() {
        let keys = ["match", "unless", "expire"];
        let all = "expected one of match, unless, expire";
        assert_eq!(nearest_of("matches", &keys), format!("did you mean `match`? {all}"));
        assert_eq!(nearest_of("zzz", &keys), all);
    }

    const HOMES: [Home; 2] = [("under `expire`", &["after", "tag"]), ("under `match`", &["tags"])];

    #[track_caller]
    fn check_unknown(name: &str, allowed: &[&str], code: Code, message: &str, help: &str) {
        let source = Arc::new(Source { name: "a.yaml".into(), text: format!("{name}: x\n") });
        let node = crate::yaml::parse(&source).unwrap();
        let mut reader = Reader::new(source).knowing(&HOMES);
        assert!(reader.fields(&At::root(&node), allowed).is_some());
        let told: Vec<_> = reader
            .problems
            .iter()
            .map(|one| (one.code, one.message.as_str(), one.help.as_str()))
            .collect();
        assert_eq!(told, [(code, message, help)]);
    }

    #[test]
    fn a_key_that_is_at_home_elsewhere_is_told_where() {
        check_unknown(
            "after",
            &["name", "match"],
            Code::OutOfPlace,
            "`after` has no meaning here",
            "it belongs under `expire`; here, expected one of name, match",
        );
        check_unknown(
            "tag",
            &["zone", "tags"],
            Code::UnknownKey,
            "unknown key",
            "did you mean `tags`? `tag` belongs under `expire`; here, expected one of zone, tags",
        );
        check_unknown("afterwards", &["name"], Code::UnknownKey, "unknown key", "expected `name`");
    }
}
