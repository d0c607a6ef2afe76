//! The matrix of the inventory check: what was lost, for how long, and who accepted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::{
    inventory::{
        Status,
        tests::{instance, tags},
    },
    plan::{
        Decision,
        memory::Memory,
        tests::{inventory, policy},
    },
    rules::Condition,
};

/// What the journal would have of an instance.
#[derive(Clone)]
struct Kept {
    print: Fingerprint,
    spared: bool,
    standing: Standing,
}

/// A journal in memory, and what a run does with it.
struct World {
    policy: Policy,
    limit: u32,
    now: Timestamp,
    rows: BTreeMap<String, Kept>,
    accepted: Accepted,
    rejected: BTreeMap<String, Kept>,
}

/// How a run ended: why the inventory was rejected, or whom the run terminated and who waits for lack of protection.
#[derive(Debug, PartialEq)]
enum Ran {
    Rejected(String),
    Accepted { terminated: Vec<String>, waiting: Vec<String> },
}

impl Ran {
    fn is_rejected(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }

    #[track_caller]
    fn says(&self, text: &str) {
        match self {
            Self::Rejected(why) => assert!(why.contains(text), "{why:?} does not say {text:?}"),
            Self::Accepted { .. } => panic!("accepted, and should say {text:?}: {self:?}"),
        }
    }
}

const RULES: &str = "
rules:
  - { name: old, match: { image: 'Debian*' }, unless: [{ tags: { keep: '*' } }, { hostname: 'db-*' }], expire: { after: 1h } }
";

fn keys(rows: Vec<Row<'_>>) -> BTreeMap<String, Kept> {
    let kept = |row: Row<'_>| {
        let Row { id, print, spared } = row;
        (id.to_owned(), Kept { print, spared, standing: Standing::Live })
    };
    rows.into_iter().map(kept).collect()
}

impl World {
    fn new(rules: &str) -> Self {
        Self {
            policy: policy(rules),
            limit: 50,
            now: "2026-11-20T00:00:00Z".parse().unwrap(),
            rows: BTreeMap::new(),
            accepted: Accepted { same_policy: true, ..Accepted::default() },
            rejected: BTreeMap::new(),
        }
    }

    fn check(&self, inventory: &Inventory) -> Checked {
        let accepted = self.accepted.clone();
        let mut comparison =
            Comparison::new(inventory, &self.policy, self.limit, accepted, self.now);
        // In any order: the journal promises none.
        for (id, kept) in self.rows.iter().rev() {
            comparison.take(&Known {
                id,
                created_ms: kept.print.created_ms,
                fields: &kept.print.fields,
                tags: &kept.print.tags,
                spared: kept.spared,
                standing: kept.standing,
            });
        }
        comparison.finish()
    }

    /// A run, an hour after the one before.
    fn run(&mut self, fleet: &[Instance]) -> Ran {
        self.now += 1.hour();
        let inventory = inventory(fleet.to_vec());
        let checked = self.check(&inventory);
        if let Some(rejection) = &checked.check.rejection {
            self.rejected = keys(checked.all(&inventory).collect());
            self.accepted.rejected.clone_from(&checked.digest);
            return Ran::Rejected(rejection.to_string());
        }
        self.rows.extend(keys(checked.changed(&inventory).collect()));
        let missing = checked.digest.is_some();
        for id in &checked.vanished {
            let standing = if missing { Standing::Missing } else { Standing::Gone };
            self.rows.get_mut(&**id).unwrap().standing = standing;
        }
        (self.accepted.at, self.accepted.rejected) = (Some(self.now), None);
        let memory = Memory { inventory: checked.check, ..Memory::default() };
        let (mut terminated, mut waiting) = (Vec::new(), Vec::new());
        for one in inventory.instances() {
            match self.policy.judge(one, &memory, self.now).decision {
                Decision::Terminate => terminated.push(one.id.to_string()),
                Decision::Wait(crate::plan::Delay::ProtectionVanished) => {
                    waiting.push(one.id.to_string());
                }
                _ => {}
            }
        }
        Ran::Accepted { terminated, waiting }
    }

    /// An operator accepts what was rejected last.
    fn accept(&mut self) {
        assert!(self.accepted.rejected.take().is_some(), "nothing was rejected");
        for kept in self.rows.values_mut() {
            kept.standing = Standing::Gone;
        }
        self.rows.extend(std::mem::take(&mut self.rejected));
        self.accepted.at = Some(self.now);
    }
}

