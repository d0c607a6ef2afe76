//! An answer of the API that is not a success: a status, a code and a sentence.

use std::borrow::Cow;

/// Why a call was refused, in the API's own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code, e.g. `INVALID_INSTANCE_NOT_FOUND`.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
    /// Seconds for a `Retry-After` header.
    pub retry_after: Option<u32>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code: Cow::Borrowed(code), message: message.into(), retry_after: None }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(super) fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(401, code, message)
    }

    pub(super) fn denied(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(403, code, message)
    }

    pub(super) fn not_found(id: &str) -> Self {
        Self::new(404, "INVALID_INSTANCE_NOT_FOUND", format!("there is no instance {id}"))
    }

    pub(super) fn too_many(retry_after: Option<u32>) -> Self {
        Self {
            retry_after,
            ..Self::new(
                429,
                "REQUEST_LIMIT_EXCEEDED",
                "too many calls of this action in one second",
            )
        }
    }
}
