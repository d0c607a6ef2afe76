//! Telling people: a [`Batch`] goes through a named sink, into the log, to a webhook, a chat or a mailbox.
//!
//! Delivery is at least once. A batch that is sent again has the same id, which a webhook gets as `Idempotency-Key` and a
//! mailbox as `Message-ID`, so that a receiver can tell. What comes from outside (names, tags, answers) is escaped and bounded
//! before it is shown; the URL of a sink is a secret and never stands in an error. This module decides nothing about machines.

mod domain;
mod email;
mod http;
mod template;

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use lettre::Address;
use secrecy::{ExposeSecret, SecretString};
use tracing::info;

pub use self::{
    domain::Domain,
    email::{Smtp, Tls, address},
    http::SinkUrl,
    template::{DEFAULT_SUBJECT, DEFAULT_TEXT, check as check_template},
};
use self::{email::Mailer, http::Poster, template::Templates};
use crate::notice::{Batch, Notice, Stage};

/// The largest text of a webhook or a mail, in bytes.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// What is told, and through which sinks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The key of the tag that names a machine's owner.
    pub owner_tag: String,
    /// The domains whose owners get mail; `None` if an owner of any does.
    pub owner_domains: Option<Vec<Domain>>,
    /// The template of the subject.
    pub subject: String,
    /// The template of the text.
    pub text: String,
    /// The sinks; their names are distinct.
    pub sinks: Vec<SinkSettings>,
    /// How a batch is tried.
    pub tries: Tries,
}

impl Default for Settings {
    fn default() -> Self {
        let log = SinkSettings {
            name: "log".to_owned(),
            stages: vec![Stage::Noticed, Stage::Withdrawn],
            kind: Kind::Log,
        };
        Self {
            owner_tag: "owner".to_owned(),
            owner_domains: None,
            subject: DEFAULT_SUBJECT.to_owned(),
            text: DEFAULT_TEXT.to_owned(),
            sinks: vec![log],
            tries: Tries::default(),
        }
    }
}

/// A sink.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    /// Its name in logs and credentials.
    pub name: String,
    /// The stages that are told through it.
    pub stages: Vec<Stage>,
    /// What it is.
    pub kind: Kind,
}

/// What a sink is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A line of the log for each machine.
    Log,
    /// A POST of JSON, signed if there is a secret.
    Webhook {
        /// Where to; `None` if the credentials say.
        url: Option<SinkUrl>,
    },
    /// An incoming webhook of Slack, or of what speaks like it.
    Slack {
        /// Where to; `None` if the credentials say.
        url: Option<SinkUrl>,
    },
    /// A mail.
    Email {
        /// The server that takes it.
        smtp: Smtp,
        /// Who sends it.
        from: Address,
        /// Who gets it if the owner gets none, and a copy if the owner does.
        to: Vec<Address>,
    },
}

/// How a batch is tried before it is given up for now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tries {
    /// How often a POST is tried in all.
    pub posts_max: usize,
    /// How long one try of a POST may take.
    pub post_timeout: Duration,
    /// How long one try of a mail may take.
    pub mail_timeout: Duration,
    /// The first pause; each next one is twice as long, and jitter is added.
    pub first_delay: Duration,
    /// The longest pause.
    pub delay_max: Duration,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            posts_max: 3,
            post_timeout: Duration::from_secs(10),
            mail_timeout: Duration::from_secs(20),
            first_delay: Duration::from_millis(200),
            delay_max: Duration::from_secs(2),
        }
    }
}

/// What a sink has to know and nobody may see.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The key under which a webhook's body is signed.
    pub secret: Option<SecretString>,
    /// Where a webhook or a chat is.
    pub url: Option<SecretString>,
    /// The user at the mail server.
    pub username: Option<SecretString>,
    /// The user's password.
    pub password: Option<SecretString>,
}

/// Why nothing can be sent, or was not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such sink.
    #[error("there is no sink `{0}`")]
    UnknownSink(String),
    /// A sink's secrets cannot be had.
    #[error("cannot find the credentials of the sink `{sink}`")]
    Secrets {
        /// The sink.
        sink: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A sink cannot be made from its settings and secrets.
    #[error("the sink `{sink}` cannot be used: {problem}")]
    Unusable {
        /// The sink.
        sink: String,
        /// Why, and what to do.
        problem: String,
    },
    /// A template cannot be used.
    #[error("the templates of notices cannot be used: {0}")]
    Template(String),
    /// A batch was not taken, or it is not known whether it was.
    #[error("the sink `{sink}` did not take a notice")]
    NotSent {
        /// The sink.
        sink: String,
        /// Why.
        source: Failure,
    },
}

