//! The reader of durations: rules, tags, config keys and command lines all use it.
//!
//! Only the forms that `docs/rules.md` documents are read. A form that two people could read in two ways is refused: a tag with
//! such a text keeps its instance, and a rule or config with one does not load.

use jiff::SignedDuration;

use super::shorten;

/// Describes a duration in error messages.
pub const DURATION_HELP: &str = "a duration such as 90m, 72h, 3d 12h, 2w or PT72H";

/// The longest duration: a hundred years of 365.25 days.
const DURATION_MAX: SignedDuration = SignedDuration::from_hours(36_525 * 24);

/// The longest text that is read, in bytes; the value of a tag has at most 128 characters.
pub(super) const TEXT_BYTES_MAX: usize = 512;

/// Fractions are exact to the nanosecond: more digits than these would be dropped.
const FRACTION_DIGITS_MAX: usize = 9;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// The smallest unit that a text may name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Smallest {
    /// Rules and tags: a minute, and nothing shorter than that. An instance that lives for seconds is a mistake.
    Minute,
    /// Config keys whose bounds are seconds. They may be zero where their bounds allow it.
    Second,
    /// Config keys whose bounds are milliseconds.
    Millisecond,
}

/// A unit, from the largest to the smallest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Unit {
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

/// The reason why a text is not a duration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    Form,
    NotAscii,
    NoUnit,
    Negative,
    Sign,
    Colon,
    Comma,
    Calendar,
    CapitalM,
    TooSmallUnit(Smallest),
    Order,
    Fraction,
    FractionTooFine,
    LeadingZero,
    ZeroPart,
    Zero,
    UnderMinute,
    TooLong,
}

/// Parses a duration whose smallest unit is the minute, as rules, tags and command lines write it: `90m`, `3d 12h`, `PT72H`.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    duration_to(text, Smallest::Minute)
}

/// Parses a duration that may name units down to `smallest`.
pub fn duration_to(text: &str, smallest: Smallest) -> Result<SignedDuration, String> {
    read(text, smallest).map_err(|refusal| {
        format!("`{}` is not a duration{}", shorten(text.trim_matches(' ')), refusal.reason())
    })
}

/// Parses a duration without an allocation, which a tag that holds a date would cost for every instance.
pub(crate) fn read(text: &str, smallest: Smallest) -> Result<SignedDuration, Refusal> {
    let text = text.trim_matches(' ');
    if text.len() > TEXT_BYTES_MAX || text.is_empty() {
        return Err(Refusal::Form);
    }
    if !text.is_ascii() {
        return Err(Refusal::NotAscii);
    }
    let nanos = match text.strip_prefix('P') {
        Some(iso) => iso_8601(iso, smallest)?,
        None => units(text, smallest)?,
    };
    if nanos > DURATION_MAX.as_nanos() {
        return Err(Refusal::TooLong);
    }
    let length = SignedDuration::from_nanos(i64::try_from(nanos).map_err(|_| Refusal::TooLong)?);
    match smallest {
        Smallest::Minute if length.is_zero() => Err(Refusal::Zero),
        Smallest::Minute if length < SignedDuration::from_mins(1) => Err(Refusal::UnderMinute),
        Smallest::Minute | Smallest::Second | Smallest::Millisecond => Ok(length),
    }
}

