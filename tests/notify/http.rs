//! Webhooks and chats.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use zenreaper::{
    notice::Stage,
    notify::{Kind, Notifier, Secrets, SinkUrl},
};

use crate::{
    HOSTILE, batch,
    common::receiver::{Call, Reaction, Receiver},
    notice, notifier, now, told,
};

fn url(receiver: &Receiver) -> SinkUrl {
    SinkUrl::parse(&format!("{}/services/hunter2", receiver.origin)).unwrap()
}

fn webhook(receiver: &Receiver) -> Notifier {
    let secrets = Secrets { secret: Some("key".into()), ..Secrets::default() };
    notifier(Kind::Webhook { url: Some(url(receiver)) }, &secrets)
}

fn is_signed(call: &Call, key: &str) -> bool {
    let signature = call.1["X-Zenreaper-Signature"].to_str().unwrap();
    let signature = hex::decode(signature.strip_prefix("sha256=").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(&call.2);
    mac.verify_slice(&signature).is_ok()
}

#[tokio::test]
async fn a_webhook_gets_a_signed_body_with_a_stable_id() {
    let receiver = Receiver::start(&[]).await;
    let notifier = webhook(&receiver);
    notifier.send("sink", &batch(Some("alice")), now()).await.unwrap();
    notifier.send("sink", &batch(Some("alice")), now()).await.unwrap();
    let calls = receiver.calls();
    assert_eq!(calls.len(), 2);
    for call in &calls {
        assert!(is_signed(call, "key") && !is_signed(call, "other"));
        assert_eq!(call.1["Idempotency-Key"], "01HQ-batch");
        assert_eq!(call.1["Content-Type"], "application/json");
    }
    let body: Value = serde_json::from_slice(&calls[0].2).unwrap();
    for (key, value) in [
        ("id", "01HQ-batch"),
        ("stage", "noticed"),
        ("account", "main"),
        ("owner", "alice"),
        ("sent_at", "2026-11-24T00:00:00Z"),
        ("subject", "[zenreaper] main: 2 machines will be terminated"),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    assert_eq!(body["detail"], Value::Null);
    assert_eq!(body["machines"][1]["instance_id"], "i-2");
    assert_eq!(body["machines"][1]["name"], HOSTILE);
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("zenreaper hold i-1 --for 7d") && !text.contains('\r'), "{text}");
}

#[tokio::test]
async fn a_webhook_without_a_secret_is_not_signed() {
    let receiver = Receiver::start(&[]).await;
    let notifier = notifier(Kind::Webhook { url: Some(url(&receiver)) }, &Secrets::default());
    notifier.send("sink", &batch(None), now()).await.unwrap();
    assert!(!receiver.calls()[0].1.contains_key("X-Zenreaper-Signature"));
}

#[tokio::test]
async fn a_refused_plan_is_told_with_its_reason_and_no_machine() {
    let receiver = Receiver::start(&[]).await;
    let mut refused = batch(None);
    refused.stage = Stage::GuardRefused;
    refused.notices.truncate(1);
    webhook(&receiver).send("sink", &refused, now()).await.unwrap();
    let body: Value = serde_json::from_slice(&receiver.calls()[0].2).unwrap();
    assert_eq!(body["detail"], "it is older than 72h");
    assert_eq!(body["machines"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn what_can_pass_is_tried_three_times_with_the_same_body() {
    use Reaction::{Answer, Hang};
    for reactions in [[Answer(500), Answer(503)], [Answer(429), Hang]] {
        let receiver = Receiver::start(&reactions).await;
        webhook(&receiver).send("sink", &batch(None), now()).await.unwrap();
        let calls = receiver.calls();
        assert_eq!(calls.len(), 3);
        assert!(calls.iter().all(|call| call.2 == calls[0].2 && is_signed(call, "key")));
    }
}

async fn check_fails(receiver: &Receiver, calls: usize, transient: bool, expected: &str) {
    let error = webhook(receiver).send("sink", &batch(None), now()).await.unwrap_err();
    let text = told(&error);
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains("hunter2"), "the URL is a secret: {text}");
    assert_eq!((receiver.calls().len(), error.is_transient()), (calls, transient), "{text}");
}

#[tokio::test]
async fn what_fails_for_good_fails_at_once_and_what_may_pass_later_says_so() {
    use Reaction::{Answer, Hang, RedirectToItself};
    check_fails(&Receiver::start(&[Answer(404)]).await, 1, false, "404").await;
    check_fails(&Receiver::start(&[Answer(500); 4]).await, 3, true, "500").await;
    check_fails(&Receiver::start(&[Hang; 4]).await, 3, true, "did not answer").await;
    // Neither the body nor its signature goes where a redirect points.
    check_fails(&Receiver::start(&[RedirectToItself]).await, 1, false, "307").await;
}

#[tokio::test]
async fn nobody_there_is_an_error_without_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut receiver = Receiver::start(&[]).await;
    receiver.origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    check_fails(&receiver, 0, true, "did not answer").await;
}

#[tokio::test]
async fn a_chat_gets_a_text_that_calls_nobody_and_is_bounded() {
    let receiver = Receiver::start(&[Reaction::Answer(502)]).await;
    // The URL of the credentials goes before that of the config.
    let secrets = Secrets {
        url: Some(format!("{}/services/hunter3", receiver.origin).into()),
        ..Secrets::default()
    };
    let notifier = notifier(Kind::Slack { url: Some(url(&receiver)) }, &secrets);
    let mut large = batch(Some("alice"));
    large.notices = (0..3000).map(|n| notice(&format!("i-{n}"))).collect();
    notifier.send("sink", &large, now()).await.unwrap();
    let calls = receiver.calls();
    assert_eq!(calls.len(), 2, "one failure, one success");
    let (path, _, body) = &calls[1];
    assert_eq!(path, "/services/hunter3");
    let body: Value = serde_json::from_slice(body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"), "{text}");
    let (length, listed) = (text.chars().count(), text.matches("\n- i-").count());
    assert!((20_000..=40_000).contains(&length), "{length}");
    assert!(text.contains(&format!("... and {} more machines", 3000 - listed)), "{listed}");
}
