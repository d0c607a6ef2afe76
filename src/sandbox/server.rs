//! The sandbox over real HTTP/1.1 with keep-alive.
//!
//! It drives hyper itself, under axum, because a lost answer must be possible: a connection that
//! is dropped in the middle of a call, which a router has no way to say.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures::TryStreamExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Answer;
use super::order::{BODY_BYTES_MAX, Received};
use super::simulation::{Fate, Simulation};
use crate::clock;

/// Connections beyond this many wait to be accepted. Each takes a descriptor of the usual 1024.
const CONNECTIONS_MAX: usize = 512;
/// How long a client may take to send the head, or the body, of a request.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait when no connection can be accepted, as when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A call whose connection is to be dropped without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the call is dropped without an answer")]
struct Dropped;

/// Serves until told to stop; every connection is one of `tasks`.
pub(super) async fn serve(
    listener: TcpListener,
    simulation: Arc<Simulation>,
    tasks: TaskTracker,
    stopped: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting = async {
        while let Ok(place) = Arc::clone(&room).acquire_owned().await {
            let Ok((socket, _)) = listener.accept().await else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (simulation, stopped) = (Arc::clone(&simulation), stopped.clone());
            tasks.spawn(async move {
                let connection = serve_connection(socket, simulation);
                stopped.run_until_cancelled(connection).await;
                drop(place);
            });
        }
    };
    stopped.run_until_cancelled(accepting).await;
}

async fn serve_connection(socket: TcpStream, simulation: Arc<Simulation>) {
    // Small answers are not to wait for an acknowledgement. If it fails they do.
    socket.set_nodelay(true).ok();
    let service = service_fn(move |request| Box::pin(handle(Arc::clone(&simulation), request)));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service);
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    if ended.is_err_and(|error| is_drop(&error)) {
        // Closing with this set sends a reset, where the default is an orderly end.
        let socket = connection.into_parts().io.into_inner();
        socket.set_zero_linger().ok();
    }
}

fn is_drop(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    matches!(source, Some(source) if source.is::<Dropped>())
}

async fn handle(
    simulation: Arc<Simulation>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let received = receive(request).await?;
    let arrival = simulation.arrive(&received);
    sleep(arrival.latency).await;
    let answer = match arrival.fate {
        Fate::Perform(order) => simulation.perform(&received, &order, &arrival.ticket),
        Fate::End(answer) => answer,
    };
    arrival.ticket.settle(&answer);
    let now = server_time(arrival.skew_seconds);
    match answer {
        Answer::Whole(reply) => Ok(reply.into_response(now)),
        Answer::CutOff(reply) => Ok(reply.into_broken_response(now)),
        Answer::Reset => Err(Dropped),
        // Ends when the client goes away, which hyper watches for.
        Answer::Silence => std::future::pending().await,
    }
}

async fn receive(request: Request<Incoming>) -> Result<Received, Dropped> {
    let (head, body) = request.into_parts();
    let body = timeout(READ_TIMEOUT, read(body)).await;
    match body {
        Ok(Ok(body)) => Ok(Received::new(head, body)),
        Ok(Err(_)) | Err(_) => Err(Dropped),
    }
}

/// The whole body, or none if it is too large. The rest of a large one is read and thrown away:
/// a client that is still sending when the connection closes does not get to see the refusal.
async fn read(body: Incoming) -> Result<Option<Bytes>, axum::Error> {
    let mut stream = Body::new(body).into_data_stream();
    let mut whole = Some(Vec::new());
    while let Some(chunk) = stream.try_next().await? {
        whole = whole.filter(|whole| whole.len() + chunk.len() <= BODY_BYTES_MAX);
        if let Some(whole) = &mut whole {
            whole.extend_from_slice(&chunk);
        }
    }
    Ok(whole.map(Bytes::from))
}

/// The true time, but for a fault: neither dates nor signatures follow the sandbox's speed.
fn server_time(skew_seconds: i64) -> Timestamp {
    let skew = SignedDuration::from_secs(skew_seconds);
    clock::now().saturating_add(skew).unwrap_or_default()
}
