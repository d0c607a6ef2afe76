//! What the sections are made of: instants, tables, bars and names from outside.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use maud::{Markup, html};

use crate::lifetime::{cut, relative, shorten};

/// Instants as they are told: as of now, in a time zone.
pub(super) struct Clock {
    now: Timestamp,
    zone: TimeZone,
}

/// Instants further away than this are told with their year.
const YEAR_SHOWN: SignedDuration = SignedDuration::from_hours(24 * 180);

impl Clock {
    pub(super) fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now, zone }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The name of the time zone.
    pub(super) fn zone_name(&self) -> String {
        let offset = || self.zone.to_offset(self.now).to_string();
        self.zone.iana_name().map_or_else(offset, str::to_owned)
    }

    fn text(&self, at: Timestamp, seconds: &str) -> String {
        let is_far = at.duration_since(self.now).abs() > YEAR_SHOWN;
        let date = if is_far { "%-d %b %Y" } else { "%a %-d %b" };
        let format = format!("{date} %H:%M{seconds}");
        self.zone.to_datetime(at).strftime(&format).to_string()
    }

    /// An instant to the second.
    pub(super) fn exact(&self, at: Timestamp) -> Markup {
        html! { time datetime=(format!("{at:.0}")) { (self.text(at, ":%S")) } }
    }

    /// An instant to the minute, and how far away it is.
    pub(super) fn both(&self, at: Timestamp) -> Markup {
        html! {
            time datetime=(format!("{at:.0}")) { (self.text(at, "")) }
            " " span.rel { (relative(at, self.now)) }
        }
    }

    /// How far away an instant is.
    pub(super) fn relative(&self, at: Timestamp) -> Markup {
        html! { time datetime=(format!("{at:.0}")) title=(self.text(at, ":%S")) { (relative(at, self.now)) } }
    }

    pub(super) fn day(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }
}

/// A machine by its name, and by its id. Both may be anything, in any direction.
pub(super) fn machine(id: &str, name: Option<&str>) -> Markup {
    let name = name.filter(|name| !name.is_empty());
    html! {
        div.machine {
            @if let Some(name) = name { bdi.name { (name) } " " bdi.id { (id) } } @else { bdi.id.alone { (id) } }
        }
    }
}

/// A short text from outside.
pub(super) fn short(text: &str) -> Markup {
    html! { bdi { (shorten(text)) } }
}

/// The longest text of a cell, in characters.
const TEXT_CHARS_MAX: usize = 400;

/// A longer text from outside. What would steer the direction of what stands around it is shown as what it is.
pub(super) fn text(text: &str) -> Markup {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let escape = |c: char| if steers(c) { c.escape_unicode().collect() } else { vec![c] };
    let (head, end) = cut(text, TEXT_CHARS_MAX);
    let shown: String = head.chars().flat_map(escape).collect();
    html! { bdi.long { (shown) (end) } }
}

/// A count with its noun.
pub(super) fn count(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A number with its thousands apart.
pub(super) fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table whose rows fold up where there is no room. The roles are said, since what is laid out otherwise is no table to some readers.
pub(super) fn table<const N: usize>(
    caption: &str,
    columns: [&str; N],
    rows: impl Iterator<Item = [Markup; N]>,
) -> Markup {
    html! {
        table role="table" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns { th role="columnheader" scope="col" { (column) } }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (n, (column, cell)) in columns.iter().zip(row).enumerate() {
                            @if n == 0 {
                                th role="rowheader" scope="row" data-label=(column) { div { (cell) } }
                            } @else {
                                td role="cell" data-label=(column) { div { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a list leaves out, and where to find it.
pub(super) fn more(left_out: usize, command: &str) -> Markup {
    html! {
        @if left_out > 0 {
            p.more { "and " (grouped(left_out as u64)) " more: " code { (command) } }
        }
    }
}

/// One column of bars: what stands below it, what is read out, and its parts from the bottom up.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) detail: String,
    pub(super) told: String,
    pub(super) total: u64,
    pub(super) parts: Vec<(&'static str, u64)>,
}

/// The height of the highest bar, in the drawing's own units.
const HEIGHT: u64 = 100;

/// Bars side by side. Each is an item of a list that says the same in words.
pub(super) fn bars(name: &str, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.total).max().unwrap_or_default().max(1);
    html! {
        ul.bars aria-label=(name) {
            @for bar in bars {
                li {
                    span.hidden { (bar.told) }
                    span.n aria-hidden="true" { @if bar.total > 0 { (grouped(bar.total)) } }
                    (column(bar, most))
                    span.day aria-hidden="true" { (bar.label) span.wide { " " (bar.detail) } }
                }
            }
        }
    }
}

fn column(bar: &Bar, most: u64) -> Markup {
    let mut top = HEIGHT;
    let mut rects = Vec::new();
    for (class, value) in bar.parts.iter().filter(|(_, value)| *value > 0) {
        // What is not nothing can be seen.
        let height = (value.saturating_mul(HEIGHT) / most).clamp(2, top.max(2));
        top = top.saturating_sub(height);
        rects.push((class, top, height));
    }
    html! {
        svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (class, y, height) in rects {
                rect class=(class) x="0" y=(y) width="10" height=(height) {}
            }
        }
    }
}

/// A date as it is told under a bar, in two parts.
pub(super) fn day_label(day: Date) -> (String, String) {
    (day.strftime("%-d").to_string(), day.strftime("%a").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_kept_apart() {
        for (number, expected) in
            [(0_u64, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn what_comes_from_outside_steers_nothing() {
        let evil = "<script>\u{202e}x\u{200f}\n";
        let expected = "<bdi class=\"long\">&lt;script&gt;\\u{202e}x\\u{200f}\\u{a}</bdi>";
        assert_eq!(text(evil).into_string(), expected);
        for steers in
            "\u{61c}\u{200b}\u{200e}\u{202a}\u{2060}\u{2066}\u{2069}\u{feff}\u{1b}".chars()
        {
            assert!(!text(&format!("a{steers}b")).into_string().contains(steers), "{steers:?}");
        }
        assert_eq!(text(&"x".repeat(500)).into_string().chars().count(), 400 + 25);
        let shown = short(evil).into_string();
        assert!(
            !shown.contains(['\u{202e}', '\u{200f}', '\n']) && !shown.contains("<script"),
            "{shown}"
        );
    }
}
