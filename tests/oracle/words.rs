//! The alphabet: texts of which the meaning is known, since it stands beside them.

use crate::case::{DAY, HOUR, MINUTE, Millis};

/// A text with its meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) text: &'static str,
    pub(crate) meaning: Meaning,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Meaning {
    Duration(Millis),
    /// The whole day: year, month, day.
    Date(i64, i64, i64),
    Instant(Millis),
    Never,
    Unreadable,
}

impl Form {
    /// The length of a duration.
    pub(crate) fn length(self) -> Millis {
        match self.meaning {
            Meaning::Duration(length) => length,
            other => panic!("{} is {other:?} and no duration", self.text),
        }
    }
}

const fn duration(text: &'static str, length: Millis) -> Form {
    Form { text, meaning: Meaning::Duration(length) }
}

/// Durations in the documented forms.
pub(crate) const DURATIONS: [Form; 30] = [
    duration("1m", MINUTE),
    duration("5m", 5 * MINUTE),
    duration("10m", 10 * MINUTE),
    duration("11m", 11 * MINUTE),
    duration("90m", 90 * MINUTE),
    duration("1h", HOUR),
    duration("1H", HOUR),
    duration("1.5h", 90 * MINUTE),
    duration("24h", DAY),
    duration("36h", 36 * HOUR),
    duration("PT36H", 36 * HOUR),
    duration("1d", DAY),
    duration("1D", DAY),
    duration("1 day", DAY),
    duration("2 days", 2 * DAY),
    duration("48H", 2 * DAY),
    duration("3d", 3 * DAY),
    duration("72h", 3 * DAY),
    duration("PT72H", 3 * DAY),
    duration("3d 12h", 84 * HOUR),
    duration("1w", 7 * DAY),
    duration("1W", 7 * DAY),
    duration("2w", 14 * DAY),
    duration("30d", 30 * DAY),
    duration("90 minutes", 90 * MINUTE),
    duration("3 Days", 3 * DAY),
    duration("1 WEEK", 7 * DAY),
    duration("3d12h", 84 * HOUR),
    duration("P3DT12H", 84 * HOUR),
    duration("P2W", 14 * DAY),
];

/// What is no duration in any documented form, and nothing else that a tag may say.
pub(crate) const UNREADABLE: [&str; 86] = [
    "",
    " ",
    "48",
    "0",
    "3 dayz",
    "18:00:00",
    "1:30",
    "1,500h",
    "1,5h",
    "1ms",
    "0s",
    "30s",
    "90s",
    "3600 s",
    "60 seconds",
    "0m",
    "0h",
    "0d",
    "PT0S",
    "PT30S",
    "PT3600S",
    "0.5m",
    "1us",
    "1 month",
    "2mo",
    "1y",
    "1 year",
    "P1M",
    "P1Y",
    "-3d",
    "- 3d",
    "3d ago",
    "d",
    "h",
    "3",
    "1e3h",
    "３d",
    "٣d",
    "3 天",
    "3 дня",
    "tomorrow",
    "nie",
    "never!",
    "never ever",
    "主",
    "é",
    "2026-12-31T18:00:00",
    "2026-13-01",
    "2026-02-30",
    "31.12.2026",
    "12/31/2026",
    "2026/12/31",
    "2026-12",
    "2026",
    "20261231",
    "2026-W53-4",
    "2026-366",
    "2026-12-31T",
    "@1700000000",
    "null",
    "~",
    "0x10h",
    "3d,12h",
    "3d, 12h",
    "90M",
    "1M",
    "012h",
    "12h 3d",
    "3d  12h",
    "3d 3d",
    "1.5d 12h",
    ".5h",
    "1.h",
    "pt72h",
    "P1DT",
    "+3d",
    "3d!",
    "(3d)",
    "3\u{a0}d",
    "2026-12-31t18:00:00z",
    "2026-12-31T18:00Z",
    "2026-12-31T18:00:00+15:00",
    "2026-12-31T18:00:60Z",
    "2026-12-31 18:00:00Z",
    "2026-12-31T18:00:00Z[UTC]",
    "101 years",
];

pub(crate) const NEVER: [&str; 6] = ["never", "forever", "Never", "NEVER", "FOREVER", "fOrEvEr"];

