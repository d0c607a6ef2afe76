//! Plans and checks as text for people and as JSON for programs. Pure but for the writer.

use std::{
    io::{Result, Write},
    path::Path,
};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    exit::Exit,
    table::{table, text},
};
use crate::{
    config::{Loaded, Mode},
    diagnostic::{Code, Problem},
    inventory::Tag,
    journal::{Held, HistoryEntry},
    lifetime::{counted, relative, shorten},
    plan::{Decision, Judgement, Keep, Plan, Skip, Subject},
    rules::{Expiry, Field},
    view::{
        self, Seen,
        plan::{AccountPlan, Drafted, PlanReport},
    },
};

/// Writes the plan as tables: every machine that a rule touches, and a count of the rest.
pub(super) fn plan_table(
    report: &PlanReport<'_>,
    accounts: &[Seen],
    out: &mut dyn Write,
) -> Result<()> {
    for AccountPlan { account, drafted, pause, read_at: _ } in &report.accounts {
        if let Some(pause) = pause {
            writeln!(
                out,
                "PAUSED: {pause}. Nothing is terminated; `zenreaper resume` ends that.\n"
            )?;
        }
        match drafted {
            Ok(Drafted { plan, refusal }) => account_table(account, plan, refusal.as_deref(), out)?,
            Err(unlisted) => {
                writeln!(out, "account {account}: {unlisted}\nNothing would be terminated.")?;
            }
        }
        let used = accounts.iter().find(|seen| seen.account == *account);
        if let Some(credentials) = used.and_then(|seen| seen.credentials.as_deref()) {
            writeln!(out, "account {account}: credentials: {credentials}")?;
        }
    }
    writeln!(out, "Mode {}: a run would {}.", report.mode.as_str(), would(report))
}

/// What a run would make of the plans.
fn would(report: &PlanReport<'_>) -> &'static str {
    let stopped = |one: &AccountPlan<'_>| {
        one.drafted.as_ref().map_or(true, |drafted| drafted.refusal.is_some())
    };
    let count = report.accounts.iter().filter(|one| stopped(one)).count();
    match report.mode {
        Mode::DryRun => "call nothing",
        Mode::Enforce if count == 0 => "do this",
        Mode::Enforce if count == report.accounts.len() => "terminate nothing",
        Mode::Enforce => "do this where nothing is refused",
    }
}

fn account_table(
    account: &str,
    plan: &Plan<'_>,
    refusal: Option<&str>,
    out: &mut dyn Write,
) -> Result<()> {
    let total = plan.decisions.len();
    let instances = counted(total, "instance", "instances");
    writeln!(out, "account {account}: {instances}, {} live\n", plan.summary.live)?;
    let touched = || plan.decisions.iter().filter(|(_, judgement)| judgement.rule.is_some());
    let rows = || touched().map(|(subject, judgement)| row(*subject, judgement, plan.now));
    if touched().next().is_some() {
        table(HEADER, rows, out)?;
        writeln!(out)?;
    }
    let unreadable =
        plan.decisions.iter().filter(|(subject, _)| matches!(subject, Subject::Unreadable(_)));
    let unreadable = unreadable.count();
    let rest = total - touched().count() - unreadable;
    let (rest, them) =
        (counted(rest, "more is", "more are"), if rest == 1 { "it" } else { "them" });
    writeln!(out, "{rest} kept: no rule speaks of {them}.")?;
    if unreadable > 0 {
        let (unreadable, their) =
            (counted(unreadable, "is", "are"), if unreadable == 1 { "its" } else { "their" });
        writeln!(out, "{unreadable} kept because {their} record cannot be read.")?;
    }
    for near in &plan.near_misses {
        writeln!(out, "WARNING: {near}.")?;
    }
    let wanted = plan.targets().count();
    match refusal {
        None => writeln!(out, "{wanted} to terminate; the guards approve."),
        Some(refusal) => writeln!(out, "REFUSED: {refusal}"),
    }
}

