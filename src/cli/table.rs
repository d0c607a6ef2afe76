//! Rows in aligned columns, safe to print.

use std::io::{Result, Write};

use unicode_width::UnicodeWidthStr;

use crate::lifetime::cut;

/// The longest text of a cell that is not an id or a name.
const TEXT_CHARS_MAX: usize = 200;

/// How much of a long table is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Length {
    /// As much as somebody reads.
    Short,
    /// Every line.
    Whole,
}

impl Length {
    /// All of it, if all is wanted.
    pub(super) fn asked(all: bool) -> Self {
        if all { Self::Whole } else { Self::Short }
    }
}

/// Writes rows in aligned columns. They are walked twice rather than kept, since a plan may have a hundred thousand.
pub(super) fn table<const N: usize, Rows: Iterator<Item = [String; N]>>(
    header: [&str; N],
    rows: impl Fn() -> Rows,
    out: &mut dyn Write,
) -> Result<()> {
    let header = header.map(str::to_owned);
    let mut widths = header.each_ref().map(|cell| cell.width());
    for row in rows() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = (*width).max(cell.width());
        }
    }
    for row in std::iter::once(header.clone()).chain(rows()) {
        let pad = |(cell, width): (&String, &usize)| " ".repeat(width - cell.width());
        let cells = row.iter().zip(&widths).map(|cell| format!("{}{}  ", cell.0, pad(cell)));
        writeln!(out, "{}", cells.collect::<String>().trim_end())?;
    }
    Ok(())
}

/// A longer text as it may be shown on a terminal: without what would steer it.
pub(super) fn text(text: &str) -> String {
    let (head, end) = cut(text, TEXT_CHARS_MAX);
    printable(head) + end
}

/// A text of any length, without what would steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_debug().collect() } else { vec![c] };
    text.chars().flat_map(escape).collect()
}
