//! The Zenlayer Bare Metal Cloud API, as a client sees it.
//!
//! [`Client`] sends signed requests at a bounded pace, and turns every answer into a value or an [`Error`] whose [`Class`] says
//! what it means; [`Attempts`] says whether a call is tried again. It knows nothing of rules or plans.

mod answer;
mod code;
mod error;
mod http;
mod limiter;
mod list;
mod object;
mod redact;
mod retry;
pub mod saved;
pub mod sign;
mod wire;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use reqwest::Url;
use secrecy::SecretString;

pub use self::{
    code::{Class, Code, DOCUMENTED},
    error::Error,
    http::{Accepted, Client, IDS_MAX, PAGE_SIZE},
    limiter::{Permit, Rate},
    list::{Unlisted, list, list_to_save},
    redact::redact,
    retry::Attempts,
    wire::{Looked, read_record},
};

/// An action of the API.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// `DescribeInstances`.
    Describe,
    /// `TerminateInstance`.
    Terminate,
    /// `ReleaseInstances`.
    Release,
}

impl Action {
    /// Every action that the client can send.
    pub const ALL: [Self; 3] = [Self::Describe, Self::Terminate, Self::Release];

    /// The action's name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Describe => "DescribeInstances",
            Self::Terminate => "TerminateInstance",
            Self::Release => "ReleaseInstances",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the API is.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: Url,
    host: String,
    loopback: bool,
}

/// The API's path under its endpoint.
const PATH: &str = "/api/v2/bmc";

impl Endpoint {
    /// Takes an origin such as `https://console.zenlayer.com`; plain http only towards loopback.
    pub fn parse(text: &str) -> Result<Self, String> {
        let not =
            |why: &str| format!("`{}` is not an endpoint{why}", crate::lifetime::shorten(text));
        let mut url = Url::parse(text).map_err(|error| not(&format!(": {error}")))?;
        let loopback = is_loopback(url.host_str().unwrap_or_default());
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(not(": plain http is taken towards loopback only")),
            _ => return Err(not(": expected https")),
        }
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(not(": expected a scheme and a host, and no more"));
        }
        url.set_path(PATH);
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { url, host, loopback })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.host)
    }
}

/// Whether a host, as a URL has it, is this one.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What proves who we are.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// An access key, whose password signs each request.
    KeyPair {
        /// Its id, which is sent.
        access_key_id: String,
        /// Its password, which is not.
        access_key_secret: SecretString,
    },
    /// A personal access token, which is sent as it is.
    Token(SecretString),
}

/// How failed calls are tried again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retry {
    /// How often a call is tried in all, but for answers that only ask to slow down.
    pub attempts: u32,
    /// The first pause; each next one is twice as long, and jitter is added.
    pub first_delay: Duration,
    /// How long a call may be tried in all.
    pub total: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 4, first_delay: Duration::from_millis(500), total: Duration::from_mins(5) }
    }
}

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API is.
    pub endpoint: Endpoint,
    /// The `X-ZC-Version` header.
    pub api_version: String,
    /// The pace of `DescribeInstances`.
    pub describe_rate: Rate,
    /// The pace of `TerminateInstance` and of `ReleaseInstances`, each.
    pub terminate_rate: Rate,
    /// How long one call may take.
    pub timeout: Duration,
    /// How failed calls are tried again.
    pub retry: Retry,
}

/// Something that happened at the wire, told as it happens.
#[derive(Clone, Debug)]
pub enum Observation {
    /// A call was answered, or not (`None`).
    Answered {
        /// The action.
        action: Action,
        /// The HTTP status.
        status: Option<u16>,
        /// How long it took.
        elapsed: Duration,
    },
    /// An answer was a failure, or there was none.
    Failed {
        /// The action.
        action: Action,
        /// Its code.
        code: Code,
    },
    /// A call is about to be tried again.
    Retried {
        /// The action.
        action: Action,
    },
    /// A call had to wait for its turn.
    Waited {
        /// The action.
        action: Action,
        /// How long.
        waited: Duration,
    },
}

/// Whoever wants to know what happens at the wire.
pub type Observer = Arc<dyn Fn(&Observation) + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_https_or_loopback() {
        for (text, host) in [
            ("https://console.zenlayer.com", "console.zenlayer.com"),
            ("https://console.zenlayer.com/", "console.zenlayer.com"),
            ("https://console.zenlayer.com:443", "console.zenlayer.com"),
            ("https://console.zenlayer.com:8443", "console.zenlayer.com:8443"),
            ("http://127.0.0.1:18443", "127.0.0.1:18443"),
            ("http://localhost:18443", "localhost:18443"),
            ("http://[::1]:18443", "[::1]:18443"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().host, host, "{text}");
        }
        for text in [
            "http://console.zenlayer.com",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "ftp://127.0.0.1",
            "https://console.zenlayer.com/api/v2/bmc",
            "https://user:pw@console.zenlayer.com",
            "https://console.zenlayer.com/?x=1",
            "console.zenlayer.com",
            "",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
