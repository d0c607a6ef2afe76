//! The key `accounts`.

use std::time::Duration;

use jiff::SignedDuration;

use super::values::{Bounds, duration, own_name};
use crate::{
    cloud::{self, Endpoint, Rate, Retry},
    diagnostic::Code,
    lifetime::{Smallest, is_date, shorten},
    rules::RuleName,
    yaml::{self, At, Fields, Reader},
};

const DEFAULT_ENDPOINT: &str = "https://console.zenlayer.com";
const DEFAULT_API_VERSION: &str = "2022-11-20";
const DEFAULT_DESCRIBE_RATE: &str = "10/s";
const DEFAULT_TERMINATE_RATE: &str = "5/s";
const DEFAULT_MAX_IN_FLIGHT: u32 = 8;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// The most accounts.
const ACCOUNTS_MAX: usize = 100;

/// The most calls to terminate that may be under way at once.
const IN_FLIGHT_MAX: u32 = 256;

pub(super) const ACCOUNT_KEYS: [&str; 7] =
    ["name", "endpoint", "api_version", "rate", "max_in_flight", "timeout", "retry"];
pub(super) const RETRY_KEYS: [&str; 3] = ["attempts", "first_delay", "total"];

const TIMEOUT: Bounds = Bounds {
    min: SignedDuration::from_millis(1),
    max: SignedDuration::from_mins(10),
    smallest: Smallest::Millisecond,
    help: "a duration from 1ms to 10m",
};

const TOTAL: Bounds = Bounds {
    min: SignedDuration::ZERO,
    max: SignedDuration::from_hours(1),
    smallest: Smallest::Second,
    help: "a duration from 0s to 1h",
};

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

/// The one account of a config that names none.
pub(super) fn default_accounts(reader: &mut Reader) -> Vec<Account> {
    let node = yaml::Node { value: yaml::Value::Map(Vec::new()), place: yaml::NOWHERE };
    let at = At { node: &node, path: "accounts[0]".to_owned() };
    account(reader, &at, Some("main")).into_iter().collect()
}

/// The accounts that the config names.
pub(super) fn accounts(reader: &mut Reader, at: &At<'_>) -> Vec<Account> {
    let Some(items) = reader.list(at, "expected a list of accounts, each with a `name`") else {
        return Vec::new();
    };
    let help = format!("expected 1 to {ACCOUNTS_MAX} accounts");
    if items.is_empty() {
        reader.wrong(at, Code::EmptyValue, "there is no account", help);
    } else if items.len() > ACCOUNTS_MAX {
        reader.wrong(at, Code::TooMuch, format!("{} accounts", items.len()), help);
    }
    let mut accounts: Vec<Account> = Vec::new();
    for item in items {
        let Some(account) = account(reader, &item, None) else {
            continue;
        };
        if accounts.iter().any(|other| other.name == account.name) {
            reader.wrong(
                &item,
                Code::DuplicateName,
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
            .require(reader, "name", RuleName::HELP)
            .and_then(|at| own_name(reader, &at, "an account's")),
    };
    let endpoint = fields.get("endpoint");
    let endpoint = match endpoint {
        Some(at) => {
            let expected = "an origin such as https://console.zenlayer.com";
            reader.value(&at, Code::NotAnEndpoint, expected, endpoint_of)
        }
        None => Endpoint::parse(DEFAULT_ENDPOINT).ok(),
    };
    let version = fields.get("api_version").and_then(|at| {
        reader.value(&at, Code::NotAnApiVersion, "a version such as 2022-11-20", api_version)
    });
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

/// An endpoint; one that holds a password is refused without being shown.
fn endpoint_of(text: &str) -> Result<Endpoint, String> {
    if text.contains('@') {
        return Err("an endpoint holds no user and no password".to_owned());
    }
    Endpoint::parse(text)
}

fn api_version(text: &str) -> Result<String, String> {
    if is_date(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` is not an API version", shorten(text)))
    }
}

fn rates(reader: &mut Reader, fields: &Fields<'_>) -> Option<(Rate, Rate)> {
    let own = fields.get("rate").and_then(|at| reader.fields(&at, &["describe", "terminate"]));
    let mut rate = |key: &str, default: &str| {
        let own = own.as_ref().and_then(|fields| fields.get(key));
        let own = own.and_then(|at| reader.value(&at, Code::NotARate, Rate::HELP, Rate::parse));
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
