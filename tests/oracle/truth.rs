//! What matchers say of an instance, in three values.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv6Addr},
};

use crate::case::{Field, Instance, IpOp, Line, Match, Matcher, Millis, Op, Told};

/// True, false, or unknown.
pub(crate) type Truth = Option<bool>;

/// Whose question it is.
pub(crate) struct Asking<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) now: Millis,
    /// Whether an instance goes where the answer is true, as that of `match`, or where it is false, as those of `unless` and
    /// `protect`. Each `not` turns it round.
    pub(crate) goes_where: bool,
    /// What turned out to be unknown.
    pub(crate) unknown: &'a mut BTreeSet<&'static str>,
}

pub(crate) fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

pub(crate) fn all(truths: &[Truth]) -> Truth {
    if truths.contains(&Some(false)) {
        Some(false)
    } else if truths.contains(&None) {
        None
    } else {
        Some(true)
    }
}

pub(crate) fn any(truths: &[Truth]) -> Truth {
    let opposites: Vec<_> = truths.iter().map(|truth| not(*truth)).collect();
    not(all(&opposites))
}

/// How a condition names a field, the API's names of it, and the name of its being unknown.
pub(crate) fn names(field: Field) -> (&'static str, &'static [&'static str], &'static str) {
    match field {
        Field::Id => ("id", &["instanceId"], "unknown_id"),
        Field::Name => ("name", &["instanceName"], "unknown_name"),
        Field::Hostname => ("hostname", &["hostname"], "unknown_hostname"),
        Field::Zone => ("zone", &["zoneId"], "unknown_zone"),
        Field::Type => ("type", &["instanceTypeId"], "unknown_type"),
        Field::Image => ("image", &["imageName"], "unknown_image"),
        Field::Status => ("status", &["instanceStatus"], "unknown_status"),
        Field::ChargeType => ("charge_type", &["instanceChargeType"], "unknown_charge_type"),
        Field::InternetChargeType => {
            ("internet_charge_type", &["internetChargeType"], "unknown_internet_charge_type")
        }
        Field::ResourceGroup => {
            ("resource_group", &["resourceGroupId", "resourceGroupName"], "unknown_resource_group")
        }
    }
}

impl Asking<'_> {
    pub(crate) fn matches(&mut self, what: &Match) -> Truth {
        match what {
            Match::Everything => Some(true),
            Match::Matcher(matcher) => self.matcher(matcher),
        }
    }

    pub(crate) fn matcher(&mut self, matcher: &Matcher) -> Truth {
        let truths: Vec<_> = matcher.iter().map(|line| self.line(line)).collect();
        all(&truths)
    }

    pub(crate) fn each(&mut self, matchers: &[Matcher]) -> Vec<Truth> {
        matchers.iter().map(|matcher| self.matcher(matcher)).collect()
    }

    fn line(&mut self, line: &Line) -> Truth {
        match line {
            Line::Text(field, ops) => self.field(*field, ops),
            Line::Tag(key, ops) => self.tag(key, ops),
            Line::Ip(ops) => self.ip(ops),
            Line::Age(tests) => {
                let Some(created) = self.instance.created.at else {
                    return self.is_unknown("unknown_create_time");
                };
                let age = self.now - created;
                let truth = tests.iter().any(|(sign, form)| match *sign {
                    ">" => age > form.length(),
                    ">=" => age >= form.length(),
                    "<" => age < form.length(),
                    "<=" => age <= form.length(),
                    other => panic!("no comparison {other}"),
                });
                Some(truth)
            }
            Line::All(list) => all(&self.each(list)),
            Line::Any(list) => any(&self.each(list)),
            Line::Not(list) => {
                self.goes_where = !self.goes_where;
                let truths = self.each(list);
                self.goes_where = !self.goes_where;
                not(any(&truths))
            }
        }
    }

    fn is_unknown(&mut self, name: &'static str) -> Truth {
        self.unknown.insert(name);
        None
    }

    fn field(&mut self, field: Field, ops: &[Op]) -> Truth {
        let (_, api, unknown) = names(field);
        let values: Vec<Option<&str>> = match field {
            Field::Id => vec![Some(&self.instance.id)],
            _ => api.iter().map(|name| self.instance.text(name)).collect(),
        };
        let any_case = matches!(field, Field::Status | Field::ChargeType | Field::Hostname);
        let one = |op: &Op| match op {
            Op::Exists(wanted) => Some(values.iter().any(Option::is_some) == *wanted),
            op => {
                let holds = |value: Option<&str>| value.and_then(|text| fits(op, text, any_case));
                let truths: Vec<_> = values.iter().copied().map(holds).collect();
                if is_negative(op) { not(any(&truths)) } else { any(&truths) }
            }
        };
        let truth = all(&ops.iter().map(one).collect::<Vec<_>>());
        if truth.is_none() { self.is_unknown(unknown) } else { truth }
    }

    fn tag(&mut self, key: &str, ops: &[Op]) -> Truth {
        let own = self.instance.tags().iter().find(|(own, _)| own == key).map(|(_, value)| value);
        let near = near_misses(self.instance, key);
        let goes = Some(self.goes_where);
        let mut truths = Vec::new();
        for op in ops {
            let truth = of_tag(op, own);
            if truth.is_none() {
                self.is_unknown("unknown_tag");
            }
            // Somebody meant the key that the rule asks for: no instance goes because that key is not there. Beside the key
            // itself, a near miss protects only if its own value would.
            let protects = match own {
                None => !near.is_empty(),
                Some(_) => near.iter().any(|value| of_tag(op, Some(value)) != goes),
            };
            let spares = of_tag(op, None) == goes;
            truths.push(if spares && truth == goes && protects {
                self.is_unknown("near_miss")
            } else {
                truth
            });
        }
        all(&truths)
    }

    fn ip(&mut self, ops: &[IpOp]) -> Truth {
        let (addresses, all_told) = addresses(self.instance);
        let or_unknown = |found: bool| if found || all_told { Some(found) } else { None };
        let within = |networks: &[&str]| {
            let in_one = |address| networks.iter().any(|network| lies_in(address, network));
            or_unknown(addresses.iter().copied().any(in_one))
        };
        let one = |op: &IpOp| match op {
            IpOp::Plain(networks) | IpOp::In(networks) => within(networks),
            IpOp::NotIn(networks) => not(within(networks)),
            IpOp::Exists(wanted) => or_unknown(!addresses.is_empty()).map(|has| has == *wanted),
        };
        let truth = all(&ops.iter().map(one).collect::<Vec<_>>());
        if truth.is_none() { self.is_unknown("unknown_ip") } else { truth }
    }
}

