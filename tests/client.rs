//! The client by itself, against the sandbox and against servers that are odder than it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, routing::post, serve::ListenerExt};
use tokio::net::TcpListener;
use zenreaper::{
    cloud::{self, Class, Client, Credentials, Endpoint, Observation, Rate, Retry, Settings},
    inventory::InstanceId,
    sandbox::{self, Action, Machine, Options, Sandbox},
};

fn client(endpoint: &str, credentials: Credentials) -> Client {
    let fast = Rate::per_second(NonZeroU32::new(1000).unwrap());
    let settings = Settings {
        endpoint: Endpoint::parse(endpoint).unwrap(),
        api_version: "2022-11-20".to_owned(),
        describe_rate: fast,
        terminate_rate: fast,
        timeout: Duration::from_secs(5),
        retry: Retry {
            attempts: 3,
            first_delay: Duration::from_millis(5),
            total: Duration::from_secs(10),
        },
    };
    Client::new(settings, credentials).unwrap()
}

fn key() -> Credentials {
    Credentials::KeyPair {
        access_key_id: sandbox::ACCESS_KEY_ID.to_owned(),
        access_key_secret: sandbox::ACCESS_KEY_SECRET.into(),
    }
}

async fn sandbox_with(machines: Vec<Machine>) -> Sandbox {
    Sandbox::start(Options { machines, ..Options::default() }).await.unwrap()
}

fn ids(count: usize) -> Vec<InstanceId> {
    (0..count).map(|n| InstanceId::new(&format!("i-{n:04}"))).collect()
}

fn fleet(count: usize) -> Vec<Machine> {
    ids(count).iter().map(|id| Machine::new(id.as_str())).collect()
}

#[tokio::test]
async fn a_listing_of_many_pages_is_whole_and_in_order() {
    let sandbox = sandbox_with(fleet(2345)).await;
    let seen = Mutex::new(Vec::new());
    let progress = |read, total| seen.lock().unwrap().push((read, total));
    let inventory = cloud::list(&client(&sandbox.endpoint(), key()), &progress).await.unwrap();
    let listed: Vec<_> = inventory.instances().iter().map(|one| one.id.clone()).collect();
    assert_eq!(listed, ids(2345));
    assert_eq!(*seen.lock().unwrap(), [(1000, 2345), (2000, 2345), (2345, 2345)]);
}

#[tokio::test]
async fn instances_are_read_by_id_and_those_that_are_gone_are_missing() {
    let machines = fleet(3).into_iter().map(|one| one.with("bandwidthOutMbps", 100)).collect();
    let sandbox = sandbox_with(machines).await;
    let client = client(&sandbox.endpoint(), Credentials::Token(sandbox::TOKEN.into()));
    let asked = [InstanceId::new("i-0002"), InstanceId::new("nope"), InstanceId::new("i-0000")];
    let looked = client.describe_ids(&asked.each_ref()).await.unwrap();
    let told: Vec<_> = looked.page.instances.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(told, ["i-0000", "i-0002"]);
    assert_eq!(looked.records.len(), 2);
    let record: serde_json::Value = serde_json::from_str(&looked.records[&asked[0]]).unwrap();
    assert_eq!(record["instanceId"], "i-0002");
    assert!(record["bandwidthOutMbps"] == 100, "also what we do not read: {record}");
}

#[tokio::test]
async fn a_machine_is_terminated_then_released() {
    let sandbox = sandbox_with(fleet(2)).await;
    let client = client(&sandbox.endpoint(), key());
    let ids = ids(2);
    let permit = client.permit(cloud::Action::Release).await.unwrap();
    let early = client.release(&[&ids[0]], permit).await.unwrap_err();
    assert_eq!(early.code.as_str(), "OPERATION_DENIED_INSTANCE_NOT_RECYCLED");
    assert_eq!(early.class, Class::Refused);
    for id in &ids {
        let permit = client.permit(cloud::Action::Terminate).await.unwrap();
        let accepted = client.terminate(id, permit).await.unwrap();
        assert!(accepted.request_id.is_some());
        assert_eq!(sandbox.machine(id.as_str()).unwrap().status(), Some("RECYCLE"));
    }
    let permit = client.permit(cloud::Action::Release).await.unwrap();
    client.release(&ids.iter().collect::<Vec<_>>(), permit).await.unwrap();
    assert!(sandbox.machines().is_empty());
}