/// Sums up parts such as `3d 12h` or `1.5 hours`, with at most one space between numbers and units.
fn units(text: &str, smallest: Smallest) -> Result<i128, Refusal> {
    let (mut rest, mut sum) = (text, Sum::default());
    loop {
        let number = Number::first(&mut rest)?;
        rest = rest.strip_prefix(' ').unwrap_or(rest);
        let unit = Unit::named(first_word(&mut rest)?, smallest)?;
        let is_last = rest.is_empty();
        sum.add(number, unit, is_last)?;
        if is_last {
            return Ok(sum.nanos);
        }
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
}

/// Sums up what follows the `P` of ISO 8601: `2W`, or days, `T`, hours and minutes, all in whole numbers.
fn iso_8601(text: &str, smallest: Smallest) -> Result<i128, Refusal> {
    let (mut rest, mut sum, mut is_time) = (text, Sum::default(), false);
    loop {
        if let (Some(time), false) = (rest.strip_prefix('T'), is_time) {
            (rest, is_time) = (time, true);
        }
        let number = Number::first(&mut rest)?;
        if !number.fraction.is_empty() {
            return Err(Refusal::Fraction);
        }
        let mut letters = rest.chars();
        let unit = match (letters.next().unwrap_or_default(), is_time) {
            ('W' | 'w', false) => Unit::Week,
            ('D' | 'd', false) => Unit::Day,
            ('H' | 'h', true) => Unit::Hour,
            ('M', true) => Unit::Minute,
            ('S', true) => Unit::Second,
            ('Y' | 'y' | 'M' | 'm', false) => return Err(Refusal::Calendar),
            _ => return Err(Refusal::Form),
        };
        unit.no_smaller_than(smallest)?;
        rest = letters.as_str();
        let is_last = rest.is_empty();
        // Weeks stand alone in ISO 8601.
        if unit == Unit::Week && !is_last {
            return Err(Refusal::Form);
        }
        sum.add(number, unit, is_last)?;
        if is_last {
            return Ok(sum.nanos);
        }
    }
}

/// Takes the word in front of a text.
fn first_word<'a>(rest: &mut &'a str) -> Result<&'a str, Refusal> {
    let letter = |byte: &u8| byte.is_ascii_alphabetic();
    let length = rest.bytes().take_while(letter).count();
    let (word, after) = rest.split_at_checked(length).ok_or(Refusal::Form)?;
    *rest = after;
    match (word, after.bytes().next()) {
        ("", None) => Err(Refusal::NoUnit),
        ("", Some(_)) => Err(Refusal::Form),
        (_, Some(b',')) => Err(Refusal::Comma),
        (word, _) => Ok(word),
    }
}

/// A number as it is written, without a sign.
#[derive(Clone, Copy)]
struct Number<'a> {
    whole: &'a str,
    /// The digits behind the point.
    fraction: &'a str,
}

impl<'a> Number<'a> {
    /// Takes the number in front of a text.
    fn first(rest: &mut &'a str) -> Result<Self, Refusal> {
        let whole = first_digits(rest);
        let fraction = match rest.strip_prefix('.') {
            Some(after) => {
                *rest = after;
                let digits = first_digits(rest);
                if digits.is_empty() {
                    return Err(Refusal::Form);
                }
                digits
            }
            None => "",
        };
        match (whole, rest.bytes().next()) {
            ("", Some(b'-')) => Err(Refusal::Negative),
            ("", Some(b'+')) => Err(Refusal::Sign),
            ("", _) => Err(Refusal::Form),
            (_, None) => Err(Refusal::NoUnit),
            (_, Some(b':')) => Err(Refusal::Colon),
            (_, Some(b',')) => Err(Refusal::Comma),
            (whole, _) if whole.len() > 1 && whole.starts_with('0') => Err(Refusal::LeadingZero),
            (whole, _) => Ok(Self { whole, fraction }),
        }
    }

    fn is_zero(self) -> bool {
        self.whole.bytes().chain(self.fraction.bytes()).all(|digit| digit == b'0')
    }

    /// The exact count of nanoseconds in so many units.
    fn nanos(self, unit: Unit) -> Result<i128, Refusal> {
        if self.fraction.len() > FRACTION_DIGITS_MAX {
            return Err(Refusal::FractionTooFine);
        }
        // What a u64 does not hold is longer than a hundred years in every unit.
        let whole: u64 = self.whole.parse().map_err(|_| Refusal::TooLong)?;
        let (mut nanos, mut digit_nanos) = (i128::from(whole) * unit.nanos(), unit.nanos());
        for digit in self.fraction.bytes() {
            let count = i128::from(digit - b'0');
            if count > 0 && digit_nanos % 10 != 0 {
                return Err(Refusal::FractionTooFine);
            }
            digit_nanos /= 10;
            nanos += count * digit_nanos;
        }
        Ok(nanos)
    }
}

fn first_digits<'a>(rest: &mut &'a str) -> &'a str {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at_checked(length).unwrap_or(("", rest));
    *rest = after;
    digits
}

/// The parts of a duration so far.
#[derive(Default)]
struct Sum {
    nanos: i128,
    smallest: Option<Unit>,
}

