//! Cases by chance, from the alphabet of `words`, with what is at the edge of a condition more often than chance would have it.

use crate::{
    case::{
        Case, Creation, DAY, Expire, Field, Force, HOUR, Hold, Host, Instance, IpOp, Line, MINUTE,
        Match, Matcher, Millis, Notice, Op, Promise, Rule, SECOND, Tags, Told, Turn, Unless,
    },
    chance::Chance,
    clock,
    judge::FIRST_CREATION,
    words::{
        ADDRESSES, ANCIENT, BLANKS, CHARGE_WORDS, DURATIONS, Form, GLOBS, KEYS, LIGHT_REGEXES,
        NEAR_KEYS, NETWORKS, NEVER, ODD_CHARGES, ODD_STATUSES, PLAIN, REGEXES, SCHEDULES,
        STATUS_WORDS, STATUSES, TEXTS, TIMES, UNREADABLE, ZONES,
    },
};

const RULES_MAX: usize = 4;

/// The 4th of November 2026, and nights in which clocks change.
const NOWS: [Millis; 6] = [
    1_793_750_400_000,
    1_793_750_400_000 + 9 * HOUR,
    1_792_888_200_000,
    1_792_890_000_000,
    1_793_516_400_000,
    1_774_746_000_000,
];

pub(crate) fn case(chance: &mut Chance) -> Case {
    let now = chance.pick(&NOWS) + if chance.percent(30) { SECOND } else { 0 };
    let zone = if chance.percent(50) { "UTC" } else { chance.pick(&ZONES) };
    let count = 1 + chance.below(RULES_MAX);
    let rules: Vec<_> = (0..count).map(|number| rule(chance, number)).collect();
    let protect = if chance.percent(30) {
        chance.some(1, 2, |chance| matcher(chance, 1))
    } else {
        Vec::new()
    };
    // Rules take long to read, so that many instances share them.
    let count = 8 + chance.below(13);
    let instances = (0..count).map(|number| instance(chance, now, number)).collect();
    let turn = if chance.percent(40) {
        Turn::Service(chance.different(0, 3, &[0, 1, 2, 3]))
    } else {
        let last = [15 * MINUTE, HOUR, DAY, 40 * DAY, SECOND].map(|ago| Some(now - ago));
        Turn::Asked(if chance.percent(15) { None } else { chance.pick(&last) })
    };
    let owner_tag = chance.pick(&[None, Some("owner"), Some("owner"), Some("owner"), Some("env")]);
    Case {
        now,
        zone,
        protect,
        host: host(chance),
        rules,
        turn,
        owner_tag,
        instances,
        paused: chance.percent(5),
    }
}

fn host(chance: &mut Chance) -> Host {
    if chance.percent(85) {
        return Host::default();
    }
    Host {
        addresses: chance.different(
            0,
            1,
            &["10.0.0.5", "::ffff:10.0.0.5", "203.0.113.7", "fd00::1"],
        ),
        names: chance.different(0, 1, &["dev-1", "DEV-1", "dev-1.example.com", "сервер-7"]),
        ids: chance.different(0, 1, &["i-0".to_owned(), "I-1".to_owned()]),
    }
}

fn rule(chance: &mut Chance, number: usize) -> Rule {
    let matches = if chance.percent(25) {
        Match::Everything
    } else {
        let depth = chance.below(3);
        Match::Matcher(matcher(chance, depth))
    };
    let unless = match chance.below(10) {
        0..5 => Unless::Nothing,
        5..8 => Unless::One(matcher(chance, 1)),
        _ => Unless::List(chance.some(1, 3, |chance| matcher(chance, 1))),
    };
    let required = chance.pick(&[None, None, Some(true), Some(false)]);
    let notice = chance.percent(30).then(|| Notice { length: duration(chance), required });
    let (schedule, zone) = if chance.percent(20) {
        let (pattern, zone) = chance.pick(&SCHEDULES);
        (Some(pattern), Some(zone))
    } else {
        let zone = chance.percent(30).then(|| chance.pick(&ZONES));
        (None, zone)
    };
    let expire = expire(chance);
    Rule { number, matches, unless, expire, notice, schedule, zone, enabled: !chance.percent(5) }
}

