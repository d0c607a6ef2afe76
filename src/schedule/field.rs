//! Reads one field of a crontab pattern.
//!
//! croner 4.0.3 reads fields more loosely than people write them: it replaces the names of days and months anywhere in the text,
//! drops empty list items, and ignores what stands behind a `W`. So every part is read here first, and croner receives numbers.

use super::marked::special;

/// The names of the days of the week; the first is 0.
pub(super) const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const WEEKDAYS_IN_FULL: [&str; 7] =
    ["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"];

/// The names of the months; the first is 1.
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const MONTHS_IN_FULL: [&str; 12] = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
];

/// The fields of a pattern with seconds, in order.
pub(super) const KINDS: [Kind; 6] =
    [Kind::Second, Kind::Minute, Kind::Hour, Kind::Day, Kind::Month, Kind::Weekday];

/// What a field says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// The second of the minute.
    Second,
    /// The minute of the hour.
    Minute,
    /// The hour of the day.
    Hour,
    /// The day of the month.
    Day,
    /// The month of the year.
    Month,
    /// The day of the week.
    Weekday,
}

impl Kind {
    /// Returns the name of the field.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day-of-month",
            Self::Month => "month",
            Self::Weekday => "day-of-week",
        }
    }

    /// Returns the smallest and the largest number; 7 is Sunday too, and not counted here.
    fn bounds(self) -> (u16, u16) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 6),
        }
    }

    /// Returns the span of time in which the values of the field pass once.
    fn cycle(self) -> &'static str {
        match self {
            Self::Second => "minute",
            Self::Minute => "hour",
            Self::Hour => "day",
            Self::Day => "month",
            Self::Month => "year",
            Self::Weekday => "week",
        }
    }

    /// Returns what the field takes, for messages.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => {
                "expected `*`, 0 to 59, a range such as `0-29`, a step such as `*/15`, or a list of these"
            }
            Self::Hour => {
                "expected `*`, 0 to 23, a range such as `8-18`, a step such as `*/6`, or a list of these"
            }
            Self::Day => {
                "expected `*`, 1 to 31, a range such as `1-7`, a step such as `*/10`, `L` (the last day), `15W` (the weekday nearest the 15th), `LW` (the last weekday), or a list of these"
            }
            Self::Month => {
                "expected `*`, 1 to 12 or JAN to DEC, a range such as `MAY-AUG`, a step such as `*/3`, or a list of these"
            }
            Self::Weekday => {
                "expected `*`, SUN to SAT or 0 to 7 (0 and 7 are Sunday), a range such as `MON-FRI`, `MON#1` (the first Monday of the month), `FRIL` (the last Friday), or a list of these"
            }
        }
    }

    fn names(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Month => (&MONTHS, &MONTHS_IN_FULL),
            Self::Weekday => (&WEEKDAYS, &WEEKDAYS_IN_FULL),
            Self::Second | Self::Minute | Self::Hour | Self::Day => (&[], &[]),
        }
    }

    /// Returns the number of the name that `text` is, or is a longer or shorter spelling of, and the name itself.
    pub(super) fn named(self, text: &str) -> Option<(u16, &'static str)> {
        const SPELLED_MIN: usize = 2;
        let (names, in_full) = self.names();
        let upper = text.to_ascii_uppercase();
        let is_it = |full: &&&str| upper.len() >= SPELLED_MIN && full.starts_with(&upper);
        let mut found = in_full.iter().enumerate().filter(|(_, full)| is_it(full));
        let exact = names.iter().position(|name| *name == upper);
        let alone = found.next().filter(|_| found.next().is_none()).map(|(n, _)| n);
        let n = exact.or(alone)?;
        let name = names.get(n)?;
        Some((self.bounds().0 + u16::try_from(n).ok()?, name))
    }
}

/// A field that croner may read.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The field in numbers.
    pub(super) numbers: String,
    /// Whether it leaves the day to the other day field: `*` or `?`, and nothing else.
    pub(super) is_any: bool,
}

/// What is wrong with a part of a field.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// The field.
    pub(super) kind: Kind,
    /// The part, as written.
    pub(super) part: String,
    /// What is wrong with it.
    pub(super) problem: String,
    /// What to do.
    pub(super) fix: Fix,
    /// The field in which such a part has a meaning, if that is another one.
    pub(super) belongs: Option<Kind>,
}