#[tokio::test]
async fn a_call_is_tried_again_and_the_tries_are_bounded() {
    let sandbox = sandbox_with(fleet(1)).await;
    sandbox.inject("error=INTERNAL_SERVER_ERROR,status=500".parse().unwrap());
    let retried = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&retried);
    let client = client(&sandbox.endpoint(), key()).observed_by(Arc::new(move |seen| {
        if matches!(seen, Observation::Retried { .. }) {
            counting.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let error = client.describe_ids(&[&ids(1)[0]]).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (Class::Transient, true));
    assert_eq!((sandbox.calls().len(), retried.load(Ordering::Relaxed)), (3, 2));
}

#[tokio::test]
async fn an_answer_that_only_asks_to_slow_down_uses_up_no_try() {
    let sandbox = sandbox_with(fleet(1)).await;
    sandbox.inject("too-many=0,times=4".parse().unwrap());
    client(&sandbox.endpoint(), key()).describe_ids(&[&ids(1)[0]]).await.unwrap();
    assert_eq!(sandbox.calls().len(), 5, "more than the three tries that there are");
}

#[tokio::test]
async fn a_call_that_orders_is_one_attempt() {
    for fault in ["error=INTERNAL_SERVER_ERROR,status=500", "reset", "too-many=0"] {
        let sandbox = sandbox_with(fleet(1)).await;
        sandbox.inject(fault.parse().unwrap());
        let client = client(&sandbox.endpoint(), key());
        let permit = client.permit(cloud::Action::Terminate).await.unwrap();
        client.terminate(&ids(1)[0], permit).await.unwrap_err();
        let permit = client.permit(cloud::Action::Release).await.unwrap();
        client.release(&[&ids(1)[0]], permit).await.unwrap_err();
        assert_eq!(sandbox.calls().len(), 2, "{fault}");
    }
}

#[tokio::test]
async fn a_further_attempt_waits_and_ends_with_its_time() {
    let sandbox = sandbox_with(fleet(1)).await;
    let retried = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&retried);
    let client = client(&sandbox.endpoint(), key()).observed_by(Arc::new(move |seen| {
        if matches!(seen, Observation::Retried { .. }) {
            counting.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let (delay, action) = (Duration::from_millis(30), cloud::Action::Terminate);
    let start = tokio::time::Instant::now();
    let deadline = start + Duration::from_secs(5);
    assert!(client.permit_again(action, delay, deadline).await.is_some());
    assert!(start.elapsed() >= delay);
    assert!(client.permit_again(action, delay, start).await.is_none(), "its time is over");
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    assert!(client.until(stop).permit_again(action, delay, deadline).await.is_none());
    assert_eq!(retried.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_cancelled_client_sends_nothing_any_more() {
    let sandbox = sandbox_with(fleet(1)).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let client = client(&sandbox.endpoint(), key()).until(stop.clone());
    let permit = client.permit(cloud::Action::Terminate).await.unwrap();
    stop.cancel();
    let refused = client.permit(cloud::Action::Terminate).await.unwrap_err();
    assert_eq!(refused.class, Class::Stopped);
    assert_eq!(client.describe_ids(&[]).await.unwrap_err().class, Class::Stopped);
    assert_eq!(client.terminate(&ids(1)[0], permit).await.unwrap_err().class, Class::Stopped);
    assert!(sandbox.calls().is_empty());
}

#[tokio::test]
async fn nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&endpoint, key()).describe_ids(&[]).await.unwrap_err();
    assert_eq!(error.code.as_str(), "CONNECT_FAILED");
    assert!(error.message.starts_with("no way to 127.0.0.1: "), "{error}");
    assert_eq!(error.class, Class::NoAnswer);
}

const EMPTY: &str = r#"{"requestId":"r","response":{"requestId":"r","totalCount":0,"dataSet":[]}}"#;

#[tokio::test]
async fn connections_are_reused() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&connections);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let listener = listener.tap_io(move |_| {
        counting.fetch_add(1, Ordering::Relaxed);
    });
    let router = Router::new().route("/api/v2/bmc", post(async || EMPTY));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = client(&endpoint, key());
    for _ in 0..20 {
        client.describe_ids(&[]).await.unwrap();
    }
    assert!(connections.load(Ordering::Relaxed) <= 2, "{connections:?} connections for 20 calls");
    server.abort();
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let endless = async || "x".repeat(33 << 20);
    let router = Router::new().route("/api/v2/bmc", post(endless));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let error = client(&endpoint, key()).describe_ids(&[]).await.unwrap_err();
    assert_eq!(error.code.as_str(), "MALFORMED_RESPONSE");
    assert!(error.message.contains("larger than"), "{}", error.message);
    server.abort();
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_our_signature() {
    let sandbox = sandbox_with(fleet(1)).await;
    let elsewhere = format!("{}/api/v2/bmc", sandbox.endpoint());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let redirect = async move || axum::response::Redirect::temporary(&elsewhere);
    let router = Router::new().route("/api/v2/bmc", post(redirect));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let error = client(&endpoint, key()).describe_ids(&[]).await.unwrap_err();
    assert_eq!(error.code.as_str(), "HTTP_307");
    assert!(sandbox.calls().is_empty());
    server.abort();
}

#[tokio::test]
async fn a_listing_of_ids_takes_one_call_for_a_hundred() {
    let sandbox = sandbox_with(fleet(120)).await;
    let ids = ids(120);
    let hundred: Vec<_> = ids.iter().take(cloud::IDS_MAX).collect();
    let looked = client(&sandbox.endpoint(), key()).describe_ids(&hundred).await.unwrap();
    assert_eq!(looked.page.instances.len(), 100);
    let calls = sandbox.calls();
    assert_eq!((calls.len(), calls[0].action), (1, Some(Action::DescribeInstances)));
}
