//! Patterns for texts: compiled once, matched without allocation.
//!
//! This is the one matcher for text: `match`, `unless`, `protect`, rule tests, the screen, warnings and explanations all ask it.
//! It compares Unicode scalar values, never bytes, and normalises nothing.

use regex::{Regex, RegexBuilder};

use super::glob::{Syntax, regex_of};
use crate::{inventory::text::has_pictures, lifetime::shorten};

/// The longest pattern, in bytes; no field of the API is longer than 128 characters.
const PATTERN_BYTES_MAX: usize = 512;

/// The most memory that a compiled pattern may take, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Whether upper and lower case differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Case {
    /// They do.
    Exact,
    /// They do not.
    Any,
}

/// A pattern for a text.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As it was written.
    written: Box<str>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The very text.
    Exact,
    /// The very text, in upper or lower case.
    AnyCase(Box<Regex>),
    /// Any text: the pattern `*`.
    Anything,
    /// A text that begins so: the pattern `so*`. This form and the next are by far the most common, and much faster so.
    Prefix(Box<str>),
    /// A text that ends so: the pattern `*so`.
    Suffix(Box<str>),
    /// Any other glob, or plain text with `*` or `?`.
    Glob(Box<Regex>),
    /// A regular expression, which may match anywhere in the text.
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles a plain text, where `*` is any text and `?` one character, and nothing else is special.
    pub(crate) fn new(text: &str, case: Case) -> Result<Self, String> {
        Self::compiled(text, Syntax::Plain, case)
    }

    /// Compiles a glob.
    pub(crate) fn glob(text: &str, case: Case) -> Result<Self, String> {
        Self::compiled(text, Syntax::Glob, case)
    }

    fn compiled(text: &str, syntax: Syntax, case: Case) -> Result<Self, String> {
        bounded(text)?;
        let compiled = || {
            let wrong = |why: String| format!("`{}` is not a glob: {why}", shorten(text));
            let regex = regex_of(text, syntax, case).map_err(wrong)?;
            let regex = RegexBuilder::new(&regex).size_limit(REGEX_BYTES_MAX).build();
            let regex = Box::new(regex.map_err(|error| wrong(reason(&error)))?);
            Ok(if is_literal(text, syntax) { Kind::AnyCase(regex) } else { Kind::Glob(regex) })
        };
        let kind = simple(text, syntax, case).map_or_else(compiled, Ok::<_, String>)?;
        Ok(Self { written: text.into(), kind })
    }

    /// Compiles a regular expression, which may match anywhere in a text unless it says `^` and `$`.
    pub(crate) fn regex(text: &str, case: Case) -> Result<Self, String> {
        bounded(text)?;
        let regex = RegexBuilder::new(text)
            .case_insensitive(case == Case::Any)
            .size_limit(REGEX_BYTES_MAX)
            .build();
        let regex = regex.map_err(|error| {
            format!("`{}` is not a regular expression: {}", shorten(text), reason(&error))
        })?;
        Ok(Self { written: text.into(), kind: Kind::Regex(Box::new(regex)) })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Whether it is a plain text with `*` or `?`, and with brackets or braces as a glob has them: there, they are special.
    pub(super) fn looks_like_a_glob(&self) -> bool {
        let has = |open, close| {
            let opened = self.written.find(open);
            opened.is_some_and(|at| self.written.get(at..).is_some_and(|rest| rest.contains(close)))
        };
        let is_glob = match &self.kind {
            Kind::Prefix(_) | Kind::Suffix(_) => true,
            // As a glob, the same text would have become another expression.
            Kind::Glob(regex) => [Case::Exact, Case::Any].into_iter().any(|case| {
                regex_of(&self.written, Syntax::Plain, case).as_deref() == Ok(regex.as_str())
            }),
            Kind::Exact | Kind::AnyCase(_) | Kind::Anything | Kind::Regex(_) => false,
        };
        is_glob && (has('[', ']') || has('{', '}'))
    }

    /// Whether it is a regular expression.
    #[must_use]
    pub fn is_regex(&self) -> bool {
        matches!(self.kind, Kind::Regex(_))
    }

    /// The only text that it matches, if there is just one.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        matches!(self.kind, Kind::Exact).then_some(&*self.written)
    }

    /// Whether it matches every text.
    pub(super) fn is_anything(&self) -> bool {
        match &self.kind {
            Kind::Anything => true,
            Kind::Regex(_) => &*self.written == ".*",
            Kind::Exact | Kind::AnyCase(_) | Kind::Prefix(_) | Kind::Suffix(_) | Kind::Glob(_) => {
                false
            }
        }
    }

    /// Whether each text that it matches is matched by `other` too, as far as that can be seen.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        let is_same = || match (&self.kind, &other.kind) {
            // A plain text and a glob may be written alike and mean two things.
            (Kind::AnyCase(one), Kind::AnyCase(other)) | (Kind::Glob(one), Kind::Glob(other)) => {
                one.as_str() == other.as_str()
            }
            (one, two) => {
                std::mem::discriminant(one) == std::mem::discriminant(two)
                    && self.written == other.written
            }
        };
        let by_form = || match (&self.kind, &other.kind) {
            (Kind::Exact, _) => !self.is_odd_for(other) && other.is_match(&self.written),
            (Kind::AnyCase(_), _) => other.is_any_case() && other.is_match(&self.written),
            (Kind::Prefix(own), Kind::Prefix(other)) => own.starts_with(&**other),
            (Kind::Suffix(own), Kind::Suffix(other)) => own.ends_with(&**other),
            (
                Kind::Anything | Kind::Prefix(_) | Kind::Suffix(_) | Kind::Glob(_) | Kind::Regex(_),
                _,
            ) => false,
        };
        other.is_anything() || is_same() || by_form()
    }

    /// Whether no text is matched by both, as far as that can be seen.
    pub(super) fn is_apart(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::AnyCase(_), _) if other.is_any_case() => !other.is_match(&self.written),
            (_, Kind::AnyCase(_)) if self.is_any_case() => !self.is_match(&other.written),
            (Kind::Exact, _) => !self.is_odd_for(other) && !other.is_match(&self.written),
            (_, Kind::Exact) => !other.is_odd_for(self) && !self.is_match(&other.written),
            (Kind::Prefix(a), Kind::Prefix(b)) => !a.starts_with(&**b) && !b.starts_with(&**a),
            (Kind::Suffix(a), Kind::Suffix(b)) => !a.ends_with(&**b) && !b.ends_with(&**a),
            (
                Kind::AnyCase(_)
                | Kind::Anything
                | Kind::Prefix(_)
                | Kind::Suffix(_)
                | Kind::Glob(_)
                | Kind::Regex(_),
                _,
            ) => false,
        }
    }

    /// Whether it is no regular expression, and matches the same texts in every letter case.
    fn is_any_case(&self) -> bool {
        match &self.kind {
            Kind::AnyCase(_) | Kind::Anything => true,
            Kind::Glob(regex) => regex.as_str().starts_with("(?is)"),
            Kind::Exact | Kind::Prefix(_) | Kind::Suffix(_) | Kind::Regex(_) => false,
        }
    }

    /// Whether this very text is one that a regular expression cannot be sure of: see [`fits`].
    fn is_odd_for(&self, other: &Self) -> bool {
        other.is_regex() && has_pictures(&self.written)
    }

    /// Whether it matches a text.
    #[must_use]
    #[inline]
    pub fn is_match(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Exact => is_same(&self.written, text),
            Kind::AnyCase(regex) => {
                let are_ascii = || self.written.is_ascii() && text.is_ascii();
                self.written.eq_ignore_ascii_case(text) || (!are_ascii() && regex.is_match(text))
            }
            Kind::Anything => true,
            Kind::Prefix(prefix) => text.starts_with(&**prefix),
            Kind::Suffix(suffix) => text.ends_with(&**suffix),
            Kind::Glob(regex) | Kind::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Whether nothing in a pattern is special.
fn is_literal(text: &str, syntax: Syntax) -> bool {
    match syntax {
        Syntax::Plain => !text.contains(['*', '?']),
        Syntax::Glob => !text.contains(['*', '?', '[', ']', '{', '}', '\\']),
    }
}

/// The forms that need no regular expression.
fn simple(text: &str, syntax: Syntax, case: Case) -> Option<Kind> {
    if text == "*" {
        return Some(Kind::Anything);
    }
    if case == Case::Any {
        return None;
    }
    if is_literal(text, syntax) {
        return Some(Kind::Exact);
    }
    let plain = |part: &&str| is_literal(part, syntax);
    let prefix = text.strip_suffix('*').filter(plain).map(|part| Kind::Prefix(part.into()));
    prefix.or_else(|| text.strip_prefix('*').filter(plain).map(|part| Kind::Suffix(part.into())))
}

/// Whether a text is one of what some patterns match; `None` if that depends on control characters in the text.
///
/// Such characters were replaced when the text was read, which only a regular expression can see: `.` matches what stands for a
/// line break, and `\s` does not.
#[inline]
pub(super) fn fits(patterns: &[Pattern], text: &str) -> Option<bool> {
    if patterns.iter().any(Pattern::is_regex) && has_pictures(text) {
        return patterns.iter().any(Pattern::is_anything).then_some(true);
    }
    Some(is_any_of(patterns, text))
}

/// Whether one of them matches a text.
#[inline]
pub(super) fn is_any_of(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.is_match(text))
}

/// Most texts differ in their first byte, which costs less to see than to call what compares all.
#[inline]
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().first() == other.as_bytes().first() && one == other
}

fn bounded(text: &str) -> Result<(), String> {
    if text.len() <= PATTERN_BYTES_MAX {
        return Ok(());
    }
    Err(format!("`{}` is longer than {PATTERN_BYTES_MAX} bytes", shorten(text)))
}

/// The last line of what the crate says: the ones before it draw the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests;
