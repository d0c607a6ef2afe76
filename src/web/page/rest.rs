//! What is held, what owners are told, and what the API refuses.

use maud::{Markup, html};

use super::{
    Shown,
    parts::{Clock, grouped, machine, more, short, table, text},
};
use crate::{
    board::{Owed, SeenError, Sink},
    journal::{Held, Waiting},
    lifetime::shorten,
};

/// The most kinds of errors that are shown.
const ERRORS_MAX: usize = 50;

pub(super) fn holds(shown: &Shown, clock: &Clock) -> Markup {
    html! {
        section #holds aria-labelledby="holds-h" {
            h2 #holds-h { "Holds" }
            @match &shown.glance {
                Err(_) => p.empty { "Unknown while the journal cannot be read." },
                Ok(glance) if glance.holds.is_empty() => p.empty { "No machine is held." },
                Ok(glance) => {
                    (table(
                        "Machines that are left alone for a while",
                        ["Machine", "Why", "Until", "By", "Reason"],
                        glance.holds.iter().map(|held| hold(held, clock)),
                    ))
                    (more(
                        usize::try_from(glance.holds_total).unwrap_or(usize::MAX).saturating_sub(glance.holds.len()),
                        "zenreaper holds",
                    ))
                }
            }
        }
    }
}

fn hold(held: &Held, clock: &Clock) -> [Markup; 5] {
    let Held { account: _, instance_id, kind, since: _, until, reason, by } = held;
    [
        html! { bdi.id.alone { (shorten(instance_id)) } },
        short(kind),
        clock.both(*until),
        by.as_deref().map_or_else(|| html! { "–" }, short),
        reason.as_deref().map_or_else(|| html! {}, text),
    ]
}

pub(super) fn notices(shown: &Shown, clock: &Clock) -> Markup {
    let scenes = shown.scene.as_deref().map(|scene| scene.accounts.as_slice()).unwrap_or_default();
    let told = || scenes.iter().filter_map(|scene| scene.told.as_ref().ok());
    let owed: Vec<_> = told().flat_map(|told| &told.owed).collect();
    let left_out = told().map(|told| told.owed_more).sum();
    let columns = ["Machine", "Rule", "Written", "Owner told", "Goes from"];
    html! {
        section #notices aria-labelledby="notices-h" {
            h2 #notices-h { "Notices" }
            @if owed.is_empty() {
                p.empty { "No owner is promised anything." }
            } @else {
                (table("What owners are promised, the next to go first", columns, owed.into_iter().map(|one| promise(one, clock))))
                (more(left_out, "zenreaper history"))
            }
            (sinks(shown))
        }
    }
}

fn promise(one: &Owed, clock: &Clock) -> [Markup; 5] {
    let Owed { instance_id, name, rule, begun_at, told_at, terminate_at } = one;
    [
        machine(instance_id, name.as_deref()),
        short(rule),
        clock.both(*begun_at),
        told_at.map_or_else(|| html! { span.what.refused { "not yet" } }, |at| clock.both(at)),
        clock.both(*terminate_at),
    ]
}

fn sinks(shown: &Shown) -> Markup {
    let none = Vec::new();
    let waiting = shown.glance.as_ref().map_or(&none, |glance| &glance.waiting);
    let row = |(name, sink): (&String, &Sink)| {
        let waits = waiting.iter().find(|one: &&Waiting| one.sink == *name);
        [
            short(name),
            html! { span.num { (grouped(sink.sent)) } },
            html! { span.num { (grouped(waits.map_or(0, |waits| waits.notices))) } },
            html! { span.num { (grouped(sink.failed)) } },
            sink.problem.as_deref().map_or_else(|| html! {}, text),
        ]
    };
    html! {
        @if !shown.state.sinks.is_empty() {
            (table(
                "How notices are sent; counted since the service began",
                ["Sink", "Sent", "Waiting", "Failed", "Last problem"],
                shown.state.sinks.iter().map(row),
            ))
        }
    }
}

pub(super) fn errors(shown: &Shown, clock: &Clock) -> Markup {
    let mut seen: Vec<_> = shown.state.errors.iter().collect();
    seen.sort_by_key(|one| std::cmp::Reverse(one.last_at));
    let row = |one: &SeenError<'_>| {
        [
            html! { code.code { (shorten(&one.code.to_string())) } },
            short(one.action),
            short(one.account),
            html! { span.num { (grouped(one.count)) } },
            clock.both(one.last_at),
        ]
    };
    let columns = ["Code", "Action", "Account", "Count", "Last"];
    html! {
        section #errors aria-labelledby="errors-h" {
            h2 #errors-h { "Errors of the API" }
            @if seen.is_empty() {
                p.empty { "None since the service began." }
            } @else {
                (table("Failed answers since the service began, by code", columns, seen.iter().take(ERRORS_MAX).map(row)))
                (more(seen.len().saturating_sub(ERRORS_MAX), "curl /metrics"))
            }
        }
    }
}
