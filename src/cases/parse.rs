//! Test files, from YAML to cases or to all that is wrong with them.

use std::{collections::HashMap, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    BETWEEN_RUNS, Case, Named, Suite, Told,
    expectation::{Expectation, expectation},
    machine::{self, OfAll, Written, machines},
};
use crate::{
    diagnostic::{Code, Problem, Source},
    lifetime::{self, shorten},
    rules::{self, Condition},
    yaml::{self, At, Fields, Reader, Value},
};

const SUITE_KEYS: [&str; 6] = ["rules", "timezone", "protect", "now", "machine", "tests"];

const CASE_KEYS: [&str; 8] =
    ["name", "now", "last_run", "told", "held", "machine", "machines", "expect"];

const TOLD_KEYS: [&str; 2] = ["rule", "at"];

const NOW_HELP: &str = "a timestamp such as 2026-12-31T18:00:00Z, here or for all tests";

const EXPECT_HELP: &str = "what is to happen, such as `{ decision: terminate }`";

const RULES_HELP: &str = "the name of a rule file beside this one, or a list of them";

/// Stands for an instant that is missing or wrong, which refuses the file: what else is wrong is told with it. Everything has
/// passed by then, so that nothing is told that is not wrong.
const SOME_TIME: Timestamp = Timestamp::MAX;

/// The longest name of a case, in characters.
const NAME_CHARS_MAX: usize = 200;

/// Parses a test file.
pub fn parse(source: &Arc<Source>) -> Result<Suite, Vec<Problem>> {
    let mut reader = Reader::new(Arc::clone(source));
    let suite = match yaml::parse(source) {
        Ok(root) => suite(&mut reader, &At::root(&root), source),
        Err(problem) => {
            reader.problems.push(problem);
            None
        }
    };
    match suite {
        Some(suite) if reader.problems.is_empty() => Ok(suite),
        _ => Err(reader.problems),
    }
}

fn suite(reader: &mut Reader, root: &At<'_>, source: &Arc<Source>) -> Option<Suite> {
    let fields = reader.document(root, &SUITE_KEYS)?;
    let rules = rule_files(reader, &fields, &source.name);
    let timezone = fields.get("timezone").and_then(|at| rules::timezone(reader, &at));
    let protect = fields.get("protect").and_then(|at| rules::matchers(reader, &at));
    let now = fields.get("now").map(|at| timestamp(reader, &at).unwrap_or(SOME_TIME));
    let all = fields.get("machine").map_or(OfAll::Unwritten, |at| of_all(reader, &at));
    let tests = fields.require(reader, "tests", "a list of tests")?;
    let items = reader.list(&tests, "expected a list of tests, each with `name` and `expect`")?;
    let mut names = HashMap::new();
    let for_all = ForAll { now, machine: &all };
    let case = |at| case(reader, at, &for_all, &mut names);
    let cases = items.iter().filter_map(case).collect();
    Some(Suite {
        source: Arc::clone(source),
        rules,
        timezone: timezone.unwrap_or(TimeZone::UTC),
        protect: protect.unwrap_or(Condition::NOTHING),
        cases,
    })
}

/// What a file tells for all its cases.
struct ForAll<'a, 'f> {
    now: Option<Timestamp>,
    machine: &'f OfAll<'a>,
}

/// Reads what every machine has; what is wrong with it is told once, and not of each machine again.
fn of_all<'a>(reader: &mut Reader, at: &At<'a>) -> OfAll<'a> {
    let before = reader.problems.len();
    let Some(fields) = machine::fields(reader, at) else { return OfAll::Wrong };
    Written::new(Some(&fields), None).machine(reader, SOME_TIME);
    if reader.problems.len() == before { OfAll::Written(fields) } else { OfAll::Wrong }
}

/// The names of the rule files; without any, the name of the test file without `.test`.
fn rule_files(reader: &mut Reader, fields: &Fields<'_>, own: &str) -> Vec<Named> {
    let Some(at) = fields.get("rules") else {
        let beside = rule_file_of(own);
        if beside.is_none() {
            fields.require(reader, "rules", RULES_HELP);
        }
        return beside.into_iter().collect();
    };
    let items = match &at.node.value {
        Value::List(_) => non_empty_list(reader, &at, RULES_HELP),
        Value::Null | Value::Text(_) | Value::Map(_) => vec![at],
    };
    items.iter().filter_map(|at| rule_file(reader, at)).collect()
}

/// The rule file that a test file is named for.
fn rule_file_of(test: &str) -> Option<Named> {
    let test = test.rsplit('/').next()?;
    let (name, end) = test.rsplit_once(".test.")?;
    let is_yaml = ["yaml", "yml"].contains(&end);
    let name = is_yaml.then(|| format!("{name}.{end}"))?;
    Some(Named { name, place: None, path: String::new() })
}

