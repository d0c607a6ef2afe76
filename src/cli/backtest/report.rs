//! What two sets of rules say otherwise, as a table for people and as JSON for programs. Pure but for the writer.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    io::{Result, Write},
};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::super::table::{self as tables, Length, text};
use crate::{
    lifetime::{counted, shorten},
    plan::{Decision, Judgement, Subject},
    view,
};

/// The most machines that are shown one by one unless all are wanted.
const LINES_MAX: usize = 50;

/// What differs in all accounts.
pub(super) struct Report<'a> {
    /// The instant that is judged at.
    pub(super) generated_at: Timestamp,
    /// The accounts.
    pub(super) accounts: Vec<AccountChanges<'a>>,
}

/// What differs in an account.
pub(super) struct AccountChanges<'a> {
    /// The account's name.
    pub(super) account: &'a str,
    /// What differs and how many machines there are, or why that cannot be said.
    pub(super) changes: std::result::Result<(Vec<Change<'a>>, usize), String>,
}

/// A machine as either side judges it.
pub(super) struct Change<'a> {
    /// The machine.
    pub(super) subject: Subject<'a>,
    /// How the old rules judge it.
    pub(super) old: Judgement<'a>,
    /// How the new ones do.
    pub(super) new: Judgement<'a>,
}

/// What differs most: the first of these that does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    /// What is to happen: from this to that.
    Decision(&'static str, &'static str),
    /// Why.
    Reason,
    /// By which rule.
    Rule,
    /// When.
    Time,
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decision(old, new) => write!(f, "{old} -> {new}"),
            Self::Reason => f.write_str("other reason"),
            Self::Rule => f.write_str("other rule"),
            Self::Time => f.write_str("other time"),
        }
    }
}

impl Change<'_> {
    /// What differs, if anything does.
    pub(super) fn kind(&self) -> Option<Kind> {
        let Self { subject: _, old, new } = self;
        let (was, is) = (old.decision, new.decision);
        if was.as_str() != is.as_str() {
            Some(Kind::Decision(was.as_str(), is.as_str()))
        } else if was.reason() != is.reason() {
            Some(Kind::Reason)
        } else if rule(old) != rule(new) {
            Some(Kind::Rule)
        } else if old.terminate_at != new.terminate_at {
            Some(Kind::Time)
        } else {
            None
        }
    }

    /// Whether the new rules terminate it and the old ones do not.
    pub(super) fn is_newly_terminated(&self) -> bool {
        self.new.decision == Decision::Terminate && self.old.decision != Decision::Terminate
    }
}

fn rule<'a>(judgement: &Judgement<'a>) -> Option<&'a str> {
    judgement.rule.map(|rule| rule.name.as_str())
}

/// How many changes there are of each kind.
fn counts(changes: &[Change<'_>]) -> BTreeMap<Kind, usize> {
    let mut counts = BTreeMap::new();
    for kind in changes.iter().filter_map(Change::kind) {
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// Writes what differs as tables.
pub(super) fn table(report: &Report<'_>, length: Length, out: &mut dyn Write) -> Result<()> {
    for AccountChanges { account, changes } in &report.accounts {
        match changes {
            Ok((changes, total)) => account_table(account, changes, (*total, length), out)?,
            Err(error) => writeln!(out, "account {account}: {error}")?,
        }
    }
    Ok(())
}

fn account_table(
    account: &str,
    changes: &[Change<'_>],
    (total, length): (usize, Length),
    out: &mut dyn Write,
) -> Result<()> {
    if changes.is_empty() {
        let all = match total {
            1 => "the one instance".to_owned(),
            _ => format!("all {total} instances"),
        };
        return writeln!(out, "account {account}: the new rules say the same of {all}");
    }
    let count = changes.len();
    let (all, are) =
        (counted(total, "instance", "instances"), if count == 1 { "is" } else { "are" });
    writeln!(out, "account {account}: {count} of {all} {are} judged otherwise\n")?;
    let shown = match length {
        Length::Short => LINES_MAX,
        Length::Whole => usize::MAX,
    };
    let rows = || changes.iter().take(shown).map(row);
    tables::table(["INSTANCE", "NAME", "OLD", "", "NEW"], rows, out)?;
    let more = count.saturating_sub(shown);
    if more > 0 {
        writeln!(out, "{more} more; `--all` shows them.")?;
    }
    writeln!(out)?;
    for (kind, count) in counts(changes) {
        writeln!(out, "{count} {kind}")?;
    }
    let newly = changes.iter().filter(|change| change.is_newly_terminated()).count();
    writeln!(out, "{newly} would be terminated now that are not by the old rules.")
}

fn row(change: &Change<'_>) -> [String; 5] {
    let Change { subject, old, new } = change;
    [
        shorten(subject.id().as_str()),
        subject.name().map(shorten).unwrap_or_default(),
        told(old),
        "->".to_owned(),
        told(new),
    ]
}

/// A judgement in a cell: `wait (not_due) by old, 2026-11-27T00:00:00Z`.
fn told(judgement: &Judgement<'_>) -> String {
    let decision = judgement.decision;
    let by = rule(judgement).map(|rule| format!(" by {rule}")).unwrap_or_default();
    let at = judgement.terminate_at.map(|at| format!(", {at:.0}")).unwrap_or_default();
    text(&format!("{} ({}){by}{at}", decision.as_str(), decision.reason()))
}

#[derive(Serialize)]
struct ReportJson<'a> {
    generated_at: Timestamp,
    accounts: Vec<AccountJson<'a>>,
}

#[derive(Serialize)]
struct AccountJson<'a> {
    account: &'a str,
    /// Why it cannot be said what differs.
    error: Option<&'a str>,
    instances: usize,
    changes: ChangesJson<'a>,
    by_kind: BTreeMap<String, usize>,
    newly_terminated: usize,
}

struct ChangesJson<'a>(&'a [Change<'a>]);

#[derive(Serialize)]
struct ChangeJson<'a> {
    instance_id: &'a str,
    name: Option<&'a str>,
    old: SideJson<'a>,
    new: SideJson<'a>,
}

#[derive(Serialize)]
struct SideJson<'a> {
    decision: &'a str,
    reason: &'a str,
    rule: Option<&'a str>,
    terminate_at: Option<Timestamp>,
}

impl Serialize for ChangesJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|Change { subject, old, new }| ChangeJson {
            instance_id: subject.id().as_str(),
            name: subject.name(),
            old: side(old),
            new: side(new),
        }))
    }
}

fn side<'a>(judgement: &Judgement<'a>) -> SideJson<'a> {
    SideJson {
        decision: judgement.decision.as_str(),
        reason: judgement.decision.reason(),
        rule: rule(judgement),
        terminate_at: judgement.terminate_at,
    }
}

/// Writes what differs as JSON.
pub(super) fn json(report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
    let accounts = report.accounts.iter().map(|AccountChanges { account, changes }| {
        let (error, found, instances) = match changes {
            Ok((changes, total)) => (None, &changes[..], *total),
            Err(error) => (Some(error.as_str()), &[][..], 0),
        };
        let by_kind = counts(found).into_iter().map(|(kind, count)| (kind.to_string(), count));
        AccountJson {
            account,
            error,
            instances,
            changes: ChangesJson(found),
            by_kind: by_kind.collect(),
            newly_terminated: found.iter().filter(|one| one.is_newly_terminated()).count(),
        }
    });
    let json = ReportJson { generated_at: report.generated_at, accounts: accounts.collect() };
    view::json(&json, out)
}
