//! What an answer is, before anyone asks what it is about: a success with a body, or an [`Error`] with a code and a class.
//!
//! Pure but for reading the body, which is bounded.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Response,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use super::{Action, Code, Error, object::Object, wire::Envelope};
use crate::lifetime::shorten;

/// The largest answer that is read, in bytes: a page of 1,000 instances has about one MiB.
const BODY_BYTES_MAX: usize = 32 << 20;

/// How much our clock and the server's may differ, in seconds: the API refuses requests that are signed with a clock that is off
/// by more ("Signature process" of its reference); a token carries no time, so that it has to be us who look.
const SKEW_SECONDS_MAX: u64 = 300;

pub(super) fn envelope(body: &[u8]) -> Result<Envelope<'_>, String> {
    serde_json::from_slice(body)
        .map(|Object(envelope)| envelope)
        .map_err(|error| format!("the answer is not the API's JSON: {error}"))
}

pub(super) fn no_answer(action: Action, error: &reqwest::Error) -> Error {
    let code = if error.is_connect() {
        Code::CONNECT_FAILED
    } else if error.is_timeout() {
        Code::TIMEOUT
    } else {
        Code::CONNECTION_LOST
    };
    let cause = root_cause(error);
    let host = error.url().filter(|_| error.is_connect()).and_then(reqwest::Url::host_str);
    Error::new(
        action,
        code,
        None,
        host.map_or_else(|| cause.clone(), |host| format!("no way to {host}: {cause}")),
    )
}

/// The innermost cause, which is the one that tells something; reqwest's own text repeats the URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::eq(cause, std::ptr::from_ref(error)) {
        return "the request failed".to_owned();
    }
    cause.to_string()
}

