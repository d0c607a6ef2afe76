//! The sandbox as a real HTTP client meets it.

mod faults;

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::clock;
use crate::cloud::sign;

/// Longer than anything here takes on a busy machine, unless it hangs.
const PATIENCE: Duration = Duration::from_millis(700);

struct Client {
    http: reqwest::Client,
    endpoint: String,
    secret: &'static str,
    version: &'static str,
    ahead_seconds: i64,
}

struct Answered {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn code(&self) -> String {
        match self.json().get("code") {
            Some(code) => code.as_str().unwrap().to_owned(),
            None => "OK".to_owned(),
        }
    }

    fn ids(&self) -> Vec<String> {
        let json = self.json();
        let list = json.pointer("/response/dataSet").unwrap().as_array();
        let id = |machine: &Value| machine["instanceId"].as_str().unwrap().to_owned();
        list.unwrap().iter().map(id).collect()
    }
}

impl Client {
    fn of(sandbox: &Sandbox) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        Self {
            http: http.build().unwrap(),
            endpoint: sandbox.endpoint(),
            secret: ACCESS_KEY_SECRET,
            version: "2022-11-20",
            ahead_seconds: 0,
        }
    }

    async fn call(&self, action: &str, body: Value) -> Result<Answered, reqwest::Error> {
        let body = body.to_string();
        let request = sign::Request {
            content_type: "application/json",
            host: self.endpoint.strip_prefix("http://").unwrap(),
            timestamp: clock::now().as_second() + self.ahead_seconds,
            body: body.as_bytes(),
        };
        let response = self
            .http
            .post(format!("{}/api/v2/bmc", self.endpoint))
            .header("authorization", sign::authorization(&request, ACCESS_KEY_ID, self.secret))
            .header("content-type", request.content_type)
            .header("x-zc-action", action)
            .header("x-zc-version", self.version)
            .header("x-zc-signature-method", sign::METHOD)
            .header("x-zc-timestamp", request.timestamp)
            .body(body)
            .send()
            .await?;
        Ok(Answered {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }

    async fn list(&self) -> Result<Answered, reqwest::Error> {
        self.call("DescribeInstances", json!({})).await
    }

    async fn terminate(&self, id: &str) -> Result<Answered, reqwest::Error> {
        let body = json!({"instanceId": id});
        self.call("TerminateInstance", body).await
    }
}

fn three() -> Vec<Machine> {
    ["i-1", "i-2", "i-3"].map(Machine::new).to_vec()
}

async fn start(options: Options) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(options).await.unwrap();
    let client = Client::of(&sandbox);
    (sandbox, client)
}

async fn with_fault(fault: &str) -> (Sandbox, Client) {
    start(Options { machines: three(), faults: vec![fault.parse().unwrap()], ..Options::default() })
        .await
}

fn status_of(sandbox: &Sandbox, id: &str) -> String {
    let machine = sandbox.machine(id).unwrap();
    machine.status().unwrap().to_owned()
}

#[tokio::test]
async fn a_machine_is_listed_terminated_and_released() {
    let (sandbox, client) = start(Options { machines: three(), ..Options::default() }).await;
    let page = json!({"pageSize": 2, "pageNum": 2});
    let listed = client.call("DescribeInstances", page).await.unwrap();
    assert_eq!(listed.ids(), ["i-3"]);
    assert_eq!(listed.json()["response"]["totalCount"], 3);
    assert_eq!(listed.json()["requestId"], listed.json()["response"]["requestId"]);

    let terminated = client.terminate("i-3").await.unwrap();
    assert_eq!((terminated.status, terminated.code().as_str()), (200, "OK"));
    assert_eq!(status_of(&sandbox, "i-3"), "RECYCLE");
    let again = client.terminate("i-3").await.unwrap();
    assert_eq!(again.status, 403);
    assert_eq!(again.code(), "OPERATION_DENIED_INSTANCE_RECYCLED");

    let ids = json!({"instanceIds": ["i-3"]});
    let released = client.call("ReleaseInstances", ids).await.unwrap();
    assert_eq!(released.code(), "OK");
    assert_eq!(sandbox.machine("i-3"), None);

    let calls = sandbox.calls();
    let statuses: Vec<_> = calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(200), Some(200), Some(403), Some(200)]);
    assert_eq!(calls[0].page, Some(2));
    assert_eq!(calls[1].instances, ["i-3"]);
    assert_eq!(calls[2].code.as_deref(), Some("OPERATION_DENIED_INSTANCE_RECYCLED"));
    assert!(calls.iter().all(|call| call.in_flight == 1));
}

#[tokio::test]
async fn the_two_versions_differ_in_what_they_do_to_a_subscription() {
    let subscription = Machine::new("i-1").with("instanceChargeType", "PREPAID");
    let (sandbox, mut client) =
        start(Options { machines: vec![subscription], ..Options::default() }).await;
    let refused = client.terminate("i-1").await.unwrap();
    assert_eq!(refused.code(), "OPERATION_DENIED_INSTANCE_SUBSCRIPTION");
    client.version = "2026-02-01";
    assert_eq!(client.terminate("i-1").await.unwrap().code(), "OK");
    let machine = sandbox.machine("i-1").unwrap();
    assert_eq!(machine.get("autoRenew"), Some(&json!(false)));
}

