//! What was done, as programs read it.

use jiff::Timestamp;
use serde::Serialize;

use crate::journal::HistoryEntry;

/// The names of a row's fields.
pub const COLUMNS: [&str; 14] = [
    "at",
    "what",
    "account",
    "instance_id",
    "name",
    "rule",
    "why",
    "outcome",
    "verified",
    "code",
    "request_id",
    "run",
    "recoverable",
    "recoverable_until",
];

/// An entry as programs read it.
#[derive(Debug, Serialize)]
pub struct Row {
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub what: String,
    /// The account's name.
    pub account: Option<String>,
    /// The machine's id.
    pub instance_id: Option<String>,
    /// The machine's name.
    pub name: Option<String>,
    /// The rule that took it.
    pub rule: Option<String>,
    /// Why.
    pub why: Option<String>,
    /// What became of it.
    pub outcome: Option<String>,
    /// What the next inventory said of it.
    pub verified: Option<String>,
    /// The code of a failure.
    pub code: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// The run's id.
    pub run: Option<String>,
    /// Whether it can still be taken back from the recycle bin.
    pub recoverable: bool,
    /// Until when it can be taken back.
    pub recoverable_until: Option<Timestamp>,
}

impl Row {
    /// An entry as it is at `now`.
    #[must_use]
    pub fn of(entry: HistoryEntry, now: Timestamp) -> Self {
        let HistoryEntry { at, what, account, instance_id, name, rule, why, .. } = entry;
        let HistoryEntry { outcome, verified, code, request_id, run, recoverable_until, .. } =
            entry;
        Self {
            at,
            what,
            account,
            instance_id,
            name,
            rule,
            why,
            outcome,
            verified,
            code,
            request_id,
            run,
            recoverable: recoverable_until.is_some_and(|until| now < until),
            recoverable_until,
        }
    }
}
