//! The language of the design a second time, written from its text as plainly as it can be said.
//!
//! No compiled patterns, hours instead of instants, regular expressions whose meaning is stated by hand; and not a word of
//! the crate's own code.

/// Now, a Tuesday; the model counts hours from here.
pub(crate) const NOW: &str = "2026-11-24T00:00:00Z";

/// What stands in the fleet's fields, and what rules ask of them.
pub(crate) const TEXTS: [&str; 6] = ["a", "b", "ab", "A", "a/b", "[a]"];
pub(crate) const PATTERNS: [&str; 9] = ["a", "b", "ab", "A", "*", "a*", "?", "*b", "[[]a]?*"];
pub(crate) const GLOBS: [&str; 5] = ["a*", "ab", "[ab]", "?[/b]*", "*"];
pub(crate) const STATUSES: [&str; 13] = [
    "RUNNING",
    "STOPPED",
    "BOOTING",
    "STOPPING",
    "INSTALL_FAILED",
    "CREATE_FAILED",
    "PENDING",
    "CREATING",
    "INSTALLING",
    "RECYCLE",
    "MIGRATING",
    "running",
    "",
];
pub(crate) const CHARGES: [&str; 3] = ["POSTPAID", "PREPAID", "SPOT"];

/// A regular expression, and when it matches.
pub(crate) type Regex = (&'static str, fn(&str) -> bool);

pub(crate) const REGEXES: [Regex; 6] = [
    ("^a", |text| text.starts_with('a')),
    ("b$", |text| text.ends_with('b')),
    ("A|/", |text| text.contains(['A', '/'])),
    ("^a.?b$", |text| {
        text == "ab" || (text.len() == 3 && text.starts_with('a') && text.ends_with('b'))
    }),
    (r"^[^\[]+$", |text| !text.is_empty() && !text.contains('[')),
    ("^$", str::is_empty),
];

/// Those of words that mean the same in any case; their text comes in upper case.
pub(crate) const WORD_REGEXES: [Regex; 4] = [
    ("^stop", |text| text.starts_with("STOP")),
    ("ING$", |text| text.ends_with("ING")),
    ("^(running|PREPAID)$", |text| text == "RUNNING" || text == "PREPAID"),
    ("PAID", |text| text.contains("PAID")),
];

/// Addresses, and which of them lie in which networks.
pub(crate) const ADDRESSES: [&str; 5] =
    ["10.0.0.5", "10.1.2.3", "203.0.113.7", "2001:db8::1", "2001:db8:1::1"];
pub(crate) const NETWORKS: [(&str, &[&str]); 8] = [
    ("10.0.0.0/8", &["10.0.0.5", "10.1.2.3"]),
    ("10.0.0.0/16", &["10.0.0.5"]),
    ("203.0.113.7", &["203.0.113.7"]),
    ("::ffff:10.0.0.5", &["10.0.0.5"]),
    ("0.0.0.0/0", &["10.0.0.5", "10.1.2.3", "203.0.113.7"]),
    ("2001:db8::/32", &["2001:db8::1", "2001:db8:1::1"]),
    ("2001:db8::/48", &["2001:db8::1"]),
    ("::/0", &["2001:db8::1", "2001:db8:1::1"]),
];

/// Time zones, and how many hours they are ahead of UTC in the weeks around now.
pub(crate) const ZONES: [(&str, i64); 3] =
    [("UTC", 0), ("Asia/Shanghai", 8), ("America/New_York", -5)];

/// Schedules: each fires every so many hours, and would in UTC at this one.
pub(crate) const SCHEDULES: [(&str, i64, i64); 4] =
    [("0 * * * *", 1, 0), ("0 0 * * *", 24, 0), ("0 22 * * *", 24, 22), ("0 3 * * MON", 168, -21)];

/// What a tag's value means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Meaning {
    Life(i64),
    At(i64),
    /// The end of a day, which in UTC is then.
    Day(i64),
    Never,
    Unreadable,
}

pub(crate) const TTLS: [(&str, Meaning); 15] = [
    ("1h", Meaning::Life(1)),
    (" 3d 12h ", Meaning::Life(84)),
    ("P1D", Meaning::Life(24)),
    ("2w", Meaning::Life(336)),
    ("2026-11-20", Meaning::Day(-72)),
    ("2026-12-31", Meaning::Day(912)),
    ("2026-11-24T02:00:00+02:00", Meaning::At(0)),
    ("never", Meaning::Never),
    ("Forever", Meaning::Never),
    ("soon", Meaning::Unreadable),
    ("48", Meaning::Unreadable),
    ("1mo", Meaning::Unreadable),
    ("-1h", Meaning::Unreadable),
    ("2026-02-31", Meaning::Unreadable),
    ("", Meaning::Unreadable),
];