/// Times that tags, and `at` of rules, may say.
pub(crate) const TIMES: [Form; 17] = [
    date("2026-10-24", 2026, 10, 24),
    date("2026-10-25", 2026, 10, 25),
    date("2026-10-31", 2026, 10, 31),
    date("2026-11-01", 2026, 11, 1),
    date("2026-11-03", 2026, 11, 3),
    date("2026-11-04", 2026, 11, 4),
    date("2026-09-05", 2026, 9, 5),
    date("2026-09-06", 2026, 9, 6),
    date("2026-04-04", 2026, 4, 4),
    date("2026-03-28", 2026, 3, 28),
    date("2026-12-31", 2026, 12, 31),
    date("2028-02-29", 2028, 2, 29),
    date("9999-12-31", 9999, 12, 31),
    instant("2026-11-04T00:00:00Z", 1_793_750_400_000),
    instant("2026-11-04T01:00:00+01:00", 1_793_750_400_000),
    instant("2026-10-25T02:30:00+02:00", 1_792_888_200_000),
    instant("2026-12-31T18:00:00Z", 1_798_740_000_000),
];

/// Times before there was any instance.
pub(crate) const ANCIENT: [Form; 5] = [
    date("0001-01-01", 1, 1, 1),
    date("1970-01-01", 1970, 1, 1),
    date("2013-12-31", 2013, 12, 31),
    instant("0001-01-01T00:00:00Z", -62_135_596_800_000),
    instant("1970-01-01T00:00:00Z", 0),
];

const fn date(text: &'static str, year: i64, month: i64, day: i64) -> Form {
    Form { text, meaning: Meaning::Date(year, month, day) }
}

const fn instant(text: &'static str, at: Millis) -> Form {
    Form { text, meaning: Meaning::Instant(at) }
}

/// What the value of an expiry tag means.
pub(crate) fn meaning(text: &str) -> Meaning {
    if NEVER.contains(&text) {
        return Meaning::Never;
    }
    let all = DURATIONS.iter().chain(&TIMES).chain(&ANCIENT);
    all.into_iter().find(|form| form.text == text).map_or(Meaning::Unreadable, |form| form.meaning)
}

/// Texts of fields and tags.
pub(crate) const TEXTS: [&str; 30] = [
    "dev",
    "test",
    "prod",
    "Prod",
    "PROD",
    "dev-1",
    "dev-é",
    "dev-e\u{301}",
    "kunde-é",
    "kunde-e",
    "kunde-éé",
    "db-主",
    "db-从",
    "db-a",
    "[prod] db",
    "[prod]",
    "p",
    "p db",
    "a*b",
    "a?b",
    "axb",
    "{dev,test}",
    "东京-1",
    "сервер-7",
    "Сервер-7",
    "é",
    "e\u{301}",
    "主",
    "a/b",
    "a\nb",
];

/// Texts of fields that are there and say nothing.
pub(crate) const BLANKS: [&str; 5] = ["", " ", "\t", "\u{a0}", " \n "];

/// Texts of rules: plain ones, in which only `*` and `?` are special.
pub(crate) const PLAIN: [&str; 38] = [
    "dev",
    "test",
    "prod",
    "Prod",
    "dev-1",
    "dev-é",
    "kunde-é",
    "db-主",
    "[prod] db",
    "[prod]",
    "{dev,test}",
    "сервер-7",
    "é",
    "e\u{301}",
    "主",
    "a*b",
    "a?b",
    "*",
    "?",
    "??",
    "dev-*",
    "dev-?",
    "kunde-?",
    "kunde-??",
    "kunde*",
    "db-?",
    "[prod]*",
    "[prod]?db",
    "*[prod]*",
    "{dev,*}",
    "*主",
    "*-主*",
    "сервер-?",
    "?ервер-*",
    "*é",
    "p*b",
    "*\u{301}",
    "a?*",
];

/// Patterns under `glob`.
pub(crate) const GLOBS: [&str; 22] = [
    "*",
    "?",
    "dev-*",
    "kunde-?",
    "db-[主从]",
    "db-[!主从]",
    "db-[a-z]",
    "db-[!a-z]",
    "[d-p]*",
    "[!d-p]*",
    "{dev,test}",
    "{dev,db}-*",
    "*-[é]",
    "*-[!é]",
    "[а-я]*",
    "[!а-я]*",
    "{主,é}",
    "*{1,7}",
    "[é主]",
    "kunde-{é,ä}*",
    "db-[一-龥]",
    "[a-p]?b",
];

/// A regular expression, and what it says in Rust.
#[derive(Clone, Copy)]
pub(crate) struct Regex {
    pub(crate) text: &'static str,
    pub(crate) holds: fn(&str) -> bool,
}