fn is_negative(op: &Op) -> bool {
    matches!(op, Op::NotIn(_))
}

/// The values of an instance's tags whose keys differ from this one only in letter case, outer white
/// space, letters that are not drawn, or how Unicode spells a letter.
pub(crate) fn near_misses<'a>(instance: &'a Instance, key: &str) -> Vec<&'a Told> {
    let fold = |key: &str| {
        // Of the letters that Unicode spells in two ways, and of those that nobody sees, the alphabet has these.
        key.trim()
            .to_lowercase()
            .replace("o\u{308}", "ö")
            .replace('ß', "ss")
            .replace(['\u{200b}', '\u{feff}'], "")
    };
    let near = instance.tags().iter().filter(|(own, _)| own != key && fold(own) == fold(key));
    near.map(|(_, value)| value).collect()
}

/// What an operator says of a tag; `None`: there is no such tag.
fn of_tag(op: &Op, value: Option<&Told>) -> Truth {
    match (op, value) {
        (Op::Exists(wanted), value) => Some(value.is_some() == *wanted),
        (op, None) => Some(is_negative(op)),
        (op, Some(Told::Text(text))) => {
            let fits = fits(op, text, false);
            if is_negative(op) { not(fits) } else { fits }
        }
        (_, Some(_)) => None,
    }
}

