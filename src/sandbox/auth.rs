//! Who may call: a signature recomputed over the request as it was received, or a token.
//!
//! The API reference gives the codes but not their HTTP status; the sandbox answers all of them
//! with 401. A key that is not known is `AUTHFAILURE_SIGNATURE_FAILURE`, as is a wrong secret:
//! which of the two it was is nobody's business.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use secrecy::ExposeSecret;

use super::Credentials;
use super::refusal::Refusal;
use crate::cloud::sign;

/// The clocks may differ by five minutes (API reference, "Signature process").
const SKEW_SECONDS_MAX: u64 = 300;

/// Checks the `Authorization` header against the credentials, at the server's time.
pub(super) fn check(
    headers: &HeaderMap,
    body: &[u8],
    credentials: &Credentials,
    now_seconds: i64,
) -> Result<(), Refusal> {
    let authorization = header(headers, AUTHORIZATION.as_str())?;
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        return check_token(token, credentials);
    }
    let claim = Claim::read(authorization).ok_or_else(invalid_authorization)?;
    let request = sign::Request {
        content_type: header(headers, CONTENT_TYPE.as_str())?,
        host: header(headers, HOST.as_str())?,
        timestamp: timestamp(headers)?,
        body,
    };
    check_time(request.timestamp, now_seconds)?;
    let expected = sign::signature(&request, credentials.access_key_secret.expose_secret());
    let is_signed = is_same(claim.signature, &expected);
    let is_known = is_same(claim.access_key_id, &credentials.access_key_id);
    if is_signed && is_known {
        return Ok(());
    }
    let message = "the signature is not that of this request under a known access key";
    Err(Refusal::unauthorized("AUTHFAILURE_SIGNATURE_FAILURE", message))
}

fn check_token(token: &str, credentials: &Credentials) -> Result<(), Refusal> {
    if is_same(token.trim(), credentials.token.expose_secret()) {
        return Ok(());
    }
    let message = "the token is not known";
    Err(Refusal::unauthorized("AUTHFAILURE_INVALID_AUTHORIZATION", message))
}

fn check_time(timestamp: i64, now_seconds: i64) -> Result<(), Refusal> {
    if timestamp.abs_diff(now_seconds) <= SKEW_SECONDS_MAX {
        return Ok(());
    }
    let message = format!(
        "the timestamp differs from the server's time by more than {SKEW_SECONDS_MAX} seconds"
    );
    Err(Refusal::unauthorized("AUTHFAILURE_SIGNATURE_EXPIRED", message))
}

fn timestamp(headers: &HeaderMap) -> Result<i64, Refusal> {
    let method = header(headers, "x-zc-signature-method")?;
    let timestamp = header(headers, "x-zc-timestamp")?.parse();
    match timestamp {
        Ok(timestamp) if method == sign::METHOD => Ok(timestamp),
        Ok(_) | Err(_) => Err(invalid_authorization()),
    }
}

/// A header that must be there, once.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| invalid_authorization()),
        _ => Err(invalid_authorization()),
    }
}

fn invalid_authorization() -> Refusal {
    let message = "the headers of authorization are absent or malformed";
    Refusal::unauthorized("AUTHFAILURE_INVALID_AUTHORIZATION", message)
}

/// What an `Authorization` header claims.
struct Claim<'a> {
    access_key_id: &'a str,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    fn read(authorization: &'a str) -> Option<Self> {
        let fields = authorization.strip_prefix(sign::METHOD)?;
        let fields = fields.strip_prefix(' ')?;
        let mut fields = fields.split(',').map(str::trim);
        let access_key_id = fields.next()?.strip_prefix("Credential=")?;
        let signed_headers = fields.next()?.strip_prefix("SignedHeaders=")?;
        let signature = fields.next()?.strip_prefix("Signature=")?;
        let is_complete = signed_headers == sign::SIGNED_HEADERS && fields.next().is_none();
        is_complete.then_some(Self { access_key_id, signature })
    }
}

