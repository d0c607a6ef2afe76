//! The pace of calls: never over the rate in any second, first come first served, and slower for everybody when the API says
//! so.
//!
//! governor keeps the pace. Its own queue is not fair (waiters race: of 50 tasks some never had their turn), so a FIFO gate
//! stands before it; the same gate holds back everybody after a Retry-After, for which governor has no means. Its default
//! burst equals the rate, which lets twice the rate through in the first second, so the burst is one.

use std::{num::NonZeroU32, sync::Mutex, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::{Instant, sleep, sleep_until};

use crate::clock;

/// How much longer than the exact interval we wait, in parts of 1000, so that calls which the network brings closer together
/// do not count as one too many in a second at the other end.
const MARGIN_PERMILLE: u32 = 5;

/// The longest wait that a Retry-After can impose; it comes from outside.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(2);

/// How long everybody is held back by an answer that does not say how long: about as long as clouds count calls.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_millis(500);

/// How much slower we get each time.
const SLOWDOWN_STEP: f64 = 1.5;

/// How much slower than the rate we get at most.
const SLOWDOWN_MAX: f64 = 64.0;

/// What one success takes off the slowdown: after about 30 of them half of it is forgotten.
const RECOVERY: f64 = 0.975;

/// A slowdown that is as good as none.
const RECOVERED: f64 = 1.01;

/// A pace, in calls per unit of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    calls: NonZeroU32,
    unit: Duration,
}

/// The fastest rate that is taken, in calls a unit.
const CALLS_MAX: u32 = 1_000;

impl Rate {
    /// What a rate looks like, for error messages.
    pub const HELP: &'static str = "a rate such as 10/s or 300/m, at most 1000";

    /// Some calls a second.
    #[must_use]
    pub fn per_second(calls: NonZeroU32) -> Self {
        Self { calls, unit: Duration::from_secs(1) }
    }

    /// Reads `10/s`, `300/m` or `1000/h`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let not = || format!("`{}` is not a rate", crate::lifetime::shorten(text));
        let (calls, unit) = text.split_once('/').ok_or_else(not)?;
        let calls =
            calls.trim().parse::<NonZeroU32>().ok().filter(|calls| calls.get() <= CALLS_MAX);
        let seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(not()),
        };
        Ok(Self { calls: calls.ok_or_else(not)?, unit: Duration::from_secs(seconds) })
    }

    /// The time between two calls.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.unit / self.calls.get()
    }
}

/// The longest time between two permits while somebody waits for one, at this rate, when the API holds us back as much as it can.
pub(super) fn turn_max(rate: Rate) -> Duration {
    RETRY_AFTER_MAX + rate.interval().mul_f64(SLOWDOWN_MAX + 1.0)
}

/// The right to send one call.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Permit {
    granted: Instant,
}

#[derive(Debug)]
struct Brake {
    not_before: Option<Instant>,
    slowdown: f64,
    slowed: Option<Instant>,
}

/// Grants permits at a pace.
#[derive(Debug)]
pub(super) struct Limiter {
    interval: Duration,
    /// The longest that an answer can hold everybody back.
    hold_max: Duration,
    pace: DefaultDirectRateLimiter,
    gate: tokio::sync::Mutex<()>,
    brake: Mutex<Brake>,
}

