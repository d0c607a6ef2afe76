//! The profiles of Zenlayer's CLI: which one is in use, and what it holds.
//!
//! The choice is the CLI's own: `ZENLAYER_PROFILE`, else `current_profile` in `~/.zenlayer/config.json`, else `default`.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Env, Error, Found, Pair, Warnings, given, read_file};
use crate::lifetime::shorten;

/// The variable that names a profile.
pub(super) const VARIABLE: &str = "ZENLAYER_PROFILE";

/// The profile that is in use if nothing names one.
const DEFAULT: &str = "default";

/// The most profiles that are listed.
const LISTED_MAX: usize = 20;

/// A profile, as the CLI writes it.
#[derive(Deserialize)]
struct Profile {
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    token: Option<String>,
}

/// The CLI's own settings, as far as they matter.
#[derive(Deserialize)]
struct Settings {
    current_profile: Option<String>,
}

/// What chose a profile.
enum Chooser {
    Variable,
    Settings(PathBuf),
    Nothing,
}

impl fmt::Display for Chooser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => f.write_str(VARIABLE),
            Self::Settings(path) => write!(f, "current_profile in {}", path.display()),
            Self::Nothing => f.write_str("the default, since nothing names another"),
        }
    }
}

/// Returns the credentials of the profile in use; `None` if there are no profiles at all and nothing names one.
pub(super) fn find(
    account: &str,
    env: Env<'_>,
    warnings: &mut Warnings,
) -> Result<Option<Found>, Error> {
    let Some(home) = given(env("HOME")) else {
        return Ok(None);
    };
    let folder = Path::new(&home).join(".zenlayer");
    let path = folder.join("credentials.json");
    let text = read_file(&path, warnings)?;
    let (name, chooser) = chosen(&folder, env)?;
    let missing = |known: Vec<String>| Error::Profile {
        account: account.to_owned(),
        profile: shorten(&name),
        chooser: chooser.to_string(),
        path: path.clone(),
        known: listed(&known),
    };
    let Some(text) = text else {
        let is_named = !matches!(chooser, Chooser::Nothing);
        return if is_named { Err(missing(Vec::new())) } else { Ok(None) };
    };
    let mut profiles: BTreeMap<String, Value> = parsed(&text, &path, "a mapping of profiles")?;
    let known: Vec<String> = profiles.keys().cloned().collect();
    let profile = profiles.remove(&name).ok_or_else(|| missing(known.clone()))?;
    // Not the error itself: it may quote what it read.
    let profile: Profile = serde_json::from_value(profile).map_err(|_| Error::File {
        path: path.clone(),
        problem: format!("the profile `{}` is not a mapping of texts", shorten(&name)),
    })?;
    let place = format!("the profile `{}` ({chooser}) in {}", shorten(&name), path.display());
    let Profile { access_key_id: id, access_key_secret: secret, token } = profile;
    let found = Pair { id, secret, token }.found(&place, Some(shorten(&name)))?;
    found.map(Some).ok_or_else(|| Error::File {
        path,
        problem: format!(
            "the profile `{}` ({chooser}) has neither an access key nor a token; profiles: {}",
            shorten(&name),
            listed(&known)
        ),
    })
}

/// Returns the name of the profile in use, and what chose it.
fn chosen(folder: &Path, env: Env<'_>) -> Result<(String, Chooser), Error> {
    if let Some(name) = given(env(VARIABLE)) {
        return Ok((name, Chooser::Variable));
    }
    let path = folder.join("config.json");
    let Some(text) = read_file(&path, &mut Warnings::of_settings())? else {
        return Ok((DEFAULT.to_owned(), Chooser::Nothing));
    };
    let settings: Settings =
        parsed(&text, &path, "a mapping whose `current_profile`, if there is one, is a text")?;
    Ok(match given(settings.current_profile) {
        Some(name) => (name, Chooser::Settings(path)),
        None => (DEFAULT.to_owned(), Chooser::Nothing),
    })
}

/// Reads a JSON file of the CLI. Without a fallback: a guess could act on another account.
fn parsed<T: DeserializeOwned>(text: &str, path: &Path, expected: &str) -> Result<T, Error> {
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|error| {
        // Not the error itself: it may quote what it read.
        let (line, column) = (error.line(), error.column());
        let problem = format!("it is not {expected} (line {line}, column {column})");
        Error::File { path: path.to_owned(), problem }
    })
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<_> = names.iter().take(LISTED_MAX).map(|name| shorten(name)).collect();
    let more = if names.len() > LISTED_MAX { ", ..." } else { "" };
    shown.join(", ") + more
}
