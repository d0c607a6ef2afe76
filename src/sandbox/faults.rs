//! Faults that the sandbox commits on demand: what can go wrong between a client and a cloud.
//!
//! A fault names the calls that it strikes and what it does to them. Every live fault that
//! concerns a call takes part in it (a latency and an error, say), but only the first one that
//! decides the answer does so; the others are not used up by that call.

mod loss;
mod spelling;

use std::time::Duration;

use super::action::Action;

pub use loss::Loss;
pub use spelling::{GRAMMAR, SpellingError};

/// A fault and the calls that it strikes.
///
/// Its text form is that of the command line: `error=INTERNAL_SERVER_ERROR,status=500,times=2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Only calls of this action; any request without it, even one that is no call at all.
    pub action: Option<Action>,
    /// Only calls that name this instance.
    pub instance: Option<String>,
    /// Only listings of this page.
    pub page: Option<u32>,
    /// So many calls; without it, for ever.
    pub times: Option<u32>,
    /// So many whole listings, with the calls that name instances in between; without it, for ever.
    pub listings: Option<u32>,
    /// So many of the calls that it would strike pass first.
    pub skip: u32,
    /// What it does.
    pub effect: Effect,
}

impl From<Effect> for Fault {
    /// The fault that strikes every call, for ever.
    fn from(effect: Effect) -> Self {
        Self {
            action: None,
            instance: None,
            page: None,
            times: None,
            listings: None,
            skip: 0,
            effect,
        }
    }
}

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The call is handled this much later.
    Latency(Duration),
    /// The server's clock is off by so many seconds: the `Date` header and the check of the
    /// signature's time.
    Skew(i64),
    /// The call is refused with this status and code.
    Code {
        /// The HTTP status.
        status: u16,
        /// The error code.
        code: String,
    },
    /// The call is refused as one too many.
    TooMany {
        /// Seconds for a `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// The connection is reset; nothing is answered and nothing happened.
    Reset,
    /// The call takes effect, then the connection is reset: the lost answer.
    ResetAfterEffect,
    /// Nothing is answered and nothing happened, until the client gives up.
    Hang,
    /// The call takes effect, then nothing is answered until the client gives up.
    HangAfterEffect,
    /// The call takes effect, but only half of the promised body arrives.
    CutOff,
    /// The call takes effect, and is answered by this status and code all the same.
    CodeAfterEffect {
        /// The HTTP status.
        status: u16,
        /// The error code.
        code: String,
    },
    /// The call takes effect, and is answered by this status and an HTML body, as by a gateway.
    HtmlAfterEffect(u16),
    /// An interposed security challenge: 403, an HTML body, `cf-mitigated: challenge`.
    Challenge,
    /// Blocked by policy: 451.
    Blocked,
    /// 200 with an HTML body.
    NotJson,
    /// A listing's `totalCount` is off by so much.
    TotalCount(i64),
    /// A listing's page repeats its first entry in the place of its last.
    Duplicate,
    /// A listing's page misses its first entry without a word.
    Shift,
    /// A listing has only so many percent of its instances, the first ones, and adds up all the same; 0: it is empty.
    Partial(u32),
    /// The entries of an answer lost something.
    Loss(Loss),
}

/// When an effect comes into play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before the call is checked, so that even a bad signature meets it.
    Arrival,
    /// Once the call has passed every check; what the machines made of it does not matter.
    Answer,
}

impl Effect {
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Latency(_)
            | Self::Skew(_)
            | Self::Code { .. }
            | Self::TooMany { .. }
            | Self::Reset
            | Self::Hang
            | Self::Challenge
            | Self::Blocked
            | Self::NotJson => Stage::Arrival,
            Self::ResetAfterEffect
            | Self::HangAfterEffect
            | Self::CutOff
            | Self::CodeAfterEffect { .. }
            | Self::HtmlAfterEffect(_)
            | Self::TotalCount(_)
            | Self::Duplicate
            | Self::Shift
            | Self::Partial(_)
            | Self::Loss(_) => Stage::Answer,
        }
    }

    /// Whether it decides how the call ends, which only one effect can.
    fn is_final(&self) -> bool {
        match self {
            Self::Latency(_)
            | Self::Skew(_)
            | Self::TotalCount(_)
            | Self::Duplicate
            | Self::Shift
            | Self::Partial(_)
            | Self::Loss(_) => false,
            Self::Code { .. }
            | Self::TooMany { .. }
            | Self::Reset
            | Self::ResetAfterEffect
            | Self::Hang
            | Self::HangAfterEffect
            | Self::CutOff
            | Self::CodeAfterEffect { .. }
            | Self::HtmlAfterEffect(_)
            | Self::Challenge
            | Self::Blocked
            | Self::NotJson => true,
        }
    }

    fn is_about_listings(&self) -> bool {
        matches!(
            self,
            Self::TotalCount(_) | Self::Duplicate | Self::Shift | Self::Partial(_) | Self::Loss(_)
        )
    }
}

/// What a fault is told by: the outside of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) action: Option<Action>,
    pub(super) instances: Vec<String>,
    pub(super) page: Option<u32>,
}

impl Target {
    /// Whether a listing of all instances begins with this call.
    fn begins_listing(&self) -> bool {
        self.action == Some(Action::DescribeInstances)
            && self.instances.is_empty()
            && self.page == Some(1)
    }
}

