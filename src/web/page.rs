//! The status page: is it healthy, what goes next, what went and why. One answer of HTML with its style and its drawings inside, and
//! nothing that runs. Pure: it writes what it is shown, and whatever is put in is escaped.

mod done;
mod health;
mod next;
mod parts;
mod rest;
mod rules;

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::{health::Verdict, parts::Clock};
use crate::{
    board::{Scene, State},
    config::Mode,
    journal::Glance,
    metrics,
};

/// The style, which the door lets a browser apply.
pub(super) const STYLE: &str = include_str!("page/style.css");

/// A bar in a ring: what is left of a fleet.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6.5' fill='none' stroke='%23a3341f' stroke-width='3'/%3E%3Crect x='5' y='7' width='6' height='2' fill='%23a3341f'/%3E%3C/svg%3E";

/// What is shown.
pub(super) struct Shown {
    /// Now.
    pub(super) now: Timestamp,
    /// What the runs reported.
    pub(super) state: State,
    /// Whether the service can do its work.
    pub(super) ready: Result<String, String>,
    /// What follows from the last run.
    pub(super) scene: Option<Arc<Scene>>,
    /// What the journal tells.
    pub(super) glance: Result<Arc<Glance>, String>,
}

impl Shown {
    fn zone(&self) -> TimeZone {
        self.state.terms.as_ref().map_or(TimeZone::UTC, |terms| terms.zone.clone())
    }

    fn mode(&self) -> Mode {
        self.state.terms.as_ref().map_or(Mode::DryRun, |terms| terms.mode)
    }
}

/// Writes the page.
pub(super) fn render(shown: &Shown) -> Markup {
    let clock = Clock::new(shown.now, shown.zone());
    let verdict = Verdict::of(shown);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (verdict.word()) " · zenreaper" }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the status" }
                (header(shown, &clock))
                main #main tabindex="-1" {
                    (health::section(shown, &verdict, &clock))
                    (next::section(shown, &clock))
                    (done::section(shown, &clock))
                    (rules::section(shown))
                    (rest::holds(shown, &clock))
                    (rest::notices(shown, &clock))
                    (rest::errors(shown, &clock))
                }
                (footer(&clock))
            }
        }
    }
}

fn header(shown: &Shown, clock: &Clock) -> Markup {
    let links = [
        ("#health", "Health"),
        ("#next", "Next"),
        ("#done", "Done"),
        ("#rules", "Rules"),
        ("#holds", "Holds"),
        ("#notices", "Notices"),
        ("#errors", "Errors"),
    ];
    html! {
        header.top {
            div.brand {
                h1 { "zenreaper" }
                (mode(shown.mode()))
            }
            p.seen { "As of " (clock.exact(shown.now)) ". " a href="/" { "Look again" } }
            nav aria-label="Sections" {
                ul { @for (to, name) in links { li { a href=(to) { (name) } } } }
            }
        }
    }
}

fn mode(mode: Mode) -> Markup {
    let class = match mode {
        Mode::DryRun => "mode dry",
        Mode::Enforce => "mode enforce",
    };
    html! { p class=(class) { span.hidden { "Mode: " } (mode.as_str()) } }
}

fn footer(clock: &Clock) -> Markup {
    html! {
        footer {
            p {
                "zenreaper " (env!("CARGO_PKG_VERSION")) ", revision " (metrics::revision()) ". Times are in "
                (clock.zone_name()) ". This page only shows; to act there are the commands "
                code { "zenreaper pause" } ", " code { "hold" } " and " code { "explain" } "."
            }
            nav aria-label="For programs" {
                ul {
                    @for path in [
                        "/api/v1/status", "/api/v1/plan", "/api/v1/history", "/api/v1/forecast",
                        "/api/v1/openapi.json", "/metrics", "/healthz", "/readyz",
                    ] {
                        li { a href=(path) { (path) } }
                    }
                }
            }
        }
    }
}
