//! The whole plan, decided plainly: protection, eligibility, rules in their order, promises, holds and schedules.

use std::collections::BTreeSet;

use crate::{
    case::{
        Case, Expire, Force, Hold, Instance, MINUTE, Millis, Promise, Rule, Told, Turn, Unless,
    },
    clock,
    truth::{Asking, Truth, addresses, any, near_misses},
    words::{Form, Meaning, STATUSES, meaning},
};

/// What is to be decided. Where the design names no single answer, each of several will do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Expected {
    pub(crate) decision: &'static str,
    /// Reasons, each with the number of the rule that it is of.
    pub(crate) reasons: BTreeSet<(&'static str, Option<usize>)>,
    pub(crate) due: Option<Millis>,
    pub(crate) terminate: Option<Millis>,
}

/// 9999-12-30T22:00:00.999Z, which later instants are taken for.
pub(crate) const FAR: Millis = 253_402_207_200_999;

/// 2014: there is no instance that was created before.
pub(crate) const FIRST_CREATION: Millis = 1_388_534_400_000;

/// When a match is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Due {
    At(Millis),
    Never,
    NoCreation,
    Unreadable,
}

/// What a rule says of an instance.
enum Verdict {
    NoMatch,
    Excluded,
    Unknown(BTreeSet<&'static str>),
    Matches(Due),
}

/// A match that will be terminated, with its times.
struct Candidate<'a> {
    rule: &'a Rule,
    due: Millis,
    /// The earliest termination.
    terminate: Millis,
    reason: (&'static str, &'static str),
}

pub(crate) fn judge(case: &Case, instance: &Instance) -> Expected {
    if !is_readable(instance) {
        return only("keep", "unreadable", None);
    }
    let enabled: Vec<&Rule> = case.rules.iter().filter(|rule| rule.enabled).collect();
    let verdicts: Vec<_> =
        enabled.iter().map(|rule| (*rule, verdict(case, rule, instance))).collect();
    let mut candidates = Vec::new();
    let mut keeps = BTreeSet::new();
    let mut unreadable = BTreeSet::new();
    for (rule, verdict) in verdicts {
        let number = Some(rule.number);
        match verdict {
            Verdict::NoMatch => {}
            Verdict::Excluded => keeps.extend([("excluded", number)]),
            Verdict::Unknown(fields) => keeps.extend(fields.into_iter().map(|one| (one, number))),
            Verdict::Matches(Due::Never) => keeps.extend([("never", number)]),
            Verdict::Matches(Due::NoCreation) => keeps.extend([("unknown_create_time", number)]),
            Verdict::Matches(Due::Unreadable) => unreadable.extend([("unreadable_expiry", number)]),
            Verdict::Matches(Due::At(at)) => candidates.push(candidate(case, rule, instance, at)),
        }
    }
    if !unreadable.is_empty() {
        // Whatever other rules say.
        return Expected { decision: "skip", reasons: unreadable, due: None, terminate: None };
    }
    let Some(first) = first(&candidates) else {
        if keeps.is_empty() {
            return only("keep", "no_rule", None);
        }
        return Expected { decision: "keep", reasons: keeps, due: None, terminate: None };
    };
    let due = Some(first.due);
    let number = Some(first.rule.number);
    let (decision, reason) = first.reason;
    let spared = spared(case, instance);
    // What is not due is not asked whether it may go; but nobody is notified of what may not.
    let (decision, reason) = match spared {
        Some(reason) if first.due <= case.now => {
            let reasons = [(reason, number)].into();
            return Expected { decision: "skip", reasons, due, terminate: None };
        }
        Some(_) if decision == "notice" => ("wait", "not_due"),
        _ => (decision, reason),
    };
    // What was protected until now waits one more run.
    let (decision, reason) = match decision {
        "terminate" if instance.unprotected => ("wait", "protection_vanished"),
        _ => (decision, reason),
    };
    let terminate = Some(first.terminate);
    Expected { decision, reasons: [(reason, number)].into(), due, terminate }
}

fn only(decision: &'static str, reason: &'static str, rule: Option<usize>) -> Expected {
    let reasons = [(reason, rule)].into();
    Expected { decision, reasons, due: None, terminate: None }
}

/// Whether the record is of the documented shape.
fn is_readable(instance: &Instance) -> bool {
    let keys: Vec<&String> = instance.tags().iter().map(|(key, _)| key).collect();
    let distinct: BTreeSet<&String> = keys.iter().copied().collect();
    let values = instance.tags().iter().map(|(_, value)| value);
    let told = instance.texts.iter().map(|(_, told)| told);
    let mut all = values.chain(told).chain([&instance.created.told, &instance.primary]);
    distinct.len() == keys.len() && !all.any(|told| *told == Told::Number)
}

/// The first rule whose time has come; if none has, the one that comes soonest.
fn first<'a, 'r>(candidates: &'a [Candidate<'r>]) -> Option<&'a Candidate<'r>> {
    let acts = candidates.iter().find(|one| one.reason.0 == "terminate");
    acts.or_else(|| candidates.iter().min_by_key(|one| one.terminate))
}

