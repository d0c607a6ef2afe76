//! The dialect of crontab patterns that zenreaper takes.
//!
//! Several schedulers share the look of a crontab and differ in what they mean: the sixth field is the second, or the year; Monday
//! is 1, or 2. A pattern of another dialect is refused if it cannot be one of ours, and the message names the pattern that was
//! meant. One that can be read in both ways raises a [`Doubt`].

use super::{
    HELP,
    field::{self, Fault, Field, Fix, KINDS, Kind},
};
use crate::{
    lifetime::{self, shorten},
    yaml,
};

/// The longest pattern, in bytes: every second, minute and hour written out is shorter.
const BYTES_MAX: usize = 1000;

/// The words for whole patterns, with their fields in numbers.
const NICKNAMES: [(&str, &str); 6] = [
    ("@hourly", "0 0 * * * *"),
    ("@daily", "0 0 0 * * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@monthly", "0 0 0 1 * *"),
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
];

/// Why a pattern is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejected {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Why a pattern may mean something else than its author thinks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Doubt {
    /// Both day fields are restricted, and a day that matches one of them is enough.
    EitherDay,
    /// The last of six fields looks like a year, so that the first is not meant as the second.
    LastIsYear,
    /// `?` is written by people whose scheduler counts the days of the week from Sunday as 1.
    WeekdayNumbers,
}

/// A pattern that croner may read.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// Its six fields in numbers, the second first.
    pub(super) numbers: String,
    /// Why it may not be what its author means.
    pub(super) doubts: Vec<Doubt>,
}

/// Reads a pattern.
pub(super) fn read(text: &str) -> Result<Pattern, Rejected> {
    let rejected = |problem: &str, help: String| {
        Err(Rejected { message: format!("`{}` {problem}", shorten(text)), help })
    };
    if text.len() > BYTES_MAX {
        return rejected("is too long for a schedule", expected());
    }
    if let Some((problem, help)) = odd_character(text) {
        return rejected(&problem, help);
    }
    let tokens: Vec<_> = text.split([' ', '\t']).filter(|token| !token.is_empty()).collect();
    if let [nickname] = tokens[..]
        && let Some((_, numbers)) =
            NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(nickname))
    {
        return Ok(Pattern { numbers: (*numbers).to_owned(), doubts: Vec::new() });
    }
    if let Some((problem, help)) = not_fields(text, &tokens) {
        return rejected(problem, help);
    }
    match fields(&tokens) {
        Ok(fields) => {
            let numbers: Vec<_> = fields.iter().map(|field| field.numbers.as_str()).collect();
            let seconds = if tokens.len() == 6 { "" } else { "0 " };
            let doubts = doubts(&tokens, &fields);
            Ok(Pattern { numbers: format!("{seconds}{}", numbers.join(" ")), doubts })
        }
        Err(faults) => {
            let (problem, help) = told(&tokens, &faults);
            rejected(&format!("is not a schedule: {problem}"), help)
        }
    }
}

/// Returns what is wrong with fields, and what to do. If another order of the fields was meant, the first fault is enough.
fn told(tokens: &[&str], faults: &[Fault]) -> (String, String) {
    let problem = |fault: &Fault| {
        let (part, field) = (shorten(&fault.part), fault.kind.name());
        format!("`{part}` in the {field} field {}", fault.problem)
    };
    if let Some((first, help)) =
        faults.first().and_then(|first| Some((first, meant(tokens, first)?)))
    {
        return (problem(first), help);
    }
    let mut helps: Vec<_> = faults.iter().map(Fault::help).collect();
    helps.dedup();
    let problems: Vec<_> = faults.iter().map(problem).collect();
    (problems.join("; "), helps.join("; "))
}

fn expected() -> String {
    format!("expected {HELP}")
}

/// Returns the kinds of so many fields.
fn kinds(count: usize) -> &'static [Kind] {
    if count == KINDS.len() { &KINDS } else { KINDS.get(1..).unwrap_or_default() }
}

