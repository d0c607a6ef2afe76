//! Hides what looks like a credential in the lines and messages that are shown of a file, whoever put it there.

/// The words in the names of keys that hold credentials.
const CREDENTIAL_WORDS: [&str; 4] = ["secret", "token", "password", "access_key"];

/// The same, and words that hide a value without making its key an error.
const HIDING_WORDS: [&str; 10] = [
    "secret",
    "token",
    "password",
    "access_key",
    "passwd",
    "passphrase",
    "api_key",
    "apikey",
    "credential",
    "authorization",
];

/// The keys whose value may name a user and a password before an `@` by mistake.
const PLACE_KEYS: [&str; 5] = ["smtp", "endpoint", "journal", "listen", "url"];

/// Whether a key's name looks like that of a credential.
#[must_use]
pub fn is_credential(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    CREDENTIAL_WORDS.iter().any(|word| key.contains(word))
}

/// Blanks what stands behind keys that look like credentials, user and password before a host, and what a `url` has behind its
/// host, keeping every byte's place.
pub(super) fn mask_credentials(text: &str) -> String {
    let mask = |line| mask_path(&mask_places(&mask_logins(&mask_user(&mask_line(line)))));
    text.split_inclusive('\n').map(mask).collect()
}

/// Hides user and password before a host in a message, which may quote a value of a file, cut at some length.
pub(super) fn mask_message(message: &str) -> String {
    let mask = |(n, part): (usize, &str)| {
        let is_quoted = n % 2 == 1;
        let scheme = part.find("://").map(|at| at + 3);
        match (scheme, part.rfind('@')) {
            (Some(start), Some(end)) if start < end => shorter(part, start, end),
            // The host was cut off, and perhaps the end of the password.
            (Some(start), None) if part.ends_with('…') => cut_login(part, start),
            _ if is_quoted && part.contains('@') => {
                login_end(part).map_or_else(|| part.to_owned(), |end| shorter(part, 0, end))
            }
            _ if is_quoted && scheme.is_none() && part.ends_with('…') => cut_login(part, 0),
            _ => part.to_owned(),
        }
    };
    message.split('`').enumerate().map(mask).collect::<Vec<_>>().join("`")
}

/// Three stars in the place of some bytes.
fn shorter(text: &str, start: usize, end: usize) -> String {
    match (text.get(..start), text.get(end..)) {
        (Some(before), Some(after)) => format!("{before}***{after}"),
        _ => "***".to_owned(),
    }
}

/// Hides what may be the password of a text that was cut: what stands behind a colon and is not a port.
fn cut_login(text: &str, start: usize) -> String {
    let rest = text.get(start..).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let password = host.split_once(':').map_or("", |(_, password)| password);
    let is_harmless = password.trim_end_matches('…').bytes().all(|byte| byte.is_ascii_digit());
    if is_harmless || password.starts_with(' ') {
        return text.to_owned();
    }
    shorter(text, start, text.len() - '…'.len_utf8())
}

/// Where a login such as `user:password@` ends in a word; a mail address and `mailto:` are none.
fn login_end(word: &str) -> Option<usize> {
    let end = word.rfind('@')?;
    let (user, password) = word.get(..end)?.split_once(':')?;
    let is_mail = user.trim_start().eq_ignore_ascii_case("mailto") || password.starts_with(' ');
    (!is_mail && !user.contains('@')).then_some(end)
}

fn stars(text: &str) -> String {
    "*".repeat(text.len())
}

/// Blanks the path of a `url`: that of a chat's incoming webhook is its password.
fn mask_path(line: &str) -> String {
    let Some((before, rest)) = line.split_once("://").filter(|(before, _)| before.contains("url"))
    else {
        return line.to_owned();
    };
    let (url, after) = rest.split_at(rest.find([' ', '"', '\'', '\r', '\n']).unwrap_or(rest.len()));
    let (host, path) = url.split_at(url.find(['/', '?', '#']).unwrap_or(url.len()));
    format!("{before}://{host}{}{after}", stars(path))
}

/// Blanks user and password of a URL, such as that of a database.
fn mask_user(line: &str) -> String {
    let user = line.split_once("://").and_then(|(before, rest)| {
        let (user, after) = rest.rsplit_once('@')?;
        Some((before, user, after))
    });
    match user {
        Some((before, user, after)) => format!("{before}://{}@{after}", stars(user)),
        None => line.to_owned(),
    }
}

