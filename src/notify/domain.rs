//! A mail domain, and who is of it.

use lettre::Address;

use crate::lifetime::shorten;

/// The longest domain and the longest part between its dots, in bytes (RFC 1035, 2.3.4).
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// A mail domain such as `example.com`, in lower case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Domain(String);

impl Domain {
    /// Reads a domain, in plain ASCII and in any case.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_label = |label: &str| {
            let is_framed = !label.starts_with('-') && !label.ends_with('-');
            (1..=LABEL_BYTES_MAX).contains(&label.len())
                && is_framed
                && label.bytes().all(is_letter)
        };
        // A last part that is a number makes it an IP address, or nothing.
        let is_name = text
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().any(|byte| !byte.is_ascii_digit()));
        if text.len() <= DOMAIN_BYTES_MAX && text.split('.').all(is_label) && is_name {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(format!("`{}` is not a mail domain", shorten(text)))
        }
    }

    /// Whether an address is of this very domain. One of a subdomain is not, and neither is one that asks to be sent on from
    /// there: mail servers read `bob%elsewhere@here` and `elsewhere!bob@here` as `bob@elsewhere` where they trust the sender.
    pub(super) fn holds(&self, address: &Address) -> bool {
        let is_sent_on = address.user().contains(['%', '!']);
        !is_sent_on && address.domain().eq_ignore_ascii_case(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_plain_ascii_and_a_name() {
        for text in ["example.com", "MAIL.Example.com", "localhost", "xn--exmple-cua.com", "3m.com"]
        {
            assert_eq!(Domain::parse(text), Ok(Domain(text.to_lowercase())));
        }
        for text in [
            "",
            ".",
            "example.com.",
            ".example.com",
            "example..com",
            "*.example.com",
            "@example.com",
            "ops@example.com",
            " example.com",
            "example.com\n",
            "-example.com",
            "example-.com",
            "ex_ample.com",
            "exämple.com",
            "example。com",
            "example.com,example.org",
            "192.0.2.1",
            "[192.0.2.1]",
            "25",
            &"a".repeat(64),
            &["a"; 128].join("."),
        ] {
            assert!(Domain::parse(text).is_err(), "{text:?}");
        }
    }
}
