//! What is valid in config and rules and probably not meant, in the light of earlier runs: here the config meets the journal.
//!
//! Without a journal there is nothing to say, and none is begun for it. That it cannot be read is not said here either: whoever
//! needs it says so, and a check of rules does not.

use jiff::Timestamp;
use tracing::debug;

use crate::{
    config::Loaded,
    diagnostic::{self, Problem},
    journal::{Error, Journal},
    rules,
};

/// The warnings on what was loaded, in order: those that it came with, and those that `journal` adds at `now`.
pub async fn warnings(loaded: &Loaded, journal: &Journal, now: Timestamp) -> Vec<Problem> {
    let mut warnings = loaded.warnings.clone();
    if journal.exists() {
        match remembered(loaded, journal, now).await {
            Ok(more) => warnings.extend(more),
            Err(error) => debug!("no warnings by what is remembered: {error}"),
        }
    }
    diagnostic::sorted(warnings)
}

async fn remembered(
    loaded: &Loaded,
    journal: &Journal,
    now: Timestamp,
) -> Result<Vec<Problem>, Error> {
    let Loaded { config, rules, origin, .. } = loaded;
    let accounts: Vec<_> = config.accounts.iter().map(|account| account.name.as_str()).collect();
    let known = journal.tag_keys(&accounts).await?;
    let mut found = Vec::new();
    if let Some(known) = &known {
        found.extend(rules::unknown_tag_keys(rules, known));
        found.extend(rules::near_miss_keys((&config.protect, origin), rules, known));
    }
    if let Some(took) = journal.run_took().await? {
        found.extend(rules::outpaced((&config.schedule, origin), rules, took, now));
    }
    Ok(found)
}
