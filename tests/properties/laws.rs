//! Laws: what follows from the design, whatever a rule says and a machine tells.

use proptest::{
    option,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};
use zenreaper::rules::{Condition, Truth};

use crate::{
    chance::{self, Asking, FIELDS, filled, fleet, hasty, machine, matcher, matches, without},
    model::{Expire, Line, Machine, Match, Meaning, Model, Op, Rule, ZONES},
    real::{
        condition, hours, instance, listed, match_json, matcher_json, plan_text, policy,
        protecting, terminates,
    },
    settings,
};

fn test(condition: &Condition, machine: &Machine) -> Truth {
    condition.test(&instance(machine), hours(0))
}

/// The same machine without tags whose keys are near misses: they count on one side of a decision only, so that a condition and
/// its contrary may both be sure, or both be unknown.
fn plain(machine: Machine) -> Machine {
    Machine { near: Vec::new(), ..machine }
}

/// Whether `match: <text>` holds.
fn truth(matches: &Value, machine: &Machine) -> Truth {
    test(&condition(matches), machine)
}

/// False, unknown and true as numbers: `not` turns them round, `all` is the least of some and `any` the greatest.
fn number(truth: Truth) -> i32 {
    match truth {
        Truth::False => -1,
        Truth::Unknown(_) => 0,
        Truth::True => 1,
    }
}

/// A rule that takes every machine at once.
fn take_all() -> Rule {
    Rule {
        matches: Match::Everything,
        unless: Vec::new(),
        expire: Expire::AtOnce,
        notice: None,
        schedule: None,
        zone: ZONES[0],
        enabled: true,
    }
}

/// A running machine that tells nothing but tags, and so may be anything.
fn untold(machine: &Machine) -> Machine {
    let machine = (0..FIELDS).fold(machine.clone(), |machine, field| without(&machine, field));
    Machine { status: Some("RUNNING"), charge: Some("POSTPAID"), addresses: Vec::new(), ..machine }
}

proptest! {
    #![proptest_config(settings(120))]

    #[test]
    fn not_not_is_nothing_at_all(one in matches(Asking::OfFieldsToo), machine in machine()) {
        let one = match_json(&one);
        let twice = json!({ "not": { "not": one } });
        prop_assert_eq!(truth(&twice, &machine), truth(&one, &machine));
    }

    #[test]
    fn not_any_is_all_not_and_not_all_is_any_not(
        all in proptest::collection::vec(matches(Asking::OfFieldsToo), 1..4),
        machine in machine(),
    ) {
        let all: Vec<_> = all.iter().map(match_json).collect();
        let none: Vec<_> = all.iter().map(|one| json!({ "not": one })).collect();
        let not_any = truth(&json!({ "not": { "any": all } }), &machine);
        prop_assert_eq!(not_any, truth(&json!({ "all": none }), &machine));
        prop_assert_eq!(not_any, truth(&json!({ "not": all }), &machine), "a list says the same");
        let not_all = truth(&json!({ "not": { "all": all } }), &machine);
        prop_assert_eq!(not_all, truth(&json!({ "any": none }), &machine));
    }

    #[test]
    fn all_any_and_not_are_those_of_three_values(
        all in proptest::collection::vec(matches(Asking::OfFieldsToo), 1..4),
        machine in machine(),
    ) {
        let machine = plain(machine);
        let all: Vec<_> = all.iter().map(match_json).collect();
        let own: Vec<_> = all.iter().map(|one| number(truth(one, &machine))).collect();
        let of = |matches: &Value| number(truth(matches, &machine));
        prop_assert_eq!(of(&json!({ "all": all })), *own.iter().min().unwrap());
        prop_assert_eq!(of(&json!({ "any": all })), *own.iter().max().unwrap());
        prop_assert_eq!(of(&json!({ "not": all[0] })), -own[0]);
    }

    #[test]
    fn unknown_in_unless_or_protect_keeps(one in matcher(Asking::OfFieldsToo), machine in machine()) {
        let machine = Machine { status: Some("RUNNING"), charge: Some("POSTPAID"), ..machine };
        for subject in [&machine, &untold(&machine)] {
            let goes = test(&protecting(&matcher_json(&one)), subject) == Truth::False;
            let unless = Rule { unless: vec![one.clone()], ..take_all() };
            let excepted = policy(&Model { rules: vec![unless], protect: Vec::new() });
            prop_assert_eq!(terminates(&excepted, subject), goes, "unless: {:?}", subject);
            let protected = policy(&Model { rules: vec![take_all()], protect: vec![one.clone()] });
            prop_assert_eq!(terminates(&protected, subject), goes, "protect: {:?}", subject);
        }
    }

    #[test]
    fn a_rule_that_is_switched_off_changes_nothing(
        model in hasty(Asking::OfFieldsToo),
        (rule, at) in (chance::rule(Asking::OfFieldsToo), any::<Index>()),
        fleet in fleet(),
    ) {
        let instances: Vec<_> = fleet.iter().map(instance).collect();
        let inventory = listed(&instances);
        let mut without = policy(&model);
        let mut more = model.clone();
        more.rules.push(Rule { enabled: false, ..rule });
        // Its name is the last, its place is any.
        let mut rules: Vec<_> =
            more.rules.iter().enumerate().map(|(n, one)| crate::real::rule_json(n, one)).collect();
        let last = rules.pop().unwrap();
        rules.insert(at.index(rules.len() + 1), last);
        let before = plan_text(&inventory, &without);
        without.rules = crate::real::parse(&rules);
        prop_assert_eq!(before, plan_text(&inventory, &without));
    }

    #[test]
    fn a_plan_does_not_depend_on_the_order_of_the_listing_and_drafting_twice_gives_the_same(
        model in hasty(Asking::OfFieldsToo),
        (fleet, order) in fleet().prop_flat_map(|fleet| {
            let order: Vec<_> = (0..fleet.len()).collect();
            (Just(fleet), Just(order).prop_shuffle())
        }),
    ) {
        let policy = policy(&model);
        let instances: Vec<_> = fleet.iter().map(instance).collect();
        let shuffled: Vec<_> = order.iter().map(|n| instances[*n].clone()).collect();
        let (inventory, shuffled) = (listed(&instances), listed(&shuffled));
        let plan = plan_text(&inventory, &policy);
        prop_assert_eq!(&plan, &plan_text(&inventory, &policy));
        prop_assert_eq!(&plan, &plan_text(&shuffled, &policy));
    }

    #[test]
    fn a_tag_keep_keeps_where_every_rule_heeds_it(
        mut model in hasty(Asking::OfFieldsToo),
        machine in machine(),
    ) {
        for rule in &mut model.rules {
            rule.unless.push(vec![Line::Text("tags.keep", vec![Op::Plain(vec!["*"])])]);
        }
        let kept = Machine { keep: Some(""), ..machine };
        prop_assert!(!terminates(&policy(&model), &kept));
    }

    #[test]
    fn a_tag_whose_key_is_nearly_keep_keeps_too(
        mut model in hasty(Asking::OfFieldsToo),
        machine in machine(),
        (own, value) in (select(vec!["Keep", "KEEP", " keep", "keep\u{3000}"]), option::of(select(vec!["", "no"]))),
        operator in select(vec![Op::Plain(vec!["*"]), Op::Plain(vec!["a"]), Op::Exists(true), Op::Glob(vec!["[ab]"])]),
        place in 0..3,
    ) {
        let asked = Line::Text("tags.keep", vec![operator]);
        match place {
            0 => model.protect.push(vec![asked]),
            1 => model.rules.iter_mut().for_each(|rule| rule.unless.push(vec![asked.clone()])),
            _ => for rule in &mut model.rules {
                let spared = Match::Matcher(vec![Line::Not(vec![Match::Matcher(vec![asked.clone()])])]);
                rule.matches = Match::Matcher(vec![Line::All(vec![rule.matches.clone(), spared])]);
            },
        }
        let near = vec![("keep", own, value)];
        let untold = machine.untold.iter().copied().filter(|key| *key != "keep").collect();
        let kept = Machine { keep: None, near, untold, ..machine };
        prop_assert!(!terminates(&policy(&model), &kept));
    }
}

