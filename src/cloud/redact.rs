//! Removes secrets from text that is about to be shown, logged, stored or counted.
//!
//! The other side of a call may echo what it was sent: in a message, a request id, a code, or an error page that somebody put in
//! between. An echo may be escaped, encoded, folded to capitals or cut in the middle, so a secret is recognised by each part of
//! it that is long enough, in each of the forms that it may have.

use std::collections::HashSet;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use secrecy::ExposeSecret;

use super::{Code, Credentials, Error};

/// What stands in the place of a secret.
const REDACTED: &str = "[secret]";

/// How many characters of a secret in a row give it away; all of it if it is shorter.
const PART_CHARS: usize = 8;

/// How many hexadecimal digits behind the word `signature` are a signature that was cut, and how many are one anywhere.
const SIGNATURE_PART: usize = 8;
const SIGNATURE_DIGITS: usize = 64;

/// Returns the text without these secrets, in whatever form they are in it, and without signatures of requests.
#[must_use]
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let letters: Vec<(usize, char)> = text.char_indices().map(|(n, c)| (n, folded(c))).collect();
    let plain: Vec<char> = letters.iter().map(|(_, letter)| *letter).collect();
    let mut hidden = signatures(&plain);
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        hide(&plain, &form, &mut hidden);
    }
    let mut shown = String::with_capacity(text.len());
    let mut was_hidden = false;
    for (c, is_hidden) in text.chars().zip(hidden) {
        match (is_hidden, was_hidden) {
            (false, _) => shown.push(c),
            (true, false) => shown.push_str(REDACTED),
            (true, true) => {}
        }
        was_hidden = is_hidden;
    }
    shown
}

/// Folds a character as [`Code::folded`] does, so that a secret is found in a code too.
fn folded(c: char) -> char {
    if c.is_ascii_alphanumeric() || !c.is_ascii() { c.to_ascii_uppercase() } else { '_' }
}