/// Whether a text is one of those that the operator lists; what `not_in` makes of that is not asked here.
fn fits(op: &Op, text: &str, any_case: bool) -> Truth {
    let fold = |text: &str| if any_case { text.to_lowercase() } else { text.to_owned() };
    let folded = fold(text);
    let fits = match op {
        Op::Plain(list) | Op::In(list) | Op::NotIn(list) => {
            list.iter().any(|pattern| glob(&fold(pattern), &folded, Special::StarAndMark))
        }
        Op::Glob(list) => list.iter().any(|pattern| {
            braces(&fold(pattern)).iter().any(|one| glob(one, &folded, Special::ClassesToo))
        }),
        // What a text with control characters is for a regular expression is nobody's guess.
        Op::Regex(_) if text.contains(char::is_control) => return None,
        Op::Regex(list) => list.iter().any(|regex| (regex.holds)(text)),
        Op::Exists(_) => panic!("exists has no texts"),
    };
    Some(fits)
}

/// What is special in a pattern.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Special {
    StarAndMark,
    ClassesToo,
}

/// The patterns that a pattern with one pair of braces stands for.
pub(crate) fn braces(pattern: &str) -> Vec<String> {
    match (pattern.find('{'), pattern.find('}')) {
        (Some(open), Some(close)) => {
            let (before, inner, after) =
                (&pattern[..open], &pattern[open + 1..close], &pattern[close + 1..]);
            inner.split(',').map(|one| format!("{before}{one}{after}")).collect()
        }
        _ => vec![pattern.to_owned()],
    }
}

/// Whether a pattern fits a whole text, letter by letter.
pub(crate) fn glob(pattern: &str, text: &str, special: Special) -> bool {
    let mut rest = pattern.chars();
    let Some(first) = rest.next() else { return text.is_empty() };
    let mut letters = text.chars();
    match first {
        '*' => {
            let ends = text.char_indices().map(|(n, _)| n).chain([text.len()]);
            let mut tails = ends.map(|n| &text[n..]);
            tails.any(|tail| glob(rest.as_str(), tail, special))
        }
        '[' if special == Special::ClassesToo => {
            let (class, after) = rest.as_str().split_once(']').unwrap();
            let fits = letters.next().is_some_and(|letter| in_class(class, letter));
            fits && glob(after, letters.as_str(), special)
        }
        '?' => letters.next().is_some() && glob(rest.as_str(), letters.as_str(), special),
        letter => letters.next() == Some(letter) && glob(rest.as_str(), letters.as_str(), special),
    }
}

/// Whether a letter is in a class such as `!a-zé`.
fn in_class(class: &str, letter: char) -> bool {
    let (negated, class) = match class.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, class),
    };
    let letters: Vec<char> = class.chars().collect();
    let (mut n, mut found) = (0, false);
    while n < letters.len() {
        if letters.get(n + 1) == Some(&'-') && n + 2 < letters.len() {
            found |= (letters[n]..=letters[n + 2]).contains(&letter);
            n += 3;
        } else {
            found |= letters[n] == letter;
            n += 1;
        }
    }
    found != negated
}

/// An address as one of IPv6, so that an IPv4 address is the same in both ways to write it.
fn wide(text: &str) -> Option<u128> {
    let address: IpAddr = text.parse().ok()?;
    Some(match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().into(),
        IpAddr::V6(six) => Ipv6Addr::into(six),
    })
}

/// The addresses that can be read, and whether they are all that there are.
pub(crate) fn addresses(instance: &Instance) -> (Vec<u128>, bool) {
    let lists = [&instance.public, &instance.private];
    let mut texts: Vec<&str> = lists.into_iter().flatten().flatten().copied().collect();
    if let Told::Text(primary) = &instance.primary {
        texts.push(primary);
    }
    let read: Vec<_> = texts.into_iter().map(wide).collect();
    let all_told = lists.iter().all(|list| list.is_some()) && !read.contains(&None);
    (read.into_iter().flatten().collect(), all_told)
}

fn lies_in(address: u128, network: &str) -> bool {
    let (text, bits) = match network.split_once('/') {
        Some((text, bits)) => (text, bits.parse::<u32>().unwrap()),
        None => (network, if network.contains(':') { 128 } else { 32 }),
    };
    // The bits of an IPv4 network are the last ones of those of IPv6.
    let bits = if text.contains(':') { bits } else { bits + 96 };
    let same = 128 - bits;
    address >> same == wide(text).unwrap() >> same
}
