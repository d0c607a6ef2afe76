//! Connections, each bounded in what it may send, in how long it may take, and in their number.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections beyond this many wait to be accepted: more than a few people and a Prometheus need.
const CONNECTIONS_MAX: usize = 64;

/// How long a reader may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest head of a request, in bytes and in headers.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

/// How long a connection is kept for more requests, and how long what is under way then may take to end.
const CONNECTION_MAX: Duration = Duration::from_mins(1);
const END_MAX: Duration = Duration::from_secs(10);

/// How long to wait when no connection can be accepted, as when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` is cancelled and every reader has what was under way.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let (room, tasks) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), TaskTracker::new());
    let accepting = async {
        while let Ok(place) = Arc::clone(&room).acquire_owned().await {
            let Ok((socket, _)) = listener.accept().await else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (router, stop) = (router.clone(), stop.clone());
            tasks.spawn(async move {
                connection(socket, router, stop).await;
                drop(place);
            });
        }
    };
    stop.run_until_cancelled(accepting).await;
    tasks.close();
    tasks.wait().await;
}

async fn connection(socket: TcpStream, router: Router, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A reader that breaks off is no concern of ours.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
        () = sleep(CONNECTION_MAX) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(timeout(END_MAX, connection).await);
}
