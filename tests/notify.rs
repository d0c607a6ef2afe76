//! Notices on their way: real HTTP and SMTP conversations with receivers that fail, hang, redirect and refuse.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::receiver::{Call, Reaction, Receiver};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tracing_subscriber::util::SubscriberInitExt;
use zenreaper::{
    config,
    diagnostic::Source,
    notice::{Batch, Notice, Stage},
    notify::{
        Error, Kind, Notifier, Secrets, Settings, SinkSettings, SinkUrl, Smtp, Tls, Tries, address,
    },
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
    assert!(text.contains("zenreaper keep i-1 --for 7d") && !text.contains('\r'), "{text}");
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

/// A mail server, which answers a command that begins like this once, or always, with that.
#[derive(Clone, Default)]
struct MailServer {
    once: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
    always: Vec<(&'static str, &'static str)>,
    commands: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// A server that listens, and where.
    async fn listen(self) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(stream));
            }
        });
        (self, at)
    }

    async fn start(self, tls: Tls, secrets: &Secrets) -> (Self, Notifier) {
        let (server, at) = self.listen().await;
        let email = Kind::Email {
            smtp: Smtp::parse(&at).unwrap().secured_by(tls).unwrap(),
            from: address("zenreaper@example.com").unwrap(),
            to: vec![address("ops@example.com").unwrap(), address("alice@example.com").unwrap()],
        };
        (server, notifier(email, secrets))
    }

    async fn serve(self, mut stream: TcpStream) -> Option<()> {
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 test\r\n").await.ok()?;
        while let Some(command) = lines.next_line().await.ok()? {
            self.commands.lock().unwrap().push(command.clone());
            let answer = self.answer(&command);
            if answer == "hang" {
                return std::future::pending().await;
            }
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
            if answer.starts_with("354") {
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    mail.extend([line.as_str(), "\n"]);
                }
                self.mails.lock().unwrap().push(mail);
                writer.write_all(b"250 taken\r\n").await.ok()?;
            }
        }
        None
    }

    fn answer(&self, command: &str) -> String {
        let mut once = self.once.lock().unwrap();
        if let Some(n) = once.iter().position(|(start, _)| command.starts_with(start)) {
            return once.remove(n).1.to_owned();
        }
        if let Some((_, answer)) = self.always.iter().find(|(start, _)| command.starts_with(start))
        {
            return (*answer).to_owned();
        }
        match command.split(' ').next().unwrap() {
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        }
        .to_owned()
    }

    fn recipients(&self) -> Vec<String> {
        let commands = self.commands.lock().unwrap();
        let recipients = commands.iter().filter_map(|command| command.strip_prefix("RCPT TO:"));
        recipients.map(str::to_owned).collect()
    }

    fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

/// The value of a header, unfolded; a mail has it once.
fn header(mail: &str, name: &str) -> Option<String> {
    let head = mail.split("\n\n").next().unwrap().replace("\n ", " ");
    let start = format!("{name}: ");
    let mut values = head.lines().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned);
    let value = values.next();
    assert_eq!(values.next(), None, "{name} twice in {head}");
    value
}

#[tokio::test]
async fn mail_goes_to_the_owner_with_a_copy_to_the_list() {
    let (server, notifier) = MailServer::default().start(Tls::None, &Secrets::default()).await;
    notifier.send("sink", &batch(Some(" bob@example.com ")), now()).await.unwrap();
    notifier.send("sink", &batch(Some("alice@example.com")), now()).await.unwrap();
    assert_eq!(
        server.recipients(),
        [
            "<bob@example.com>",
            "<ops@example.com>",
            "<alice@example.com>",
            "<alice@example.com>",
            "<ops@example.com>"
        ]
    );
    let mails = server.mails();
    let get = |n: usize, name: &str| header(&mails[n], name);
    assert_eq!(get(0, "To").as_deref(), Some("bob@example.com"));
    assert_eq!(get(0, "Cc").as_deref(), Some("ops@example.com, alice@example.com"));
    assert_eq!(get(1, "Cc").as_deref(), Some("ops@example.com"));
    assert_eq!(get(0, "From").as_deref(), Some("zenreaper@example.com"));
    assert_eq!(get(0, "Date").as_deref(), Some("Tue, 24 Nov 2026 00:00:00 +0000"));
    assert_eq!(get(0, "Auto-Submitted").as_deref(), Some("auto-generated"));
    assert_eq!(
        get(0, "Subject").as_deref(),
        Some("[zenreaper] main: 2 machines will be terminated")
    );
    let id = get(0, "Message-ID").unwrap();
    assert!(id.ends_with("@example.com>") && id.starts_with('<'), "{id}");
    assert_eq!(get(1, "Message-ID"), Some(id), "the same batch has the same id");
}