/// The keys of fields that are one text, in the order of [`Machine::texts`].
pub(crate) const TEXT_KEYS: [&str; 6] =
    ["name", "hostname", "zone", "type", "image", "internet_charge_type"];

#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) id: String,
    /// Those of [`TEXT_KEYS`], and then id and name of the resource group.
    pub(crate) texts: [Option<&'static str>; 8],
    pub(crate) status: Option<&'static str>,
    pub(crate) charge: Option<&'static str>,
    /// Hours before now.
    pub(crate) age: Option<i64>,
    pub(crate) addresses: Vec<&'static str>,
    /// Whether these are all.
    pub(crate) addresses_told: bool,
    pub(crate) env: Option<&'static str>,
    pub(crate) keep: Option<&'static str>,
    pub(crate) ttl: Option<(&'static str, Meaning)>,
}

/// What is asked of a value; of several operators, all must hold.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A text or a list of texts without an operator.
    Plain(Vec<&'static str>),
    In(Vec<&'static str>),
    NotIn(Vec<&'static str>),
    Glob(Vec<&'static str>),
    Regex(Vec<&'static str>),
    Exists(bool),
}

/// A line of a matcher.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// A key (`tags.x` for a tag) and its operators.
    Text(&'static str, Vec<Op>),
    Ip(Vec<Op>),
    /// One of these comparisons, in hours.
    Age(Vec<(&'static str, i64)>),
    All(Vec<Match>),
    Any(Vec<Match>),
    Not(Vec<Match>),
}

/// Lines, all of which must hold.
pub(crate) type Matcher = Vec<Line>;

#[derive(Clone, Debug)]
pub(crate) enum Match {
    Everything,
    Matcher(Matcher),
}

#[derive(Clone, Debug)]
pub(crate) enum Expire {
    AtOnce,
    After(i64),
    At(i64),
    Tag { default: Option<i64>, max: Option<i64> },
}

/// How long before the owner is told, and whether that must succeed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice {
    pub(crate) hours: i64,
    pub(crate) required: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) matches: Match,
    pub(crate) unless: Vec<Matcher>,
    pub(crate) expire: Expire,
    pub(crate) notice: Option<Notice>,
    pub(crate) schedule: Option<(&'static str, i64, i64)>,
    pub(crate) zone: (&'static str, i64),
    pub(crate) enabled: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) rules: Vec<Rule>,
    pub(crate) protect: Vec<Matcher>,
}

/// Whose turn it is.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Somebody asks; the last run was then.
    Asked(Option<i64>),
    /// The service says itself which rules rest.
    AllBut(Vec<usize>),
}

/// What the owner of an instance was promised, by which rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    pub(crate) rule: usize,
    /// Whether the present owner was addressed.
    pub(crate) to_owner: bool,
    pub(crate) begun: i64,
    pub(crate) told: Option<i64>,
    pub(crate) terminate: i64,
}

/// What is remembered of a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    pub(crate) promise: Option<Promise>,
    /// One that was withdrawn.
    pub(crate) withdrawn: Option<Promise>,
    /// Why it is held, and until when.
    pub(crate) hold: Option<(&'static str, i64)>,
}

// ---- Whether a condition holds: true, false, or unknown as `None` ----

pub(crate) fn every(values: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let values: Vec<_> = values.into_iter().collect();
    if values.contains(&Some(false)) {
        Some(false)
    } else if values.contains(&None) {
        None
    } else {
        Some(true)
    }
}

pub(crate) fn some(values: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    not(every(values.into_iter().map(not)))
}

pub(crate) fn not(value: Option<bool>) -> Option<bool> {
    value.map(|value| !value)
}

/// A text is a glob where it has `*` or `?`.
fn plain(pattern: &str, text: &str) -> bool {
    if pattern.contains(['*', '?']) { glob(pattern, text) } else { pattern == text }
}

fn glob(pattern: &str, text: &str) -> bool {
    glob_from(pattern.as_bytes(), text.as_bytes())
}

/// Letter by letter; a class is some letters, one of which is meant.
fn glob_from(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|n| glob_from(rest, &text[n..])),
        (_, []) => false,
        ([b'?', rest @ ..], [_, after @ ..]) => glob_from(rest, after),
        ([b'[', first, class @ ..], [other, after @ ..]) => {
            let end = class.iter().position(|one| *one == b']').unwrap();
            let is_in = first == other || class[..end].contains(other);
            is_in && glob_from(&class[end + 1..], after)
        }
        ([own, rest @ ..], [other, after @ ..]) => own == other && glob_from(rest, after),
    }
}

fn regex(regexes: &[Regex], pattern: &str, text: &str) -> bool {
    let (_, matches) = regexes.iter().find(|(own, _)| *own == pattern).unwrap();
    matches(text)
}

/// The values of a field or a tag.
fn values<'a>(key: &str, machine: &'a Machine) -> Vec<Option<&'a str>> {
    match key {
        "id" => vec![Some(&machine.id)],
        "status" => vec![machine.status],
        "charge_type" => vec![machine.charge],
        "resource_group" => vec![machine.texts[6], machine.texts[7]],
        "tags.env" => vec![machine.env],
        "tags.keep" => vec![machine.keep],
        "tags.ttl" => vec![machine.ttl.map(|(text, _)| text)],
        text => vec![machine.texts[TEXT_KEYS.iter().position(|own| *own == text).unwrap()]],
    }
}

