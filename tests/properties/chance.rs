//! Chance: machines, rules and what is remembered, as the model has them.

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
};

use crate::model::{
    ADDRESSES, CHARGES, Expire, GLOBS, Line, Machine, Match, Matcher, Model, NEAR, NETWORKS,
    Notice, Op, PATTERNS, Past, Promise, REGEXES, Regex, Rule, SCHEDULES, STATUSES, TEXTS, TTLS,
    Turn, WORD_REGEXES, ZONES,
};

/// The most rules of a model.
const RULES_MAX: usize = 4;

/// How deep conditions stand in each other.
const DEPTH: usize = 3;

/// Whether rules may ask of a field whether it is there at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Asking {
    OfTagsOnly,
    OfFieldsToo,
}

fn some_of(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(texts), 1..3)
}

fn patterns_of(regexes: &'static [Regex]) -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(regexes).prop_map(|(pattern, _)| pattern), 1..3)
}

/// Operators, each once at most; without any, a text or a list of texts.
fn ops(
    texts: impl Strategy<Value = Vec<&'static str>> + Clone + 'static,
    others: impl Strategy<Value = [Option<Op>; 3]> + 'static,
) -> BoxedStrategy<Vec<Op>> {
    let plain = texts.clone().prop_map(|texts| vec![Op::Plain(texts)]);
    let sets = (option::weighted(0.4, texts.clone()), option::weighted(0.4, texts.clone()));
    let mapping = (sets, others, texts).prop_map(|((any, none), others, texts)| {
        let sets = [any.map(Op::In), none.map(Op::NotIn)];
        let ops: Vec<_> = sets.into_iter().chain(others).flatten().collect();
        if ops.is_empty() { vec![Op::In(texts)] } else { ops }
    });
    prop_oneof![plain, mapping].boxed()
}

fn text_ops(key: &'static str, asking: Asking) -> BoxedStrategy<Vec<Op>> {
    let (texts, globs, regexes): (&'static [_], &'static [_], &'static [Regex]) = match key {
        "status" => (
            &["running", "STOPPED", "CREATE_FAILED", "INSTALL_*", "*ING", "recycle"],
            &["*ing", "STOP*", "?U*"],
            &WORD_REGEXES,
        ),
        "charge_type" => (&["postpaid", "PREPAID", "P*"], &["*paid"], &WORD_REGEXES),
        "id" => (&["i-0", "i-?", "i-1*", "a"], &["i-[13]", "*"], &REGEXES),
        _ => (&PATTERNS, &GLOBS, &REGEXES),
    };
    let glob = option::weighted(0.25, some_of(globs).prop_map(Op::Glob));
    let regex = option::weighted(0.25, patterns_of(regexes).prop_map(Op::Regex));
    let exists = match asking {
        Asking::OfTagsOnly if !key.starts_with("tags.") => Just(None).boxed(),
        Asking::OfTagsOnly | Asking::OfFieldsToo => {
            option::weighted(0.25, any::<bool>().prop_map(Op::Exists)).boxed()
        }
    };
    let others = (glob, regex, exists).prop_map(|(glob, regex, exists)| [glob, regex, exists]);
    ops(vec(select(texts), 1..3), others)
}

/// Whether a machine has an address is unknown where it is not told, so that may be asked at any time.
fn ip_ops() -> BoxedStrategy<Vec<Op>> {
    let networks = vec(select(&NETWORKS[..]).prop_map(|(network, _)| network), 1..3);
    let exists = option::weighted(0.25, any::<bool>().prop_map(Op::Exists));
    ops(networks, exists.prop_map(|exists| [exists, None, None]))
}

fn age() -> BoxedStrategy<Line> {
    let test = (select(&["<", "<=", ">", ">="][..]), select(&[1_i64, 2, 24, 72, 1000][..]));
    vec(test, 1..3).prop_map(Line::Age).boxed()
}

