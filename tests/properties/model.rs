//! The language of the design a second time, written from its text as plainly as it can be said.
//!
//! No compiled patterns, hours instead of instants, regular expressions whose meaning is stated by hand; and not a word of
//! the crate's own code.

/// Now, a Tuesday; the model counts hours from here.
pub(crate) const NOW: &str = "2026-11-24T00:00:00Z";

/// What stands in the fleet's fields, and what rules ask of them.
pub(crate) const TEXTS: [&str; 12] =
    ["a", "b", "ab", "A", "a/b", "[a]", "[a] b", "é", "e\u{301}", "主", "Ж🦀", "a\nb"];
pub(crate) const PATTERNS: [&str; 13] =
    ["a", "b", "ab", "A", "*", "a*", "?", "*b", "[a]*", "[[]a]?*", "??", "主", "?🦀"];
pub(crate) const GLOBS: [&str; 11] =
    ["a*", "ab", "[ab]", "?[/b]*", "*", "[é主]", "[А-Я]*", "[!a-z]", "{a,[主]}", "?", "\\[a\\]*"];
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
        let is_short = text.chars().count() == 3 && !text.contains('\n');
        text == "ab" || (is_short && text.starts_with('a') && text.ends_with('b'))
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
pub(crate) const ADDRESSES: [&str; 6] =
    ["10.0.0.5", "10.1.2.3", "203.0.113.7", "2001:db8::1", "2001:db8:1::1", "::ffff:10.9.9.9"];