// Where rules ask whether a field is there, `exists: false` may take what tells less: that is what it says.
proptest! {
    #![proptest_config(settings(300))]

    #[test]
    fn to_tell_less_never_terminates(model in hasty(Asking::OfTagsOnly), machine in machine()) {
        let policy = policy(&model);
        let terminated = terminates(&policy, &machine);
        for field in 0..FIELDS {
            let poorer = without(&machine, field);
            prop_assert!(terminated || !terminates(&policy, &poorer), "{poorer:?}");
        }
    }

    #[test]
    fn what_may_be_kept_once_all_is_told_is_kept(
        model in hasty(Asking::OfTagsOnly),
        machine in machine(),
        fillings in proptest::collection::vec(machine(), 4),
    ) {
        let policy = policy(&model);
        for subject in [&machine, &untold(&machine)] {
            if terminates(&policy, subject) {
                for filling in &fillings {
                    let richer = filled(subject, filling);
                    prop_assert!(terminates(&policy, &richer), "{subject:?} as {richer:?}");
                }
            }
        }
    }

    #[test]
    fn one_more_unless_or_protect_never_terminates_more(
        model in hasty(Asking::OfFieldsToo),
        (more, at) in (matcher(Asking::OfFieldsToo), any::<Index>()),
        fleet in fleet(),
    ) {
        let (mut excepting, mut protecting) = (model.clone(), model.clone());
        let at = at.index(model.rules.len());
        excepting.rules[at].unless.push(more.clone());
        protecting.protect.push(more);
        let (before, excepting, protecting) =
            (policy(&model), policy(&excepting), policy(&protecting));
        for machine in &fleet {
            let terminated = terminates(&before, machine);
            // A tag that cannot be read keeps a machine from all rules, as long as its own rule speaks of the machine.
            let is_read = machine.meaning() != Some(Meaning::Unreadable);
            let more = terminates(&excepting, machine);
            prop_assert!(terminated || !more || !is_read, "unless: {machine:?}");
            prop_assert!(terminated || !terminates(&protecting, machine), "protect: {machine:?}");
        }
    }
}
