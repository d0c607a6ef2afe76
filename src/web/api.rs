//! The API: what the page shows, as JSON for programs. `openapi.json` describes it, and a test holds every answer against that.

mod parameters;
mod status;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
    time::timeout,
};

use self::{
    parameters::{HistoryAsked, WrongParameter},
    status::Status,
};
use super::Served;
use crate::{
    board::{Scene, State as BoardState},
    clock, journal,
    view::{self, forecast::Report, history::Row, plan::draft},
};

/// What describes the API.
const OPENAPI: &str = include_str!("openapi.json");

/// Answers that take work are made so many at a time, the journal is read by so many, and others wait for their turn no longer than that.
/// Who goes away leaves the work behind, so a turn lasts as long as the work and not as long as its reader.
static WORKERS: Semaphore = Semaphore::const_new(1);
static JOURNAL_READERS: Semaphore = Semaphore::const_new(1);
const TURN_MAX: Duration = Duration::from_secs(5);

/// The routes, all below `/api/v1`.
pub(super) fn routes() -> Router<Served> {
    Router::new()
        .route("/api/v1/status", get(status))
        .route("/api/v1/plan", get(plan))
        .route("/api/v1/history", get(history))
        .route("/api/v1/forecast", get(forecast))
        .route("/api/v1/openapi.json", get(async || json(OPENAPI.as_bytes().to_vec())))
        .route("/api/{*rest}", get(async || Failure::NotFound))
}

/// Why there is no answer.
#[derive(Debug)]
enum Failure {
    NotFound,
    Parameter(WrongParameter),
    NotYet,
    Busy,
    Journal(String),
}

#[derive(Serialize)]
struct FailureJson {
    error: FailureBody,
}

#[derive(Serialize)]
struct FailureBody {
    code: &'static str,
    message: String,
    parameter: Option<String>,
    expected: Option<&'static str>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let (status, code, message, wrong) = match self {
            Self::NotFound => {
                let message = "there is nothing here; see /api/v1/openapi.json".to_owned();
                (StatusCode::NOT_FOUND, "not_found", message, None)
            }
            Self::Parameter(wrong) => {
                (StatusCode::BAD_REQUEST, "wrong_parameter", wrong.to_string(), Some(wrong))
            }
            Self::NotYet => {
                let message = "there was no run yet; ask again after the first".to_owned();
                (unavailable, "not_yet", message, None)
            }
            Self::Busy => (unavailable, "busy", "other answers are being made".to_owned(), None),
            Self::Journal(why) => (unavailable, "journal_failed", why, None),
        };
        let (parameter, expected) = match wrong {
            Some(WrongParameter { name, expected }) => (Some(name), Some(expected)),
            None => (None, None),
        };
        let error = FailureBody { code, message, parameter, expected };
        let mut response = (status, Json(FailureJson { error })).into_response();
        if status == unavailable {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<WrongParameter> for Failure {
    fn from(wrong: WrongParameter) -> Self {
        Self::Parameter(wrong)
    }
}

impl From<journal::Error> for Failure {
    fn from(error: journal::Error) -> Self {
        Self::Journal(error.to_string())
    }
}

fn json(text: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

async fn turn(of: &'static Semaphore) -> Result<SemaphorePermit<'static>, Failure> {
    let turn = timeout(TURN_MAX, of.acquire()).await;
    turn.map_err(|_| Failure::Busy)?.map_err(|_| Failure::Busy)
}

/// An answer that takes work, which is done where nothing waits for it.
async fn worked<T: Send + 'static>(
    with: T,
    work: impl FnOnce(T, &mut Vec<u8>) -> std::io::Result<()> + Send + 'static,
) -> Result<Response, Failure> {
    let turn = turn(&WORKERS).await?;
    let made = spawn_blocking(move || {
        let mut text = Vec::new();
        let done = work(with, &mut text).map(|()| text);
        drop(turn);
        done
    });
    // To write to memory does not fail.
    Ok(json(made.await.ok().and_then(Result::ok).ok_or(Failure::Busy)?))
}

async fn status(
    State(served): State<Served>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    parameters::none(query.as_deref())?;
    let Served { health, board, .. } = served;
    let state = board.state();
    let (scene, ready) = (board.scene(), health.ready());
    let status = Status::of(&state, scene.as_deref(), &ready, clock::now());
    let mut text = Vec::new();
    view::json(&status, &mut text).map_err(|_| Failure::Busy)?;
    Ok(json(text))
}

fn scene(served: &Served) -> Result<Arc<Scene>, Failure> {
    served.board.scene().ok_or(Failure::NotYet)
}

async fn plan(
    State(served): State<Served>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    parameters::none(query.as_deref())?;
    let with = (scene(&served)?, served.board.state());
    worked(with, |(scene, state): (Arc<Scene>, BoardState), out| {
        let mut report = draft(&scene.view, scene.at);
        for account in &mut report.accounts {
            // The plan is that of the last run, and without a listing that has none.
            let unlisted = state.accounts.get(account.account);
            if let Some(unlisted) = unlisted.and_then(|account| account.unlisted.as_ref()) {
                account.drafted = Err(unlisted);
            }
        }
        view::json(&report, out)
    })
    .await
}

async fn forecast(
    State(served): State<Served>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let days = parameters::days(query.as_deref())?;
    let with = scene(&served)?;
    worked(with, move |scene: Arc<Scene>, out| {
        view::json(&Report::of(&scene.view, scene.at, days), out)
    })
    .await
}

async fn history(
    State(served): State<Served>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let now = clock::now();
    let HistoryAsked { limit, filter } = parameters::history(query.as_deref(), now)?;
    let journal = served.board.journal().ok_or(Failure::NotYet)?;
    // On its own, since a reader that goes away is not to break off what the journal is at.
    let turn = turn(&JOURNAL_READERS).await?;
    let reading = tokio::spawn(async move {
        let read = journal.history(&filter).await;
        drop(turn);
        read
    });
    let mut entries = reading.await.map_err(|_| Failure::Busy)??;
    // The newest count, and stand last.
    let entries = entries.split_off(entries.len().saturating_sub(limit));
    let rows: Vec<_> = entries.into_iter().map(|entry| Row::of(entry, now)).collect();
    let mut text = Vec::new();
    view::json(&rows, &mut text).map_err(|_| Failure::Busy)?;
    Ok(json(text))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_turn() {
        let (end, ended) = mpsc::channel::<()>();
        let long = worked((), move |(), _| {
            ended.recv().unwrap_err();
            Ok(())
        });
        assert!(timeout(Duration::from_millis(20), long).await.is_err(), "its reader goes away");
        assert_eq!(WORKERS.available_permits(), 0);
        drop(end);
        assert!(worked((), |(), _| Ok(())).await.is_ok());
    }
}
