//! What goes back over the wire.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::Serialize;

use super::page::Page;
use super::refusal::Refusal;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// Lower case on the wire, as the official SDKs look for it in that case only.
const CF_MITIGATED: HeaderName = HeaderName::from_static("cf-mitigated");

/// How a call ends.
#[derive(Debug)]
pub(super) enum Answer {
    /// The reply arrives.
    Whole(Reply),
    /// Half of the reply's body arrives.
    CutOff(Reply),
    /// The connection is reset.
    Reset,
    /// Nothing comes until the client gives up.
    Silence,
}

/// An HTTP response that is not yet dated.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) code: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Success<'a> {
    request_id: &'a str,
    response: Payload<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    request_id: &'a str,
    #[serde(flatten)]
    page: Option<&'a Page>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    request_id: &'a str,
    code: &'a str,
    message: &'a str,
}

impl Reply {
    pub(super) fn success(request_id: &str, page: Option<&Page>) -> Self {
        let response = Payload { request_id, page };
        let document = Success { request_id, response };
        Self {
            status: StatusCode::OK,
            code: None,
            headers: vec![(CONTENT_TYPE, JSON)],
            body: json(&document),
        }
    }

    pub(super) fn refusal(request_id: &str, refusal: &Refusal) -> Self {
        let mut headers = vec![(CONTENT_TYPE, JSON)];
        if let Some(seconds) = refusal.retry_after {
            headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.push((ALLOW, HeaderValue::from_static("POST")));
        }
        let document = Failure { request_id, code: &refusal.code, message: &refusal.message };
        Self {
            status: StatusCode::from_u16(refusal.status)
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: Some(refusal.code.clone().into_owned()),
            headers,
            body: json(&document),
        }
    }

    pub(super) fn challenge() -> Self {
        let mut reply = Self::html(StatusCode::FORBIDDEN, "Just a moment...");
        let challenge = HeaderValue::from_static("challenge");
        reply.headers.push((CF_MITIGATED, challenge));
        reply
    }

    pub(super) fn blocked() -> Self {
        Self::html(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "Blocked")
    }

    /// What a gateway says when it lost the answer.
    pub(super) fn gateway(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self::html(status, status.canonical_reason().unwrap_or("Error"))
    }

    pub(super) fn not_json() -> Self {
        Self::html(StatusCode::OK, "Welcome")
    }

    fn html(status: StatusCode, title: &str) -> Self {
        let body = format!("<!DOCTYPE html><html><head><title>{title}</title></head></html>\n");
        Self { status, code: None, headers: vec![(CONTENT_TYPE, HTML)], body: body.into_bytes() }
    }

    /// The response, at the server's time.
    pub(super) fn into_response(self, now: Timestamp) -> Response<Body> {
        let (mut head, body) = self.into_parts(now);
        *head.body_mut() = Body::from(body);
        head
    }

    /// A response that promises the whole body and breaks off after half of it.
    pub(super) fn into_broken_response(self, now: Timestamp) -> Response<Body> {
        let (mut head, body) = self.into_parts(now);
        let promised = HeaderValue::from(body.len());
        head.headers_mut().insert(CONTENT_LENGTH, promised);
        *head.body_mut() = broken(&body);
        head
    }

    fn into_parts(self, now: Timestamp) -> (Response<Body>, Vec<u8>) {
        let mut head = Response::new(Body::empty());
        *head.status_mut() = self.status;
        head.headers_mut().extend(self.headers);
        // Without a date of its own, hyper would put the true one there. Dates that HTTP cannot
        // write take an extreme skew to reach; those keep hyper's.
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        if let Some(date) = date.ok().and_then(|date| date.try_into().ok()) {
            head.headers_mut().insert(DATE, date);
        }
        (head, self.body)
    }
}

/// Half of a body, then an error. The pause between them lets the half go out first.
fn broken(body: &[u8]) -> Body {
    let (half, _) = body.split_at(body.len() / 2);
    let half = Ok(Bytes::copy_from_slice(half));
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(stream::iter([half]).chain(end))
}

/// JSON values and text can always be written as JSON.
fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default()
}