/// What to do about a [`Fault`].
#[derive(Clone, Debug)]
pub(super) enum Fix {
    /// Write this instead of the part.
    Write(String),
    /// What this sentence says.
    Do(String),
}

impl Fault {
    pub(super) fn new(kind: Kind, part: &str, problem: impl Into<String>, fix: Fix) -> Self {
        Self { kind, part: part.to_owned(), problem: problem.into(), fix, belongs: None }
    }

    pub(super) fn unreadable(kind: Kind, part: &str) -> Self {
        let fix = Fix::Do(kind.expected().to_owned());
        Self::new(kind, part, "is not a value of this field", fix)
    }

    pub(super) fn of_another(self, kind: Kind) -> Self {
        Self { belongs: Some(kind), ..self }
    }

    /// Returns what to do, as one sentence.
    pub(super) fn help(&self) -> String {
        match &self.fix {
            Fix::Write(text) => format!("write `{text}`"),
            Fix::Do(sentence) => sentence.clone(),
        }
    }
}

/// Reads a field.
pub(super) fn read(kind: Kind, written: &str) -> Result<Field, Fault> {
    let (plus, list) = match written.strip_prefix('+') {
        Some(rest) if kind == Kind::Weekday => ("+", rest),
        _ => ("", written),
    };
    if list == "*" || list == "?" && matches!(kind, Kind::Day | Kind::Weekday) {
        return Ok(Field { numbers: "*".to_owned(), is_any: true });
    }
    let items: Vec<_> = list.split(',').collect();
    if items.contains(&"") {
        let rest: Vec<_> = items.into_iter().filter(|item| !item.is_empty()).collect();
        let fix = match &rest[..] {
            [] => Fix::Do(kind.expected().to_owned()),
            _ => Fix::Write(format!("{plus}{}", rest.join(","))),
        };
        return Err(Fault::new(kind, written, "has an empty list item", fix));
    }
    if items.len() > 1 && items.iter().any(|item| matches!(*item, "*" | "?")) {
        let fix = Fix::Do("write `*` alone, or only the other values".to_owned());
        return Err(Fault::new(kind, written, "lists `*` beside values that it covers", fix));
    }
    let is_last = |wanted: &str| items.iter().any(|item| item.eq_ignore_ascii_case(wanted));
    if kind == Kind::Day && is_last("L") && is_last("LW") {
        // croner keeps one flag for both, so that `L` would be lost.
        let fix = Fix::Do("write one of the two, or give each a rule of its own".to_owned());
        return Err(Fault::new(kind, written, "lists `L` beside `LW`", fix));
    }
    let numbers: Result<Vec<_>, _> = items.iter().map(|item| read_item(kind, item)).collect();
    Ok(Field { numbers: plus.to_owned() + &numbers?.join(","), is_any: false })
}

/// Reads an item of a list.
fn read_item(kind: Kind, text: &str) -> Result<String, Fault> {
    refuse_other_dialects(kind, text)?;
    if let Some((range, step)) = text.split_once('/') {
        return stepped(kind, text, (range, step));
    }
    if let Some(numbers) = special(kind, text)? {
        return Ok(numbers);
    }
    match text.split_once('-') {
        None => value(kind, text).map(|number| number.to_string()),
        Some(ends) => range(kind, text, ends).map(|(from, to)| format!("{from}-{to}")),
    }
}

/// Refuses what other schedulers understand and no field of ours does.
fn refuse_other_dialects(kind: Kind, text: &str) -> Result<(), Fault> {
    let upper = text.to_ascii_uppercase();
    let is_jenkins = upper == "H" || upper.starts_with("H/") || upper.starts_with("H(");
    let (problem, fix) = if is_jenkins {
        (
            "is Jenkins syntax for a spread",
            "write a number, such as `7`; `jitter` in the config delays each run at random",
        )
    } else if text.contains('~') {
        (
            "is cronie syntax for a random value",
            "write a number, such as `7`; `jitter` in the config delays each run at random",
        )
    } else if text == "?" {
        ("has a meaning only in the day-of-month and day-of-week fields", "write `*`")
    } else {
        return Ok(());
    };
    let fault = Fault::new(kind, text, problem, Fix::Do(fix.to_owned()));
    Err(if text == "?" { fault.of_another(Kind::Weekday) } else { fault })
}

