//! What each code means, for whoever meets it for the first time: what is wrong, why zenreaper is strict about it, how to mend it.
//!
//! The examples are proved where the languages are known: a test of `zenreaper check` reads each of them.

mod config;
mod files;
mod lints;
mod rules;
mod shape;
mod values;

use std::fmt;

use super::Code;

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// What it is, in a few words.
    pub title: &'static str,
    /// What is wrong, what it could do to machines, and how to mend it.
    pub why: &'static str,
    /// An example; `None` if a text cannot show it.
    pub example: Option<Example>,
}

/// A text that has the problem, and the same text mended.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What kind of file it is.
    pub language: Language,
    /// With the problem, and no other.
    pub wrong: &'static str,
    /// Mended.
    pub right: &'static str,
}

/// What kind of file something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// A file of rules.
    Rules,
    /// The config.
    Config,
}

impl Language {
    fn place(self) -> &'static str {
        match self {
            Self::Rules => "in a file of rules",
            Self::Config => "in the config",
        }
    }
}

/// The text for people: why, then the example.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)?;
        let Some(Example { language, wrong, right }) = &self.example else {
            return Ok(());
        };
        write!(f, "\nWrong, {}:\n\n{}", language.place(), indented(wrong))?;
        write!(f, "\nRight:\n\n{}", indented(right))
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}

impl Code {
    /// What it means.
    #[must_use]
    pub fn explanation(self) -> &'static Explanation {
        match self {
            Self::Unreadable => &files::UNREADABLE,
            Self::NotUtf8 => &files::NOT_UTF8,
            Self::TooMuch => &files::TOO_MUCH,
            Self::NotYaml => &files::NOT_YAML,
            Self::DuplicateKey => &files::DUPLICATE_KEY,
            Self::SeveralDocuments => &files::SEVERAL_DOCUMENTS,
            Self::UnknownKey => &shape::UNKNOWN_KEY,
            Self::MissingKey => &shape::MISSING_KEY,
            Self::WrongKind => &shape::WRONG_KIND,
            Self::UnknownWord => &shape::UNKNOWN_WORD,
            Self::NotABoolean => &shape::NOT_A_BOOLEAN,
            Self::NotANumber => &shape::NOT_A_NUMBER,
            Self::LaterVersion => &shape::LATER_VERSION,
            Self::OutOfPlace => &shape::OUT_OF_PLACE,
            Self::Credential => &shape::CREDENTIAL,
            Self::DuplicateName => &shape::DUPLICATE_NAME,
            Self::NotAName => &values::NOT_A_NAME,
            Self::NotADuration => &values::NOT_A_DURATION,
            Self::OutOfRange => &values::OUT_OF_RANGE,
            Self::NotAnInstant => &values::NOT_AN_INSTANT,
            Self::NotATimeZone => &values::NOT_A_TIME_ZONE,
            Self::NotASchedule => &values::NOT_A_SCHEDULE,
            Self::NotAPattern => &values::NOT_A_PATTERN,
            Self::NotARegex => &values::NOT_A_REGEX,
            Self::NotANetwork => &values::NOT_A_NETWORK,
            Self::NotAnAge => &values::NOT_AN_AGE,
            Self::NotATagKey => &values::NOT_A_TAG_KEY,
            Self::EmptyMatcher => &rules::EMPTY_MATCHER,
            Self::EmptyValue => &rules::EMPTY_VALUE,
            Self::UnclearExpiry => &rules::UNCLEAR_EXPIRY,
            Self::DefaultBeyondMax => &rules::DEFAULT_BEYOND_MAX,
            Self::ReleaseNotAllowed => &rules::RELEASE_NOT_ALLOWED,
            Self::NotAnEndpoint => &config::NOT_AN_ENDPOINT,
            Self::NotAnApiVersion => &config::NOT_AN_API_VERSION,
            Self::NotARate => &config::NOT_A_RATE,
            Self::NotAJournal => &config::NOT_A_JOURNAL,
            Self::NotAListener => &config::NOT_A_LISTENER,
            Self::NotASinkUrl => &config::NOT_A_SINK_URL,
            Self::NotMail => &config::NOT_MAIL,
            Self::NotATemplate => &config::NOT_A_TEMPLATE,
            Self::MatchesEverything => &lints::MATCHES_EVERYTHING,
            Self::Shadowed => &lints::SHADOWED,
            Self::NeverMatches => &lints::NEVER_MATCHES,
            Self::CapOfZero => &lints::CAP_OF_ZERO,
            Self::ShorterThanNotice => &lints::SHORTER_THAN_NOTICE,
            Self::DueAtOnce => &lints::DUE_AT_ONCE,
            Self::UnknownTagKey => &lints::UNKNOWN_TAG_KEY,
            Self::OutpacedSchedule => &lints::OUTPACED_SCHEDULE,
            Self::FoundAnywhere => &lints::FOUND_ANYWHERE,
            Self::PlainBrackets => &lints::PLAIN_BRACKETS,
            Self::NearMissKey => &lints::NEAR_MISS_KEY,
            Self::EitherDay => &lints::EITHER_DAY,
            Self::OtherDialect => &lints::OTHER_DIALECT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest line, so that a terminal of 80 columns shows it whole.
    const COLUMNS_MAX: usize = 80;

    #[test]
    fn every_explanation_is_whole_and_fits_a_terminal() {
        for code in Code::ALL {
            let Explanation { title, why, .. } = code.explanation();
            let is_title = title.starts_with(char::is_lowercase) && !title.ends_with('.');
            assert!(is_title, "{code}: {title}");
            assert!(why.len() > 120 && why.ends_with(".\n"), "{code}: {why}");
            let text = code.explanation().to_string();
            for line in text.lines() {
                assert!(line.chars().count() <= COLUMNS_MAX, "{code}: {line}");
            }
        }
    }

    #[test]
    fn no_two_codes_are_explained_alike() {
        let texts: std::collections::BTreeSet<_> =
            Code::ALL.iter().map(|code| code.explanation().to_string()).collect();
        let titles: std::collections::BTreeSet<_> =
            Code::ALL.iter().map(|code| code.explanation().title).collect();
        assert_eq!((texts.len(), titles.len()), (Code::ALL.len(), Code::ALL.len()));
    }
}