impl std::fmt::Debug for Regex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

fn single(text: &str) -> Option<char> {
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// Regular expressions. The last ones have classes of thousands of letters and take long to compile.
pub(crate) const REGEXES: [Regex; 10] = [
    Regex { text: "dev", holds: |text| text.contains("dev") },
    Regex { text: "^dev", holds: |text| text.starts_with("dev") },
    Regex { text: "^prod$", holds: |text| text == "prod" },
    Regex { text: "é$", holds: |text| text.ends_with('é') },
    Regex { text: "-[主从]$", holds: |text| text.ends_with("-主") || text.ends_with("-从") },
    Regex { text: "^сервер-[0-9]+$", holds: |text| text == "сервер-7" },
    Regex { text: "\\[prod\\]", holds: |text| text.contains("[prod]") },
    Regex { text: "^(dev|test)$", holds: |text| text == "dev" || text == "test" },
    Regex { text: "^[^-]$", holds: |text| single(text).is_some_and(|one| one != '-') },
    Regex {
        text: "^kunde-.$",
        holds: |text| text.strip_prefix("kunde-").and_then(single).is_some(),
    },
];

/// How many of them compile quickly.
pub(crate) const LIGHT_REGEXES: usize = 8;

/// Keys of tags that rules ask for.
pub(crate) const KEYS: [&str; 5] = ["env", "keep", "ключ", "größe", "ttl"];

/// Keys that are near misses of those, and some that are not.
pub(crate) const NEAR_KEYS: [&str; 18] = [
    "Env",
    "ENV",
    "env ",
    "Keep",
    "KEEP",
    "keep ",
    "\u{a0}keep",
    "Ключ",
    " КЛЮЧ",
    "Größe",
    "größe\t",
    "TTL",
    "keep-",
    "kee p",
    "ke\u{200b}ep",
    "\u{feff}env",
    "gro\u{308}ße",
    "GRO\u{308}SSE",
];

pub(crate) const STATUSES: [&str; 10] = [
    "PENDING",
    "CREATING",
    "CREATE_FAILED",
    "INSTALLING",
    "INSTALL_FAILED",
    "RUNNING",
    "STOPPED",
    "BOOTING",
    "STOPPING",
    "RECYCLE",
];

/// Statuses that are none.
pub(crate) const ODD_STATUSES: [&str; 6] = ["running", "MIGRATING", "RUNNING ", "", " ", "РUNNING"];

/// How rules write statuses and charge types.
pub(crate) const STATUS_WORDS: [&str; 6] =
    ["RUNNING", "running", "Stopped", "STOPPED", "RECYCLE", "create_failed"];
pub(crate) const CHARGE_WORDS: [&str; 4] = ["POSTPAID", "postpaid", "PREPAID", "Prepaid"];
pub(crate) const ODD_CHARGES: [&str; 5] = ["postpaid", "SPOT", "POSTPAID ", "", " "];

/// Addresses of instances; the last ones cannot be read.
pub(crate) const ADDRESSES: [&str; 10] = [
    "10.0.0.5",
    "::ffff:10.0.0.5",
    "::ffff:a00:5",
    "10.9.0.1",
    "203.0.113.7",
    "192.168.1.1",
    "2001:db8::1",
    "fd00::1",
    "10.0.0",
    "",
];

/// Networks of rules, as address, mask in bits, and the text; IPv4 ones as what they are in IPv6.
pub(crate) const NETWORKS: [&str; 9] = [
    "10.0.0.0/8",
    "10.0.0.5",
    "10.9.0.0/16",
    "::ffff:10.0.0.0/104",
    "::ffff:10.0.0.5",
    "203.0.113.0/24",
    "2001:db8::/32",
    "fd00::1",
    "0.0.0.0/0",
];

pub(crate) const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Shanghai",
    "America/Santiago",
    "Asia/Kolkata",
];

/// Crontab patterns, each with the zones in which its firings are documented where clocks change.
pub(crate) const SCHEDULES: [(&str, &str); 8] = [
    ("0 * * * *", "UTC"),
    ("*/15 * * * *", "UTC"),
    ("@daily", "UTC"),
    ("0 22 * * *", "Asia/Shanghai"),
    ("30 2 * * *", "Europe/Berlin"),
    ("0 9 * * MON-FRI", "Europe/Berlin"),
    ("0 6 * * MON", "America/New_York"),
    ("0 0 1 * *", "UTC"),
];
