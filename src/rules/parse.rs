//! Rule files, from YAML to rules or to all that is wrong with them.

mod expire;
mod matcher;

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub(crate) use self::matcher::matchers;
use super::{
    Action, Condition, Delivery, Expiry, NoticePeriod, Origin, Rule, RuleLimits, RuleName, RuleSet,
    Side, screen::Screen,
};
use crate::{
    diagnostic::{Code, Problem, Source},
    lifetime::{self, DURATION_HELP},
    schedule::{self, Schedule},
    yaml::{self, At, Fields, Home, Reader, Value},
};

/// The most rules over all files.
const RULES_MAX: usize = 1_000;

const RULE_KEYS: [&str; 12] = [
    "name",
    "description",
    "match",
    "unless",
    "expire",
    "notice",
    "notice_required",
    "limits",
    "schedule",
    "timezone",
    "action",
    "enabled",
];

const RULE_LIMIT_KEYS: [&str; 2] = ["max_terminations", "min_remaining"];

/// Where keys belong that people put elsewhere; of several places, the likeliest comes first.
const HOMES: [Home; 4] = [
    ("directly in a rule", &RULE_KEYS),
    ("under `match`", &matcher::MATCHER_KEYS),
    ("under `expire`", &expire::EXPIRE_KEYS),
    ("under `limits`", &RULE_LIMIT_KEYS),
];

const MATCH_HELP: &str = "a matcher such as `{ tags: { env: dev } }`, or the word `everything`";

/// Whether rules may destroy for good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Release {
    /// `action: release` is taken.
    Allowed,
    /// It is refused, since the config's `allow_release` does not say true.
    Refused,
}

/// What rules are read by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The time zone of rules that name none.
    pub zone: TimeZone,
    /// Whether rules may destroy for good.
    pub release: Release,
}

impl Default for Terms {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, release: Release::Refused }
    }
}

/// Parses rule files. All that is wrong in all files comes back at once.
pub fn parse(sources: &[Arc<Source>], terms: &Terms) -> Result<RuleSet, Vec<Problem>> {
    let mut set = RuleSet::default();
    let mut problems = Vec::new();
    let mut names = HashMap::new();
    for source in sources {
        let mut reader = Reader::new(Arc::clone(source)).knowing(&HOMES);
        match yaml::parse(source) {
            Ok(node) => {
                let mut parser = Parser { source, terms, names: &mut names };
                for (rule, enabled) in parser.file(&mut reader, &At::root(&node)) {
                    match enabled {
                        Enabled::Yes => set.rules.push(rule),
                        Enabled::No => set.disabled.push(rule),
                    }
                }
            }
            Err(problem) => reader.problems.push(problem),
        }
        problems.append(&mut reader.problems);
    }
    if problems.is_empty() { Ok(set) } else { Err(problems) }
}

/// Parses a matcher, or a list of them, that stands alone under a name, such as that of an option of a command.
pub fn parse_matcher(name: &str, text: &str) -> Result<Condition, Vec<Problem>> {
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let node = yaml::parse(&source).map_err(|problem| vec![problem])?;
    let mut reader = Reader::new(source).knowing(&HOMES);
    let condition = matchers(&mut reader, &At::root(&node));
    condition.filter(|_| reader.problems.is_empty()).ok_or(reader.problems)
}

/// Whether a rule is to be used.
enum Enabled {
    Yes,
    No,
}

/// What is known while a file is read.
struct Parser<'a> {
    source: &'a Arc<Source>,
    terms: &'a Terms,
    /// The names that were used so far, and where.
    names: &'a mut HashMap<RuleName, String>,
}

