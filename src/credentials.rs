//! Where credentials come from: never from the config.
//!
//! In order: the directory that systemd hands over (`LoadCredential`), the environment, the profile of Zenlayer's CLI. The
//! first place that has anything of an account's must have all of it.

use std::{
    collections::HashMap,
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    cloud::Credentials,
    notify::{self, Secrets},
};

/// The largest credentials file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None of the places has any.
    #[error(
        "no credentials for the account `{0}`: give zenlayer.{0}.access_key_id and zenlayer.{0}.access_key_secret (or zenlayer.{0}.token) as systemd credentials, or set ZENLAYER_ACCESS_KEY_ID and ZENLAYER_ACCESS_KEY_SECRET (or ZENLAYER_TOKEN), or log in with Zenlayer's CLI"
    )]
    Missing(String),
    /// A place has one half of a key.
    #[error("{place} has {present} but not {absent}")]
    Half {
        /// The place.
        place: String,
        /// What is there.
        present: &'static str,
        /// What is not.
        absent: &'static str,
    },
    /// A file cannot be used.
    #[error("cannot read credentials from {}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong; never its content.
        problem: String,
    },
}

/// The environment, as a function of a variable's name.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

const ID: &str = "access_key_id";
const SECRET: &str = "access_key_secret";
const TOKEN: &str = "token";

/// The credentials of an account.
pub fn find(account: &str, env: Env<'_>) -> Result<Credentials, Error> {
    let places = [from_systemd, from_environment, from_cli];
    for place in places {
        if let Some(credentials) = place(account, env)? {
            return Ok(credentials);
        }
    }
    Err(Error::Missing(account.to_owned()))
}

/// The secrets of a sink: each from the systemd credential `notices.<sink>.<secret>`, else from the environment. That there are
/// none is no error here; the sink knows what it needs.
pub fn of_sink(sink: &str, env: Env<'_>) -> Result<Secrets, Error> {
    let find = |secret: &str| {
        let file = match env("CREDENTIALS_DIRECTORY") {
            Some(folder) => {
                read_file(&Path::new(&folder).join(format!("notices.{sink}.{secret}")))?
            }
            None => None,
        };
        let found = told(file).or_else(|| told(env(&notify::variable(sink, secret))));
        Ok(found.map(SecretString::from))
    };
    Ok(Secrets {
        secret: find("secret")?,
        url: find("url")?,
        username: find("username")?,
        password: find("password")?,
    })
}

/// The token that the status page and its API ask for: from the systemd credential `http.token`, else from the environment.
pub fn of_page(env: Env<'_>) -> Result<Option<SecretString>, Error> {
    let file = match env("CREDENTIALS_DIRECTORY") {
        Some(folder) => read_file(&Path::new(&folder).join("http.token"))?,
        None => None,
    };
    let found = told(file).or_else(|| told(env("ZENREAPER_HTTP_TOKEN")));
    Ok(found.map(SecretString::from))
}

