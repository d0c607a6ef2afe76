//! ZC2-HMAC-SHA256, the request signature of Zenlayer's API v2.
//!
//! Pure: the caller brings the time. The canonical URI is always `/`, whatever the path of the
//! request (Zenlayer's API reference, "Signature process"). The client signs with it and the sandbox verifies
//! with it; both are proven against known answers that neither of them made.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The value of the `X-ZC-Signature-Method` header.
pub const METHOD: &str = "ZC2-HMAC-SHA256";

/// The headers that are signed, in the order in which they are signed.
pub const SIGNED_HEADERS: &str = "content-type;host";

/// What a signature covers, each value exactly as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The `Content-Type` header.
    pub content_type: &'a str,
    /// The `Host` header; a port counts.
    pub host: &'a str,
    /// The `X-ZC-Timestamp` header, in Unix seconds.
    pub timestamp: i64,
    /// The whole body.
    pub body: &'a [u8],
}

/// The signature of a request under an access key's password, in lower-case hexadecimal.
#[must_use]
pub fn signature(request: &Request<'_>, access_key_secret: &str) -> String {
    let canonical = format!(
        "POST\n/\n\ncontent-type:{}\nhost:{}\n\n{SIGNED_HEADERS}\n{}",
        request.content_type,
        request.host,
        hex::encode(Sha256::digest(request.body)),
    );
    let to_sign = format!(
        "{METHOD}\n{}\n{}",
        request.timestamp,
        hex::encode(Sha256::digest(canonical.as_bytes())),
    );
    hex::encode(mac(access_key_secret, &to_sign).finalize().into_bytes())
}

/// The `Authorization` header of a request signed by an access key.
#[must_use]
pub fn authorization(
    request: &Request<'_>,
    access_key_id: &str,
    access_key_secret: &str,
) -> String {
    let signature = signature(request, access_key_secret);
    format!(
        "{METHOD} Credential={access_key_id}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}"
    )
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac(key: &str, message: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length of key");
    mac.update(message.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_hold() {
        let documented = Request {
            content_type: "application/json; charset=utf-8",
            host: "console.zenlayer.com",
            timestamp: 1_673_361_177,
            body: br#"{"pageSize":10,"pageNum":1,"zoneId":"HKG-A"}"#,
        };
        let of_the_cli = Request {
            content_type: "application/json",
            host: "localhost:18443",
            timestamp: 1_795_400_463,
            body: br#"{"pageNum":1,"pageSize":10}"#,
        };
        let password = "Gu5t9xGARNpq86cd98joQYCN3";
        check(
            &documented,
            password,
            "efb356c32e55c781e10dc676da59462c22596d82e91c57803666243379555b2f",
        );
        check(
            &Request { content_type: "application/json", ..documented },
            password,
            "9fdd5117d611874c57b6514c5265c94aee7b716f33906836f9ebda1b56cbc119",
        );
        check(
            &of_the_cli,
            "SKtest",
            "0a554c7c31e5366764780711e2d75fd6e9aba77fb84e6f677d095f3d60fd58ec",
        );
        check(
            &Request { timestamp: 1_795_400_464, body: br#"{"instanceId":"i1"}"#, ..of_the_cli },
            "SKtest",
            "984580311d799587ebef3a8cb213d50ecafaa84880cc0e23a055097fe54916d0",
        );
    }

    fn check(request: &Request<'_>, secret: &str, expected: &str) {
        assert_eq!(signature(request, secret), expected);
        assert_eq!(
            authorization(request, "AKtest", secret),
            format!(
                "ZC2-HMAC-SHA256 Credential=AKtest, SignedHeaders=content-type;host, Signature={expected}"
            ),
        );
    }
}
