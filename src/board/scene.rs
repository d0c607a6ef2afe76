//! What follows from what was seen: the plan in numbers, and what the next days bring. Worked out once, in rows that are bounded
//! however large the fleet is.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    forecast::{Event, Forecast, Refused, Sum, What},
    inventory::{InstanceId, Inventory},
    lifetime::{counted, cut, shorten},
    plan::{
        Plan,
        memory::{Force, Memory, Promise},
    },
    rules::Rule,
    schedule::Schedule,
    view::{
        View,
        forecast::{AccountForecast, Report},
        plan::{AccountPlan, Drafted, draft},
    },
};

/// The most rows of a list.
const ROWS_MAX: usize = 20;

/// How far it is looked ahead.
const DAYS: u16 = 7;
const WEEK: SignedDuration = SignedDuration::from_hours(24 * 7);

/// The most runs that are looked ahead: of a schedule of every minute, a week.
const RUNS_MAX: i64 = 10_080;

/// So many firings tell how dense a schedule is.
const SAMPLE: i64 = 60;

/// The longest text of a row, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// What follows from what was seen.
#[derive(Debug)]
pub struct Scene {
    /// The instant that it holds for.
    pub at: Timestamp,
    /// Until when it is looked ahead.
    pub until: Timestamp,
    /// What was seen.
    pub view: View,
    /// What follows for each account.
    pub accounts: Vec<AccountScene>,
}

/// What follows for an account.
#[derive(Debug)]
pub struct AccountScene {
    /// The account's name.
    pub account: String,
    /// When its inventory was read.
    pub read_at: Timestamp,
    /// What follows, or why that cannot be said.
    pub told: Result<Told, String>,
}

/// What follows from an inventory.
#[derive(Debug, Default)]
pub struct Told {
    /// How many machines there are.
    pub instances: usize,
    /// How many of them are live.
    pub live: u64,
    /// How many decisions there are, by decision and reason.
    pub counts: BTreeMap<(&'static str, &'static str), usize>,
    /// Why a run would terminate nothing, if it would not.
    pub refusal: Option<String>,
    /// The rules in their order.
    pub rules: Vec<CountedRule>,
    /// What happens next, in the order of time.
    pub coming: Vec<Coming>,
    /// How many more happen until `until`.
    pub coming_more: usize,
    /// What each day brings, without gaps.
    pub days: Vec<(Date, Sum)>,
    /// Until when it is looked ahead; earlier than asked for if there is too much to look at.
    pub until: Timestamp,
    /// What owners are promised, the next to go first.
    pub owed: Vec<Owed>,
    /// How many more are.
    pub owed_more: usize,
}

/// A rule, and what it does.
#[derive(Debug)]
pub struct CountedRule {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How many machines it matches.
    pub matches: u64,
    /// How many the plan terminates by it.
    pub takes: u64,
    /// How many owners it tells, and how many machines go by it, until the end of what is looked at.
    pub coming: Sum,
}

/// Something that happens.
#[derive(Debug)]
pub struct Coming {
    /// When.
    pub at: Timestamp,
    /// What, in a word.
    pub what: &'static str,
    /// The machine's id and name, if it is about one.
    pub machine: Option<(String, Option<String>)>,
    /// The rule.
    pub rule: Option<String>,
    /// More of it.
    pub note: Note,
}

/// More of what happens.
#[derive(Debug)]
pub enum Note {
    /// Nothing.
    None,
    /// The machine goes from this instant on.
    GoesFrom(Timestamp),
    /// Its owner was told then.
    Told(Timestamp),
    /// In words.
    Words(String),
}

/// What the owner of a machine is promised.
#[derive(Debug)]
pub struct Owed {
    /// The machine's id.
    pub instance_id: String,
    /// Its name, if it is still listed and has one.
    pub name: Option<String>,
    /// The rule that takes it.
    pub rule: String,
    /// When the notice was written.
    pub begun_at: Timestamp,
    /// When it had reached every sink.
    pub told_at: Option<Timestamp>,
    /// The earliest termination.
    pub terminate_at: Timestamp,
}

impl Scene {
    /// Works out what follows at `at` from what was seen.
    #[must_use]
    pub fn of(view: View, at: Timestamp) -> Self {
        let until = horizon(&view, at);
        let accounts = accounts(&view, at, until);
        Self { at, until, view, accounts }
    }

    /// Whether it is looked ahead for less than a week.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.until.duration_since(self.at) < WEEK
    }
}