/// Returns the forms in which a secret may come back.
fn forms(secret: &str) -> Vec<Vec<char>> {
    let secret = secret.trim();
    if secret.is_empty() {
        return Vec::new();
    }
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_start_matches('"').trim_end_matches('"').to_owned();
    let percent = |keeps: &str| {
        let encode = |byte: u8| match char::from(byte) {
            c if c.is_ascii_alphanumeric() || keeps.contains(c) => c.to_string(),
            _ => format!("%{byte:02X}"),
        };
        secret.bytes().map(encode).collect::<String>()
    };
    let hex = hex::encode(secret);
    let mut forms = vec![secret.to_owned(), json.replace('/', "\\/"), json];
    forms.extend([percent(""), percent("-._~"), hex]);
    // A secret within a longer text that is encoded, such as `user:secret`, may begin at any of three places of a group.
    for before in ["", "x", "xx"] {
        let bytes = format!("{before}{secret}");
        // What shares a group with its neighbours differs.
        let inner = |text: String| {
            let skip = if before.is_empty() { 0 } else { before.len() + 1 };
            let end = text.len().saturating_sub(usize::from(!bytes.len().is_multiple_of(3)));
            text.get(skip..end).unwrap_or_default().to_owned()
        };
        forms.push(inner(STANDARD_NO_PAD.encode(&bytes)));
        forms.push(inner(URL_SAFE_NO_PAD.encode(&bytes)));
    }
    let mut forms: Vec<Vec<char>> =
        forms.iter().map(|form| form.chars().map(folded).collect()).collect();
    // A form that is cut to less than the secret has would match what is not secret at all.
    let length = secret.chars().count().min(PART_CHARS);
    forms.retain(|form| form.len() >= length);
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Marks what of a text is part of a form of a secret.
fn hide(text: &[char], form: &[char], hidden: &mut [bool]) {
    let part = form.len().min(PART_CHARS);
    let parts: HashSet<&[char]> = form.windows(part).collect();
    for (start, window) in text.windows(part).enumerate() {
        if parts.contains(window) {
            hidden.iter_mut().skip(start).take(part).for_each(|one| *one = true);
        }
    }
}

/// Marks the signatures of requests in a text: an `Authorization` header that comes back can be sent again for five minutes.
fn signatures(text: &[char]) -> Vec<bool> {
    const WORD: [char; 9] = ['S', 'I', 'G', 'N', 'A', 'T', 'U', 'R', 'E'];
    let mut hidden = vec![false; text.len()];
    let mut start = 0;
    while start < text.len() {
        let digits = text.iter().skip(start).take_while(|c| c.is_ascii_hexdigit()).count();
        let before = text.get(..start).unwrap_or_default();
        // Between the word and the digits may stand `=`, `":"` or `%3D`.
        let is_behind_word = (0..=WORD.len()).any(|gap| {
            let end = before.len().checked_sub(gap);
            end.and_then(|end| before.get(..end)).is_some_and(|before| before.ends_with(&WORD))
        });
        let least = if is_behind_word { SIGNATURE_PART } else { SIGNATURE_DIGITS };
        if digits >= least {
            hidden.iter_mut().skip(start).take(digits).for_each(|one| *one = true);
        }
        start += digits.max(1);
    }
    hidden
}

impl Credentials {
    /// Returns the text without our secrets, in case the other side sends them back.
    pub(super) fn redact(&self, text: &str) -> String {
        let secret = match self {
            Self::KeyPair { access_key_secret, .. } => access_key_secret,
            Self::Token(token) => token,
        };
        redact(text, &[secret.expose_secret()])
    }
}

impl Error {
    /// Returns the error without our secrets in anything that came from outside: the message, the request id and the code.
    pub(super) fn redacted(self, credentials: &Credentials) -> Self {
        let Self { code, request_id, message, .. } = &self;
        let code = if code.is_documented() {
            code.clone()
        } else {
            Code::folded(&credentials.redact(code.as_str()))
        };
        let request_id = request_id.as_deref().map(|id| credentials.redact(id));
        let message = credentials.redact(message);
        Self { code, request_id, message, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Action;

    const SECRET: &str = "Gu5t9x/ARN+q86\"cd98 joQYCN3";

    fn check(text: &str, expected: &str) {
        assert_eq!(redact(text, &[SECRET]), expected);
    }

    #[test]
    fn a_secret_is_removed_in_whatever_form_it_comes_back() {
        check(&format!("bad token {SECRET}!"), "bad token [secret]!");
        check(
            &format!("{{\"t\":{}}}", serde_json::to_string(SECRET).unwrap()),
            "{\"t\":\"[secret]\"}",
        );
        check("t=Gu5t9x\\/ARN+q86\\\"cd98 joQYCN3&", "t=[secret]&");
        check("t=Gu5t9x%2FARN%2Bq86%22cd98%20joQYCN3&", "t=[secret]&");
        check(&SECRET.to_uppercase(), "[secret]");
        check(Code::folded(&format!("BAD {SECRET}")).as_str(), "BAD_[secret]");
        check("cut at the end: Gu5t9x/ARN+q", "cut at the end: [secret]");
        check("cut at both ends: RN+q86\"cd9", "cut at both ends: [secret]");
        check("Gu5t9x is no secret yet", "Gu5t9x is no secret yet");
        for before in ["", "u:", "me:", "user:"] {
            for after in ["", "/", "\n\n"] {
                let encoded = STANDARD_NO_PAD.encode(format!("{before}{SECRET}{after}"));
                let shown = redact(&format!("Basic {encoded}=="), &[SECRET]);
                let left = shown.replace(REDACTED, "");
                assert!(shown.contains(REDACTED) && left.len() < 24, "{before}{after}: {shown}");
            }
        }
    }

    #[test]
    fn a_signature_that_comes_back_is_removed_and_other_digits_are_not() {
        let signature = "efb356c32e55c781e10dc676da59462c22596d82e91c57803666243379555b2f";
        let header =
            format!("ZC2-HMAC-SHA256 Credential=key, SignedHeaders=a;b, Signature={signature}");
        let expected = "ZC2-HMAC-SHA256 Credential=key, SignedHeaders=a;b, Signature=[secret]";
        check(&header, expected);
        check(&format!("\"signature\": \"{signature}\""), "\"signature\": \"[secret]\"");
        check(&format!("Signature%3D{}", &signature[..20]), "Signature%[secret]");
        check(&format!("the header {signature} is wrong"), "the header [secret] is wrong");
        for harmless in [
            "AUTHFAILURE_SIGNATURE_FAILURE",
            "AUTHFAILURE_SIGNATURE_EXPIRED",
            "5e0c9f3a-1111-4222-8333-abcdefabcdef",
            "i-0000000000000000 is gone",
            "",
        ] {
            check(harmless, harmless);
        }
    }

    #[test]
    fn a_short_secret_is_removed_as_a_whole_and_an_empty_one_hides_nothing() {
        assert_eq!(redact("bad hunter2!", &["hunter2"]), "bad [secret]!");
        assert_eq!(redact("all of it", &["", "  "]), "all of it");
        assert_eq!(redact("one and other", &["one", "other"]), "[secret] and [secret]");
    }

    #[test]
    fn an_error_is_rid_of_secrets_in_every_text_that_came_from_outside() {
        let credentials = Credentials::Token(SECRET.into());
        let code = Code::folded(&format!("DENIED_{SECRET}"));
        let mut error = Error::new(Action::Terminate, code, Some(403), format!("no {SECRET}"));
        error.request_id = Some(format!("r-{SECRET}"));
        let error = error.redacted(&credentials);
        assert_eq!(error.code.as_str(), "DENIED__SECRET_");
        assert_eq!(error.request_id.as_deref(), Some("r-[secret]"));
        assert_eq!(error.message, "no [secret]");
        let known = Error::new(Action::Terminate, Code::TIMEOUT, None, "late".to_owned());
        let credentials = Credentials::Token("TIMEOUT".into());
        assert_eq!(known.redacted(&credentials).code, Code::TIMEOUT);
        assert!(!format!("{credentials:?}").contains("TIMEOUT"));
    }
}
