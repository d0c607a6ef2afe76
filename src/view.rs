//! What there is of each account at an instant, what is remembered of it and by what it is judged; and what programs read of it:
//! the plan, the forecast and the history as JSON, from the commands and from the daemon alike. It never acts.

pub mod forecast;
pub mod history;
pub mod plan;

use std::{
    io::{Result, Write},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{
    cloud::Unlisted,
    config::Mode,
    inventory::Inventory,
    journal::{self, Digests},
    plan::{Policy, guard::Limits, memory::Memory},
    schedule::Schedule,
};

/// What was seen.
#[derive(Debug)]
pub struct View {
    /// Whether a run would terminate machines.
    pub mode: Mode,
    /// By which rules and config it was looked.
    pub digests: Digests,
    /// The schedule of the rules that have none of their own.
    pub schedule: Schedule,
    /// The time zone of dates, and of the days of a forecast.
    pub zone: TimeZone,
    /// Every account that was looked at.
    pub accounts: Vec<Seen>,
}

/// What there is of an account, what is remembered of it, and what it is judged by.
#[derive(Debug)]
pub struct Seen {
    /// The account's name.
    pub account: String,
    /// Which credentials it was listed with, in words; `None` if the inventory was saved before.
    pub credentials: Option<String>,
    /// What instances are judged by.
    pub policy: Arc<Policy>,
    /// The caps on a plan.
    pub limits: Limits,
    /// The time between two calls to terminate.
    pub interval: SignedDuration,
    /// Its inventory, or why there is none.
    pub listed: std::result::Result<Arc<Inventory>, Unlisted>,
    /// What is remembered of it; nothing, if there is no journal yet.
    pub memory: std::result::Result<Memory, journal::Error>,
    /// When we began to read the inventory, also if it was saved before.
    pub read_at: Timestamp,
}

impl Seen {
    /// What there is and what is remembered of it, or why it cannot be said what will be done.
    pub fn known(&self) -> std::result::Result<(&Inventory, &Memory), String> {
        let inventory = self.listed.as_ref().map_err(ToString::to_string)?;
        let without = |error: &journal::Error| {
            format!("{error}; without it a run terminates nothing, and nothing can be said")
        };
        Ok((inventory, self.memory.as_ref().map_err(without)?))
    }
}

/// Writes anything as JSON.
pub fn json(value: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