/// Reads a number or a name.
pub(super) fn value(kind: Kind, text: &str) -> Result<u16, Fault> {
    const DIGITS_MAX: usize = 2;
    let (first, last) = kind.bounds();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.parse().ok().filter(|_| text.len() <= DIGITS_MAX);
        let is_sunday = kind == Kind::Weekday && number == Some(7);
        return match number.filter(|number| is_sunday || (first..=last).contains(number)) {
            Some(number) => Ok(number),
            None => Err(out_of_range(kind, text)),
        };
    }
    if let Some((number, name)) = kind.named(text) {
        return if name.eq_ignore_ascii_case(text) {
            Ok(number)
        } else {
            let problem = "is not how the name is written";
            Err(Fault::new(kind, text, problem, Fix::Write(name.to_owned())))
        };
    }
    for other in [Kind::Weekday, Kind::Month].into_iter().filter(|other| *other != kind) {
        if other.named(text).is_some() {
            return Err(misplaced(kind, text, other));
        }
    }
    Err(Fault::unreadable(kind, text))
}

fn out_of_range(kind: Kind, text: &str) -> Fault {
    let (first, last) = kind.bounds();
    let short = text.trim_start_matches('0');
    if text.len() > 2 && short.len() <= 2 && value(kind, short).is_ok() {
        let fix = Fix::Write(short.to_owned());
        return Fault::new(kind, text, "has more than two digits", fix);
    }
    let fix = match (kind, text) {
        (Kind::Second | Kind::Minute, "60") => Fix::Write("0".to_owned()),
        (Kind::Hour, "24") => Fix::Do("write `0` for midnight".to_owned()),
        _ => Fix::Do(kind.expected().to_owned()),
    };
    let last = if kind == Kind::Weekday { 7 } else { last };
    Fault::new(kind, text, format!("is outside {first} to {last}"), fix)
}

/// A name in a field that has none of its kind.
fn misplaced(kind: Kind, text: &str, other: Kind) -> Fault {
    let problem = match other {
        Kind::Month => "is the name of a month",
        Kind::Second | Kind::Minute | Kind::Hour | Kind::Day | Kind::Weekday => {
            "is the name of a day of the week"
        }
    };
    let fix = Fix::Do(format!("write it in the {} field only", other.name()));
    Fault::new(kind, text, problem, fix).of_another(other)
}

/// Reads a range; one that ends with Sunday ends with 7.
pub(super) fn range(kind: Kind, text: &str, (from, to): (&str, &str)) -> Result<(u16, u16), Fault> {
    let (first, last) = kind.bounds();
    if from.is_empty() && value(kind, to).is_ok() {
        let fix = Fix::Write(format!("{}-{to}", shown(kind, first, to)));
        return Err(Fault::new(kind, text, "is a range without a start", fix));
    }
    if to.is_empty() && value(kind, from).is_ok() {
        let fix = Fix::Write(format!("{from}-{}", shown(kind, last, from)));
        return Err(Fault::new(kind, text, "is a range without an end", fix));
    }
    if from.is_empty() || to.is_empty() || from.contains('*') || to.contains(['-', '*']) {
        return Err(Fault::unreadable(kind, text));
    }
    // Whoever writes one name in the wrong field means the whole range.
    let whole = |fault: Fault| match fault.belongs {
        Some(_) => Fault { part: text.to_owned(), ..fault },
        None => fault,
    };
    let (start, end) = (value(kind, from).map_err(whole)?, value(kind, to).map_err(whole)?);
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let end = if kind == Kind::Weekday && end == 0 && is_name(to) { 7 } else { end };
    let is_week = (start, end) == (0, 7) && !is_name(from) && !is_name(to);
    if start == end || kind == Kind::Weekday && start % 7 == end % 7 && !is_week {
        let fix = Fix::Write(from.to_owned());
        return Err(Fault::new(kind, text, "starts and ends with the same value", fix));
    }
    if start > end {
        let fix = Fix::Write(turned(kind, (start, end), from));
        return Err(Fault::new(kind, text, "is a range that runs backwards", fix));
    }
    Ok((start, end))
}

