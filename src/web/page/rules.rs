//! The rules, and how many machines each matches.

use maud::{Markup, html};

use super::{
    Shown,
    parts::{grouped, more, short, table, text},
};
use crate::board::{AccountScene, CountedRule};

/// The most rules of an account that are shown.
const RULES_MAX: usize = 50;

pub(super) fn section(shown: &Shown) -> Markup {
    let scenes = shown.scene.as_deref().map(|scene| scene.accounts.as_slice()).unwrap_or_default();
    html! {
        section #rules aria-labelledby="rules-h" {
            h2 #rules-h { "Rules" }
            @if scenes.is_empty() { p.empty { "Matches are counted in the first run." } }
            @for account in scenes { (one(account, scenes.len() > 1)) }
        }
    }
}

fn one(AccountScene { account, read_at: _, told }: &AccountScene, is_one_of_many: bool) -> Markup {
    let Ok(told) = told else {
        return html! { p.empty { "Matches of account " (short(account)) " are not known while it cannot be listed." } };
    };
    let most = told.rules.iter().map(|rule| rule.matches).max().unwrap_or_default().max(1);
    let rows = told.rules.iter().take(RULES_MAX).map(|rule| row(rule, most));
    let caption = if is_one_of_many {
        format!("What each rule matches in account {account}, in their order")
    } else {
        "What each rule matches, in their order".to_owned()
    };
    let columns = ["Rule", "Matches", "Due now", "Go in 7 days", "Told in 7 days"];
    html! {
        @if told.rules.is_empty() {
            p.empty { "There are no rules, so every machine stays." }
        } @else {
            (table(&caption, columns, rows))
            (more(told.rules.len().saturating_sub(RULES_MAX), "zenreaper plan"))
        }
    }
}

fn row(rule: &CountedRule, most: u64) -> [Markup; 5] {
    let CountedRule { name, description, matches, takes, coming } = rule;
    let width = (matches * 100 / most).max(u64::from(*matches > 0));
    [
        html! { (short(name)) @if let Some(description) = description { " " span.why { (text(description)) } } },
        html! {
            span.num { (grouped(*matches)) }
            svg.meter viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                rect x="0" y="0" width=(width) height="4" {}
            }
        },
        html! { span.num { (grouped(*takes)) } },
        html! { span.num { (grouped(coming.terminated as u64)) } },
        html! { span.num { (grouped(coming.noticed as u64)) } },
    ]
}
