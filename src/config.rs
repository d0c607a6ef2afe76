//! The config and the rule files, from disk to something usable, or to all that is wrong with them.
//!
//! Two steps: [`read`] and `rules::parse` work on texts and are pure but for the [`Timestamp`] that a schedule needs; [`load`] has
//! the texts found. Every default stands here and in the files below, and nowhere else.

mod accounts;
mod files;
mod limits;
mod lint;
mod notices;
mod times;
mod values;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

pub use self::accounts::Account;
pub(crate) use self::files::{read_source, rule_files, rule_sources, test_files};
use self::{
    times::Times,
    values::{Bounds, duration},
};
use crate::{
    diagnostic::{self, Code, Problem, Source},
    journal::Digests,
    lifetime::{Smallest, shorten},
    notify,
    plan::guard::Limits,
    rules::{self, Condition, Origin, Release, RuleSet, Terms},
    schedule::Schedule,
    yaml::{self, At, Fields, Home, Reader, Value},
};

/// The config's place if none is given.
pub const DEFAULT_PATH: &str = "/etc/zenreaper/config.yaml";

const DEFAULT_RULES: &str = "/etc/zenreaper/rules";
const DEFAULT_SCHEDULE: &str = "*/15 * * * *";
const DEFAULT_LISTEN: &str = "127.0.0.1:9464";
const DEFAULT_JOURNAL: &str = "/var/lib/zenreaper/journal.db";

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

/// Where the keys below the top belong.
const HOMES: [Home; 13] = [
    ("at the top of the config", &KEYS),
    ("under `limits`", &limits::LIMIT_KEYS),
    ("under `inventory`", &limits::INVENTORY_KEYS),
    ("under `hold`", &times::HOLD_KEYS),
    ("under `apply`", &times::APPLY_KEYS),
    ("under `http`", &["listen"]),
    ("in an item of `accounts`", &accounts::ACCOUNT_KEYS),
    ("under `rate` of an account", &["describe", "terminate"]),
    ("under `retry` of an account", &accounts::RETRY_KEYS),
    ("under `notices`", &notices::NOTICES_KEYS),
    ("in an item of `notices.sinks`", &notices::LOG_KEYS),
    ("in a sink of the type webhook or slack", &notices::URL_KEYS),
    ("in a sink of the type email", &notices::EMAIL_KEYS),
];

const JITTER: Bounds = Bounds {
    min: SignedDuration::ZERO,
    max: SignedDuration::from_hours(1),
    smallest: Smallest::Second,
    help: "a duration from 0s to 1h",
};

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
    /// Whether rules may destroy for good.
    pub release: Release,
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
    /// The time between two calls to terminate in an account.
    #[must_use]
    pub fn interval(&self, account: &str) -> SignedDuration {
        let account = self.accounts.iter().find(|one| one.name == account);
        let interval = account.map(|account| account.settings.terminate_rate.interval());
        interval.and_then(|interval| interval.try_into().ok()).unwrap_or_default()
    }

    /// What its rules are read by.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms { zone: self.timezone.clone(), release: self.release }
    }

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
    /// Where the keys of the config stand.
    pub origin: Origin,
    /// What somebody should look at, in order; none of it is an error.
    pub warnings: Vec<Problem>,
}

/// Reads the config at `path` and its rules. All that is wrong in all files comes back at once, in order.
pub fn load(path: &Path, now: Timestamp) -> Result<Loaded, Vec<Problem>> {
    load_by(path, None, now)
}

/// The same with the rules at another path; those of the config are not read.
pub fn load_with(path: &Path, rules: &Path, now: Timestamp) -> Result<Loaded, Vec<Problem>> {
    load_by(path, Some(rules), now)
}

fn load_by(path: &Path, rules: Option<&Path>, now: Timestamp) -> Result<Loaded, Vec<Problem>> {
    let source = files::read_source(path).map_err(|problem| vec![problem])?;
    let (config, problems) = read(&source, now);
    let Some(config) = config.map(|config| config.beside(path)) else {
        return Err(diagnostic::sorted(problems));
    };
    if problems.iter().any(|problem| problem.path == "rules") {
        // The path is what is wrong: the default one would only be complained about beside it.
        return Err(diagnostic::sorted(problems));
    }
    let (sources, unread) = files::rule_sources(rules.unwrap_or(&config.rules));
    let (rules, wrong) = match rules::parse(&sources, &config.terms()) {
        Ok(rules) => (rules, Vec::new()),
        Err(wrong) => (RuleSet::default(), wrong),
    };
    let problems: Vec<_> = [problems, unread, wrong].into_iter().flatten().collect();
    if !problems.is_empty() {
        return Err(diagnostic::sorted(problems));
    }
    let origin = origin(&source)?;
    let digests = Digests { rules: digest(&sources), config: digest(&[source]) };
    let warnings = [
        lint::warnings(&config.limits, &origin),
        rules::plain_brackets(&config.protect, ("protect", &origin)),
        rules::warnings(&rules),
        rules::schedule_warnings((&config.schedule, &origin), &rules, now),
    ]
    .concat();
    let warnings = diagnostic::sorted(warnings);
    Ok(Loaded { config, rules, rule_files: sources.len(), digests, origin, warnings })
}

