//! Which credentials a command uses, and that it says so; that no secret of ours is shown when it comes back.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::Command,
};

use common::{Stage, many_due};
use zenreaper::sandbox;

/// Writes a file of Zenlayer's CLI.
fn write(stage: &Stage, name: &str, text: &str) {
    let folder = stage.path(".zenlayer");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
    std::fs::set_permissions(folder.join(name), PermissionsExt::from_mode(0o600)).unwrap();
}

/// A command that has no credentials but those of the profiles.
fn without(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.command(args);
    command.env_remove("ZENLAYER_ACCESS_KEY_ID").env_remove("ZENLAYER_ACCESS_KEY_SECRET");
    command
}

/// Two profiles that are valid, and one that is not whole.
fn profiles(stage: &Stage) {
    let (id, secret) = (sandbox::ACCESS_KEY_ID, sandbox::ACCESS_KEY_SECRET);
    let text = format!(
        r#"{{"default": {{"access_key_id": "{id}", "access_key_secret": "{secret}"}},
            "prod": {{"token": "{}"}}, "half": {{"access_key_id": "x"}}}}"#,
        sandbox::TOKEN
    );
    write(stage, "credentials.json", &text);
}

#[tokio::test]
async fn the_profile_in_use_is_named_by_check_plan_and_log() {
    let stage = Stage::with(many_due(1)).await.dry();
    profiles(&stage);
    write(&stage, "config.json", r#"{"current_profile": "prod"}"#);
    let used = "token from the profile `prod` (current_profile in ";
    for args in [&["check"][..], &["check", "-o", "json"], &["plan"], &["run", "--once"]] {
        stage.run_command(without(&stage, args)).await.exits(0).says(used);
    }
    let seen = stage.run_command(without(&stage, &["run", "--once"])).await;
    let started = seen.lines("message", "run started");
    assert!(started[0]["credentials"].as_str().unwrap().starts_with(used), "{started:?}");
    let mut named = without(&stage, &["plan"]);
    named.env("ZENLAYER_PROFILE", "default");
    let seen = stage.run_command(named).await;
    seen.exits(0).says("access key sand...-key from the profile `default` (ZENLAYER_PROFILE)");
    let mut both = stage.command(&["check"]);
    both.env("ZENLAYER_PROFILE", "prod");
    let seen = stage.run_command(both).await;
    seen.exits(0).says("from the environment (ZENLAYER_*)");
    seen.says("warning: account main: the profile `prod` (ZENLAYER_PROFILE) is not used");
}

#[tokio::test]
async fn a_profile_that_cannot_be_used_is_named_and_no_other_is_taken() {
    let table = [
        (r#"{"current_profile": "gone"}"#, "there is no profile `gone`"),
        (r#"{"current_profile": "gone"}"#, "profiles: default, half, prod"),
        (r#"{"current_profile": "half"}"#, "has access_key_id but not access_key_secret"),
        (r#"{"current_profile": 5}"#, "config.json: it is not a mapping"),
        ("{", "config.json: it is not a mapping"),
        ("", "config.json: it is not a mapping"),
    ];
    let stage = Stage::with(many_due(1)).await;
    profiles(&stage);
    for (text, says) in table {
        write(&stage, "config.json", text);
        for args in [&["plan"][..], &["run", "--once"], &["inventory"]] {
            stage.run_command(without(&stage, args)).await.exits(1).says(says);
        }
        stage.run_command(without(&stage, &["check"])).await.exits(0).says(says);
        stage.run_command(without(&stage, &["check", "--strict"])).await.exits(2).says(says);
    }
    assert!(stage.sandbox.calls().is_empty(), "nobody acts on another account");
}

#[tokio::test]
async fn a_file_of_credentials_that_others_may_read_is_warned_of() {
    let stage = Stage::with(Vec::new()).await;
    profiles(&stage);
    let file = stage.path(".zenlayer/credentials.json");
    for (mode, is_open) in [(0o600, false), (0o640, true), (0o666, true)] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        for args in [&["check"][..], &["run", "--once"]] {
            let seen = stage.run_command(without(&stage, args)).await;
            let fix = format!("run `chmod 600 {}`", file.display());
            assert_eq!(seen.exits(0).err.contains(&fix), is_open, "{mode:o}: {}", seen.err);
        }
    }
}

/// A server that answers every call with what it was sent, in a failure whose every text has it.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            let length = stream.read(&mut request).unwrap();
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let line = text.lines().find(|line| line.to_lowercase().starts_with("authorization"));
            let sent = line.unwrap_or_default().split_once(": ").unwrap_or_default().1;
            let value = sent.trim_start_matches("Bearer ");
            let body = serde_json::json!({
                "requestId": format!("r-{value}"), "code": format!("BAD {value}"), "message": sent,
            });
            let body = body.to_string();
            let head =
                "HTTP/1.1 418 Echo\r\nContent-Type: application/json\r\nConnection: close\r\n";
            write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    origin
}

#[tokio::test]
async fn a_secret_that_comes_back_is_shown_nowhere() {
    const TOKEN: &str = "zt-9f8e7d6c5b4a39281706";
    let origin = echo();
    let is_shown = |text: &str| {
        let text = text.to_uppercase().replace('-', "_");
        let token = TOKEN.to_uppercase().replace('-', "_");
        text.contains(&token) || text.contains(&token[..12])
    };
    for token in [true, false] {
        let stage = Stage::with(Vec::new()).await;
        let stage = stage
            .account(&format!("max_in_flight: 2 }}\n  - {{ name: echo, retry: {{ attempts: 1 }}, endpoint: \"{origin}\""));
        let stage = if token { stage.token(TOKEN) } else { stage.secret(TOKEN) };
        for args in [&["run", "--once"][..], &["plan"], &["inventory"]] {
            let mut command = stage.command(args);
            command.env("RUST_LOG", "zenreaper=debug");
            let seen = stage.run_command(command).await;
            assert!(!is_shown(&seen.err) && !is_shown(&seen.out), "{args:?}: {}", seen.err);
            if args[0] == "run" {
                let of_echo = seen.err.lines().find(|line| line.contains("BAD_")).unwrap();
                let has_signature =
                    of_echo.contains("Signature=") && !of_echo.contains("Signature=[secret]");
                assert!(!has_signature, "{of_echo}");
            }
        }
        let seen = stage.once().await;
        assert!(seen.metrics.contains("BAD_") && !is_shown(&seen.metrics), "{}", seen.metrics);
        let bytes = std::fs::read(stage.path("journal.db")).unwrap();
        assert!(!is_shown(&String::from_utf8_lossy(&bytes)));
    }
}

#[tokio::test]
async fn a_password_in_a_config_is_not_quoted() {
    let sink = |smtp: &str| {
        format!(
            "notices: {{ sinks: [{{ name: mail, type: email, smtp: {smtp}, from: a@b.c, to: [a@b.c] }}] }}"
        )
    };
    let table = [
        sink("\"smtp://me:hunter2@mail.example.com:587\""),
        sink("\"me:hunter2@mail.example.com:587\""),
        sink("\"smtps://me:hunter2-and-a-very-long-password-indeed@mail.example.com\""),
        "journal: \"postgres://me:hunter2@db/x\"".to_owned(),
        "journal: \"mysql://me:hunter2@db/x\"".to_owned(),
        "http: { listen: \"me:hunter2@127.0.0.1:9464\" }".to_owned(),
        "smtp_password: hunter2".to_owned(),
        "notices: { sinks: [{ name: hook, type: webhook, url: \"https://me:hunter2@a.b/x\" }] }"
            .to_owned(),
        "notices: { sinks: [{ name: hook, type: webhook, url: \"http://a.b/hunter2\" }] }"
            .to_owned(),
    ];
    for more in table {
        let stage = Stage::with(Vec::new()).await;
        std::fs::write(stage.path("odd.yaml"), &more).unwrap();
        for output in ["table", "json"] {
            let mut command = stage.command_without_config(&["check", "-o", output]);
            command.arg("--config").arg(stage.path("odd.yaml"));
            let seen = stage.run_command(command).await;
            seen.exits(2);
            let shown = format!("{}{}", seen.out, seen.err);
            assert!(!shown.contains("hunter2"), "{more}: {shown}");
        }
    }
}
