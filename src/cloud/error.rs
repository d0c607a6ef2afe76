//! A call that did not succeed.

use std::time::Duration;

use super::{Action, Class, Code};

/// Why a call did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{action}: {code}{}{}: {message}", status_text(*.status), request_text(.request_id.as_deref()))]
pub struct Error {
    /// What was asked.
    pub action: Action,
    /// The API's code, or ours.
    pub code: Code,
    /// What the code means.
    pub class: Class,
    /// The HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// The request's id, which Zenlayer's support asks for.
    pub request_id: Option<String>,
    /// What happened, and what to do, for people.
    pub message: String,
    /// How long the API asks us to wait.
    pub retry_after: Option<Duration>,
    /// Whether the call, or an earlier try of it, may have taken effect all the same.
    pub may_have_happened: bool,
}

fn status_text(status: Option<u16>) -> String {
    status.map(|status| format!(" (HTTP {status})")).unwrap_or_default()
}

fn request_text(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" [request {id}]")).unwrap_or_default()
}

impl Error {
    /// A failure of which only the code and a message are known.
    pub(super) fn new(action: Action, code: Code, status: Option<u16>, message: String) -> Self {
        let class = Class::of(&code, status);
        let may_have_happened = class == Class::NoAnswer;
        Self {
            action,
            code,
            class,
            status,
            request_id: None,
            message,
            retry_after: None,
            may_have_happened,
        }
    }

    /// A call that was not sent, because we were told to stop.
    pub(super) fn stopped(action: Action) -> Self {
        Self::new(action, Code::STOPPED, None, "stopped before the call was sent".to_owned())
    }
}
