//! What two sets of rules say otherwise, as a table for people and as JSON for programs. Pure but for the writer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display, Formatter},
    io::{Result, Write},
};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    super::table::{self as tables, Length, text},
    outlook::{DAYS, Ends, Outlook},
};
use crate::{
    lifetime::{counted, shorten},
    plan::{Decision, Judgement, Skip, Subject},
    rules::Action,
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
    /// What differs within a week.
    pub(super) outlook: Outlook,
}

impl AccountChanges<'_> {
    /// Returns the ids of the instances that the new rules bring nearer to termination.
    pub(super) fn nearer(&self) -> BTreeSet<&str> {
        let changes = self.changes.as_ref().map_or(&[][..], |(changes, _)| changes);
        let judged = changes.iter().filter(|change| change.is_nearer());
        let judged = judged.map(|change| change.subject.id().as_str());
        let Outlook { more, sooner, notified } = &self.outlook;
        let expected = more.keys().chain(sooner.keys()).chain(notified).map(String::as_str);
        judged.chain(expected).collect()
    }

    /// Returns how many instances are terminated within a week by the new rules only, and when the first one is.
    fn more(&self) -> Option<(usize, Timestamp)> {
        self.later(&self.outlook.more)
    }

    /// Returns how many instances are terminated sooner than by the old rules, and when the first one is.
    fn sooner(&self) -> Option<(usize, Timestamp)> {
        self.later(&self.outlook.sooner)
    }

    /// Counts terminations without those that are made now.
    fn later(&self, ends: &Ends) -> Option<(usize, Timestamp)> {
        let changes = self.changes.as_ref().map_or(&[][..], |(changes, _)| changes);
        let now = changes.iter().filter(|change| change.is_newly_terminated());
        let now: BTreeSet<_> = now.map(|change| change.subject.id().as_str()).collect();
        let later = ends.iter().filter(|(id, _)| !now.contains(id.as_str()));
        let later: Vec<_> = later.map(|(_, at)| *at).collect();
        Some((later.len(), later.into_iter().min()?))
    }
}

/// A machine as either side judges it.
pub(super) struct Change<'a> {
    /// The machine.
    pub(super) subject: Subject<'a>,
    /// How the old rules judge it.
    pub(super) old: Judgement<'a>,
    /// How the new ones do.
    pub(super) new: Judgement<'a>,
    /// The instant that both judge at.
    pub(super) now: Timestamp,
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
    /// What is done at the end of its life: it is released, or not.
    Action,
    /// When.
    Time,
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decision(old, new) => write!(f, "{old} -> {new}"),
            Self::Reason => f.write_str("other reason"),
            Self::Rule => f.write_str("other rule"),
            Self::Action => f.write_str("other action"),
            Self::Time => f.write_str("other time"),
        }
    }
}

impl Change<'_> {
    /// What differs, if anything does.
    pub(super) fn kind(&self) -> Option<Kind> {
        let Self { subject: _, old, new, now: _ } = self;
        let (was, is) = (old.decision, new.decision);
        if was.as_str() != is.as_str() {
            Some(Kind::Decision(was.as_str(), is.as_str()))
        } else if was.reason() != is.reason() {
            Some(Kind::Reason)
        } else if rule(old) != rule(new) {
            Some(Kind::Rule)
        } else if action(old) != action(new) {
            Some(Kind::Action)
        } else if old.terminate_at != new.terminate_at {
            Some(Kind::Time)
        } else {
            None
        }
    }

    /// Whether the new rules bring it nearer to termination: it is terminated, or will be sooner, or for good.
    pub(super) fn is_nearer(&self) -> bool {
        let Self { subject: _, old, new, now } = self;
        let (was, is) = (end(old, *now), end(new, *now));
        let is_sooner = is.is_some_and(|is| was.is_none_or(|was| is < was));
        let is_for_good = is.is_some()
            && action(new) == Some(Action::Release)
            && action(old) != Some(Action::Release);
        is_sooner || is_for_good || self.is_newly_terminated()
    }

    /// Whether the new rules terminate it and the old ones do not.
    pub(super) fn is_newly_terminated(&self) -> bool {
        self.new.decision == Decision::Terminate && self.old.decision != Decision::Terminate
    }
}

