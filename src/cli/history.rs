//! `zenreaper history`: what was done, when, why, and whether it can be undone.

use std::{io::Write, path::Path};

use clap::{Args, ValueEnum};
use jiff::{Timestamp, tz::TimeZone};

use super::{exit::Exit, ignore_closed_pipe, operator, render};
use crate::{
    clock,
    journal::{Filter, HistoryEntry},
    lifetime,
    view::{
        self,
        history::{COLUMNS, Row},
    },
};

/// What `history` takes.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// The first instant: an age such as 7d, a date, or a timestamp.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = since)]
    since: Timestamp,
    /// Only of this machine.
    #[arg(long, value_name = "INSTANCE_ID")]
    instance: Option<String>,
    /// Only by this rule.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// A table for people, JSON or CSV for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
}

/// The length of a date such as 2026-11-01.
const DATE_LENGTH: usize = 10;

fn since(text: &str) -> Result<Timestamp, String> {
    let age = lifetime::duration(text);
    let start_of_day = || {
        // Whatever is longer has a time of day, which reading a date would drop in silence.
        let date = Some(text).filter(|text| text.len() == DATE_LENGTH)?;
        let date: jiff::civil::Date = date.parse().ok()?;
        date.to_zoned(TimeZone::UTC).ok().map(|midnight| midnight.timestamp())
    };
    match age {
        Ok(age) => clock::now().checked_sub(age).map_err(|error| error.to_string()),
        Err(_) => start_of_day().or_else(|| text.parse().ok()).ok_or_else(|| {
            "expected an age such as 7d, a date such as 2026-11-01, or a timestamp with its offset"
                .to_owned()
        }),
    }
}

/// Shows what was done.
pub(super) async fn history(path: &Path, args: HistoryArgs) -> anyhow::Result<Exit> {
    let HistoryArgs { since, instance, rule, output } = args;
    let journal = match operator::journal_of(path) {
        Ok(journal) => journal,
        Err(exit) => return Ok(exit),
    };
    let now = clock::now();
    let filter = Filter { since, instance_id: instance, rule };
    let entries = if journal.exists() { journal.history(&filter).await? } else { Vec::new() };
    journal.close().await;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match output {
        Format::Table => render::history_table(&entries, now, &mut out)?,
        Format::Json => {
            let rows: Vec<_> = entries.into_iter().map(|entry| Row::of(entry, now)).collect();
            view::json(&rows, &mut out)?;
        }
        Format::Csv => csv(entries, now, &mut out)?,
    }
    out.flush().or_else(ignore_closed_pipe)?;
    Ok(Exit::Done)
}

fn csv(entries: Vec<HistoryEntry>, now: Timestamp, out: &mut dyn Write) -> anyhow::Result<()> {
    // The header is written by us: it is to be there where there are no rows, too.
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(out);
    writer.write_record(COLUMNS)?;
    for entry in entries {
        writer.serialize(Row::of(entry, now))?;
    }
    writer.flush()?;
    Ok(())
}
