//! What is valid in rules and probably not meant.
//!
//! A warning is worth its line only if it is true: what is said here to match every machine, to match none, or never to act is
//! so whatever machines there are. What cannot be proved is not said. Rules that are switched off are not looked at.

mod brackets;
mod claims;
mod hindsight;
mod logic;
mod schedules;
mod shadow;

use jiff::SignedDuration;

#[cfg(test)]
pub(crate) use self::logic::ELIGIBLE;
use self::logic::{Case, Conflict, Formula, Literal, Subject};
pub use self::{
    brackets::plain_brackets,
    hindsight::{TagKeys, near_miss_keys, outpaced, unknown_tag_keys},
    schedules::schedule_warnings,
};
use super::{Condition, Expiry, Origin, Rule, RuleSet};
use crate::{
    diagnostic::{Code, Problem},
    lifetime::shorten,
};

/// A rule, and what follows from it.
struct View<'a> {
    rule: &'a Rule,
    /// That it matches.
    matches: Formula<'a>,
    /// That it takes a machine: it matches, and no exception holds.
    takes: Formula<'a>,
    /// The ways in which it takes one that may be terminated; `None` if there are too many.
    cases: Option<Vec<Case<'a>>>,
    /// Why it takes none, if that is so.
    conflict: Option<Conflict<'a>>,
}

impl<'a> View<'a> {
    fn of(rule: &'a Rule) -> Self {
        let matches = Formula::of(&rule.matches);
        let takes = Formula::All(vec![matches.clone(), Formula::of(&rule.unless).denied()]);
        let size = |cases: &Vec<Case<'_>>| cases.iter().map(Case::len).sum::<usize>();
        let cases = takes.cases().filter(|cases| size(cases) <= logic::VALUES_MAX);
        let conflict = cases.as_deref().and_then(conflict_of_all);
        let possible = |case: &Case<'_>| case.conflict().is_none();
        let cases = cases.map(|cases| cases.into_iter().filter(possible).collect());
        Self { rule, matches, takes, cases, conflict }
    }

    fn warning(&self, key: &str, code: Code, message: String, help: &str) -> Problem {
        self.rule.origin.problem(key, code, message, help.to_owned())
    }
}

/// Why nothing makes any of the cases true; `None` if something may. That there is no case at all has no reason to name.
fn conflict_of_all<'a>(cases: &[Case<'a>]) -> Option<Conflict<'a>> {
    let conflicts: Option<Vec<_>> = cases.iter().map(Case::conflict).collect();
    let conflicts = conflicts?;
    Some(conflicts.first().copied().unwrap_or(Conflict::Nothing))
}

/// What somebody should look at in the rules that are in use.
#[must_use]
pub fn warnings(rules: &RuleSet) -> Vec<Problem> {
    let views: Vec<_> = rules.rules.iter().map(View::of).collect();
    let mut found: Vec<_> = views.iter().flat_map(alone).collect();
    found.extend(shadow::shadowed(&views));
    found
}

/// What there is to say of a rule by itself.
fn alone(view: &View<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    found.extend(everything(view));
    found.extend(never(view));
    found.extend(no_cap(view));
    found.extend(outlived_by_notice(view));
    found.extend(at_once(view));
    found.extend(anywhere(view));
    found.extend(brackets::of_rule(view.rule));
    found
}

/// A rule that takes the whole account. A tag that says when, without a default, speaks of machines with that tag only.
fn everything(view: &View<'_>) -> Option<Problem> {
    let by_own_word = matches!(&view.rule.expiry, Expiry::Tag(tag) if tag.default.is_none());
    let has_no_exception = matches!(&view.rule.unless, Condition::Any(none) if none.is_empty());
    if by_own_word || !has_no_exception || !view.matches.is_always() {
        return None;
    }
    let message = "this matches every machine of the account, and excepts none".to_owned();
    let help = "expected a condition, or an exception such as `unless: { tags: { keep: \"*\" } }`";
    Some(view.warning("match", Code::MatchesEverything, message, help))
}