/// When an instance is terminated at the earliest; `None` if it is not to be. What only cannot be terminated at the moment is.
fn end(judgement: &Judgement<'_>, now: Timestamp) -> Option<Timestamp> {
    match judgement.decision {
        Decision::Terminate => Some(judgement.terminate_at.unwrap_or(now)),
        Decision::Notice(_) | Decision::Wait(_) => {
            Some(judgement.terminate_at.unwrap_or(Timestamp::MAX))
        }
        Decision::Skip(
            Skip::Held
            | Skip::Commitment
            | Skip::Accepted
            | Skip::Creating
            | Skip::Installing
            | Skip::NotInPlan,
        ) => judgement.due_at.into_iter().chain(judgement.held_until).chain([now]).max(),
        Decision::Skip(
            Skip::Protected
            | Skip::Own
            | Skip::Subscription
            | Skip::Recycled
            | Skip::UnknownStatus
            | Skip::UnknownChargeType
            | Skip::UnreadableExpiry,
        )
        | Decision::Keep(_) => None,
    }
}

fn action(judgement: &Judgement<'_>) -> Option<Action> {
    judgement.rule.map(|rule| rule.action)
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
    for one in &report.accounts {
        let AccountChanges { account, changes, outlook: _ } = one;
        match changes {
            Ok((changes, total)) => {
                if changes.is_empty() {
                    same(one, *total, out)?;
                } else {
                    account_table(account, changes, (*total, length), out)?;
                }
                outlook_lines(one, out)?;
            }
            Err(error) => writeln!(out, "account {account}: {error}")?,
        }
    }
    Ok(())
}

/// Writes that all instances are judged alike, if only at this instant.
fn same(one: &AccountChanges<'_>, total: usize, out: &mut dyn Write) -> Result<()> {
    let all = match total {
        1 => "the one instance".to_owned(),
        _ => format!("all {total} instances"),
    };
    let until = if one.nearer().is_empty() { "" } else { " now, and not later" };
    writeln!(out, "account {}: the new rules say the same of {all}{until}", one.account)
}

fn account_table(
    account: &str,
    changes: &[Change<'_>],
    (total, length): (usize, Length),
    out: &mut dyn Write,
) -> Result<()> {
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

/// What the new rules bring within a week.
fn outlook_lines(account: &AccountChanges<'_>, out: &mut dyn Write) -> Result<()> {
    if let Some((count, first)) = account.more() {
        writeln!(out, "{count} more within {DAYS} days, the first at {first:.0}.")?;
    }
    if let Some((count, first)) = account.sooner() {
        writeln!(out, "{count} sooner than by the old rules, the first at {first:.0}.")?;
    }
    match account.nearer().len() {
        0 => Ok(()),
        nearer => {
            let instances = counted(nearer, "instance moves", "instances move");
            writeln!(out, "{instances} towards termination.")
        }
    }
}

fn row(change: &Change<'_>) -> [String; 5] {
    let Change { subject, old, new, now: _ } = change;
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
    /// How many instances the new rules bring nearer to termination: what `--detailed-exitcode` goes by.
    towards_termination: usize,
    /// How many are terminated within a week by the new rules only, and not now.
    more_within_7_days: LaterJson,
    /// How many are terminated within a week, sooner than by the old rules, and not now.
    sooner_within_7_days: LaterJson,
}

#[derive(Serialize)]
struct LaterJson {
    count: usize,
    first_at: Option<Timestamp>,
}

impl LaterJson {
    fn of(later: Option<(usize, Timestamp)>) -> Self {
        let (count, first_at) = later.unzip();
        Self { count: count.unwrap_or_default(), first_at }
    }
}

struct ChangesJson<'a>(&'a [Change<'a>]);

#[derive(Serialize)]
struct ChangeJson<'a> {
    instance_id: &'a str,
    name: Option<&'a str>,
    old: SideJson<'a>,
    new: SideJson<'a>,
    towards_termination: bool,
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
        to.collect_seq(self.0.iter().map(|change| ChangeJson {
            instance_id: change.subject.id().as_str(),
            name: change.subject.name(),
            old: side(&change.old),
            new: side(&change.new),
            towards_termination: change.is_nearer(),
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
    let accounts = report.accounts.iter().map(|one| {
        let AccountChanges { account, changes, outlook: _ } = one;
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
            towards_termination: one.nearer().len(),
            more_within_7_days: LaterJson::of(one.more()),
            sooner_within_7_days: LaterJson::of(one.sooner()),
        }
    });
    let json = ReportJson { generated_at: report.generated_at, accounts: accounts.collect() };
    view::json(&json, out)
}