/// What a place says, if it says anything.
fn told(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn from_systemd(account: &str, env: Env<'_>) -> Result<Option<Credentials>, Error> {
    let Some(directory) = env("CREDENTIALS_DIRECTORY") else {
        return Ok(None);
    };
    let read =
        |name: &str| read_file(&Path::new(&directory).join(format!("zenlayer.{account}.{name}")));
    let found = Found { id: read(ID)?, secret: read(SECRET)?, token: read(TOKEN)? };
    found.credentials(&format!("the systemd credentials of the account `{account}`"))
}

fn from_environment(_: &str, env: Env<'_>) -> Result<Option<Credentials>, Error> {
    let found = Found {
        id: env("ZENLAYER_ACCESS_KEY_ID"),
        secret: env("ZENLAYER_ACCESS_KEY_SECRET"),
        token: env("ZENLAYER_TOKEN"),
    };
    found.credentials("the environment (ZENLAYER_*)")
}

/// A profile of Zenlayer's CLI, as it writes them.
#[derive(Deserialize)]
struct Profile {
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    token: Option<String>,
}

fn from_cli(_: &str, env: Env<'_>) -> Result<Option<Credentials>, Error> {
    let Some(home) = env("HOME") else {
        return Ok(None);
    };
    let path = Path::new(&home).join(".zenlayer/credentials.json");
    let Some(text) = read_file(&path)? else {
        return Ok(None);
    };
    let profiles: HashMap<String, Profile> = serde_json::from_str(&text).map_err(|error| {
        // Not the error itself: it may quote what it read.
        let problem = format!("it is not a mapping of profiles (line {})", error.line());
        Error::File { path: path.clone(), problem }
    })?;
    let name = env("ZENLAYER_PROFILE").unwrap_or_else(|| "default".to_owned());
    let mut profiles = profiles;
    let Some(Profile { access_key_id, access_key_secret, token }) = profiles.remove(&name) else {
        return Ok(None);
    };
    let found = Found { id: access_key_id, secret: access_key_secret, token };
    found.credentials(&format!("the profile `{name}` in {}", path.display()))
}

struct Found {
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
}

impl Found {
    fn credentials(self, place: &str) -> Result<Option<Credentials>, Error> {
        let half = |present, absent| Error::Half { place: place.to_owned(), present, absent };
        match (told(self.id), told(self.secret), told(self.token)) {
            (Some(access_key_id), Some(secret), _) => Ok(Some(Credentials::KeyPair {
                access_key_id,
                access_key_secret: SecretString::from(secret),
            })),
            (Some(_), None, _) => Err(half(ID, SECRET)),
            (None, Some(_), _) => Err(half(SECRET, ID)),
            (None, None, Some(token)) => Ok(Some(Credentials::Token(SecretString::from(token)))),
            (None, None, None) => Ok(None),
        }
    }
}

fn read_file(path: &Path) -> Result<Option<String>, Error> {
    let fail = |problem: String| Error::File { path: path.to_owned(), problem };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error.to_string())),
    };
    let mut text = String::new();
    // Not by the size that the file claims: a device or a pipe claims none.
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| fail(error.to_string()))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(fail(format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn check(variables: &[(&str, &str)], expected: &str) {
        let env = |name: &str| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        };
        let got = match find("main", &env) {
            Ok(Credentials::KeyPair { access_key_id, access_key_secret }) => {
                format!("{access_key_id}:{}", access_key_secret.expose_secret())
            }
            Ok(Credentials::Token(token)) => token.expose_secret().to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(got.contains(expected), "{got}");
    }

    #[test]
    fn the_places_are_asked_in_order() {
        let home = tempfile::tempdir().unwrap();
        let systemd = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".zenlayer")).unwrap();
        let json =
            r#"{"default":{"access_key_id":"cli","access_key_secret":"c"},"other":{"token":"t"}}"#;
        std::fs::write(home.path().join(".zenlayer/credentials.json"), json).unwrap();
        std::fs::write(systemd.path().join("zenlayer.main.access_key_id"), "sd\n").unwrap();
        std::fs::write(systemd.path().join("zenlayer.main.access_key_secret"), "s\n").unwrap();
        let home = ("HOME", home.path().to_str().unwrap());
        let systemd = ("CREDENTIALS_DIRECTORY", systemd.path().to_str().unwrap());
        let (id, secret) = (("ZENLAYER_ACCESS_KEY_ID", "env"), ("ZENLAYER_ACCESS_KEY_SECRET", "e"));
        check(&[home, systemd, id, secret], "sd:s");
        check(&[home, ("CREDENTIALS_DIRECTORY", "/nonexistent"), id, secret], "env:e");
        check(&[home], "cli:c");
        check(&[home, ("ZENLAYER_PROFILE", "other")], "t");
        check(&[home, ("ZENLAYER_PROFILE", "none")], "no credentials for the account `main`");
        check(&[("ZENLAYER_TOKEN", "tok")], "tok");
    }

    #[test]
    fn the_secrets_of_a_sink_come_from_systemd_or_else_from_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notices.team-chat.url"), "https://a.example/x\n")
            .unwrap();
        let env = |name: &str| match name {
            "CREDENTIALS_DIRECTORY" => folder.path().to_str().map(str::to_owned),
            "ZENREAPER_NOTICES_TEAM_CHAT_URL" => Some("https://b.example".to_owned()),
            "ZENREAPER_NOTICES_TEAM_CHAT_SECRET" => Some("hunter2".to_owned()),
            "ZENREAPER_NOTICES_TEAM_CHAT_USERNAME" => Some(" ".to_owned()),
            _ => None,
        };
        let secrets = of_sink("team-chat", &env).unwrap();
        let shown = |secret: &Option<SecretString>| {
            secret.as_ref().map(|secret| secret.expose_secret().to_owned())
        };
        assert_eq!(shown(&secrets.url).as_deref(), Some("https://a.example/x"));
        assert_eq!(shown(&secrets.secret).as_deref(), Some("hunter2"));
        assert!(secrets.username.is_none() && secrets.password.is_none());
        assert!(!format!("{secrets:?}").contains("hunter2"));
        let large = "x".repeat((FILE_BYTES_MAX + 1).try_into().unwrap());
        std::fs::write(folder.path().join("notices.team-chat.secret"), large).unwrap();
        let error = of_sink("team-chat", &env).unwrap_err().to_string();
        assert!(error.contains("notices.team-chat.secret") && error.contains("larger"), "{error}");
    }

    #[test]
    fn what_has_no_end_is_not_read_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let endless = folder.path().join("zenlayer.main.token");
        std::os::unix::fs::symlink("/dev/zero", endless).unwrap();
        check(&[("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())], "it is larger than");
    }

    #[test]
    fn half_a_key_is_an_error_and_not_a_reason_to_look_elsewhere() {
        check(
            &[("ZENLAYER_ACCESS_KEY_ID", "a"), ("ZENLAYER_TOKEN", "t")],
            "has access_key_id but not access_key_secret",
        );
        check(
            &[("ZENLAYER_ACCESS_KEY_SECRET", "a")],
            "has access_key_secret but not access_key_id",
        );
    }

    #[test]
    fn a_file_that_is_wrong_is_named_and_never_quoted() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".zenlayer")).unwrap();
        std::fs::write(
            home.path().join(".zenlayer/credentials.json"),
            "{\"default\": \"hunter2\"}",
        )
        .unwrap();
        let env = |name: &str| (name == "HOME").then(|| home.path().to_str().unwrap().to_owned());
        let error = find("main", &env).unwrap_err().to_string();
        assert!(error.contains("credentials.json") && !error.contains("hunter2"), "{error}");
    }
}