/// A line, and its key.
type Keyed = (&'static str, Line);

fn plain_line(asking: Asking) -> BoxedStrategy<Keyed> {
    let keys = [
        "id",
        "name",
        "hostname",
        "zone",
        "type",
        "image",
        "internet_charge_type",
        "resource_group",
        "status",
        "charge_type",
        "tags.env",
        "tags.keep",
        "tags.ttl",
    ];
    let on = |key| text_ops(key, asking).prop_map(move |ops| (key, Line::Text(key, ops))).boxed();
    let texts = proptest::strategy::Union::new(keys.map(on));
    let ip = ip_ops().prop_map(|ops| ("ip", Line::Ip(ops)));
    prop_oneof![8 => texts, 1 => ip, 1 => age().prop_map(|line| ("age", line))].boxed()
}

/// Lines whose keys differ.
fn distinct(lines: Vec<Keyed>) -> Matcher {
    let mut kept: Vec<Keyed> = Vec::new();
    for (key, line) in lines {
        if !kept.iter().any(|(own, _)| *own == key) {
            kept.push((key, line));
        }
    }
    kept.into_iter().map(|(_, line)| line).collect()
}

fn matcher_of(depth: usize, asking: Asking) -> BoxedStrategy<Matcher> {
    let plain = plain_line(asking);
    if depth == 0 {
        return vec(plain, 1..3).prop_map(distinct).boxed();
    }
    let inner = vec(match_of(depth - 1, asking), 1..4).boxed();
    let nested = prop_oneof![
        inner.clone().prop_map(|all| ("all", Line::All(all))),
        inner.clone().prop_map(|any| ("any", Line::Any(any))),
        inner.prop_map(|none| ("not", Line::Not(none))),
    ];
    vec(prop_oneof![3 => plain, 1 => nested], 1..4).prop_map(distinct).boxed()
}

fn match_of(depth: usize, asking: Asking) -> BoxedStrategy<Match> {
    let matcher = matcher_of(depth, asking).prop_map(Match::Matcher);
    prop_oneof![1 => Just(Match::Everything), 6 => matcher].boxed()
}

pub(crate) fn matcher(asking: Asking) -> BoxedStrategy<Matcher> {
    matcher_of(DEPTH, asking)
}

pub(crate) fn matches(asking: Asking) -> BoxedStrategy<Match> {
    match_of(DEPTH, asking)
}

fn expire() -> impl Strategy<Value = Expire> {
    let life = || select(&[1_i64, 12, 24, 72, 336][..]);
    let tag = (option::of(life()), option::weighted(0.3, life()), option::of(life()));
    let tag = tag.prop_map(|(default, min, max)| {
        // What is out of order is refused: `min`, `default`, `max`.
        let default = default.map(|default| default.min(max.unwrap_or(default)));
        let most = [default, max].into_iter().flatten().min();
        let min = min.map(|min| min.min(most.unwrap_or(min)));
        Expire::Tag { default, min, max }
    });
    prop_oneof![
        1 => Just(Expire::AtOnce),
        3 => life().prop_map(Expire::After),
        1 => (-48_i64..48).prop_map(Expire::At),
        4 => tag,
    ]
}

fn notice() -> impl Strategy<Value = Notice> {
    let hours = select(&[1_i64, 24, 72][..]);
    (hours, any::<bool>()).prop_map(|(hours, required)| Notice { hours, required })
}

pub(crate) fn rule(asking: Asking) -> impl Strategy<Value = Rule> {
    let unless = vec(matcher_of(1, asking), 0..3);
    let schedule = option::weighted(0.3, select(&SCHEDULES[..]));
    let notice = option::weighted(0.3, notice());
    let on = prop::bool::weighted(0.9);
    (matches(asking), unless, expire(), notice, (schedule, select(&ZONES[..])), on).prop_map(
        |(matches, unless, expire, notice, (schedule, zone), enabled)| Rule {
            matches,
            unless,
            expire,
            notice,
            schedule,
            zone,
            enabled,
        },
    )
}

pub(crate) fn model(asking: Asking) -> impl Strategy<Value = Model> {
    let protect = vec(matcher_of(1, asking), 0..2);
    (vec(rule(asking), 1..=RULES_MAX), protect)
        .prop_map(|(rules, protect)| Model { rules, protect })
}

/// Two rules, of which the second may only do what the first one does: it asks for more, excepts more, or has the same expiry.
fn kin() -> impl Strategy<Value = Vec<Rule>> {
    let asking = Asking::OfFieldsToo;
    let more = option::weighted(0.5, match_of(1, asking));
    let unless = vec(matcher_of(0, asking), 0..2);
    let flips = [0.9, 0.6, 0.8].map(prop::bool::weighted);
    (rule(asking), rule(asking), more, unless, flips).prop_map(
        |(mut one, mut other, more, unless, [same_expiry, no_notice, same_schedule])| {
            let all = [Some(one.matches.clone()), more].into_iter().flatten().collect();
            other.matches = Match::Matcher(vec![Line::All(all)]);
            other.unless = [one.unless.clone(), unless].concat();
            if same_expiry {
                other.expire = one.expire.clone();
            }
            if no_notice {
                one.notice = None;
            }
            if same_schedule {
                (other.schedule, other.zone) = (one.schedule, one.zone);
            }
            vec![one, other]
        },
    )
}

/// A rule that asks for something and against it, or for two things at once.
fn torn() -> impl Strategy<Value = Vec<Rule>> {
    let asking = Asking::OfFieldsToo;
    let line = || plain_line(asking);
    (rule(asking), line(), line(), any::<bool>()).prop_map(|(rule, (_, one), (_, two), denied)| {
        let one = Match::Matcher(vec![one]);
        let other = if denied {
            Match::Matcher(vec![Line::Not(vec![one.clone()])])
        } else {
            Match::Matcher(vec![two])
        };
        let matches = Match::Matcher(vec![Line::All(vec![one, other, rule.matches.clone()])]);
        vec![Rule { matches, ..rule }]
    })
}

/// Rules of which many are to be warned of.
pub(crate) fn dubious() -> impl Strategy<Value = Model> {
    let any = vec(rule(Asking::OfFieldsToo), 1..=RULES_MAX);
    prop_oneof![1 => any, 2 => kin(), 1 => torn()]
        .prop_map(|rules| Model { rules, protect: Vec::new() })
}

/// A model whose rules neither tell nor have a schedule, so that what is due is terminated now.
pub(crate) fn hasty(asking: Asking) -> impl Strategy<Value = Model> {
    model(asking).prop_map(|mut model| {
        for rule in &mut model.rules {
            (rule.notice, rule.schedule) = (None, None);
        }
        model
    })
}

pub(crate) fn turn() -> impl Strategy<Value = Turn> {
    let all_but = subsequence((0..RULES_MAX).collect::<Vec<_>>(), 0..RULES_MAX);
    prop_oneof![
        1 => Just(Turn::Asked(None)),
        3 => select(&[-1_i64, -2, -24, -48][..]).prop_map(|last| Turn::Asked(Some(last))),
        1 => all_but.prop_map(Turn::AllBut),
    ]
}

fn promise() -> impl Strategy<Value = Promise> {
    let told = option::weighted(0.8, 0_i64..48);
    let owned = prop::bool::weighted(0.8);
    (0..RULES_MAX, owned, -100_i64..0, told, -50_i64..50).prop_map(
        |(rule, to_owner, begun, after, terminate)| {
            let told = after.map(|after| (begun + after).min(0));
            Promise { rule, to_owner, begun, told, terminate }
        },
    )
}

pub(crate) fn past() -> impl Strategy<Value = Past> {
    let reasons = select(&["held", "commitment", "accepted"][..]);
    let withdrawn = option::weighted(0.3, promise());
    (option::of(promise()), withdrawn, option::weighted(0.2, (reasons, -2_i64..3)))
        .prop_map(|(promise, withdrawn, hold)| Past { promise, withdrawn, hold })
}

pub(crate) fn machine() -> impl Strategy<Value = Machine> {
    let often = |words: &'static [&'static str]| option::weighted(0.85, select(words));
    let texts: [_; 8] = std::array::from_fn(|_| often(&TEXTS));
    let status = prop_oneof![2 => Just(Some("RUNNING")), 2 => often(&STATUSES)];
    let charge = prop_oneof![2 => Just(Some("POSTPAID")), 1 => often(&CHARGES)];
    let age = option::weighted(0.9, select(&[0_i64, 1, 2, 24, 72, 100, 1000][..]));
    let addresses = (subsequence(ADDRESSES.to_vec(), 0..3), prop::bool::weighted(0.8));
    let env = option::of(select(&TEXTS[..]));
    let keep = option::weighted(0.2, select(&["", "a"][..]));
    let ttl = option::of(select(&TTLS[..]));
    let untold = prop_oneof![4 => Just(vec![]), 1 => subsequence(vec!["env", "keep", "ttl"], 1..3)];
    let near = (subsequence(NEAR.to_vec(), 0..3), vec(option::of(select(&TEXTS[..])), 2));
    let near = near.prop_map(|(keys, values)| {
        keys.into_iter().zip(values).map(|((key, own), value)| (key, own, value)).collect()
    });
    let near = prop_oneof![3 => Just(vec![]), 1 => near];
    (texts, (status, charge), age, addresses, (env, keep, ttl, untold, near)).prop_map(
        |(texts, (status, charge), age, (addresses, addresses_told), tags)| {
            let (env, keep, ttl, untold, near) = tags;
            Machine {
                id: "i-0".into(),
                texts,
                status,
                charge,
                age,
                addresses,
                addresses_told,
                env,
                keep,
                ttl,
                untold,
                near,
            }
        },
    )
}

