//! Is it healthy?

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::{
    Shown,
    parts::{Clock, count, grouped, short, table, text},
};
use crate::{
    board::{Account, AccountScene, LastRun},
    config::Mode,
    journal::PastRun,
    report::RunResult,
};

/// A run may be so late before somebody is to look.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// How many runs the strip has room for: as many as the journal tells at a glance.
const RUNS_SHOWN: usize = 96;

/// The most accounts that are shown one by one.
const ACCOUNTS_MAX: usize = 50;

/// How it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Level {
    Good,
    Running,
    Waiting,
    Look,
    Bad,
}

/// How it is, and why.
pub(super) struct Verdict {
    level: Level,
    reasons: Vec<String>,
}

impl Verdict {
    /// How it is, from all that is shown.
    pub(super) fn of(shown: &Shown) -> Self {
        let accounts = &shown.state.accounts;
        let is_new = accounts.values().all(|account| !account.has_run);
        let (Ok(said) | Err(said)) = &shown.ready;
        let said = said.lines().filter(|line| *line != "ready").map(str::to_owned);
        let mut reasons: Vec<_> = if is_new && shown.ready.is_err() {
            said.filter(|line| !line.ends_with("not listed yet")).collect()
        } else {
            said.collect()
        };
        let is_bad = shown.ready.is_err() && !(is_new && reasons.is_empty());
        reasons.extend(accounts.iter().filter_map(|(name, account)| remark(name, account)));
        reasons.extend(late(shown));
        reasons.extend(shown.glance.as_ref().err().cloned());
        for (name, sink) in &shown.state.sinks {
            let problem = sink.problem.as_ref();
            reasons
                .extend(problem.map(|why| format!("notices by {name} do not get through: {why}")));
        }
        let is_running = accounts.values().any(|account| account.running_since.is_some());
        let level = match (is_bad, reasons.is_empty(), is_new) {
            (true, _, _) => Level::Bad,
            (false, false, _) => Level::Look,
            (false, true, true) if is_running => Level::Running,
            (false, true, true) => Level::Waiting,
            (false, true, false) => Level::Good,
        };
        Self { level, reasons }
    }

    /// In a word or two.
    pub(super) fn word(&self) -> &'static str {
        match self.level {
            Level::Good => "Healthy",
            Level::Running => "In its first run since it started",
            Level::Waiting => "Waiting for its next run",
            Level::Look => "Needs a look",
            Level::Bad => "Not working",
        }
    }

    fn class(&self) -> &'static str {
        match self.level {
            Level::Good => "verdict good",
            Level::Running | Level::Waiting => "verdict waiting",
            Level::Look => "verdict look",
            Level::Bad => "verdict bad",
        }
    }

    /// A shape for each level, so that colour is not all that tells them apart.
    fn shape(&self) -> Markup {
        html! {
            svg.shape viewBox="0 0 16 16" aria-hidden="true" focusable="false" {
                @match self.level {
                    Level::Good => circle cx="8" cy="8" r="7" {},
                    Level::Running | Level::Waiting => circle.ring cx="8" cy="8" r="6" {},
                    Level::Look => path d="M8 1 15.5 15h-15z" {},
                    Level::Bad => rect x="1.5" y="1.5" width="13" height="13" {},
                }
            }
        }
    }
}

/// What is remarkable about the last run of an account, but for what readiness tells already.
fn remark(name: &str, account: &Account) -> Option<String> {
    let result = account.last_run.as_ref()?.result;
    let why = match result {
        RunResult::Success
        | RunResult::Paused
        | RunResult::Interrupted
        | RunResult::IncompleteInventory
        | RunResult::LeaseHeld
        | RunResult::JournalFailed => return None,
        RunResult::GuardRefused => account.refusal.clone().unwrap_or_default(),
        RunResult::Partial => "some machines could not be terminated".to_owned(),
        RunResult::AuthFailed => "the credentials or the clock are wrong".to_owned(),
        RunResult::Blocked => "something between us and the API stops us".to_owned(),
        RunResult::Panicked => "the run panicked; please report this".to_owned(),
    };
    Some(format!("account {name}, last run {}: {why}", result.as_str()))
}

