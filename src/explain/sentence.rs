//! The one sentence: what will happen to a machine, and when.
//!
//! It is written from the judgement and from nothing else that decides; the rest only says why.

use jiff::Timestamp;

use super::{
    Told,
    asked::{Kind, Node},
    expiry::{ExpiryTerms, Reckoning, Says},
    words::{distance, instant},
};
use crate::{
    inventory::{ChargeType, Instance, Status},
    lifetime::shorten,
    plan::{
        Decision, Delay, Judgement, Keep, Policy, Skip, Telling,
        eligibility::Likeness,
        memory::{Hold, Promise},
    },
    rules::{Condition, Field, NearMiss, Rule, Truth},
};

/// What keeps a run from doing what was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Obstacle {
    /// An operator stopped all terminations.
    Pause,
    /// A guard refuses the plan of this run.
    Guard(&'static str),
    /// The mode is dry-run.
    DryRun,
    /// The journal cannot be read.
    NoMemory,
}

impl Obstacle {
    fn words(self) -> String {
        match self {
            Self::Pause => "terminations are paused".to_owned(),
            Self::Guard(guard) => format!("{guard} refuses the plan of this run"),
            Self::DryRun => "the mode is dry-run".to_owned(),
            Self::NoMemory => "the journal cannot be read".to_owned(),
        }
    }
}

impl Told {
    /// The sentence, with what stands in the way of it.
    pub(super) fn sentence(&self) -> String {
        let Self { essence, is_to_come, obstacles } = self;
        let words: Vec<_> = obstacles.iter().map(|obstacle| obstacle.words()).collect();
        if !is_to_come || words.is_empty() {
            return format!("{essence}.");
        }
        format!("{essence}; but not as long as {}.", words.join(" and "))
    }
}

/// Whether a decision means that the machine goes sooner or later.
pub(super) fn is_to_come(decision: Decision) -> bool {
    match decision {
        Decision::Terminate | Decision::Notice(_) | Decision::Wait(_) => true,
        Decision::Skip(_) | Decision::Keep(_) => false,
    }
}

/// Whom a sentence is about.
pub(super) struct About<'a> {
    pub(super) policy: &'a Policy,
    pub(super) instance: &'a Instance,
    pub(super) hold: Option<Hold>,
    pub(super) promise: Option<&'a Promise>,
    pub(super) now: Timestamp,
}