impl Limiter {
    /// A limiter of this rate; an answer holds everybody back for `hold_max` at the most, since no call waits longer for a
    /// further attempt.
    pub(super) fn new(rate: Rate, hold_max: Duration) -> Self {
        let interval = rate.interval() * (1000 + MARGIN_PERMILLE) / 1000;
        let quota =
            Quota::with_period(interval).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN));
        Self {
            interval,
            hold_max: hold_max.min(RETRY_AFTER_MAX),
            pace: RateLimiter::direct(quota.allow_burst(NonZeroU32::MIN)),
            gate: tokio::sync::Mutex::new(()),
            brake: Mutex::new(Brake { not_before: None, slowdown: 1.0, slowed: None }),
        }
    }

    /// Waits for one's turn. Dropping the future gives the place in the queue up.
    pub(super) async fn acquire(&self) -> Permit {
        let _first_in_line = self.gate.lock().await;
        while let Some(not_before) = self.held_until() {
            sleep_until(not_before).await;
        }
        self.pace.until_ready().await;
        sleep(self.extra_wait()).await;
        Permit { granted: clock::monotonic() }
    }

    /// The API asked the holder of `permit` to slow down: everybody does. Of calls that were under way together, one counts.
    pub(super) fn slow_down(&self, permit: Permit, retry_after: Option<Duration>) {
        let now = clock::monotonic();
        let mut brake = self.brake();
        if brake.slowed.is_none_or(|slowed| slowed < permit.granted) {
            brake.slowdown = (brake.slowdown * SLOWDOWN_STEP).min(SLOWDOWN_MAX);
            brake.slowed = Some(now);
        }
        let until = now + retry_after.unwrap_or(RETRY_AFTER_DEFAULT).min(self.hold_max);
        brake.not_before = brake.not_before.max(Some(until));
    }

    /// A call went through: the pace recovers by little and little.
    pub(super) fn recover(&self) {
        let mut brake = self.brake();
        let slowdown = 1.0 + (brake.slowdown - 1.0) * RECOVERY;
        brake.slowdown = if slowdown < RECOVERED { 1.0 } else { slowdown };
    }

    fn held_until(&self) -> Option<Instant> {
        let now = clock::monotonic();
        self.brake().not_before.filter(|not_before| *not_before > now)
    }

    /// The pace keeper's interval passes during this wait, so it is the whole interval at the slower pace.
    fn extra_wait(&self) -> Duration {
        let slowdown = self.brake().slowdown;
        if slowdown > 1.0 { self.interval.mul_f64(slowdown) } else { Duration::ZERO }
    }

    fn brake(&self) -> std::sync::MutexGuard<'_, Brake> {
        self.brake.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn rates_are_read_or_refused() {
        for (text, interval) in [("10/s", 100), ("300/m", 200), ("900/h", 4000), (" 1 / s ", 1000)]
        {
            let rate = Rate::parse(text).unwrap();
            assert_eq!(rate.interval(), Duration::from_millis(interval), "{text}");
        }
        for text in
            ["", "10", "0/s", "-1/s", "1.5/s", "10/d", "10/s/s", "1001/s", "99999999999/s", "/s"]
        {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }

    fn rate(per_second: u32) -> Rate {
        Rate::per_second(NonZeroU32::new(per_second).unwrap())
    }

    async fn instants(limiter: &Arc<Limiter>, tasks: u32, each: u32) -> Vec<(u32, Instant)> {
        let one = |task| {
            let limiter = Arc::clone(limiter);
            tokio::spawn(async move {
                let mut granted = Vec::new();
                for _ in 0..each {
                    granted.push((task, limiter.acquire().await.granted));
                }
                granted
            })
        };
        let handles: Vec<_> = (0..tasks).map(one).collect();
        let mut all = Vec::new();
        for handle in handles {
            all.extend(handle.await.unwrap());
        }
        all.sort_by_key(|(_, at)| *at);
        all
    }

    #[tokio::test]
    async fn never_over_the_rate_in_any_second_and_first_come_first_served() {
        let limiter = Arc::new(Limiter::new(rate(50), RETRY_AFTER_MAX));
        let granted = instants(&limiter, 10, 10).await;
        for window in granted.windows(51) {
            let span = window[50].1 - window[0].1;
            assert!(span >= Duration::from_secs(1), "51 calls in {span:?}");
        }
        for round in granted.chunks(10).skip(1) {
            let mut tasks: Vec<_> = round.iter().map(|(task, _)| *task).collect();
            tasks.sort_unstable();
            tasks.dedup();
            assert_eq!(tasks.len(), 10, "every task has its turn in every round");
        }
    }

    #[tokio::test]
    async fn a_retry_after_holds_everybody_back() {
        let limiter = Arc::new(Limiter::new(rate(100), RETRY_AFTER_MAX));
        let permit = limiter.acquire().await;
        limiter.slow_down(permit, Some(Duration::from_millis(300)));
        let granted = instants(&limiter, 3, 1).await;
        assert!(granted.iter().all(|(_, at)| *at >= permit.granted + Duration::from_millis(300)));
    }

    #[tokio::test]
    async fn a_retry_after_that_asks_for_a_day_is_not_waited_for() {
        let limiter = Limiter::new(rate(100), RETRY_AFTER_MAX);
        let permit = limiter.acquire().await;
        for asked in [RETRY_AFTER_MAX * 2, Duration::from_hours(24), Duration::MAX] {
            limiter.slow_down(permit, Some(asked));
            let until = limiter.held_until().unwrap();
            assert!(until <= clock::monotonic() + RETRY_AFTER_MAX, "{asked:?}");
        }
        let limiter = Limiter::new(rate(100), Duration::from_secs(8));
        let permit = limiter.acquire().await;
        limiter.slow_down(permit, Some(Duration::from_hours(1)));
        let until = limiter.held_until().unwrap();
        assert!(until <= clock::monotonic() + Duration::from_secs(8), "no longer than retry.total");
    }

    #[tokio::test]
    async fn calls_that_were_under_way_together_slow_down_once_and_success_recovers() {
        let limiter = Limiter::new(rate(1000), RETRY_AFTER_MAX);
        let (one, two) = (limiter.acquire().await, limiter.acquire().await);
        limiter.slow_down(one, None);
        limiter.slow_down(two, None);
        assert!((limiter.brake().slowdown - 1.5).abs() < 1e-9);
        let three = limiter.acquire().await;
        limiter.slow_down(three, None);
        assert!((limiter.brake().slowdown - 2.25).abs() < 1e-9);
        assert_eq!(limiter.extra_wait(), limiter.interval.mul_f64(2.25));
        (0..1000).for_each(|_| limiter.recover());
        assert_eq!(limiter.extra_wait(), Duration::ZERO);
    }
}