/// A rule that takes no machine.
fn never(view: &View<'_>) -> Option<Problem> {
    view.conflict?;
    let origin = &view.rule.origin;
    let own = view.matches.cases().as_deref().and_then(conflict_of_all);
    let (key, message, help) = match own {
        None => (
            "unless",
            "no machine is left: this excepts all that `match` takes".to_owned(),
            "expected exceptions that are narrower than the match",
        ),
        Some(Conflict::On(subject)) => {
            let key = subject.key();
            let told = shorten(&key);
            (
                origin.find("match", &key),
                format!("no machine can match: what is asked of `{told}` excludes itself"),
                "expected what one machine can meet at once; if one of several is enough, list the values, or use `any`",
            )
        }
        Some(Conflict::NotEligible) => (
            on_table(origin),
            "no machine that may be terminated has such a status and charge type".to_owned(),
            "expected RUNNING, STOPPED, BOOTING, STOPPING or INSTALL_FAILED of pay-as-you-go machines, or CREATE_FAILED",
        ),
        Some(Conflict::Nothing) => (
            "match",
            "no machine can match".to_owned(),
            "expected a condition that some machine meets",
        ),
    };
    Some(view.warning(key, Code::NeverMatches, message, help))
}

/// Where a match asks for a status or, if it does not, for a charge type.
fn on_table(origin: &Origin) -> &str {
    match origin.find("match", "status") {
        "match" => origin.find("match", "charge_type"),
        status => status,
    }
}

/// A cap that refuses whatever the rule takes.
fn no_cap(view: &View<'_>) -> Option<Problem> {
    view.rule.limits.max_terminations.filter(|cap| *cap == 0)?;
    let message = "0 means none: a plan in which this rule takes a machine is refused".to_owned();
    let help = "expected 1 or more; to switch the rule off, say `enabled: false`";
    Some(view.warning("limits.max_terminations", Code::CapOfZero, message, help))
}

/// Lives that are shorter than the time for which the owner is told before.
fn outlived_by_notice(view: &View<'_>) -> Vec<Problem> {
    let Some(notice) = view.rule.notice else { return Vec::new() };
    let lives = match &view.rule.expiry {
        Expiry::AtOnce | Expiry::At(_) => Vec::new(),
        Expiry::After(life) => vec![("expire.after", Some(*life))],
        Expiry::Tag(tag) => vec![("expire.default", tag.default), ("expire.max", tag.max)],
    };
    let is_short = |life: &Option<SignedDuration>| life.is_some_and(|life| life < notice.length);
    let short = lives.into_iter().filter(|(_, life)| is_short(life));
    let warning = |(key, _): (&str, _)| {
        let message = format!(
            "this is shorter than `notice`, so machines live {:#} and longer",
            notice.length
        );
        let help = "expected a life that is longer than the notice, or a shorter notice";
        view.warning(key, Code::ShorterThanNotice, message, help)
    };
    short.map(warning).collect()
}

/// A rule that takes machines as soon as they are there.
fn at_once(view: &View<'_>) -> Option<Problem> {
    let is_bound = |literal: Literal<'_>| match literal {
        Literal::Age(age) => !age.admits(SignedDuration::ZERO),
        Literal::Text(..) | Literal::Ip(_) => false,
    };
    let is_now = matches!(view.rule.expiry, Expiry::AtOnce) && view.rule.notice.is_none();
    if !is_now || view.conflict.is_some() || view.takes.always_has(&is_bound) {
        return None;
    }
    let message = "a match is due at once, however young it is".to_owned();
    let help = "expected `expire`, such as `{ after: 24h }`, or an `age` in the match; `{ after: 1m }` says that at once is meant";
    Some(view.warning("", Code::DueAtOnce, message, help))
}

/// Regular expressions in a match that look like whole texts, and are found anywhere.
fn anywhere(view: &View<'_>) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    for literal in view.matches.literals() {
        let Literal::Text(subject, claims::Claim::In(list)) = literal else { continue };
        let key = view.rule.origin.find("match", &format!("{}.regex", subject.key()));
        for pattern in list.iter().filter(|one| one.is_regex() && is_bare(one.written())) {
            let text = shorten(pattern.written());
            let message = format!("`{text}` is found anywhere in `{}`", shorten(&subject.key()));
            let help = format!(
                "expected `^{text}$` for the whole text; for a part of it, say so with `.*{text}.*` or a glob"
            );
            found.push(view.warning(key, Code::FoundAnywhere, message, &help));
        }
    }
    found
}

/// Whether a regular expression begins and ends with plain text and says nowhere where it is to be found.
fn is_bare(regex: &str) -> bool {
    let plain = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || "-_/ ".contains(letter))
    };
    let mut backwards = regex.chars().rev();
    let ends_plain = plain(backwards.next()) && backwards.next() != Some('\\');
    let has_anchor =
        ["^", "$", "\\A", "\\z", "\\b", "\\<", "\\>"].iter().any(|one| regex.contains(one));
    plain(regex.chars().next()) && ends_plain && !has_anchor
}

#[cfg(test)]
mod tests;
