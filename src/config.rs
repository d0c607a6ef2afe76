//! The config and the rule files, from disk to something usable, or to all that is wrong with them.
//!
//! Two steps: [`read`] and `rules::parse` work on texts and are pure but for the [`Timestamp`] that a schedule needs; [`load`] has
//! the texts found. Every default stands here, and only here.

mod files;
mod notices;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use crate::{
    cloud::{self, Endpoint, Rate, Retry},
    diagnostic::{Problem, Source},
    journal::Digests,
    lifetime::{self, DURATION_HELP, shorten},
    notify,
    plan::guard::Limits,
    rules::{self, Condition, RuleSet},
    schedule::{self, Schedule},
    yaml::{self, At, Fields, Reader},
};

/// The config's place if none is given.
pub const DEFAULT_PATH: &str = "/etc/zenreaper/config.yaml";

const DEFAULT_RULES: &str = "/etc/zenreaper/rules";
const DEFAULT_SCHEDULE: &str = "*/15 * * * *";
const DEFAULT_ENDPOINT: &str = "https://console.zenlayer.com";
const DEFAULT_API_VERSION: &str = "2022-11-20";
const DEFAULT_DESCRIBE_RATE: &str = "10/s";
const DEFAULT_TERMINATE_RATE: &str = "5/s";
const DEFAULT_MAX_IN_FLIGHT: u32 = 8;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_LISTEN: &str = "127.0.0.1:9464";
const DEFAULT_JOURNAL: &str = "/var/lib/zenreaper/journal.db";
const DEFAULT_RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);
const DEFAULT_COMMITMENT_HOLD: SignedDuration = SignedDuration::from_hours(24);
const DEFAULT_APPLY_AGE: SignedDuration = SignedDuration::from_hours(1);

/// The most accounts.
const ACCOUNTS_MAX: usize = 100;

/// The most calls to terminate that may be under way at once.
const IN_FLIGHT_MAX: u32 = 256;

const KEYS: [&str; 16] = [
    "mode",
    "schedule",
    "timezone",
    "jitter",
    "rules",
    "accounts",
    "limits",
    "protect",
    "allow_release",
    "journal",
    "journal_retention",
    "inventory",
    "hold",
    "apply",
    "http",
    "notices",
];

const ACCOUNT_KEYS: [&str; 7] =
    ["name", "endpoint", "api_version", "rate", "max_in_flight", "timeout", "retry"];
const LIMIT_KEYS: [&str; 6] = [
    "max_terminations",
    "max_percent",
    "max_per_day",
    "min_remaining",
    "max_failure_percent",
    "canary",
];
const INVENTORY_KEYS: [&str; 1] = ["max_change_percent"];
const HOLD_KEYS: [&str; 1] = ["commitment"];
const APPLY_KEYS: [&str; 1] = ["max_age"];
const RETRY_KEYS: [&str; 3] = ["attempts", "first_delay", "total"];

/// Whether machines are terminated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Everything but the calls to terminate.
    DryRun,
    /// Everything.
    Enforce,
}

impl Mode {
    /// The mode's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DryRun => "dry-run",
            Self::Enforce => "enforce",
        }
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name in logs, metrics and credentials.
    pub name: String,
    /// What its client is made of.
    pub settings: cloud::Settings,
    /// Calls to terminate under way at once.
    pub max_in_flight: usize,
}

/// A config that can be used.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether machines are terminated.
    pub mode: Mode,
    /// When a run begins.
    pub schedule: Schedule,
    /// How much later than that it may begin, at random.
    pub jitter: Duration,
    /// The time zone of the schedule and of dates.
    pub timezone: TimeZone,
    /// A rule file, or a folder of them.
    pub rules: PathBuf,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The caps on a plan.
    pub limits: Limits,
    /// The machines that are never touched.
    pub protect: Condition,
    /// The file of the journal.
    pub journal: PathBuf,
    /// How long the journal keeps what is over.
    pub retention: SignedDuration,
    /// How long a machine is left alone after the API refused it because of its commitment.
    pub commitment_hold: SignedDuration,
    /// How old a plan may be that is applied.
    pub apply_max_age: SignedDuration,
    /// Where metrics and health are served.
    pub listen: SocketAddr,
    /// Who is told what, and how.
    pub notices: notify::Settings,
}

impl Config {
    /// With its relative paths taken from the folder of the config.
    fn beside(mut self, path: &Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new("."));
        self.rules = folder.join(&self.rules);
        self.journal = folder.join(&self.journal);
        self
    }
}

