//! The codes of what can be wrong: stable, so that people can look them up and programs can tell them apart.

use std::{fmt, str::FromStr};

/// What kind of thing is wrong. A code keeps its meaning for ever; one that is no longer used is not given to another.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Code {
    /// A file or a folder that cannot be read.
    Unreadable,
    /// A file that is not UTF-8.
    NotUtf8,
    /// More than zenreaper takes: bytes, values, depth, items.
    TooMuch,
    /// A file that is not YAML.
    NotYaml,
    /// A key that stands twice.
    DuplicateKey,
    /// A file with more than one document.
    SeveralDocuments,
    /// A key that is not known.
    UnknownKey,
    /// A key that must be there and is not.
    MissingKey,
    /// A text where a mapping should be, and the like.
    WrongKind,
    /// A word that is not one of those that are known.
    UnknownWord,
    /// What should be `true` or `false` and is not.
    NotABoolean,
    /// What should be a whole number in a range and is not.
    NotANumber,
    /// What only a later version knows.
    LaterVersion,
    /// A key that means nothing where it stands.
    OutOfPlace,
    /// A credential in a file.
    Credential,
    /// A name that something else has.
    DuplicateName,
    /// What should be a name and is not.
    NotAName,
    /// What should be a duration and is not.
    NotADuration,
    /// A duration outside its bounds.
    OutOfRange,
    /// What should be a date or a timestamp and is not.
    NotAnInstant,
    /// What should be a time zone and is not.
    NotATimeZone,
    /// What should be a crontab and is not, or never fires.
    NotASchedule,
    /// A glob, or a text to compare with, that cannot be used.
    NotAPattern,
    /// A regular expression that cannot be used.
    NotARegex,
    /// What should be an address or a network and is not.
    NotANetwork,
    /// What should compare an age and does not.
    NotAnAge,
    /// What should be the key of a tag and is not.
    NotATagKey,
    /// A matcher without a condition.
    EmptyMatcher,
    /// A text or a list that is empty where that means nothing.
    EmptyValue,
    /// An expiry that says nothing, or several things.
    UnclearExpiry,
    /// A default life that is longer than the longest.
    DefaultBeyondMax,
    /// `action: release` without `allow_release`.
    ReleaseNotAllowed,
    /// What should be the address of the API and is not.
    NotAnEndpoint,
    /// What should be a version of the API and is not.
    NotAnApiVersion,
    /// What should be a rate and is not.
    NotARate,
    /// What should be the URL of a journal and is not.
    NotAJournal,
    /// What should be an address and a port to listen on and is not.
    NotAListener,
    /// What should be the URL of a sink and is not.
    NotASinkUrl,
    /// What should be a mail server, a mail address or a mail domain and is not.
    NotMail,
    /// A template of a notice that cannot be used.
    NotATemplate,
    /// A rule that matches every machine and excepts none.
    MatchesEverything,
    /// A rule that never acts, since an earlier one always does.
    Shadowed,
    /// A rule that no machine can match.
    NeverMatches,
    /// A cap that refuses every plan.
    CapOfZero,
    /// A life that is shorter than the notice before its end.
    ShorterThanNotice,
    /// A rule whose matches are due as soon as they are there.
    DueAtOnce,
    /// A tag that no machine of the last inventory has.
    UnknownTagKey,
    /// A schedule that fires more often than a run takes.
    OutpacedSchedule,
    /// A regular expression that is found anywhere in a text.
    FoundAnywhere,
    /// A plain text with brackets that are special in globs only.
    PlainBrackets,
    /// A tag of instances whose key is a near miss of one that protects.
    NearMissKey,
    /// A schedule that restricts both days, of which one is enough.
    EitherDay,
    /// A schedule that looks like one of another scheduler.
    OtherDialect,
}

impl Code {
    /// Every code, in the order of their numbers.
    pub const ALL: [Self; 53] = [
        Self::Unreadable,
        Self::NotUtf8,
        Self::TooMuch,
        Self::NotYaml,
        Self::DuplicateKey,
        Self::SeveralDocuments,
        Self::UnknownKey,
        Self::MissingKey,
        Self::WrongKind,
        Self::UnknownWord,
        Self::NotABoolean,
        Self::NotANumber,
        Self::LaterVersion,
        Self::OutOfPlace,
        Self::Credential,
        Self::DuplicateName,
        Self::NotAName,
        Self::NotADuration,
        Self::OutOfRange,
        Self::NotAnInstant,
        Self::NotATimeZone,
        Self::NotASchedule,
        Self::NotAPattern,
        Self::NotARegex,
        Self::NotANetwork,
        Self::NotAnAge,
        Self::NotATagKey,
        Self::EmptyMatcher,
        Self::EmptyValue,
        Self::UnclearExpiry,
        Self::DefaultBeyondMax,
        Self::ReleaseNotAllowed,
        Self::NotAnEndpoint,
        Self::NotAnApiVersion,
        Self::NotARate,
        Self::NotAJournal,
        Self::NotAListener,
        Self::NotASinkUrl,
        Self::NotMail,
        Self::NotATemplate,
        Self::MatchesEverything,
        Self::Shadowed,
        Self::NeverMatches,
        Self::CapOfZero,
        Self::ShorterThanNotice,
        Self::DueAtOnce,
        Self::UnknownTagKey,
        Self::OutpacedSchedule,
        Self::FoundAnywhere,
        Self::PlainBrackets,
        Self::NearMissKey,
        Self::EitherDay,
        Self::OtherDialect,
    ];

