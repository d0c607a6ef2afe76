//! The faults as a real HTTP client meets them.

use std::{io, time::Duration};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{status_of, with_fault};
use crate::clock;
use crate::sandbox::TOKEN;

#[tokio::test]
async fn faults_that_answer_are_seen_and_nothing_happens() {
    for (fault, status, expected) in [
        ("error=INTERNAL_SERVER_ERROR", 500, r#""code":"INTERNAL_SERVER_ERROR""#),
        ("error=NOVEL,status=418", 418, r#""code":"NOVEL""#),
        ("too-many", 429, r#""code":"REQUEST_LIMIT_EXCEEDED""#),
        ("challenge", 403, "<html>"),
        ("blocked", 451, "<html>"),
        ("not-json", 200, "<html>"),
    ] {
        let (sandbox, client) = with_fault(&format!("{fault},times=1")).await;
        let answered = client.terminate("i-1").await.unwrap();
        assert_eq!(answered.status, status, "{fault}");
        assert!(answered.text.contains(expected), "{fault}: {}", answered.text);
        let is_challenge = answered.headers.get("cf-mitigated").is_some();
        assert_eq!(is_challenge, fault == "challenge");
        assert_eq!(status_of(&sandbox, "i-1"), "RUNNING", "{fault}");
        assert_eq!(sandbox.calls()[0].status, Some(status));
        assert_eq!(client.terminate("i-1").await.unwrap().code(), "OK", "{fault}");
    }
}

#[tokio::test]
async fn a_429_says_when_to_come_back_if_told_to() {
    let (_sandbox, client) = with_fault("too-many=7").await;
    let answered = client.list().await.unwrap();
    assert_eq!(answered.headers.get("retry-after").unwrap(), "7");
}

#[tokio::test]
async fn dropped_calls_are_lost_before_or_after_their_effect() {
    for (fault, after, is_timeout) in [
        ("reset", "RUNNING", false),
        ("reset-after-effect", "RECYCLE", false),
        ("hang", "RUNNING", true),
        ("hang-after-effect", "RECYCLE", true),
    ] {
        let (sandbox, client) = with_fault(&format!("{fault},times=1")).await;
        let error = client.terminate("i-1").await.map(|a| a.status).unwrap_err();
        assert_eq!(error.is_timeout(), is_timeout, "{fault}: {error:?}");
        assert!(!error.is_connect(), "{fault}: the call was sent");
        assert_eq!(status_of(&sandbox, "i-1"), after, "{fault}");
        assert_eq!(sandbox.calls()[0].status, None, "{fault}");
        let next = client.list().await.unwrap();
        assert_eq!(next.code(), "OK", "{fault}");
        assert_eq!(sandbox.calls()[1].in_flight, 1, "{fault}: it is no longer in flight");
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_on_the_wire() {
    let (sandbox, _) = with_fault("reset").await;
    let mut socket = TcpStream::connect(sandbox.endpoint().replace("http://", "")).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let error = socket.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_half_there() {
    let (sandbox, client) = with_fault("cut-off,times=1").await;
    let error = client.list().await.map(|a| a.text).unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(sandbox.calls()[0].status, Some(200));

    let (sandbox, _) = with_fault("cut-off").await;
    let mut socket = TcpStream::connect(sandbox.endpoint().replace("http://", "")).await.unwrap();
    let request = format!(
        "POST /api/v2/bmc HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\nx-zc-action: DescribeInstances\r\nx-zc-version: 2022-11-20\r\ncontent-length: 0\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, half) = answer.split_once("\r\n\r\n").unwrap();
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let promised: usize = promised.unwrap().parse().unwrap();
    assert_eq!(half.len(), promised / 2, "{answer}");
}

#[tokio::test]
async fn latency_delays_and_does_no_more() {
    let (sandbox, client) = with_fault("latency=150ms,action=TerminateInstance").await;
    let before = clock::monotonic();
    assert_eq!(client.terminate("i-1").await.unwrap().code(), "OK");
    assert!(before.elapsed() >= Duration::from_millis(150));
    assert_eq!(status_of(&sandbox, "i-1"), "RECYCLE");
}

#[tokio::test]
async fn listings_lie_on_demand() {
    for (fault, total, ids) in [
        ("total-count=5", 8, &["i-1", "i-2", "i-3"][..]),
        ("total-count=-3", 0, &["i-1", "i-2", "i-3"]),
        ("duplicate", 3, &["i-1", "i-2", "i-1"]),
        ("shift", 3, &["i-2", "i-3"]),
    ] {
        let (_sandbox, client) = with_fault(&format!("{fault},page=1")).await;
        let unsaid = json!({"pageNum": null});
        let listed = client.call("DescribeInstances", unsaid).await.unwrap();
        assert_eq!(listed.ids(), ids, "{fault}");
        assert_eq!(listed.json()["response"]["totalCount"], total, "{fault}");
    }
}

#[tokio::test]
async fn a_skewed_clock_shows_in_the_date_and_expires_signatures() {
    let (_sandbox, client) = with_fault("skew=-3600").await;
    let answered = client.list().await.unwrap();
    assert_eq!(answered.code(), "AUTHFAILURE_SIGNATURE_EXPIRED");
    let date = answered.headers.get("date").unwrap().to_str().unwrap();
    let date = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
    let behind = clock::now().as_second() - date.as_second();
    assert!((3600..3610).contains(&behind), "{behind}");
    for extreme in [i64::MIN, i64::MAX] {
        let (_sandbox, client) = with_fault(&format!("skew={extreme}")).await;
        assert_eq!(client.list().await.unwrap().status, 401);
    }
}