fn duration(chance: &mut Chance) -> Form {
    chance.pick(&DURATIONS)
}

fn expire(chance: &mut Chance) -> Expire {
    match chance.below(10) {
        0..2 => Expire::AtOnce,
        2..5 => Expire::After(duration(chance)),
        5 => Expire::At(chance.pick(&TIMES)),
        _ => {
            let mut lengths = chance.some(3, 3, duration);
            lengths.sort_by_key(|form| form.length());
            let long = |form: Form| (form.length() >= 10 * MINUTE).then_some(form);
            let one = |chance: &mut Chance, n: usize| {
                if chance.percent(50) { long(lengths[n]) } else { None }
            };
            let (min, default, max) = (one(chance, 0), one(chance, 1), one(chance, 2));
            let key = if chance.percent(80) { "ttl" } else { chance.pick(&KEYS) };
            Expire::Tag { key, default, min, max }
        }
    }
}

/// A matcher of so many levels at most.
fn matcher(chance: &mut Chance, depth: usize) -> Matcher {
    let count = chance.pick(&[1, 1, 1, 2, 2, 3]);
    let mut lines: Matcher = Vec::new();
    while lines.len() < count {
        let line = line(chance, depth);
        if !lines.iter().any(|own| is_same_key(own, &line)) {
            lines.push(line);
        }
    }
    lines
}