const COLUMNS: usize = 7;

const HEADER: [&str; COLUMNS] =
    ["DECISION", "INSTANCE", "NAME", "RULE", "REASON", "DUE", "TERMINATED"];

fn row(subject: Subject<'_>, judgement: &Judgement<'_>, now: Timestamp) -> [String; COLUMNS] {
    let due = judgement.due_at.map(|at| relative(at, now));
    let reason = judgement.decision.reason();
    let held = judgement.held_until.map(|until| format!("until {until:.0}"));
    let detail =
        unreadable_tag(subject, judgement).or_else(|| near_miss(subject, judgement)).or(held);
    let detail = detail.map(|detail| format!("{reason} ({detail})"));
    let gone = judgement.terminate_at.map(|at| relative(at.max(now), now));
    [
        judgement.decision.as_str().to_owned(),
        shorten(subject.id().as_str()),
        subject.name().map(shorten).unwrap_or_default(),
        judgement.rule.map(|rule| rule.name.to_string()).unwrap_or_default(),
        detail.unwrap_or_else(|| reason.to_owned()),
        due.unwrap_or_default(),
        gone.unwrap_or_default(),
    ]
}

/// The tag that means to say when, if that is why the machine is skipped.
fn unreadable_tag(subject: Subject<'_>, judgement: &Judgement<'_>) -> Option<String> {
    let Decision::Skip(Skip::UnreadableExpiry) = judgement.decision else { return None };
    let (Subject::Instance(instance), Expiry::Tag(tag)) = (subject, &judgement.rule?.expiry) else {
        return None;
    };
    match (instance.tags.look(&tag.key), tag.near_miss(instance)) {
        (Tag::Value(value), _) => Some(format!("{}={}", shorten(&tag.key), shorten(value))),
        (Tag::Unreadable, _) => Some(format!("{} has no value", shorten(&tag.key))),
        (Tag::Absent, near) => Some(format!("{} is not {}", shorten(near?), shorten(&tag.key))),
    }
}

/// The tag whose key is a near miss of one that protects, if that is why the instance is kept.
fn near_miss(subject: Subject<'_>, judgement: &Judgement<'_>) -> Option<String> {
    let Decision::Keep(Keep::Unknown(Field::NearMiss)) = judgement.decision else { return None };
    let (Subject::Instance(instance), Some(rule)) = (subject, judgement.rule) else { return None };
    let near = rule.unless.near_miss(instance).or_else(|| rule.matches.near_miss(instance))?;
    Some(format!("{} is not {}", shorten(near.own), shorten(near.asked)))
}

/// Writes what is held.
pub(super) fn holds_table(holds: &[Held], now: Timestamp, out: &mut dyn Write) -> Result<()> {
    if holds.is_empty() {
        return writeln!(out, "Nothing is held.");
    }
    let row = |held: &Held| {
        let Held { account, instance_id, kind, since: _, until, reason, by } = held;
        [
            account.clone(),
            shorten(instance_id),
            kind.clone(),
            format!("{until:.0}"),
            relative(*until, now),
            by.as_deref().map(shorten).unwrap_or_default(),
            reason.as_deref().map(text).unwrap_or_default(),
        ]
    };
    let header = ["ACCOUNT", "INSTANCE", "WHY", "UNTIL", "", "BY", "REASON"];
    table(header, || holds.iter().map(row), out)
}