#[tokio::test]
async fn an_owner_that_is_no_address_reaches_no_header_and_no_envelope() {
    let long = format!("{}@example.com", "a".repeat(100_000));
    let hostile = [
        HOSTILE,
        "bob@example.com\r\nBcc: spy@evil.example",
        "bob@example.com>\r\nRCPT TO:<spy@evil.example",
        "bob@example.com, spy@evil.example",
        "Bob <bob@example.com>",
        "\"bob\r\n\"@example.com",
        &long,
        "alice",
        "",
    ];
    for owner in hostile {
        let (server, notifier) = MailServer::default().start(Tls::None, &Secrets::default()).await;
        notifier.send("sink", &batch(Some(owner)), now()).await.unwrap();
        assert_eq!(server.recipients(), ["<ops@example.com>", "<alice@example.com>"], "{owner:?}");
        let [mail] = &server.mails()[..] else { panic!("one mail") };
        assert_eq!(header(mail, "To").as_deref(), Some("ops@example.com, alice@example.com"));
        for name in ["Bcc", "Cc"] {
            assert_eq!(header(mail, name), None, "{owner:?}");
        }
        assert!(!mail.contains("\nBcc:") && mail.len() < 10_000, "{mail}");
    }
}

/// Who gets a mail to this owner, by a config with these domains.
async fn recipients(domains: &str, owner: &str) -> Vec<String> {
    let (server, at) = MailServer::default().listen().await;
    let sink = format!(
        "{{ name: sink, type: email, smtp: \"{at}\", tls: none, from: z@example.com, to: [ops@example.com] }}"
    );
    let text = format!("notices: {{ {domains} sinks: [{sink}] }}");
    let source = Source { name: "config.yaml".to_owned(), text };
    let (config, problems) = config::read(&Arc::new(source), now());
    assert!(problems.is_empty(), "{problems:?}");
    let notifier = Notifier::new(&config.unwrap().notices, |_| Ok::<_, Error>(Secrets::default()));
    notifier.unwrap().send("sink", &batch(Some(owner)), now()).await.unwrap();
    let [mail] = &server.mails()[..] else { panic!("one mail") };
    let (to, copy) = (header(mail, "To").unwrap(), header(mail, "Cc"));
    let shown: Vec<_> = [to].into_iter().chain(copy).map(|one| format!("<{one}>")).collect();
    assert_eq!(server.recipients(), shown, "headers and envelope agree");
    shown
}

#[tokio::test]
async fn an_owner_of_another_domain_is_told_as_one_that_is_no_address() {
    const DOMAINS: &str = "owner_domains: [example.com, Mail.Example.ORG],";
    for owner in ["bob@example.com", " Bob+dev@EXAMPLE.com ", "bob@mail.example.org"] {
        let told = format!("<{}>", owner.trim());
        assert_eq!(recipients(DOMAINS, owner).await, [&told, "<ops@example.com>"], "{owner}");
    }
    for owner in [
        "bob@elsewhere.example",
        "bob@evil-example.com",
        "bob@evil.example.com",
        "bob@example.com.elsewhere.example",
        "bob@example.com.",
        "bob@example.org",
        "bob@com",
        "bob@example.com@elsewhere.example",
        "bob@ex\u{430}mple.com",
        "bob@example\u{3002}com",
        "bob@\u{ff45}xample.com",
        "bob@example.com\u{200b}",
        // Some mail servers send these on to elsewhere.example.
        "bob%elsewhere.example@example.com",
        "elsewhere.example!bob@example.com",
    ] {
        assert_eq!(recipients(DOMAINS, owner).await, ["<ops@example.com>"], "{owner}");
    }
    let anywhere = recipients("", "bob@elsewhere.example").await;
    assert_eq!(anywhere, ["<bob@elsewhere.example>", "<ops@example.com>"], "as nothing is said");
}

#[tokio::test]
async fn a_subject_of_hostile_words_stays_one_header() {
    let (server, at) = MailServer::default().listen().await;
    let kind = Kind::Email {
        smtp: Smtp::parse(&at).unwrap().secured_by(Tls::None).unwrap(),
        from: address("zenreaper@example.com").unwrap(),
        to: vec![address("ops@example.com").unwrap()],
    };
    let settings = Settings {
        subject: "{{ owner }}\nBcc: {{ machines[0].name }} é".to_owned(),
        sinks: vec![SinkSettings { name: "sink".to_owned(), stages: Vec::new(), kind }],
        tries: tries(),
        ..Settings::default()
    };
    let notifier = Notifier::new(&settings, |_| Ok::<_, Error>(Secrets::default())).unwrap();
    notifier.send("sink", &batch(Some(HOSTILE)), now()).await.unwrap();
    let mail = &server.mails()[0];
    assert_eq!(header(mail, "Bcc"), None, "{mail}");
    assert!(header(mail, "Subject").unwrap().contains("Bcc: spy@evil.example"), "{mail}");
    assert_eq!(server.recipients(), ["<ops@example.com>"]);
}