fn rule_file(reader: &mut Reader, at: &At<'_>) -> Option<Named> {
    let file = named(reader, at, RULES_HELP)?;
    if file.name.is_empty() || file.name.contains('/') {
        let message = format!("`{}` is not the name of a file", shorten(&file.name));
        reader.wrong(at, Code::NotAName, message, format!("expected {RULES_HELP}"));
    }
    Some(file)
}

/// The name of something else.
pub(super) fn named(reader: &mut Reader, at: &At<'_>, expected: &str) -> Option<Named> {
    let name = reader.text(at, expected)?.to_owned();
    Some(Named { name, place: Some(at.node.place.clone()), path: at.path.clone() })
}

/// A list with something in it.
pub(super) fn non_empty_list<'a>(reader: &mut Reader, at: &At<'a>, expected: &str) -> Vec<At<'a>> {
    let items = reader.list(at, expected);
    if items.as_ref().is_some_and(Vec::is_empty) {
        reader.wrong(at, Code::EmptyValue, "the list is empty", expected);
    }
    items.unwrap_or_default()
}

/// A timestamp. A date will not do: a test is of the instant.
pub(super) fn timestamp(reader: &mut Reader, at: &At<'_>) -> Option<Timestamp> {
    let expected = "a timestamp such as 2026-12-31T18:00:00Z";
    reader.value(at, Code::NotAnInstant, expected, lifetime::timestamp)
}

/// A timestamp that has passed at `now`.
fn past(reader: &mut Reader, at: &At<'_>, now: Timestamp) -> Option<Timestamp> {
    let instant = timestamp(reader, at)?;
    if instant > now {
        let message = format!("`{instant}` is after `now`");
        reader.wrong(
            at,
            Code::OutOfRange,
            message,
            "expected a timestamp that has passed at `now`",
        );
    }
    Some(instant)
}

fn case(
    reader: &mut Reader,
    at: &At<'_>,
    for_all: &ForAll<'_, '_>,
    names: &mut HashMap<String, u32>,
) -> Option<Case> {
    let fields = reader.fields(at, &CASE_KEYS)?;
    let line = at.node.place.line;
    let name = name(reader, &fields, names, line);
    let now = now(reader, &fields, for_all.now);
    let last_run = fields.get("last_run").and_then(|at| past(reader, &at, now));
    let told = fields.get("told").and_then(|at| told(reader, &at, now));
    let held = fields.get("held").and_then(|at| reader.boolean(&at));
    let machines = machines(reader, &fields, for_all.machine, now);
    let expect = expect(reader, &fields);
    let (name, expect) = (name?, expect?);
    let last_run = last_run.or_else(|| now.checked_sub(BETWEEN_RUNS).ok()).unwrap_or(now);
    Some(Case { name, line, now, last_run, told, held: held.unwrap_or(false), machines, expect })
}

fn expect(reader: &mut Reader, fields: &Fields<'_>) -> Option<Expectation> {
    let at = fields.require(reader, "expect", EXPECT_HELP)?;
    expectation(reader, &at)
}

fn now(reader: &mut Reader, fields: &Fields<'_>, for_all: Option<Timestamp>) -> Timestamp {
    let own = fields.get("now").map(|at| timestamp(reader, &at).unwrap_or(SOME_TIME));
    own.or(for_all).unwrap_or_else(|| {
        fields.require(reader, "now", NOW_HELP);
        SOME_TIME
    })
}

fn told(reader: &mut Reader, at: &At<'_>, now: Timestamp) -> Option<Told> {
    let fields = reader.fields(at, &TOLD_KEYS)?;
    let expected = "the name of the rule that told the owner";
    let rule = fields.require(reader, "rule", expected);
    let rule = rule.and_then(|at| named(reader, &at, expected));
    let at = fields.require(reader, "at", "when the owner was told, a timestamp");
    let at = at.and_then(|at| past(reader, &at, now));
    Some(Told { rule: rule?, at: at? })
}

fn name(
    reader: &mut Reader,
    fields: &Fields<'_>,
    names: &mut HashMap<String, u32>,
    line: u32,
) -> Option<String> {
    let expected = "a name that says what is to happen, 1 to 200 characters";
    let at = fields.require(reader, "name", expected)?;
    let name = reader.value(&at, Code::NotAName, expected, |text| {
        let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
        fits.then(|| text.to_owned())
            .ok_or_else(|| format!("`{}` is not a test's name", shorten(text)))
    })?;
    if let Some(first) = names.insert(name.clone(), line) {
        let message = format!("`{}` is a name that another test has", shorten(&name));
        let help = format!("expected a name of its own: the first one is at line {first}");
        reader.wrong(&at, Code::DuplicateName, message, help);
    }
    Some(name)
}