/// A tag that is not there is not matched; any other value that is not there may be anything.
fn op_holds(key: &str, op: &Op, machine: &Machine) -> Option<bool> {
    let any_case = ["status", "charge_type"].contains(&key);
    let regexes: &[Regex] = if any_case { &WORD_REGEXES } else { &REGEXES };
    let fold = |text: &str| if any_case { text.to_uppercase() } else { text.to_owned() };
    let any_of = |patterns: &[&str], matches: &dyn Fn(&str, &str) -> bool| {
        some(values(key, machine).into_iter().map(|value| match value {
            None if key.starts_with("tags.") => Some(false),
            None => None,
            Some(value) => Some(patterns.iter().any(|one| matches(one, &fold(value)))),
        }))
    };
    let told = values(key, machine).iter().any(Option::is_some);
    match op {
        Op::Plain(list) | Op::In(list) => any_of(list, &|one, text| plain(&fold(one), text)),
        Op::NotIn(list) => not(any_of(list, &|one, text| plain(&fold(one), text))),
        Op::Glob(list) => any_of(list, &|one, text| glob(&fold(one), text)),
        Op::Regex(list) => any_of(list, &|one, text| regex(regexes, one, text)),
        Op::Exists(wanted) => Some(told == *wanted),
    }
}

/// Any address counts; if not all are told, another one may.
fn ip_holds(op: &Op, machine: &Machine) -> Option<bool> {
    let found = |holds: bool| if holds || machine.addresses_told { Some(holds) } else { None };
    let within = |networks: &[&str]| {
        let networks = NETWORKS.iter().filter(|(own, _)| networks.contains(own));
        let members: Vec<_> = networks.flat_map(|(_, members)| *members).collect();
        found(machine.addresses.iter().any(|address| members.contains(&address)))
    };
    let there = found(!machine.addresses.is_empty());
    match op {
        Op::Plain(networks) | Op::In(networks) => within(networks),
        Op::NotIn(networks) => not(within(networks)),
        Op::Exists(true) => there,
        Op::Exists(false) => not(there),
        Op::Glob(_) | Op::Regex(_) => panic!("an address has no {op:?}"),
    }
}

fn age_holds(comparison: &str, limit: i64, age: i64) -> bool {
    match comparison {
        "<" => age < limit,
        "<=" => age <= limit,
        ">" => age > limit,
        ">=" => age >= limit,
        other => panic!("{other}"),
    }
}

fn line_holds(line: &Line, machine: &Machine) -> Option<bool> {
    let each = |all: &[Match]| all.iter().map(|one| holds(one, machine)).collect::<Vec<_>>();
    match line {
        Line::Text(key, ops) => every(ops.iter().map(|op| op_holds(key, op, machine))),
        Line::Ip(ops) => every(ops.iter().map(|op| ip_holds(op, machine))),
        Line::Age(tests) => {
            machine.age.map(|age| tests.iter().any(|(own, limit)| age_holds(own, *limit, age)))
        }
        Line::All(all) => every(each(all)),
        Line::Any(any) => some(each(any)),
        Line::Not(none) => not(some(each(none))),
    }
}

pub(crate) fn matcher_holds(matcher: &Matcher, machine: &Machine) -> Option<bool> {
    every(matcher.iter().map(|line| line_holds(line, machine)))
}

pub(crate) fn holds(one: &Match, machine: &Machine) -> Option<bool> {
    match one {
        Match::Everything => Some(true),
        Match::Matcher(matcher) => matcher_holds(matcher, machine),
    }
}