/// A config and its rules.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The config.
    pub config: Config,
    /// The rules.
    pub rules: RuleSet,
    /// How many rule files there are.
    pub rule_files: usize,
    /// What config and rules are, byte by byte.
    pub digests: Digests,
}

/// Reads the config at `path` and its rules. All that is wrong in all files comes back at once.
pub fn load(path: &Path, now: Timestamp) -> Result<Loaded, Vec<Problem>> {
    let source = files::read_source(path).map_err(|problem| vec![problem])?;
    let (config, mut problems) = read(&source, now);
    let Some(config) = config.map(|config| config.beside(path)) else {
        return Err(problems);
    };
    if problems.iter().any(|problem| problem.path == "rules") {
        // The path is what is wrong: the default one would only be complained about beside it.
        return Err(problems);
    }
    let (sources, unread) = files::rule_sources(&config.rules);
    problems.extend(unread);
    let rules = rules::parse(&sources, &config.timezone).map_err(|wrong| problems.extend(wrong));
    match rules {
        Ok(rules) if problems.is_empty() => {
            let digests = Digests { rules: digest(&sources), config: digest(&[source]) };
            Ok(Loaded { config, rules, rule_files: sources.len(), digests })
        }
        _ => Err(problems),
    }
}

/// Reads the config at `path` and not its rules: as far as it can be used, with all that is wrong with it.
#[must_use]
pub fn load_alone(path: &Path, now: Timestamp) -> (Option<Config>, Vec<Problem>) {
    match files::read_source(path) {
        Ok(source) => {
            let (config, problems) = read(&source, now);
            (config.map(|config| config.beside(path)), problems)
        }
        Err(problem) => (None, vec![problem]),
    }
}

/// The SHA-256 of files, their names included.
fn digest(sources: &[Arc<Source>]) -> String {
    let mut digest = Sha256::new();
    for source in sources {
        for part in [&source.name, &source.text] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    hex::encode(digest.finalize())
}

/// Reads a config. There is one as soon as it is a mapping at all, with defaults in the place of what is wrong, so that the rules
/// can be looked at too; it may be used only if nothing is wrong.
#[must_use]
pub fn read(source: &Arc<Source>, now: Timestamp) -> (Option<Config>, Vec<Problem>) {
    let mut reader = Reader::new(Arc::clone(source));
    let config = match yaml::parse(source) {
        Ok(node) => root(&mut reader, &At::root(&node), now),
        Err(problem) => {
            reader.problems.push(problem);
            None
        }
    };
    (config, reader.problems)
}

fn root(reader: &mut Reader, at: &At<'_>, now: Timestamp) -> Option<Config> {
    let fields = reader.fields(at, &KEYS)?;
    let modes = [("dry-run", Mode::DryRun), ("enforce", Mode::Enforce)];
    let mode = fields.get("mode").and_then(|at| reader.word(&at, &modes)).unwrap_or(Mode::DryRun);
    let timezone =
        fields.get("timezone").and_then(|at| timezone(reader, &at)).unwrap_or(TimeZone::UTC);
    let schedule = schedule(reader, &fields, &timezone, now)?;
    let jitter =
        fields.get("jitter").and_then(|at| duration(reader, &at, JITTER)).unwrap_or_default();
    let rules = fields
        .get("rules")
        .and_then(|at| reader.text(&at, "the path of a file or a folder").map(PathBuf::from));
    let accounts = match fields.get("accounts") {
        Some(at) => accounts(reader, &at),
        None => default_accounts(reader),
    };
    let limits = fields.get("limits").map_or_else(Limits::default, |at| limits(reader, &at));
    let protect = fields.get("protect").and_then(|at| rules::matchers(reader, &at));
    if let Some(at) = fields.get("allow_release") {
        reader.boolean(&at);
    }
    let journal = fields.get("journal").and_then(|at| {
        reader.value(&at, "a file such as sqlite:///var/lib/zenreaper/journal.db", journal)
    });
    let listen = fields.get("http").and_then(|at| listen(reader, &at));
    let times = times(reader, &fields);
    let max_change_percent = fields.get("inventory").and_then(|at| inventory(reader, &at));
    let limits = Limits {
        max_change_percent: max_change_percent.unwrap_or(limits.max_change_percent),
        ..limits
    };
    let notices = fields.get("notices").map(|at| notices::notices(reader, &at));
    Some(Config {
        mode,
        schedule,
        jitter,
        timezone,
        rules: rules.unwrap_or_else(|| DEFAULT_RULES.into()),
        accounts,
        limits,
        protect: protect.unwrap_or(Condition::NOTHING),
        listen: listen.or_else(|| DEFAULT_LISTEN.parse().ok())?,
        journal: journal.unwrap_or_else(|| DEFAULT_JOURNAL.into()),
        retention: times.retention,
        commitment_hold: times.commitment_hold,
        apply_max_age: times.apply_max_age,
        notices: notices.unwrap_or_default(),
    })
}

/// The path in a journal's URL; one that is relative means the config's folder.
fn journal(text: &str) -> Result<PathBuf, String> {
    if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err("a journal in PostgreSQL needs a later version of zenreaper".to_owned());
    }
    match text.strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() && !path.ends_with('/') && !path.contains('?') => {
            Ok(path.into())
        }
        // Without the text, which may hold a password.
        _ => Err("it is not the URL of a journal".to_owned()),
    }
}