impl Parser<'_> {
    fn file(&mut self, reader: &mut Reader, root: &At<'_>) -> Vec<(Rule, Enabled)> {
        let Some(fields) = reader.document(root, &["rules"]) else {
            return Vec::new();
        };
        let Some(at) = fields.require(reader, "rules", "a list of rules") else {
            return Vec::new();
        };
        let Some(items) =
            reader.list(&at, "expected a list of rules, each with `name` and `match`")
        else {
            return Vec::new();
        };
        if items.len() + self.names.len() > RULES_MAX {
            let message = format!("more than {RULES_MAX} rules");
            reader.wrong(&at, Code::TooMuch, message, "expected fewer rules");
            return Vec::new();
        }
        items.iter().filter_map(|item| self.rule(reader, item)).collect()
    }

    fn rule(&mut self, reader: &mut Reader, at: &At<'_>) -> Option<(Rule, Enabled)> {
        let fields = reader.fields(at, &RULE_KEYS)?;
        let name = self.name(reader, &fields);
        let description =
            fields.get("description").and_then(|at| reader.text(&at, "a text").map(str::to_owned));
        let matches = fields
            .require(reader, "match", MATCH_HELP)
            .and_then(|at| matcher::match_of(reader, &at))
            .map(|condition| condition.standing_on(Side::Takes));
        let unless =
            fields.get("unless").map_or(Some(Condition::NOTHING), |at| unless(reader, &at));
        let zone = fields.get("timezone").and_then(|at| timezone(reader, &at));
        let zone = zone.unwrap_or_else(|| self.terms.zone.clone());
        let expiry = fields
            .get("expire")
            .map_or(Some(Expiry::AtOnce), |at| expire::expiry(reader, &at, &zone));
        let notice = notice(reader, &fields);
        let limits =
            fields.get("limits").map_or_else(RuleLimits::default, |at| limits(reader, &at));
        let schedule = fields.get("schedule").and_then(|at| schedule(reader, &at, zone));
        let action = fields.get("action").and_then(|at| self.action(reader, &at));
        let enabled = fields.get("enabled").and_then(|at| reader.boolean(&at));
        let (name, matches, unless, expiry) = (name?, matches?, unless?, expiry?);
        let action = action.unwrap_or(Action::Terminate);
        let origin = Origin::new(self.source, at);
        let enabled = if enabled == Some(false) { Enabled::No } else { Enabled::Yes };
        let rule = Rule {
            name,
            description,
            screen: Screen::of(&matches),
            matches,
            unless,
            expiry,
            notice,
            limits,
            schedule,
            action,
            origin,
        };
        Some((rule, enabled))
    }

    fn name(&mut self, reader: &mut Reader, fields: &Fields<'_>) -> Option<RuleName> {
        let at = fields.require(reader, "name", RuleName::HELP)?;
        let name = reader.value(&at, Code::NotAName, RuleName::HELP, RuleName::new)?;
        let here = format!("{}:{}", reader.source_name(), at.node.place.line);
        if let Some(first) = self.names.insert(name.clone(), here) {
            reader.wrong(
                &at,
                Code::DuplicateName,
                format!("`{name}` is a name that another rule has"),
                format!("expected a name of its own: the first one is at {first}"),
            );
        }
        Some(name)
    }

    fn action(&self, reader: &mut Reader, at: &At<'_>) -> Option<Action> {
        let words = [("terminate", Action::Terminate), ("release", Action::Release)];
        let action = reader.word(at, &words)?;
        if (action, self.terms.release) == (Action::Release, Release::Refused) {
            reader.wrong(
                at,
                Code::ReleaseNotAllowed,
                "`release` destroys for good, and the config does not allow it",
                "expected terminate, which leaves 24 hours to change one's mind, or `allow_release: true` in the config",
            );
        }
        Some(action)
    }
}

/// What must not hold. A list without a matcher is an error, since it looks as if it excluded something.
fn unless(reader: &mut Reader, at: &At<'_>) -> Option<Condition> {
    if matches!(&at.node.value, Value::List(items) if items.is_empty()) {
        let help = "expected a matcher such as `{ tags: { keep: \"*\" } }`, or no `unless` at all";
        reader.wrong(at, Code::EmptyMatcher, "an empty list excludes no instance", help);
        return None;
    }
    matchers(reader, at)
}

/// Notes that a matcher is empty.
fn wrong_empty(reader: &mut Reader, at: &At<'_>, help: &str) {
    let message = "an empty matcher would match everything";
    reader.wrong(at, Code::EmptyMatcher, message, format!("expected {help}"));
}