fn late(shown: &Shown) -> Option<String> {
    let next = shown.state.next_run_at?;
    let is_running = shown.state.accounts.values().any(|account| account.running_since.is_some());
    let is_late = shown.now.duration_since(next) > LATE && !is_running;
    is_late.then(|| format!("the run of {next:.0} is overdue"))
}

pub(super) fn section(shown: &Shown, verdict: &Verdict, clock: &Clock) -> Markup {
    html! {
        section #health aria-labelledby="health-h" {
            h2 #health-h { "Is it healthy?" }
            p class=(verdict.class()) { (verdict.shape()) " " (verdict.word()) }
            p.lead { (what_it_does(shown, verdict.level)) }
            @if !verdict.reasons.is_empty() {
                ul.reasons {
                    @for reason in verdict.reasons.iter().take(ACCOUNTS_MAX) { li { (text(reason)) } }
                }
            }
            (facts(shown, clock))
            (runs(shown, clock))
            @if shown.state.accounts.len() > 1 { (accounts(shown, clock)) }
        }
    }
}

fn what_it_does(shown: &Shown, level: Level) -> &'static str {
    match (shown.mode(), shown.state.pause.is_some()) {
        (_, true) => "Paused by an operator: nothing is terminated until the pause ends.",
        (Mode::DryRun, false) => "Dry run: it decides and tells, and terminates nothing.",
        (Mode::Enforce, false) if level == Level::Bad => {
            "Enforcing, but something stands in the way:"
        }
        (Mode::Enforce, false) => "Enforcing: machines that are due are terminated.",
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn facts(shown: &Shown, clock: &Clock) -> Markup {
    let accounts = || shown.state.accounts.values();
    let last = accounts().filter_map(|account| account.last_run.as_ref());
    let last = last.max_by_key(|run| run.ended_at);
    let success = accounts().filter_map(|account| account.last_success_at).max();
    let terms = shown.state.terms.as_ref();
    let next = match (accounts().filter_map(|one| one.running_since).min(), shown.state.next_run_at)
    {
        (Some(since), _) => html! { "running, for " (elapsed(clock.now().duration_since(since))) },
        (None, Some(next)) => clock.both(next),
        (None, None) => html! { "none" },
    };
    html! {
        dl.facts {
            (fact("Next run", &next))
            (fact("Last run", &last.map_or_else(|| html! { "none yet" }, |run| last_run(run, clock))))
            (fact("Last success", &success.map_or_else(|| html! { "none yet" }, |at| clock.both(at))))
            @if let Some(terms) = terms {
                (fact("Schedule", &html! { code { (terms.schedule) } }))
                (fact("Config in use since", &clock.both(terms.since)))
            }
            @if let Some(pause) = &shown.state.pause {
                (fact("Paused", &html! {
                    "since " (clock.both(pause.since))
                    @if let Some(until) = pause.until { ", until " (clock.both(until)) }
                    @if let Some(by) = &pause.by { ", by " (short(by)) }
                    @if let Some(reason) = &pause.reason { ": " (text(reason)) }
                }))
            }
            (fact("Machines", &machines(shown, clock)))
        }
    }
}

fn last_run(LastRun { id: _, ended_at, result, elapsed: took }: &LastRun, clock: &Clock) -> Markup {
    let took = SignedDuration::try_from(*took).unwrap_or(SignedDuration::MAX);
    html! { (outcome(result.as_str(), *result == RunResult::Success)) ", " (clock.both(*ended_at)) ", took " (elapsed(took)) }
}

/// A result, and whether it is one to look at.
fn outcome(name: &str, is_good: bool) -> Markup {
    html! { span class=(if is_good { "result" } else { "result off" }) { (name.replace('_', " ")) } }
}

fn elapsed(took: SignedDuration) -> String {
    match took.as_secs() {
        0 => format!("{} ms", took.as_millis()),
        1..60 => format!("{} s", took.as_secs()),
        60..3600 => format!("{} min {} s", took.as_mins(), took.as_secs() % 60),
        _ => format!("{} h {} min", took.as_hours(), took.as_mins() % 60),
    }
}

fn machines(shown: &Shown, clock: &Clock) -> Markup {
    let scenes = shown.scene.as_deref().map(|scene| scene.accounts.as_slice()).unwrap_or_default();
    let told = || scenes.iter().filter_map(|scene| scene.told.as_ref().ok());
    let read_at = scenes.iter().map(|scene| scene.read_at).min();
    let total: usize = told().map(|told| told.instances).sum();
    let live: u64 = told().map(|told| told.live).sum();
    html! {
        @match read_at.filter(|_| told().next().is_some()) {
            Some(read_at) => {
                (grouped(total as u64)) ", of which " (grouped(live)) " live, read " (clock.relative(read_at))
            }
            None => "not listed yet",
        }
    }
}

/// The last runs, as a strip.
fn runs(shown: &Shown, clock: &Clock) -> Markup {
    let Ok(glance) = &shown.glance else { return html! {} };
    let ended: Vec<_> = glance.runs.iter().filter(|run| run.result.is_some()).collect();
    let is_good = |run: &PastRun| run.result.as_deref() == Some(RunResult::Success.as_str());
    let good = ended.iter().filter(|run| is_good(run)).count();
    let Some(first) = ended.first() else { return html! {} };
    let told = format!(
        "Of the last {}, {} succeeded",
        count(ended.len() as u64, "run", "runs"),
        grouped(good as u64)
    );
    let last_off = ended.iter().rev().find(|run| !is_good(run));
    let free = RUNS_SHOWN.saturating_sub(ended.len());
    html! {
        figure.strip {
            svg viewBox=(format!("0 0 {} 20", RUNS_SHOWN * 4)) preserveAspectRatio="none" role="img" aria-label=(told) {
                rect.none x="0" y="19" width=(RUNS_SHOWN * 4) height="1" {}
                @for (n, run) in (free..).zip(&ended) {
                    @if is_good(run) {
                        rect.good x=(n * 4) y="7" width="3" height="13" {}
                    } @else {
                        rect.off x=(n * 4) y="0" width="3" height="20" {}
                    }
                }
            }
            figcaption {
                (told) ", since " (clock.both(first.started_at)) "."
                @if let Some(run) = last_off {
                    " The last that did not: " (outcome(run.result.as_deref().unwrap_or_default(), false)) ", " (clock.both(run.started_at)) "."
                }
            }
        }
    }
}

fn accounts(shown: &Shown, clock: &Clock) -> Markup {
    let scenes = shown.scene.as_deref().map(|scene| scene.accounts.as_slice()).unwrap_or_default();
    let row = |(name, account): (&String, &Account)| {
        let scene = scenes.iter().find(|scene| scene.account == *name);
        let told = scene.and_then(|AccountScene { told, .. }| told.as_ref().ok());
        let never = || html! { "none yet" };
        [
            short(name),
            account.last_run.as_ref().map_or_else(never, |run| last_run(run, clock)),
            account.last_success_at.map_or_else(never, |at: Timestamp| clock.both(at)),
            told.map_or_else(|| html! { "–" }, |told| html! { (grouped(told.instances as u64)) }),
        ]
    };
    let rows = shown.state.accounts.iter().take(ACCOUNTS_MAX).map(row);
    table("Accounts", ["Account", "Last run", "Last success", "Machines"], rows)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{board::State, journal::Glance};

    const NOW: &str = "2026-11-25T12:00:00Z";

    /// A service that listed an account and ran once, with this result.
    fn shown(result: RunResult) -> Shown {
        let now: Timestamp = NOW.parse().unwrap();
        let last_run = LastRun { id: "r".into(), ended_at: now, result, elapsed: Duration::ZERO };
        let account = Account { has_run: true, last_run: Some(last_run), ..Account::default() };
        let accounts = [("main".to_owned(), account)].into();
        let next_run_at = Some(now);
        let state = State { next_run_at, accounts, ..State::default() };
        let glance = Ok(Arc::new(Glance::default()));
        Shown { now, state, ready: Ok("ready\n".to_owned()), scene: None, glance }
    }

    fn check(edit: impl FnOnce(&mut Shown), level: Level, reasons: &[&str]) {
        let mut shown = shown(RunResult::Success);
        edit(&mut shown);
        let verdict = Verdict::of(&shown);
        let told: Vec<_> = verdict.reasons.iter().map(String::as_str).collect();
        assert_eq!((verdict.level, told.as_slice()), (level, reasons));
    }

    fn run(shown: &mut Shown) -> &mut Account {
        shown.state.accounts.get_mut("main").unwrap()
    }

    #[test]
    fn a_verdict_tells_how_it_is_and_why() {
        check(|_| {}, Level::Good, &[]);
        check(|shown| shown.ready = Ok("ready\npaused\n".into()), Level::Look, &["paused"]);
        check(|shown| shown.ready = Err("no disk\n".into()), Level::Bad, &["no disk"]);
        check(|shown| shown.glance = Err("it is locked".into()), Level::Look, &["it is locked"]);
        let not_listed =
            |shown: &mut Shown| shown.ready = Err("account main: not listed yet\n".into());
        check(not_listed, Level::Bad, &["account main: not listed yet"]);
        let is_new = |shown: &mut Shown| {
            not_listed(shown);
            run(shown).has_run = false;
        };
        check(is_new, Level::Waiting, &[]);
        let failed_before = |shown: &mut Shown| {
            is_new(shown);
            run(shown).last_run.as_mut().unwrap().result = RunResult::Partial;
        };
        let why = "account main, last run partial: some machines could not be terminated";
        check(failed_before, Level::Look, &[why]);
        let has_no_disk = |shown: &mut Shown| {
            run(shown).has_run = false;
            shown.ready = Err("account main: not listed yet\nno disk\n".into());
        };
        check(has_no_disk, Level::Bad, &["no disk"]);
    }

    #[test]
    fn a_run_that_is_late_is_told_unless_one_is_under_way() {
        let late = |shown: &mut Shown| {
            shown.state.next_run_at = Some("2026-11-25T11:54:00Z".parse().unwrap());
        };
        check(late, Level::Look, &["the run of 2026-11-25T11:54:00Z is overdue"]);
        let is_running = |shown: &mut Shown| {
            late(shown);
            run(shown).running_since = Some(shown.now);
        };
        check(is_running, Level::Good, &[]);
    }

    #[test]
    fn how_the_last_run_ended_is_told_once() {
        for (result, level, reasons) in [
            (RunResult::Success, Level::Good, 0),
            (RunResult::Partial, Level::Look, 1),
            (RunResult::GuardRefused, Level::Look, 1),
            (RunResult::Panicked, Level::Look, 1),
            // Readiness tells of these itself.
            (RunResult::Paused, Level::Good, 0),
            (RunResult::IncompleteInventory, Level::Good, 0),
        ] {
            let verdict = Verdict::of(&shown(result));
            assert_eq!((verdict.level, verdict.reasons.len()), (level, reasons), "{result:?}");
        }
    }

    #[test]
    fn a_sink_that_fails_is_told() {
        let failing = |shown: &mut Shown| {
            let problem = Some("connection refused".to_owned());
            shown
                .state
                .sinks
                .insert("chat".into(), crate::board::Sink { problem, ..Default::default() });
        };
        check(failing, Level::Look, &["notices by chat do not get through: connection refused"]);
    }
}
