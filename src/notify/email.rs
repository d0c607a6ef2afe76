//! Mail: to the owner if the owner tag is an address, with a copy to the configured list; else to the list.
//!
//! The owner tag is hostile input. It reaches a header or the envelope only as an address in plain ASCII without white space
//! or quotes, of a configured domain if there are any, and the subject only as one line.

use std::{fmt, net::IpAddr, time::SystemTime};

use jiff::Timestamp;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{self, authentication::Credentials},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{
    Failure, Settings, Tries,
    domain::Domain,
    template::{Message, plain},
};
use crate::{cloud::is_loopback, lifetime::shorten, notice::Batch};

/// The longest address (RFC 5321, 4.5.3.1.3).
const ADDRESS_BYTES_MAX: usize = 254;

/// How the way to the mail server is secured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tls {
    /// The conversation begins in the clear and must go on in TLS.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// Not at all; towards this host only.
    None,
}

/// A mail server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Smtp {
    host: String,
    port: u16,
    tls: Tls,
}

impl Smtp {
    /// Reads a host and a port such as `smtp.example.com:587`; the way there is secured by STARTTLS.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is not a host with a port", shorten(text));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = address.unwrap_or(host);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let fits = match address {
            Some(address) => address.parse::<IpAddr>().is_ok(),
            None => (1..=253).contains(&host.len()) && host.bytes().all(is_letter),
        };
        let own = || Self { host: host.to_owned(), port, tls: Tls::StartTls };
        fits.then(own).ok_or_else(wrong)
    }

    /// The same server, the way to it secured like this.
    pub fn secured_by(self, tls: Tls) -> Result<Self, String> {
        match tls {
            Tls::None if !is_loopback(&self.host) => {
                Err("mail goes unencrypted towards loopback only".to_owned())
            }
            Tls::None | Tls::StartTls | Tls::Implicit => Ok(Self { tls, ..self }),
        }
    }
}

impl fmt::Display for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Reads a mail address, in plain ASCII.
pub fn address(text: &str) -> Result<Address, String> {
    let wrong = || format!("`{}` is not a mail address", shorten(text));
    let odd = |byte: u8| !byte.is_ascii_graphic() || b"\"\\(),:;<>[]".contains(&byte);
    if text.len() > ADDRESS_BYTES_MAX || text.bytes().any(odd) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// What sends mail through one server.
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    to: Vec<Address>,
    owner_domains: Option<Vec<Domain>>,
    tries: Tries,
}

impl Mailer {
    /// What sends mail through this server, from whom and to whom, with a login or without.
    pub(super) fn new(
        smtp: &Smtp,
        (from, to): (&Address, &[Address]),
        login: Option<(SecretString, SecretString)>,
        settings: &Settings,
    ) -> Result<Self, String> {
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let builder = match smtp.tls {
            Tls::StartTls => Transport::starttls_relay(&smtp.host),
            Tls::Implicit => Transport::relay(&smtp.host),
            Tls::None => Ok(Transport::builder_dangerous(&smtp.host)),
        };
        let mut builder = builder
            .map_err(|error| format!("there is no TLS towards {smtp}: {}", chain(&error)))?
            .port(smtp.port)
            .timeout(Some(settings.tries.mail_timeout));
        if let Some((username, password)) = login {
            let credentials = (username.expose_secret(), password.expose_secret());
            builder = builder.credentials(Credentials::from(credentials));
        }
        Ok(Self {
            transport: builder.build(),
            from: from.clone(),
            to: to.to_vec(),
            owner_domains: settings.owner_domains.clone(),
            tries: settings.tries,
        })
    }

    /// Sends a batch. If the server refuses it with the owner among those who get it, the list gets it alone.
    pub(super) async fn send(
        &self,
        batch: &Batch,
        message: &Message,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let owner = batch.owner.as_deref().and_then(|owner| self.recipient(owner));
        let mail = self.mail(batch, owner.as_ref(), message, now)?;
        match (self.submit(mail.clone()).await, owner) {
            (Err(Failure::MailDeferred(_)), _) => {
                tokio::time::sleep(self.tries.delay_max).await;
                self.submit(mail).await
            }
            (Err(Failure::MailRefused(problem)), Some(owner)) => {
                let remark = format!("(The mail server refuses this mail to {owner}: {problem})");
                let text = format!("{remark}\n\n{}", message.text);
                let message = Message { text, subject: message.subject.clone() };
                self.submit(self.mail(batch, None, &message, now)?).await
            }
            (result, _) => result,
        }
    }