fn verdict(case: &Case, rule: &Rule, instance: &Instance) -> Verdict {
    let mut unknown = BTreeSet::new();
    let mut asking = Asking { instance, now: case.now, goes_where: true, unknown: &mut unknown };
    let match_truth = asking.matches(&rule.matches);
    if match_truth == Some(false) {
        return Verdict::NoMatch;
    }
    asking.goes_where = false;
    let unless = match &rule.unless {
        Unless::Nothing => Some(false),
        Unless::One(matcher) => asking.matcher(matcher),
        Unless::List(list) => any(&asking.each(list)),
    };
    let due = due(case, rule, instance);
    match (match_truth, unless) {
        (Some(true), Some(true)) => Verdict::Excluded,
        (Some(true), Some(false)) => Verdict::Matches(due),
        (_, Some(true)) => Verdict::Unknown(unknown),
        // Whoever wrote such a tag meant to say something, and it may be about this rule.
        _ if due == Due::Unreadable => Verdict::Matches(due),
        _ => Verdict::Unknown(unknown),
    }
}

fn zone<'a>(case: &'a Case, rule: &'a Rule) -> &'a str {
    rule.zone.unwrap_or(case.zone)
}

/// The instant that a date or a timestamp means.
fn instant(case: &Case, rule: &Rule, meaning: Meaning) -> Millis {
    let at = match meaning {
        Meaning::Instant(at) => at,
        Meaning::Date(year, month, day) => clock::end_of_day(zone(case, rule), (year, month, day)),
        other => panic!("{other:?} is no instant"),
    };
    at.min(FAR)
}

fn due(case: &Case, rule: &Rule, instance: &Instance) -> Due {
    let created = instance.created.at;
    let after = |length: Millis| created.map_or(Due::NoCreation, |at| Due::At(at + length));
    match &rule.expire {
        Expire::AtOnce => Due::At(case.now),
        Expire::After(form) => after(form.length()),
        Expire::At(form) => {
            let at = instant(case, rule, form.meaning);
            // It is for the instances that exist by then.
            created.map_or(
                Due::NoCreation,
                |created| if at < created { Due::Never } else { Due::At(at) },
            )
        }
        Expire::Tag { key, default, min, max } => {
            let tag = instance.tags().iter().find(|(own, _)| own == key);
            match tag {
                None if !near_misses(instance, key).is_empty() => Due::Unreadable,
                None => default.map_or(Due::Never, |form| after(form.length())),
                Some((_, Told::Text(text))) => {
                    tagged(case, rule, created, meaning(text), (*min, *max))
                }
                Some(_) => Due::Unreadable,
            }
        }
    }
}

/// When an instance is due whose tag means this.
fn tagged(
    case: &Case,
    rule: &Rule,
    created: Option<Millis>,
    meaning: Meaning,
    (min, max): (Option<Form>, Option<Form>),
) -> Due {
    let max = max.map(Form::length);
    let min = min.map_or((10 * MINUTE).min(max.unwrap_or(Millis::MAX)), Form::length);
    let at = match meaning {
        Meaning::Unreadable => return Due::Unreadable,
        // A life that is so short cannot be meant, whenever it began.
        Meaning::Duration(length) if length < min => return Due::Unreadable,
        Meaning::Duration(length) => match created {
            None => return Due::NoCreation,
            Some(created) => Some(created + length),
        },
        Meaning::Date(..) | Meaning::Instant(_) => Some(instant(case, rule, meaning)),
        Meaning::Never => None,
    };
    let earliest = created.map_or(FIRST_CREATION, |created| created + min);
    if at.is_some_and(|at| at < earliest) {
        return Due::Unreadable;
    }
    match (at, max, created) {
        (Some(_), _, None) | (_, Some(_), None) => Due::NoCreation,
        (Some(at), Some(max), Some(created)) => Due::At(at.min(created + max)),
        (None, Some(max), Some(created)) => Due::At(created + max),
        (Some(at), None, Some(_)) => Due::At(at),
        (None, None, _) => Due::Never,
    }
}

/// Whether a rule has its turn in this run.
fn has_turn(case: &Case, rule: &Rule) -> bool {
    match (&case.turn, rule.schedule) {
        (Turn::Service(resting), _) => !resting.contains(&rule.number),
        (Turn::Asked(_), None) => true,
        (Turn::Asked(None), Some(_)) => false,
        (Turn::Asked(Some(last)), Some(pattern)) => {
            clock::fires_within(pattern, zone(case, rule), *last, case.now)
        }
    }
}

/// Who owns an instance; nobody is the empty text.
fn owner<'a>(case: &Case, instance: &'a Instance) -> &'a str {
    let is_owner = |(key, _): &&(String, Told)| case.owner_tag == Some(key.as_str());
    match instance.tags().iter().find(is_owner) {
        Some((_, Told::Text(text))) => text.trim(),
        _ => "",
    }
}

