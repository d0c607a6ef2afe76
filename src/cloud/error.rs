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
    /// Whether the call may have taken effect all the same: only an answer of the API under a code that it documents, and no 5xx,
    /// says for certain that it did not.
    pub may_have_happened: bool,
}

fn status_text(status: Option<u16>) -> String {
    status.map(|status| format!(" (HTTP {status})")).unwrap_or_default()
}

fn request_text(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" [request {id}]")).unwrap_or_default()
}

fn may_have_happened(code: &Code, class: Class, status: Option<u16>) -> bool {
    let is_server_error = status.is_some_and(|status| (500..600).contains(&status));
    match class {
        Class::Transient | Class::NoAnswer => true,
        Class::Throttled | Class::Auth | Class::Blocked => is_server_error || !code.is_of_the_api(),
        Class::Gone | Class::Refused | Class::Rejected | Class::Stopped => false,
    }
}

impl Error {
    /// A failure of which only the code and a message are known.
    pub(crate) fn new(action: Action, code: Code, status: Option<u16>, message: String) -> Self {
        let class = Class::of(&code, status);
        let may_have_happened = may_have_happened(&code, class, status);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_documented_answer_says_that_nothing_happened() {
        for (code, status, expected) in [
            (Some("INTERNAL_SERVER_ERROR"), Some(500), true),
            (Some("INTERNAL_SERVER_ERROR"), Some(400), true),
            (Some("INVALID_INSTANCE_NOT_FOUND"), Some(500), true),
            (Some("OPERATION_DENIED_INSTANCE_RECYCLED"), Some(503), true),
            (Some("INVALID_PARAMETER_VALUE"), Some(502), true),
            (Some("REQUEST_LIMIT_EXCEEDED"), Some(503), true),
            (Some("AUTHFAILURE_SIGNATURE_FAILURE"), Some(500), true),
            (Some("SOME_NEW_CODE"), Some(403), true),
            (None, Some(302), true),
            (None, Some(401), true),
            (None, Some(403), true),
            (None, Some(404), true),
            (None, Some(429), true),
            (None, Some(504), true),
            (Some("TIMEOUT"), None, true),
            (Some("CONNECTION_LOST"), None, true),
            (Some("MALFORMED_RESPONSE"), Some(200), true),
            (Some("INVALID_INSTANCE_NOT_FOUND"), Some(404), false),
            (Some("OPERATION_DENIED_INSTANCE_RECYCLED"), Some(403), false),
            (Some("OPERATION_DENIED_INSTANCE_STATUS_INSTALLING"), Some(403), false),
            (Some("OPERATION_DENIED_POSTPAID_PROMISE"), Some(403), false),
            (Some("REQUEST_LIMIT_EXCEEDED"), Some(429), false),
            (Some("INVALID_PARAMETER_VALUE"), Some(400), false),
            (Some("AUTHFAILURE_SIGNATURE_EXPIRED"), Some(401), false),
            (Some("SECURITY_CHALLENGE"), Some(403), true),
            (Some("REQUEST_BLOCKED"), Some(451), true),
            (Some("AUTHFAILURE_SOMETHING_NEW"), Some(400), true),
        ] {
            let named = code.map(Code::folded);
            let folded = named.unwrap_or_else(|| Code::of_status(status.unwrap_or_default()));
            let error = Error::new(Action::Terminate, folded, status, String::new());
            assert_eq!(error.may_have_happened, expected, "{code:?} {status:?}");
        }
    }
}