fn is_same_key(one: &Line, other: &Line) -> bool {
    match (one, other) {
        (Line::Text(one, _), Line::Text(other, _)) => one == other,
        (Line::Tag(one, _), Line::Tag(other, _)) => one == other,
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

fn line(chance: &mut Chance, depth: usize) -> Line {
    match chance.below(if depth > 0 { 14 } else { 11 }) {
        0..4 => {
            let key =
                if chance.percent(60) { chance.pick(&["env", "keep"]) } else { chance.pick(&KEYS) };
            Line::Tag(key, ops(chance, true))
        }
        4..8 => {
            let field = chance.pick(&FIELDS);
            match field {
                Field::Id => Line::Text(
                    field,
                    vec![Op::Plain(chance.different(1, 2, &["i-0", "i-?", "i-1", "*"]))],
                ),
                Field::Status => Line::Text(field, words(chance, &STATUS_WORDS)),
                Field::ChargeType => Line::Text(field, words(chance, &CHARGE_WORDS)),
                _ => Line::Text(field, ops(chance, false)),
            }
        }
        8 => Line::Ip(ip_ops(chance)),
        9..11 => Line::Age(
            chance.some(1, 2, |chance| (chance.pick(&["<", "<=", ">", ">="]), duration(chance))),
        ),
        11 => Line::All(chance.some(1, 2, |chance| matcher(chance, depth - 1))),
        12 => Line::Any(chance.some(1, 3, |chance| matcher(chance, depth - 1))),
        _ => Line::Not(chance.some(1, 2, |chance| matcher(chance, depth - 1))),
    }
}

const FIELDS: [Field; 12] = [
    Field::Id,
    Field::Name,
    Field::Name,
    Field::Hostname,
    Field::Zone,
    Field::Zone,
    Field::Type,
    Field::Image,
    Field::Status,
    Field::ChargeType,
    Field::InternetChargeType,
    Field::ResourceGroup,
];

fn ops(chance: &mut Chance, is_tag: bool) -> Vec<Op> {
    let plain = |chance: &mut Chance| {
        let mut list = chance.different(1, 3, &PLAIN);
        if is_tag && chance.percent(10) {
            list.push("");
        }
        list
    };
    if chance.percent(50) {
        return vec![Op::Plain(plain(chance))];
    }
    let mut ops: Vec<Op> = Vec::new();
    for op in chance.some(1, 2, |chance| match chance.below(16) {
        0..3 => Op::In(plain(chance)),
        3..9 => Op::NotIn(plain(chance)),
        9..12 => Op::Glob(chance.different(1, 2, &GLOBS)),
        // Seldom, because nothing here takes longer than to compile one.
        12 => {
            let from = if chance.percent(15) { &REGEXES[..] } else { &REGEXES[..LIGHT_REGEXES] };
            Op::Regex(vec![chance.pick(from)])
        }
        _ => Op::Exists(chance.percent(60)),
    }) {
        if !ops.iter().any(|own| std::mem::discriminant(own) == std::mem::discriminant(&op)) {
            ops.push(op);
        }
    }
    ops
}

fn words(chance: &mut Chance, from: &[&'static str]) -> Vec<Op> {
    let list = chance.different(1, 2, from);
    vec![match chance.below(5) {
        0 => Op::In(list),
        1 => Op::NotIn(list),
        2 => Op::Exists(chance.percent(60)),
        _ => Op::Plain(list),
    }]
}

fn ip_ops(chance: &mut Chance) -> Vec<IpOp> {
    let networks = |chance: &mut Chance| chance.different(1, 2, &NETWORKS);
    match chance.below(5) {
        0 => vec![IpOp::In(networks(chance)), IpOp::NotIn(networks(chance))],
        1 => vec![IpOp::NotIn(networks(chance))],
        2 => vec![IpOp::Exists(chance.percent(60))],
        _ => vec![IpOp::Plain(networks(chance))],
    }
}

/// A text that a field or a tag may have.
fn text(chance: &mut Chance) -> Told {
    match chance.below(20) {
        0 => Told::Absent,
        1 => Told::Null,
        2 | 3 => Told::Text(chance.pick(&BLANKS).to_owned()),
        _ => Told::Text(chance.pick(&TEXTS).to_owned()),
    }
}

/// The texts of a record, by the names of their fields.
fn texts(chance: &mut Chance) -> Vec<(&'static str, Told)> {
    let mut texts: Vec<(&'static str, Told)> = TEXT_FIELDS.map(|name| (name, text(chance))).into();
    if chance.percent(1) {
        texts[0].1 = Told::Number;
    }
    let hostname = if chance.percent(30) {
        Told::Text(chance.pick(&HOSTNAMES).to_owned())
    } else {
        text(chance)
    };
    let charge_type = word(chance, "POSTPAID", &["POSTPAID", "PREPAID"], &ODD_CHARGES);
    texts.push(("hostname", hostname));
    texts.push(("instanceStatus", word(chance, "RUNNING", &STATUSES, &ODD_STATUSES)));
    texts.push(("instanceChargeType", charge_type));
    texts
}

const TEXT_FIELDS: [&str; 7] = [
    "instanceName",
    "zoneId",
    "instanceTypeId",
    "imageName",
    "internetChargeType",
    "resourceGroupId",
    "resourceGroupName",
];

const HOSTNAMES: [&str; 5] =
    ["DEV-1", "Dev-1.Example.com", "dev-1.example.com", "KUNDE-É", "Сервер-7.example"];

fn instance(chance: &mut Chance, now: Millis, number: usize) -> Instance {
    let addresses = |chance: &mut Chance| {
        chance.percent(85).then(|| {
            let odd_too = if chance.percent(10) { ADDRESSES.len() } else { 8 };
            chance.different(0, 2, &ADDRESSES[..odd_too])
        })
    };
    let (public, private) = (addresses(chance), addresses(chance));
    let primary = chance.pick(&[
        Told::Absent,
        Told::Absent,
        Told::Null,
        Told::Text("10.0.0.5".into()),
        Told::Text(String::new()),
    ]);
    let created = creation(chance, now);
    let hold = chance.percent(10).then(|| Hold {
        reason: chance.pick(&["held", "commitment", "accepted"]),
        until: now + chance.pick(&[-SECOND, 0, SECOND, HOUR, 3 * DAY]),
    });
    let mut promises = if chance.percent(25) {
        chance.some(1, 2, |chance| promise(chance, now))
    } else {
        Vec::new()
    };
    promises.sort_by_key(|promise| promise.begun);
    Instance {
        id: format!("i-{number}"),
        texts: texts(chance),
        created,
        tags: tags(chance),
        primary,
        public,
        private,
        hold,
        unprotected: chance.percent(4),
        promises,
    }
}

fn word(chance: &mut Chance, usual: &str, documented: &[&str], odd: &[&str]) -> Told {
    match chance.below(20) {
        0 => Told::Text(chance.pick(odd).to_owned()),
        1 => chance.pick(&[Told::Absent, Told::Null]),
        2..6 => Told::Text(chance.pick(documented).to_owned()),
        _ => Told::Text(usual.to_owned()),
    }
}

fn creation(chance: &mut Chance, now: Millis) -> Creation {
    let odd = [
        "",
        " ",
        "gestern",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2013-12-31T23:59:59Z",
        "2026-11-01T00:00:00",
        "2026-11-01",
        "1793750400",
        "2026-13-01T00:00:00Z",
    ];
    match chance.below(20) {
        0 => Creation { told: chance.pick(&[Told::Absent, Told::Null]), at: None },
        1 => Creation { told: Told::Text(chance.pick(&odd).to_owned()), at: None },
        n => {
            let ago = match n {
                2 => -chance.pick(&[SECOND, HOUR, 3 * DAY]),
                3..6 => chance.pick(&[0, SECOND, 100 * DAY, now - FIRST_CREATION]),
                _ => chance.pick(&DURATIONS).length(),
            };
            let at = now - ago + chance.pick(&[0, 0, -SECOND, SECOND, -500]);
            let at = at.max(FIRST_CREATION);
            let text = if chance.percent(20) {
                clock::text(at + 8 * HOUR).replace('Z', "+08:00")
            } else {
                clock::text(at)
            };
            Creation { told: Told::Text(text), at: Some(at) }
        }
    }
}

fn tags(chance: &mut Chance) -> Tags {
    if chance.percent(10) {
        return chance.pick(&[Tags::Absent, Tags::Null, Tags::Empty, Tags::NoList]);
    }
    let mut list: Vec<(String, Told)> = Vec::new();
    for key in chance.different(0, 4, &KEYS) {
        let value = if key == "ttl" { lifetime(chance) } else { value(chance) };
        list.push((key.to_owned(), value));
    }
    if chance.percent(20) {
        for key in chance.different(1, 2, &NEAR_KEYS) {
            list.push((key.to_owned(), value(chance)));
        }
    }
    if chance.percent(20) {
        list.push((
            "owner".to_owned(),
            Told::Text(
                chance.pick(&["anna", "anna", "anna ", "Anna", "ben", "Анна", ""]).to_owned(),
            ),
        ));
    }
    if chance.percent(1) && !list.is_empty() {
        list.push(list[0].clone());
    }
    Tags::List(list)
}

fn value(chance: &mut Chance) -> Told {
    match chance.below(25) {
        0 => Told::Absent,
        1 => Told::Null,
        2 => Told::Text(chance.pick(&BLANKS).to_owned()),
        3 => lifetime(chance),
        4..10 => Told::Text(chance.pick(&["dev", "test"]).to_owned()),
        _ => Told::Text(chance.pick(&TEXTS).to_owned()),
    }
}

/// The value of a tag that means to say when.
fn lifetime(chance: &mut Chance) -> Told {
    let text = match chance.below(20) {
        0..10 => chance.pick(&DURATIONS).text,
        10..12 => chance.pick(&UNREADABLE),
        12..14 => chance.pick(&NEVER),
        14..18 => chance.pick(&TIMES).text,
        18 => chance.pick(&ANCIENT).text,
        _ => return chance.pick(&[Told::Absent, Told::Null]),
    };
    Told::Text(text.to_owned())
}

fn promise(chance: &mut Chance, now: Millis) -> Promise {
    let begun =
        now - chance.pick(&[0, MINUTE, HOUR, DAY - SECOND, DAY, DAY + SECOND, 3 * DAY, 30 * DAY]);
    let told = chance.percent(75).then(|| (begun + chance.pick(&[0, SECOND, HOUR])).min(now));
    let lengths = chance.pick(&[0, HOUR, DAY, 3 * DAY]);
    let terminate = begun + lengths + chance.pick(&[0, 0, SECOND, HOUR]);
    Promise {
        rule: chance.pick(&[0, 0, 1, 2, 9]),
        owner: chance.pick(&[
            None,
            Some(""),
            Some(""),
            Some(""),
            Some("anna"),
            Some("anna"),
            Some("ben"),
            Some(" anna "),
        ]),
        force: chance.pick(&[
            Force::Stands,
            Force::Stands,
            Force::Stands,
            Force::Orphaned,
            Force::TimeOnly,
        ]),
        begun,
        told,
        terminate,
    }
}
