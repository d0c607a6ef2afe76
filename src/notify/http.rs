//! Webhooks and chats: one POST of JSON, tried again where that can help.

use std::fmt;

use backoff::{ExponentialBuilder, Retryable};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::{
    Client, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;
use sha2::Sha256;

use super::{
    Failure, Tries,
    template::{Message, listed, top_detail},
};
use crate::{
    cloud::is_loopback,
    notice::{Batch, Notice},
};

/// The most characters that Slack takes in a message.
const SLACK_CHARS_MAX: usize = 40_000;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Where a webhook or a chat is: https, or http towards this host. Only its origin is ever shown.
#[derive(Clone, Eq, PartialEq)]
pub struct SinkUrl(Url);

impl SinkUrl {
    /// Reads a URL; what is wrong comes back without it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
        let loopback = is_loopback(url.host_str().unwrap_or_default());
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err("plain http is taken towards loopback only".to_owned()),
            _ => return Err("it is not an https URL".to_owned()),
        }
        if url.username().is_empty() && url.password().is_none() {
            Ok(Self(url))
        } else {
            Err("the URL of a sink holds no user and no password".to_owned())
        }
    }
}

impl fmt::Debug for SinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/...", self.0.origin().ascii_serialization())
    }
}

/// What posts to one URL.
pub(super) struct Poster {
    client: Client,
    url: Url,
    tries: Tries,
}

impl Poster {
    /// What posts to this URL.
    pub(super) fn new(url: SinkUrl, tries: Tries) -> Result<Self, reqwest::Error> {
        let SinkUrl(url) = url;
        let mut builder = Client::builder()
            .user_agent(concat!("zenreaper/", env!("CARGO_PKG_VERSION")))
            // Whoever answers for the receiver may not send a notice, and its signature, to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(tries.post_timeout);
        if is_loopback(url.host_str().unwrap_or_default()) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(reqwest::Error::without_url)?;
        Ok(Self { client, url, tries })
    }

    /// Posts until it is taken, refused for good, or the tries are used up.
    pub(super) async fn post(&self, body: Vec<u8>, headers: HeaderMap) -> Result<(), Failure> {
        let Tries { posts_max, first_delay, delay_max, .. } = self.tries;
        let pauses = ExponentialBuilder::default()
            .with_min_delay(first_delay)
            .with_max_delay(delay_max)
            .with_max_times(posts_max.saturating_sub(1))
            .with_jitter();
        (|| self.attempt(&body, &headers)).retry(pauses).when(Failure::is_transient).await
    }

    /// One try. The body of the answer is not read: the status says it all, and its size is not ours to bound.
    async fn attempt(&self, body: &[u8], headers: &HeaderMap) -> Result<(), Failure> {
        let request = self.client.post(self.url.clone()).headers(headers.clone());
        let answer = request.body(body.to_vec()).send().await;
        let status = answer.map_err(|error| Failure::NoAnswer(error.without_url()))?.status();
        if status.is_success() { Ok(()) } else { Err(Failure::Status(status.as_u16())) }
    }
}

/// What a webhook gets.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    stage: &'static str,
    account: &'a str,
    owner: Option<&'a str>,
    sent_at: Timestamp,
    subject: &'a str,
    text: &'a str,
    detail: Option<&'a str>,
    machines: &'a [Notice],
}

/// The body of a webhook's call.
pub(super) fn webhook_body(
    batch: &Batch,
    message: &Message,
    now: Timestamp,
) -> Result<Vec<u8>, Failure> {
    let body = Body {
        id: &batch.id,
        stage: batch.stage.as_str(),
        account: &batch.account,
        owner: batch.owner.as_deref(),
        sent_at: now,
        subject: &message.subject,
        text: &message.text,
        detail: top_detail(batch),
        machines: listed(batch),
    };
    serde_json::to_vec(&body).map_err(|error| Failure::Unsayable(error.to_string()))
}

/// The headers of a webhook's call.
pub(super) fn webhook_headers(
    id: &str,
    body: &[u8],
    secret: Option<&SecretString>,
) -> Result<HeaderMap, Failure> {
    let value = |text: &str| {
        HeaderValue::from_str(text)
            .map_err(|_| Failure::Unsayable("its id does not fit into a header".to_owned()))
    };
    let mut headers = slack_headers();
    headers.insert("Idempotency-Key", value(id)?);
    if let Some(secret) = secret {
        let signature = signature(secret.expose_secret(), body);
        headers.insert("X-Zenreaper-Signature", value(&format!("sha256={signature}"))?);
    }
    Ok(headers)
}

/// The HMAC-SHA256 of a body, in lower-case hexadecimal.
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length of key");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// The headers of a chat's call.
pub(super) fn slack_headers() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, JSON)])
}

/// The body of a chat's call.
pub(super) fn slack_body(text: &str) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(&json!({ "text": escape(text) }))
        .map_err(|error| Failure::Unsayable(error.to_string()))
}

/// Whether Slack takes a text, once it is escaped.
pub(super) fn fits_slack(text: &str) -> bool {
    escape(text).chars().count() <= SLACK_CHARS_MAX
}

/// The three characters by which a text could call people or hide a link (Slack's reference, "Formatting text").
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_known_one() {
        // RFC 4231, test case 2.
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_text_cannot_call_a_channel() {
        let body = slack_body("<!channel> & <https://evil.example|x>").unwrap();
        let text = r#"{"text":"&lt;!channel&gt; &amp; &lt;https://evil.example|x&gt;"}"#;
        assert_eq!(String::from_utf8(body).unwrap(), text);
    }

    #[test]
    fn what_is_escaped_counts_towards_the_bound_of_slack() {
        assert!(fits_slack(&"é".repeat(SLACK_CHARS_MAX)));
        assert!(!fits_slack(&"é".repeat(SLACK_CHARS_MAX + 1)));
        assert!(!fits_slack(&"&".repeat(SLACK_CHARS_MAX / 4)));
    }

    #[test]
    fn a_url_is_https_or_loopback_and_shows_its_origin_only() {
        for text in ["https://a.example/x?y=hunter2", "http://127.0.0.1:1/hunter2", "http://[::1]"]
        {
            let shown = format!("{:?}", SinkUrl::parse(text).unwrap());
            assert!(!shown.contains("hunter2") && shown.ends_with("/..."), "{shown}");
        }
        for text in [
            "http://a.example/hunter2",
            "ftp://a.example/hunter2",
            "https://me:hunter2@a.example/",
            "https://hunter2@a.example/",
            "hunter2",
            "",
        ] {
            let problem = SinkUrl::parse(text).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn an_id_that_is_no_header_is_an_error_and_not_a_second_header() {
        assert!(webhook_headers("a\r\nX-Evil: 1", b"", None).is_err());
    }
}
