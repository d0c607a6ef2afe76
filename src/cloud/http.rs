//! The client: signed requests at a bounded pace, one attempt at a time.
//!
//! A call to terminate or to release is one attempt: whether there is another one is for the executor to decide, which looks
//! again before each. A call that only reads is tried again here.

use std::{sync::Arc, time::Duration};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    Action, Class, Code, Credentials, Error, Observation, Observer, Settings,
    answer::{auth_hint, clock_skew, envelope, failure, no_answer, read_body},
    limiter::{Limiter, Permit, turn_max},
    retry::{Attempts, DELAY_MAX},
    saved::Entries,
    sign, wire,
};
use crate::{
    clock,
    inventory::{InstanceId, Interner, Page},
    lifetime::shorten,
};

/// The page size that we ask for, the largest that `DescribeInstances` takes.
pub const PAGE_SIZE: u64 = 1_000;

/// The most ids that `DescribeInstances` and `ReleaseInstances` take in one call.
pub const IDS_MAX: usize = 100;

/// How long it may take to connect; the timeout of a call bounds it too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";

/// That the API took an order. The change shows later in the inventory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// The request's id, which Zenlayer's support asks for.
    pub request_id: Option<String>,
}

/// A client for one account. Once `stop` is cancelled, no call is sent any more; calls under way are finished.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    observer: Observer,
    stop: CancellationToken,
}