/// So many instances that carry `keep`, and one that does not.
fn fleet(count: usize) -> Vec<Instance> {
    let one = |n: usize| {
        let mut one = instance(&format!("i-{n:02}"));
        let pairs = [("env", "dev"), ("keep", "yes"), ("owner", "ann"), ("ttl", "x"), ("z", "1")];
        one.tags = tags(if n == 0 { &pairs[..1] } else { &pairs });
        one
    };
    (0..=count).map(one).collect()
}

type Edit = fn(&mut Instance);

fn edited(count: usize, edit: Edit) -> Vec<Instance> {
    let mut fleet = fleet(count);
    fleet.iter_mut().for_each(edit);
    fleet
}

fn retag(one: &mut Instance, change: impl Fn(&str, &str) -> Option<(String, String)>) {
    let pairs: Vec<_> = one.tags.iter().filter_map(|(key, value)| change(key, value)).collect();
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
    one.tags = tags(&pairs);
}

fn lose_key(one: &mut Instance) {
    retag(one, |key, value| (key != "keep").then(|| (key.to_owned(), value.to_owned())));
}

fn change_key(one: &mut Instance) {
    retag(one, |key, value| {
        Some((key.to_owned(), if key == "keep" { "no" } else { value }.to_owned()))
    });
}

fn rename_key(one: &mut Instance) {
    retag(one, |key, value| Some((key.replace("keep", "kept"), value.to_owned())));
}

fn respell_key(one: &mut Instance) {
    retag(one, |key, value| Some((key.replace("keep", "Keep"), value.to_owned())));
}

fn empty_key(one: &mut Instance) {
    retag(one, |key, value| {
        Some((key.to_owned(), if key == "keep" { "" } else { value }.to_owned()))
    });
}

fn empty_values(one: &mut Instance) {
    retag(one, |key, _| Some((key.to_owned(), " ".to_owned())));
}

fn move_created(one: &mut Instance) {
    one.created = one.created.map(|at| at - 8.hours());
}

/// Every loss that only an operator accepts, with what is said of it.
const LOSSES: [(Edit, &str); 14] = [
    (|one| one.tags = tags(&[]), "tag key \"keep\" was lost by 10 of 10 instances that carried it"),
    (lose_key, "tag key \"keep\" was lost by 10 of 10 instances that carried it"),
    (rename_key, "tag key \"keep\" was lost by 10 of 10"),
    (respell_key, "tag key \"keep\" was lost by 10 of 10"),
    (change_key, "tag key \"keep\" changed its value on 10 of 10"),
    (empty_key, "tag key \"keep\" changed its value on 10 of 10"),
    (empty_values, "values of tag key \"env\" became empty on 11 of 11"),
    (|one| one.hostname = Some("web".into()), "field \"hostname\" changed on 11 of 11"),
    (|one| one.hostname = None, "field \"hostname\" was lost by 11 of 11"),
    (|one| one.zone = None, "field \"zone\" was lost by 11 of 11 instances that had it"),
    (|one| one.addresses = Box::default(), "field \"ip\" was lost by 11 of 11"),
    (move_created, "the creation time of 11 instances moved (i-00 is one)"),
    (|one| one.created = None, "the creation time was lost by 11 of 11"),
    (
        |one| one.id = InstanceId::new(&format!("x{}", one.id)),
        "only 0 of 11 instance ids are those of the last accepted inventory",
    ),
];

/// What is listed between the good inventory and the one that lost something.
const BEFORE: [&[usize]; 8] =
    [&[], &[0], &[0, 0], &[3], &[3, 3], &[0, 3, 0], &[11, 0], &[3, 3, 0, 0]];

#[test]
fn a_loss_is_accepted_by_an_operator_only_whatever_was_listed_before() {
    for (edit, says) in LOSSES {
        for before in BEFORE {
            let mut world = World::new(RULES);
            assert!(!world.run(&fleet(10)).is_rejected());
            for part in before {
                world.run(&fleet(10)[..*part]);
            }
            let lossy = edited(10, edit);
            for _ in 0..3 {
                let ran = world.run(&lossy);
                assert!(ran.is_rejected(), "{says} {before:?}: {ran:?}");
                ran.says(says);
                ran.says("run `zenreaper accept-inventory`");
            }
            world.accept();
            assert!(!world.run(&lossy).is_rejected(), "{says} {before:?}: an operator accepted it");
        }
    }
}

#[test]
fn a_loss_is_rejected_again_after_whatever_comes_between() {
    for (edit, says) in LOSSES {
        let mut world = World::new(RULES);
        let (good, lossy) = (fleet(10), edited(10, edit));
        world.run(&good);
        for between in [&good[..], &good[..3], &[], &lossy, &good] {
            let ran = world.run(&lossy);
            assert!(ran.is_rejected(), "{says}: {ran:?}");
            world.run(between);
        }
    }
}