pub(crate) const NETWORKS: [(&str, &[&str]); 9] = [
    ("10.0.0.0/8", &["10.0.0.5", "10.1.2.3", "::ffff:10.9.9.9"]),
    ("10.0.0.0/16", &["10.0.0.5"]),
    ("203.0.113.7", &["203.0.113.7"]),
    ("::ffff:10.0.0.5", &["10.0.0.5"]),
    ("::ffff:10.0.0.0/104", &["10.0.0.5", "10.1.2.3", "::ffff:10.9.9.9"]),
    ("0.0.0.0/0", &["10.0.0.5", "10.1.2.3", "203.0.113.7", "::ffff:10.9.9.9"]),
    ("2001:db8::/32", &["2001:db8::1", "2001:db8:1::1"]),
    ("2001:db8::/48", &["2001:db8::1"]),
    ("::/0", &["2001:db8::1", "2001:db8:1::1", "::ffff:10.9.9.9"]),
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

pub(crate) const TTLS: [(&str, Meaning); 34] = [
    ("1h", Meaning::Life(1)),
    (" 3d 12h ", Meaning::Life(84)),
    ("P1D", Meaning::Life(24)),
    ("2w", Meaning::Life(336)),
    ("3 Days", Meaning::Life(72)),
    ("0.5d", Meaning::Life(12)),
    ("2026-11-20", Meaning::Day(-72)),
    ("2026-11-23", Meaning::Day(0)),
    ("2026-12-31", Meaning::Day(912)),
    ("2026-11-24T02:00:00+02:00", Meaning::At(0)),
    ("2026-11-22T00:00:00Z", Meaning::At(-48)),
    // Before every creation.
    ("0001-01-01T00:00:00Z", Meaning::Unreadable),
    ("1970-01-01", Meaning::Unreadable),
    ("never", Meaning::Never),
    ("Forever", Meaning::Never),
    ("soon", Meaning::Unreadable),
    ("48", Meaning::Unreadable),
    ("1mo", Meaning::Unreadable),
    ("-1h", Meaning::Unreadable),
    ("2026-02-31", Meaning::Unreadable),
    ("", Meaning::Unreadable),
    ("18:00:00", Meaning::Unreadable),
    ("1,500h", Meaning::Unreadable),
    ("1ms", Meaning::Unreadable),
    ("0s", Meaning::Unreadable),
    ("90 seconds", Meaning::Unreadable),
    // Less than any `min`.
    ("5m", Meaning::Unreadable),
    ("3M", Meaning::Unreadable),
    ("1h 1h", Meaning::Unreadable),
    ("3h 2d", Meaning::Unreadable),
    ("20261120", Meaning::Unreadable),
    ("2026-11-20T00:00:00", Meaning::Unreadable),
    ("2026-11-20 00:00:00Z", Meaning::Unreadable),
    ("2026-W47", Meaning::Unreadable),
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
    /// The tags, of these three, whose values are null, whatever stands above.
    pub(crate) untold: Vec<&'static str>,
    /// Tags whose keys are near misses of these three: the key, the near miss, its value.
    pub(crate) near: Vec<(&'static str, &'static str, Option<&'static str>)>,
}

/// Keys of tags and near misses of them.
pub(crate) const NEAR: [(&str, &str); 6] = [
    ("env", "Env"),
    ("env", "env "),
    ("keep", "KEEP"),
    ("keep", "\u{a0}keep"),
    ("ttl", "TTL"),
    ("ttl", "ttl\u{200b}"),
];

/// On which side of a decision a condition stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Side {
    /// In `match`.
    Takes,
    /// In `unless` and `protect`.
    Protects,
}

impl Side {
    fn turned(self) -> Self {
        if self == Self::Takes { Self::Protects } else { Self::Takes }
    }
}

/// What a machine has under a key of a tag.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tag {
    Absent,
    Untold,
    Value(&'static str),
}

impl Machine {
    fn tag(&self, key: &str) -> Tag {
        let value = match key {
            "env" => self.env,
            "keep" => self.keep,
            _ => self.ttl.map(|(text, _)| text),
        };
        match value {
            _ if self.untold.contains(&key) => Tag::Untold,
            None => Tag::Absent,
            Some(value) => Tag::Value(value),
        }
    }

    fn near_values(&self, key: &str) -> Vec<Option<&'static str>> {
        self.near.iter().filter(|(own, _, _)| *own == key).map(|(_, _, value)| *value).collect()
    }

    /// What the tag `ttl` means; a null, and a near miss in its place, cannot be read.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        match self.tag("ttl") {
            Tag::Untold => Some(Meaning::Unreadable),
            Tag::Absent if !self.near_values("ttl").is_empty() => Some(Meaning::Unreadable),
            Tag::Absent => None,
            Tag::Value(_) => self.ttl.map(|(_, meaning)| meaning),
        }
    }
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
    Tag { default: Option<i64>, min: Option<i64>, max: Option<i64> },
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

/// In a plain text, `*` is any text, `?` one character, and all else is meant as it stands.
fn plain(pattern: &str, text: &str) -> bool {
    plain_from(&letters(pattern), &letters(text))
}

fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn plain_from(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        (['*', rest @ ..], _) => (0..=text.len()).any(|n| plain_from(rest, &text[n..])),
        (_, []) => false,
        ([own, rest @ ..], [other, after @ ..]) => {
            (*own == '?' || own == other) && plain_from(rest, after)
        }
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    glob_from(&letters(pattern), &letters(text))
}

/// Letter by letter.
fn glob_from(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        (['*', rest @ ..], _) => (0..=text.len()).any(|n| glob_from(rest, &text[n..])),
        (['{', rest @ ..], _) => {
            let end = rest.iter().position(|one| *one == '}').unwrap();
            let mut several = rest[..end].split(|one| *one == ',');
            several.any(|one| glob_from(&[one, &rest[end + 1..]].concat(), text))
        }
        (_, []) => false,
        (['?', rest @ ..], [_, after @ ..]) => glob_from(rest, after),
        (['[', class @ ..], [other, after @ ..]) => {
            let end = class.iter().position(|one| *one == ']').unwrap();
            is_in_class(&class[..end], *other) && glob_from(&class[end + 1..], after)
        }
        (['\\', own, rest @ ..] | [own, rest @ ..], [other, after @ ..]) => {
            own == other && glob_from(rest, after)
        }
    }
}

