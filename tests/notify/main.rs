//! Notices on their way: real HTTP and SMTP conversations with receivers that fail, hang, redirect and refuse.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;
mod email;
mod http;

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tracing_subscriber::util::SubscriberInitExt;
use zenreaper::{
    notice::{Batch, Notice, Stage},
    notify::{Error, Kind, Notifier, Secrets, Settings, SinkSettings, Tries},
};

const HOSTILE: &str = "x\r\nBcc: spy@evil.example\r\n\r\n<!channel> \u{202e}";

fn now() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

fn notice(id: &str) -> Notice {
    Notice {
        instance_id: Some(id.to_owned()),
        name: Some(HOSTILE.to_owned()),
        rule: Some("dev-three-days".to_owned()),
        due_at: Some(now()),
        terminate_at: Some("2026-11-25T00:00:00Z".parse().unwrap()),
        recoverable_until: None,
        detail: "it is older than 72h".to_owned(),
    }
}

fn batch(owner: Option<&str>) -> Batch {
    Batch {
        id: "01HQ-batch".to_owned(),
        stage: Stage::Noticed,
        account: "main".to_owned(),
        owner: owner.map(str::to_owned),
        notices: vec![notice("i-1"), notice("i-2")],
    }
}

/// Short waits, so that no test is slow.
fn tries() -> Tries {
    Tries {
        post_timeout: Duration::from_millis(300),
        mail_timeout: Duration::from_secs(2),
        first_delay: Duration::from_millis(5),
        delay_max: Duration::from_millis(20),
        ..Tries::default()
    }
}

fn notifier(kind: Kind, secrets: &Secrets) -> Notifier {
    let sink = SinkSettings { name: "sink".to_owned(), stages: Stage::ALL.to_vec(), kind };
    let settings = Settings { sinks: vec![sink], tries: tries(), ..Settings::default() };
    Notifier::new(&settings, |_| Ok::<_, Error>(secrets.clone())).unwrap()
}

/// An error with all its causes.
fn told(error: &Error) -> String {
    let (mut text, mut source) = (format!("{error} {error:?}"), std::error::Error::source(error));
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn a_sink_that_is_not_there_is_an_error() {
    let error = notifier(Kind::Log, &Secrets::default()).send("other", &batch(None), now()).await;
    assert!(matches!(error, Err(Error::UnknownSink(name)) if name == "other"));
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_a_line_for_each_machine() {
    let (lines, notifier) = (Lines::default(), notifier(Kind::Log, &Secrets::default()));
    let writer = lines.clone();
    let logger =
        tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
    let guard = logger.finish().set_default();
    notifier.send("sink", &batch(Some("alice")), now()).await.unwrap();
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    for (key, value) in [
        ("stage", "noticed"),
        ("account", "main"),
        ("owner", "alice"),
        ("instance_id", "i-2"),
        ("rule", "dev-three-days"),
        ("terminate_at", "2026-11-25T00:00:00Z"),
    ] {
        assert_eq!(lines[1][key], value, "{key}");
    }
    assert!(lines[1]["name"].as_str().unwrap().starts_with("x\\r\\nBcc"), "{text}");
}