/// Whether a rule takes a machine sooner or later, as far as its conditions say.
pub(crate) fn takes(rule: &Rule, machine: &Machine) -> bool {
    let excepted = some(rule.unless.iter().map(|one| matcher_holds(one, machine)));
    holds(&rule.matches, machine) == Some(true) && excepted == Some(false)
}

// ---- When a match is due, in hours from now ----

#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    At(i64),
    Never,
    Unknown,
    Unreadable,
}

fn due(rule: &Rule, machine: &Machine) -> Due {
    let life = |hours: i64| machine.age.map_or(Due::Unknown, |age| Due::At(hours - age));
    match rule.expire {
        Expire::AtOnce => Due::At(0),
        Expire::After(hours) => life(hours),
        Expire::At(at) => Due::At(at),
        Expire::Tag { default, max } => {
            let Some((_, meaning)) = machine.ttl else {
                return default.map_or(Due::Never, life);
            };
            let bought = match meaning {
                Meaning::Unreadable => return Due::Unreadable,
                Meaning::Never => Due::Never,
                Meaning::Life(hours) => life(hours),
                Meaning::At(at) => Due::At(at),
                Meaning::Day(end) => Due::At(end - rule.zone.1),
            };
            match (bought, max.map(life)) {
                (bought, None) => bought,
                (Due::At(bought), Some(Due::At(cap))) => Due::At(bought.min(cap)),
                (Due::Never, Some(cap)) => cap,
                _ => Due::Unknown,
            }
        }
    }
}

/// What a rule says of a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Word {
    Nothing,
    Unreadable,
    Unknown,
    Excepted,
    Never,
    Due(i64),
}

/// A rule that speaks of a machine, or may, keeps it by a tag that cannot be read; not if it surely excepts it.
fn word(rule: &Rule, machine: &Machine) -> Word {
    let matches = holds(&rule.matches, machine);
    let excepted = some(rule.unless.iter().map(|one| matcher_holds(one, machine)));
    match (matches, excepted, due(rule, machine)) {
        (Some(false), _, _) => Word::Nothing,
        (Some(true), Some(true), _) => Word::Excepted,
        (Some(true), _, Due::Unreadable) | (None, None | Some(false), Due::Unreadable) => {
            Word::Unreadable
        }
        (None, _, _) | (_, None, _) | (_, _, Due::Unknown) => Word::Unknown,
        (_, _, Due::Never) => Word::Never,
        (_, _, Due::At(at)) => Word::Due(at),
    }
}

// ---- When it goes ----

/// The first hour from `from` on at which a rule's schedule fires.
fn fires_from(rule: &Rule, from: i64) -> i64 {
    let (_, period, at) = rule.schedule.unwrap();
    from + (at - rule.zone.1 - from).rem_euclid(period)
}

fn has_turn(turn: &Turn, n: usize, rule: &Rule) -> bool {
    match turn {
        Turn::AllBut(resting) => !resting.contains(&n),
        Turn::Asked(_) if rule.schedule.is_none() => true,
        Turn::Asked(None) => false,
        Turn::Asked(Some(last_run)) => fires_from(rule, last_run + 1) <= 0,
    }
}

/// A match that goes sooner or later.
#[derive(Clone, Copy, Debug)]
struct Taken {
    rule: usize,
    due: i64,
    terminate: i64,
    /// How far the telling is, if its time has come.
    telling: Option<&'static str>,
    now: bool,
}

fn taken(n: usize, rule: &Rule, due: i64, turn: &Turn, past: &Past) -> Taken {
    let (mut earliest, mut telling) = (vec![due], None);
    let latest =
        past.withdrawn.into_iter().chain(past.promise).max_by_key(|promise| promise.terminate);
    earliest.extend(latest.map(|own| own.terminate));
    if let Some(Notice { hours, required }) = rule.notice {
        let promise = past.promise.filter(|promise| promise.to_owner);
        let told = promise.and_then(|own| if required { own.told } else { Some(own.begun) });
        earliest.push(told.unwrap_or(0) + hours);
        let how = match (promise, told) {
            (None, _) => "to_tell",
            (Some(_), None) => "undelivered",
            (Some(_), Some(_)) => "told",
        };
        let is_covered = promise.is_some_and(|own| own.terminate >= due);
        telling = (due <= hours || is_covered).then_some(how);
    } else if let Some(own) = latest.filter(|own| own.terminate > due) {
        telling = Some(own.told.map_or("undelivered", |_| "told"));
    }
    let ready = earliest.into_iter().max().unwrap();
    let turn = has_turn(turn, n, rule);
    let terminate = match rule.schedule {
        None => ready,
        Some(_) if ready > 0 => fires_from(rule, ready),
        Some(_) if turn => ready,
        Some(_) => fires_from(rule, 1),
    };
    Taken { rule: n, due, terminate, telling, now: ready <= 0 && turn }
}