/// Blanks logins without a scheme, such as `user:password@host:587`, in any word of a line.
fn mask_logins(line: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || "\"'[]{},".contains(c);
    // What has a scheme is blanked above.
    let mask = |word: &str| match login_end(word).filter(|_| !word.contains("://")) {
        Some(end) => {
            let (login, host) = word.split_at_checked(end).unwrap_or((word, ""));
            format!("{}{host}", stars(login))
        }
        None => word.to_owned(),
    };
    line.split_inclusive(is_end)
        .map(|word| {
            let end = word.trim_end_matches(is_end).len();
            let (word, after) = word.split_at_checked(end).unwrap_or((word, ""));
            mask(word) + after
        })
        .collect()
}

/// Blanks what stands before an `@` in the values of keys that name a host, also where a password has spaces or commas.
fn mask_places(line: &str) -> String {
    let mut masked = line.to_owned();
    for key in PLACE_KEYS {
        let Some(value) = value_of(&masked, key) else { continue };
        let text = masked.get(value.clone()).unwrap_or_default();
        let Some(end) = text.rfind('@') else { continue };
        let start = text.find("://").map_or(0, |at| at + 3).min(end);
        let login = stars(text.get(start..end).unwrap_or_default());
        masked.replace_range(value.start + start..value.start + end, &login);
    }
    masked
}

/// Where in a line the value of a key stands, as far as it can be told without reading the file.
fn value_of(line: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let after = line.find(key)? + key.len();
    let colon = after + line.get(after..)?.find(|c: char| !"\"' ".contains(c))?;
    let start = line.get(colon..)?.strip_prefix(':').map(|_| colon + 1)?;
    let start = start + line.get(start..)?.find(|c: char| c != ' ')?;
    let value = line.get(start..)?;
    let length = match value.chars().next()? {
        quote @ ('"' | '\'') => 1 + value.get(1..)?.find(quote).unwrap_or(value.len() - 1),
        _ if line.get(..start)?.contains('{') => value.find([',', '}']).unwrap_or(value.len()),
        _ => value.find(" #").unwrap_or(value.len()),
    };
    Some(start..start + length)
}

fn mask_line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let word = HIDING_WORDS.iter().filter_map(|word| lower.find(word)).min();
    let colon = word.and_then(|word| Some(word + lower.get(word..)?.find(':')? + 1));
    let (shown, hidden) = line.split_at_checked(colon.unwrap_or(line.len())).unwrap_or((line, ""));
    let masked = hidden.trim_end_matches('\n');
    format!("{shown}{}{}", stars(masked), hidden.get(masked.len()..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_before_a_host_is_never_shown() {
        for (line, expected) in [
            ("  smtp: me:hunter2@mail.example.com:587", "  smtp: **********@mail.example.com:587"),
            ("smtp: smtp://me:hunter2@a.b:25\n", "smtp: smtp://**********@a.b:25\n"),
            (
                "- { smtp: \"me:a, b@a.b:25\", from: x@a.b }",
                "- { smtp: ********@a.b:25\", from: x@a.b }",
            ),
            ("smpt: me:hunter2@a.b:25 # ours", "smpt: **********@a.b:25 # ours"),
            ("endpoint: https://me:hun/ter2@a.b", "endpoint: https://***********@a.b"),
            ("from: \"zenreaper@example.com\"", "from: \"zenreaper@example.com\""),
            ("to: [\"mailto:a@b.c\"]", "to: [\"mailto:a@b.c\"]"),
            ("smtp_passwd: hunter2", "smtp_passwd:********"),
        ] {
            assert_eq!(mask_credentials(line), expected);
            assert_eq!(mask_credentials(line).len(), line.len(), "every byte keeps its place");
        }
    }

    #[test]
    fn a_message_quotes_no_login() {
        for (message, expected) in [
            ("`smtp://me:hunter2@a.b:587` is not a host", "`smtp://***@a.b:587` is not a host"),
            ("`me:hunter2@a.b:587` is not a host", "`***@a.b:587` is not a host"),
            ("`me:hun:t@er2@a.b` is not a host", "`***@a.b` is not a host"),
            ("`smtp://me:a-long-passw…` is not a host", "`smtp://***…` is not a host"),
            ("`me:a-long-passw…` is not a host", "`***…` is not a host"),
            (
                "`https://a.b:8443/a/long/path…` is not one",
                "`https://a.b:8443/a/long/path…` is not one",
            ),
            ("`Anna <a@b.c>` is not a mail address", "`Anna <a@b.c>` is not a mail address"),
            ("`mailto:a@b.c` is not a mail address", "`mailto:a@b.c` is not a mail address"),
            ("`a` and `b` are the same: x@y", "`a` and `b` are the same: x@y"),
        ] {
            assert_eq!(mask_message(message), expected);
        }
    }
}
