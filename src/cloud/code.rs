//! The codes of failures, and what each means.

use std::{borrow::Cow, fmt};

/// The longest code that is kept as it is.
const CODE_BYTES_MAX: usize = 80;

/// The documented codes: those of the three actions, the common ones, and ours for failures that carry none.
pub const DOCUMENTED: [&str; 38] = [
    "INVALID_INSTANCE_NOT_FOUND",
    "OPERATION_DENIED_INSTANCE_RECYCLED",
    "OPERATION_DENIED_INSTANCE_CREATING",
    "OPERATION_DENIED_INSTANCE_STATUS_INSTALLING",
    "OPERATION_DENIED_INSTANCE_SUBSCRIPTION",
    "OPERATION_DENIED_POSTPAID_PROMISE",
    "OPERATION_DENIED_INSTANCE_NOT_RECYCLED",
    "OPERATION_DENIED_INSTANCE_STATUS",
    "OPERATION_DENIED_INSTANCE_STATUS_NOT_SUPPORT",
    "OPERATION_DENIED_INVALID_STATUS",
    "INTERNAL_SERVER_ERROR",
    "SERVICE_TEMPORARY_UNAVAILABLE",
    "REQUEST_TIMED_OUT",
    "REQUEST_LIMIT_EXCEEDED",
    "AUTHFAILURE_INVALID_AUTHORIZATION",
    "AUTHFAILURE_SIGNATURE_FAILURE",
    "AUTHFAILURE_SIGNATURE_EXPIRED",
    "AUTHFAILURE_UNAUTHORIZED_OPERATION",
    "MISSING_PARAMETER",
    "INVALID_PARAMETER_TYPE",
    "INVALID_PARAMETER_VALUE",
    "INVALID_PARAMETER_EXCEED_MAXIMUM",
    "INVALID_PARAMETER_LESS_MINIMUM",
    "INVALID_PARAMETER_EXCEED_LENGTH",
    "INVALID_PARAMETER_LESS_LENGTH",
    "INVALID_PARAMETER_PATTERN_ERROR",
    "INVALID_PARAMETER_DATE_FORMAT_ERROR",
    "OPERATION_FAILED_FOR_RECYCLE_RESOURCE",
    "FAILED_OPERATION_FOR_RECYCLE_RESOURCE",
    "OPERATION_FAILED_RESOURCE_GROUP_NOT_FOUND",
    "OPERATION_FAILED_RESOURCE_NOT_FOUND",
    "CONNECT_FAILED",
    "TIMEOUT",
    "CONNECTION_LOST",
    "MALFORMED_RESPONSE",
    "SECURITY_CHALLENGE",
    "REQUEST_BLOCKED",
    "CLOCK_SKEW",
];