impl Sum {
    /// Adds a part. Units come from the largest to the smallest, each once, and only the last one may have a fraction.
    fn add(&mut self, number: Number<'_>, unit: Unit, is_last: bool) -> Result<(), Refusal> {
        if self.smallest.is_some_and(|before| unit <= before) {
            return Err(Refusal::Order);
        }
        let is_only = is_last && self.smallest.is_none();
        if number.is_zero() && !is_only {
            return Err(Refusal::ZeroPart);
        }
        if !number.fraction.is_empty() && !is_last {
            return Err(Refusal::Fraction);
        }
        self.nanos += number.nanos(unit)?;
        self.smallest = Some(unit);
        Ok(())
    }
}

impl Unit {
    /// Finds the unit of a word. Words and the letters h, d and w have any letter case; `M` could be a month.
    fn named(word: &str, smallest: Smallest) -> Result<Self, Refusal> {
        let is_one_of = |words: &[&str]| words.iter().any(|one| word.eq_ignore_ascii_case(one));
        let unit = match word {
            "M" => return Err(Refusal::CapitalM),
            "m" => Self::Minute,
            "s" => Self::Second,
            "ms" => Self::Millisecond,
            _ if is_one_of(&["w", "week", "weeks"]) => Self::Week,
            _ if is_one_of(&["d", "day", "days"]) => Self::Day,
            _ if is_one_of(&["h", "hour", "hours"]) => Self::Hour,
            _ if is_one_of(&["minute", "minutes"]) => Self::Minute,
            _ if is_one_of(&["second", "seconds"]) => Self::Second,
            _ if is_one_of(&["millisecond", "milliseconds"]) => Self::Millisecond,
            _ if is_one_of(&[
                "mo", "mos", "month", "months", "y", "yr", "yrs", "year", "years",
            ]) =>
            {
                return Err(Refusal::Calendar);
            }
            _ if is_one_of(&["s", "sec", "secs", "ms", "msec", "us", "ns"]) => {
                return Err(Refusal::TooSmallUnit(smallest));
            }
            _ => return Err(Refusal::Form),
        };
        unit.no_smaller_than(smallest).map(|()| unit)
    }

    fn no_smaller_than(self, smallest: Smallest) -> Result<(), Refusal> {
        let least = match smallest {
            Smallest::Minute => Self::Minute,
            Smallest::Second => Self::Second,
            Smallest::Millisecond => Self::Millisecond,
        };
        if self <= least { Ok(()) } else { Err(Refusal::TooSmallUnit(smallest)) }
    }

    /// A day has 24 hours, and a week seven days, also where clocks change.
    fn nanos(self) -> i128 {
        match self {
            Self::Week => 7 * 24 * 3600 * NANOS_PER_SECOND,
            Self::Day => 24 * 3600 * NANOS_PER_SECOND,
            Self::Hour => 3600 * NANOS_PER_SECOND,
            Self::Minute => 60 * NANOS_PER_SECOND,
            Self::Second => NANOS_PER_SECOND,
            Self::Millisecond => NANOS_PER_SECOND / 1000,
        }
    }
}

impl Refusal {
    /// The end of a message: nothing if there is no more to say than that the text is not a duration.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Form => "",
            Self::NotAscii => ": it has a character outside ASCII",
            Self::NoUnit => ": a bare number has no unit",
            Self::Negative => ": it is negative",
            Self::Sign => ": a duration has no sign",
            Self::Colon => ": that is a time of day; write 18h or 1h 30m",
            Self::Comma => ": a comma has two meanings in numbers; write 1.5h, or 1500h",
            Self::Calendar => ": months and years have no fixed length",
            Self::CapitalM => ": `M` could mean months; write m or minutes",
            Self::TooSmallUnit(Smallest::Minute) => ": the smallest unit is the minute",
            Self::TooSmallUnit(Smallest::Second) => ": the smallest unit is the second",
            Self::TooSmallUnit(Smallest::Millisecond) => ": the smallest unit is the millisecond",
            Self::Order => ": units go from the largest to the smallest, each once",
            Self::Fraction => ": only the last unit may have a fraction, and ISO 8601 none",
            Self::FractionTooFine => ": its fraction is finer than a nanosecond",
            Self::LeadingZero => ": a number does not begin with 0",
            Self::ZeroPart => ": a part of it is zero; leave that part out",
            Self::Zero => ": it is zero",
            Self::UnderMinute => ": it is shorter than a minute",
            Self::TooLong => ": it is longer than a hundred years",
        }
    }
}