/// A running instance that tells nothing else.
pub(crate) fn plain() -> Machine {
    Machine {
        id: "i-0".into(),
        texts: [None; 8],
        status: Some("RUNNING"),
        charge: Some("POSTPAID"),
        age: None,
        addresses: Vec::new(),
        addresses_told: true,
        env: None,
        keep: None,
        ttl: None,
        untold: Vec::new(),
        near: Vec::new(),
    }
}

pub(crate) fn fleet() -> impl Strategy<Value = Vec<Machine>> {
    vec(machine(), 0..12).prop_map(|mut fleet| {
        for (n, machine) in fleet.iter_mut().enumerate() {
            machine.id = format!("i-{n}");
        }
        fleet
    })
}

/// How many fields there are that the cloud may not tell.
pub(crate) const FIELDS: usize = 13;

/// A machine without one of its fields.
pub(crate) fn without(machine: &Machine, field: usize) -> Machine {
    let mut poorer = machine.clone();
    match field {
        0..8 => poorer.texts[field] = None,
        8 => poorer.status = None,
        9 => poorer.charge = None,
        10 => poorer.age = None,
        11 => {
            let there = [
                ("env", machine.env.is_some()),
                ("keep", machine.keep.is_some()),
                ("ttl", machine.ttl.is_some()),
            ];
            let there = there
                .into_iter()
                .filter(|(key, is_there)| *is_there && !machine.untold.contains(key));
            poorer.untold.extend(there.map(|(key, _)| key));
        }
        _ => {
            poorer.addresses.truncate(1);
            poorer.addresses_told = false;
        }
    }
    poorer
}

/// A machine that tells what it does not from another one.
pub(crate) fn filled(machine: &Machine, other: &Machine) -> Machine {
    let mut richer = machine.clone();
    for (own, other) in richer.texts.iter_mut().zip(other.texts) {
        *own = own.or(other);
    }
    richer.status = machine.status.or(other.status);
    richer.charge = machine.charge.or(other.charge);
    richer.age = machine.age.or(other.age);
    if !machine.addresses_told {
        richer.addresses.extend(&other.addresses);
        richer.addresses_told = other.addresses_told;
    }
    richer
}
