//! Patterns for texts: compiled once, matched without allocation.

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

use crate::lifetime::shorten;

/// The longest pattern, in bytes; no field of the API is longer than 128 characters.
const PATTERN_BYTES_MAX: usize = 512;

/// The most memory that a compiled regular expression may take, in bytes.
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
    AnyCase,
    /// Any text: the glob `*`.
    Anything,
    /// A text that begins so: the glob `so*`. This form and the next are by far the most common, and much faster so.
    Prefix(Box<str>),
    /// A text that ends so: the glob `*so`.
    Suffix(Box<str>),
    /// Any other glob.
    Glob(Box<GlobMatcher>),
    /// A regular expression, which may match anywhere in the text.
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles a pattern: exact, or a glob where it has `*` or `?`.
    pub(crate) fn new(text: &str, case: Case) -> Result<Self, String> {
        if text.contains(['*', '?']) {
            return Self::glob(text, case);
        }
        let kind = match case {
            Case::Exact => Kind::Exact,
            Case::Any => Kind::AnyCase,
        };
        Self::of(text, kind)
    }

    /// Compiles a glob; without `*` and `?` it is the very text.
    pub(crate) fn glob(text: &str, case: Case) -> Result<Self, String> {
        bounded(text)?;
        let plain = |part: &&str| !part.contains(['*', '?', '[', ']', '{', '}', '\\']);
        let kind = match case {
            Case::Exact if text == "*" => Some(Kind::Anything),
            Case::Exact => {
                let prefix = text.strip_suffix('*').filter(plain).map(|it| Kind::Prefix(it.into()));
                let suffix =
                    || text.strip_prefix('*').filter(plain).map(|it| Kind::Suffix(it.into()));
                prefix.or_else(suffix)
            }
            Case::Any => None,
        };
        let compiled = || {
            let glob = GlobBuilder::new(text).case_insensitive(case == Case::Any).build();
            glob.map(|glob| Kind::Glob(Box::new(glob.compile_matcher())))
        };
        let bad =
            |error: globset::Error| format!("`{}` is not a glob: {}", shorten(text), error.kind());
        Self::of(text, kind.map_or_else(compiled, Ok).map_err(bad)?)
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
        Self::of(text, Kind::Regex(Box::new(regex)))
    }

    fn of(text: &str, kind: Kind) -> Result<Self, String> {
        bounded(text)?;
        Ok(Self { written: text.into(), kind })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
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
            Kind::Exact | Kind::AnyCase | Kind::Prefix(_) | Kind::Suffix(_) | Kind::Glob(_) => {
                false
            }
        }
    }

    /// Whether each text that it matches is matched by `other` too, as far as that can be seen.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        let is_same = || {
            std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind)
                && self.written == other.written
        };
        let by_form = || match (&self.kind, &other.kind) {
            (Kind::Exact, _) => other.is_match(&self.written),
            (Kind::Prefix(own), Kind::Prefix(other)) => own.starts_with(&**other),
            (Kind::Suffix(own), Kind::Suffix(other)) => own.ends_with(&**other),
            (
                Kind::AnyCase
                | Kind::Anything
                | Kind::Prefix(_)
                | Kind::Suffix(_)
                | Kind::Glob(_)
                | Kind::Regex(_),
                _,
            ) => false,
        };
        other.is_anything() || is_same() || by_form()
    }

    /// Whether no text is matched by both, as far as that can be seen.
    pub(super) fn is_apart(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Exact, _) => !other.is_match(&self.written),
            (_, Kind::Exact) => !self.is_match(&other.written),
            (Kind::Prefix(a), Kind::Prefix(b)) => !a.starts_with(&**b) && !b.starts_with(&**a),
            (Kind::Suffix(a), Kind::Suffix(b)) => !a.ends_with(&**b) && !b.ends_with(&**a),
            (
                Kind::AnyCase
                | Kind::Anything
                | Kind::Prefix(_)
                | Kind::Suffix(_)
                | Kind::Glob(_)
                | Kind::Regex(_),
                _,
            ) => false,
        }
    }

    /// Whether it matches a text.
    #[must_use]
    #[inline]
    pub fn is_match(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Exact => is_same(&self.written, text),
            Kind::AnyCase => {
                is_same(&self.written, text) || self.written.eq_ignore_ascii_case(text)
            }
            Kind::Anything => true,
            Kind::Prefix(prefix) => text.starts_with(&**prefix),
            Kind::Suffix(suffix) => text.ends_with(&**suffix),
            Kind::Glob(glob) => glob.is_match(text),
            Kind::Regex(regex) => regex.is_match(text),
        }
    }
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_match_exactly_or_by_glob() {
        for (pattern, text, expected) in [
            ("dev", "dev", true),
            ("dev", "Dev", false),
            ("dev", "dev-1", false),
            ("dev-*", "dev-1", true),
            ("dev-*", "dev-", true),
            ("dev-*", "my-dev-1", false),
            ("*-dev", "my-dev", true),
            ("*-dev", "my-dev-1", false),
            ("d?v", "dev", true),
            ("d?v", "deev", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("a.c", "abc", false),
            ("[ab]", "[ab]", true),
            ("[ab]*", "b1", true),
            ("*[ab]", "1b", true),
            ("\\**", "*x", true),
        ] {
            let pattern = Pattern::new(pattern, Case::Exact).unwrap();
            assert_eq!(pattern.is_match(text), expected, "{pattern:?} {text}");
        }
        assert!(Pattern::new("running", Case::Any).unwrap().is_match("RUNNING"));
        assert!(Pattern::new("run*", Case::Any).unwrap().is_match("RUNNING"));
        assert!(Pattern::new("[a*", Case::Exact).is_err());
        assert!(Pattern::new(&"x".repeat(513), Case::Exact).is_err());
        assert!(Pattern::glob("[ab]", Case::Exact).unwrap().is_match("a"));
    }

    #[test]
    fn a_regular_expression_matches_anywhere_unless_it_is_anchored() {
        let is_match = |regex, text| Pattern::regex(regex, Case::Exact).unwrap().is_match(text);
        assert!(is_match("dev", "my-dev-1"));
        assert!(!is_match("^dev", "my-dev-1"));
        assert!(is_match(r"^pr-\d+$", "pr-12"));
        assert!(!is_match(r"^pr-\d+$", "pr-12-old"));
        assert!(!is_match("DEV", "dev"));
        assert!(Pattern::regex("^stop", Case::Any).unwrap().is_match("STOPPED"));
        for bad in ["(", "a{1000}{1000}{1000}", "(?=x)", &"x".repeat(513), r"\p{Klingon}"] {
            let error = Pattern::regex(bad, Case::Exact).unwrap_err();
            assert!(!error.contains('\n') && error.len() < 300, "{error}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_forms_of_globs_say_what_the_library_says(
            glob in "[ab/*?]{0,5}", text in "[ab/\n]{0,6}"
        ) {
            let library = GlobBuilder::new(&glob).build().unwrap().compile_matcher();
            prop_assert_eq!(Pattern::glob(&glob, Case::Exact).unwrap().is_match(&text), library.is_match(&text));
        }
    }
}
