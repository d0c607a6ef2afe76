//! The forecast against the plain way, and in tables.

use std::{collections::HashMap, fmt::Write};

use proptest::{collection::vec, option::weighted, prelude::*, sample::select};

use super::{ledger::Ledger, *};
use crate::{
    inventory::{
        Instance, InstanceId, Status,
        tests::{instance, tags},
    },
    plan::{
        Decision, Plan, Scope, Telling, guard,
        inventory_check::{InventoryCheck, Loss, Rejection},
        memory::{Force, Hold, HoldKind, Pause, Promise, whole_seconds},
        tests::{inventory, policy},
    },
};

// ---- The plain way: a plan at every run, of a fleet as the cloud would list it ----

struct Plain<'a> {
    given: Given<'a>,
    memory: Memory,
    /// Every machine as it is listed, and when it will not be any more.
    fleet: Vec<(Instance, Option<Timestamp>)>,
    day: Vec<Timestamp>,
    ledger: Ledger<'a>,
}

impl<'a> Plain<'a> {
    fn original(&self, id: &InstanceId) -> &'a Instance {
        self.given.inventory.instances().iter().find(|one| one.id == *id).unwrap()
    }

    fn run(&mut self, now: Timestamp, resting: HashSet<RuleName>) -> (Timestamp, usize) {
        self.fleet.retain(|(_, gone_at)| gone_at.is_none_or(|gone_at| now < gone_at));
        let listed = inventory(self.fleet.iter().map(|(one, _)| one.clone()).collect());
        self.memory.resting = resting;
        self.day.retain(|until| *until >= now);
        self.memory.terminated_in_a_day = self.day.len() as u64;
        let memory = self.memory.clone();
        let plan = Plan::draft(&listed, self.given.policy, &memory, &Scope::All, now);
        let limits = self.given.limits;
        self.memory.inventory = memory.inventory.clone().next();
        if memory.inventory.rejection.is_none() {
            self.withdraw(&plan);
        }
        let mut free = now;
        if let Some(pause) = memory.paused(now) {
            self.ledger.paused(now, pause);
        } else if let Err(refusal) = guard::check(&plan, &limits, &memory) {
            self.ledger.refused(now, &refusal);
        } else {
            self.tell(&plan);
            free = self.terminate(&plan, &memory);
        }
        let ids: Vec<_> = self.memory.promises.keys().cloned().collect();
        for id in ids {
            self.memory.deliver_promises(&id, now);
        }
        (free, self.ledger.len())
    }

    fn withdraw(&mut self, plan: &Plan<'_>) {
        for (subject, judgement) in &plan.decisions {
            let all = self.memory.promises.get(subject.id()).cloned().unwrap_or_default();
            for promise in all.iter().filter(|promise| promise.stands()) {
                if let Some(why) = judgement.breaks(promise, *subject) {
                    let rule = promise.rule.clone();
                    let instance = self.original(subject.id());
                    self.ledger.note(plan.now, What::Withdrawn { instance, rule, why });
                    self.memory.end_promises(subject.id(), |one| one == promise);
                }
            }
        }
    }

    fn tell(&mut self, plan: &Plan<'_>) {
        for (subject, judgement) in &plan.decisions {
            if judgement.decision != Decision::Notice(Telling::ToTell) {
                continue;
            }
            let rule = &judgement.rule.unwrap().name;
            let rules = &self.given.policy.rules.rules;
            let rule = rules.iter().find(|one| one.name == *rule).unwrap();
            let terminate_at = whole_seconds(judgement.terminate_at.unwrap());
            let instance = self.original(subject.id());
            let owner = self.memory.owner(instance).unwrap_or_default().to_owned();
            let promise = promise(rule.name.as_str(), plan.now, None, terminate_at);
            let promise = Promise { owner: Some(owner), ..promise };
            self.memory.begin_promise(subject.id(), promise);
            self.ledger.note(plan.now, What::Noticed { instance, rule, terminate_at });
        }
    }

    fn terminate(&mut self, plan: &Plan<'_>, memory: &Memory) -> Timestamp {
        let (mut at, mut free) = (plan.now, plan.now);
        for target in plan.targets() {
            let id = &target.instance.id;
            let rules = &self.given.policy.rules.rules;
            let rule = rules.iter().find(|one| one.name == target.rule.name).unwrap();
            let promise = memory.promise(target.instance).filter(|_| rule.notice.is_some());
            let told_at = promise.and_then(|promise| promise.told_at);
            let instance = self.original(id);
            self.ledger.note(at, What::Terminated { instance, rule, told_at });
            self.memory.promises.remove(id);
            let until = at + guard::DAY;
            self.memory.holds.insert(id.clone(), Hold { kind: HoldKind::Accepted, until });
            let (one, gone_at) = self.fleet.iter_mut().find(|(one, _)| one.id == *id).unwrap();
            (one.status, *gone_at) = (Some(Status::Recycle), Some(until));
            self.day.push(until);
            free = at;
            at += self.given.interval;
        }
        free
    }
}