#[tokio::test]
async fn a_server_that_asks_for_patience_is_tried_once_more_with_the_same_id() {
    let server = MailServer::default();
    server.once.lock().unwrap().push(("DATA", "451 later"));
    let (server, notifier) = server.start(Tls::None, &Secrets::default()).await;
    notifier.send("sink", &batch(None), now()).await.unwrap();
    assert_eq!((server.mails().len(), server.recipients().len()), (1, 4));

    let server = MailServer { always: vec![("DATA", "451 later")], ..MailServer::default() };
    let (server, notifier) = server.start(Tls::None, &Secrets::default()).await;
    let error = notifier.send("sink", &batch(None), now()).await.unwrap_err();
    assert!(error.is_transient() && told(&error).contains("later"), "{}", told(&error));
    assert_eq!(server.recipients().len(), 4, "two tries to two addresses");
}

#[tokio::test]
async fn an_owner_that_the_server_refuses_does_not_keep_the_list_from_its_mail() {
    let always = vec![("RCPT TO:<nobody@example.com>", "550 no such \u{1b}[2J user")];
    let server = MailServer { always, ..MailServer::default() };
    let (server, notifier) = server.start(Tls::None, &Secrets::default()).await;
    notifier.send("sink", &batch(Some("nobody@example.com")), now()).await.unwrap();
    let [mail] = &server.mails()[..] else { panic!("one mail") };
    assert_eq!(header(mail, "To").as_deref(), Some("ops@example.com, alice@example.com"));
    assert!(mail.contains("(The mail server refuses this mail to nobody@example.com"), "{mail}");
    assert!(!mail.contains('\u{1b}'), "{mail}");

    let server = MailServer { always: vec![("MAIL", "550 no")], ..MailServer::default() };
    let (server, notifier) = server.start(Tls::None, &Secrets::default()).await;
    let error = notifier.send("sink", &batch(None), now()).await.unwrap_err();
    assert!(!error.is_transient(), "{}", told(&error));
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test]
async fn a_login_is_used_and_never_shown() {
    let secrets = Secrets {
        username: Some("me".into()),
        password: Some("hunter2".into()),
        ..Secrets::default()
    };
    let (server, notifier) = MailServer::default().start(Tls::None, &secrets).await;
    notifier.send("sink", &batch(None), now()).await.unwrap();
    let commands = server.commands.lock().unwrap().clone();
    assert!(commands.contains(&"AUTH PLAIN AG1lAGh1bnRlcjI=".to_owned()), "{commands:?}");
    assert!(!format!("{notifier:?}").contains("hunter2"));

    let server = MailServer { always: vec![("AUTH", "535 no")], ..MailServer::default() };
    let (server, notifier) = server.start(Tls::None, &secrets).await;
    let error = notifier.send("sink", &batch(None), now()).await.unwrap_err();
    assert!(!told(&error).contains("hunter2") && !error.is_transient(), "{}", told(&error));
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test]
async fn without_tls_where_there_has_to_be_some_nothing_is_said() {
    for tls in [Tls::StartTls, Tls::Implicit] {
        let secrets = Secrets {
            username: Some("me".into()),
            password: Some("hunter2".into()),
            ..Secrets::default()
        };
        let (server, notifier) = MailServer::default().start(tls, &secrets).await;
        notifier.send("sink", &batch(None), now()).await.unwrap_err();
        let commands = server.commands.lock().unwrap().join("\n");
        assert!(!commands.contains("MAIL") && !commands.contains("AUTH"), "{commands}");
    }
}

#[tokio::test]
async fn a_mail_server_that_hangs_is_left() {
    let server = MailServer { always: vec![("MAIL", "hang")], ..MailServer::default() };
    let (server, notifier) = server.start(Tls::None, &Secrets::default()).await;
    let error = notifier.send("sink", &batch(None), now()).await.unwrap_err();
    assert!(error.is_transient(), "{}", told(&error));
    let tries =
        server.commands.lock().unwrap().iter().filter(|one| one.starts_with("MAIL")).count();
    assert_eq!(tries, 2);
}
