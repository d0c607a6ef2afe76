//! Tests of rules: machines that a person thought up, and what is to happen to each of them.
//!
//! A person who writes a rule knows of some machines what it must do to them. Here such a machine is judged by the very
//! [`Policy`] that a run judges by, at an instant that the test tells, so that a rule can be trusted before it is used. Pure: the
//! command line finds the files. Nothing here ever speaks to a cloud or a journal.

mod expectation;
mod machine;
mod parse;

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub use self::{
    expectation::{COMPARED, Expectation, Got, Wanted},
    parse::parse,
};
use crate::{
    diagnostic::{Code, Place, Problem, Source},
    explain::explain,
    inventory::Instance,
    plan::{
        Judgement, Policy, Turn,
        memory::{Force, Hold, HoldKind, Memory, Promise},
    },
    rules::{Condition, Rule, RuleName, RuleSet},
    yaml,
};

/// How long before `now` the run before began, if a case does not say.
const BETWEEN_RUNS: SignedDuration = SignedDuration::from_mins(1);

/// A test file.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The file.
    pub source: Arc<Source>,
    /// The names of the rule files beside it that it tests.
    pub rules: Vec<Named>,
    /// The zone whose days dates mean.
    pub timezone: TimeZone,
    /// The machines that are never touched.
    pub protect: Condition,
    /// The cases, in their order.
    pub cases: Vec<Case>,
}

/// The name of something else, and where it stands.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where it stands; `None` if it was not written.
    pub place: Option<Place>,
    /// The path of keys that leads to it.
    pub path: String,
}

/// One test.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, unique in its file.
    pub name: String,
    /// The line at which it begins.
    pub line: u32,
    /// The instant at which the machines are judged.
    pub now: Timestamp,
    /// When the run before this one began.
    pub last_run: Timestamp,
    /// What the owner was told before.
    pub told: Option<Told>,
    /// Whether an operator keeps the machines.
    pub held: bool,
    /// The machines.
    pub machines: Vec<Instance>,
    /// What is to happen to each of them.
    pub expect: Expectation,
}

/// That an owner was told of a machine's termination.
#[derive(Clone, Debug)]
pub struct Told {
    /// The rule that takes the machine.
    pub rule: Named,
    /// When the notice was written, and had reached every sink.
    pub at: Timestamp,
}

/// What happened instead of what was expected.
#[derive(Clone, Debug)]
pub struct Failure<'c> {
    /// Which machine it happened to, if the case has several.
    pub machine: Option<String>,
    /// What was expected.
    pub expected: &'c Expectation,
    /// What happened.
    pub got: Got,
    /// Why it happened.
    pub why: String,
}

impl Suite {
    /// What the rules of this suite make of its machines.
    #[must_use]
    pub fn policy(&self, rules: RuleSet) -> Policy {
        Policy {
            rules,
            protect: self.protect.clone(),
            host: crate::plan::eligibility::Host::default(),
        }
    }

    /// What is wrong with the rules that the cases name.
    #[must_use]
    pub fn check_names(&self, rules: &RuleSet) -> Vec<Problem> {
        let told = |case: &Case| case.told.as_ref().and_then(|told| self.check_told(told, rules));
        let expected = |case: &Case| {
            let named = case.expect.rule.as_ref()?;
            self.find(named, rules).err()
        };
        let wrong = |case| [told(case), expected(case)].into_iter().flatten();
        self.cases.iter().flat_map(wrong).collect()
    }

    /// That a rule file cannot be read.
    #[must_use]
    pub fn unreadable(&self, rules: &Named, why: &str) -> Problem {
        let message = format!("the rules of this test, {}: {why}", rules.name);
        let help = "expected the name of a rule file beside this one; without `rules`, its own name without `.test`";
        self.problem(rules, Code::Unreadable, message, help.to_owned())
    }

    fn check_told(&self, told: &Told, rules: &RuleSet) -> Option<Problem> {
        let rule = match self.find(&told.rule, rules) {
            Ok(rule) => rule,
            Err(problem) => return Some(problem),
        };
        let message = format!("the rule `{}` tells nobody", rule.name);
        let help = "expected a rule with `notice`".to_owned();
        rule.notice.is_none().then(|| self.problem(&told.rule, Code::OutOfPlace, message, help))
    }

