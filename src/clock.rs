//! The one place that asks for the time. Everything else takes `now` as an argument.

use jiff::Timestamp;
use tokio::time::Instant;

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for the time")]
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A clock that only goes forwards, for measuring and waiting.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}
