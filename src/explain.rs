//! Why one machine lives or dies, condition by condition.
//!
//! An [`Explanation`] is data, for people and programs to be shown. It decides nothing: each truth is asked of the rule itself,
//! and the one sentence is written from the judgement that a run would make, so it cannot disagree with what is done.

mod asked;
mod expiry;
mod sentence;
mod standing;
mod words;

use jiff::Timestamp;
use serde::Serialize;

pub use self::{
    asked::{Kind, Node, word},
    expiry::{Decider, ExpiryTerms, Reckoning, Says, TagTerms},
    standing::{Caps, Kept, Own, RuleCaps, Standing},
    words::{Length, about, distance, instant},
};
use self::{sentence::Obstacle, standing::asks};
use crate::{
    inventory::Instance,
    plan::{Bound, Course, Judgement, Keep, Plan, Policy, Telling, guard::Limits, memory::Memory},
    rules::{Action, Delivery, NoticePeriod, Rule, Verdict},
};

/// Why one machine lives or dies.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The machine.
    pub instance_id: String,
    /// Its name, if the cloud told it.
    pub name: Option<String>,
    /// The instant that it is judged at.
    pub as_of: Timestamp,
    /// What will happen, and when.
    pub sentence: String,
    /// The decision's name.
    pub decision: &'static str,
    /// The reason's name.
    pub reason: &'static str,
    /// The rule that decides.
    pub rule: Option<String>,
    /// When the machine was or will be due.
    pub due_at: Option<Timestamp>,
    /// When it will be terminated, at the earliest.
    pub terminate_at: Option<Timestamp>,
    /// Until when a hold keeps it, if that is the reason.
    pub held_until: Option<Timestamp>,
    /// What every rule says, in their order; those that are switched off come last.
    pub rules: Vec<RuleView>,
    /// Whether the machine may be touched at all.
    pub eligibility: Standing,
    /// The pause, if an operator said so.
    pub pause: Option<String>,
    /// What the limits say of the plan of this run, if it is known.
    pub caps: Option<Caps>,
    #[serde(skip)]
    told: Told,
}

/// What the sentence was made of, to make it again when more is known.
#[derive(Clone, Debug)]
struct Told {
    essence: String,
    is_to_come: bool,
    obstacles: Vec<Obstacle>,
}

/// What a rule says of the machine.
#[derive(Clone, Debug, Serialize)]
pub struct RuleView {
    /// Its name.
    pub rule: String,
    /// What it is for.
    pub description: Option<String>,
    /// The file that it stands in.
    pub file: String,
    /// The line there.
    pub line: u32,
    /// Whether it counts: `enabled: false` switches it off.
    pub enabled: bool,
    /// What it does to a match: `terminate` or `release`.
    pub action: &'static str,
    /// `no_match`, `excepted`, `matches`, or `unknown_zone` and the like.
    pub verdict: &'static str,
    /// What must hold.
    #[serde(rename = "match")]
    pub matches: Node,
    /// What must not, if the rule says anything of that.
    pub unless: Option<Node>,
    /// When a match is due.
    pub expiry: Reckoning,
    /// When the machine goes by this rule alone, at the earliest; `None`: the rule does not take it, or does not say when.
    pub terminate_at: Option<Timestamp>,
    /// Its notice, if it has one.
    pub notice: Option<NoticeView>,
    /// Its own schedule, if it has one.
    pub schedule: Option<ScheduleView>,
}

/// What is promised to the owner, and how far that is.
#[derive(Clone, Debug, Serialize)]
pub struct NoticeView {
    /// How long before the owner is told.
    pub period: Length,
    /// Whether the machine stays if the owner cannot be told.
    pub required: bool,
    /// `to_tell`, `undelivered` or `told`, if the time to tell has come.
    pub telling: Option<&'static str>,
    /// When the notice was written.
    pub begun_at: Option<Timestamp>,
    /// When it had reached every sink.
    pub told_at: Option<Timestamp>,
    /// The latest time that any notice about the instance named: no rule terminates the instance earlier.
    pub promised_at: Option<Timestamp>,
    /// Another rule that caused the notice; it counts for this one too.
    pub told_of_rule: Option<String>,
    /// Whether the notice went to an earlier owner: the present owner gets a new one.
    pub owner_changed: bool,
}

/// When the rule has its turn.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleView {
    /// The pattern.
    pub pattern: String,
    /// Whether a run that is asked for now would leave the rule out.
    pub resting: bool,
    /// When its schedule fires next.
    pub next_at: Option<Timestamp>,
}

