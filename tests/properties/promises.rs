//! What an owner was told binds every rule: random edits between runs never bring a termination forward.
//!
//! Runs are played on the plan and what is remembered, as the recorder would write it. A ledger beside them holds every notice that
//! was ever written; each termination is held against it.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use zenreaper::{
    inventory::{Instance, Inventory},
    plan::{
        Decision, Plan, Policy, Scope, Subject, Telling,
        eligibility::Host,
        memory::{Force, Hold, HoldKind, Memory, Promise},
    },
    rules::{Condition, Delivery, Rule, RuleName},
};

use crate::{
    model::Machine,
    real::{hours, instance, listed, parse},
    settings,
};

/// How a rule stands in the file.
#[derive(Clone, Debug)]
struct Draft {
    name: usize,
    matches: Value,
    after: Option<i64>,
    notice: Option<(i64, bool)>,
    is_nightly: bool,
}

/// A rule that takes every instance at once, or after a notice.
fn everything(notice: Option<(i64, bool)>) -> Draft {
    Draft { name: 0, matches: json!("everything"), after: None, notice, is_nightly: false }
}

/// What happens between two runs, or a run.
#[derive(Clone, Debug)]
enum Step {
    Add(Draft),
    Remove(usize),
    Rename(usize),
    ToFront(usize),
    Replace(usize, Draft),
    /// One rule without notice in the place of all.
    Mute,
    Owner(Option<&'static str>),
    Keep(bool),
    Status(&'static str),
    Hold(bool),
    RenameAccount,
    Recreate,
    /// A run, so many minutes after the last step; whether notices arrive, and whether scheduled rules rest.
    Run {
        after: i64,
        arrives: bool,
        rests: bool,
    },
}

fn draft() -> impl Strategy<Value = Draft> {
    let matches = select(vec![
        json!("everything"),
        json!("everything"),
        json!({ "tags": { "env": "a" } }),
        json!({ "tags": { "env": { "exists": false } } }),
        json!({ "name": "none" }),
    ]);
    let notice = option::weighted(0.6, (select(&[1_i64, 6, 24, 72][..]), any::<bool>()));
    let after = option::weighted(0.6, select(&[1_i64, 10, 30, 80][..]));
    (0..1000_usize, matches, after, notice, prop::bool::weighted(0.2)).prop_map(
        |(name, matches, after, notice, is_nightly)| Draft {
            name,
            matches,
            after,
            notice,
            is_nightly,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let run = (select(&[1_i64, 30, 60, 300, 1000, 1440, 2000][..]), any::<bool>(), any::<bool>())
        .prop_map(|(after, arrives, rests)| Step::Run { after, arrives, rests });
    prop_oneof![
        10 => run,
        2 => draft().prop_map(Step::Add),
        1 => (0..9_usize).prop_map(Step::Remove),
        2 => (0..9_usize).prop_map(Step::Rename),
        1 => (0..9_usize).prop_map(Step::ToFront),
        2 => (0..9_usize, draft()).prop_map(|(n, draft)| Step::Replace(n, draft)),
        2 => Just(Step::Mute),
        2 => select(&[None, Some(""), Some("a"), Some(" a"), Some("A"), Some("b")][..]).prop_map(Step::Owner),
        1 => any::<bool>().prop_map(Step::Keep),
        1 => select(&["RUNNING", "RUNNING", "INSTALLING", "odd"][..]).prop_map(Step::Status),
        1 => any::<bool>().prop_map(Step::Hold),
        1 => Just(Step::RenameAccount),
        1 => Just(Step::Recreate),
    ]
}

/// A notice that was written at some time.
#[derive(Clone, Debug)]
struct Written {
    owner: String,
    begun: Timestamp,
    sent: Option<Timestamp>,
    names: Timestamp,
    /// It was neither withdrawn nor followed by another one.
    is_last: bool,
}

struct World {
    rules: Vec<Draft>,
    machine: Machine,
    created: Timestamp,
    memory: Memory,
    now: Timestamp,
    ledger: Vec<Written>,
}

impl World {
    fn new(rules: Vec<Draft>) -> Self {
        let memory = Memory { owner_tag: Some("env".to_owned()), ..Memory::default() };
        let mut machine = crate::chance::plain();
        machine.env = Some("a");
        let (created, ledger) = (hours(0), Vec::new());
        Self { rules, machine, created, memory, now: hours(0), ledger }
    }

    fn instance(&self) -> Instance {
        Instance { created: Some(self.created), ..instance(&self.machine) }
    }

    fn owner(&self) -> String {
        self.machine.env.unwrap_or_default().trim().to_owned()
    }

    fn policy(&self) -> Policy {
        let mut names = HashSet::new();
        let rule = |draft: &Draft| {
            let Draft { mut name, matches, after, notice, is_nightly } = draft.clone();
            while !names.insert(name) {
                name += 1;
            }
            let mut rule = json!({
                "name": format!("r{name}"), "match": matches, "unless": { "tags": { "keep": "*" } },
            });
            if let Some(after) = after {
                rule["expire"] = json!({ "after": format!("{after}h") });
            }
            if let Some((length, is_required)) = notice {
                rule["notice"] = json!(format!("{length}h"));
                rule["notice_required"] = json!(is_required);
            }
            if is_nightly {
                rule["schedule"] = json!("0 22 * * *");
            }
            rule
        };
        let rules: Vec<_> = self.rules.iter().map(rule).collect();
        Policy { rules: parse(&rules), protect: Condition::NOTHING, host: Host::default() }
    }

    fn place(&self, n: usize) -> usize {
        n % self.rules.len()
    }

    /// Takes a step; whether the instance is terminated by it.
    fn take(&mut self, step: &Step) -> bool {
        match step.clone() {
            Step::Add(draft) => self.rules.push(draft),
            Step::Remove(n) if self.rules.len() > 1 => drop(self.rules.remove(self.place(n))),
            Step::Remove(_) => {}
            Step::Rename(n) => {
                let n = self.place(n);
                self.rules[n].name += 1000;
            }
            Step::ToFront(n) => {
                let rule = self.rules.remove(self.place(n));
                self.rules.insert(0, rule);
            }
            Step::Replace(n, draft) => {
                let n = self.place(n);
                self.rules[n] = draft;
            }
            Step::Mute => self.rules = vec![everything(None)],
            Step::Owner(owner) => self.machine.env = owner,
            Step::Keep(is_kept) => self.machine.keep = is_kept.then_some("yes"),
            Step::Status(status) => self.machine.status = Some(status),
            Step::Hold(is_held) => self.hold(is_held),
            Step::RenameAccount => self.rename_account(),
            Step::Recreate => {
                self.created = self.now + SignedDuration::from_secs(1);
                self.now = self.created;
                self.ledger.clear();
            }
            Step::Run { after, arrives, rests } => {
                self.now += SignedDuration::from_mins(after);
                return self.run(arrives, rests);
            }
        }
        false
    }

    fn hold(&mut self, is_held: bool) {
        let id = self.instance().id;
        self.memory.holds.clear();
        if is_held {
            let hold = Hold { kind: HoldKind::Operator, until: Timestamp::MAX };
            self.memory.holds.insert(id, hold);
        }
    }

    fn rename_account(&mut self) {
        for promise in self.memory.promises.values_mut().flatten() {
            if promise.force == Force::Stands {
                promise.force = Force::Orphaned;
            }
        }
    }

    fn run(&mut self, arrives: bool, rests: bool) -> bool {
        let (policy, inventory) = (self.policy(), listed(&[self.instance()]));
        let scheduled = policy.rules.rules.iter().filter(|rule| rests && rule.schedule.is_some());
        self.memory.resting = scheduled.map(|rule| rule.name.clone()).collect();
        let plan = Plan::draft(&inventory, &policy, &self.memory, &Scope::All, self.now);
        if let Some(target) = plan.targets().next() {
            self.check(target.rule);
            return true;
        }
        self.record(&plan, &inventory);
        if arrives {
            let sent = self.now + SignedDuration::from_mins(3);
            self.memory.deliver_promises(&self.instance().id, sent);
            for written in self.ledger.iter_mut().filter(|written| written.is_last) {
                written.sent = written.sent.or(Some(sent));
            }
        }
        false
    }

    /// Withdraws and promises, as the recorder does.
    fn record(&mut self, plan: &Plan<'_>, inventory: &Inventory) {
        let subject = &inventory.instances()[0];
        let (_, judgement) = plan.decisions[0];
        let is_over =
            |promise: &Promise| judgement.breaks(promise, Subject::Instance(subject)).is_some();
        let stood = self.memory.promise(subject).is_some();
        self.memory.end_promises(&subject.id, is_over);
        if stood && self.memory.promise(subject).is_none() {
            self.ledger.iter_mut().for_each(|written| written.is_last = false);
        }
        if judgement.decision != Decision::Notice(Telling::ToTell) {
            return;
        }
        let names = judgement.terminate_at.unwrap();
        self.ledger.iter_mut().for_each(|written| written.is_last = false);
        self.ledger.push(Written {
            owner: self.owner(),
            begun: self.now,
            sent: None,
            names,
            is_last: true,
        });
        let promise = Promise {
            key: String::new(),
            rule: judgement.rule.unwrap().name.clone(),
            owner: Some(self.machine.env.unwrap_or_default().to_owned()),
            begun_at: self.now,
            told_at: None,
            terminate_at: names,
            force: Force::Stands,
        };
        self.memory.begin_promise(&subject.id, promise);
    }

    /// Holds a termination against all that owners were told.
    fn check(&self, rule: &Rule) {
        let Self { ledger, now, .. } = self;
        for written in ledger {
            assert!(written.names <= *now, "{} before {written:?}", rule.name);
        }
        let Some(notice) = rule.notice else { return };
        let last = ledger.iter().find(|written| written.is_last && written.owner == self.owner());
        let since = last.and_then(|last| match notice.delivery {
            Delivery::Required => last.sent,
            Delivery::Attempted => Some(last.begun),
        });
        let told = since.is_some_and(|since| since + notice.length <= *now);
        assert!(told, "{} at {now} after {ledger:?}", rule.name);
    }
}

/// A rule that notifies the owner in the first run: what is terminated before anybody is notified proves nothing.
fn notifying() -> impl Strategy<Value = Draft> {
    (draft(), select(&[6_i64, 24, 72][..])).prop_map(|(draft, length)| Draft {
        matches: json!("everything"),
        after: None,
        notice: Some((length, true)),
        ..draft
    })
}

/// Rules to begin with, a run, and what happens then.
fn history() -> impl Strategy<Value = (Vec<Draft>, Vec<Step>)> {
    let first = Step::Run { after: 1, arrives: true, rests: false };
    let steps = vec(step(), 1..40).prop_map(move |mut steps| {
        steps.insert(0, first.clone());
        steps
    });
    (vec(notifying(), 1..4), steps)
}

proptest! {
    #![proptest_config(settings(600))]

    #[test]
    fn no_edit_brings_a_termination_forward((rules, steps) in history()) {
        let mut world = World::new(rules);
        for step in &steps {
            if world.take(step) {
                break;
            }
        }
    }

}

proptest! {
    #![proptest_config(settings(80))]

    #[test]
    fn once_nobody_edits_any_more_the_instance_goes((rules, steps) in history()) {
        let mut world = World::new(rules);
        if steps.iter().any(|step| world.take(step)) {
            return Ok(());
        }
        world.rules = vec![everything(Some((24, true)))];
        for step in [Step::Keep(false), Step::Hold(false), Step::Status("RUNNING")] {
            world.take(&step);
        }
        let named = world.ledger.iter().map(|written| written.names).max();
        let until = named.unwrap_or(world.now).max(world.now) + SignedDuration::from_hours(26);
        let mut is_gone = false;
        while !is_gone && world.now < until {
            is_gone = world.take(&Step::Run { after: 60, arrives: true, rests: false });
        }
        prop_assert!(is_gone, "{:?}", world.ledger);
    }

    /// A new name at every run does not restart the notice.
    #[test]
    fn a_rule_that_is_renamed_at_every_run_acts_as_if_it_were_not(
        length in 1_i64..50, after in 0_i64..50, minutes in 7_i64..500,
    ) {
        let ends: Vec<_> = [false, true].map(|renames| {
            let rule = everything(Some((length, true)));
            let mut world = World::new(vec![Draft { after: (after > 0).then_some(after), ..rule }]);
            while !world.take(&Step::Run { after: minutes, arrives: true, rests: false }) {
                if renames {
                    world.take(&Step::Rename(0));
                }
            }
            (world.now, world.ledger.len())
        }).into();
        prop_assert_eq!(ends[0], ends[1]);
        prop_assert_eq!(ends[0].1, 1);
    }
}

/// Names are information: one that no rule has binds too.
#[test]
fn the_rule_of_a_promise_may_be_gone() {
    let mut world = World::new(vec![everything(None)]);
    let promise = Promise {
        key: String::new(),
        rule: RuleName::new("gone").unwrap(),
        owner: None,
        begun_at: hours(0),
        told_at: None,
        terminate_at: hours(5),
        force: Force::TimeOnly,
    };
    world.memory.promises.insert(world.instance().id, vec![promise]);
    assert!(!world.take(&Step::Run { after: 299, arrives: false, rests: false }));
    assert!(world.take(&Step::Run { after: 1, arrives: false, rests: false }));
}