/// Reads fields; of each that is wrong, the first fault comes back.
fn fields(tokens: &[&str]) -> Result<Vec<Field>, Vec<Fault>> {
    let (mut fields, mut faults) = (Vec::new(), Vec::new());
    for (kind, token) in kinds(tokens.len()).iter().zip(tokens) {
        match field::read(*kind, token) {
            Ok(field) => fields.push(field),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(fields) } else { Err(faults) }
}

/// Finds a character that no pattern has.
fn odd_character(text: &str) -> Option<(String, String)> {
    let odd = text.chars().find(|one| !one.is_ascii_graphic() && !matches!(one, ' ' | '\t'))?;
    let write = |text: &str| format!("write `{text}`");
    let help = match odd {
        '\n' | '\r' => "write the pattern on one line".to_owned(),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => write("-"),
        '\u{2217}' | '\u{ff0a}' | '\u{d7}' => write("*"),
        '\u{ff0f}' | '\u{2044}' | '\u{2215}' => write("/"),
        '\u{ff0c}' | '\u{3001}' => write(","),
        _ if odd.is_whitespace() => "separate the fields by spaces".to_owned(),
        _ => "write digits, names and `* , - / ? # L W +` in plain ASCII".to_owned(),
    };
    let problem = match odd {
        '\n' | '\r' => "is not a schedule: it has a line break".to_owned(),
        _ if odd.is_alphanumeric() || odd.is_ascii() && !odd.is_ascii_control() => {
            format!("is not a schedule: the character `{odd}` has no meaning in one")
        }
        _ => format!(
            "is not a schedule: the character U+{:04X} has no meaning in one",
            u32::from(odd)
        ),
    };
    Some((problem, help))
}

/// What is wrong with a text that is not five or six fields, and what to do.
fn not_fields(text: &str, tokens: &[&str]) -> Option<(&'static str, String)> {
    let first = tokens.first().copied().unwrap_or_default();
    let lower = text.trim().to_ascii_lowercase();
    if first.starts_with('@') {
        return Some(not_a_nickname(&lower, tokens));
    }
    if let Some(help) = event_bridge(text.trim()) {
        return Some(("is not a schedule: it is an expression of Amazon EventBridge", help));
    }
    if let Some(joined) = without_inner_spaces(tokens) {
        return Some((
            "is not a schedule: it has a space inside a field",
            format!("write `{joined}`"),
        ));
    }
    if tokens.iter().any(|token| token.contains(':')) {
        return Some(("is not a schedule: it has a time of the day", at_time(text.trim())));
    }
    if first.contains('=') {
        let help = "write the time zone under `timezone`, beside `schedule`";
        return Some(("is not a schedule: it begins with a variable", help.to_owned()));
    }
    let interval = lower.strip_prefix("every ").unwrap_or(&lower);
    let named = NICKNAMES.iter().find(|(name, _)| name.get(1..) == Some(interval));
    match (named, every(interval), tokens.len()) {
        (Some((name, _)), ..) => {
            Some(("is not a schedule: it has no @", format!("write `{name}`")))
        }
        (None, Some(meant), _) => {
            Some(("is an interval, not a schedule", format!("write `{meant}`")))
        }
        (None, None, 5 | 6) => None,
        (None, None, 0) => Some(("is not a schedule: it is empty", expected())),
        (None, None, 7) => {
            let help = match without_year(tokens) {
                Some(meant) => format!("write `{meant}`: there is no field for the year"),
                None => expected(),
            };
            Some(("is not a schedule: it has 7 fields", help))
        }
        (None, None, _) if lifetime::duration(interval).is_ok() => {
            Some(("is an interval, not a schedule", uneven()))
        }
        (None, None, 1) => Some(("is not a schedule: it has 1 field", expected())),
        (None, None, 2) => Some(("is not a schedule: it has 2 fields", expected())),
        (None, None, 3) => Some(("is not a schedule: it has 3 fields", expected())),
        (None, None, 4) => Some(("is not a schedule: it has 4 fields", expected())),
        (None, None, _) => Some(("is not a schedule: it has more than 6 fields", expected())),
    }
}

/// Returns what to write instead of an expression of Amazon's `EventBridge` such as `cron(0 9 ? * MON-FRI *)`.
fn event_bridge(text: &str) -> Option<String> {
    let (call, inner) = text.split_once('(')?;
    let inner = inner.strip_suffix(')').unwrap_or(inner);
    let tokens: Vec<_> = inner.split_ascii_whitespace().collect();
    let meant = match call.to_ascii_lowercase().as_str() {
        "cron" => without_year(&tokens).or_else(|| readable(&tokens)),
        "rate" => every(&inner.to_ascii_lowercase()),
        _ => return None,
    };
    Some(meant.map_or_else(expected, |meant| format!("write `{meant}`")))
}

/// Returns what to write instead of a time of the day such as `09:30`.
fn at_time(text: &str) -> String {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |part: &str| part.parse::<u8>().ok().filter(|_| part.len() <= 2);
    let pattern = match parts[..] {
        [hour, minute] => number(minute).zip(number(hour)),
        _ => None,
    };
    let pattern = pattern.map(|(minute, hour)| format!("{minute} {hour} * * *"));
    match pattern.filter(|pattern| read(pattern).is_ok()) {
        Some(pattern) => format!("write `{pattern}` for each day at that time"),
        None => "write minute and hour as fields: `30 9 * * MON` is Monday, 09:30".to_owned(),
    }
}

/// Returns fields of which one is written with spaces around its commas, dashes or slashes, without these.
fn without_inner_spaces(tokens: &[&str]) -> Option<String> {
    let mut joined = String::new();
    for token in tokens {
        let is_inner = token.starts_with([',', '-', '/']) || joined.ends_with([',', '-', '/']);
        if !is_inner && !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(token);
    }
    let fields: Vec<_> = joined.split(' ').collect();
    if fields.len() == tokens.len() { None } else { readable(&fields) }
}

/// What is wrong with a text that begins with `@`.
fn not_a_nickname(lower: &str, tokens: &[&str]) -> (&'static str, String) {
    let names = NICKNAMES.map(|(name, _)| name);
    let first = tokens.first().map(|token| token.to_ascii_lowercase()).unwrap_or_default();
    if let Some(interval) = lower.strip_prefix("@every") {
        let help = every(interval.trim()).map_or_else(uneven, |meant| format!("write `{meant}`"));
        return ("is an interval, not a schedule", help);
    }
    if let Some(known) = names.iter().find(|name| **name == first) {
        return (
            "is not a schedule: there is more behind the word",
            format!("write `{known}` alone"),
        );
    }
    let help = match first.as_str() {
        "@midnight" => "write `@daily`".to_owned(),
        "@reboot" => {
            "write when it is to run, such as `@hourly`; after a start, the first run is the next one that is due"
                .to_owned()
        }
        _ => match yaml::nearest(&first, &names) {
            Some(near) => format!("did you mean `{near}`? expected one of {}", names.join(", ")),
            None => format!("expected one of {}", names.join(", ")),
        },
    };
    ("is not a schedule: the word is not known", help)
}

fn uneven() -> String {
    "a crontab repeats evenly only what divides an hour or a day: write `*/5 * * * *`, `0 */6 * * *` or the like"
        .to_owned()
}

/// Returns the pattern that fires at an interval such as `5m`, if there is one that does so evenly.
fn every(interval: &str) -> Option<String> {
    const DAY: i64 = 24 * 60;
    let one = ["minute", "hour", "day", "week"].contains(&interval);
    let length = if one { format!("1 {interval}") } else { interval.to_owned() };
    let seconds = lifetime::duration(&length).ok()?.as_secs();
    let minutes = Some(seconds / 60).filter(|minutes| minutes * 60 == seconds && *minutes > 0)?;
    match minutes {
        1 => Some("* * * * *".to_owned()),
        60 => Some("@hourly".to_owned()),
        DAY => Some("@daily".to_owned()),
        _ if minutes == 7 * DAY => Some("@weekly".to_owned()),
        _ if 60 % minutes == 0 => Some(format!("*/{minutes} * * * *")),
        _ if minutes % 60 == 0 && DAY % minutes == 0 => Some(format!("0 */{} * * *", minutes / 60)),
        _ => None,
    }
}

/// Returns what was meant by fields of which one is wrong, as far as that needs more than another text in its place.
fn meant(tokens: &[&str], fault: &Fault) -> Option<String> {
    let last = tokens.last().copied().unwrap_or_default();
    let is_foreign = |(kind, token): (&Kind, &&str)| {
        field::read(*kind, token).is_err_and(|fault| fault.belongs.is_some())
    };
    // `*` may be a year or a day of the week; a number of four digits is no day.
    let has_year = is_year(last)
        && (last.contains(['1', '2']) || kinds(tokens.len()).iter().zip(tokens).any(is_foreign));
    if tokens.len() == 6
        && has_year
        && let Some(meant) = without_year(tokens)
    {
        return Some(format!(
            "write `{meant}`: of 6 fields the first is the second, and there is no field for the year"
        ));
    }
    let moved = moved(tokens, fault)?;
    Some(format!("write `{moved}`"))
}

/// Returns the pattern with names that are in the wrong field in the one where they belong, if that is free. Out of the fields of
/// the time nothing is moved: they would be left as `*`, which fires far too often.
fn moved(tokens: &[&str], fault: &Fault) -> Option<String> {
    let kinds = kinds(tokens.len());
    let place = |kind| kinds.iter().position(|one| *one == kind);
    let (from, to) = (place(fault.kind)?, place(fault.belongs?)?);
    let (names, there) = (*tokens.get(from)?, *tokens.get(to)?);
    let is_free = matches!(there, "*" | "?") || field::read(*kinds.get(to)?, there).is_err();
    let is_time = matches!(fault.kind, Kind::Second | Kind::Minute | Kind::Hour);
    if !is_free || is_time || fault.part == "?" {
        return None;
    }
    let names = mended(*kinds.get(to)?, names)?;
    let mut moved = tokens.to_vec();
    moved.swap(from, to);
    *moved.get_mut(to)? = &names;
    readable(&moved)
}

/// Returns fields as a pattern if they are one.
fn readable(tokens: &[&str]) -> Option<String> {
    let is_count = matches!(tokens.len(), 5 | 6);
    (is_count && fields(tokens).is_ok()).then(|| tokens.join(" "))
}

/// Whether a field says a year, or every year.
fn is_year(token: &str) -> bool {
    let digits = |year: &str| year.len() == 4 && year.starts_with(['1', '2']);
    let is_one = |one: &str| one.split(['-', '/']).all(|year| year == "*" || digits(year));
    matches!(token, "*" | "?") || token.split(',').all(is_one)
}

/// Returns a pattern of a scheduler that has a year as its last field as one of ours. Such a scheduler takes `0/15` for `*/15`, and
/// one that knows `?` counts the days of the week from Sunday as 1.
fn without_year(tokens: &[&str]) -> Option<String> {
    let (year, rest) = tokens.split_last()?;
    if !is_year(year) || !matches!(rest.len(), 5 | 6) {
        return None;
    }
    let counts_from_one = rest.contains(&"?");
    let of = kinds(rest.len()).iter().zip(rest).map(|(kind, token)| match (kind, *token) {
        (_, "?") => Some("*".to_owned()),
        (Kind::Weekday, token) if counts_from_one => mended(*kind, &named_weekdays(token)),
        (_, token) => mended(*kind, token),
    });
    let ours: Option<Vec<_>> = of.collect();
    Some(ours?.join(" "))
}

/// Replaces the parts of a field by what is to be written instead, until it can be read.
fn mended(kind: Kind, token: &str) -> Option<String> {
    const FIXES_MAX: usize = 10;
    let mut token = token.to_owned();
    for _ in 0..FIXES_MAX {
        match field::read(kind, &token) {
            Ok(_) => return Some(token),
            Err(Fault { part, fix: Fix::Write(fix), .. }) => {
                token = token.replacen(&part, &fix, 1);
            }
            Err(_) => return None,
        }
    }
    None
}

/// Replaces the numbers of days of the week that count from Sunday as 1 by names.
fn named_weekdays(token: &str) -> String {
    let mut named = String::new();
    let mut before = ' ';
    for letter in token.chars() {
        let day = letter.to_digit(10).filter(|_| !matches!(before, '#' | '/'));
        let name = day.and_then(|day| field::WEEKDAYS.get((day as usize).checked_sub(1)?));
        match name {
            Some(name) => named.push_str(name),
            None => named.push(letter),
        }
        before = letter;
    }
    named
}

/// Why fields that can be read may not be what their author means.
fn doubts(tokens: &[&str], fields: &[Field]) -> Vec<Doubt> {
    let kinds = kinds(tokens.len());
    let at = |wanted: Kind| {
        let n = kinds.iter().position(|kind| *kind == wanted)?;
        tokens.get(n).zip(fields.get(n))
    };
    let mut doubts = Vec::new();
    let (Some((day_token, day)), Some((weekday_token, weekday))) =
        (at(Kind::Day), at(Kind::Weekday))
    else {
        return doubts;
    };
    if !day.is_any && !weekday.is_any && !weekday_token.starts_with('+') {
        doubts.push(Doubt::EitherDay);
    }
    let has_mark = *day_token == "?" || *weekday_token == "?";
    if has_mark && weekday_token.starts_with(|letter: char| letter.is_ascii_digit()) {
        doubts.push(Doubt::WeekdayNumbers);
    }
    if looks_like_year_last(tokens) {
        doubts.push(Doubt::LastIsYear);
    }
    doubts
}

/// Whether six fields would also make sense as minute, hour, day, month, day of the week and year, and are odd as they are: they
/// restrict the day or the month and leave the hour free.
fn looks_like_year_last(tokens: &[&str]) -> bool {
    let [minute, hour, day, month, weekday, year] = *tokens else { return false };
    let read = |kind, token| field::read(kind, token).is_ok();
    let is_restricted = month != "*" || weekday != "*";
    matches!(year, "*" | "?")
        && day == "*"
        && is_restricted
        && read(Kind::Minute, minute)
        && read(Kind::Hour, hour)
        && read(Kind::Month, month)
        && read(Kind::Weekday, weekday)
}