/// What comes of a match that is due at an instant.
fn candidate<'a>(case: &Case, rule: &'a Rule, instance: &Instance, due: Millis) -> Candidate<'a> {
    let now = case.now;
    let about = |promise: &&Promise| instance.created.at.is_none_or(|at| at <= promise.begun);
    let promises: Vec<&Promise> = instance.promises.iter().filter(about).collect();
    // The last time that an owner was bound binds every rule, whoever was the owner.
    let last = promises.iter().max_by_key(|promise| promise.terminate);
    let bound = last.map_or(due, |promise| promise.terminate.max(due));
    let waits_for_it = last.filter(|promise| promise.terminate > due).map(|promise| {
        ("notice", if promise.told.is_some() { "notice_sent" } else { "notice_failed" })
    });
    // A notice to another owner is none to this one.
    let standing = promises.iter().rfind(|promise| promise.force != Force::TimeOnly);
    let standing =
        standing.filter(|promise| promise.owner.map(str::trim) == Some(owner(case, instance)));
    let (reason, earliest, is_notified) = match &rule.notice {
        None if due > now => (waits_for_it.unwrap_or(("wait", "not_due")), bound, true),
        None => (waits_for_it.unwrap_or(("wait", "off_schedule")), bound, true),
        Some(notice) => {
            let length = notice.length.length();
            let required = notice.required != Some(false);
            let sent = standing.and_then(|one| if required { one.told } else { Some(one.begun) });
            // A notice that names a time before this one is about another date, and is withdrawn.
            let is_of_this_date = standing.is_some_and(|promise| promise.terminate >= due);
            match (standing, sent) {
                _ if now < due - length && !is_of_this_date => (("wait", "not_due"), bound, false),
                (None, _) => (("notice", "notice_pending"), bound.max(now + length), false),
                (Some(_), None) => (("notice", "notice_failed"), bound.max(now + length), false),
                (Some(_), Some(sent)) => {
                    (("notice", "notice_sent"), bound.max(sent + length), true)
                }
            }
        }
    };
    let may_go = is_notified && earliest <= now;
    if may_go && has_turn(case, rule) {
        return Candidate { rule, due, terminate: earliest, reason: ("terminate", "due") };
    }
    let terminate = match rule.schedule {
        // No schedule is followed as far as that.
        Some(_) if earliest >= FAR => FAR,
        Some(pattern) => {
            let from = if may_go { now + 1 } else { earliest };
            clock::first_firing(pattern, zone(case, rule), from)
        }
        None => earliest,
    };
    Candidate { rule, due, terminate, reason }
}

/// Why an instance is not to be touched.
fn spared(case: &Case, instance: &Instance) -> Option<&'static str> {
    let mut unknown = BTreeSet::new();
    let mut asking = Asking { instance, now: case.now, goes_where: false, unknown: &mut unknown };
    let protected: Truth = any(&asking.each(&case.protect));
    if protected != Some(false) {
        return Some("protected");
    }
    if is_host(case, instance) {
        return Some("self");
    }
    let hold = instance.hold.as_ref().filter(|Hold { until, .. }| case.now < *until);
    by_status(instance).or_else(|| hold.map(|hold| crate::reason(hold.reason)))
}

fn by_status(instance: &Instance) -> Option<&'static str> {
    let status = instance.text("instanceStatus").filter(|status| STATUSES.contains(status));
    let charge = instance.text("instanceChargeType");
    match (status, charge) {
        (None, _) => Some("unknown_status"),
        (Some("PENDING" | "CREATING"), _) => Some("creating"),
        (Some("INSTALLING"), _) => Some("installing"),
        (Some("RECYCLE"), _) => Some("recycled"),
        (Some(_), Some("POSTPAID")) | (Some("CREATE_FAILED"), Some("PREPAID")) => None,
        (Some(_), Some("PREPAID")) => Some("subscription"),
        (Some(_), _) => Some("unknown_charge_type"),
    }
}

fn is_host(case: &Case, instance: &Instance) -> bool {
    let lower = |text: &str| text.to_lowercase();
    let own = |list: &[&'static str]| list.to_vec();
    let host = Instance {
        primary: Told::Absent,
        public: Some(own(&case.host.addresses)),
        private: None,
        ..instance.clone()
    };
    let theirs = addresses(instance).0;
    let same_address = addresses(&host).0.iter().any(|one| theirs.contains(one));
    let same_name = instance.text("hostname").is_some_and(|name| {
        let (name, names) = (lower(name), case.host.names.iter().map(|own| lower(own)));
        let up_to_domain = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'))
        };
        let is_short = |text: &str| !text.contains('.');
        names.into_iter().any(|own| {
            own == name
                || (is_short(&own) && up_to_domain(&name, &own))
                || (is_short(&name) && up_to_domain(&own, &name))
        })
    });
    let same_id = case.host.ids.iter().any(|id| id.eq_ignore_ascii_case(&instance.id));
    same_address || same_name || same_id
}