/// What all clients of an account share, above all its limiters.
struct Shared {
    http: reqwest::Client,
    settings: Settings,
    credentials: Credentials,
    describe: Limiter,
    terminate: Limiter,
    release: Limiter,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.shared.settings.endpoint)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the account whose credentials these are.
    pub fn new(settings: Settings, credentials: Credentials) -> Result<Self, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("zenreaper/", env!("CARGO_PKG_VERSION")))
            // A signature holds for one host only, and a redirect from an API is a sign of something in between.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout))
            .timeout(settings.timeout);
        if settings.endpoint.loopback {
            builder = builder.no_proxy();
        }
        let shared = Shared {
            http: builder.build()?,
            describe: Limiter::new(settings.describe_rate, settings.retry.total),
            terminate: Limiter::new(settings.terminate_rate, settings.retry.total),
            release: Limiter::new(settings.terminate_rate, settings.retry.total),
            settings,
            credentials,
        };
        Ok(Self {
            shared: Arc::new(shared),
            observer: Arc::new(|_| {}),
            stop: CancellationToken::new(),
        })
    }

    /// The same client, telling `observer` what happens.
    #[must_use]
    pub fn observed_by(&self, observer: Observer) -> Self {
        Self { observer, ..self.clone() }
    }

    /// The same client, which sends nothing any more once `stop` is cancelled.
    #[must_use]
    pub fn until(&self, stop: CancellationToken) -> Self {
        Self { stop, ..self.clone() }
    }

    /// A page of `DescribeInstances`, from 1; texts that many instances share are kept in `interner`.
    pub async fn describe_page(
        &self,
        page_num: u64,
        interner: &mut Interner,
    ) -> Result<Page, Error> {
        let body = self.page(page_num).await?;
        self.read(&body, |response| wire::page(response, interner))
    }

    /// The same, and its entries as they came are added to `entries`.
    pub(super) async fn describe_page_to_save(
        &self,
        page_num: u64,
        interner: &mut Interner,
        entries: &mut Entries,
    ) -> Result<Page, Error> {
        let body = self.page(page_num).await?;
        self.read(&body, |response| wire::page_to_save(response, interner, entries))
    }

    async fn page(&self, page_num: u64) -> Result<Vec<u8>, Error> {
        self.describe(&wire::DescribePage { page_num, page_size: PAGE_SIZE }).await
    }

    /// What `DescribeInstances` tells of at most [`IDS_MAX`] instances, in its own words too; those that are gone are missing.
    pub async fn describe_ids(&self, ids: &[&InstanceId]) -> Result<wire::Looked, Error> {
        let request = wire::DescribeIds { instance_ids: ids, page_size: PAGE_SIZE };
        let body = self.describe(&request).await?;
        self.read(&body, wire::look)
    }

    /// Waits for the right to make one attempt; an error only if the client is told to stop.
    pub async fn permit(&self, action: Action) -> Result<Permit, Error> {
        let asked = clock::monotonic();
        let permit = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(Error::stopped(action)),
            permit = self.limiter(action).acquire() => permit,
        };
        (self.observer)(&Observation::Waited { action, waited: asked.elapsed() });
        Ok(permit)
    }

    /// Waits before a further attempt, and for the right to make it; `None` if the client is told to stop, or the attempts have
    /// no time left.
    pub async fn permit_again(
        &self,
        action: Action,
        delay: Duration,
        deadline: Instant,
    ) -> Option<Permit> {
        self.pause(delay).await;
        let permit = timeout_at(deadline, self.permit(action)).await.ok()?.ok()?;
        (self.observer)(&Observation::Retried { action });
        Some(permit)
    }

    /// The attempts that one call has, from now on.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        Attempts::new(&self.shared.settings.retry, clock::monotonic())
    }

    /// Orders `TerminateInstance`, in one attempt.
    pub async fn terminate(&self, id: &InstanceId, permit: Permit) -> Result<Accepted, Error> {
        let request = wire::Terminate { instance_id: id };
        let body = self.attempt(Action::Terminate, &request, permit).await?;
        Ok(accepted(&body, &self.shared.credentials))
    }

    /// Orders `ReleaseInstances` for at most [`IDS_MAX`] instances of the recycle bin, in one attempt. It cannot be undone.
    pub async fn release(&self, ids: &[&InstanceId], permit: Permit) -> Result<Accepted, Error> {
        let request = wire::Release { instance_ids: ids };
        let body = self.attempt(Action::Release, &request, permit).await?;
        Ok(accepted(&body, &self.shared.credentials))
    }

    /// Whether another client sees the same machines, as far as that can be told beforehand.
    #[must_use]
    pub fn sees_the_same(&self, other: &Self) -> bool {
        let (own, other) = (&*self.shared, &*other.shared);
        own.settings.endpoint.url == other.settings.endpoint.url
            && own.credentials.are_same(&other.credentials)
    }

    /// The time between two calls to terminate, at the configured pace.
    #[must_use]
    pub fn terminate_interval(&self) -> Duration {
        self.shared.settings.terminate_rate.interval()
    }

    /// How long it may take from one observation to the next: a wait for a turn, a pause before another try, and a call.
    #[must_use]
    pub fn quiet_max(&self) -> Duration {
        let Settings { describe_rate, terminate_rate, timeout, retry, .. } = &self.shared.settings;
        let turn = turn_max(*describe_rate).max(turn_max(*terminate_rate));
        // Jitter adds up to as much again; what an answer asks for ends before `retry.total`.
        turn + (DELAY_MAX * 2).max(retry.total) + *timeout
    }

    /// Reads the response of a `DescribeInstances` that succeeded.
    fn read<T>(
        &self,
        body: &[u8],
        read: impl FnOnce(&RawValue) -> Result<T, String>,
    ) -> Result<T, Error> {
        let told = envelope(body).and_then(|envelope| match envelope.response {
            Some(response) => read(response),
            None => Err("there is no response in it".to_owned()),
        });
        told.map_err(|problem| {
            let problem = self.shared.credentials.redact(&problem);
            let error = Error::new(Action::Describe, Code::MALFORMED_RESPONSE, Some(200), problem);
            self.observe_failure(&error);
            error
        })
    }

    /// Reads, attempt after attempt, until an answer comes or there is no attempt left; the body of its success.
    async fn describe<T: Serialize + Sync>(&self, request: &T) -> Result<Vec<u8>, Error> {
        let action = Action::Describe;
        let mut attempts = self.attempts();
        let mut permit = self.permit(action).await?;
        loop {
            let error = match self.attempt(action, request, permit).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let Some(delay) = attempts.next_delay(&error, clock::monotonic()) else {
                return Err(error);
            };
            permit = match self.permit_again(action, delay, attempts.deadline()).await {
                Some(permit) => permit,
                None if self.stop.is_cancelled() => return Err(Error::stopped(action)),
                None => return Err(error),
            };
        }
    }

    /// One attempt of a call; the body of its success.
    async fn attempt<T: Serialize + Sync>(
        &self,
        action: Action,
        request: &T,
        permit: Permit,
    ) -> Result<Vec<u8>, Error> {
        if self.stop.is_cancelled() {
            return Err(Error::stopped(action));
        }
        let body = serde_json::to_vec(request).map_err(|error| {
            Error::new(action, Code::MALFORMED_RESPONSE, None, error.to_string())
        })?;
        let sent = clock::monotonic();
        let result = self.exchange(action, &body).await;
        let status = match &result {
            Ok(_) => Some(200),
            Err(error) => error.status,
        };
        (self.observer)(&Observation::Answered { action, status, elapsed: sent.elapsed() });
        match &result {
            Ok(_) => self.limiter(action).recover(),
            Err(error) => {
                self.observe_failure(error);
                if error.class == Class::Throttled {
                    self.limiter(action).slow_down(permit, error.retry_after);
                }
            }
        }
        result
    }

    async fn exchange(&self, action: Action, body: &[u8]) -> Result<Vec<u8>, Error> {
        let timestamp = clock::now().as_second();
        let request = self.request(action, body, timestamp);
        let response = request.send().await.map_err(|error| no_answer(action, &error))?;
        let received = clock::now().as_second();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read_body(action, response).await?;
        if let Some(error) = failure(action, status, &headers, &body) {
            return Err(self.explained(error, &headers, timestamp));
        }
        // What is decided is decided by a look, so a look under a wrong clock is not believed. An order that was taken has taken
        // effect whatever the clocks say: to call it failed would be a lie.
        let skew = match action {
            Action::Describe => clock_skew(action, &headers, received),
            Action::Terminate | Action::Release => None,
        };
        match skew {
            None => Ok(body),
            Some(error) => Err(self.explained(error, &headers, received)),
        }
    }

    fn request(&self, action: Action, body: &[u8], timestamp: i64) -> reqwest::RequestBuilder {
        let Shared { http, settings, credentials, .. } = &*self.shared;
        let request = http
            .post(settings.endpoint.url.clone())
            .header(CONTENT_TYPE, JSON)
            .header("X-ZC-Service", "bmc")
            .header("X-ZC-Action", action.as_str())
            .header("X-ZC-Version", &settings.api_version)
            .header("X-ZC-Timestamp", timestamp)
            .body(body.to_vec());
        match credentials {
            Credentials::Token(token) => request.bearer_auth(token.expose_secret()),
            Credentials::KeyPair { access_key_id, access_key_secret } => {
                let host = &settings.endpoint.host;
                let signed = sign::Request { content_type: JSON, host, timestamp, body };
                let secret = access_key_secret.expose_secret();
                request
                    .header("X-ZC-Signature-Method", sign::METHOD)
                    .header(AUTHORIZATION, sign::authorization(&signed, access_key_id, secret))
            }
        }
    }

    /// Adds what a person can do about it, and takes out what nobody should read; `ours` is what our clock said.
    fn explained(&self, error: Error, headers: &HeaderMap, ours: i64) -> Error {
        let mut error = error.redacted(&self.shared.credentials);
        if error.class == Class::Auth {
            error.message += &auth_hint(&error.code, headers, ours);
        }
        error
    }

    fn limiter(&self, action: Action) -> &Limiter {
        match action {
            Action::Describe => &self.shared.describe,
            Action::Terminate => &self.shared.terminate,
            Action::Release => &self.shared.release,
        }
    }

    /// Pauses, unless we are told to stop; then the next call is refused before it is sent.
    pub(super) async fn pause(&self, delay: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(delay) => {}
        }
    }

    fn observe_failure(&self, error: &Error) {
        (self.observer)(&Observation::Failed { action: error.action, code: error.code.clone() });
    }
}

impl Credentials {
    fn are_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::KeyPair { access_key_id: own, .. }, Self::KeyPair { access_key_id, .. }) => {
                own == access_key_id
            }
            (Self::Token(own), Self::Token(token)) => own.expose_secret() == token.expose_secret(),
            (Self::KeyPair { .. }, Self::Token(_)) | (Self::Token(_), Self::KeyPair { .. }) => {
                false
            }
        }
    }
}

fn accepted(body: &[u8], credentials: &Credentials) -> Accepted {
    let request_id = envelope(body).ok().and_then(|envelope| envelope.request_id);
    Accepted { request_id: request_id.map(|id| credentials.redact(&shorten(&id))) }
}
