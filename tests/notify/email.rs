//! Mail.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use zenreaper::{
    config,
    diagnostic::Source,
    notify::{Error, Kind, Notifier, Secrets, Settings, SinkSettings, Smtp, Tls, address},
};

use crate::{HOSTILE, batch, notifier, now, told, tries};

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