/// Writes what was done.
pub(super) fn history_table(
    entries: &[HistoryEntry],
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<()> {
    if entries.is_empty() {
        return writeln!(out, "Nothing was done in that time.");
    }
    let short = |text: &Option<String>| text.as_deref().map(shorten).unwrap_or_default();
    let row = |entry: &HistoryEntry| {
        let verified = entry.verified.as_deref().map(|verified| format!(", {verified}"));
        let undo = entry.recoverable_until.filter(|until| now < *until);
        [
            format!("{:.0}", entry.at),
            entry.what.clone(),
            short(&entry.instance_id),
            short(&entry.name),
            short(&entry.rule),
            entry.outcome.clone().unwrap_or_default() + &verified.unwrap_or_default(),
            entry.code.as_deref().map(text).unwrap_or_default(),
            short(&entry.request_id),
            undo.map(|until| format!("{until:.0}")).unwrap_or_default(),
            entry.why.as_deref().map(text).unwrap_or_default(),
        ]
    };
    let header = [
        "TIME",
        "WHAT",
        "INSTANCE",
        "NAME",
        "RULE",
        "OUTCOME",
        "CODE",
        "REQUEST",
        "RECOVERABLE UNTIL",
        "WHY",
    ];
    table(header, || entries.iter().map(row), out)
}

/// Writes that config and rules are right.
pub(super) fn check_text(
    path: &Path,
    loaded: &Loaded,
    used: &[UsedCredentials],
    out: &mut dyn Write,
) -> Result<()> {
    let Loaded { config, rules, rule_files, digests: _, origin: _, warnings: _ } = loaded;
    let switched_off = match rules.disabled.len() {
        0 => String::new(),
        disabled => format!(", {disabled} switched off"),
    };
    writeln!(
        out,
        "ok: {} with {} in {}{switched_off}; mode {}, schedule {}",
        path.display(),
        counted(rules.rules.len(), "rule", "rules"),
        counted(*rule_files, "file", "files"),
        config.mode.as_str(),
        config.schedule.pattern(),
    )?;
    for UsedCredentials { account, source, .. } in used {
        let source = source.as_deref().unwrap_or("none found here");
        writeln!(out, "account {account}: credentials: {source}")?;
    }
    Ok(())
}

/// The credentials that an account has where a check is made; never these themselves.
#[derive(Serialize)]
pub(super) struct UsedCredentials {
    pub(super) account: String,
    /// What they are and where they are from.
    pub(super) source: Option<String>,
    /// The profile of Zenlayer's CLI, if they are from one.
    pub(super) profile: Option<String>,
    /// Why there are none.
    pub(super) problem: Option<String>,
    /// Whether there are none anywhere, which is no fault of any place.
    #[serde(skip)]
    pub(super) is_missing: bool,
    pub(super) warnings: Vec<String>,
}

impl UsedCredentials {
    /// Whether nobody needs to look at them.
    pub(super) fn is_clean(&self) -> bool {
        self.warnings.is_empty() && (self.problem.is_none() || self.is_missing)
    }
}

#[derive(Serialize)]
struct CheckJson<'a> {
    ok: bool,
    problems: &'a [Problem],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    credentials: &'a [UsedCredentials],
}

/// Writes how a check ended and what it found, if anything, as JSON.
pub(super) fn check_json(
    exit: Exit,
    problems: &[Problem],
    credentials: &[UsedCredentials],
    out: &mut dyn Write,
) -> Result<()> {
    view::json(&CheckJson { ok: exit == Exit::Done, problems, credentials }, out)
}

#[derive(Serialize)]
struct ExplanationJson<'a> {
    code: &'a str,
    severity: &'a str,
    title: &'a str,
    text: String,
}