/// The times that the config gives to holds, plans and the journal.
struct Times {
    retention: SignedDuration,
    commitment_hold: SignedDuration,
    apply_max_age: SignedDuration,
}

fn times(reader: &mut Reader, fields: &Fields<'_>) -> Times {
    let mut within = |key: &str, keys: &[&str], bounds: Bounds| {
        let inner = fields.get(key).and_then(|at| reader.fields(&at, keys));
        let at = inner.as_ref().and_then(|inner| keys.iter().find_map(|key| inner.get(key)));
        at.and_then(|at| signed_duration(reader, &at, bounds))
    };
    let commitment_hold = within("hold", &HOLD_KEYS, COMMITMENT_HOLD);
    let apply_max_age = within("apply", &APPLY_KEYS, APPLY_AGE);
    let retention = fields.get("journal_retention");
    let retention = retention.and_then(|at| signed_duration(reader, &at, RETENTION));
    Times {
        retention: retention.unwrap_or(DEFAULT_RETENTION),
        commitment_hold: commitment_hold.unwrap_or(DEFAULT_COMMITMENT_HOLD),
        apply_max_age: apply_max_age.unwrap_or(DEFAULT_APPLY_AGE),
    }
}

fn inventory(reader: &mut Reader, at: &At<'_>) -> Option<u32> {
    let fields = reader.fields(at, &INVENTORY_KEYS)?;
    fields.get("max_change_percent").and_then(|at| reader.number(&at, 0..=100))
}

fn timezone(reader: &mut Reader, at: &At<'_>) -> Option<TimeZone> {
    reader.value(at, "the name of a time zone such as UTC or Asia/Shanghai", |text| {
        TimeZone::get(text).map_err(|_| format!("`{}` is not a time zone", shorten(text)))
    })
}

fn schedule(
    reader: &mut Reader,
    fields: &Fields<'_>,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Schedule> {
    let parse = |text: &str| Schedule::parse(text, zone.clone(), now);
    let own = fields.get("schedule").and_then(|at| reader.value(&at, schedule::HELP, parse));
    own.or_else(|| parse(DEFAULT_SCHEDULE).ok())
}

/// What a duration of the config may be.
#[derive(Clone, Copy)]
struct Bounds {
    min: SignedDuration,
    max: SignedDuration,
    help: &'static str,
}

const JITTER: Bounds = Bounds {
    min: SignedDuration::ZERO,
    max: SignedDuration::from_hours(1),
    help: "a duration from 0s to 1h",
};

const TIMEOUT: Bounds = Bounds {
    min: SignedDuration::from_millis(1),
    max: SignedDuration::from_mins(10),
    help: "a duration from 1ms to 10m",
};

const TOTAL: Bounds = Bounds {
    min: SignedDuration::ZERO,
    max: SignedDuration::from_hours(1),
    help: "a duration from 0s to 1h",
};

const RETENTION: Bounds = Bounds {
    min: SignedDuration::from_hours(48),
    max: SignedDuration::from_hours(10_000 * 24),
    help: "a duration from 2d to 10000d",
};

const COMMITMENT_HOLD: Bounds = Bounds {
    min: SignedDuration::ZERO,
    max: SignedDuration::from_hours(366 * 24),
    help: "a duration from 0s to 366d",
};

const APPLY_AGE: Bounds = Bounds {
    min: SignedDuration::from_secs(1),
    max: SignedDuration::from_hours(7 * 24),
    help: "a duration from 1s to 7d",
};

fn duration(reader: &mut Reader, at: &At<'_>, bounds: Bounds) -> Option<Duration> {
    signed_duration(reader, at, bounds).and_then(|duration| duration.try_into().ok())
}