/// How far it is looked ahead: less far if there are runs every few seconds.
fn horizon(view: &View, at: Timestamp) -> Timestamp {
    let rules = view.accounts.first().map(|seen| &seen.policy.rules.rules);
    let own = rules.into_iter().flatten().filter_map(|rule| rule.schedule.as_ref());
    let reach = |schedule: &Schedule| {
        let mut last = at;
        for _ in 0..SAMPLE {
            last = schedule.next_after(last)?;
        }
        last.duration_since(at).checked_mul(i32::try_from(RUNS_MAX / SAMPLE).ok()?)
    };
    let ahead = own.chain([&view.schedule]).filter_map(reach).min();
    let ahead = ahead.map_or(WEEK, |ahead| ahead.min(WEEK));
    at.checked_add(ahead).unwrap_or(Timestamp::MAX)
}

fn accounts(view: &View, at: Timestamp, until: Timestamp) -> Vec<AccountScene> {
    let plans = draft(view, at);
    let forecasts = Report::until(view, (at, until), DAYS);
    let both = plans.accounts.into_iter().zip(forecasts.accounts).zip(&view.accounts);
    let account = |((plan, AccountForecast { account, made }), seen): ((AccountPlan<'_>, _), _)| {
        let seen: &crate::view::Seen = seen;
        let told = match (plan.drafted, made) {
            (Ok(drafted), Ok((_, forecast))) => {
                let mut told = told(drafted, &forecast, view);
                if let Ok((inventory, memory)) = seen.known() {
                    told.owe(inventory, memory);
                }
                Ok(told)
            }
            (Err(unlisted), _) => Err(unlisted.to_string()),
            (Ok(_), Err(why)) => Err(why),
        };
        AccountScene { account: account.to_owned(), read_at: seen.read_at, told }
    };
    both.map(account).collect()
}

fn told(Drafted { plan, refusal }: Drafted<'_>, forecast: &Forecast<'_>, view: &View) -> Told {
    let rows = forecast.events.iter().take(ROWS_MAX).map(coming);
    Told {
        instances: plan.decisions.len(),
        live: plan.summary.live,
        counts: plan.counts(),
        refusal: refusal.map(|why| text(&why)),
        rules: rules(&plan, forecast),
        coming: rows.collect(),
        coming_more: forecast.events.len().saturating_sub(ROWS_MAX),
        days: days(forecast, view),
        until: forecast.until,
        owed: Vec::new(),
        owed_more: 0,
    }
}

impl Told {
    fn owe(&mut self, inventory: &Inventory, memory: &Memory) {
        let listed = |id: &InstanceId| {
            let instances = inventory.instances();
            let found = instances.binary_search_by(|own| own.id.cmp(id)).ok()?;
            instances.get(found)
        };
        let name = |id: &InstanceId| listed(id)?.name.as_deref().map(shorten);
        // What stands under the name of a former account may be about an instance of any account.
        let is_ours = |id: &InstanceId, promise: &Promise| match promise.force {
            Force::Stands => true,
            Force::Orphaned => listed(id).is_some(),
            Force::TimeOnly => false,
        };
        let last = |(id, all): (&'_ InstanceId, &'_ Vec<Promise>)| {
            Some((id.clone(), all.iter().rfind(|promise| is_ours(id, promise))?.clone()))
        };
        let mut all: Vec<_> = memory.promises.iter().filter_map(last).collect();
        all.sort_by(|(a, one), (b, other)| (one.terminate_at, a).cmp(&(other.terminate_at, b)));
        self.owed_more = all.len().saturating_sub(ROWS_MAX);
        let owed = |(id, promise): (InstanceId, Promise)| Owed {
            instance_id: shorten(id.as_str()),
            name: name(&id),
            rule: promise.rule.to_string(),
            begun_at: promise.begun_at,
            told_at: promise.told_at,
            terminate_at: promise.terminate_at,
        };
        self.owed = all.into_iter().take(ROWS_MAX).map(owed).collect();
    }
}

fn rules(plan: &Plan<'_>, forecast: &Forecast<'_>) -> Vec<CountedRule> {
    let sums = forecast.by_rule();
    let rule = |rule: &Rule| (rule.name.to_string(), rule.description.as_deref().map(text));
    let counted = plan.tallies.iter().map(|tally| {
        let (name, description) = rule(tally.rule);
        let coming = sums.get(&tally.rule.name).copied().unwrap_or_default();
        CountedRule { name, description, matches: tally.matches, takes: tally.takes, coming }
    });
    counted.collect()
}

fn coming(event: &Event<'_>) -> Coming {
    let (what, note) = match &event.what {
        What::Noticed { terminate_at, .. } => ("told", Note::GoesFrom(*terminate_at)),
        What::Withdrawn { why, .. } => ("withdrawn", Note::Words(text(why))),
        What::Terminated { told_at, .. } => {
            let what = if event.is_release() { "released" } else { "terminated" };
            (what, told_at.map_or(Note::None, Note::Told))
        }
        What::Refused(Refused { by, rule: _, until: _, runs, reason }) => {
            let runs = counted(*runs, "run", "runs");
            let words = format!("{runs} by {}: {}", by.as_str(), text(reason));
            ("refused", Note::Words(words))
        }
    };
    let machine = event
        .instance()
        .map(|instance| (shorten(instance.id.as_str()), instance.name.as_deref().map(shorten)));
    Coming { at: event.at, what, machine, rule: event.rule().map(ToString::to_string), note }
}

/// Every day that is looked at, so that one that brings nothing shows as that.
fn days(forecast: &Forecast<'_>, view: &View) -> Vec<(Date, Sum)> {
    let sums = forecast.by_day(&view.zone);
    let day = |at| view.zone.to_datetime(at).date();
    let last = day(forecast.until);
    let all = std::iter::successors(Some(day(forecast.start)), |day| day.tomorrow().ok());
    all.take_while(|day| *day <= last)
        .map(|day| (day, sums.get(&day).copied().unwrap_or_default()))
        .collect()
}

/// A text of a bounded length; it is as it came, and escaped where it is shown.
fn text(text: &str) -> String {
    let (head, end) = cut(text, TEXT_CHARS_MAX);
    head.to_owned() + end
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::{
        config::Mode,
        inventory::tests::instance,
        journal::Digests,
        plan::{
            guard::Limits,
            memory::Memory,
            tests::{inventory, policy},
        },
        view::Seen,
    };

    const NOW: &str = "2026-11-25T12:00:00Z";

    /// So many machines, all of which are due at once.
    fn view(machines: usize, schedule: &str) -> View {
        let now: Timestamp = NOW.parse().unwrap();
        let fleet = (0..machines).map(|n| instance(&format!("i-{n:05}"))).collect();
        let limits = Limits {
            max_terminations: 1_000_000,
            max_percent: 100,
            max_per_day: 1_000_000,
            ..Limits::default()
        };
        let seen = Seen {
            account: "main".to_owned(),
            credentials: None,
            policy: Arc::new(policy("rules: [{ name: all, match: everything }]")),
            limits,
            interval: SignedDuration::ZERO,
            listed: Ok(Arc::new(inventory(fleet))),
            memory: Ok(Memory::default()),
            read_at: now,
        };
        View {
            mode: Mode::Enforce,
            digests: Digests { rules: String::new(), config: String::new() },
            schedule: Schedule::parse(schedule, TimeZone::UTC, now).unwrap(),
            zone: TimeZone::UTC,
            accounts: vec![seen],
        }
    }

    #[test]
    fn it_is_looked_ahead_for_a_week_or_for_as_many_runs_as_are_worth_it() {
        for (schedule, ahead) in [
            ("*/15 * * * *", WEEK),
            ("* * * * *", WEEK),
            ("0 0 1 1 *", WEEK),
            ("* * * * * *", SignedDuration::from_secs(RUNS_MAX)),
        ] {
            let scene = Scene::of(view(0, schedule), NOW.parse().unwrap());
            assert_eq!(scene.until.duration_since(scene.at), ahead, "{schedule}");
            assert_eq!(scene.is_cut_short(), ahead < WEEK, "{schedule}");
        }
    }

    #[test]
    fn rows_are_bounded_and_what_they_leave_out_is_counted() {
        let scene = Scene::of(view(1000, "*/15 * * * *"), NOW.parse().unwrap());
        let told = scene.accounts[0].told.as_ref().unwrap();
        assert_eq!((told.instances, told.coming.len(), told.coming_more), (1000, ROWS_MAX, 980));
        let days: Vec<_> = told.days.iter().map(|(_, sum)| sum.terminated).collect();
        assert_eq!(days, [1000, 0, 0, 0, 0, 0, 0, 0], "a day that brings nothing is there too");
        assert_eq!((told.rules[0].matches, told.rules[0].coming.terminated), (1000, 1000));
    }
}
