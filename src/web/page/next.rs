//! What goes next?

use maud::{Markup, html};

use super::{
    Shown,
    parts::{Bar, Clock, bars, count, day_label, grouped, machine, more, short, table, text},
};
use crate::{
    board::{AccountScene, Coming, Note, Scene, Told},
    config::Mode,
    forecast::ASSUMPTIONS,
};

/// The decisions in the order of what they mean to a machine, and what they mean where nothing stands in the way.
const DECISIONS: [(&str, &str); 5] = [
    ("terminate", "go in the next run"),
    ("notice", "owner told, or about to be"),
    ("wait", "matched, not due yet"),
    ("skip", "matched, not to be touched"),
    ("keep", "kept"),
];

/// How wide the drawing of the decisions is, in its own units.
const WIDTH: usize = 1000;

pub(super) fn section(shown: &Shown, clock: &Clock) -> Markup {
    html! {
        section #next aria-labelledby="next-h" {
            h2 #next-h { "What goes next?" }
            @match &shown.scene {
                None => p.empty { "Nothing can be said before the first run." },
                Some(scene) => {
                    @for account in &scene.accounts { (one(account, scene, shown, clock)) }
                    p.note {
                        "Worked out " (clock.both(scene.at)) " from what was listed then. Assumed: " (ASSUMPTIONS) "."
                        @if scene.is_cut_short() { " Runs are so frequent that it is looked ahead until " (clock.both(scene.until)) " only." }
                        @if shown.mode() == Mode::DryRun { " In dry-run none of it is done." }
                    }
                }
            }
        }
    }
}

fn one(account: &AccountScene, scene: &Scene, shown: &Shown, clock: &Clock) -> Markup {
    let stale = shown.state.accounts.get(&account.account).and_then(|one| one.unlisted.as_ref());
    html! {
        @if scene.accounts.len() > 1 { h3 { "Account " (short(&account.account)) } }
        @if let Some(why) = stale {
            p.alert {
                "The last listing failed, so nothing is terminated: " (text(&why.to_string()))
                @if account.told.is_ok() { ". What follows is of the listing before it." }
            }
        }
        @match &account.told {
            Err(why) => @if stale.is_none() { p.alert { (text(why)) } },
            Ok(told) => {
                @if let Some(why) = &told.refusal {
                    p.alert { "A run would terminate nothing: " (text(why)) }
                }
                p.lead { (summary(told, shown.mode())) }
                (decisions(told, shown.mode()))
                (timeline(told))
                (coming(told, clock))
            }
        }
    }
}

fn of(told: &Told, wanted: &str) -> usize {
    let counts = told.counts.iter().filter(|((decision, _), _)| *decision == wanted);
    counts.map(|(_, count)| count).sum()
}

fn summary(told: &Told, mode: Mode) -> String {
    let (go, told_owners) = (of(told, "terminate"), of(told, "notice"));
    let machines = match go {
        0 => "No machine".to_owned(),
        some => count(some as u64, "machine", "machines"),
    };
    let go = match (mode, go) {
        (_, 1) if told.refusal.is_some() => "is due, but does not go",
        (_, 2..) if told.refusal.is_some() => "are due, but do not go",
        (Mode::DryRun, _) => "would go",
        (Mode::Enforce, 0 | 1) => "goes",
        (Mode::Enforce, _) => "go",
    };
    let owners = match told_owners {
        0 => String::new(),
        some => format!(
            " {} the end of a notice.",
            count(some as u64, "machine awaits", "machines await")
        ),
    };
    format!("{machines} {go} in the next run.{owners}")
}

/// What a decision means to a machine.
fn meaning(decision: (&str, &'static str), told: &Told, mode: Mode) -> &'static str {
    match (decision, mode) {
        (("terminate", _), _) if told.refusal.is_some() => "due, but held back",
        (("terminate", _), Mode::DryRun) => "would go in the next run",
        ((_, meaning), Mode::DryRun | Mode::Enforce) => meaning,
    }
}

/// Every machine, by what is decided on it.
fn decisions(told: &Told, mode: Mode) -> Markup {
    let total = told.counts.values().sum::<usize>().max(1);
    let mut x = 0;
    let mut rects = Vec::new();
    for (decision, _) in DECISIONS {
        let all = of(told, decision);
        if all > 0 {
            let width = (all * WIDTH / total).max(3);
            rects.push((decision, x, width));
            x += width;
        }
    }
    html! {
        figure.share {
            svg viewBox=(format!("0 0 {} 12", x.max(1))) preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                @for (decision, x, width) in rects { rect class=(decision) x=(x) y="0" width=(width) height="12" {} }
            }
            figcaption.hidden { "Every machine, by what is decided on it" }
            ul.legend {
                @for (decision, words) in DECISIONS {
                    li {
                        span class={ "key " (decision) } aria-hidden="true" {}
                        strong { (grouped(of(told, decision) as u64)) } " " (meaning((decision, words), told, mode))
                        (reasons(told, decision))
                    }
                }
            }
        }
    }
}

fn reasons(told: &Told, wanted: &str) -> Markup {
    let reasons = told.counts.iter().filter(|((decision, _), _)| *decision == wanted);
    let reasons: Vec<_> = reasons
        .map(|((_, reason), count)| {
            format!("{} {}", grouped(*count as u64), reason.replace('_', " "))
        })
        .collect();
    html! { @if !reasons.is_empty() { span.why { (reasons.join(", ")) } } }
}

fn timeline(told: &Told) -> Markup {
    let bar = |(day, sum): &(jiff::civil::Date, crate::forecast::Sum)| {
        let (terminated, noticed) = (sum.terminated as u64, sum.noticed as u64);
        let (label, detail) = day_label(*day);
        let words = format!(
            "{}: {}, {}",
            day.strftime("%A %-d %B"),
            count(terminated, "machine goes", "machines go"),
            count(noticed, "owner is told", "owners are told")
        );
        let parts = vec![("terminate", terminated), ("notice", noticed)];
        Bar { label, detail, told: words, total: terminated + noticed, parts }
    };
    let all: Vec<_> = told.days.iter().map(bar).collect();
    html! {
        figure.chart {
            figcaption {
                "The coming days: " span.key.terminate aria-hidden="true" {} " machines that go, "
                span.key.notice aria-hidden="true" {} " owners that are told"
            }
            (bars("The coming days", &all))
        }
    }
}

fn coming(told: &Told, clock: &Clock) -> Markup {
    if told.coming.is_empty() {
        return html! { p.empty { "Nothing goes until " (clock.both(told.until)) "." } };
    }
    let row = |one: &Coming| {
        let Coming { at, what, machine: about, rule, note } = one;
        [
            clock.both(*at),
            html! { span class={ "what " (what) } { (what) } },
            about.as_ref().map_or_else(|| html! { "–" }, |(id, name)| machine(id, name.as_deref())),
            rule.as_deref().map_or_else(|| html! { "–" }, short),
            match note {
                Note::None => html! {},
                Note::GoesFrom(at) => html! { "goes not before " (clock.both(*at)) },
                Note::Told(at) => html! { "owner told " (clock.both(*at)) },
                Note::Words(words) => text(words),
            },
        ]
    };
    let columns = ["When", "What", "Machine", "Rule", "Note"];
    html! {
        (table("What happens next, in the order of time", columns, told.coming.iter().map(row)))
        (more(told.coming_more, "zenreaper forecast --days 7 --all"))
    }
}
