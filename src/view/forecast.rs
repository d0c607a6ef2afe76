//! The forecast as programs read it.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Serialize, Serializer};

use super::{Seen, View};
use crate::{
    config::Mode,
    forecast::{self, Event, Forecast, Given, Refused, Sum, What},
    inventory::Inventory,
    rules::RuleName,
};

/// The forecasts for all accounts.
#[derive(Debug)]
pub struct Report<'a> {
    /// From when on.
    pub start: Timestamp,
    /// How many days they are asked for.
    pub days: u16,
    /// Until when that is.
    pub until: Timestamp,
    /// The time zone that days are counted in.
    pub zone: &'a TimeZone,
    /// Whether a run would terminate machines.
    pub mode: Mode,
    /// One for each account.
    pub accounts: Vec<AccountForecast<'a>>,
}

/// The forecast for an account.
#[derive(Debug)]
pub struct AccountForecast<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The forecast and what it is made from, or why there is none.
    pub made: Result<(&'a Inventory, Forecast<'a>), String>,
}

impl<'a> Report<'a> {
    /// Looks so many days ahead from `start`.
    #[must_use]
    pub fn of(view: &'a View, start: Timestamp, days: u16) -> Self {
        let length = SignedDuration::from_hours(24 * i64::from(days));
        let until = start.checked_add(length).unwrap_or(Timestamp::MAX);
        Self::until(view, (start, until), days)
    }

    /// Looks ahead from `start` until `until`, of so many days that are asked for.
    #[must_use]
    pub fn until(view: &'a View, (start, until): (Timestamp, Timestamp), days: u16) -> Self {
        let made = |seen: &'a Seen| {
            let (inventory, memory) = seen.known()?;
            let given = Given {
                policy: &seen.policy,
                inventory,
                memory,
                limits: seen.limits,
                schedule: &view.schedule,
                interval: seen.interval,
            };
            Ok((inventory, forecast::forecast(&given, start, until)))
        };
        let account = |seen: &'a Seen| AccountForecast { account: &seen.account, made: made(seen) };
        let accounts = view.accounts.iter().map(account).collect();
        Self { start, days, until, zone: &view.zone, mode: view.mode, accounts }
    }
}

/// Events are written as they are walked, so that many of them need no memory of their own.
impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let accounts = self.accounts.iter().map(|account| AccountJson::of(account, self));
        let (generated_at, days) = (self.start, self.days);
        ReportJson { generated_at, days, accounts: accounts.collect() }.serialize(serializer)
    }
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
    released: usize,
}

#[derive(Serialize)]
struct DayJson {
    day: Date,
    noticed: usize,
    terminated: usize,
    released: usize,
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
                .map(|(rule, Sum { noticed, terminated, released })| RuleJson {
                    rule: rule.as_str(),
                    noticed,
                    terminated,
                    released,
                })
                .collect(),
            by_day: by_day
                .map(|(day, Sum { noticed, terminated, released })| DayJson {
                    day,
                    noticed,
                    terminated,
                    released,
                })
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
    /// Whether the machine is also released, of a termination.
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<bool>,
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

fn events<S: Serializer>(events: &[Event<'_>], to: S) -> Result<S::Ok, S::Error> {
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
        released: event.is_release().then_some(true),
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
