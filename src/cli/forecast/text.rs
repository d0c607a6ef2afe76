//! A forecast as tables for people. Pure but for the writer.

use std::{
    collections::BTreeMap,
    io::{Result, Write},
};

use jiff::civil::Date;

use super::super::table::{Length, table, text};
use crate::{
    config::Mode,
    forecast::{ASSUMPTIONS, Event, Forecast, Refused, Sum, What},
    inventory::Inventory,
    lifetime::{counted, relative, shorten},
    view::forecast::{AccountForecast, Report},
};

/// The most machines, and the most refusals, that are shown one by one unless all are wanted.
const LINES_MAX: usize = 50;
const REFUSALS_MAX: usize = 10;

/// The longest bar, in characters.
const BAR_WIDTH: usize = 40;

/// Eighths of a block: 1 to 7.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Whether each day has a bar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Chart {
    /// No bars.
    None,
    /// A bar for each day between the first and the last that brings anything.
    Drawn,
}

/// Writes the forecasts of all accounts, and what is taken for granted.
pub(super) fn write(
    report: &Report<'_>,
    length: Length,
    chart: Chart,
    out: &mut dyn Write,
) -> Result<()> {
    for AccountForecast { account, made } in &report.accounts {
        match made {
            Ok((inventory, forecast)) => {
                head(account, inventory, report, out)?;
                what_goes(forecast, length, out)?;
                by_day(forecast, report, (length, chart), out)?;
                by_rule(forecast, out)?;
                refusals(forecast, length, out)?;
                foot(forecast, report, out)?;
            }
            Err(error) => writeln!(out, "account {account}: {error}\n")?,
        }
    }
    writeln!(out, "Assumed: {ASSUMPTIONS}.")?;
    match report.mode {
        Mode::DryRun => {
            writeln!(
                out,
                "Mode dry-run: a run would call nothing; with mode enforce this would go."
            )
        }
        Mode::Enforce => Ok(()),
    }
}

fn head(
    account: &str,
    inventory: &Inventory,
    report: &Report<'_>,
    out: &mut dyn Write,
) -> Result<()> {
    let instances = counted(inventory.len(), "instance", "instances");
    let (days, start) = (counted(report.days, "day", "days"), report.start);
    writeln!(out, "account {account}: {instances}, {days} from {start:.0}\n")
}

/// The events that are about machines.
fn of_machines<'f, 'a>(forecast: &'f Forecast<'a>) -> impl Iterator<Item = &'f Event<'a>> {
    forecast.events.iter().filter(|event| event.instance().is_some())
}

fn is_listed(forecast: &Forecast<'_>, length: Length) -> bool {
    length == Length::Whole || of_machines(forecast).nth(LINES_MAX).is_none()
}

fn what_goes(forecast: &Forecast<'_>, length: Length, out: &mut dyn Write) -> Result<()> {
    if of_machines(forecast).next().is_none() {
        return writeln!(out, "Nothing goes in that time.\n");
    }
    if !is_listed(forecast, length) {
        let count = of_machines(forecast).count();
        return writeln!(out, "{count} events, by day; `--all` shows every machine.\n");
    }
    let header = ["WHEN", "", "WHAT", "INSTANCE", "NAME", "RULE", ""];
    table(header, || of_machines(forecast).map(|event| row(event, forecast)), out)?;
    writeln!(out)
}

fn row(event: &Event<'_>, forecast: &Forecast<'_>) -> [String; 7] {
    let (what, detail) = match &event.what {
        What::Noticed { terminate_at, .. } => ("told", format!("goes from {terminate_at:.0} on")),
        What::Withdrawn { why, .. } => ("withdrawn", text(why)),
        What::Terminated { told_at, .. } => {
            let what = if event.is_release() { "released" } else { "terminated" };
            (what, told_at.map(|told_at| format!("told {told_at:.0}")).unwrap_or_default())
        }
        What::Refused(refused) => ("refused", text(&refused.reason)),
    };
    let instance = event.instance();
    let name = instance.and_then(|instance| instance.name.as_deref());
    [
        format!("{:.0}", event.at),
        relative(event.at, forecast.start),
        what.to_owned(),
        instance.map(|instance| shorten(instance.id.as_str())).unwrap_or_default(),
        name.map(shorten).unwrap_or_default(),
        event.rule().map(ToString::to_string).unwrap_or_default(),
        detail,
    ]
}