/// Explains what a run at `now` would decide about `instance`.
#[must_use]
pub fn explain(
    policy: &Policy,
    instance: &Instance,
    memory: &Memory,
    now: Timestamp,
) -> Explanation {
    let view = |rule: &Rule| RuleView::of(rule, instance, memory, now);
    let enabled = policy.rules.rules.iter().map(view);
    let disabled =
        policy.rules.disabled.iter().map(|rule| RuleView { enabled: false, ..view(rule) });
    let judgement = policy.judge(instance, memory, now);
    let Judgement { decision, rule, due_at, terminate_at, held_until } = judgement;
    let hold = memory.hold(&instance.id, now);
    let pause = memory.paused(now);
    let bound = memory.bound(instance);
    let promise = bound.standing().or(bound.latest());
    let about = sentence::About { policy, instance, hold, promise, now };
    let told = Told {
        essence: about.essence(&judgement),
        is_to_come: sentence::is_to_come(decision),
        obstacles: pause.map(|_| Obstacle::Pause).into_iter().collect(),
    };
    Explanation {
        instance_id: instance.id.to_string(),
        name: instance.name.as_deref().map(str::to_owned),
        as_of: now,
        sentence: told.sentence(),
        decision: decision.as_str(),
        reason: decision.reason(),
        rule: rule.map(|rule| rule.name.to_string()),
        due_at,
        terminate_at,
        held_until,
        rules: enabled.chain(disabled).collect(),
        eligibility: Standing::of(policy, instance, hold, now),
        pause: pause.map(ToString::to_string),
        caps: None,
        told,
    }
}

impl Explanation {
    /// The same, with what the limits say of the plan that it belongs to.
    #[must_use]
    pub fn within(mut self, plan: &Plan<'_>, limits: &Limits, memory: &Memory) -> Self {
        let caps = Caps::of(plan, limits, memory);
        self.told.obstacles.extend(caps.refused_by.map(Obstacle::Guard));
        Self { sentence: self.told.sentence(), caps: Some(caps), ..self }
    }

    /// The same, where a run calls nothing and tells nobody.
    #[must_use]
    pub fn rehearsed(mut self) -> Self {
        self.told.obstacles.push(Obstacle::DryRun);
        Self { sentence: self.told.sentence(), ..self }
    }

    /// The same, where what is remembered could not be read, so that a run terminates nothing.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.told.obstacles.push(Obstacle::NoMemory);
        Self { sentence: self.told.sentence(), ..self }
    }
}

impl RuleView {
    fn of(rule: &Rule, instance: &Instance, memory: &Memory, now: Timestamp) -> Self {
        let Rule {
            name,
            description,
            matches,
            unless,
            expiry,
            notice,
            schedule,
            action,
            origin,
            ..
        } = rule;
        let course = Course::of(rule, instance, memory, now);
        let (file, line) = origin.line();
        Self {
            rule: name.to_string(),
            description: description.clone(),
            file: file.to_owned(),
            line,
            enabled: true,
            action: match action {
                Action::Terminate => "terminate",
                Action::Release => "release",
            },
            verdict: match rule.evaluate(instance, now) {
                Verdict::NoMatch => "no_match",
                Verdict::Excepted => "excepted",
                Verdict::Matches(_) => "matches",
                Verdict::Unknown(field) => Keep::Unknown(field).as_str(),
            },
            matches: Node::of(matches, instance, now),
            unless: asks(unless).then(|| Node::of(unless, instance, now)),
            expiry: Reckoning::of(expiry, instance),
            terminate_at: course.map(|course| course.terminate_at),
            notice: notice
                .map(|notice| NoticeView::of(rule, notice, memory.bound(instance)).told(course)),
            schedule: schedule.as_ref().map(|schedule| ScheduleView {
                pattern: schedule.pattern().to_owned(),
                resting: memory.resting.contains(name),
                next_at: schedule.next_after(now),
            }),
        }
    }
}

impl NoticeView {
    fn of(rule: &Rule, notice: NoticePeriod, bound: Bound<'_>) -> Self {
        let own = bound.to_owner();
        let other = own.filter(|promise| promise.rule != rule.name);
        Self {
            period: Length(notice.length),
            required: notice.delivery == Delivery::Required,
            telling: None,
            begun_at: own.map(|own| own.begun_at),
            told_at: own.and_then(|own| own.told_at),
            promised_at: bound.latest().map(|latest| latest.terminate_at),
            told_of_rule: other.map(|other| other.rule.to_string()),
            owner_changed: own.is_none() && bound.standing().is_some(),
        }
    }

    fn told(self, course: Option<Course>) -> Self {
        let telling = course.and_then(|course| course.telling);
        Self { telling: telling.map(Telling::as_str), ..self }
    }
}

#[cfg(test)]
mod tests;
