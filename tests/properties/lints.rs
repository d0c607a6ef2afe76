//! What a warning says of a rule is so, whatever machine comes.

use std::cell::Cell;

use proptest::{
    collection::vec, prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner,
};
use zenreaper::{diagnostic::Code, rules};

use crate::{
    chance::{dubious, machine, past},
    model::{Machine, Model, Past, Turn, decide, eligible, matches, takes},
    real::policy,
    settings,
};

/// How many models are looked at, and how many machines each of their warnings is held against.
const MODELS: u32 = 500;
const MACHINES: usize = 300;

/// The numbers of the rules that have a warning.
fn warned(model: &Model, code: Code) -> Vec<usize> {
    let told = rules::warnings(&policy(model).rules).into_iter().filter(|one| one.code == code);
    let number = |path: &str| path["rules[".len()..].split(']').next().unwrap().parse().unwrap();
    told.map(|one| number(&one.path)).collect()
}

/// Checks that a warning is true of each rule that has it and of every machine, and that so many rules have it at least.
fn check(
    code: Code,
    at_least: u32,
    is_true: impl Fn(&Model, usize, &Machine, &(Past, Turn)) -> bool,
) {
    // A run that somebody asks for: which rules have their turn follows from their schedules.
    let turn = select(&[None, Some(-1_i64), Some(-2), Some(-24), Some(-48)][..]);
    let subject = (machine(), (past(), turn.prop_map(Turn::Asked)));
    let mut runner = TestRunner::new(settings(MODELS));
    let subjects = vec(subject, MACHINES).new_tree(&mut runner).unwrap().current();
    let flagged = Cell::new(0);
    let found = runner.run(&dubious(), |model| {
        for rule in warned(&model, code) {
            flagged.set(flagged.get() + 1);
            for (machine, memory) in &subjects {
                prop_assert!(is_true(&model, rule, machine, memory), "{machine:?}");
            }
        }
        Ok(())
    });
    found.unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(flagged.get() >= at_least, "only {} rules have {code}", flagged.get());
}

fn is_eligible(machine: &Machine, past: &Past) -> bool {
    eligible(&[], machine, past).is_ok()
}

#[test]
fn a_rule_that_is_told_to_match_everything_matches_every_machine() {
    check(Code::MatchesEverything, 5, |model, rule, machine, _| {
        let rule = &model.rules[rule];
        // What protects a machine from every condition on a tag is not counted.
        let is_odd = !machine.near.is_empty() || !machine.untold.is_empty();
        is_odd || (matches(rule, machine) == Some(true) && takes(rule, machine))
    });
}

#[test]
fn a_rule_that_is_told_to_match_nothing_takes_no_machine_that_may_go() {
    let free = Past { promise: None, withdrawn: None, hold: None };
    check(Code::NeverMatches, 40, |model, rule, machine, _| {
        !(is_eligible(machine, &free) && takes(&model.rules[rule], machine))
    });
}

#[test]
fn a_rule_that_is_told_to_be_shadowed_never_acts() {
    check(Code::Shadowed, 40, |model, rule, machine, (past, turn)| {
        let decided = decide(model, turn, machine, past);
        let acts = is_eligible(machine, past) && !decided.text.starts_with("skip");
        let is_kept = decided.text.starts_with("keep");
        decided.rule != Some(rule) || !acts || is_kept
    });
}
