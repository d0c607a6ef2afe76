//! What is asked of the API, strictly read: what is not known or not understood is told, and never passed over.

use jiff::Timestamp;

use crate::{
    journal::Filter,
    lifetime::{self, SINCE_HELP, shorten},
};

/// The most days that are looked ahead.
const DAYS_MAX: u16 = 30;
const DAYS_DEFAULT: u16 = 7;
const DAYS_HELP: &str = "a whole number of days from 1 to 30";

/// The most entries of the history in an answer.
const LIMIT_MAX: u32 = 1000;
const LIMIT_DEFAULT: u32 = 100;
const LIMIT_HELP: &str = "a whole number from 1 to 1000";

/// How far back the history goes if nothing else is asked for.
const SINCE_DEFAULT: &str = "7d";

/// The longest id of a machine, or name of a rule, that is looked for, in bytes.
const TEXT_BYTES_MAX: usize = 200;
const TEXT_HELP: &str = "a text of 1 to 200 bytes";

/// A parameter that is not understood.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("the parameter `{}` is not understood: expected {expected}", shorten(name))]
pub(super) struct WrongParameter {
    pub(super) name: String,
    pub(super) expected: &'static str,
}

/// What is asked of the history.
#[derive(Debug)]
pub(super) struct HistoryAsked {
    /// How many entries at the most.
    pub(super) limit: usize,
    /// Which.
    pub(super) filter: Filter,
}

fn wrong(name: &str, expected: &'static str) -> WrongParameter {
    WrongParameter { name: name.to_owned(), expected }
}

fn all(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// Sets what may be said once.
fn once<T>(
    slot: &mut Option<T>,
    name: &str,
    value: Option<T>,
    expected: &'static str,
) -> Result<(), WrongParameter> {
    let value = value.ok_or_else(|| wrong(name, expected))?;
    if slot.replace(value).is_some() {
        return Err(wrong(name, "it once"));
    }
    Ok(())
}

fn number<T: Copy + std::str::FromStr + PartialOrd + From<u8>>(value: &str, max: T) -> Option<T> {
    // `+7` would be read too.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|_| digits);
    number.filter(|number| T::from(1) <= *number && *number <= max)
}

fn short_text(value: String) -> Option<String> {
    Some(value).filter(|value| (1..=TEXT_BYTES_MAX).contains(&value.len()))
}

/// Nothing may be asked.
pub(super) fn none(query: Option<&str>) -> Result<(), WrongParameter> {
    match all(query).next() {
        Some((name, _)) => Err(wrong(&name, "no parameters here")),
        None => Ok(()),
    }
}

/// How many days are to be looked ahead.
pub(super) fn days(query: Option<&str>) -> Result<u16, WrongParameter> {
    let mut days = None;
    for (name, value) in all(query) {
        match name.as_str() {
            "days" => once(&mut days, &name, number(&value, DAYS_MAX), DAYS_HELP)?,
            _ => return Err(wrong(&name, "only `days` here")),
        }
    }
    Ok(days.unwrap_or(DAYS_DEFAULT))
}

/// Which of the history is asked for at `now`.
pub(super) fn history(query: Option<&str>, now: Timestamp) -> Result<HistoryAsked, WrongParameter> {
    let (mut limit, mut since, mut instance_id, mut rule) = (None, None, None, None);
    for (name, value) in all(query) {
        match name.as_str() {
            "limit" => once(&mut limit, &name, number(&value, LIMIT_MAX), LIMIT_HELP)?,
            "since" => once(&mut since, &name, lifetime::since(&value, now).ok(), SINCE_HELP)?,
            "instance" => once(&mut instance_id, &name, short_text(value), TEXT_HELP)?,
            "rule" => once(&mut rule, &name, short_text(value), TEXT_HELP)?,
            _ => return Err(wrong(&name, "only `limit`, `since`, `instance` and `rule` here")),
        }
    }
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    let default = || lifetime::since(SINCE_DEFAULT, now).unwrap_or(now);
    let filter = Filter { since: since.unwrap_or_else(default), instance_id, rule, limit };
    Ok(HistoryAsked { limit: usize::try_from(limit).unwrap_or(usize::MAX), filter })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_or_refused() {
        for (query, expected) in [
            ("", Ok(7)),
            ("days=1", Ok(1)),
            ("days=30", Ok(30)),
            ("days=0", Err(DAYS_HELP)),
            ("days=31", Err(DAYS_HELP)),
            ("days=%2B7", Err(DAYS_HELP)),
            ("days=", Err(DAYS_HELP)),
            ("days=7&days=7", Err("it once")),
            ("day=7", Err("only `days` here")),
        ] {
            let got = days(Some(query)).map_err(|wrong| wrong.expected);
            assert_eq!(got, expected, "{query}");
        }
    }

    #[test]
    fn what_is_asked_of_the_history_is_read_or_refused() {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let asked = history(Some("limit=3&since=2026-11-01&instance=i-1&rule=dev"), now).unwrap();
        assert_eq!(asked.limit, 3);
        assert_eq!(asked.filter.since.to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(asked.filter.instance_id.as_deref(), Some("i-1"));
        assert_eq!(asked.filter.rule.as_deref(), Some("dev"));
        let asked = history(None, now).unwrap();
        assert_eq!(
            (asked.limit, asked.filter.since.to_string().as_str()),
            (100, "2026-11-18T12:00:00Z")
        );
        for (query, expected) in [
            ("limit=0", LIMIT_HELP),
            ("limit=1001", LIMIT_HELP),
            ("since=yesterday", SINCE_HELP),
            ("instance=", TEXT_HELP),
            ("verbose", "only `limit`, `since`, `instance` and `rule` here"),
        ] {
            assert_eq!(history(Some(query), now).unwrap_err().expected, expected, "{query}");
        }
        assert!(none(Some("x=1")).is_err() && none(Some("")).is_ok());
    }
}
