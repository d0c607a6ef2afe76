//! Where credentials come from: never from the config.
//!
//! In order: the folder that systemd hands over (`LoadCredential`), the environment, the profile of Zenlayer's CLI, and, for commands
//! that are typed on the host of the service, the folder that its credentials are loaded from. The first place that has anything of
//! an account's must have all of it. Which place that was is told, so that nobody acts on another account than they think.

mod profile;

use std::{
    fmt,
    fs::File,
    io::{ErrorKind, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::{
    cloud::Credentials,
    notify::{self, Secrets},
};

/// The largest credentials file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Where the units of the service load credentials from; see deploy/systemd.
const SERVICE_FOLDER: &str = "/etc/zenreaper/credentials";

/// Folders that are made by systemd or a container for one process. The mode of their files says nothing of who may read them: access
/// lists show up as bits of the group, and a container has one user.
const MADE_FOR_US: [&str; 2] = ["/run/credentials/", "/run/secrets/"];

/// Bits of a mode by which others may read a file, and by which they may write it.
const READ_BY_OTHERS: u32 = 0o077;
const WRITTEN_BY_OTHERS: u32 = 0o022;

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None of the places has any.
    #[error(
        "no credentials for the account `{account}`: give zenlayer.{account}.access_key_id and zenlayer.{account}.access_key_secret (or zenlayer.{account}.token) as systemd credentials, or set ZENLAYER_ACCESS_KEY_ID and ZENLAYER_ACCESS_KEY_SECRET (or ZENLAYER_TOKEN), or log in with Zenlayer's CLI{hint}"
    )]
    Missing {
        /// The account.
        account: String,
        /// What to do on the host of the service.
        hint: String,
    },
    /// The profile in use is not there.
    #[error(
        "no credentials for the account `{account}`: there is no profile `{profile}` ({chooser}) in {}; profiles: {known}; set ZENLAYER_PROFILE to one of them, or log in with Zenlayer's CLI", path.display()
    )]
    Profile {
        /// The account.
        account: String,
        /// The profile's name.
        profile: String,
        /// What chose it.
        chooser: String,
        /// The file of the profiles.
        path: PathBuf,
        /// The profiles that there are.
        known: String,
    },
    /// A place has one half of a key.
    #[error("{place} has {present} but not {absent}; give both, or take it out")]
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

/// The credentials of an account, where they are from, and what somebody should look at.
#[derive(Debug)]
pub struct Found {
    /// The credentials.
    pub credentials: Credentials,
    /// Where they are from.
    pub origin: Origin,
    /// What somebody should look at, each a sentence.
    pub warnings: Vec<String>,
}

/// Where credentials are from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// The place.
    pub place: String,
    /// The profile of Zenlayer's CLI, if it is one.
    pub profile: Option<String>,
    /// What they are: an access key by its id, or a token.
    pub key: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.key, self.place)
    }
}

/// Returns the credentials of an account.
pub fn find(account: &str, env: Env<'_>) -> Result<Found, Error> {
    find_with(account, env, Path::new(SERVICE_FOLDER))
}

fn find_with(account: &str, env: Env<'_>, service: &Path) -> Result<Found, Error> {
    let mut warnings = Warnings::default();
    let found = match from_systemd(account, env, &mut warnings)? {
        Some(found) => Some(found),
        None => from_environment(env)?,
    };
    if let Some(mut found) = found {
        if let Some(profile) = given(env(profile::VARIABLE)) {
            let place = &found.origin.place;
            let profile = crate::lifetime::shorten(&profile);
            warnings.add(format!(
                "the profile `{profile}` ({}) is not used: {place} goes before it",
                profile::VARIABLE
            ));
        }
        found.warnings = warnings.texts;
        return Ok(found);
    }
    let found = match profile::find(account, env, &mut warnings)? {
        Some(found) => Some(found),
        // The folder is for root: whoever may not look into it has no credentials there.
        None if std::fs::read_dir(service).is_err() => None,
        None => from_folder(account, service, "the service's credentials in", &mut warnings)?,
    };
    let missing = || Error::Missing { account: account.to_owned(), hint: hint(service) };
    let found = found.ok_or_else(missing)?;
    Ok(Found { warnings: warnings.texts, ..found })
}

/// What to do on the host of the service, whose credentials are for root alone.
fn hint(service: &Path) -> String {
    // A folder that may not be looked into is there.
    match std::fs::read_dir(service) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(_) => format!(
            "; the service's are in {}, which this user may not read: run the command as root, such as `sudo zenreaper plan`",
            service.display()
        ),
        Ok(_) => format!("; {} has none of this account", service.display()),
    }
}