/// Returns a number as a name if `like` is one.
pub(super) fn shown(kind: Kind, number: u16, like: &str) -> String {
    let (first, _) = kind.bounds();
    let (names, _) = kind.names();
    let n = if kind == Kind::Weekday { number % 7 } else { number - first };
    match names.get(usize::from(n)) {
        Some(name) if !like.starts_with(|letter: char| letter.is_ascii_digit()) => {
            (*name).to_owned()
        }
        _ => number.to_string(),
    }
}

/// Returns the list of ranges for a range that runs backwards, over the end of the cycle.
fn turned(kind: Kind, (start, end): (u16, u16), like: &str) -> String {
    let (first, last) = kind.bounds();
    // A week may end with Sunday, which then is not its first day too.
    let (first, last) = if kind == Kind::Weekday { (first + 1, last + 1) } else { (first, last) };
    let between = |from: u16, to: u16| {
        let (from_text, to_text) = (shown(kind, from, like), shown(kind, to, like));
        if from == to { from_text } else { format!("{from_text}-{to_text}") }
    };
    let until_end = between(start, last);
    if end < first { until_end } else { format!("{until_end},{}", between(first, end)) }
}

/// Reads a range, or `*`, with a step.
fn stepped(kind: Kind, text: &str, (written, step): (&str, &str)) -> Result<String, Fault> {
    const DIGITS_MAX: usize = 4;
    let is_number = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u16> = step.parse().ok().filter(|_| is_number && step.len() <= DIGITS_MAX);
    let do_ = |sentence: &str| Fix::Do(sentence.to_owned());
    let Some(number) = number else {
        let fix = do_("write a step that is a whole number, such as `*/5`");
        return Err(Fault::new(kind, text, "has a step that is not a number", fix));
    };
    if number == 0 {
        let fix = do_("write a step of 1 or more, such as `*/5`");
        return Err(Fault::new(kind, text, "has a step of 0", fix));
    }
    let (first, last) = kind.bounds();
    let (from, to) = match written {
        "*" => (first, last),
        "" => {
            let fix = mended(kind, format!("*/{number}"));
            return Err(Fault::new(kind, text, "has no range before its step", fix));
        }
        _ if written.contains('-') => match written.split_once('-') {
            Some(ends) => range(kind, written, ends)?,
            None => return Err(Fault::unreadable(kind, text)),
        },
        _ => {
            let start = value(kind, written)?;
            let fix = if start == first {
                format!("*/{number}")
            } else {
                format!("{written}-{}/{number}", shown(kind, last, written))
            };
            let problem = "has a step and only one value before it";
            return Err(Fault::new(kind, text, problem, mended(kind, fix)));
        }
    };
    // 0 and 7 are one day.
    let distinct = if kind == Kind::Weekday && from == 0 { to.min(last) } else { to };
    if distinct.saturating_sub(from) < number {
        return Err(too_long(kind, text, (from, distinct), number));
    }
    match written {
        "*" => Ok(format!("*/{number}")),
        _ => Ok(format!("{from}-{to}/{number}")),
    }
}

/// Returns the fix that writes `text`, or what is to be done about that in turn.
fn mended(kind: Kind, text: String) -> Fix {
    match read_item(kind, &text) {
        Ok(_) => Fix::Write(text),
        Err(fault) => fault.fix,
    }
}

/// A step that leaves the first value only.
fn too_long(kind: Kind, text: &str, (from, to): (u16, u16), step: u16) -> Fault {
    let cycle = kind.cycle();
    let hours = step / 60;
    let sentence = if kind == Kind::Minute
        && step.is_multiple_of(60)
        && hours > 1
        && 24 % hours == 0
    {
        format!("for every {hours} hours write `0 */{hours}` in the minute and hour fields")
    } else {
        format!(
            "write `{from}` for once per {cycle}, or a step of at most {}; steps start again in each {cycle}",
            to - from
        )
    };
    let problem = format!("has a step that leaves only the value {from}");
    Fault::new(kind, text, problem, Fix::Do(sentence))
}