impl Fault {
    fn concerns(&self, target: &Target) -> bool {
        let is_listing = target.action == Some(Action::DescribeInstances);
        let instance = self.instance.as_ref();
        (self.action.is_none() || self.action == target.action)
            && instance.is_none_or(|id| target.instances.contains(id))
            && (self.page.is_none() || self.page == target.page)
            && (is_listing || !self.effect.is_about_listings())
    }
}

/// The faults that are still to strike, in the order in which they were injected.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Live>);

#[derive(Debug)]
struct Live {
    fault: Fault,
    passed: u32,
    struck: u32,
    begun: u32,
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        self.0.push(Live { fault, passed: 0, struck: 0, begun: 0 });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The effects that strike a call at a stage, each used once; at most one of them is final.
    pub(super) fn strike(&mut self, target: &Target, stage: Stage) -> Vec<Effect> {
        let mut effects: Vec<Effect> = Vec::new();
        for live in &mut self.0 {
            let concerned = live.fault.effect.stage() == stage && live.fault.concerns(target);
            if !concerned || live.is_skipped() {
                continue;
            }
            live.begun = live.begun.saturating_add(u32::from(target.begins_listing()));
            let decided = effects.iter().any(Effect::is_final);
            if live.is_spent() || (decided && live.fault.effect.is_final()) {
                continue;
            }
            live.struck = live.struck.saturating_add(1);
            effects.push(live.fault.effect.clone());
        }
        self.0.retain(|live| !live.is_spent());
        effects
    }
}

impl Live {
    /// Whether the call is one of those that pass first; counts it if so.
    fn is_skipped(&mut self) -> bool {
        let skipped = self.passed < self.fault.skip;
        if skipped {
            self.passed += 1;
        }
        skipped
    }

    fn is_spent(&self) -> bool {
        self.fault.times.is_some_and(|times| self.struck >= times)
            || self.fault.listings.is_some_and(|listings| self.begun > listings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(faults: &[&str], targets: &[Target]) -> Vec<Vec<Effect>> {
        let mut live = Faults::default();
        for fault in faults {
            live.inject(fault.parse().unwrap());
        }
        targets.iter().map(|target| live.strike(target, Stage::Arrival)).collect()
    }

    fn terminate(id: &str) -> Target {
        Target {
            action: Some(Action::TerminateInstance),
            instances: vec![id.to_owned()],
            page: None,
        }
    }

    fn list(page: u32) -> Target {
        Target { action: Some(Action::DescribeInstances), instances: Vec::new(), page: Some(page) }
    }

    #[test]
    fn a_fault_strikes_only_the_calls_that_it_names() {
        for (fault, target, strikes_it) in [
            ("reset", Target::default(), true),
            ("reset", terminate("i-1"), true),
            ("reset,action=TerminateInstance", terminate("i-1"), true),
            ("reset,action=TerminateInstance", list(1), false),
            ("reset,instance=i-1", terminate("i-1"), true),
            ("reset,instance=i-1", terminate("i-12"), false),
            ("reset,page=2", list(2), true),
            ("reset,page=2", list(1), false),
            ("reset,page=2", terminate("i-1"), false),
        ] {
            let struck = strikes(&[fault], std::slice::from_ref(&target));
            assert_eq!(struck == [[Effect::Reset]], strikes_it, "{fault} {target:?}");
        }
    }

    #[test]
    fn a_fault_lets_the_first_calls_pass_and_strikes_so_many_times() {
        let calls = vec![list(1); 5];
        let struck = strikes(&["reset,skip=1,times=2"], &calls);
        let counts: Vec<_> = struck.iter().map(Vec::len).collect();
        assert_eq!(counts, [0, 1, 1, 0, 0]);
        assert!(strikes(&["reset,times=0"], &calls).concat().is_empty());
    }

    #[test]
    fn a_fault_strikes_so_many_whole_listings() {
        let check = |fault: &str, calls: &[Target], expected: &[usize]| {
            let mut faults = Faults::default();
            faults.inject(fault.parse().unwrap());
            let strike = |target| faults.strike(target, Stage::Answer).len();
            assert_eq!(calls.iter().map(strike).collect::<Vec<_>>(), expected, "{fault}");
        };
        let by_id = Target { instances: vec!["i-1".to_owned()], ..list(1) };
        let calls = [list(1), list(2), by_id.clone(), list(1), list(2), by_id, list(1)];
        check("no-tags,listings=1", &calls, &[1, 1, 1, 0, 0, 0, 0]);
        check("no-tags,listings=2", &calls, &[1, 1, 1, 1, 1, 1, 0]);
        check("no-tags,listings=0", &calls, &[0; 7]);
    }

    #[test]
    fn only_the_first_final_fault_of_a_call_is_used_up() {
        let struck =
            strikes(&["latency=1s", "reset,times=1", "hang,times=1", "skew=9"], &vec![list(1); 3]);
        let latency = Effect::Latency(Duration::from_secs(1));
        assert_eq!(
            struck,
            [
                vec![latency.clone(), Effect::Reset, Effect::Skew(9)],
                vec![latency.clone(), Effect::Hang, Effect::Skew(9)],
                vec![latency, Effect::Skew(9)],
            ]
        );
    }

    #[test]
    fn a_fault_of_listings_waits_for_a_listing() {
        let mut faults = Faults::default();
        faults.inject("shift,times=1".parse().unwrap());
        assert_eq!(faults.strike(&terminate("i-1"), Stage::Answer), []);
        assert_eq!(faults.strike(&list(1), Stage::Answer), [Effect::Shift]);
    }
}