    /// The code as it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "ZR001",
            Self::NotUtf8 => "ZR002",
            Self::TooMuch => "ZR003",
            Self::NotYaml => "ZR004",
            Self::DuplicateKey => "ZR005",
            Self::SeveralDocuments => "ZR006",
            Self::UnknownKey => "ZR010",
            Self::MissingKey => "ZR011",
            Self::WrongKind => "ZR012",
            Self::UnknownWord => "ZR013",
            Self::NotABoolean => "ZR014",
            Self::NotANumber => "ZR015",
            Self::LaterVersion => "ZR016",
            Self::OutOfPlace => "ZR017",
            Self::Credential => "ZR018",
            Self::DuplicateName => "ZR019",
            Self::NotAName => "ZR020",
            Self::NotADuration => "ZR021",
            Self::OutOfRange => "ZR022",
            Self::NotAnInstant => "ZR023",
            Self::NotATimeZone => "ZR024",
            Self::NotASchedule => "ZR025",
            Self::NotAPattern => "ZR026",
            Self::NotARegex => "ZR027",
            Self::NotANetwork => "ZR028",
            Self::NotAnAge => "ZR029",
            Self::NotATagKey => "ZR030",
            Self::EmptyMatcher => "ZR040",
            Self::EmptyValue => "ZR041",
            Self::UnclearExpiry => "ZR042",
            Self::DefaultBeyondMax => "ZR043",
            Self::ReleaseNotAllowed => "ZR044",
            Self::NotAnEndpoint => "ZR060",
            Self::NotAnApiVersion => "ZR061",
            Self::NotARate => "ZR062",
            Self::NotAJournal => "ZR063",
            Self::NotAListener => "ZR064",
            Self::NotASinkUrl => "ZR065",
            Self::NotMail => "ZR066",
            Self::NotATemplate => "ZR067",
            Self::MatchesEverything => "ZR101",
            Self::Shadowed => "ZR102",
            Self::NeverMatches => "ZR103",
            Self::CapOfZero => "ZR104",
            Self::ShorterThanNotice => "ZR105",
            Self::DueAtOnce => "ZR106",
            Self::UnknownTagKey => "ZR107",
            Self::OutpacedSchedule => "ZR108",
            Self::FoundAnywhere => "ZR109",
            Self::PlainBrackets => "ZR112",
            Self::NearMissKey => "ZR113",
            Self::EitherDay => "ZR120",
            Self::OtherDialect => "ZR121",
        }
    }
}

/// How grave it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// The files are not used.
    Error,
    /// They are used; somebody should look.
    Warning,
}

impl Severity {
    /// The severity as it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Code {
    /// How grave it is: the codes from ZR100 on are warnings.
    #[must_use]
    pub fn severity(self) -> Severity {
        if self.as_str() < "ZR100" { Severity::Error } else { Severity::Warning }
    }

    /// The number in the code.
    fn number(self) -> u32 {
        self.as_str().trim_start_matches("ZR").parse().unwrap_or_default()
    }
}

/// Reads a code in any case, and without the letters and zeros in front of its number.
impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let number = lower.strip_prefix("zr").unwrap_or(&lower).parse::<u32>();
        let Ok(number) = number else {
            let (first, last) = (Self::ALL.first(), Self::ALL.last());
            let range = first.zip(last).map(|(first, last)| format!("{first} to {last}"));
            return Err(format!("expected a code from {}", range.unwrap_or_default()));
        };
        let nearest = Self::ALL.into_iter().min_by_key(|code| code.number().abs_diff(number));
        match nearest {
            Some(code) if code.number() == number => Ok(code),
            Some(code) => Err(format!("there is no such code; the nearest is {code}")),
            None => Err("there is no code at all".to_owned()),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_number_of_its_own_and_they_are_in_order() {
        assert!(Code::ALL.windows(2).all(|two| two[0].as_str() < two[1].as_str()));
        assert!(Code::ALL.iter().all(|code| code.as_str() == format!("ZR{:03}", code.number())));
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for text in ["ZR012", "zr012", "Zr12", "12", " 012 "] {
            assert_eq!(text.parse(), Ok(Code::WrongKind), "{text}");
        }
        let wrong = |text: &str| text.parse::<Code>().unwrap_err();
        assert_eq!(wrong("ZR031"), "there is no such code; the nearest is ZR030");
        assert_eq!(
            wrong("4294967295"),
            format!("there is no such code; the nearest is {}", Code::ALL.last().unwrap())
        );
        for text in ["", "zr", "E0308", "-1", "unknown key", "99999999999"] {
            assert!(wrong(text).starts_with("expected a code from ZR001 to ZR"), "{text}");
        }
    }
}