/// What somebody should look at.
#[derive(Debug, Default)]
struct Warnings {
    texts: Vec<String>,
    /// Whether the file that is read holds no secret.
    is_settings: bool,
}

impl Warnings {
    fn add(&mut self, text: String) {
        if !self.texts.contains(&text) {
            self.texts.push(text);
        }
    }

    /// Warnings on a file that may be read by all, since it holds no secret, but names what does.
    fn of_settings() -> Self {
        Self { texts: Vec::new(), is_settings: true }
    }

    /// Warns of a file that others may read or write.
    fn look_at(&mut self, path: &Path, mode: u32) {
        let is_made_for_us = MADE_FOR_US.iter().any(|folder| path.starts_with(folder));
        let bits = if is_made_for_us { WRITTEN_BY_OTHERS } else { READ_BY_OTHERS };
        if self.is_settings || mode & bits == 0 {
            return;
        }
        let path = path.display();
        self.add(format!(
            "{path} has the mode {:04o}, so others may read or change the credentials in it; run `chmod 600 {path}`",
            mode & 0o7777
        ));
    }
}

/// The secrets of a sink: each from the systemd credential `notices.<sink>.<secret>`, else from the environment. That there are
/// none is no error here; the sink knows what it needs.
pub fn of_sink(sink: &str, env: Env<'_>) -> Result<Secrets, Error> {
    let mut warnings = Warnings::default();
    let mut find = |secret: &str| {
        let file = from_folder_file(env, &format!("notices.{sink}.{secret}"), &mut warnings)?;
        let found = file.or_else(|| given(env(&notify::variable(sink, secret))));
        Ok(found.map(SecretString::from))
    };
    let secrets = Secrets {
        secret: find("secret")?,
        url: find("url")?,
        username: find("username")?,
        password: find("password")?,
    };
    log(&warnings.texts);
    Ok(secrets)
}

/// The token that the status page and its API ask for: from the systemd credential `http.token`, else from the environment.
pub fn of_page(env: Env<'_>) -> Result<Option<SecretString>, Error> {
    let mut warnings = Warnings::default();
    let file = from_folder_file(env, "http.token", &mut warnings)?;
    log(&warnings.texts);
    let found = file.or_else(|| given(env("ZENREAPER_HTTP_TOKEN")));
    Ok(found.map(SecretString::from))
}

