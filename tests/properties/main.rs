//! What holds for every rule and every machine, as far as chance can tell.
//!
//! `model` is the language of the design a second time; the real thing must decide the same. `laws` are what follows from
//! the design whatever is decided; `reading` is what no text may do.

#![expect(clippy::unwrap_used, reason = "a model that the real thing does not take is a failure")]

mod chance;
mod laws;
mod lints;
mod model;
mod promises;
mod reading;
mod real;

use proptest::prelude::*;
use zenreaper::plan::{Decision, Keep, Plan, Scope, Target, memory::Memory};

use crate::{
    chance::{Asking, fleet, hasty, machine, model, past, turn},
    model::{Expire, Machine, Meaning, TEXT_KEYS, decide, protects},
    real::{hours, instance, listed, memory, policy},
};

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// Whether a machine does not tell a field, or not all of it.
fn is_untold(machine: &Machine, field: &str) -> bool {
    match field {
        "status" => machine.status.is_none(),
        "charge_type" => machine.charge.is_none(),
        "resource_group" => machine.texts[6].is_none() || machine.texts[7].is_none(),
        "ip" => !machine.addresses_told,
        "create_time" => machine.age.is_none(),
        "id" => false,
        "tag" => !machine.untold.is_empty(),
        "near_miss" => !machine.near.is_empty(),
        text => machine.texts[TEXT_KEYS.iter().position(|own| *own == text).unwrap()].is_none(),
    }
}

/// A decision as the model tells it: that something is unknown, but not what.
fn told(decision: Decision) -> String {
    let reason = match decision {
        Decision::Keep(Keep::Unknown(_)) => "unknown",
        other => other.reason(),
    };
    format!("{} {reason}", decision.as_str())
}

proptest! {
    #![proptest_config(settings(400))]

    #[test]
    fn decisions_are_those_of_the_naive_evaluator(
        model in model(Asking::OfFieldsToo),
        turn in turn(),
        subjects in proptest::collection::vec((machine(), past()), 1..16),
    ) {
        let policy = policy(&model);
        for (machine, past) in &subjects {
            let memory = memory(machine, past, &turn, &policy.rules);
            let real = policy.judge(&instance(machine), &memory, hours(0));
            let decided = model::Decision {
                text: told(real.decision),
                rule: real.rule.map(|rule| rule.name.as_str()[1..].parse().unwrap()),
                due: real.due_at.map(real::from_now),
                terminate: real.terminate_at.map(real::from_now),
                held: real.held_until.map(real::from_now),
            };
            prop_assert_eq!(decided, decide(&model, &turn, machine, past), "{:?}", machine);
            if let Decision::Keep(Keep::Unknown(field)) = real.decision {
                prop_assert!(is_untold(machine, field.as_str()), "{field} of {machine:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(settings(150))]

    #[test]
    fn what_must_not_be_touched_is_never_a_target(
        model in hasty(Asking::OfFieldsToo),
        fleet in fleet(),
    ) {
        let policy = policy(&model);
        let instances: Vec<_> = fleet.iter().map(instance).collect();
        let inventory = listed(&instances);
        let plan = Plan::draft(&inventory, &policy, &Memory::default(), &Scope::All, hours(0));
        for Target { instance: target, rule, .. } in plan.targets() {
            let n: usize = target.id.as_str()[2..].parse().unwrap();
            let machine = &fleet[n];
            let protected = protects(&model.protect, machine);
            prop_assert!(protected == Some(false), "protected: {machine:?}");
            prop_assert!(target.status.is_some() && target.charge_type.is_some());
            let untouchable =
                ["PENDING", "CREATING", "INSTALLING", "RECYCLE", "MIGRATING", "running", ""];
            prop_assert!(!untouchable.contains(&machine.status.unwrap()), "{machine:?}");
            let paid = machine.charge != Some("POSTPAID") && machine.status != Some("CREATE_FAILED");
            prop_assert!(!paid && machine.charge != Some("SPOT"), "{machine:?}");
            let number: usize = rule.name.as_str()[1..].parse().unwrap();
            prop_assert!(model.rules[number].enabled);
            let by_tag = matches!(model.rules[number].expire, Expire::Tag { .. });
            let unreadable = machine.meaning() == Some(Meaning::Unreadable);
            prop_assert!(!(by_tag && unreadable), "{machine:?}");
        }
    }
}