pub(super) async fn read_body(action: Action, mut response: Response) -> Result<Vec<u8>, Error> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(action, &error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            let message = format!("the answer is larger than {BODY_BYTES_MAX} bytes");
            return Err(Error::new(action, Code::MALFORMED_RESPONSE, Some(status), message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What is wrong with an answer; `None` if it is a success.
pub(super) fn failure(
    action: Action,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Error> {
    let error = |code, message: String| Error::new(action, code, Some(status), message);
    if status == 403 && headers.get("cf-mitigated").is_some_and(|value| value == "challenge") {
        return Some(error(
            Code::SECURITY_CHALLENGE,
            "a security challenge for browsers stands before the API".to_owned(),
        ));
    }
    if status == 451 {
        return Some(error(
            Code::REQUEST_BLOCKED,
            "the request is blocked by a policy before the API".to_owned(),
        ));
    }
    // The API answers with 200; another 2xx is of something in between.
    let succeeded = status == 200;
    match envelope(body) {
        Ok(Envelope { code: Some(code), message, request_id, .. }) if !code.is_empty() => {
            let message = message.map_or_else(|| "no message".to_owned(), |text| bounded(&text));
            let request_id = request_id.map(|id| shorten(&id));
            let retry_after = retry_after(headers);
            Some(Error { request_id, retry_after, ..error(Code::folded(&code), message) })
        }
        Ok(Envelope { response: Some(_), .. }) if succeeded => None,
        Ok(_) if succeeded => {
            Some(error(Code::MALFORMED_RESPONSE, "there is no response in the answer".to_owned()))
        }
        Err(problem) if succeeded => Some(error(Code::MALFORMED_RESPONSE, problem)),
        Ok(_) | Err(_) => {
            let retry_after = retry_after(headers);
            let message = "the answer carries no code".to_owned();
            Some(Error { retry_after, ..error(Code::of_status(status), message) })
        }
    }
}

/// At most 300 characters of a message from outside, without control characters.
pub(super) fn bounded(text: &str) -> String {
    const MESSAGE_CHARS_MAX: usize = 300;
    text.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS_MAX).collect()
}

/// Retry-After in seconds, or as a date against the server's own Date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(text)?;
    let now = server_time(headers)?;
    until.duration_since(now).try_into().ok()
}

/// The server's time, if it tells one that can be read.
fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    headers.get(DATE)?.to_str().ok().and_then(http_date)
}

/// Why an answer that came at this second of our clock is not believed; `None` if the clocks agree, or the server tells no time.
pub(super) fn clock_skew(action: Action, headers: &HeaderMap, received: i64) -> Option<Error> {
    let theirs = server_time(headers)?.as_second();
    let message = "what is due cannot be told by a wrong clock".to_owned();
    (received.abs_diff(theirs) > SKEW_SECONDS_MAX)
        .then(|| Error::new(action, Code::CLOCK_SKEW, Some(200), message))
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// What to do about a failure of class `Auth`; `ours` is the second of our clock that it is about.
pub(super) fn auth_hint(code: &Code, headers: &HeaderMap, ours: i64) -> String {
    match (code.as_str(), server_time(headers)) {
        ("AUTHFAILURE_SIGNATURE_EXPIRED" | "CLOCK_SKEW", Some(theirs)) => {
            let ahead = ours - theirs.as_second();
            let side = if ahead < 0 { "behind" } else { "ahead of" };
            format!("; our clock is {} s {side} the server's: set it by NTP", ahead.abs())
        }
        _ => "; check the access key or token of this account and its permissions".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        status: u16,
        header: Option<(&'static str, &'static str)>,
        body: &str,
        expected: &str,
    ) {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        let got = failure(Action::Terminate, status, &headers, body.as_bytes());
        let got =
            got.map_or("success".to_owned(), |error| format!("{} {:?}", error.code, error.class));
        assert_eq!(got, expected, "{status} {body}");
    }

    #[test]
    fn every_answer_has_a_code_and_a_class() {
        check(200, None, r#"{"requestId":"r","response":{"requestId":"r"}}"#, "success");
        check(200, None, r#"{"requestId":"r"}"#, "MALFORMED_RESPONSE NoAnswer");
        check(200, None, "<html>", "MALFORMED_RESPONSE NoAnswer");
        check(200, None, r#"["r",null,null,{"requestId":"r"}]"#, "MALFORMED_RESPONSE NoAnswer");
        check(200, None, "", "MALFORMED_RESPONSE NoAnswer");
        check(
            200,
            None,
            r#"{"code":"INTERNAL_SERVER_ERROR","message":"m"}"#,
            "INTERNAL_SERVER_ERROR Transient",
        );
        check(
            404,
            None,
            r#"{"requestId":"r","code":"INVALID_INSTANCE_NOT_FOUND"}"#,
            "INVALID_INSTANCE_NOT_FOUND Gone",
        );
        check(
            403,
            None,
            r#"{"code":"Operation.Denied.Postpaid.Promise"}"#,
            "OPERATION_DENIED_POSTPAID_PROMISE Refused",
        );
        check(403, None, r#"{"code":"SOME_NEW_CODE"}"#, "SOME_NEW_CODE NoAnswer");
        check(403, None, "<html>", "HTTP_403 NoAnswer");
        check(403, Some(("cf-mitigated", "challenge")), "<html>", "SECURITY_CHALLENGE Blocked");
        check(451, None, "", "REQUEST_BLOCKED Blocked");
        check(201, None, r#"{"requestId":"r","response":{"requestId":"r"}}"#, "HTTP_201 NoAnswer");
        check(401, None, "", "HTTP_401 Auth");
        check(429, None, "", "HTTP_429 Throttled");
        check(502, None, "<html>", "HTTP_502 Transient");
        check(302, None, "", "HTTP_302 NoAnswer");
        check(500, None, r#"{"code":"","message":null}"#, "HTTP_500 Transient");
    }

    #[test]
    fn a_message_from_outside_is_one_short_line() {
        let told = r#"{"code":"X","message":"a\nb\u001b[31m\r\u0085c"}"#;
        let error = failure(Action::Terminate, 400, &HeaderMap::new(), told.as_bytes()).unwrap();
        assert_eq!(error.message, "ab[31mc");
        assert_eq!(bounded(&"é".repeat(1000)).chars().count(), 300);
    }

    #[test]
    fn a_retry_after_is_read_as_seconds_or_as_a_date() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert(RETRY_AFTER, "Tue, 24 Nov 2026 16:00:30 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, "Tue, 24 Nov 2026 16:00:00 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(30)));
        headers.insert(RETRY_AFTER, "soon".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }

    #[test]
    fn a_clock_that_is_off_is_told_by_how_much() {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Tue, 24 Nov 2026 16:00:00 GMT".parse().unwrap());
        let at = "2026-11-24T15:50:00Z".parse::<Timestamp>().unwrap().as_second();
        let hint = auth_hint(&Code::folded("AUTHFAILURE_SIGNATURE_EXPIRED"), &headers, at);
        assert!(hint.contains("600 s behind"), "{hint}");
        let hint = auth_hint(&Code::CLOCK_SKEW, &headers, at);
        assert!(hint.contains("600 s behind"), "{hint}");
    }

    #[test]
    fn clocks_may_differ_by_five_minutes_and_a_server_may_tell_no_time() {
        let at = "2026-11-24T16:00:00Z".parse::<Timestamp>().unwrap().as_second();
        let check = |date: Option<&str>, received: i64, is_believed: bool| {
            let mut headers = HeaderMap::new();
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            let skew = clock_skew(Action::Describe, &headers, received);
            assert_eq!(skew.is_none(), is_believed, "{date:?} {received}");
        };
        for (off, is_believed) in
            [(0, true), (300, true), (-300, true), (301, false), (-301, false), (86_400, false)]
        {
            check(Some("Tue, 24 Nov 2026 16:00:00 GMT"), at + off, is_believed);
        }
        check(Some("Thu, 01 Jan 1970 00:00:00 GMT"), at, false);
        check(Some("yesterday"), at, true);
        check(Some(""), at, true);
        check(None, at, true);
    }
}