fn signed_duration(reader: &mut Reader, at: &At<'_>, bounds: Bounds) -> Option<SignedDuration> {
    let Bounds { min, max, help } = bounds;
    let text = reader.text(at, DURATION_HELP)?;
    match lifetime::duration(text) {
        Ok(duration) if (min..=max).contains(&duration) => Some(duration),
        Ok(_) => {
            reader.wrong(
                at,
                format!("`{}` is out of range", shorten(text)),
                format!("expected {help}"),
            );
            None
        }
        Err(message) => {
            reader.wrong(at, message, format!("expected {DURATION_HELP}"));
            None
        }
    }
}

fn default_accounts(reader: &mut Reader) -> Vec<Account> {
    let node = yaml::Node { value: yaml::Value::Map(Vec::new()), place: yaml::NOWHERE };
    let at = At { node: &node, path: "accounts[0]".to_owned() };
    account(reader, &at, Some("main")).into_iter().collect()
}

fn accounts(reader: &mut Reader, at: &At<'_>) -> Vec<Account> {
    let Some(items) = reader.list(at, "expected a list of accounts, each with a `name`") else {
        return Vec::new();
    };
    if items.is_empty() || items.len() > ACCOUNTS_MAX {
        reader.wrong(
            at,
            format!("{} accounts", items.len()),
            format!("expected 1 to {ACCOUNTS_MAX} accounts"),
        );
    }
    let mut accounts: Vec<Account> = Vec::new();
    for item in items {
        let Some(account) = account(reader, &item, None) else {
            continue;
        };
        if accounts.iter().any(|other| other.name == account.name) {
            reader.wrong(
                &item,
                format!("`{}` is the name of another account", account.name),
                "expected another name",
            );
        }
        accounts.push(account);
    }
    accounts
}

fn account(reader: &mut Reader, at: &At<'_>, name: Option<&str>) -> Option<Account> {
    let fields = reader.fields(at, &ACCOUNT_KEYS)?;
    let name = match name {
        Some(name) => Some(name.to_owned()),
        None => fields
            .require(reader, "name", NAME_HELP)
            .and_then(|at| own_name(reader, &at, "an account's")),
    };
    let endpoint = fields.get("endpoint");
    let endpoint = match endpoint {
        Some(at) => {
            reader.value(&at, "an origin such as https://console.zenlayer.com", endpoint_of)
        }
        None => Endpoint::parse(DEFAULT_ENDPOINT).ok(),
    };
    let version = fields
        .get("api_version")
        .and_then(|at| reader.value(&at, "a version such as 2022-11-20", api_version));
    let (describe_rate, terminate_rate) = rates(reader, &fields)?;
    let max_in_flight =
        fields.get("max_in_flight").and_then(|at| reader.number(&at, 1..=IN_FLIGHT_MAX));
    let timeout = fields.get("timeout").and_then(|at| duration(reader, &at, TIMEOUT));
    let retry = fields.get("retry").map_or_else(Retry::default, |at| retry(reader, &at));
    let settings = cloud::Settings {
        endpoint: endpoint?,
        api_version: version.unwrap_or_else(|| DEFAULT_API_VERSION.to_owned()),
        describe_rate,
        terminate_rate,
        timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
        retry,
    };
    let max_in_flight = max_in_flight.unwrap_or(DEFAULT_MAX_IN_FLIGHT) as usize;
    Some(Account { name: name?, settings, max_in_flight })
}

const NAME_HELP: &str = "a name of lower-case letters, digits and hyphens, 1 to 63 characters";

/// The name of something of the user's own; `whose` it is, is for the message.
fn own_name(reader: &mut Reader, at: &At<'_>, whose: &str) -> Option<String> {
    reader.value(at, NAME_HELP, |text| {
        rules::RuleName::new(text)
            .map(|_| text.to_owned())
            .map_err(|_| format!("`{}` is not {whose} name", shorten(text)))
    })
}

/// An endpoint; one that holds a password is refused without being shown.
fn endpoint_of(text: &str) -> Result<Endpoint, String> {
    if text.contains('@') {
        return Err("an endpoint holds no user and no password".to_owned());
    }
    Endpoint::parse(text)
}