#[test]
fn an_operator_accepts_one_inventory_and_no_other() {
    let mut world = World::new(RULES);
    world.run(&fleet(10));
    world.run(&edited(10, lose_key)).says("\"keep\" was lost");
    world.accept();
    world.run(&edited(10, |one| one.tags = tags(&[]))).says("tags were lost");
    world.run(&fleet(10)[..2]).says("11 live instances became 2");
}

#[test]
fn a_fleet_that_shrank_is_accepted_if_the_next_inventory_is_equal() {
    let shrunk = |count: usize| fleet(10)[..count].to_vec();
    let check = |listed: &[Vec<Instance>], expected: &[bool]| {
        let mut world = World::new(RULES);
        world.run(&fleet(10));
        let rejected: Vec<_> = listed.iter().map(|fleet| world.run(fleet).is_rejected()).collect();
        assert_eq!(rejected, expected);
    };
    check(&[shrunk(6), shrunk(6)], &[false, false]);
    check(&[shrunk(5), shrunk(5), shrunk(5)], &[true, false, false]);
    check(&[shrunk(0), shrunk(0), shrunk(11)], &[true, false, false]);
    check(&[shrunk(5), shrunk(4), shrunk(4)], &[true, true, false]);
    check(&[shrunk(5), shrunk(11), shrunk(5), shrunk(5)], &[true, false, true, false]);
    check(&[shrunk(5), shrunk(0), shrunk(5), shrunk(0), shrunk(5)], &[true; 5]);
    let mut other = shrunk(5);
    other[4].tags = tags(&[("env", "dev")]);
    check(&[shrunk(5), other.clone(), other], &[true, true, false]);
    let mut stopped = shrunk(5);
    stopped[4].status = Some(Status::Stopped);
    check(&[shrunk(5), stopped], &[true, false]);
}

#[test]
fn instances_whose_protection_vanished_wait_one_more_run() {
    let waits = |rules: &str, mut before: Instance, edit: Edit, expected: bool| {
        let mut world = World::new(rules);
        let others = fleet(4);
        before.id = InstanceId::new("x");
        let all = |own: &Instance| [&others[1..], std::slice::from_ref(own)].concat();
        world.run(&all(&before));
        edit(&mut before);
        let first = world.run(&all(&before));
        let of = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (terminated, waiting) =
            if expected { (of(&[]), of(&["x"])) } else { (of(&["x"]), of(&[])) };
        assert_eq!(first, Ran::Accepted { terminated, waiting }, "{rules}");
        let second = world.run(&all(&before));
        assert_eq!(second, Ran::Accepted { terminated: of(&["x"]), waiting: of(&[]) }, "{rules}");
    };
    let with = |pairs: &[(&str, &str)]| {
        let mut one = instance("x");
        one.tags = tags(pairs);
        one
    };
    let none: Edit = |one| one.tags = tags(&[]);
    waits(RULES, with(&[("keep", "yes")]), none, true);
    waits(RULES, with(&[("env", "dev")]), none, false);
    let mut db = with(&[]);
    db.hostname = Some("db-1".into());
    waits(RULES, db, |one| one.hostname = Some("web-1".into()), true);
    let not_in = "rules: [{ name: r, match: { tags: { keep: { not_in: ['yes'] } } } }]";
    waits(not_in, with(&[("keep", "yes")]), |one| one.tags = tags(&[("keep", "no")]), true);
    waits(not_in, with(&[("keep", "yes")]), none, true);
    let exists = "rules: [{ name: r, match: { tags: { keep: { exists: false } } } }]";
    waits(exists, with(&[("keep", "")]), none, true);
    let not = "rules: [{ name: r, match: { image: 'Deb*', not: { tags: { keep: '*' } } } }]";
    waits(not, with(&[("keep", "")]), none, true);
    let ttl = "rules: [{ name: r, match: { image: 'Deb*' }, unless: { tags: { keep: '*' } }, expire: { tag: end, default: 1h } }]";
    waits(ttl, with(&[("end", "never")]), none, true);
    waits(ttl, with(&[("end", "1d")]), none, false);
}

#[test]
fn protection_that_vanished_is_noticed_over_a_gap_and_after_a_change_of_the_rules() {
    let mut world = World::new(RULES);
    world.run(&fleet(10));
    let mut lossy = fleet(10);
    lossy[1].tags = tags(&[]);
    let without = [&lossy[..1], &lossy[2..]].concat();
    assert!(!world.run(&without).is_rejected());
    let ran = world.run(&lossy);
    assert!(matches!(&ran, Ran::Accepted { waiting, .. } if *waiting == ["i-01"]), "{ran:?}");

    // The rule that kept them by another tag is gone together with what it asked for.
    let mut world = World::new("rules: [{ name: r, match: { zone: nowhere } }]");
    world.run(&fleet(10));
    (world.policy, world.accepted.same_policy) = (policy(RULES), false);
    let ran = world.run(&lossy);
    assert!(matches!(&ran, Ran::Accepted { waiting, .. } if *waiting == ["i-01"]), "{ran:?}");
}

