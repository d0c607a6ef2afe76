//! What went, and why?

use std::collections::BTreeMap;

use jiff::civil::Date;
use maud::{Markup, html};

use super::{
    Shown,
    parts::{Bar, Clock, bars, count, day_label, grouped, machine, more, short, table, text},
};
use crate::{
    board::{DONE_DAYS, DONE_MAX},
    journal::{Glance, HistoryEntry},
    lifetime::shorten,
};

/// The most acts of operators that are shown.
const ACTS_MAX: usize = 10;

pub(super) fn section(shown: &Shown, clock: &Clock) -> Markup {
    html! {
        section #done aria-labelledby="done-h" {
            h2 #done-h { "What went, and why?" }
            @match &shown.glance {
                Err(why) => p.alert { "The journal cannot be read: " (text(why)) },
                Ok(glance) => {
                    p.lead { (summary(glance)) }
                    (chart(glance, clock))
                    (calls(glance, clock))
                    (acts(glance, clock))
                }
            }
        }
    }
}

/// What became of a call, as far as a chart tells it apart.
fn class(outcome: &str) -> &'static str {
    match outcome {
        "terminated" | "gone" | "released" => "done",
        "refused" => "refused",
        "open" => "open",
        _ => "failed",
    }
}

fn total(glance: &Glance, wanted: &str) -> u64 {
    let days = glance.days.iter().filter(|day| class(&day.outcome) == wanted);
    days.map(|day| day.calls).sum()
}

fn summary(glance: &Glance) -> String {
    let went = total(glance, "done");
    let went = if went == 0 {
        "No machine was".to_owned()
    } else {
        count(went, "machine was", "machines were")
    };
    let open = match total(glance, "open") {
        0 => String::new(),
        some => format!(" {} under way or not settled yet.", count(some, "call is", "calls are")),
    };
    let problems = match (total(glance, "refused"), total(glance, "failed")) {
        (0, 0) => String::new(),
        (refused, failed) => format!(
            " {} refused for now, {} failed or unknown.",
            count(refused, "call was", "calls were"),
            grouped(failed)
        ),
    };
    format!("{went} terminated in the last {DONE_DAYS} days.{open}{problems}")
}

fn chart(glance: &Glance, clock: &Clock) -> Markup {
    if glance.days.is_empty() {
        return html! {};
    }
    let mut sums: BTreeMap<Date, BTreeMap<&str, u64>> = BTreeMap::new();
    for day in &glance.days {
        *sums.entry(day.day).or_default().entry(class(&day.outcome)).or_default() += day.calls;
    }
    let today = clock.day(clock.now());
    let first = today.saturating_sub(jiff::Span::new().days(DONE_DAYS - 1));
    let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
    let none = BTreeMap::new();
    let bar = |day: Date| {
        let sum = sums.get(&day).unwrap_or(&none);
        let of = |class: &str| sum.get(class).copied().unwrap_or_default();
        let (done, refused, failed) = (of("done"), of("refused"), of("failed"));
        let open = of("open");
        let (label, detail) = day_label(day);
        let words = format!(
            "{}: {} terminated, {} open, {} refused, {} failed or unknown",
            day.strftime("%A %-d %B"),
            grouped(done),
            grouped(open),
            grouped(refused),
            grouped(failed)
        );
        let parts =
            vec![("terminate", done), ("wait", open), ("refused", refused), ("failed", failed)];
        Bar { label, detail, told: words, total: done + open + refused + failed, parts }
    };
    let all: Vec<_> = days.take_while(|day| *day <= today).map(bar).collect();
    html! {
        figure.chart {
            figcaption {
                "By day: " span.key.terminate aria-hidden="true" {} " terminated, "
                span.key.wait aria-hidden="true" {} " open, "
                span.key.refused aria-hidden="true" {} " refused, "
                span.key.failed aria-hidden="true" {} " failed or unknown"
            }
            (bars("Terminations by day", &all))
        }
    }
}

fn is_call(entry: &HistoryEntry) -> bool {
    matches!(entry.what.as_str(), "terminate" | "release")
}

fn calls(glance: &Glance, clock: &Clock) -> Markup {
    let all: u64 = glance.days.iter().map(|day| day.calls).sum();
    let limit = usize::try_from(DONE_MAX).unwrap_or(usize::MAX);
    let shown: Vec<_> = glance.done.iter().filter(|entry| is_call(entry)).take(limit).collect();
    if shown.is_empty() {
        return html! {};
    }
    let terminations = shown.iter().filter(|entry| entry.what == "terminate").count();
    let left_out = usize::try_from(all).unwrap_or(usize::MAX).saturating_sub(terminations);
    let columns = ["When", "Machine", "Rule", "Outcome", "Undo until", "Why"];
    html! {
        (table("What was done, the newest first", columns, shown.into_iter().map(|entry| call(entry, clock))))
        (more(left_out, "zenreaper history --since 14d"))
    }
}

fn call(entry: &HistoryEntry, clock: &Clock) -> [Markup; 6] {
    let outcome = entry.outcome.as_deref().unwrap_or("open");
    let id = shorten(entry.instance_id.as_deref().unwrap_or_default());
    let name = entry.name.as_deref().map(shorten);
    let undo = entry.recoverable_until;
    [
        clock.both(entry.at),
        machine(&id, name.as_deref()),
        entry.rule.as_deref().map_or_else(|| html! { "–" }, short),
        html! {
            span class={ "what " (class(outcome)) } { (shorten(outcome)) }
            @if let Some(verified) = &entry.verified { " " span.rel { (shorten(verified).replace('_', " ")) } }
            @if let Some(code) = &entry.code { " " code.code { (shorten(code)) } }
        },
        match undo {
            Some(until) if clock.now() < until => clock.both(until),
            Some(_) => html! { "over" },
            None => html! { "no" },
        },
        entry.why.as_deref().map_or_else(|| html! {}, text),
    ]
}

/// What operators did, and what the API holds us back from.
fn acts(glance: &Glance, clock: &Clock) -> Markup {
    let known = |entry: &&HistoryEntry| {
        !is_call(entry) && !matches!(entry.what.as_str(), "notice" | "hold")
    };
    let shown: Vec<_> = glance.done.iter().filter(known).take(ACTS_MAX).collect();
    if shown.is_empty() {
        return html! {};
    }
    let row = |entry: &HistoryEntry| {
        [
            clock.both(entry.at),
            short(&entry.what),
            entry.instance_id.as_deref().map_or_else(|| html! { "–" }, short),
            entry.why.as_deref().map_or_else(|| html! {}, text),
        ]
    };
    let left_out = glance.done.iter().filter(known).count().saturating_sub(ACTS_MAX);
    html! {
        (table("What operators did", ["When", "What", "Machine", "Why"], shown.into_iter().map(row)))
        (more(left_out, "zenreaper history --since 14d"))
    }
}