/// The code of a failure, in `UPPER_SNAKE`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// No connection could be made.
    pub const CONNECT_FAILED: Self = Self(Cow::Borrowed("CONNECT_FAILED"));
    /// There was no answer in time.
    pub const TIMEOUT: Self = Self(Cow::Borrowed("TIMEOUT"));
    /// The connection ended before the answer did.
    pub const CONNECTION_LOST: Self = Self(Cow::Borrowed("CONNECTION_LOST"));
    /// The answer is not what the API documents.
    pub const MALFORMED_RESPONSE: Self = Self(Cow::Borrowed("MALFORMED_RESPONSE"));
    /// A challenge for browsers stands between us and the API.
    pub const SECURITY_CHALLENGE: Self = Self(Cow::Borrowed("SECURITY_CHALLENGE"));
    /// A policy blocks the request.
    pub const REQUEST_BLOCKED: Self = Self(Cow::Borrowed("REQUEST_BLOCKED"));
    /// Our clock and the server's differ too much to believe what is said of times.
    pub const CLOCK_SKEW: Self = Self(Cow::Borrowed("CLOCK_SKEW"));
    /// We were told to stop before the call was sent.
    pub const STOPPED: Self = Self(Cow::Borrowed("STOPPED"));

    /// Takes a code as the API wrote it, in either of the two spellings that it has.
    #[must_use]
    pub fn folded(text: &str) -> Self {
        let fold = |c: char| {
            if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }
        };
        let folded: String = text.trim().chars().take(CODE_BYTES_MAX).map(fold).collect();
        match DOCUMENTED.iter().find(|known| **known == folded) {
            Some(known) => Self(Cow::Borrowed(known)),
            None => Self(Cow::Owned(folded)),
        }
    }

    /// The code of an answer that carries none.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        Self(Cow::Owned(format!("HTTP_{status}")))
    }

    /// Whether the answer carried no code, so that this one was made of its status.
    pub(super) fn is_of_status(&self) -> bool {
        self.0.starts_with("HTTP_")
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of [`DOCUMENTED`].
    #[must_use]
    pub fn is_documented(&self) -> bool {
        DOCUMENTED.contains(&self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a failure means; see "What each answer means" in docs/operations.md.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// The goal is reached already.
    Gone,
    /// The API refuses now; the next run looks again.
    Refused,
    /// We are too fast.
    Throttled,
    /// The API is in trouble, and says so.
    Transient,
    /// There is no answer to go by: none at all, or none that the API documents.
    NoAnswer,
    /// Our credentials or our clock are wrong: nothing will work.
    Auth,
    /// Something between us and the API stops us: nothing will work.
    Blocked,
    /// The API documents the code, and no further attempt would fare better; it is recorded under its code.
    Rejected,
    /// We were told to stop.
    Stopped,
}

impl Class {
    /// What a code means in an answer with this HTTP status. An answer of 500 to 599 says nothing for certain, whatever its code.
    #[must_use]
    pub fn of(code: &Code, status: Option<u16>) -> Self {
        let is_server_error = status.is_some_and(|status| (500..600).contains(&status));
        match Self::of_code(code, status) {
            Self::Gone | Self::Refused | Self::Rejected if is_server_error => Self::Transient,
            own => own,
        }
    }

    fn of_code(code: &Code, status: Option<u16>) -> Self {
        match code.as_str() {
            "INVALID_INSTANCE_NOT_FOUND" | "OPERATION_DENIED_INSTANCE_RECYCLED" => Self::Gone,
            "OPERATION_DENIED_INSTANCE_CREATING"
            | "OPERATION_DENIED_INSTANCE_SUBSCRIPTION"
            | "OPERATION_DENIED_POSTPAID_PROMISE"
            | "OPERATION_DENIED_INVALID_STATUS"
            | "OPERATION_DENIED_INSTANCE_NOT_RECYCLED" => Self::Refused,
            "REQUEST_LIMIT_EXCEEDED" => Self::Throttled,
            "INTERNAL_SERVER_ERROR" | "SERVICE_TEMPORARY_UNAVAILABLE" | "REQUEST_TIMED_OUT" => {
                Self::Transient
            }
            "CONNECT_FAILED" | "TIMEOUT" | "CONNECTION_LOST" | "MALFORMED_RESPONSE" => {
                Self::NoAnswer
            }
            "SECURITY_CHALLENGE" | "REQUEST_BLOCKED" => Self::Blocked,
            "STOPPED" => Self::Stopped,
            "CLOCK_SKEW" => Self::Auth,
            auth if auth.starts_with("AUTHFAILURE_") => Self::Auth,
            of_status if of_status.starts_with("OPERATION_DENIED_INSTANCE_STATUS") => Self::Refused,
            _ => Self::of_status(code, status),
        }
    }

    fn of_status(code: &Code, status: Option<u16>) -> Self {
        match status {
            Some(401) => Self::Auth,
            Some(429) => Self::Throttled,
            Some(500..=599) => Self::Transient,
            _ if code.is_documented() => Self::Rejected,
            _ => Self::NoAnswer,
        }
    }

    /// Whether a call that failed so is tried again.
    #[must_use]
    pub fn is_retried(self) -> bool {
        match self {
            Self::Throttled | Self::Transient | Self::NoAnswer => true,
            Self::Gone
            | Self::Refused
            | Self::Auth
            | Self::Blocked
            | Self::Rejected
            | Self::Stopped => false,
        }
    }

    /// Whether no other call of the run would fare better.
    #[must_use]
    pub fn stops_the_run(self) -> bool {
        match self {
            Self::Auth | Self::Blocked | Self::Stopped => true,
            Self::Gone
            | Self::Refused
            | Self::Throttled
            | Self::Transient
            | Self::NoAnswer
            | Self::Rejected => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_fold_to_one() {
        for (written, folded) in [
            ("OPERATION_DENIED_INSTANCE_RECYCLED", "OPERATION_DENIED_INSTANCE_RECYCLED"),
            ("Operation.Denied.Instance.Recycled", "OPERATION_DENIED_INSTANCE_RECYCLED"),
            (" request-limit exceeded ", "REQUEST_LIMIT_EXCEEDED"),
            ("SOME_NEW_CODE", "SOME_NEW_CODE"),
            ("évil\"}\n", "_VIL__"),
        ] {
            assert_eq!(Code::folded(written).as_str(), folded);
        }
        assert_eq!(Code::folded(&"A".repeat(1000)).as_str().len(), CODE_BYTES_MAX);
    }

    #[test]
    fn the_table_of_answers_holds() {
        for (code, status, class) in [
            ("INVALID_INSTANCE_NOT_FOUND", 404, Class::Gone),
            ("OPERATION_DENIED_INSTANCE_RECYCLED", 403, Class::Gone),
            ("OPERATION_DENIED_INSTANCE_CREATING", 403, Class::Refused),
            ("OPERATION_DENIED_INSTANCE_STATUS_INSTALLING", 403, Class::Refused),
            ("OPERATION_DENIED_INSTANCE_SUBSCRIPTION", 403, Class::Refused),
            ("OPERATION_DENIED_POSTPAID_PROMISE", 403, Class::Refused),
            ("REQUEST_LIMIT_EXCEEDED", 400, Class::Throttled),
            ("WHATEVER", 429, Class::Throttled),
            ("INTERNAL_SERVER_ERROR", 500, Class::Transient),
            ("REQUEST_TIMED_OUT", 400, Class::Transient),
            ("WHATEVER", 502, Class::Transient),
            ("AUTHFAILURE_SIGNATURE_EXPIRED", 401, Class::Auth),
            ("AUTHFAILURE_SOMETHING_NEW", 403, Class::Auth),
            ("WHATEVER", 401, Class::Auth),
            ("CLOCK_SKEW", 200, Class::Auth),
            ("SECURITY_CHALLENGE", 403, Class::Blocked),
            ("REQUEST_BLOCKED", 451, Class::Blocked),
            ("MALFORMED_RESPONSE", 200, Class::NoAnswer),
            ("INVALID_PARAMETER_VALUE", 400, Class::Rejected),
            ("SOME_NEW_CODE", 403, Class::NoAnswer),
            ("SOME_NEW_CODE", 200, Class::NoAnswer),
            ("INVALID_INSTANCE_NOT_FOUND", 500, Class::Transient),
            ("OPERATION_DENIED_INSTANCE_RECYCLED", 502, Class::Transient),
            ("OPERATION_DENIED_POSTPAID_PROMISE", 503, Class::Transient),
            ("INVALID_PARAMETER_VALUE", 504, Class::Transient),
            ("REQUEST_LIMIT_EXCEEDED", 503, Class::Throttled),
            ("OPERATION_DENIED_INSTANCE_STATUS", 403, Class::Refused),
            ("OPERATION_DENIED_INSTANCE_STATUS_NOT_SUPPORT", 403, Class::Refused),
            ("OPERATION_DENIED_INSTANCE_STATUS_STOPPING", 403, Class::Refused),
            ("OPERATION_DENIED_INVALID_STATUS", 403, Class::Refused),
            ("FAILED_OPERATION_FOR_RECYCLE_RESOURCE", 403, Class::Rejected),
        ] {
            assert_eq!(Class::of(&Code::folded(code), Some(status)), class, "{code} {status}");
        }
    }
}
