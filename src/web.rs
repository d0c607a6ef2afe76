//! What the daemon serves: the status page and its API, `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever watches
//! over it. Read only: it shows what the board knows, and nothing here acts.

mod api;
mod door;
mod listen;
mod page;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tokio::{
    net::TcpListener,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

pub use self::door::Door;
use crate::{
    board::Board,
    clock,
    health::{Health, Pulse},
    metrics::Metrics,
};

/// How long an answer may take to be made.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What is served.
#[derive(Clone, Debug)]
pub struct Served {
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The health.
    pub health: Arc<Health>,
    /// Whether the work goes on.
    pub pulse: Arc<Pulse>,
    /// What there is to be seen.
    pub board: Arc<Board>,
    /// Who may see it.
    pub door: Arc<Door>,
}

/// Serves until `stop` is cancelled.
pub async fn serve(listener: TcpListener, served: Served, stop: CancellationToken) {
    let door = middleware::from_fn_with_state(Arc::clone(&served.door), door::keep);
    let behind_the_door =
        Router::new().route("/", get(page)).merge(api::routes()).fallback(nowhere).layer(door);
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .merge(behind_the_door)
        .layer(middleware::from_fn(in_time))
        .with_state(served);
    listen::serve(listener, router, stop).await;
}

async fn in_time(request: Request, next: Next) -> Response {
    match timeout(ANSWER_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "it takes too long\n").into_response(),
    }
}

async fn page(State(served): State<Served>) -> Html<String> {
    let Served { metrics: _, health, pulse: _, board, door: _ } = served;
    let now = clock::now();
    let shown = page::Shown {
        now,
        state: board.state(),
        ready: health.ready(),
        scene: board.scene(),
        glance: board.glance(now).await,
    };
    Html(page::render(&shown).into_string())
}

async fn nowhere() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "there is nothing here; the status page is at /\n")
}

async fn metrics(State(served): State<Served>) -> Response {
    served.metrics.ready(served.health.ready().is_ok());
    match served.metrics.render() {
        Ok(page) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn healthz(State(served): State<Served>) -> (StatusCode, String) {
    alive(&served.pulse, clock::monotonic())
}

/// Whether the work goes on at `now`: whoever is told that it does not should restart us.
fn alive(pulse: &Pulse, now: Instant) -> (StatusCode, String) {
    match pulse.stuck(now) {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(quiet) => {
            let seconds = quiet.as_secs();
            (StatusCode::SERVICE_UNAVAILABLE, format!("stuck: nothing was done for {seconds} s\n"))
        }
    }
}

async fn readyz(State(served): State<Served>) -> (StatusCode, String) {
    match served.health.ready() {
        Ok(text) => (StatusCode::OK, text),
        Err(text) => (StatusCode::SERVICE_UNAVAILABLE, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_alive_until_it_is_stuck() {
        let (start, minute) = (clock::monotonic(), Duration::from_mins(1));
        let pulse = Pulse::new(minute, start);
        assert_eq!(alive(&pulse, start), (StatusCode::OK, "ok\n".to_owned()));
        let (status, why) = alive(&pulse, start + 2 * minute);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(why, "stuck: nothing was done for 120 s\n");
    }
}