#[test]
fn a_shrink_and_a_vanished_protection_wait_for_each_other() {
    let mut world = World::new(RULES);
    world.run(&fleet(10));
    let mut left = fleet(10)[..4].to_vec();
    left[1].tags = tags(&[("env", "dev")]);
    assert!(world.run(&left).is_rejected());
    let ran = world.run(&left);
    assert!(matches!(&ran, Ran::Accepted { waiting, .. } if *waiting == ["i-01"]), "{ran:?}");
    let ran = world.run(&left);
    assert!(
        matches!(&ran, Ran::Accepted { terminated, .. } if *terminated == ["i-00", "i-01"]),
        "{ran:?}"
    );
}

#[test]
fn a_single_instance_rejects_nothing_unless_the_limit_is_none() {
    let alone = fleet(1)[1..].to_vec();
    let mut bare = alone.clone();
    bare[0].tags = tags(&[]);
    let check = |limit: u32, expected: bool| {
        let mut world = World::new(RULES);
        world.limit = limit;
        world.run(&alone);
        assert_eq!(world.run(&bare).is_rejected(), expected, "{limit}");
    };
    check(50, false);
    check(100, false);
    check(0, true);
    let mut world = World::new(RULES);
    world.run(&fleet(2)[1..]);
    let bare: Vec<_> = edited(2, lose_key)[1..].to_vec();
    world.run(&bare).says("tag key \"keep\" was lost by 2 of 2");
}

#[test]
fn the_limit_is_a_percentage_of_those_that_carried_it() {
    let check = |limit: u32, losers: usize, expected: bool| {
        let mut world = World::new(RULES);
        world.limit = limit;
        world.run(&fleet(10));
        let mut lossy = fleet(10);
        lossy[1..=losers].iter_mut().for_each(lose_key);
        assert_eq!(world.run(&lossy).is_rejected(), expected, "{limit}% {losers}");
    };
    check(50, 5, false);
    check(50, 6, true);
    check(20, 2, false);
    check(20, 3, true);
    check(0, 1, true);
    check(100, 10, false);
}

#[test]
fn a_limit_of_100_still_minds_identities_and_creation_times() {
    for (edit, says) in LOSSES {
        let mut world = World::new(RULES);
        world.limit = 100;
        world.run(&fleet(10));
        let ran = world.run(&edited(10, edit));
        let minded = says.contains("ids") || says.contains("moved");
        assert_eq!(ran.is_rejected(), minded, "{says}");
    }
}

#[test]
fn what_is_new_or_ours_or_only_grew_is_no_loss() {
    let mut world = World::new(RULES);
    world.run(&fleet(10));
    world.accepted.ours = (0..9).map(|n| format!("i-{n:02}")).collect();
    assert!(!world.run(&fleet(10)[9..]).is_rejected(), "we terminated the others");
    assert!(!world.run(&fleet(40)).is_rejected(), "it grew");

    let later = |world: &World, n: usize| {
        let mut one = instance(&format!("new-{n}"));
        one.created = Some(world.now + 1.minute());
        one.tags = fleet(1)[1].tags.clone();
        one
    };
    let mut world = World::new(RULES);
    world.run(&fleet(10));
    let replaced: Vec<_> = (0..11).map(|n| later(&world, n)).collect();
    assert!(!world.run(&replaced).is_rejected(), "all were created since");

    let mut world = World::new(RULES);
    world.run(&fleet(10));
    let mut reborn = fleet(10);
    reborn[3].created = Some(world.now + 1.minute());
    reborn[3].tags = tags(&[]);
    let ran = world.run(&reborn);
    assert!(matches!(&ran, Ran::Accepted { waiting, .. } if waiting.is_empty()), "{ran:?}");
    reborn[3].created = Some(world.now - 40.hours());
    world.run(&reborn).says("the creation time of 1 instance moved (i-03 is one)");
    reborn[3].created = Some(world.now + 40.hours());
    world.run(&reborn).says("the creation time of 1 instance moved");
}