/// Reads a time zone.
pub(crate) fn timezone(reader: &mut Reader, at: &At<'_>) -> Option<TimeZone> {
    let expected = "the name of a time zone such as UTC or Asia/Shanghai";
    reader.value(at, Code::NotATimeZone, expected, |text| {
        TimeZone::get(text).map_err(|_| format!("`{}` is not a time zone", lifetime::shorten(text)))
    })
}

/// Reads a schedule in `zone`. Patterns have no year, so whether one ever fires does not depend on when it is asked.
pub(crate) fn schedule(reader: &mut Reader, at: &At<'_>, zone: TimeZone) -> Option<Schedule> {
    let text = reader.text(at, schedule::HELP)?;
    let parsed = Schedule::parse(text, zone, Timestamp::UNIX_EPOCH);
    parsed
        .map_err(|schedule::Rejected { message, help }| {
            reader.wrong(at, Code::NotASchedule, message, help);
        })
        .ok()
}

/// The notice of a rule; one that is wrong is noted, which refuses the file.
fn notice(reader: &mut Reader, fields: &Fields<'_>) -> Option<NoticePeriod> {
    let length = fields.get("notice").and_then(|at| duration(reader, &at));
    let required = fields.get("notice_required").and_then(|at| {
        if fields.get("notice").is_none() {
            let message = "`notice_required` has no meaning here";
            let help = "expected `notice_required` beside `notice` only";
            reader.wrong(&at, Code::OutOfPlace, message, help);
        }
        reader.boolean(&at)
    });
    let delivery = if required == Some(false) { Delivery::Attempted } else { Delivery::Required };
    length.map(|length| NoticePeriod { length, delivery })
}

fn limits(reader: &mut Reader, at: &At<'_>) -> RuleLimits {
    let Some(fields) = reader.fields(at, &RULE_LIMIT_KEYS) else {
        return RuleLimits::default();
    };
    let mut number = |key: &str| fields.get(key).and_then(|at| reader.number(&at, 0..=u32::MAX));
    RuleLimits {
        max_terminations: number("max_terminations"),
        min_remaining: number("min_remaining"),
    }
}

fn duration(reader: &mut Reader, at: &At<'_>) -> Option<SignedDuration> {
    reader.value(at, Code::NotADuration, DURATION_HELP, lifetime::duration)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn source(yaml: &str) -> Arc<Source> {
        Arc::new(Source { name: "rules.yaml".into(), text: yaml.into() })
    }

    /// The rules of one file.
    pub(crate) fn rules(yaml: &str) -> RuleSet {
        parse(&[source(yaml)], &Terms::default())
            .unwrap_or_else(|problems| panic!("{}", crate::diagnostic::render(&problems, false)))
    }

    #[test]
    fn a_whole_rule_is_read() {
        let rules = rules(
            "rules:\n  - name: dev-three-days\n    description: Development machines\n    match:\n      tags: { env: [dev, test] }\n      \
             name: \"dev-*\"\n      status: [running, STOPPED]\n    unless:\n      - tags: { keep: \"*\" }\n    expire: { tag: ttl, default: 72h, max: 7d }\n    action: terminate\n",
        );
        assert_eq!(rules.rules[0].name.as_str(), "dev-three-days");
        assert!(matches!(&rules.rules[0].expiry, Expiry::Tag(tag) if tag.max.is_some()));
    }

    #[test]
    fn everything_that_is_wrong_in_all_files_is_told_at_once() {
        let one = source(
            "rules:\n  - name: Bad Name\n    match: {}\n    expire: { after: 3 dayz }\n  - name: same\n    match: everything\n",
        );
        let two = source("rules:\n  - name: same\n    mach: everything\n");
        let problems = parse(&[one, two], &Terms::default()).unwrap_err();
        let told: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(
            told,
            [
                "rules[0].name",
                "rules[0].match",
                "rules[0].expire.after",
                "rules[0].mach",
                "rules[0].name",
                "rules[0]"
            ]
        );
    }
}
