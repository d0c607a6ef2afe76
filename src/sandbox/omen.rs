//! What faults make of a call: their effects turned into a delay, a lie or an end.

use std::time::Duration;

use super::answer::{Answer, Reply};
use super::faults::Effect;
use super::page::Page;
use super::refusal::Refusal;
use super::request::Query;

/// What the faults have in store for a request that arrives.
#[derive(Debug, Default)]
pub(super) struct Omen {
    pub(super) latency: Duration,
    pub(super) skew_seconds: i64,
    pub(super) end: Option<Effect>,
}

impl Omen {
    pub(super) fn of(effects: Vec<Effect>) -> Self {
        let mut omen = Self::default();
        for effect in effects {
            match effect {
                Effect::Latency(latency) => omen.latency = omen.latency.saturating_add(latency),
                Effect::Skew(seconds) => {
                    omen.skew_seconds = omen.skew_seconds.saturating_add(seconds);
                }
                end @ (Effect::Code { .. }
                | Effect::TooMany { .. }
                | Effect::Reset
                | Effect::ResetAfterEffect
                | Effect::Hang
                | Effect::HangAfterEffect
                | Effect::CutOff
                | Effect::Challenge
                | Effect::Blocked
                | Effect::NotJson
                | Effect::TotalCount(_)
                | Effect::Duplicate
                | Effect::Shift
                | Effect::CodeAfterEffect { .. }
                | Effect::HtmlAfterEffect(_)
                | Effect::Partial(_)
                | Effect::Loss(_)) => omen.end = Some(end),
            }
        }
        omen
    }
}

/// The answer of a fault that does not let the call happen.
pub(super) fn ending(effect: Effect, request_id: &str) -> Answer {
    match effect {
        Effect::Code { status, code } => {
            let refusal = Refusal {
                status,
                code: code.into(),
                message: "a fault was injected".to_owned(),
                retry_after: None,
            };
            refused(&refusal, request_id)
        }
        Effect::TooMany { retry_after } => refused(&Refusal::too_many(retry_after), request_id),
        Effect::Challenge => Answer::Whole(Reply::challenge()),
        Effect::Blocked => Answer::Whole(Reply::blocked()),
        Effect::NotJson => Answer::Whole(Reply::not_json()),
        Effect::Hang | Effect::HangAfterEffect => Answer::Silence,
        Effect::Reset
        | Effect::ResetAfterEffect
        | Effect::CutOff
        | Effect::Latency(_)
        | Effect::Skew(_)
        | Effect::TotalCount(_)
        | Effect::Duplicate
        | Effect::Shift
        | Effect::CodeAfterEffect { .. }
        | Effect::HtmlAfterEffect(_)
        | Effect::Partial(_)
        | Effect::Loss(_) => Answer::Reset,
    }
}

/// The answer to a refused call.
pub(super) fn refused(refusal: &Refusal, request_id: &str) -> Answer {
    Answer::Whole(Reply::refusal(request_id, refusal))
}

/// Lets a listing lie.
pub(super) fn distort(page: &mut Page, effect: &Effect) {
    match effect {
        Effect::TotalCount(by) => page.total_count = page.total_count.saturating_add(*by),
        Effect::Duplicate => page.duplicate(),
        Effect::Shift => page.shift(),
        Effect::Loss(loss) => page.lose(loss),
        // It concerns all pages together.
        Effect::Partial(_)
        | Effect::CodeAfterEffect { .. }
        | Effect::HtmlAfterEffect(_)
        | Effect::Latency(_)
        | Effect::Skew(_)
        | Effect::Code { .. }
        | Effect::TooMany { .. }
        | Effect::Reset
        | Effect::ResetAfterEffect
        | Effect::Hang
        | Effect::HangAfterEffect
        | Effect::CutOff
        | Effect::Challenge
        | Effect::Blocked
        | Effect::NotJson => {}
    }
}

/// How many percent of its instances a listing shows. What is asked for by id is shown.
pub(super) fn shown(effects: &[Effect], query: &Query) -> u32 {
    let percents = effects.iter().filter_map(|effect| match effect {
        Effect::Partial(percent) if query.is_everything() => Some(*percent),
        _ => None,
    });
    percents.min().unwrap_or(100)
}

/// How the reply to a call that took effect, or was refused, gets back.
pub(super) fn deliver(reply: Reply, effects: &[Effect]) -> Answer {
    if effects.contains(&Effect::ResetAfterEffect) {
        Answer::Reset
    } else if effects.contains(&Effect::HangAfterEffect) {
        Answer::Silence
    } else if effects.contains(&Effect::CutOff) {
        Answer::CutOff(reply)
    } else {
        Answer::Whole(effects.iter().find_map(belie).unwrap_or(reply))
    }
}

/// The reply that says something else than what happened.
fn belie(effect: &Effect) -> Option<Reply> {
    match effect {
        Effect::CodeAfterEffect { status, code } => {
            let (code, message) = (code.clone().into(), "a fault was injected".to_owned());
            let refusal = Refusal { status: *status, code, message, retry_after: None };
            Some(Reply::refusal("T5A4DB0C0-0000-4000-8000-FFFFFFFFFFFF", &refusal))
        }
        Effect::HtmlAfterEffect(status) => Some(Reply::gateway(*status)),
        _ => None,
    }
}