fn api_version(text: &str) -> Result<String, String> {
    let form = |(n, byte): (usize, u8)| {
        if matches!(n, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
    };
    let fits = text.len() == 10 && text.bytes().enumerate().all(form);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` is not an API version", shorten(text)))
    }
}

fn rates(reader: &mut Reader, fields: &Fields<'_>) -> Option<(Rate, Rate)> {
    let own = fields.get("rate").and_then(|at| reader.fields(&at, &["describe", "terminate"]));
    let mut rate = |key: &str, default: &str| {
        let own = own.as_ref().and_then(|fields| fields.get(key));
        let own = own.and_then(|at| reader.value(&at, Rate::HELP, Rate::parse));
        own.or_else(|| Rate::parse(default).ok())
    };
    Some((rate("describe", DEFAULT_DESCRIBE_RATE)?, rate("terminate", DEFAULT_TERMINATE_RATE)?))
}

fn retry(reader: &mut Reader, at: &At<'_>) -> Retry {
    let default = Retry::default();
    let Some(fields) = reader.fields(at, &RETRY_KEYS) else {
        return default;
    };
    let attempts = fields.get("attempts").and_then(|at| reader.number(&at, 1..=20));
    let first_delay = fields.get("first_delay").and_then(|at| duration(reader, &at, TIMEOUT));
    let total = fields.get("total").and_then(|at| duration(reader, &at, TOTAL));
    Retry {
        attempts: attempts.unwrap_or(default.attempts),
        first_delay: first_delay.unwrap_or(default.first_delay),
        total: total.unwrap_or(default.total),
    }
}

fn limits(reader: &mut Reader, at: &At<'_>) -> Limits {
    let default = Limits::default();
    let Some(fields) = reader.fields(at, &LIMIT_KEYS) else {
        return default;
    };
    let mut number =
        |key: &str, max: u32| fields.get(key).and_then(|at| reader.number(&at, 0..=max));
    Limits {
        max_terminations: number("max_terminations", u32::MAX).unwrap_or(default.max_terminations),
        max_percent: number("max_percent", 100).unwrap_or(default.max_percent),
        max_per_day: number("max_per_day", u32::MAX).unwrap_or(default.max_per_day),
        min_remaining: number("min_remaining", u32::MAX).unwrap_or(default.min_remaining),
        max_change_percent: default.max_change_percent,
        max_failure_percent: number("max_failure_percent", 100)
            .unwrap_or(default.max_failure_percent),
        canary: number("canary", u32::MAX).unwrap_or(default.canary),
    }
}

fn listen(reader: &mut Reader, at: &At<'_>) -> Option<SocketAddr> {
    let fields = reader.fields(at, &["listen"])?;
    let at = fields.get("listen")?;
    reader.value(&at, "an address and a port such as 127.0.0.1:9464", |text| {
        text.parse().map_err(|_| format!("`{}` is not an address with a port", shorten(text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, String> {
        let source = Arc::new(Source { name: "config.yaml".into(), text: text.into() });
        match read(&source, "2026-11-24T00:00:00Z".parse().unwrap()) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(crate::diagnostic::render(&problems, false)),
        }
    }

    #[test]
    fn an_empty_mapping_has_the_documented_defaults() {
        let config = config("{}").unwrap();
        assert_eq!(config.mode, Mode::DryRun);
        assert_eq!(config.schedule.pattern(), "*/15 * * * *");
        assert_eq!(config.rules, Path::new("/etc/zenreaper/rules"));
        assert_eq!(config.listen.to_string(), "127.0.0.1:9464");
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.journal, Path::new("/var/lib/zenreaper/journal.db"));
        let [account] = &config.accounts[..] else { panic!("one account") };
        assert_eq!((account.name.as_str(), account.max_in_flight), ("main", 8));
        let settings = &account.settings;
        assert_eq!(settings.endpoint.to_string(), "https://console.zenlayer.com");
        assert_eq!(settings.api_version, "2022-11-20");
        assert_eq!(settings.describe_rate.interval(), Duration::from_millis(100));
        assert_eq!(settings.terminate_rate.interval(), Duration::from_millis(200));
        assert_eq!(settings.timeout, Duration::from_secs(30));
    }

    #[test]
    fn a_config_may_not_hold_credentials() {
        let error = config("accounts: [{ name: main, access_key_secret: hunter2 }]").unwrap_err();
        assert!(error.contains("credentials never stand in a file"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn the_shipped_config_is_the_default() {
        let shipped = config(include_str!("../deploy/config.yaml")).unwrap();
        let default = config("protect: [{ tags: { protected: '*' } }]").unwrap();
        assert_eq!(format!("{shipped:?}"), format!("{default:?}"));
    }

    #[test]
    fn the_shipped_example_of_notices_is_taken() {
        let shipped = include_str!("../deploy/config.yaml");
        let (_, example) = shipped.split_once("\n# notices:\n").unwrap();
        let lines = example.lines().map(|line| line.strip_prefix("# ").unwrap());
        let config = config(&lines.fold("notices:\n".to_owned(), |text, line| text + line + "\n"));
        let sinks = config.unwrap().notices.sinks;
        let sinks: Vec<_> =
            sinks.iter().map(|sink| (sink.name.as_str(), sink.stages.len())).collect();
        assert_eq!(sinks, [("hook", 3), ("chat", 5), ("mail", 5), ("log", 5)]);
    }
}
