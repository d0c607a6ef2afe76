//! `zenreaper forecast`: what will go when, and by which rule, if all stays as it is. It never acts.

mod text;

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    path::Path,
};

use clap::Args;
use jiff::Timestamp;

use self::text::Chart;
use super::{
    Output,
    exit::Exit,
    ignore_closed_pipe,
    look::{self, LookArgs},
    progress::Console,
    table::Length,
};
use crate::{
    clock,
    view::{self, forecast::Report},
};

/// A year, also a long one.
const DAYS_MAX: u16 = 366;

/// What a forecast says of releases.
const AFTER_HELP: &str = "\
What a rule with `action: release` takes is shown as `released`: it is terminated, and released from the recycle bin at the end of the same run, for good. \
The sums count it as terminated too.

Example:
  zenreaper forecast --days 7 --chart";

/// What `forecast` takes.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ForecastArgs {
    /// How many days of 24 hours to look ahead.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 30,
        value_parser = days
    )]
    days: u16,
    /// Look ahead from this instant instead of now: a timestamp with its offset.
    #[arg(long, value_name = "TIMESTAMP", value_parser = look::instant)]
    at: Option<Timestamp>,
    /// Show every machine, also if there are many.
    #[arg(long)]
    all: bool,
    /// Draw a bar for each day, also where no terminal is.
    #[arg(long)]
    chart: bool,
    /// Tables for people, JSON for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
    #[command(flatten)]
    look: LookArgs,
}

fn days(text: &str) -> Result<u16, &'static str> {
    let number = text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    number.ok_or("expected a number of days from 1 to 366, without a unit")
}

/// Shows the forecast.
pub(super) async fn forecast(
    path: &Path,
    args: &ForecastArgs,
    console: &Console,
) -> anyhow::Result<Exit> {
    let lookout = match args.look.lookout(path) {
        Ok(lookout) => lookout.about(args.at),
        Err(exit) => return Ok(exit),
    };
    let view = lookout.look(console).await?;
    let report = Report::of(&view, args.at.unwrap_or_else(clock::now), args.days);
    let is_terminal = io::stdout().is_terminal();
    let chart = if args.chart || is_terminal { Chart::Drawn } else { Chart::None };
    let length = Length::asked(args.all);
    let mut out = BufWriter::new(io::stdout().lock());
    match args.output {
        Output::Json => view::json(&report, &mut out),
        Output::Table => text::write(&report, length, chart, &mut out),
    }
    .and_then(|()| out.flush())
    .or_else(ignore_closed_pipe)?;
    let is_whole = report.accounts.iter().all(|account| account.made.is_ok());
    Ok(if is_whole { Exit::Done } else { Exit::Failed })
}
