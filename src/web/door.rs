//! Who may see the page and the API, and what a browser may do with them.
//!
//! At loopback whoever is on this host may, under the names of this host only: a page from elsewhere that had its own name point
//! here (DNS rebinding) is refused. With a token, whoever has it may. What is answered is never kept, framed or scripted.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY,
            WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::page::STYLE;

/// What asks for the token: a program sends it as a bearer, a browser as a password.
const CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static("Bearer realm=\"zenreaper\""),
    HeaderValue::from_static(
        "Basic realm=\"zenreaper: any user, the token as password\", charset=\"UTF-8\"",
    ),
];

/// Who may see the page and the API.
#[derive(Debug)]
pub struct Door {
    listen: SocketAddr,
    token: Option<SecretString>,
    policy: HeaderValue,
}

/// Why somebody may not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Refusal {
    Host,
    Token,
}

impl Door {
    /// The door of a listener at this address.
    #[must_use]
    pub fn new(listen: SocketAddr, token: Option<SecretString>) -> Self {
        let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        let policy = HeaderValue::from_str(&policy)
            .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
        Self { listen, token, policy }
    }

    /// Whether anybody who reaches the address may see everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.token.is_none() && !self.listen.ip().is_loopback()
    }

    fn admits(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.listen.ip().is_loopback() && !self.is_named(headers) {
            return Err(Refusal::Host);
        }
        match &self.token {
            Some(token) if !is_told(token, headers) => Err(Refusal::Token),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the request names this host, and not a name that somebody had point to it.
    fn is_named(&self, headers: &HeaderMap) -> bool {
        let named = headers.get(HOST).and_then(|host| host.to_str().ok());
        let Some(named) = named.map(without_port) else { return false };
        let own = self.listen.ip();
        let is_address = named
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address == own || address.is_loopback());
        is_address || named.eq_ignore_ascii_case("localhost")
    }
}

/// `localhost:9464` without its port, `[::1]:9464` without that and its brackets.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

fn is_told(token: &SecretString, headers: &HeaderMap) -> bool {
    let told = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, told)) = told.and_then(|told| told.split_once(' ')) else { return false };
    let told = if scheme.eq_ignore_ascii_case("bearer") {
        Some(told.trim().to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        password(told.trim())
    } else {
        None
    };
    // Digests of both, so that the time it takes tells nothing of the token.
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    told.is_some_and(|told| digest(&told) == digest(token.expose_secret()))
}

fn password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// Lets those in who may see what is behind the door.
pub(super) async fn keep(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let mut response = match door.admits(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(Refusal::Host) => {
            let why = "this is served at loopback: ask for it as localhost or by its address\n";
            (StatusCode::MISDIRECTED_REQUEST, why).into_response()
        }
        Err(Refusal::Token) => {
            let why =
                "this needs the token http.token, as a bearer or as the password of any user\n";
            let mut response = (StatusCode::UNAUTHORIZED, why).into_response();
            for challenge in CHALLENGES {
                response.headers_mut().append(WWW_AUTHENTICATE, challenge);
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, door.policy.clone());
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        listen: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        expected: Option<Refusal>,
    ) {
        let door = Door::new(listen.parse().unwrap(), token.map(SecretString::from));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        assert_eq!(door.admits(&map).err(), expected, "{listen} {token:?} {headers:?}");
    }

    #[test]
    fn at_loopback_only_the_names_of_this_host_are_served() {
        let at = "127.0.0.1:9464";
        for host in
            ["localhost", "LOCALHOST:9464", "127.0.0.1:1", "127.8.0.1", "[::1]:9464", "[::1]"]
        {
            check(at, None, &[("host", host)], None);
        }
        let foreign = [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "127.0.0.1.evil.example:9464",
            "",
            "[::1",
        ];
        for host in foreign {
            check(at, None, &[("host", host)], Some(Refusal::Host));
        }
        check(at, None, &[], Some(Refusal::Host));
        check("0.0.0.0:9464", None, &[("host", "reaper.example")], None);
    }

    #[test]
    fn the_token_is_asked_for_at_any_address_and_taken_in_both_forms() {
        let (at, host) = ("192.0.2.1:9464", ("host", "x"));
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for told in
            ["Bearer hunter2", "bearer  hunter2", &basic("anybody:hunter2"), &basic(":hunter2")]
        {
            check(at, Some("hunter2"), &[host, ("authorization", told)], None);
        }
        for told in [
            "hunter2",
            "Bearer hunter",
            "Bearer ",
            "Basic hunter2",
            &basic("hunter2"),
            "Digest hunter2",
        ] {
            check(at, Some("hunter2"), &[host, ("authorization", told)], Some(Refusal::Token));
        }
        check(at, Some("hunter2"), &[host], Some(Refusal::Token));
        check("127.0.0.1:1", Some("hunter2"), &[("host", "localhost")], Some(Refusal::Token));
    }
}