/// Writes what each day brings, if the machines are not listed or it is to be drawn.
fn by_day(
    forecast: &Forecast<'_>,
    report: &Report<'_>,
    (length, chart): (Length, Chart),
    out: &mut dyn Write,
) -> Result<()> {
    let days = forecast.by_day(report.zone);
    if days.is_empty() || (chart == Chart::None && is_listed(forecast, length)) {
        return Ok(());
    }
    let most = days.values().map(|sum| sum.terminated).max().unwrap_or_default();
    let row = |day: Date, sum: Sum| {
        let Sum { noticed, terminated, released: _ } = sum;
        let bar = match chart {
            Chart::None => String::new(),
            Chart::Drawn => bar(terminated, most),
        };
        [day.to_string(), noticed.to_string(), terminated.to_string(), bar, of_them(sum)]
    };
    let header = ["DAY", "TOLD", "TERMINATED", "", ""];
    match chart {
        Chart::None => table(header, || days.iter().map(|(day, sum)| row(*day, *sum)), out)?,
        Chart::Drawn => {
            table(header, || without_gaps(&days).map(|(day, sum)| row(day, sum)), out)?;
        }
    }
    writeln!(out)
}

/// Every day from the first to the last, so that a gap shows as one.
fn without_gaps(days: &BTreeMap<Date, Sum>) -> impl Iterator<Item = (Date, Sum)> {
    let last = days.keys().next_back().copied();
    let first = days.keys().next().copied();
    std::iter::successors(first, move |day| day.tomorrow().ok().filter(|day| Some(*day) <= last))
        .map(|day| (day, days.get(&day).copied().unwrap_or_default()))
}

/// A bar, of which the longest stands for `most`. What is not nothing can be seen.
fn bar(count: usize, most: usize) -> String {
    let eighths = (count * BAR_WIDTH * 8).checked_div(most).unwrap_or_default();
    let eighths = eighths.max(usize::from(count > 0));
    let part = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    "█".repeat(eighths / 8) + part
}

/// How many of those that go are released, if any are.
fn of_them(Sum { released, .. }: Sum) -> String {
    if released > 0 { format!("{released} released") } else { String::new() }
}

fn by_rule(forecast: &Forecast<'_>, out: &mut dyn Write) -> Result<()> {
    let rules = forecast.by_rule();
    if rules.is_empty() {
        return Ok(());
    }
    let total = rules.values().fold(Sum::default(), |total, sum| Sum {
        noticed: total.noticed + sum.noticed,
        terminated: total.terminated + sum.terminated,
        released: total.released + sum.released,
    });
    let row = |name: &str, sum: &Sum| {
        [name.into(), sum.noticed.to_string(), sum.terminated.to_string(), of_them(*sum)]
    };
    let rows = || {
        let of_rules = rules.iter().map(|(rule, sum)| row(rule.as_str(), sum));
        of_rules.chain([row("all rules", &total)])
    };
    table(["RULE", "TOLD", "TERMINATED", ""], rows, out)?;
    writeln!(out)
}

fn refusals(forecast: &Forecast<'_>, length: Length, out: &mut dyn Write) -> Result<()> {
    let refused = forecast.events.iter().filter_map(|event| match &event.what {
        What::Refused(refused) => Some((event.at, refused)),
        What::Noticed { .. } | What::Withdrawn { .. } | What::Terminated { .. } => None,
    });
    let shown = match length {
        Length::Short => REFUSALS_MAX,
        Length::Whole => usize::MAX,
    };
    let mut more = 0;
    for (n, (from, Refused { by, rule, until, runs, reason })) in refused.enumerate() {
        if n >= shown {
            more += 1;
            continue;
        }
        let rule = rule.as_ref().map(|rule| format!(" of {rule}")).unwrap_or_default();
        let runs = counted(*runs, "run", "runs");
        let (by, reason) = (by.as_str(), text(reason));
        writeln!(out, "REFUSED by {by}{rule}: {from:.0} to {until:.0}, {runs}: {reason}")?;
    }
    if more > 0 {
        let times = counted(more, "time", "times");
        writeln!(out, "REFUSED {times} more; `--all` shows them.")?;
    }
    Ok(())
}

/// Writes what is left, and whether the forecast ends early.
fn foot(forecast: &Forecast<'_>, report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
    let left: usize = forecast.remaining.values().sum();
    let count = |((decision, reason), count): (&(&str, &str), &usize)| {
        format!("{count} {decision} ({reason})")
    };
    let counts: Vec<_> = forecast.remaining.iter().map(count).collect();
    let counts = if left > 0 { format!(": {}", counts.join(", ")) } else { String::new() };
    writeln!(out, "Left on {:.0}: {left}{counts}.", forecast.until)?;
    if forecast.until < report.until {
        writeln!(
            out,
            "It ends there, after {} runs and {} events: more are not looked at.",
            forecast.runs,
            forecast.events.len()
        )?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_part_of_the_most_and_never_hides_a_machine() {
        for (count, most, expected) in [
            (0, 0, ""),
            (0, 9, ""),
            (1, 100_000, "▏"),
            (1, 64, "▋"),
            (1, 1, "████████████████████████████████████████"),
            (3, 160, "▊"),
        ] {
            assert_eq!(bar(count, most), expected, "{count} of {most}");
        }
    }
}