/// Where the keys of a file stand.
fn origin(source: &Arc<Source>) -> Result<Origin, Vec<Problem>> {
    let node = yaml::parse(source).map_err(|problem| vec![problem])?;
    Ok(Origin::new(source, &At::root(&node)))
}

/// What somebody should look at in the text of a config that is right.
#[cfg(test)]
pub(crate) fn warnings_of(source: &Arc<Source>, now: Timestamp) -> Vec<Problem> {
    match (read(source, now), origin(source)) {
        ((Some(config), _), Ok(origin)) => [
            lint::warnings(&config.limits, &origin),
            rules::schedule_warnings((&config.schedule, &origin), &RuleSet::default(), now),
        ]
        .concat(),
        _ => Vec::new(),
    }
}

/// Reads the config at `path` and not its rules: as far as it can be used, with all that is wrong with it.
#[must_use]
pub fn load_alone(path: &Path, now: Timestamp) -> (Option<Config>, Vec<Problem>) {
    match files::read_source(path) {
        Ok(source) => {
            let (config, problems) = read(&source, now);
            (config.map(|config| config.beside(path)), diagnostic::sorted(problems))
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
    let mut reader = Reader::new(Arc::clone(source)).knowing(&HOMES);
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
    let fields = reader.document(at, &KEYS)?;
    let modes = [("dry-run", Mode::DryRun), ("enforce", Mode::Enforce)];
    let mode = fields.get("mode").and_then(|at| reader.word(&at, &modes)).unwrap_or(Mode::DryRun);
    let timezone =
        fields.get("timezone").and_then(|at| rules::timezone(reader, &at)).unwrap_or(TimeZone::UTC);
    let schedule = schedule(reader, &fields, &timezone, now)?;
    let jitter =
        fields.get("jitter").and_then(|at| duration(reader, &at, JITTER)).unwrap_or_default();
    let rules = fields.get("rules").and_then(|at| {
        reader
            .text(&at, "the path of a file or a folder; the rules stand there, not in the config")
            .map(PathBuf::from)
    });
    let accounts = match fields.get("accounts") {
        Some(at) => accounts::accounts(reader, &at),
        None => accounts::default_accounts(reader),
    };
    let limits = limits::limits(reader, &fields);
    let protect = fields.get("protect").and_then(|at| rules::matchers(reader, &at));
    let release = fields.get("allow_release").and_then(|at| reader.boolean(&at));
    let journal = fields.get("journal").and_then(|at| {
        let expected = "a file such as sqlite:///var/lib/zenreaper/journal.db";
        let code = match &at.node.value {
            Value::Text(text) if is_postgres(text) => Code::LaterVersion,
            Value::Text(_) | Value::Null | Value::List(_) | Value::Map(_) => Code::NotAJournal,
        };
        reader.value(&at, code, expected, journal)
    });
    let listen = fields.get("http").and_then(|at| listen(reader, &at));
    let Times { retention, commitment_hold, apply_max_age } = times::times(reader, &fields);
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
        release: if release == Some(true) { Release::Allowed } else { Release::Refused },
        listen: listen.or_else(|| DEFAULT_LISTEN.parse().ok())?,
        journal: journal.unwrap_or_else(|| DEFAULT_JOURNAL.into()),
        retention,
        commitment_hold,
        apply_max_age,
        notices: notices.unwrap_or_default(),
    })
}

fn is_postgres(text: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
}

/// The path in a journal's URL; one that is relative means the config's folder.
fn journal(text: &str) -> Result<PathBuf, String> {
    if is_postgres(text) {
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

fn schedule(
    reader: &mut Reader,
    fields: &Fields<'_>,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Schedule> {
    let own = fields.get("schedule").and_then(|at| rules::schedule(reader, &at, zone.clone()));
    own.or_else(|| Schedule::parse(DEFAULT_SCHEDULE, zone.clone(), now).ok())
}

fn listen(reader: &mut Reader, at: &At<'_>) -> Option<SocketAddr> {
    let fields = reader.fields(at, &["listen"])?;
    let at = fields.get("listen")?;
    reader.value(&at, Code::NotAListener, "an address and a port such as 127.0.0.1:9464", |text| {
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