/// Writes warnings to the log.
pub fn log(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// What a file of the folder says that systemd hands over.
fn from_folder_file(
    env: Env<'_>,
    name: &str,
    warnings: &mut Warnings,
) -> Result<Option<String>, Error> {
    match given(env("CREDENTIALS_DIRECTORY")) {
        Some(folder) => Ok(given(read_file(&Path::new(&folder).join(name), warnings)?)),
        None => Ok(None),
    }
}

/// What a place says, if it says anything.
fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn from_systemd(
    account: &str,
    env: Env<'_>,
    warnings: &mut Warnings,
) -> Result<Option<Found>, Error> {
    match given(env("CREDENTIALS_DIRECTORY")) {
        Some(folder) => {
            from_folder(account, Path::new(&folder), "the systemd credentials in", warnings)
        }
        None => Ok(None),
    }
}

fn from_folder(
    account: &str,
    folder: &Path,
    what: &str,
    warnings: &mut Warnings,
) -> Result<Option<Found>, Error> {
    let mut read =
        |name: &str| read_file(&folder.join(format!("zenlayer.{account}.{name}")), warnings);
    let pair = Pair { id: read(ID)?, secret: read(SECRET)?, token: read(TOKEN)? };
    pair.found(&format!("{what} {} (zenlayer.{account}.*)", folder.display()), None)
}

fn from_environment(env: Env<'_>) -> Result<Option<Found>, Error> {
    let pair = Pair {
        id: env("ZENLAYER_ACCESS_KEY_ID"),
        secret: env("ZENLAYER_ACCESS_KEY_SECRET"),
        token: env("ZENLAYER_TOKEN"),
    };
    pair.found("the environment (ZENLAYER_*)", None)
}

/// What a place has.
struct Pair {
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
}

impl Pair {
    fn found(self, place: &str, profile: Option<String>) -> Result<Option<Found>, Error> {
        let half = |present, absent| Error::Half { place: place.to_owned(), present, absent };
        let (credentials, key) = match (given(self.id), given(self.secret), given(self.token)) {
            (Some(_), None, _) => return Err(half(ID, SECRET)),
            (None, Some(_), _) => return Err(half(SECRET, ID)),
            (None, None, None) => return Ok(None),
            (Some(access_key_id), Some(secret), token) => {
                let unused = token.map_or("", |_| " (the token there is not used)");
                let key = format!("access key {}{unused}", identified(&access_key_id));
                let access_key_secret = SecretString::from(secret);
                (Credentials::KeyPair { access_key_id, access_key_secret }, key)
            }
            (None, None, Some(token)) => {
                (Credentials::Token(SecretString::from(token)), "token".to_owned())
            }
        };
        let origin = Origin { place: place.to_owned(), profile, key };
        Ok(Some(Found { credentials, origin, warnings: Vec::new() }))
    }
}

/// The ends of an access key's id: enough to know it by, and no use to whoever put the password there by mistake.
fn identified(id: &str) -> String {
    const SHOWN: usize = 4;
    let letters: Vec<char> = id.chars().filter(|c| !c.is_control()).collect();
    let ends = (letters.get(..SHOWN), letters.get(letters.len().saturating_sub(SHOWN)..));
    match ends {
        (Some(first), Some(last)) if letters.len() >= SHOWN * 2 + 2 => {
            format!("{}...{}", String::from_iter(first), String::from_iter(last))
        }
        (Some(first), _) => format!("{}...", String::from_iter(first)),
        _ => "of few characters".to_owned(),
    }
}

fn read_file(path: &Path, warnings: &mut Warnings) -> Result<Option<String>, Error> {
    let fail = |problem: String| Error::File { path: path.to_owned(), problem };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error.to_string())),
    };
    if let Ok(about) = file.metadata() {
        warnings.look_at(path, about.permissions().mode());
    }
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
        let got = match find_with("main", &env, Path::new("/nonexistent")) {
            Ok(Found { credentials, origin, .. }) => match credentials {
                Credentials::KeyPair { access_key_id, access_key_secret } => {
                    format!("{access_key_id}:{} {origin}", access_key_secret.expose_secret())
                }
                Credentials::Token(token) => format!("{} {origin}", token.expose_secret()),
            },
            Err(error) => error.to_string(),
        };
        assert!(got.contains(expected), "{got}");
    }

    /// A home whose `.zenlayer` has these files.
    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".zenlayer")).unwrap();
        for (name, text) in files {
            std::fs::write(home.path().join(".zenlayer").join(name), text).unwrap();
        }
        home
    }

    const PROFILES: &str = r#"{"default":{"access_key_id":"cli","access_key_secret":"c"},
        "prod":{"access_key_id":"prod-key-of-ours","access_key_secret":"p"}, "tok":{"token":"t"},
        "both":{"access_key_id":"b","access_key_secret":"s","token":"t"},
        "half":{"access_key_id":"h"}, "empty":{"token":" "}, "odd":7, "null":{"token":null}}"#;

    #[test]
    fn the_profile_is_the_one_that_zenlayers_cli_would_use() {
        let config = |text: &str| home(&[("credentials.json", PROFILES), ("config.json", text)]);
        let nothing: &[(&str, &str)] = &[];
        let other = &[("ZENLAYER_PROFILE", "tok")][..];
        let table = [
            (
                r#"{"current_profile":"prod","language":"en"}"#,
                nothing,
                "prod-key-of-ours:p access key prod...ours from the profile `prod` (current_profile in ",
            ),
            (
                r#"{"current_profile":"prod"}"#,
                other,
                "t token from the profile `tok` (ZENLAYER_PROFILE) in ",
            ),
            (r#"{"current_profile":"prod"}"#, &[("ZENLAYER_PROFILE", " ")], "prod-key-of-ours:p"),
            (
                r#"{"current_profile":""}"#,
                nothing,
                "cli:c access key of few characters from the profile `default` (the default, since",
            ),
            (r#"{"current_profile":null}"#, nothing, "cli:c"),
            ("{}", nothing, "cli:c"),
            ("\u{feff}{\"current_profile\":\"prod\"}", nothing, "prod-key-of-ours:p"),
            (
                r#"{"current_profile":"gone"}"#,
                nothing,
                "there is no profile `gone` (current_profile in ",
            ),
            (
                r#"{"current_profile":"gone"}"#,
                nothing,
                "profiles: both, default, empty, half, null, odd, prod, tok",
            ),
            (r#"{"current_profile":"Prod"}"#, nothing, "there is no profile `Prod`"),
            (
                r#"{"current_profile":7}"#,
                nothing,
                "config.json: it is not a mapping whose `current_profile`",
            ),
            (r#"{"current_profile":"prod""#, nothing, "config.json: it is not a mapping"),
            ("", nothing, "config.json: it is not a mapping"),
            ("[]", nothing, "config.json: it is not a mapping"),
            ("not read", other, "t token"),
            (r#"{"current_profile":"half"}"#, nothing, "the profile `half` (current_profile in "),
            (
                r#"{"current_profile":"half"}"#,
                nothing,
                "has access_key_id but not access_key_secret",
            ),
            (r#"{"current_profile":"empty"}"#, nothing, "the profile `empty` (current_profile in "),
            (r#"{"current_profile":"null"}"#, nothing, "has neither an access key nor a token"),
            (
                r#"{"current_profile":"odd"}"#,
                nothing,
                "the profile `odd` is not a mapping of texts",
            ),
            (
                r#"{"current_profile":"both"}"#,
                nothing,
                "b:s access key of few characters (the token there is not used) from",
            ),
        ];
        for (text, variables, expected) in table {
            let home = config(text);
            let home = ("HOME", home.path().to_str().unwrap());
            check(&[&[home], variables].concat(), expected);
        }
    }

    #[test]
    fn a_profile_that_somebody_chose_is_not_replaced_by_another_place() {
        let none = home(&[("config.json", r#"{"current_profile":"prod"}"#)]);
        let none = ("HOME", none.path().to_str().unwrap());
        check(&[none], "there is no profile `prod`");
        check(&[none], "profiles: none");
        check(&[none, ("ZENLAYER_TOKEN", "tok")], "tok token from the environment");
        let empty = home(&[]);
        let empty = ("HOME", empty.path().to_str().unwrap());
        check(
            &[empty, ("ZENLAYER_PROFILE", "prod")],
            "there is no profile `prod` (ZENLAYER_PROFILE)",
        );
        check(&[empty], "no credentials for the account `main`: give zenlayer.main");
        check(&[("HOME", ""), ("CREDENTIALS_DIRECTORY", "")], "no credentials for the account");
    }

    #[test]
    fn the_service_s_own_folder_is_the_last_place() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("access_key_id", "service-key-id"), ("access_key_secret", "s")] {
            std::fs::write(folder.path().join(format!("zenlayer.main.{name}")), text).unwrap();
        }
        let none = |_: &str| None;
        let found = find_with("main", &none, folder.path()).unwrap();
        assert!(found.origin.to_string().starts_with("access key serv...y-id from the service's"));
        let error = find_with("other", &none, folder.path()).unwrap_err().to_string();
        assert!(error.contains("has none of this account"), "{error}");
        let token = |name: &str| (name == "ZENLAYER_TOKEN").then(|| "tok".to_owned());
        assert_eq!(find_with("main", &token, folder.path()).unwrap().origin.key, "token");
    }

    #[test]
    fn a_file_that_others_may_read_is_warned_of() {
        use std::fs::{Permissions, set_permissions};
        let home = home(&[("credentials.json", PROFILES), ("config.json", "{}")]);
        let file = home.path().join(".zenlayer/credentials.json");
        let env = |name: &str| (name == "HOME").then(|| home.path().to_str().unwrap().to_owned());
        for (mode, is_open) in
            [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o666, true)]
        {
            set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let Found { warnings, .. } =
                find_with("main", &env, Path::new("/nonexistent")).unwrap();
            assert_eq!(warnings.len(), usize::from(is_open), "{mode:o}: {warnings:?}");
            let fix = format!("run `chmod 600 {}`", file.display());
            assert!(warnings.iter().all(|warning| warning.contains(&fix)), "{warnings:?}");
        }
        let mut warnings = Warnings::default();
        for (path, mode) in
            [("/run/secrets/a", 0o444), ("/run/credentials/zenreaper.service/a", 0o440)]
        {
            warnings.look_at(Path::new(path), mode);
        }
        assert!(warnings.texts.is_empty(), "{warnings:?}");
        warnings.look_at(Path::new("/run/secrets/a"), 0o666);
        assert_eq!(warnings.texts.len(), 1);
    }

    #[test]
    fn a_profile_that_is_named_and_not_used_is_told() {
        let env = |name: &str| match name {
            "ZENLAYER_TOKEN" => Some("tok".to_owned()),
            "ZENLAYER_PROFILE" => Some("prod".to_owned()),
            _ => None,
        };
        let found = find_with("main", &env, Path::new("/nonexistent")).unwrap();
        let expected = "the profile `prod` (ZENLAYER_PROFILE) is not used: the environment (ZENLAYER_*) goes before it";
        assert_eq!(found.warnings, [expected]);
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