impl About<'_> {
    /// The sentence without its stop.
    pub(super) fn essence(&self, judgement: &Judgement<'_>) -> String {
        let Some(rule) = judgement.rule else {
            return "It stays: no rule matches".to_owned();
        };
        let name = rule.name.as_str();
        match judgement.decision {
            Decision::Terminate => {
                format!("It will be terminated by the rule {name} at the next run")
            }
            Decision::Notice(telling) => self.noticed(name, telling, judgement.terminate_at),
            Decision::Wait(delay) => self.waits(name, delay, judgement.terminate_at),
            Decision::Skip(Skip::UnreadableExpiry) => {
                format!("It stays, whatever other rules say: {}", self.unreadable(rule))
            }
            Decision::Skip(skip) => {
                format!("It stays: {}, though the rule {name} takes it", self.because(skip))
            }
            Decision::Keep(keep) => self.kept(rule, keep),
        }
    }

    fn at(&self, at: Option<Timestamp>) -> String {
        let at = at.unwrap_or(Timestamp::MAX);
        format!("{} ({})", instant(at), distance(at, self.now))
    }

    fn noticed(&self, rule: &str, telling: Telling, at: Option<Timestamp>) -> String {
        let at = self.at(at);
        match telling {
            Telling::ToTell => format!(
                "Its owner will be told at the next run, and the rule {rule} terminates it not before {at}"
            ),
            Telling::Undelivered => format!(
                "The notice to its owner has not reached every sink yet, and the rule {rule} terminates it not before {at}"
            ),
            Telling::Told => {
                let since = self.promise.map(|promise| promise.told_at.unwrap_or(promise.begun_at));
                let since = since.map(|since| format!(" {}", distance(since, self.now)));
                let since = since.unwrap_or_default();
                let other = self.promise.filter(|promise| promise.rule.as_str() != rule);
                let other = other.map(|other| format!(" by a notice of the rule {}", other.rule));
                let other = other.unwrap_or_default();
                format!(
                    "Its owner was told{since}{other}, and the rule {rule} terminates it on {at}, unless it stops matching"
                )
            }
        }
    }

    fn waits(&self, rule: &str, delay: Delay, at: Option<Timestamp>) -> String {
        let when = self.at(at);
        match delay {
            Delay::OffSchedule => format!(
                "It is due, and will be terminated by the rule {rule} at its next turn on {when}"
            ),
            Delay::ProtectionVanished => format!(
                "What protected it vanished since the last accepted inventory, so it waits one run; the rule {rule} terminates it at the next run unless its protection is back"
            ),
            Delay::NotDue => match self.in_the_way(at) {
                None => format!(
                    "It will be terminated by the rule {rule} on {when}, unless it stops matching"
                ),
                Some(skip) => format!(
                    "It stays as long as {}; else the rule {rule} terminates it on {when}",
                    self.because(skip)
                ),
            },
        }
    }

    /// What says against a termination at that instant, as far as that is known now.
    fn in_the_way(&self, at: Option<Timestamp>) -> Option<Skip> {
        let hold = self.hold.filter(|hold| at.is_none_or(|at| at < hold.until));
        self.policy.eligible(self.instance, hold, self.now).err()
    }

    fn kept(&self, rule: &Rule, keep: Keep) -> String {
        let name = &rule.name;
        match keep {
            Keep::NoRule | Keep::Unreadable => "It stays: no rule matches".to_owned(),
            Keep::Excepted => format!(
                "It stays: {} protects it from the rule {name}, and no other rule takes it",
                self.exception(rule)
            ),
            Keep::Never => {
                format!("It stays: by the rule {name} it is never due, {}", self.never(rule))
            }
            Keep::Unknown(Field::NearMiss) => format!(
                "It stays: {}, so the instance is protected from the rule {name}",
                self.near_miss([&rule.unless, &rule.matches])
            ),
            Keep::Unknown(Field::Tag) => format!(
                "It stays: the rule {name} asks for a tag whose value the cloud did not tell"
            ),
            Keep::Unknown(field) => format!(
                "It stays: whether and when the rule {name} takes it depends on {}, which the cloud did not tell",
                of_field(field)
            ),
        }
    }

    /// The first question of `unless` that holds.
    fn exception(&self, rule: &Rule) -> String {
        let unless = Node::of(&rule.unless, self.instance, self.now);
        let Some(node) = unless.deciding() else { return "`unless`".to_owned() };
        let tag = node.seen.as_deref().and_then(|seen| seen.strip_prefix("tags."));
        match (node.kind, tag) {
            (Kind::Question, Some(tag)) => format!("its tag {}", shorten(tag)),
            (Kind::Question | Kind::All | Kind::Any | Kind::Not, _) => {
                format!("`unless: {}`", node.in_words())
            }
        }
    }

    /// The tag whose key is a near miss of one that these conditions ask for.
    fn near_miss<const N: usize>(&self, conditions: [&Condition; N]) -> String {
        let found = conditions.into_iter().find_map(|one| one.near_miss(self.instance));
        found.map_or_else(
            || "the key of one of its tags is a near miss".to_owned(),
            |NearMiss { own, asked }| {
                format!("its tag `{}` is a near miss of `{}`", shorten(own), shorten(asked))
            },
        )
    }

    fn never(&self, rule: &Rule) -> String {
        match Reckoning::of(&rule.expiry, self.instance).terms {
            ExpiryTerms::Tag(tag) if tag.value.is_none() => {
                format!("since it has no tag {} and the rule no default", shorten(&tag.key))
            }
            ExpiryTerms::Tag(tag) => format!("as its tag {} says", shorten(&tag.key)),
            ExpiryTerms::At { at } => format!("since it was created after {}", instant(at)),
            ExpiryTerms::AtOnce | ExpiryTerms::After { .. } => String::new(),
        }
    }

    fn unreadable(&self, rule: &Rule) -> String {
        let terms = Reckoning::of(&rule.expiry, self.instance).terms;
        let (key, why) = match terms {
            ExpiryTerms::Tag(tag) => match tag.says {
                Says::Unreadable(why) => (tag.key, why),
                Says::Nothing | Says::Life(_) | Says::Until(_) | Says::Never => {
                    (tag.key, String::new())
                }
            },
            ExpiryTerms::AtOnce | ExpiryTerms::After { .. } | ExpiryTerms::At { .. } => {
                Default::default()
            }
        };
        format!(
            "its tag {}, by which the rule {} goes, cannot be read: {why}",
            shorten(&key),
            rule.name
        )
    }

    /// Why it is not to be touched.
    fn because(&self, skip: Skip) -> String {
        let until = self.hold.map(|hold| instant(hold.until)).unwrap_or_default();
        match skip {
            Skip::Protected => self.protected(),
            Skip::Own => self.own(),
            Skip::Held => format!("an operator keeps it until {until}"),
            Skip::Commitment => {
                format!(
                    "the API refused it because of its commitment, and it is left alone until {until}"
                )
            }
            Skip::Accepted => {
                format!("its termination was accepted before, and it is left alone until {until}")
            }
            Skip::Subscription => "it is a subscription".to_owned(),
            Skip::Creating => "it is being created".to_owned(),
            Skip::Installing => "it is being installed".to_owned(),
            Skip::Recycled => "it is in the recycle bin already".to_owned(),
            Skip::UnknownStatus => {
                not_known("status", self.instance.status.as_ref().map(Status::as_str))
            }
            Skip::UnknownChargeType => {
                let charge_type = self.instance.charge_type.as_ref().map(ChargeType::as_str);
                not_known("charge type", charge_type)
            }
            Skip::UnreadableExpiry => "its tag cannot be read".to_owned(),
            Skip::NotInPlan => "it is not in the plan".to_owned(),
        }
    }

    fn protected(&self) -> String {
        let protect = Node::of(&self.policy.protect, self.instance, self.now);
        if protect.truth == Truth::Unknown(Field::NearMiss) {
            let near = self.near_miss([&self.policy.protect]);
            return format!(
                "{near}, which `protect` in the config asks for, so the instance is protected"
            );
        }
        if let Truth::Unknown(field) = protect.truth {
            return format!("`protect` may hold for it, since {} was not told", of_field(field));
        }
        let first = protect.deciding().map(|node| format!(" ({})", node.in_words()));
        format!("`protect` in the config holds for it{}", first.unwrap_or_default())
    }

    fn own(&self) -> String {
        let by = match self.policy.host.likeness(self.instance) {
            Some(Likeness::Address(address)) => format!("both have the address {address}"),
            Some(Likeness::Hostname(name)) => format!("both have the name {}", shorten(&name)),
            Some(Likeness::Id) | None => "both have the id".to_owned(),
        };
        format!("zenreaper runs on it, as {by}")
    }
}

fn of_field(field: Field) -> String {
    format!("its {}", field.as_str().replace('_', " "))
}

fn not_known(what: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("its {what} {} is not known here", shorten(value)),
        None => format!("its {what} was not told"),
    }
}