fn plain<'a>(given: &Given<'a>, start: Timestamp, until: Timestamp) -> Forecast<'a> {
    let mut simple = Plain {
        given: *given,
        memory: given.memory.clone(),
        fleet: given.inventory.instances().iter().map(|one| (one.clone(), None)).collect(),
        day: simulation::day_before(given.memory, start).into(),
        ledger: Ledger::default(),
    };
    let walked = walk(given, (start, until), |now, resting| simple.run(now, resting));
    let scheduled = given.policy.rules.rules.iter().filter(|rule| rule.schedule.is_some());
    simple.memory.resting = scheduled.map(|rule| rule.name.clone()).collect();
    let live = simple.fleet.into_iter().map(|(one, _)| one).filter(Instance::is_live).collect();
    let left = inventory(live);
    let plan = Plan::draft(&left, given.policy, &simple.memory, &Scope::All, walked.until);
    simple.ledger.told(start, walked, plan.counts())
}

/// A forecast as text, with all that it says.
fn text(forecast: &Forecast<'_>) -> String {
    let mut text = String::new();
    for event in &forecast.events {
        let id = event.instance().map_or("-", |instance| instance.id.as_str());
        let rule = event.rule().map_or("-", RuleName::as_str);
        let what = match &event.what {
            What::Noticed { terminate_at, .. } => format!("noticed for {terminate_at}"),
            What::Withdrawn { why, .. } => format!("withdrawn: {why}"),
            What::Terminated { told_at: None, .. } => "terminated".to_owned(),
            What::Terminated { told_at: Some(told_at), .. } => {
                format!("terminated, told {told_at}")
            }
            What::Refused(Refused { by, rule: _, until, runs, reason: _ }) => {
                format!("refused by {} until {until}, {runs} runs", by.as_str())
            }
        };
        writeln!(text, "{} {id} {rule} {what}", event.at).unwrap();
    }
    write!(text, "{} runs, left {:?}", forecast.runs, forecast.remaining).unwrap();
    text
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn promise(
    rule: &str,
    begun_at: Timestamp,
    told_at: Option<Timestamp>,
    terminate_at: Timestamp,
) -> Promise {
    let rule = RuleName::new(rule).unwrap();
    let (owner, force) = (Some(String::new()), Force::Stands);
    Promise { key: String::new(), rule, owner, begun_at, told_at, terminate_at, force }
}

// ---- The property ----

const START: &str = "2026-11-24T09:07:00Z";

const MATCHES: [&str; 8] = [
    "everything",
    "{ zone: HKG-A }",
    "{ tags: { env: dev } }",
    "{ age: '>= 3d' }",
    "{ age: ['< 60h', '> 80h'] }",
    "{ zone: HKG-A, age: '<= 75h' }",
    "{ not: { age: '> 70h' } }",
    "{ any: [{ zone: SEL-A }, { age: '>= 4d' }] }",
];
const UNLESS: [&str; 4] =
    ["", "", ", unless: [{ tags: { env: dev }, age: '< 65h' }]", ", unless: [{ age: '> 100h' }]"];
const EXPIRES: [&str; 6] = [
    "",
    ", expire: { after: 72h }",
    ", expire: { after: 70h 20m }",
    ", expire: { tag: ttl, default: 90h }",
    ", expire: { tag: ttl, max: 80h }",
    ", expire: { at: '2026-11-25T12:00:00Z' }",
];
const NOTICES: [&str; 6] = [
    "",
    "",
    ", notice: 24h",
    ", notice: 10h, notice_required: false",
    ", notice: 7h 30m",
    ", notice: 1h",
];
const SCHEDULES: [&str; 6] = [
    "",
    "",
    "",
    ", schedule: '0 22 * * *'",
    ", schedule: '10 */5 * * *'",
    ", schedule: '30 6 * * *', timezone: Asia/Shanghai",
];
const LIMITS: [&str; 4] =
    ["", "", ", limits: { max_terminations: 1 }", ", limits: { min_remaining: 2 }"];
const COMMON: [&str; 4] = ["0 * * * *", "*/20 * * * *", "0 7 * * *", "13 */6 * * *"];
const TTLS: [&str; 5] = ["73h", "2026-11-26T03:03:03Z", "never", "soon", "60h"];

fn rules() -> impl Strategy<Value = String> {
    let parts = (
        select(&MATCHES),
        select(&UNLESS),
        select(&EXPIRES),
        select(&NOTICES),
        select(&SCHEDULES),
        select(&LIMITS),
    );
    let one = parts.prop_map(|(matches, unless, expire, notice, schedule, limits)| {
        format!("match: {matches}{unless}{expire}{notice}{schedule}{limits}")
    });
    proptest::collection::vec(one, 1..4).prop_map(|rules| {
        let rules = rules.iter().enumerate();
        rules.fold("rules:\n".to_owned(), |text, (n, rule)| {
            text + &format!("  - {{ name: r{n}, {rule} }}\n")
        })
    })
}

fn machine(n: usize) -> impl Strategy<Value = Instance> {
    (
        proptest::option::weighted(0.9, 30i64 * 60..120 * 60),
        proptest::option::of(select(&["HKG-A", "SEL-A"])),
        any::<bool>(),
        proptest::option::of(select(&TTLS)),
        select(&[
            Status::Running,
            Status::Running,
            Status::Running,
            Status::Installing,
            Status::Recycle,
        ]),
    )
        .prop_map(move |(age, zone, is_dev, ttl, status)| {
            let mut one = instance(&format!("i-{n}"));
            one.created = age.map(|minutes| at(START) - SignedDuration::from_mins(minutes));
            (one.zone, one.status) = (zone.map(Into::into), Some(status));
            let env = is_dev.then_some(("env", "dev"));
            let ttl = ttl.map(|ttl| ("ttl", ttl));
            one.tags = tags(&env.into_iter().chain(ttl).collect::<Vec<_>>());
            one
        })
}

fn fleet() -> impl Strategy<Value = Vec<Instance>> {
    (machine(0), machine(1), machine(2), machine(3), machine(4))
        .prop_flat_map(|(a, b, c, d, e)| (Just([a, b, c, d, e]), 1usize..=5))
        .prop_map(|(fleet, count)| fleet.into_iter().take(count).collect())
}

/// What is remembered of the first machines, and of the account.
fn memory() -> impl Strategy<Value = Memory> {
    let hours = |range: std::ops::Range<i64>| {
        range.prop_map(|hours| at(START) + SignedDuration::from_hours(hours))
    };
    let times = (hours(-40..0), any::<bool>(), hours(-10..40));
    let owner = select(&[None, Some(""), Some(""), Some("dev")]);
    let force = select(&[Force::Stands, Force::Stands, Force::Orphaned, Force::TimeOnly]);
    let promise = (select(&["r0", "other"]), times, owner, force).prop_map(
        |(rule, (begun_at, is_told, until), owner, force)| {
            let promise = promise(rule, begun_at, is_told.then_some(begun_at), until);
            Promise { owner: owner.map(str::to_owned), force, ..promise }
        },
    );
    let promise = vec(promise, 1..4);
    let hold =
        (select(&HoldKind::ALL), hours(1..60)).prop_map(|(kind, until)| Hold { kind, until });
    let pause = (hours(1..30)).prop_map(|until| Pause {
        since: at(START),
        until: Some(until),
        reason: None,
        by: None,
    });
    (
        weighted(0.4, promise.clone()),
        weighted(0.4, promise),
        weighted(0.2, hold.clone()),
        weighted(0.2, hold),
        weighted(0.1, pause),
        0u64..3,
        (weighted(0.2, any::<bool>()), 0usize..4),
    )
        .prop_map(|(first, second, hold, other, pause, terminated_in_a_day, (lost, n))| {
            let id = |n: usize| InstanceId::new(&format!("i-{n}"));
            let of = |pair: Vec<(usize, Option<Vec<Promise>>)>| -> HashMap<_, _> {
                pair.into_iter().filter_map(|(n, one)| Some((id(n), one?))).collect()
            };
            let holds = [(1, hold), (2, other)];
            let rejection = lost.map(|is_shrink| Rejection {
                losses: vec![if is_shrink {
                    Loss::Shrunk { what: "live instances", before: 9, after: 3 }
                } else {
                    Loss::Tags { lost: 3, of: 4 }
                }],
                limit: 50,
            });
            let unprotected = (0..n).map(id).collect();
            Memory {
                promises: of(vec![(0, first), (1, second)]),
                owner_tag: Some("env".to_owned()),
                holds: holds.into_iter().filter_map(|(n, one)| Some((id(n), one?))).collect(),
                pause,
                terminated_in_a_day,
                inventory: InventoryCheck { rejection, unprotected },
                ..Memory::default()
            }
        })
}

fn limits() -> impl Strategy<Value = Limits> {
    (select(&[0u32, 1, 2, 20]), select(&[1u32, 50, 100]), select(&[1u32, 2, 3, 100]), 0u32..2)
        .prop_map(|(max_terminations, max_percent, max_per_day, min_remaining)| Limits {
            max_terminations,
            max_percent,
            max_per_day,
            min_remaining,
            ..Limits::default()
        })
}

const PROTECT: [&str; 4] = ["{ id: none }", "{ id: none }", "{ age: '< 71h' }", "{ age: '> 90h' }"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn to_judge_only_what_may_change_says_the_same_as_a_plan_at_every_run(
        yaml in rules(),
        protect in select(&PROTECT),
        fleet in fleet(),
        memory in memory(),
        limits in limits(),
        pattern in select(&COMMON),
        interval in select(&[0i64, 200, 90_000, 1_500_000]),
        hours in 1i64..100,
    ) {
        let mut policy = policy(&yaml);
        let other = self::policy(&format!("rules: [{{ name: p, match: {protect} }}]"));
        policy.protect = other.rules.rules[0].matches.clone();
        let inventory = inventory(fleet);
        let schedule = Schedule::parse(pattern, TimeZone::UTC, at(START)).unwrap();
        let interval = SignedDuration::from_millis(interval);
        let given = Given {
            policy: &policy,
            inventory: &inventory,
            memory: &memory,
            limits,
            schedule: &schedule,
            interval,
        };
        let until = at(START) + SignedDuration::from_hours(hours);
        let quick = forecast(&given, at(START), until);
        prop_assert_eq!(text(&quick), text(&plain(&given, at(START), until)), "{}", yaml);
    }
}
