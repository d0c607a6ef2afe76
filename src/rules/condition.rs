//! Conditions on an instance, in three values.
//!
//! A condition is compiled once and tested without allocation.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

use crate::{inventory::Instance, lifetime::shorten};

/// A field that a rule can look at.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Field {
    /// `instanceId`.
    Id,
    /// `instanceName`.
    Name,
    /// `hostname`.
    Hostname,
    /// `zoneId`.
    Zone,
    /// `instanceTypeId`.
    Type,
    /// `imageName`.
    Image,
    /// `instanceStatus`.
    Status,
    /// `instanceChargeType`.
    ChargeType,
    /// `resourceGroupId` or `resourceGroupName`: either may match.
    ResourceGroup,
    /// `createTime`.
    CreateTime,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 10] = [
        Self::Id,
        Self::Name,
        Self::Hostname,
        Self::Zone,
        Self::Type,
        Self::Image,
        Self::Status,
        Self::ChargeType,
        Self::ResourceGroup,
        Self::CreateTime,
    ];

    /// The field's name in rules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Hostname => "hostname",
            Self::Zone => "zone",
            Self::Type => "type",
            Self::Image => "image",
            Self::Status => "status",
            Self::ChargeType => "charge_type",
            Self::ResourceGroup => "resource_group",
            Self::CreateTime => "create_time",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether something holds.
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Truth {
    /// It does.
    True,
    /// It does not.
    False,
    /// It depends on a field that the cloud did not tell.
    Unknown(Field),
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// A pattern for a text.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// The very text.
    Exact(Box<str>),
    /// The very text, in upper or lower case.
    AnyCase(Box<str>),
    /// A glob.
    Glob(Box<GlobMatcher>),
}

/// The longest pattern, in bytes; no field of the API is longer than 128 characters.
const PATTERN_BYTES_MAX: usize = 512;

/// Whether upper and lower case differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Case {
    /// They do.
    Exact,
    /// They do not.
    Any,
}

impl Pattern {
    /// Compiles a pattern: exact, or a glob where it has `*` or `?`.
    pub(crate) fn new(text: &str, case: Case) -> Result<Self, String> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(format!("`{}` is longer than {PATTERN_BYTES_MAX} bytes", shorten(text)));
        }
        if !text.contains(['*', '?']) {
            return Ok(match case {
                Case::Exact => Self::Exact(text.into()),
                Case::Any => Self::AnyCase(text.into()),
            });
        }
        let glob = GlobBuilder::new(text).case_insensitive(case == Case::Any).build();
        let bad =
            |error: globset::Error| format!("`{}` is not a glob: {}", shorten(text), error.kind());
        glob.map(|glob| Self::Glob(Box::new(glob.compile_matcher()))).map_err(bad)
    }

    fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Exact(own) => **own == *text,
            Self::AnyCase(own) => own.eq_ignore_ascii_case(text),
            Self::Glob(glob) => glob.is_match(text),
        }
    }
}

/// What is asked of a text.
#[derive(Clone, Debug)]
pub enum Test {
    /// It matches one of these.
    AnyOf(Vec<Pattern>),
    /// It is there, or it is not.
    Exists(bool),
}

impl Test {
    fn matches(patterns: &[Pattern], text: &str) -> bool {
        patterns.iter().any(|pattern| pattern.is_match(text))
    }
}

/// A condition on an instance.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Every instance.
    Everything,
    /// On a field.
    Field(Field, Test),
    /// On the tag with a key.
    Tag(Box<str>, Test),
    /// All of these hold.
    All(Vec<Self>),
    /// One of these holds.
    Any(Vec<Self>),
}

impl Condition {
    /// A condition that holds for no instance.
    pub const NOTHING: Self = Self::Any(Vec::new());

    /// Whether the condition holds for `instance`.
    pub fn test(&self, instance: &Instance) -> Truth {
        match self {
            Self::Everything => Truth::True,
            Self::Field(field, test) => test_field(*field, test, instance),
            Self::Tag(key, test) => test_tag(test, instance.tags.get(key)),
            Self::All(all) => first_that(all, instance, Truth::False, Truth::True),
            Self::Any(any) => first_that(any, instance, Truth::True, Truth::False),
        }
    }
}

/// `decides` if one condition says so, else the first unknown, else `otherwise`.
fn first_that(
    conditions: &[Condition],
    instance: &Instance,
    decides: Truth,
    otherwise: Truth,
) -> Truth {
    let mut result = otherwise;
    for condition in conditions {
        let truth = condition.test(instance);
        if truth == decides {
            return decides;
        }
        if let (Truth::Unknown(_), false) = (truth, matches!(result, Truth::Unknown(_))) {
            result = truth;
        }
    }
    result
}

fn test_tag(test: &Test, value: Option<&str>) -> Truth {
    match test {
        Test::AnyOf(patterns) => value.is_some_and(|value| Test::matches(patterns, value)).into(),
        Test::Exists(wanted) => (value.is_some() == *wanted).into(),
    }
}