fn is_in_class(class: &[char], letter: char) -> bool {
    match class {
        ['!', rest @ ..] => !is_in_class(rest, letter),
        [from, '-', to, rest @ ..] => (*from..=*to).contains(&letter) || is_in_class(rest, letter),
        [own, rest @ ..] => *own == letter || is_in_class(rest, letter),
        [] => false,
    }
}

fn regex(regexes: &[Regex], pattern: &str, text: &str) -> bool {
    let (_, matches) = regexes.iter().find(|(own, _)| *own == pattern).unwrap();
    matches(text)
}

/// The values of a field.
fn values<'a>(key: &str, machine: &'a Machine) -> Vec<Option<&'a str>> {
    match key {
        "id" => vec![Some(&machine.id)],
        "status" => vec![machine.status],
        "charge_type" => vec![machine.charge],
        "resource_group" => vec![machine.texts[6], machine.texts[7]],
        text => vec![machine.texts[TEXT_KEYS.iter().position(|own| *own == text).unwrap()]],
    }
}

/// Whether a text is what an operator asks for.
fn is_meant(key: &str, op: &Op, text: &str) -> bool {
    let is_word = ["status", "charge_type"].contains(&key);
    let regexes: &[Regex] = if is_word { &WORD_REGEXES } else { &REGEXES };
    let fold = |text: &str| {
        if is_word || key == "hostname" { text.to_uppercase() } else { text.to_owned() }
    };
    match op {
        Op::Plain(list) | Op::In(list) | Op::NotIn(list) => {
            list.iter().any(|one| plain(&fold(one), &fold(text)))
        }
        Op::Glob(list) => list.iter().any(|one| is_glob_meant(key, one, text, is_word)),
        Op::Regex(list) => {
            let text = if is_word { fold(text) } else { text.to_owned() };
            list.iter().any(|one| regex(regexes, one, &text))
        }
        Op::Exists(_) => panic!("whether a text is there is not asked of it"),
    }
}

/// In any letter case, a class holds if either case of a letter is in it.
fn is_glob_meant(key: &str, pattern: &str, text: &str, is_word: bool) -> bool {
    if is_word {
        return glob(&pattern.to_uppercase(), &text.to_uppercase());
    }
    if key != "hostname" {
        return glob(pattern, text);
    }
    // The texts are short: each letter of them is tried in both cases.
    let mut spellings = vec![String::new()];
    for letter in text.chars() {
        let cases = [letter.to_lowercase().to_string(), letter.to_uppercase().to_string()];
        spellings = spellings
            .iter()
            .flat_map(|head| cases.iter().map(move |case| format!("{head}{case}")))
            .collect();
    }
    let patterns = [pattern.to_owned(), pattern.to_lowercase(), pattern.to_uppercase()];
    if pattern.contains('!') {
        return spellings.iter().all(|text| glob(pattern, text));
    }
    patterns.iter().any(|pattern| spellings.iter().any(|text| glob(pattern, text)))
}

/// Any value of a field that is not there may be anything.
fn op_holds(key: &str, op: &Op, machine: &Machine, side: Side) -> Option<bool> {
    if let Some(tag) = key.strip_prefix("tags.") {
        return tag_holds(tag, op, machine, side);
    }
    let values = values(key, machine);
    match op {
        Op::Exists(wanted) => Some(values.iter().any(Option::is_some) == *wanted),
        Op::NotIn(_) => not(some(values.iter().map(|own| own.map(|own| is_meant(key, op, own))))),
        _ => some(values.iter().map(|own| own.map(|own| is_meant(key, op, own)))),
    }
}

