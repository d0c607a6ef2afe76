//! A forecast as JSON for programs. Pure but for the writer.

use std::io::{Result, Write};

use jiff::{Timestamp, civil::Date};
use serde::{Serialize, Serializer};

use super::{super::render, AccountForecast, Report};
use crate::{
    forecast::{Event, Refused, Sum, What},
    rules::RuleName,
};

/// Writes the forecasts; events are written as they are walked, so that many of them need no memory of their own.
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
    let accounts = report.accounts.iter().map(|account| AccountJson::of(account, report));
    let json =
        ReportJson { generated_at: report.start, days: report.days, accounts: accounts.collect() };
    render::json(&json, out)
}

#[derive(Serialize)]
struct ReportJson<'a> {
    generated_at: Timestamp,
    days: u16,
    accounts: Vec<AccountJson<'a>>,
}

#[derive(Serialize)]
struct AccountJson<'a> {
    account: &'a str,
    /// Why there is no forecast.
    error: Option<&'a str>,
    until: Option<Timestamp>,
    runs: u64,
    #[serde(serialize_with = "events")]
    events: &'a [Event<'a>],
    by_rule: Vec<RuleJson<'a>>,
    by_day: Vec<DayJson>,
    remaining: Vec<LeftJson>,
}

#[derive(Serialize)]
struct RuleJson<'a> {
    rule: &'a str,
    noticed: usize,
    terminated: usize,
}

#[derive(Serialize)]
struct DayJson {
    day: Date,
    noticed: usize,
    terminated: usize,
}

#[derive(Serialize)]
struct LeftJson {
    decision: &'static str,
    reason: &'static str,
    count: usize,
}

impl<'a> AccountJson<'a> {
    fn of(one: &'a AccountForecast<'_>, report: &Report<'_>) -> Self {
        let account = one.account;
        let forecast = match &one.made {
            Ok((_, forecast)) => forecast,
            Err(error) => {
                return Self {
                    account,
                    error: Some(error),
                    until: None,
                    runs: 0,
                    events: &[],
                    by_rule: Vec::new(),
                    by_day: Vec::new(),
                    remaining: Vec::new(),
                };
            }
        };
        let by_rule = forecast.by_rule().into_iter();
        let by_day = forecast.by_day(report.zone).into_iter();
        let left = forecast.remaining.iter();
        Self {
            account,
            error: None,
            until: Some(forecast.until),
            runs: forecast.runs,
            events: &forecast.events,
            by_rule: by_rule
                .map(|(rule, Sum { noticed, terminated })| RuleJson {
                    rule: rule.as_str(),
                    noticed,
                    terminated,
                })
                .collect(),
            by_day: by_day
                .map(|(day, Sum { noticed, terminated })| DayJson { day, noticed, terminated })
                .collect(),
            remaining: left
                .map(|((decision, reason), count)| LeftJson { decision, reason, count: *count })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct EventJson<'a> {
    at: Timestamp,
    kind: &'a str,
    instance_id: Option<&'a str>,
    name: Option<&'a str>,
    rule: Option<&'a str>,
    reason: Option<&'a str>,
    /// The earliest termination that is promised, of a notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    terminate_at: Option<Timestamp>,
    /// When the owner was told, of a termination.
    #[serde(skip_serializing_if = "Option::is_none")]
    told_at: Option<Timestamp>,
    /// The guard, of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<&'a str>,
    /// When the last of the runs is, of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// How many they are, of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<u64>,
}

fn events<S: Serializer>(events: &[Event<'_>], to: S) -> std::result::Result<S::Ok, S::Error> {
    to.collect_seq(events.iter().map(event))
}

fn event<'a>(event: &'a Event<'_>) -> EventJson<'a> {
    let instance = event.instance();
    let bare = EventJson {
        at: event.at,
        kind: kind(&event.what),
        instance_id: instance.map(|instance| instance.id.as_str()),
        name: instance.and_then(|instance| instance.name.as_deref()),
        rule: event.rule().map(RuleName::as_str),
        reason: None,
        terminate_at: None,
        told_at: None,
        guard: None,
        until: None,
        runs: None,
    };
    match &event.what {
        What::Noticed { terminate_at, .. } => {
            EventJson { reason: Some("to_tell"), terminate_at: Some(*terminate_at), ..bare }
        }
        What::Withdrawn { why, .. } => EventJson { reason: Some(why), ..bare },
        What::Terminated { told_at, .. } => {
            EventJson { reason: Some("due"), told_at: *told_at, ..bare }
        }
        What::Refused(Refused { by, rule: _, until, runs, reason }) => EventJson {
            reason: Some(reason),
            guard: Some(by.as_str()),
            until: Some(*until),
            runs: Some(*runs),
            ..bare
        },
    }
}

fn kind(what: &What<'_>) -> &'static str {
    match what {
        What::Noticed { .. } => "notice",
        What::Withdrawn { .. } => "withdraw",
        What::Terminated { .. } => "terminate",
        What::Refused(_) => "refuse",
    }
}
