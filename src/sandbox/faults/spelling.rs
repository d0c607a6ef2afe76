//! How faults are written: `effect[=value][,key=value...]`. Reading and writing are inverse to
//! each other for every fault whose instance and code hold no comma, and whose latency is of whole milliseconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

use super::{Effect, Fault, Loss};
use crate::lifetime::{self, Smallest};

/// The grammar, for the help of a command line.
pub const GRAMMAR: &str = "\
EFFECT[=VALUE][,KEY=VALUE...]

Effects:
  latency=DURATION      the call is handled later, e.g. latency=200ms
  skew=SECONDS          the server's clock is off, e.g. skew=-600
  error=CODE            refused; status=NUMBER says with which HTTP status
  too-many[=SECONDS]    429, with Retry-After if SECONDS are given
  reset                 connection dropped, nothing happened
  reset-after-effect    the call took effect, the answer is lost
  hang                  no answer, nothing happened
  hang-after-effect     no answer, but the call took effect
  cut-off               half of the body, then the connection ends
  error-after-effect=CODE  the call took effect, and is answered as by error=CODE
  html-after-effect[=STATUS]  the call took effect, and is answered by 502, or STATUS, with HTML
  challenge             403, an interposed security challenge
  blocked               451
  not-json              200 with HTML
  total-count=NUMBER    totalCount is off by NUMBER, e.g. total-count=-1
  duplicate             the page repeats its first entry at its end
  shift                 the page misses its first entry

Losses (the answer adds up, and what it says is consistent):
  partial=PERCENT       only the first PERCENT of the instances; 0: none
  no-tags               no tags
  no-tag=KEY            no tag with this key
  empty-tags            the values of all tags are empty
  empty-tag=KEY         the value of the tag with this key is empty
  set-tag=KEY:VALUE     the tag with this key has this value, where it is
  null-field=FIELD      the field is null, e.g. null-field=zoneId
  empty-field=FIELD     the field is an empty text
  set-field=FIELD:VALUE the field has this value
  new-ids               other ids than before
  move-created=DURATION creation times are moved, e.g. move-created=-8h

Keys:
  action=ACTION         only calls of this action
  instance=ID           only calls that name this instance
  page=NUMBER           only this page of a listing
  times=NUMBER          so many calls, instead of all
  listings=NUMBER       so many whole listings, instead of all
  skip=NUMBER           so many calls pass first";

const EFFECTS: [&str; 28] = [
    "latency",
    "skew",
    "error",
    "too-many",
    "reset",
    "reset-after-effect",
    "hang",
    "hang-after-effect",
    "cut-off",
    "challenge",
    "blocked",
    "not-json",
    "total-count",
    "duplicate",
    "shift",
    "error-after-effect",
    "html-after-effect",
    "partial",
    "no-tags",
    "no-tag",
    "empty-tags",
    "empty-tag",
    "set-tag",
    "null-field",
    "empty-field",
    "set-field",
    "new-ids",
    "move-created",
];

const KEYS: [&str; 7] = ["action", "instance", "page", "times", "listings", "skip", "status"];

/// How alike a word must be to a valid one to be taken for a slip of it.
const LIKENESS: f64 = 0.7;

/// A text that is no fault, and what would have been one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpellingError {
    /// There is no such effect.
    #[error("`{word}` is no effect{}; the effects are {}", nearest(word, &EFFECTS), EFFECTS.join(", "))]
    Effect {
        /// What was written.
        word: String,
    },
    /// There is no such key.
    #[error("`{word}` is no key of a fault{}; the keys are {} (status only with error and error-after-effect)", nearest(word, &KEYS), KEYS.join(", "))]
    Key {
        /// What was written.
        word: String,
    },
    /// A key is there twice.
    #[error("`{0}` is given twice")]
    Twice(&'static str),
    /// A value is missing, unasked for, or cannot be read.
    #[error("`{word}` takes {expected}, not `{found}`")]
    Value {
        /// The effect or key.
        word: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What was written.
        found: String,
    },
}

fn nearest(word: &str, valid: &[&str]) -> String {
    let likeness = |candidate: &&&str| strsim::jaro_winkler(word, candidate);
    let best = valid.iter().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
    best.filter(|best| likeness(best) >= LIKENESS)
        .map(|best| format!(" (did you mean `{best}`?)"))
        .unwrap_or_default()
}