#[test]
fn tags_that_went_with_their_instances_count_as_a_shrink() {
    let mut fleet: Vec<_> = (0..9).map(|n| instance(&format!("i-{n}"))).collect();
    fleet[0].tags = tags(&[("a", "1"), ("b", "2")]);
    let mut world = World::new(RULES);
    world.run(&fleet);
    world.run(&fleet[1..]).says("2 tags became 0");
    assert!(!world.run(&fleet[1..]).is_rejected());
}

#[test]
fn counts_of_an_older_version_guard_the_first_inventory() {
    let check = |counts: (u64, u64), listed: &[Instance], rejected: &[bool]| {
        let mut world = World::new(RULES);
        let (live, tags) = counts;
        world.accepted.counts = Some(Summary { live, tags });
        let ran: Vec<_> = rejected.iter().map(|_| world.run(listed).is_rejected()).collect();
        assert_eq!(ran, rejected, "{counts:?}");
    };
    let all = fleet(10);
    check((11, 51), &all, &[false]);
    check((22, 102), &all, &[false]);
    check((23, 102), &all, &[true, false]);
    check((23, 120), &all, &[true, false]);
    check((11, 103), &all, &[true, true]);
    check((11, 51), &edited(10, |one| one.tags = tags(&[])), &[true, true]);
    check((11, 51), &[], &[true, false]);
}

#[test]
fn a_field_that_only_protect_reads_is_minded() {
    let mut world = World::new("rules: [{ name: r, match: { image: 'Deb*' } }]");
    let zone = policy("rules: [{ name: p, match: { zone: 'HKG-*' } }]");
    world.policy.protect = zone.rules.rules[0].matches.clone();
    assert!(!matches!(world.policy.protect, Condition::Everything));
    world.run(&fleet(10));
    world.run(&edited(10, |one| one.zone = Some("SEL-A".into()))).says("field \"zone\" changed");
    world.run(&edited(10, |one| one.image = Some("Debian 13".into())));
    assert!(world.accepted.rejected.is_none(), "no protection depends on the image");
}

// ---- An oracle that remembers whole instances ----

/// What may happen to a fleet between two runs.
const STEPS: [Edit; 8] = [
    |_| {},
    lose_key,
    change_key,
    |one| one.tags = tags(&[("keep", "x")]),
    |one| one.tags = tags(&[]),
    |one| one.hostname = Some("db-1".into()),
    |one| one.hostname = Some("web".into()),
    |one| one.status = Some(Status::Recycle),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_terminated_in_the_run_that_first_sees_him_unprotected(
        steps in vec((select(&STEPS[..]), 0u8..=255, 0u8..=255), 1..9),
        limit in select(&[0u32, 20, 50, 100]),
    ) {
        let mut world = World::new(RULES);
        world.limit = limit;
        let mut known: BTreeMap<String, Instance> = BTreeMap::new();
        let mut live: BTreeSet<String> = BTreeSet::new();
        let mut listed = fleet(7);
        for (edit, whom, hidden) in steps {
            for (n, one) in listed.iter_mut().enumerate().filter(|(n, _)| whom & (1 << n) != 0) {
                edit(one);
                if one.status == Some(Status::Recycle) && n % 2 == 0 {
                    one.status = Some(Status::Running);
                }
            }
            let shown = listed.iter().enumerate().filter(|(n, _)| hidden & (1 << n) == 0 || *n == 7);
            let shown: Vec<_> = shown.map(|(_, one)| one.clone()).collect();
            let is_live = |one: &&Instance| one.is_live();
            let ran = world.run(&shown);
            let spared = |id: &String| {
                known.get(id).is_some_and(|one| world.policy.spares(one, world.now))
            };
            if let Ran::Accepted { terminated, .. } = &ran {
                prop_assert!(!terminated.iter().any(spared), "{ran:?}");
                let met = shown.iter().filter(is_live).filter_map(|one| {
                    Some((known.get(one.id.as_str())?, one))
                });
                let carried = met.filter_map(|(then, now)| {
                    Some((then.tags.get("keep")?, now.tags.get("keep")))
                });
                let carried: Vec<_> = carried.collect();
                let lost = carried.iter().filter(|(then, now)| *now != Some(*then)).count();
                let is_over = lost * 100 > carried.len() * limit as usize;
                prop_assert!(!is_over || (lost == 1 && limit > 0), "{carried:?}");
                live = shown.iter().filter(is_live).map(|one| one.id.to_string()).collect();
                known.extend(shown.iter().filter(is_live).map(|one| (one.id.to_string(), one.clone())));
            }
            let rows = world.rows.iter().filter(|(_, kept)| kept.standing == Standing::Live);
            prop_assert_eq!(rows.map(|(id, _)| id.clone()).collect::<BTreeSet<_>>(), live.clone());
        }
    }
}