impl Error {
    /// Whether the same batch may well be taken later, without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotSent { source, .. } => source.is_transient(),
            Self::UnknownSink(_)
            | Self::Secrets { .. }
            | Self::Unusable { .. }
            | Self::Template(_) => false,
        }
    }
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The receiver answered with something else than success.
    #[error("it answered with the status {0}")]
    Status(u16),
    /// There was no answer.
    #[error("it did not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The mail server could not be reached, or asks to try again later.
    #[error("the mail server did not take it for now: {0}")]
    MailDeferred(String),
    /// The mail server refuses.
    #[error("the mail server refuses it: {0}")]
    MailRefused(String),
    /// The batch makes no message.
    #[error("it makes no message: {0}")]
    Unsayable(String),
}

impl Failure {
    fn is_transient(&self) -> bool {
        match self {
            Self::Status(status) => *status == 429 || (500..=599).contains(status),
            Self::NoAnswer(error) => !error.is_builder(),
            Self::MailDeferred(_) => true,
            Self::MailRefused(_) | Self::Unsayable(_) => false,
        }
    }
}

/// Sends batches through sinks.
#[derive(Clone)]
pub struct Notifier {
    shared: Arc<Shared>,
}

struct Shared {
    templates: Templates,
    sinks: Vec<Sink>,
}

struct Sink {
    name: String,
    stages: Vec<Stage>,
    channel: Channel,
}

enum Channel {
    Log,
    Webhook { poster: Poster, secret: Option<SecretString> },
    Slack(Poster),
    Email(Box<Mailer>),
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sinks: Vec<_> = self.sinks().map(|(name, _)| name).collect();
        f.debug_struct("Notifier").field("sinks", &sinks).finish_non_exhaustive()
    }
}

impl Notifier {
    /// A notifier; `secrets` finds those of a sink by its name.
    pub fn new<E>(
        settings: &Settings,
        mut secrets: impl FnMut(&str) -> Result<Secrets, E>,
    ) -> Result<Self, Error>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let templates =
            Templates::new(&settings.subject, &settings.text).map_err(Error::Template)?;
        let mut sinks = Vec::new();
        for sink in &settings.sinks {
            let name = || sink.name.clone();
            let secrets = secrets(&sink.name)
                .map_err(|error| Error::Secrets { sink: name(), source: error.into() })?;
            let channel = channel(sink, secrets, settings)
                .map_err(|problem| Error::Unusable { sink: name(), problem })?;
            sinks.push(Sink { name: name(), stages: sink.stages.clone(), channel });
        }
        Ok(Self { shared: Arc::new(Shared { templates, sinks }) })
    }

    /// The sinks by name, and the stages that are told through each.
    pub fn sinks(&self) -> impl Iterator<Item = (&str, &[Stage])> {
        self.shared.sinks.iter().map(|sink| (sink.name.as_str(), sink.stages.as_slice()))
    }

    /// Sends a batch through a sink. An error may come although the batch has arrived; it is sent again under the same id then.
    pub async fn send(&self, sink: &str, batch: &Batch, now: Timestamp) -> Result<(), Error> {
        let Some(found) = self.shared.sinks.iter().find(|one| one.name == sink) else {
            return Err(Error::UnknownSink(template::plain(sink)));
        };
        let sent = found.send(&self.shared.templates, batch, now).await;
        sent.map_err(|source| Error::NotSent { sink: found.name.clone(), source })
    }
}

impl Sink {
    async fn send(
        &self,
        templates: &Templates,
        batch: &Batch,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let short = |text: &str| text.len() <= TEXT_BYTES_MAX;
        match &self.channel {
            Channel::Log => {
                batch.notices.iter().for_each(|notice| log(batch, notice));
                Ok(())
            }
            Channel::Webhook { poster, secret } => {
                let message = templates.render(batch, short)?;
                let body = http::webhook_body(batch, &message, now)?;
                let headers = http::webhook_headers(&batch.id, &body, secret.as_ref())?;
                poster.post(body, headers).await
            }
            Channel::Slack(poster) => {
                let message = templates.render(batch, http::fits_slack)?;
                poster.post(http::slack_body(&message.text)?, http::slack_headers()).await
            }
            Channel::Email(mailer) => {
                let message = templates.render(batch, short)?;
                mailer.send(batch, &message, now).await
            }
        }
    }
}