/// Compares in a time that does not depend on where the texts differ.
fn is_same(left: &str, right: &str) -> bool {
    let pairs = left.bytes().zip(right.bytes());
    let difference = pairs.fold(0, |difference, (left, right)| difference | (left ^ right));
    difference == 0 && left.len() == right.len()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: i64 = 1_795_400_463;
    const BODY: &[u8] = br#"{"pageNum":1,"pageSize":10}"#;
    /// What the vendor's own command-line client sent under the key `AKtest` with the secret `SKtest`.
    const SIGNED: &str = "ZC2-HMAC-SHA256 Credential=AKtest, SignedHeaders=content-type;host, \
        Signature=0a554c7c31e5366764780711e2d75fd6e9aba77fb84e6f677d095f3d60fd58ec";

    fn headers(changes: &[(&'static str, Option<&'static str>)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let signed = [
            ("authorization", Some(SIGNED)),
            ("content-type", Some("application/json")),
            ("host", Some("localhost:18443")),
            ("x-zc-timestamp", Some("1795400463")),
            ("x-zc-signature-method", Some("ZC2-HMAC-SHA256")),
        ];
        for (name, value) in signed.iter().chain(changes) {
            match value {
                Some(value) => {
                    headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value))
                }
                None => headers.remove(*name),
            };
        }
        headers
    }

    fn verdict(headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), String> {
        let credentials = Credentials {
            access_key_id: "AKtest".to_owned(),
            access_key_secret: "SKtest".into(),
            token: "TKtest".into(),
        };
        check(headers, body, &credentials, now).map_err(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn the_request_of_the_vendors_client_is_accepted_and_any_change_to_it_is_not() {
        const INVALID: Result<(), &str> = Err("AUTHFAILURE_INVALID_AUTHORIZATION");
        const FAILURE: Result<(), &str> = Err("AUTHFAILURE_SIGNATURE_FAILURE");
        for (change, expected) in [
            (vec![], Ok(())),
            (vec![("host", Some("localhost"))], FAILURE),
            (vec![("content-type", Some("application/json; charset=utf-8"))], FAILURE),
            (vec![("x-zc-timestamp", Some("1795400464"))], FAILURE),
            (vec![("x-zc-timestamp", Some("noon"))], INVALID),
            (vec![("x-zc-timestamp", None)], INVALID),
            (vec![("x-zc-signature-method", Some("HMAC"))], INVALID),
            (vec![("content-type", None)], INVALID),
            (vec![("host", None)], INVALID),
            (vec![("authorization", None)], INVALID),
            (vec![("authorization", Some(""))], INVALID),
            (vec![("authorization", Some("Basic QTpC"))], INVALID),
            (vec![("authorization", Some("ZC2-HMAC-SHA256"))], INVALID),
            (
                vec![(
                    "authorization",
                    Some(
                        "ZC2-HMAC-SHA256 Credential=AKtest, SignedHeaders=content-type;host, Signature=",
                    ),
                )],
                FAILURE,
            ),
            (
                vec![(
                    "authorization",
                    Some("ZC2-HMAC-SHA256 Credential=AKtest, SignedHeaders=host, Signature=0a"),
                )],
                INVALID,
            ),
            (vec![("authorization", Some("Bearer TKtest"))], Ok(())),
            (vec![("authorization", Some("Bearer TKtes"))], INVALID),
            (vec![("authorization", Some("Bearer "))], INVALID),
        ] {
            let found = verdict(&headers(&change), BODY, NOW);
            assert_eq!(found, expected.map_err(str::to_owned), "{change:?}");
        }
        assert_eq!(verdict(&headers(&[]), b"{}", NOW), FAILURE.map_err(str::to_owned));
    }

    #[test]
    fn another_key_is_not_accepted_even_with_the_right_secret() {
        let other = "ZC2-HMAC-SHA256 Credential=AKother, SignedHeaders=content-type;host, \
            Signature=0a554c7c31e5366764780711e2d75fd6e9aba77fb84e6f677d095f3d60fd58ec";
        let found = verdict(&headers(&[("authorization", Some(other))]), BODY, NOW);
        assert_eq!(found, Err("AUTHFAILURE_SIGNATURE_FAILURE".to_owned()));
    }

    #[test]
    fn a_header_that_is_there_twice_is_not_accepted() {
        let mut headers = headers(&[]);
        headers.append("host", HeaderValue::from_static("evil.example.com"));
        assert_eq!(
            verdict(&headers, BODY, NOW),
            Err("AUTHFAILURE_INVALID_AUTHORIZATION".to_owned())
        );
    }

    #[test]
    fn clocks_may_differ_by_five_minutes() {
        for (skew, accepted) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)]
        {
            let found = verdict(&headers(&[]), BODY, NOW + skew);
            let expired = Err("AUTHFAILURE_SIGNATURE_EXPIRED".to_owned());
            assert_eq!(found, if accepted { Ok(()) } else { expired }, "{skew}");
        }
        assert!(verdict(&headers(&[]), BODY, i64::MIN).is_err());
    }
}