pub(crate) fn eligible(
    protect: &[Matcher],
    machine: &Machine,
    past: &Past,
) -> Result<(), &'static str> {
    if some(protect.iter().map(|one| matcher_holds(one, machine))) != Some(false) {
        return Err("protected");
    }
    let usual = ["RUNNING", "STOPPED", "BOOTING", "STOPPING", "INSTALL_FAILED"];
    match (machine.status, machine.charge) {
        (Some("PENDING" | "CREATING"), _) => return Err("creating"),
        (Some("INSTALLING"), _) => return Err("installing"),
        (Some("RECYCLE"), _) => return Err("recycled"),
        (Some("CREATE_FAILED"), Some("POSTPAID" | "PREPAID")) => {}
        (Some(status), Some("POSTPAID")) if usual.contains(&status) => {}
        (Some(status), Some("PREPAID")) if usual.contains(&status) => return Err("subscription"),
        (Some(status), _) if usual.contains(&status) || status == "CREATE_FAILED" => {
            return Err("unknown_charge_type");
        }
        _ => return Err("unknown_status"),
    }
    match past.hold {
        Some((reason, until)) if until > 0 => Err(reason),
        _ => Ok(()),
    }
}

/// What the model decides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    /// The decision and its reason; that it is unknown, but not what.
    pub(crate) text: String,
    /// The number of the rule that is named.
    pub(crate) rule: Option<usize>,
    pub(crate) due: Option<i64>,
    pub(crate) terminate: Option<i64>,
    /// Until when it is held, if that is the reason.
    pub(crate) held: Option<i64>,
}

pub(crate) fn decide(model: &Model, turn: &Turn, machine: &Machine, past: &Past) -> Decision {
    // What was promised before it was there is about another one.
    let is_about = |own: &Promise| machine.age.is_none_or(|age| -age <= own.begun);
    let (promise, withdrawn) = (past.promise.filter(is_about), past.withdrawn.filter(is_about));
    let past = &Past { promise, withdrawn, ..*past };
    let enabled = model.rules.iter().enumerate().filter(|(_, rule)| rule.enabled);
    let words: Vec<_> = enabled.map(|(n, rule)| (n, word(rule, machine))).collect();
    let kept = |text: &str, rule| Decision {
        text: text.into(),
        rule,
        due: None,
        terminate: None,
        held: None,
    };
    let first = |what| words.iter().find(|(_, word)| *word == what).map(|(n, _)| *n);
    if let Some(n) = first(Word::Unreadable) {
        return kept("skip unreadable_expiry", Some(n));
    }
    let all: Vec<_> = words
        .iter()
        .filter_map(|(n, word)| match word {
            Word::Due(due) => Some(taken(*n, &model.rules[*n], *due, turn, past)),
            _ => None,
        })
        .collect();
    let soonest = all.iter().min_by_key(|one| one.terminate);
    if let Some(own) = all.iter().find(|one| one.now).or(soonest) {
        return take(own, eligible(&model.protect, machine, past), past);
    }
    for (what, text) in [
        (Word::Unknown, "keep unknown"),
        (Word::Never, "keep never"),
        (Word::Excepted, "keep excepted"),
    ] {
        if let Some(n) = first(what) {
            return kept(text, Some(n));
        }
    }
    kept("keep no_rule", None)
}

/// Nobody is told of a machine that cannot be touched; it is skipped once it is due.
fn take(own: &Taken, eligible: Result<(), &'static str>, past: &Past) -> Decision {
    let text = match (eligible, own.telling) {
        (Ok(()), _) if own.now => "terminate due".to_owned(),
        (Err(reason), _) if own.due <= 0 => format!("skip {reason}"),
        (Ok(()), Some(telling)) => format!("notice {telling}"),
        (Ok(()), None) if own.due <= 0 => "wait off_schedule".to_owned(),
        _ => "wait not_due".to_owned(),
    };
    let skipped = text.starts_with("skip");
    let held = past.hold.filter(|(reason, _)| text == format!("skip {reason}"));
    Decision {
        rule: Some(own.rule),
        due: Some(own.due),
        terminate: (!skipped).then_some(own.terminate),
        held: held.map(|(_, until)| until),
        text,
    }
}