fn channel(sink: &SinkSettings, secrets: Secrets, settings: &Settings) -> Result<Channel, String> {
    let tries = settings.tries;
    match &sink.kind {
        Kind::Log => Ok(Channel::Log),
        Kind::Webhook { url } => {
            let poster = poster(sink, url.as_ref(), &secrets, tries)?;
            Ok(Channel::Webhook { poster, secret: secrets.secret })
        }
        Kind::Slack { url } => poster(sink, url.as_ref(), &secrets, tries).map(Channel::Slack),
        Kind::Email { smtp, from, to } => {
            let login = match (secrets.username, secrets.password) {
                (Some(username), Some(password)) => Some((username, password)),
                (None, None) => None,
                (Some(_), None) => return Err("there is a username but no password".to_owned()),
                (None, Some(_)) => return Err("there is a password but no username".to_owned()),
            };
            let mailer = Mailer::new(smtp, (from, to), login, settings)?;
            Ok(Channel::Email(Box::new(mailer)))
        }
    }
}

/// What posts to the URL of the credentials, or else to that of the config.
fn poster(
    sink: &SinkSettings,
    own: Option<&SinkUrl>,
    secrets: &Secrets,
    tries: Tries,
) -> Result<Poster, String> {
    let url = match (&secrets.url, own) {
        (Some(url), _) => SinkUrl::parse(url.expose_secret())
            .map_err(|problem| format!("the URL among its credentials: {problem}"))?,
        (None, Some(url)) => url.clone(),
        (None, None) => return Err(without_url(&sink.name)),
    };
    Poster::new(url, tries).map_err(|error| format!("there is no HTTP client: {error}"))
}

fn without_url(sink: &str) -> String {
    let variable = variable(sink, "url");
    format!(
        "it has no URL: give `url` in the config, notices.{sink}.url as a systemd credential, or {variable}"
    )
}

/// The environment variable that holds one of a sink's secrets.
#[must_use]
pub fn variable(sink: &str, secret: &str) -> String {
    let upper = |text: &str| text.to_ascii_uppercase().replace('-', "_");
    format!("ZENREAPER_NOTICES_{}_{}", upper(sink), upper(secret))
}

fn log(batch: &Batch, notice: &Notice) {
    let plain = |text: &Option<String>| text.as_deref().map(template::plain);
    let (stage, account) = (batch.stage.as_str(), batch.account.as_str());
    let (owner, instance_id) = (plain(&batch.owner), plain(&notice.instance_id));
    let (name, rule) = (plain(&notice.name), plain(&notice.rule));
    let terminate_at = notice.terminate_at.map(|at| at.to_string());
    let detail = template::plain(&notice.detail);
    info!(stage, account, owner, instance_id, name, rule, terminate_at, "notice: {detail}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notifier(kind: Kind, secrets: &Secrets) -> Result<Notifier, Error> {
        let sink = SinkSettings { name: "team-chat".to_owned(), stages: Stage::ALL.to_vec(), kind };
        let settings = Settings { sinks: vec![sink], ..Settings::default() };
        Notifier::new(&settings, |_| Ok::<_, Error>(secrets.clone()))
    }

    #[test]
    fn nothing_said_means_the_log_is_told_what_will_and_will_not_happen() {
        let notifier =
            Notifier::new(&Settings::default(), |_| Ok::<_, Error>(Secrets::default())).unwrap();
        let sinks: Vec<_> = notifier.sinks().collect();
        assert_eq!(sinks, [("log", &[Stage::Noticed, Stage::Withdrawn][..])]);
    }

    #[test]
    fn a_sink_needs_a_url_from_somewhere_and_says_from_where() {
        for kind in [Kind::Slack { url: None }, Kind::Webhook { url: None }] {
            let error = notifier(kind.clone(), &Secrets::default()).unwrap_err().to_string();
            for part in ["`team-chat`", "notices.team-chat.url", "ZENREAPER_NOTICES_TEAM_CHAT_URL"]
            {
                assert!(error.contains(part), "{error}");
            }
            let url = Some("https://hooks.example.com/T0/hunter2".into());
            let notifier = notifier(kind, &Secrets { url, ..Secrets::default() }).unwrap();
            assert!(!format!("{notifier:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_url_that_is_wrong_is_not_quoted() {
        for url in ["http://hooks.example.com/hunter2", "hunter2", "https://me:hunter2@x.example"] {
            let secrets = Secrets { url: Some(url.into()), ..Secrets::default() };
            let error = notifier(Kind::Slack { url: None }, &secrets).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn half_a_login_is_an_error() {
        let email = || Kind::Email {
            smtp: Smtp::parse("smtp.example.com:587").unwrap(),
            from: address("zenreaper@example.com").unwrap(),
            to: vec![address("ops@example.com").unwrap()],
        };
        let half = Secrets { username: Some("me".into()), ..Secrets::default() };
        let error = notifier(email(), &half).unwrap_err().to_string();
        assert!(error.contains("a username but no password"), "{error}");
        let whole = Secrets { password: Some("hunter2".into()), ..half };
        assert!(notifier(email(), &whole).is_ok());
        assert!(!format!("{whole:?}").contains("hunter2"));
    }
}