fn test_field(field: Field, test: &Test, instance: &Instance) -> Truth {
    let values = values(field, instance);
    let told = || values.iter().flatten();
    match test {
        Test::Exists(wanted) => (told().next().is_some() == *wanted).into(),
        Test::AnyOf(patterns) if told().any(|value| Test::matches(patterns, value)) => Truth::True,
        Test::AnyOf(_) if values.contains(&None) => Truth::Unknown(field),
        Test::AnyOf(_) => Truth::False,
    }
}

/// The one or two texts of a field; a field of one text has it twice.
fn values(field: Field, instance: &Instance) -> [Option<&str>; 2] {
    let one = |text: Option<_>| [text, text];
    match field {
        Field::Id => one(Some(instance.id.as_str())),
        Field::Name => one(instance.name.as_deref()),
        Field::Hostname => one(instance.hostname.as_deref()),
        Field::Zone => one(instance.zone.as_deref()),
        Field::Type => one(instance.instance_type.as_deref()),
        Field::Image => one(instance.image.as_deref()),
        Field::Status => one(instance.status.as_ref().map(crate::inventory::Status::as_str)),
        Field::ChargeType => {
            one(instance.charge_type.as_ref().map(crate::inventory::ChargeType::as_str))
        }
        Field::ResourceGroup => {
            [instance.resource_group_id.as_deref(), instance.resource_group_name.as_deref()]
        }
        Field::CreateTime => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::{instance, tags};

    fn check(condition: &Condition, instance: &Instance, expected: Truth) {
        assert_eq!(condition.test(instance), expected, "{condition:?}");
    }

    fn on(field: Field, pattern: &str) -> Condition {
        Condition::Field(field, Test::AnyOf(vec![Pattern::new(pattern, Case::Exact).unwrap()]))
    }

    #[test]
    fn texts_match_exactly_or_by_glob() {
        for (pattern, text, expected) in [
            ("dev", "dev", true),
            ("dev", "Dev", false),
            ("dev", "dev-1", false),
            ("dev-*", "dev-1", true),
            ("dev-*", "dev-", true),
            ("dev-*", "my-dev-1", false),
            ("d?v", "dev", true),
            ("d?v", "deev", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("a.c", "abc", false),
            ("[ab]", "[ab]", true),
            ("[ab]*", "b1", true),
        ] {
            let pattern = Pattern::new(pattern, Case::Exact).unwrap();
            assert_eq!(pattern.is_match(text), expected, "{pattern:?} {text}");
        }
        assert!(Pattern::new("running", Case::Any).unwrap().is_match("RUNNING"));
        assert!(Pattern::new("run*", Case::Any).unwrap().is_match("RUNNING"));
        assert!(Pattern::new("[a*", Case::Exact).is_err());
        assert!(Pattern::new(&"x".repeat(513), Case::Exact).is_err());
    }

    #[test]
    fn a_resource_group_matches_by_id_or_name() {
        let mut subject = instance("i");
        check(&on(Field::ResourceGroup, "rg-1"), &subject, Truth::True);
        check(&on(Field::ResourceGroup, "platform"), &subject, Truth::True);
        check(&on(Field::ResourceGroup, "other"), &subject, Truth::False);
        subject.resource_group_name = None;
        check(&on(Field::ResourceGroup, "rg-1"), &subject, Truth::True);
        check(
            &on(Field::ResourceGroup, "platform"),
            &subject,
            Truth::Unknown(Field::ResourceGroup),
        );
    }

    #[test]
    fn absence_is_asked_for_by_name() {
        let mut subject = instance("i");
        let absent = Condition::Field(Field::Zone, Test::Exists(false));
        check(&absent, &subject, Truth::False);
        subject.zone = None;
        check(&absent, &subject, Truth::True);
        subject.tags = tags(&[("env", "")]);
        check(&Condition::Tag("env".into(), Test::Exists(true)), &subject, Truth::True);
        check(&Condition::Tag("owner".into(), Test::Exists(false)), &subject, Truth::True);
    }

    #[test]
    fn unknown_yields_to_what_decides() {
        let mut subject = instance("i");
        subject.zone = None;
        let (unknown, yes, no) = (on(Field::Zone, "x"), on(Field::Id, "i"), on(Field::Id, "j"));
        let all = |list: &[&Condition]| Condition::All(list.iter().copied().cloned().collect());
        let any = |list: &[&Condition]| Condition::Any(list.iter().copied().cloned().collect());
        let zone = Truth::Unknown(Field::Zone);
        check(&all(&[&unknown, &yes]), &subject, zone);
        check(&all(&[&unknown, &no]), &subject, Truth::False);
        check(&any(&[&unknown, &yes]), &subject, Truth::True);
        check(&any(&[&unknown, &no]), &subject, zone);
        check(&Condition::NOTHING, &subject, Truth::False);
        check(&Condition::Everything, &subject, Truth::True);
    }
}
