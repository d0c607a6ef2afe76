//! What a case expects, and what is compared with it: the words and instants of a judgement, as text.

use super::{Named, parse};
use crate::{
    diagnostic::Code,
    lifetime::shorten,
    plan::{Decision, Delay, Judgement, Keep, Skip, Telling},
    rules::Field,
    yaml::{At, Fields, Reader, Value, nearest_of},
};

/// What is compared, by the names that it has in a test file.
pub const COMPARED: [&str; 5] = ["decision", "reason", "rule", "due_at", "terminate_at"];

/// What happened to a machine, in the order of [`COMPARED`].
pub type Got = [Option<String>; 5];

/// What is expected of one thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// It was not written: anything will do.
    Anything,
    /// This, or that there is none.
    Just(Option<String>),
}

/// What is to happen to the machines of a case.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// What is expected, in the order of [`COMPARED`].
    pub wanted: [Wanted; 5],
    /// The rule that is to decide, where it was written.
    pub(super) rule: Option<Named>,
}

impl Wanted {
    /// Whether it is met.
    #[must_use]
    pub fn is_met_by(&self, got: Option<&str>) -> bool {
        match self {
            Self::Anything => true,
            Self::Just(wanted) => wanted.as_deref() == got,
        }
    }
}

impl Expectation {
    /// Whether all of it is met.
    #[must_use]
    pub fn is_met_by(&self, got: &Got) -> bool {
        self.wanted.iter().zip(got).all(|(wanted, got)| wanted.is_met_by(got.as_deref()))
    }
}

/// What is compared of a judgement.
pub(super) fn got(judgement: &Judgement<'_>) -> Got {
    let Judgement { decision, rule, due_at, terminate_at, .. } = judgement;
    [
        Some(decision.as_str().to_owned()),
        Some(decision.reason().to_owned()),
        rule.map(|rule| rule.name.to_string()),
        due_at.map(|at| at.to_string()),
        terminate_at.map(|at| at.to_string()),
    ]
}

/// Every decision that there is.
fn decisions() -> impl Iterator<Item = Decision> {
    let telling = [Telling::ToTell, Telling::Undelivered, Telling::Told].map(Decision::Notice);
    let skips = Skip::ALL.map(Decision::Skip);
    let keeps = [Keep::NoRule, Keep::Excepted, Keep::Never, Keep::Unreadable];
    let unknown = Field::ALL.map(Keep::Unknown);
    let keeps = keeps.into_iter().chain(unknown).map(Decision::Keep);
    let delays = Delay::ALL.map(Decision::Wait);
    [Decision::Terminate].into_iter().chain(delays).chain(telling).chain(skips).chain(keeps)
}

/// Reads an expectation.
pub(super) fn expectation(reader: &mut Reader, at: &At<'_>) -> Option<Expectation> {
    let fields = reader.fields(at, &COMPARED)?;
    let help = "a decision: one of terminate, notice, wait, skip, keep";
    let decision = fields.require(reader, "decision", help);
    let decision = decision.and_then(|at| word(reader, &at, |_| true, Decision::as_str));
    let reason = fields.get("reason").and_then(|at| {
        // A reason of another decision would be a test that nothing can pass.
        let fits = |one: &Decision| decision.as_deref().is_none_or(|name| name == one.as_str());
        word(reader, &at, fits, Decision::reason)
    });
    let rule = optional(&fields, "rule", |at| {
        reader.text(at, "the name of a rule or ~").map(str::to_owned)
    });
    let due_at = instant(reader, &fields, "due_at");
    let terminate_at = instant(reader, &fields, "terminate_at");
    let reason = reason.map_or(Wanted::Anything, |reason| Wanted::Just(Some(reason)));
    let named = fields.get("rule").filter(|at| !is_null(at));
    let named = named.and_then(|at| parse::named(reader, &at, "the name of a rule"));
    let wanted = [Wanted::Just(Some(decision?)), reason, rule, due_at, terminate_at];
    Some(Expectation { wanted, rule: named })
}

/// A word of those decisions that fit.
fn word(
    reader: &mut Reader,
    at: &At<'_>,
    fits: impl Fn(&Decision) -> bool,
    name: impl Fn(Decision) -> &'static str,
) -> Option<String> {
    let mut names: Vec<_> = decisions().filter(|one| fits(one)).map(name).collect();
    names.dedup();
    let text = reader.text(at, &format!("one of {}", names.join(", ")))?;
    if !names.contains(&text) {
        let message = format!("`{}` is not known here", shorten(text));
        reader.wrong(at, Code::UnknownWord, message, nearest_of(text, &names));
    }
    Some(text.to_owned())
}

fn instant(reader: &mut Reader, fields: &Fields<'_>, key: &str) -> Wanted {
    optional(fields, key, |at| parse::timestamp(reader, at).map(|at| at.to_string()))
}

/// What is wanted of a key: `~` means that there must be none.
fn optional(
    fields: &Fields<'_>,
    key: &str,
    read: impl FnOnce(&At<'_>) -> Option<String>,
) -> Wanted {
    match fields.get(key) {
        None => Wanted::Anything,
        Some(at) if is_null(&at) => Wanted::Just(None),
        Some(at) => Wanted::Just(read(&at)),
    }
}

/// Whether there is nothing, or `~`.
pub(super) fn is_null(at: &At<'_>) -> bool {
    matches!(at.node.value, Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_belongs_to_a_decision_and_none_is_listed_twice() {
        let words: Vec<_> = decisions().map(|one| (one.as_str(), one.reason())).collect();
        let mut distinct = words.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), words.len());
        assert_eq!(words.len(), 4 + 3 + Skip::ALL.len() + 4 + Field::ALL.len());
    }
}
