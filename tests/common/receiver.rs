//! A receiver of webhooks, which reacts as it is told.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;

/// What the receiver does with a call.
#[derive(Clone, Copy)]
pub enum Reaction {
    Answer(u16),
    Hang,
    RedirectToItself,
}

/// The path, the headers and the body of a call.
pub type Call = (String, HeaderMap, Bytes);

/// A notice that arrived.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: String,
    pub stage: String,
    pub owner: Option<String>,
    pub sent_at: Timestamp,
    pub machines: Vec<Value>,
    /// All of the body.
    pub body: Value,
}

impl Told {
    fn of(call: &Call) -> Self {
        let body: Value = serde_json::from_slice(&call.2).unwrap();
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        Self {
            id: text("id").unwrap(),
            stage: text("stage").unwrap(),
            owner: text("owner"),
            sent_at: text("sent_at").unwrap().parse().unwrap(),
            machines: body["machines"].as_array().unwrap().clone(),
            body,
        }
    }

    /// The ids of its machines, in order.
    pub fn ids(&self) -> Vec<String> {
        let id = |machine: &Value| machine["instance_id"].as_str().unwrap().to_owned();
        let mut ids: Vec<_> = self.machines.iter().map(id).collect();
        ids.sort_unstable();
        ids
    }
}

/// A receiver, which reacts in turn as it was told, and then with 200 or what it was told to answer always.
#[derive(Clone)]
pub struct Receiver {
    reactions: Arc<Mutex<Vec<Reaction>>>,
    always: Arc<Mutex<u16>>,
    calls: Arc<Mutex<Vec<Call>>>,
    accepted: Arc<Mutex<Vec<Call>>>,
    pub origin: String,
}

impl Receiver {
    pub async fn start(reactions: &[Reaction]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            reactions: Arc::new(Mutex::new(reactions.iter().copied().rev().collect())),
            always: Arc::new(Mutex::new(200)),
            calls: Arc::default(),
            accepted: Arc::default(),
            origin: format!("http://{}", listener.local_addr().unwrap()),
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers every call with this status from now on.
    pub fn answer(&self, status: u16) {
        *self.always.lock().unwrap() = status;
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// What arrived and was taken, of one stage.
    pub fn told(&self, stage: &str) -> Vec<Told> {
        let taken = self.accepted.lock().unwrap().clone();
        taken.iter().map(Told::of).filter(|told| told.stage == stage).collect()
    }

    /// How many notices of each stage were taken: `2 noticed, 1 withdrawn`.
    pub fn count(&self) -> String {
        let counts = ["noticed", "withdrawn", "terminated", "failed", "guard_refused"]
            .into_iter()
            .map(|stage| (self.told(stage).len(), stage));
        let counts: Vec<_> = counts
            .filter(|(count, _)| *count > 0)
            .map(|(count, stage)| format!("{count} {stage}"))
            .collect();
        counts.join(", ")
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = (uri.path().to_owned(), headers, body);
    receiver.calls.lock().unwrap().push(call.clone());
    let always = Reaction::Answer(*receiver.always.lock().unwrap());
    let reaction = receiver.reactions.lock().unwrap().pop().unwrap_or(always);
    match reaction {
        Reaction::Answer(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            if status.is_success() {
                receiver.accepted.lock().unwrap().push(call);
            }
            status.into_response()
        }
        Reaction::Hang => std::future::pending().await,
        Reaction::RedirectToItself => {
            (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/elsewhere")]).into_response()
        }
    }
}