    fn find<'r>(&self, named: &Named, rules: &'r RuleSet) -> Result<&'r Rule, Problem> {
        rule_of(&named.name, rules).ok_or_else(|| {
            let all: Vec<_> = rules.rules.iter().map(|rule| rule.name.as_str()).collect();
            let message =
                format!("`{}` is not a rule of this test", crate::lifetime::shorten(&named.name));
            let help = yaml::nearest_of(&named.name, &all);
            self.problem(named, Code::UnknownWord, message, help)
        })
    }

    fn problem(&self, named: &Named, code: Code, message: String, help: String) -> Problem {
        let (source, place) = (Arc::clone(&self.source), named.place.clone());
        Problem { code, source, place, path: named.path.clone(), message, help }
    }
}

fn rule_of<'r>(name: &str, rules: &'r RuleSet) -> Option<&'r Rule> {
    rules.rules.iter().find(|rule| rule.name.as_str() == name)
}

/// Judges the machines of a case, and tells of the first that does not meet the expectation.
pub fn run<'c>(case: &'c Case, policy: &Policy) -> Result<(), Box<Failure<'c>>> {
    for (n, machine) in case.machines.iter().enumerate() {
        let judgement = judge(case, machine, policy);
        let got = expectation::got(&judgement);
        if !case.expect.is_met_by(&got) {
            let machine_name = (case.machines.len() > 1)
                .then(|| format!("machine {} of {}, {}", n + 1, case.machines.len(), machine.id));
            let (expected, why) = (&case.expect, why(case, machine, policy));
            return Err(Box::new(Failure { machine: machine_name, expected, got, why }));
        }
    }
    Ok(())
}

/// The rules that decide on the machines of a case.
pub fn deciding<'p>(case: &Case, policy: &'p Policy) -> impl Iterator<Item = &'p RuleName> {
    let rule = |machine| judge(case, machine, policy).rule.map(|rule| &rule.name);
    case.machines.iter().filter_map(rule)
}

fn judge<'p>(case: &Case, machine: &Instance, policy: &'p Policy) -> Judgement<'p> {
    policy.judge(machine, &memory(case, machine, policy), case.now)
}

/// Why a machine was judged so: the sentence of its explanation, and what the rule saw that decided.
fn why(case: &Case, machine: &Instance, policy: &Policy) -> String {
    let memory = memory(case, machine, policy);
    let sentence = explain(policy, machine, &memory, case.now).sentence;
    match policy.judge(machine, &memory, case.now).rule {
        Some(rule) => format!("{sentence}\nThe rule {} saw {}", rule.name, rule.seen(machine)),
        None => sentence,
    }
}

/// What a journal would remember of a machine.
fn memory(case: &Case, machine: &Instance, policy: &Policy) -> Memory {
    let memory = Memory {
        holds: hold(case).map(|hold| (machine.id.clone(), hold)).into_iter().collect(),
        promises: promise(case, policy)
            .map_or_else(HashMap::new, |promise| [(machine.id.clone(), vec![promise])].into()),
        last_run_at: Some(case.last_run),
        ..Memory::default()
    };
    memory.at_turn(&Turn::Asked, &policy.rules, case.now)
}

fn hold(case: &Case) -> Option<Hold> {
    case.held.then_some(Hold { kind: HoldKind::Operator, until: Timestamp::MAX })
}

/// Returns the promise that the owner's notice was. It names the earliest termination that the rule's notice allows, and binds
/// every rule. The day on which the instance is due, if that is later, is computed anew at every run.
fn promise(case: &Case, policy: &Policy) -> Option<Promise> {
    let Told { rule, at } = case.told.as_ref()?;
    let rule = rule_of(&rule.name, &policy.rules)?;
    let terminate_at = at.checked_add(rule.notice?.length).unwrap_or(Timestamp::MAX);
    Some(Promise {
        key: String::new(),
        rule: rule.name.clone(),
        owner: Some(String::new()),
        begun_at: *at,
        told_at: Some(*at),
        terminate_at,
        force: Force::Stands,
    })
}

#[cfg(test)]
mod tests;