impl FromStr for Fault {
    type Err = SpellingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',').map(part);
        let (word, value) = parts.next().unwrap_or_default();
        let mut fault = Self::from(effect(word, value)?);
        let mut given = Vec::new();
        for (word, value) in parts {
            let key =
                known(word, &KEYS).ok_or_else(|| SpellingError::Key { word: word.to_owned() })?;
            if given.contains(&key) {
                return Err(SpellingError::Twice(key));
            }
            given.push(key);
            set(&mut fault, key, value)?;
        }
        Ok(fault)
    }
}

fn part(text: &str) -> (&str, Option<&str>) {
    match text.split_once('=') {
        Some((word, value)) => (word.trim(), Some(value.trim())),
        None => (text.trim(), None),
    }
}

fn known(word: &str, valid: &[&'static str]) -> Option<&'static str> {
    valid.iter().copied().find(|candidate| *candidate == word)
}

fn effect(word: &str, value: Option<&str>) -> Result<Effect, SpellingError> {
    let unknown = || SpellingError::Effect { word: word.to_owned() };
    let word = known(word, &EFFECTS).ok_or_else(unknown)?;
    match word {
        "latency" => duration(word, value).map(Effect::Latency),
        "skew" => number(word, "a number of seconds", value).map(Effect::Skew),
        "total-count" => number(word, "a number", value).map(Effect::TotalCount),
        "error" => code(word, value),
        "too-many" => {
            let seconds = value.map(|_| number(word, "nothing or a number of seconds", value));
            let retry_after = seconds.transpose()?;
            Ok(Effect::TooMany { retry_after })
        }
        "reset" => bare(word, value, Effect::Reset),
        "reset-after-effect" => bare(word, value, Effect::ResetAfterEffect),
        "hang" => bare(word, value, Effect::Hang),
        "hang-after-effect" => bare(word, value, Effect::HangAfterEffect),
        "cut-off" => bare(word, value, Effect::CutOff),
        "challenge" => bare(word, value, Effect::Challenge),
        "blocked" => bare(word, value, Effect::Blocked),
        "not-json" => bare(word, value, Effect::NotJson),
        "duplicate" => bare(word, value, Effect::Duplicate),
        "shift" => bare(word, value, Effect::Shift),
        "error-after-effect" => match code(word, value)? {
            Effect::Code { status, code } => Ok(Effect::CodeAfterEffect { status, code }),
            other => Ok(other),
        },
        "html-after-effect" => html(word, value),
        "partial" => {
            let percent: u32 = number(word, PERCENT, value)?;
            let percent = Some(percent).filter(|percent| *percent <= 100);
            percent.map(Effect::Partial).ok_or_else(|| wrong(word, PERCENT, value))
        }
        "no-tags" => bare(word, value, Effect::Loss(Loss::Tags)),
        "empty-tags" => bare(word, value, Effect::Loss(Loss::TagValues)),
        "new-ids" => bare(word, value, Effect::Loss(Loss::Ids)),
        "no-tag" => some(word, value).map(|key| Effect::Loss(Loss::Tag(key))),
        "empty-tag" => {
            some(word, value).map(|key| Effect::Loss(Loss::TagValue(key, String::new())))
        }
        "set-tag" => pair(word, value).map(|(key, to)| Effect::Loss(Loss::TagValue(key, to))),
        "null-field" => some(word, value).map(|field| Effect::Loss(Loss::Field(field, None))),
        "empty-field" => {
            some(word, value).map(|field| Effect::Loss(Loss::Field(field, Some(String::new()))))
        }
        "set-field" => {
            pair(word, value).map(|(field, to)| Effect::Loss(Loss::Field(field, Some(to))))
        }
        "move-created" => {
            let by = value.and_then(|value| value.parse::<SignedDuration>().ok());
            let by = by.ok_or_else(|| wrong(word, "a duration such as -8h or 30m", value))?;
            Ok(Effect::Loss(Loss::Created(by)))
        }
        _ => Err(unknown()),
    }
}

const PERCENT: &str = "a number from 0 to 100";

fn html(word: &'static str, value: Option<&str>) -> Result<Effect, SpellingError> {
    let expected = "nothing or an HTTP status from 200 to 599";
    let status = value.map_or(Ok(502), |_| number(word, expected, value))?;
    let status = Some(status).filter(|status| (200..600).contains(status));
    status.map(Effect::HtmlAfterEffect).ok_or_else(|| wrong(word, expected, value))
}

/// A text that is not empty.
fn some(word: &'static str, value: Option<&str>) -> Result<String, SpellingError> {
    let text = value.filter(|value| !value.is_empty());
    text.map(str::to_owned).ok_or_else(|| wrong(word, "a name", value))
}

fn pair(word: &'static str, value: Option<&str>) -> Result<(String, String), SpellingError> {
    let pair = value.and_then(|value| value.split_once(':'));
    let pair = pair.filter(|(name, _)| !name.is_empty());
    let (name, to) = pair.ok_or_else(|| wrong(word, "NAME:VALUE", value))?;
    Ok((name.to_owned(), to.to_owned()))
}

fn set(fault: &mut Fault, key: &'static str, value: Option<&str>) -> Result<(), SpellingError> {
    match key {
        "action" => {
            let action = value.and_then(|value| value.parse().ok());
            let expected = "DescribeInstances, TerminateInstance or ReleaseInstances";
            fault.action = Some(action.ok_or_else(|| wrong(key, expected, value))?);
        }
        "instance" => {
            let id = value.filter(|value| !value.is_empty());
            fault.instance = Some(id.ok_or_else(|| wrong(key, "an id", value))?.to_owned());
        }
        "page" => fault.page = Some(number(key, "a number from 0", value)?),
        "times" => fault.times = Some(number(key, "a number from 0", value)?),
        "listings" => fault.listings = Some(number(key, "a number from 0", value)?),
        "skip" => fault.skip = number(key, "a number from 0", value)?,
        _ => set_status(&mut fault.effect, key, value)?,
    }
    Ok(())
}

fn set_status(
    effect: &mut Effect,
    key: &'static str,
    value: Option<&str>,
) -> Result<(), SpellingError> {
    let (Effect::Code { status, .. } | Effect::CodeAfterEffect { status, .. }) = effect else {
        return Err(SpellingError::Key { word: key.to_owned() });
    };
    let expected = "an HTTP status from 400 to 599";
    let number: u16 = number(key, expected, value)?;
    if !(400..600).contains(&number) {
        return Err(wrong(key, expected, value));
    }
    *status = number;
    Ok(())
}

fn bare(word: &'static str, value: Option<&str>, effect: Effect) -> Result<Effect, SpellingError> {
    match value {
        Some(_) => Err(wrong(word, "no value", value)),
        None => Ok(effect),
    }
}

fn number<N: FromStr>(
    word: &'static str,
    expected: &'static str,
    value: Option<&str>,
) -> Result<N, SpellingError> {
    let number = value.and_then(|value| value.parse().ok());
    number.ok_or_else(|| wrong(word, expected, value))
}

fn duration(word: &'static str, value: Option<&str>) -> Result<Duration, SpellingError> {
    let read = |value| lifetime::duration_to(value, Smallest::Millisecond).ok();
    let signed = value.and_then(read);
    let duration = signed.and_then(|signed| Duration::try_from(signed).ok());
    duration.ok_or_else(|| wrong(word, "a duration such as 200ms or 1m 30s", value))
}

fn code(word: &'static str, value: Option<&str>) -> Result<Effect, SpellingError> {
    let is_code = |text: &&str| {
        let of_a_code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        !text.is_empty() && text.chars().all(of_a_code)
    };
    let code = value.filter(is_code);
    let code = code.ok_or_else(|| wrong(word, "a code such as INTERNAL_SERVER_ERROR", value))?;
    Ok(Effect::Code { status: usual_status(code), code: code.to_owned() })
}

/// The HTTP status that the API sends with a code, as far as it is documented or seen.
fn usual_status(code: &str) -> u16 {
    match code {
        "INTERNAL_SERVER_ERROR" => 500,
        "SERVICE_TEMPORARY_UNAVAILABLE" => 503,
        "REQUEST_TIMED_OUT" => 504,
        "REQUEST_LIMIT_EXCEEDED" => 429,
        "AUTHFAILURE_UNAUTHORIZED_OPERATION" => 403,
        _ if code.starts_with("AUTHFAILURE_") => 401,
        _ if code.starts_with("OPERATION_DENIED_") => 403,
        _ if code.ends_with("_NOT_FOUND") => 404,
        _ => 400,
    }
}

fn wrong(word: &'static str, expected: &'static str, found: Option<&str>) -> SpellingError {
    SpellingError::Value { word, expected, found: found.unwrap_or("nothing").to_owned() }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(duration) => match SignedDuration::try_from(*duration) {
                Ok(signed) => write!(f, "latency={signed:#}"),
                // Beyond what a signed duration holds, some 292 billion years.
                Err(_) => write!(f, "latency={}s", i64::MAX),
            },
            Self::Skew(seconds) => write!(f, "skew={seconds}"),
            Self::Code { status, code } => write!(f, "error={code},status={status}"),
            Self::CodeAfterEffect { status, code } => {
                write!(f, "error-after-effect={code},status={status}")
            }
            Self::HtmlAfterEffect(status) => write!(f, "html-after-effect={status}"),
            Self::Partial(percent) => write!(f, "partial={percent}"),
            Self::Loss(loss) => write!(f, "{loss}"),
            Self::TooMany { retry_after: None } => f.write_str("too-many"),
            Self::TooMany { retry_after: Some(seconds) } => write!(f, "too-many={seconds}"),
            Self::Reset => f.write_str("reset"),
            Self::ResetAfterEffect => f.write_str("reset-after-effect"),
            Self::Hang => f.write_str("hang"),
            Self::HangAfterEffect => f.write_str("hang-after-effect"),
            Self::CutOff => f.write_str("cut-off"),
            Self::Challenge => f.write_str("challenge"),
            Self::Blocked => f.write_str("blocked"),
            Self::NotJson => f.write_str("not-json"),
            Self::TotalCount(by) => write!(f, "total-count={by}"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Shift => f.write_str("shift"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, instance, page, times, listings, skip, effect } = self;
        write!(f, "{effect}")?;
        if let Some(action) = action {
            write!(f, ",action={action}")?;
        }
        if let Some(instance) = instance {
            write!(f, ",instance={instance}")?;
        }
        if let Some(page) = page {
            write!(f, ",page={page}")?;
        }
        if let Some(times) = times {
            write!(f, ",times={times}")?;
        }
        if let Some(listings) = listings {
            write!(f, ",listings={listings}")?;
        }
        if *skip > 0 {
            write!(f, ",skip={skip}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::action::Action;
    use super::*;

    fn code(status: u16, code: &str) -> Effect {
        Effect::Code { status, code: code.to_owned() }
    }

    #[test]
    fn every_fault_is_read_and_written_the_same_way() {
        let latency = |milliseconds| Effect::Latency(Duration::from_millis(milliseconds));
        for (text, effect) in [
            ("latency=200ms", latency(200)),
            ("latency=1m 30s", latency(90_000)),
            ("latency=0s", latency(0)),
            ("skew=-600", Effect::Skew(-600)),
            ("error=NOVEL_CODE,status=418", code(418, "NOVEL_CODE")),
            ("too-many", Effect::TooMany { retry_after: None }),
            ("too-many=3", Effect::TooMany { retry_after: Some(3) }),
            ("reset", Effect::Reset),
            ("reset-after-effect", Effect::ResetAfterEffect),
            ("hang", Effect::Hang),
            ("hang-after-effect", Effect::HangAfterEffect),
            ("cut-off", Effect::CutOff),
            ("challenge", Effect::Challenge),
            ("blocked", Effect::Blocked),
            ("not-json", Effect::NotJson),
            ("total-count=-1", Effect::TotalCount(-1)),
            ("duplicate", Effect::Duplicate),
            ("shift", Effect::Shift),
            (
                "error-after-effect=INTERNAL_SERVER_ERROR,status=504",
                Effect::CodeAfterEffect { status: 504, code: "INTERNAL_SERVER_ERROR".to_owned() },
            ),
            ("html-after-effect=502", Effect::HtmlAfterEffect(502)),
            ("partial=0", Effect::Partial(0)),
            ("no-tags", Effect::Loss(Loss::Tags)),
            ("no-tag=keep", Effect::Loss(Loss::Tag("keep".to_owned()))),
            ("empty-tags", Effect::Loss(Loss::TagValues)),
            ("empty-tag=keep", Effect::Loss(Loss::TagValue("keep".to_owned(), String::new()))),
            ("set-tag=a:b:c", Effect::Loss(Loss::TagValue("a".to_owned(), "b:c".to_owned()))),
            ("null-field=zoneId", Effect::Loss(Loss::Field("zoneId".to_owned(), None))),
            (
                "empty-field=zoneId",
                Effect::Loss(Loss::Field("zoneId".to_owned(), Some(String::new()))),
            ),
            (
                "set-field=zoneId:x",
                Effect::Loss(Loss::Field("zoneId".to_owned(), Some("x".to_owned()))),
            ),
            ("new-ids", Effect::Loss(Loss::Ids)),
            ("move-created=-8h", Effect::Loss(Loss::Created(SignedDuration::from_hours(-8)))),
        ] {
            let plain = Fault::from(effect.clone());
            let full = Fault {
                action: Some(Action::TerminateInstance),
                instance: Some("i-12".to_owned()),
                page: Some(2),
                times: Some(3),
                listings: Some(5),
                skip: 4,
                effect,
            };
            let keys = ",action=TerminateInstance,instance=i-12,page=2,times=3,listings=5,skip=4";
            check(text, &plain);
            check(&format!("{text}{keys}"), &full);
        }
    }

    fn check(text: &str, fault: &Fault) {
        assert_eq!(&text.parse::<Fault>().unwrap(), fault, "{text}");
        assert_eq!(fault.to_string(), text);
    }

    #[test]
    fn an_error_takes_the_status_that_the_api_sends_with_it() {
        for (name, status) in [
            ("INTERNAL_SERVER_ERROR", 500),
            ("INVALID_INSTANCE_NOT_FOUND", 404),
            ("OPERATION_DENIED_POSTPAID_PROMISE", 403),
            ("AUTHFAILURE_SIGNATURE_EXPIRED", 401),
            ("INVALID_PARAMETER_VALUE", 400),
        ] {
            let fault: Fault = format!("error={name}").parse().unwrap();
            assert_eq!(fault.effect, code(status, name));
        }
    }

    #[test]
    fn keys_come_in_any_order_with_room_around_them() {
        let tidy: Fault = "error=A,status=500,times=2".parse().unwrap();
        let loose: Fault = " error = A , times = 2 , status = 500 ".parse().unwrap();
        assert_eq!(tidy, loose);
    }

    #[test]
    fn a_wrong_spelling_is_told_with_the_right_ones() {
        for (text, expected) in [
            ("", "`` is no effect; the effects are latency, skew"),
            ("resett", "(did you mean `reset`?)"),
            ("reset_after_effect", "(did you mean `reset-after-effect`?)"),
            ("latency", "`latency` takes a duration such as 200ms"),
            ("latency=-1s", "not `-1s`"),
            ("latency=fast", "not `fast`"),
            ("reset=1", "`reset` takes no value, not `1`"),
            ("error", "`error` takes a code such as"),
            ("error=lower", "not `lower`"),
            ("error=A,status=200", "`status` takes an HTTP status from 400 to 599"),
            ("error=A,status=99999", "not `99999`"),
            ("reset,status=500", "`status` is no key of a fault"),
            ("too-many=soon", "`too-many` takes nothing or a number"),
            ("reset,actoin=x", "(did you mean `action`?)"),
            ("reset,action=StopInstances", "takes DescribeInstances, Term"),
            ("reset,instance=", "`instance` takes an id"),
            ("reset,page=-1", "`page` takes a number from 0, not `-1`"),
            ("reset,times=1,times=2", "`times` is given twice"),
            ("reset,", "`` is no key"),
            ("partial=101", "`partial` takes a number from 0 to 100, not `101`"),
            ("no-tag", "`no-tag` takes a name, not `nothing`"),
            ("set-tag=keep", "`set-tag` takes NAME:VALUE, not `keep`"),
            ("html-after-effect=99", "takes nothing or an HTTP status"),
            ("move-created=soon", "not `soon`"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_grammar_names_every_effect_and_key() {
        for word in EFFECTS.iter().chain(&KEYS) {
            assert!(GRAMMAR.contains(word), "{word}");
        }
    }
}