/// A tag that is not there is not matched, and one whose value is null may be anything. Where the tag would protect, one whose key
/// is a near miss may be the one that was meant.
fn tag_holds(tag: &str, op: &Op, machine: &Machine, side: Side) -> Option<bool> {
    let near = |side: Side| match side {
        Side::Takes => Vec::new(),
        Side::Protects => machine.near_values(tag),
    };
    let absent = |side: Side| if near(side).is_empty() { Some(false) } else { None };
    let is_there = |side: Side| match machine.tag(tag) {
        Tag::Absent => absent(side),
        Tag::Untold | Tag::Value(_) => Some(true),
    };
    let one_of = |side: Side| match machine.tag(tag) {
        Tag::Absent => absent(side),
        Tag::Untold => None,
        Tag::Value(own) if is_meant(tag, op, own) => Some(true),
        Tag::Value(_) => {
            let may =
                near(side).into_iter().any(|own| own.is_none_or(|own| is_meant(tag, op, own)));
            if may { None } else { Some(false) }
        }
    };
    match op {
        Op::Exists(true) => is_there(side),
        Op::Exists(false) => not(is_there(side.turned())),
        Op::NotIn(_) => not(one_of(side.turned())),
        _ => one_of(side),
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

fn line_holds(line: &Line, machine: &Machine, side: Side) -> Option<bool> {
    let each =
        |all: &[Match], side| all.iter().map(|one| holds(one, machine, side)).collect::<Vec<_>>();
    match line {
        Line::Text(key, ops) => every(ops.iter().map(|op| op_holds(key, op, machine, side))),
        Line::Ip(ops) => every(ops.iter().map(|op| ip_holds(op, machine))),
        Line::Age(tests) => {
            machine.age.map(|age| tests.iter().any(|(own, limit)| age_holds(own, *limit, age)))
        }
        Line::All(all) => every(each(all, side)),
        Line::Any(any) => some(each(any, side)),
        Line::Not(none) => not(some(each(none, side.turned()))),
    }
}

fn matcher_holds(matcher: &Matcher, machine: &Machine, side: Side) -> Option<bool> {
    every(matcher.iter().map(|line| line_holds(line, machine, side)))
}

fn holds(one: &Match, machine: &Machine, side: Side) -> Option<bool> {
    match one {
        Match::Everything => Some(true),
        Match::Matcher(matcher) => matcher_holds(matcher, machine, side),
    }
}

/// Whether a rule matches.
pub(crate) fn matches(rule: &Rule, machine: &Machine) -> Option<bool> {
    holds(&rule.matches, machine, Side::Takes)
}

/// Whether one of some matchers protects.
pub(crate) fn protects(matchers: &[Matcher], machine: &Machine) -> Option<bool> {
    some(matchers.iter().map(|one| matcher_holds(one, machine, Side::Protects)))
}

/// Whether a rule takes a machine sooner or later, as far as its conditions say.
pub(crate) fn takes(rule: &Rule, machine: &Machine) -> bool {
    matches(rule, machine) == Some(true) && protects(&rule.unless, machine) == Some(false)
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
        // An instance that was created later is not meant, and one may have been.
        Expire::At(at) => match machine.age {
            Some(age) if at < -age => Due::Never,
            Some(_) => Due::At(at),
            None => Due::Unknown,
        },
        Expire::Tag { default, min, max } => {
            let Some(meaning) = machine.meaning() else {
                return default.map_or(Due::Never, life);
            };
            // Ten minutes, which is less than an hour and more than none.
            let min = min.unwrap_or(1);
            let until = |at: i64| match machine.age {
                Some(age) if at + age < min => Due::Unreadable,
                Some(_) => Due::At(at),
                None => Due::Unknown,
            };
            let bought = match meaning {
                Meaning::Unreadable => return Due::Unreadable,
                Meaning::Never => Due::Never,
                Meaning::Life(hours) if hours < min => return Due::Unreadable,
                Meaning::Life(hours) => life(hours),
                Meaning::At(at) => until(at),
                Meaning::Day(end) => until(end - rule.zone.1),
            };
            if bought == Due::Unreadable {
                return bought;
            }
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
    let matches = matches(rule, machine);
    let excepted = protects(&rule.unless, machine);
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
    if protects(protect, machine) != Some(false) {
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