/// Writes what a code means as JSON.
pub(super) fn explanation_json(code: Code, out: &mut dyn Write) -> Result<()> {
    let explanation = code.explanation();
    let (title, text) = (explanation.title, explanation.to_string());
    let severity = code.severity().as_str();
    view::json(&ExplanationJson { code: code.as_str(), severity, title, text }, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::tests::{instance, tags},
        plan::{Scope, guard, memory::Memory, tests::inventory, tests::policy},
    };

    const RULES: &str = "
rules:
  - { name: dev, match: { tags: { env: dev } }, expire: { tag: ttl, default: 72h } }
";

    fn rendered(write: impl FnOnce(&PlanReport<'_>, &mut dyn Write) -> Result<()>) -> String {
        let policy = policy(RULES);
        let mut fleet: Vec<_> = ["i-1", "i-2", "i-3", "i-4"].map(instance).into();
        for (one, ttl) in fleet.iter_mut().zip(["24h", "30d", "3 dayz"]) {
            one.tags = tags(&[("env", "dev"), ("ttl", ttl)]);
        }
        fleet[0].name = Some("evil\u{1b}[31m\n".into());
        let inventory = inventory(fleet);
        let now = "2026-11-04T12:00:00Z".parse().unwrap();
        let memory = Memory::default();
        let plan = Plan::draft(&inventory, &policy, &memory, &Scope::All, now);
        let limits =
            guard::Limits { max_terminations: 0, max_percent: 100, ..guard::Limits::default() };
        let refusal = guard::check(&plan, &limits, &memory).err();
        let refusal = refusal.map(|refusal| refusal.to_string());
        let drafted = Ok(Drafted { plan, refusal });
        let accounts = vec![AccountPlan { account: "main", drafted, read_at: None, pause: None }];
        let mut out = Vec::new();
        let mode = Mode::DryRun;
        write(&PlanReport { generated_at: now, mode, accounts, digests: None }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_shows_what_rules_touch_and_counts_the_rest() {
        expect_test::expect![[r#"
            account main: 4 instances, 4 live

            DECISION   INSTANCE  NAME              RULE  REASON                          DUE     TERMINATED
            terminate  i-1       evil\u{1b}[31m\n  dev   due                             2d ago  now
            wait       i-2       dev-api-01        dev   not_due                         in 26d  in 26d
            skip       i-3       dev-api-01        dev   unreadable_expiry (ttl=3 dayz)

            1 more is kept: no rule speaks of it.
            REFUSED: the plan is refused whole: it would terminate 1 machine, and limits.max_terminations: 0 allows 0; look at it with `zenreaper plan`, and if it is right, raise the limit
            Mode dry-run: a run would call nothing.
        "#]].assert_eq(&rendered(|report, out| plan_table(report, &[], out)));
    }

    #[test]
    fn json_has_the_documented_shape() {
        expect_test::expect![[r#"
            {
              "generated_at": "2026-11-04T12:00:00Z",
              "mode": "dry-run",
              "accounts": [
                {
                  "account": "main",
                  "inventory": {
                    "instances": 4,
                    "complete": true
                  },
                  "guard": {
                    "approved": false,
                    "reason": "the plan is refused whole: it would terminate 1 machine, and limits.max_terminations: 0 allows 0; look at it with `zenreaper plan`, and if it is right, raise the limit"
                  },
                  "decisions": [
                    {
                      "instance_id": "i-1",
                      "name": "evil\u001b[31m\n",
                      "decision": "terminate",
                      "reason": "due",
                      "rule": "dev",
                      "due_at": "2026-11-02T00:00:00Z",
                      "terminate_at": "2026-11-02T00:00:00Z",
                      "held_until": null
                    },
                    {
                      "instance_id": "i-2",
                      "name": "dev-api-01",
                      "decision": "wait",
                      "reason": "not_due",
                      "rule": "dev",
                      "due_at": "2026-12-01T00:00:00Z",
                      "terminate_at": "2026-12-01T00:00:00Z",
                      "held_until": null
                    },
                    {
                      "instance_id": "i-3",
                      "name": "dev-api-01",
                      "decision": "skip",
                      "reason": "unreadable_expiry",
                      "rule": "dev",
                      "due_at": null,
                      "terminate_at": null,
                      "held_until": null
                    },
                    {
                      "instance_id": "i-4",
                      "name": "dev-api-01",
                      "decision": "keep",
                      "reason": "no_rule",
                      "rule": null,
                      "due_at": null,
                      "terminate_at": null,
                      "held_until": null
                    }
                  ]
                }
              ]
            }
        "#]].assert_eq(&rendered(|report, out| view::json(report, out)));
    }
}