#[tokio::test]
async fn wrong_calls_are_refused_with_their_code() {
    let (_sandbox, client) = start(Options::default()).await;
    for (action, body, status, code) in [
        ("StopInstances", json!({}), 403, "AUTHFAILURE_UNAUTHORIZED_OPERATION"),
        ("TerminateInstance", json!({}), 400, "MISSING_PARAMETER"),
        ("TerminateInstance", json!([]), 400, "INVALID_PARAMETER_TYPE"),
        ("TerminateInstance", json!({"instanceId": 1}), 400, "INVALID_PARAMETER_TYPE"),
        ("TerminateInstance", json!({"instanceId": "i"}), 404, "INVALID_INSTANCE_NOT_FOUND"),
        ("ReleaseInstances", json!({}), 400, "MISSING_PARAMETER"),
        ("ReleaseInstances", json!({"instanceIds": []}), 400, "INVALID_PARAMETER_LESS_LENGTH"),
        ("DescribeInstances", json!({"pageSize": 1001}), 400, "INVALID_PARAMETER_EXCEED_MAXIMUM"),
    ] {
        let answered = client.call(action, body.clone()).await.unwrap();
        assert_eq!((answered.status, answered.code().as_str()), (status, code), "{action} {body}");
        assert!(answered.json()["message"].is_string());
        assert!(answered.headers.contains_key("date"));
    }
    let old = Client { version: "2020-01-01", ..client };
    assert_eq!(old.list().await.unwrap().code(), "INVALID_PARAMETER_VALUE");
}

#[tokio::test]
async fn a_wrong_secret_and_a_wrong_clock_are_told_apart() {
    let (_sandbox, client) = start(Options::default()).await;
    let stranger = Client { secret: "guess", ..client };
    let answered = stranger.list().await.unwrap();
    assert_eq!((answered.status, answered.code().as_str()), (401, "AUTHFAILURE_SIGNATURE_FAILURE"));
    for (ahead_seconds, code) in [
        (-310, "AUTHFAILURE_SIGNATURE_EXPIRED"),
        (310, "AUTHFAILURE_SIGNATURE_EXPIRED"),
        (-290, "OK"),
        (290, "OK"),
    ] {
        let (_sandbox, client) = start(Options::default()).await;
        let client = Client { ahead_seconds, ..client };
        assert_eq!(client.list().await.unwrap().code(), code, "{ahead_seconds}");
    }
}

#[tokio::test]
async fn a_token_and_the_older_spelling_of_the_action_header_are_accepted() {
    let (sandbox, client) = start(Options::default()).await;
    let response = client
        .http
        .post(format!("{}/api/v2/bmc", sandbox.endpoint()))
        .bearer_auth(TOKEN)
        .header("x-tc-action", "DescribeInstances")
        .header("x-zc-version", "2022-11-20")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn another_path_and_another_method_are_refused() {
    let (sandbox, client) = start(Options::default()).await;
    let elsewhere = client.http.post(sandbox.endpoint()).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404);
    let url = format!("{}/api/v2/bmc", sandbox.endpoint());
    let got = client.http.get(&url).send().await.unwrap();
    assert_eq!(got.status(), 405);
    assert_eq!(got.headers().get("allow").unwrap(), "POST");
    let huge = client.http.post(&url).body(vec![b' '; 1024 * 1024 + 1]);
    assert_eq!(huge.send().await.unwrap().status(), 413);
    let statuses: Vec<_> = sandbox.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(404), Some(405), Some(413)]);
}