    /// The owner's address, if the owner is one and may get mail.
    fn recipient(&self, owner: &str) -> Option<Address> {
        let domains = self.owner_domains.as_deref();
        let is_allowed =
            |owner: &Address| domains.is_none_or(|all| all.iter().any(|one| one.holds(owner)));
        address(owner.trim()).ok().filter(is_allowed)
    }

    fn mail(
        &self,
        batch: &Batch,
        owner: Option<&Address>,
        message: &Message,
        now: Timestamp,
    ) -> Result<Mail, Failure> {
        let mailbox = |address: &Address| Mailbox::new(None, address.clone());
        let mut builder = Mail::builder()
            .from(mailbox(&self.from))
            .date(SystemTime::from(now))
            .message_id(Some(message_id(&batch.id, &self.from)))
            .subject(&message.subject)
            // So that no one's absence note answers (RFC 3834, 5).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN);
        if let Some(owner) = owner {
            builder = builder.to(mailbox(owner));
        }
        for listed in self.to.iter().filter(|listed| Some(*listed) != owner) {
            let listed = mailbox(listed);
            builder = if owner.is_some() { builder.cc(listed) } else { builder.to(listed) };
        }
        let mail = builder.body(message.text.clone());
        mail.map_err(|error| Failure::Unsayable(error.to_string()))
    }

    async fn submit(&self, mail: Mail) -> Result<(), Failure> {
        let sent = tokio::time::timeout(self.tries.mail_timeout, self.transport.send(mail)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::MailDeferred("it took too long".to_owned())),
        }
    }
}

/// An id that is the same for the same batch, whatever the batch's own looks like.
fn message_id(batch: &str, from: &Address) -> String {
    let digest = hex::encode(Sha256::digest(batch.as_bytes()));
    format!("<{}@{}>", digest.get(..32).unwrap_or_default(), from.domain())
}

fn failure(error: &smtp::Error) -> Failure {
    let refused =
        error.is_permanent() || error.is_client() || error.is_tls() || error.is_response();
    let problem = chain(error);
    if refused { Failure::MailRefused(problem) } else { Failure::MailDeferred(problem) }
}

/// An error and its causes, some of which are the server's words, as they may be shown.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    plain(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_ascii_without_room_for_more() {
        for text in ["alice@example.com", "a.b+c@mail.example.com", "x_y@localhost"] {
            assert_eq!(address(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "alice",
            "alice@",
            "@example.com",
            "alice@example.com\r\nBcc: x@evil.example",
            "alice@example.com,x@evil.example",
            "alice <alice@example.com>",
            "\"a b\"@example.com",
            "a@b@example.com",
            "ålice@example.com",
            "alice@exa\u{0}mple.com",
            "alice@[127.0.0.1]",
            &format!("{}@example.com", "a".repeat(300)),
        ] {
            assert!(address(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_server_is_a_host_and_a_port() {
        for text in ["smtp.example.com:587", "127.0.0.1:25", "[::1]:2525", "localhost:1"] {
            let shown = Smtp::parse(text).unwrap().to_string();
            assert_eq!(shown, text.replace(['[', ']'], ""));
        }
        for text in
            ["smtp.example.com", "smtp.example.com:0", "smtp:x", ":25", "::1:25", "a b:1", "[x]:1"]
        {
            assert!(Smtp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn mail_goes_in_the_clear_to_this_host_only() {
        for (host, allowed) in
            [("smtp.example.com:25", false), ("localhost:25", true), ("[::1]:25", true)]
        {
            let smtp = Smtp::parse(host).unwrap();
            assert_eq!(smtp.clone().secured_by(Tls::None).is_ok(), allowed, "{host}");
            assert!(smtp.secured_by(Tls::Implicit).is_ok());
        }
    }

    #[test]
    fn a_message_id_is_stable_and_holds_nothing_of_the_batch() {
        let from = address("zenreaper@example.com").unwrap();
        let id = message_id("x>\r\nBcc: y", &from);
        assert_eq!(id, message_id("x>\r\nBcc: y", &from));
        assert_ne!(id, message_id("y", &from));
        assert!(!id.contains("Bcc") && id.ends_with("@example.com>"), "{id}");
    }
}
