//! The whole inventory of an account, or none of it.

use std::time::Duration;

use super::{Class, Client, Error, saved::Entries};
use crate::inventory::{Incomplete, Interner, Inventory, Listing};

/// How often a listing that does not add up is read afresh before it is given up.
const LISTINGS_MAX: u32 = 3;

/// The pause before a listing is read afresh, for the account to come to rest.
const RELIST_DELAY: Duration = Duration::from_secs(1);

/// The most pages that are read; the API gives 1,000 instances a page.
const PAGES_MAX: u64 = 20_000;

/// Why there is no inventory.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unlisted {
    /// The last listing does not add up.
    #[error("the inventory is incomplete after {LISTINGS_MAX} listings: {0}")]
    Incomplete(#[from] Incomplete),
    /// A page of the last listing could not be had.
    #[error("the inventory is incomplete: {0}")]
    Call(#[from] Error),
}

impl Unlisted {
    /// The class of the call that failed, if one did.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Incomplete(_) => None,
            Self::Call(error) => Some(error.class),
        }
    }
}

/// Reads every page of `DescribeInstances`; a listing that does not add up is read afresh. `progress` is told of each page: how many
/// entries were read, and how many there are.
pub async fn list(
    client: &Client,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Inventory, Unlisted> {
    list_keeping(client, progress, None).await
}

/// The same with every entry as the cloud wrote it, which takes several times the memory.
pub async fn list_to_save(
    client: &Client,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(Inventory, Entries), Unlisted> {
    let mut entries = Entries::default();
    let inventory = list_keeping(client, progress, Some(&mut entries)).await?;
    entries.sort();
    Ok((inventory, entries))
}

async fn list_keeping(
    client: &Client,
    progress: &(dyn Fn(u64, u64) + Sync),
    mut entries: Option<&mut Entries>,
) -> Result<Inventory, Unlisted> {
    let mut listings = 1;
    loop {
        if let Some(entries) = entries.as_deref_mut() {
            *entries = Entries::default();
        }
        match list_once(client, progress, entries.as_deref_mut()).await {
            Ok(inventory) => return Ok(inventory),
            Err(error) if listings >= LISTINGS_MAX || is_final(&error) => return Err(error),
            Err(_) => listings += 1,
        }
        client.pause(RELIST_DELAY).await;
    }
}

fn is_final(error: &Unlisted) -> bool {
    error.class().is_some_and(Class::stops_the_run)
}

async fn list_once(
    client: &Client,
    progress: &(dyn Fn(u64, u64) + Sync),
    mut entries: Option<&mut Entries>,
) -> Result<Inventory, Unlisted> {
    let mut listing = Listing::default();
    let mut interner = Interner::default();
    for page_num in 1..=PAGES_MAX {
        let page = match entries.as_deref_mut() {
            None => client.describe_page(page_num, &mut interner).await?,
            Some(entries) => client.describe_page_to_save(page_num, &mut interner, entries).await?,
        };
        let more = listing.add(page);
        let (read, total) = listing.progress();
        progress(read, total);
        if !more {
            break;
        }
    }
    Ok(listing.finish()?)
}