#[tokio::test]
async fn noise_on_the_wire_harms_nothing() {
    let (sandbox, client) = start(Options::default()).await;
    let address = sandbox.endpoint().replace("http://", "");
    for noise in [
        &b""[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /api/v2/bmc HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{",
        b"POST /api/v2/bmc HTTP/1.1\r\nhost: \xff\r\nauthorization: \xff\xfe\r\ncontent-length: 0\r\n\r\n",
        b"POST /api/v2/bmc HTTP/1.1\r\ncontent-length: 3\r\nauthorization: ZC2-HMAC-SHA256 ,,,\r\n\r\n\xff\xff\xff",
    ] {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(noise).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // However the server ends it, it must end.
        let end = socket.read_to_end(&mut answer);
        tokio::time::timeout(PATIENCE, end).await.unwrap().ok();
    }
    assert_eq!(client.list().await.unwrap().code(), "OK");
}

#[tokio::test]
async fn a_connection_serves_many_calls() {
    let (sandbox, _) = start(Options::default()).await;
    let mut socket = TcpStream::connect(sandbox.endpoint().replace("http://", "")).await.unwrap();
    for _ in 0..3 {
        socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 404");
        drain(&mut socket).await;
    }
    assert_eq!(sandbox.calls().len(), 3);
}

async fn drain(socket: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\"}") {
        seen.push(socket.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn no_second_holds_more_calls_than_the_rate() {
    let (sandbox, client) =
        start(Options { rate: Some(5), retry_after: Some(1), ..Options::default() }).await;
    let until = clock::monotonic() + Duration::from_millis(2300);
    while clock::monotonic() < until {
        let answers = futures::future::join_all((0..4).map(|_| client.list())).await;
        for answer in answers.into_iter().map(Result::unwrap) {
            let limited = answer.status == 429;
            assert_eq!(limited, answer.code() == "REQUEST_LIMIT_EXCEEDED");
            assert_eq!(limited, answer.headers.contains_key("retry-after"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let calls = sandbox.calls();
    let accepted: Vec<_> = calls.iter().filter(|call| call.status == Some(200)).collect();
    assert!(accepted.len() >= 10, "the limit must not starve: {}", accepted.len());
    for first in &accepted {
        let second = first.at..=first.at + Duration::from_secs(1);
        let within = accepted.iter().filter(|call| second.contains(&call.at));
        assert!(within.count() <= 5);
    }
}

#[tokio::test]
async fn the_recycle_bin_empties_fast_on_a_fast_clock() {
    let (sandbox, client) =
        start(Options { machines: three(), speed: 24 * 3600 * 20, ..Options::default() }).await;
    assert_eq!(client.terminate("i-2").await.unwrap().code(), "OK");
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert_eq!(client.list().await.unwrap().ids(), ["i-1", "i-3"]);
    assert!(sandbox.now() > clock::now());
}

#[tokio::test]
async fn a_hook_changes_a_machine_between_two_calls() {
    let (sandbox, client) = start(Options { machines: three(), ..Options::default() }).await;
    sandbox.before_call(Action::DescribeInstances, 2, |fleet| {
        fleet.remove("i-1");
        fleet.add(&Machine::new("i-9"));
        fleet.edit("i-2", |machine| machine.set_tag("keep", "1"));
    });
    assert_eq!(client.list().await.unwrap().ids(), ["i-1", "i-2", "i-3"]);
    assert_eq!(client.terminate("i-3").await.unwrap().code(), "OK");
    assert_eq!(client.list().await.unwrap().ids(), ["i-2", "i-3", "i-9"]);
    assert_eq!(sandbox.machine("i-2").unwrap().tag("keep"), Some("1"));
}

#[tokio::test]
async fn a_hook_that_panics_does_not_take_the_sandbox_with_it() {
    let (sandbox, client) = start(Options::default()).await;
    sandbox.before_call(Action::DescribeInstances, 1, |_| panic!("a broken test"));
    assert!(client.list().await.is_err());
    assert_eq!(client.list().await.unwrap().code(), "OK");
}

#[tokio::test]
async fn faults_and_rates_change_at_run_time() {
    let (sandbox, client) = start(Options::default()).await;
    sandbox.inject("blocked".parse().unwrap());
    assert_eq!(client.list().await.unwrap().status, 451);
    sandbox.clear_faults();
    sandbox.set_rate(Some(0));
    assert_eq!(client.list().await.unwrap().status, 429);
    sandbox.set_rate(None);
    assert_eq!(client.list().await.unwrap().status, 200);
}

#[tokio::test]
async fn calls_at_the_same_time_are_counted() {
    let (sandbox, client) = with_fault("latency=100ms").await;
    futures::future::join_all((0..5).map(|_| client.list())).await;
    let most = sandbox.calls().iter().map(|call| call.in_flight).max();
    assert_eq!(most, Some(5));
}

#[tokio::test]
async fn a_stopped_sandbox_refuses_connections_and_keeps_its_record() {
    let (sandbox, client) = with_fault("hang,skip=1").await;
    client.list().await.unwrap();
    let hanging = tokio::spawn(async move { client.list().await.map(|a| a.status) });
    while sandbox.calls().len() < 2 {
        tokio::task::yield_now().await;
    }
    sandbox.stop().await;
    assert!(hanging.await.unwrap().is_err());
    assert_eq!(sandbox.calls().len(), 2);
    let address = sandbox.endpoint().replace("http://", "");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    for listen in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0", "[::ffff:192.0.2.1]:0"] {
        let options = Options { listen: listen.parse().unwrap(), ..Options::default() };
        let error = Sandbox::start(options).await.unwrap_err();
        assert!(matches!(error, Error::NotLoopback(_)), "{listen}");
    }
}

#[tokio::test]
async fn secrets_do_not_show_in_a_debug_print() {
    let (sandbox, _) = start(Options::default()).await;
    let printed = format!("{sandbox:?} {:?}", Options::default());
    assert!(!printed.contains(ACCESS_KEY_SECRET) && !printed.contains(TOKEN));
}
