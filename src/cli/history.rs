//! `zenreaper history`: what was done, when, why, and whether it can be undone.

use std::{collections::BTreeMap, io::Write, path::Path};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{exit::Exit, ignore_closed_pipe, operator, render, tell};
use crate::{
    clock,
    journal::{ENTRIES_MAX, Filter, HistoryEntry},
    lifetime,
    view::{
        self,
        history::{COLUMNS, Row},
    },
};

/// What a text begins with that a spreadsheet takes for a formula, also in the width of East Asian letters, or leaves out before one.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

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

fn since(text: &str) -> Result<Timestamp, String> {
    lifetime::since(text, clock::now())
}

/// Shows what was done.
pub(super) async fn history(path: &Path, args: HistoryArgs) -> anyhow::Result<Exit> {
    let HistoryArgs { since, instance, rule, output } = args;
    let journal = match operator::journal_of(path) {
        Ok(journal) => journal,
        Err(exit) => return Ok(exit),
    };
    let now = clock::now();
    let filter = Filter { since, instance_id: instance, rule, limit: ENTRIES_MAX };
    if !journal.exists() {
        return Ok(operator::no_journal(&journal, path));
    }
    let entries = journal.history(&filter).await?;
    journal.close().await;
    if is_cut(&entries) {
        tell(&format!(
            "note: only the newest {ENTRIES_MAX} of each kind are shown; `--instance` and `--rule` show less\n"
        ));
    }
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

/// Whether there may be more entries of a kind than are shown.
fn is_cut(entries: &[HistoryEntry]) -> bool {
    let mut counts = BTreeMap::<&str, u32>::new();
    for entry in entries {
        let kind = match entry.what.as_str() {
            "terminate" | "release" | "notice" | "hold" => entry.what.as_str(),
            _ => "said by an operator",
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts.values().any(|count| *count >= ENTRIES_MAX)
}

fn csv(entries: Vec<HistoryEntry>, now: Timestamp, out: &mut dyn Write) -> anyhow::Result<()> {
    // The header is written by us: it is to be there where there are no rows, too.
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(out);
    writer.write_record(COLUMNS)?;
    for entry in entries {
        writer.serialize(without_formulas(Row::of(entry, now)))?;
    }
    writer.flush()?;
    Ok(())
}

/// A row that a spreadsheet only shows: whoever names machines is not to compute on the screen of whoever reads what became of them.
fn without_formulas(mut row: Row) -> Row {
    let Row { account, instance_id, name, rule, why, code, request_id, .. } = &mut row;
    for text in [account, instance_id, name, rule, why, code, request_id].into_iter().flatten() {
        if text.starts_with(FORMULA) {
            text.insert(0, '\'');
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_takes_no_name_for_a_formula() {
        let table = [
            (
                "=HYPERLINK(\"https://evil.example\")",
                "\"'=HYPERLINK(\"\"https://evil.example\"\")\"",
            ),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "'＝1"),
            ("a=1-2", "a=1-2"),
            ("'quoted'", "'quoted'"),
            ("", ""),
        ];
        for (name, cell) in table {
            let entry = HistoryEntry { name: Some(name.to_owned()), ..HistoryEntry::default() };
            let mut out = Vec::new();
            csv(vec![entry], Timestamp::UNIX_EPOCH, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let (_, row) = text.split_once('\n').unwrap();
            assert_eq!(row, format!("1970-01-01T00:00:00Z,,,,{cell},,,,,,,,false,\n"), "{name:?}");
        }
    }

    #[test]
    fn what_is_cut_is_not_taken_for_all() {
        let entries = |what: &str, count| {
            let entry = HistoryEntry { what: what.to_owned(), ..HistoryEntry::default() };
            vec![entry; count]
        };
        let max = ENTRIES_MAX as usize;
        let two = |one, other, count| [entries(one, 1), entries(other, count)].concat();
        assert!(!is_cut(&[]) && !is_cut(&two("notice", "terminate", max - 1)));
        assert!(is_cut(&two("notice", "terminate", max)));
        assert!(is_cut(&two("unhold", "pause", max - 1)), "what operators said is one kind");
    }
}
