//! A listing as it is read, page by page, and whether it adds up.

use super::{Instance, InstanceId, Inventory, Unreadable};

/// The most machines that a listing may hold: beyond it the cloud's count is not believed.
pub const INSTANCES_MAX: u64 = 1_000_000;

/// How many records room is made for at once, since the total is the cloud's word.
const RESERVED_MAX: usize = 200_000;

/// One page of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// `totalCount`: how many instances the account has, says this page.
    pub total: u64,
    /// How many entries the page holds, readable or not.
    pub entries: usize,
    /// The entries that could be read.
    pub instances: Vec<Instance>,
    /// The entries that could not, but for their id.
    pub unreadable: Vec<Unreadable>,
}

/// A listing that is being read, page by page.
#[derive(Debug, Default)]
pub struct Listing {
    total: Option<u64>,
    changed_total: Option<u64>,
    entries: u64,
    instances: Vec<Instance>,
    unreadable: Vec<Unreadable>,
}

/// Why a listing is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Incomplete {
    /// Instances came or went between two pages.
    #[error("the total changed from {before} to {after} between two pages")]
    TotalChanged {
        /// `totalCount` of the first page.
        before: u64,
        /// `totalCount` of a later page.
        after: u64,
    },
    /// The entries do not add up to the total.
    #[error("the listing promises {total} instances and holds {distinct}")]
    Count {
        /// `totalCount`.
        total: u64,
        /// How many distinct ids were listed.
        distinct: u64,
    },
    /// Paging over a changing list shows the same instance twice, and may have hidden another.
    #[error("instance {0} is listed twice")]
    Duplicate(InstanceId),
    /// More than this program is built for.
    #[error(
        "the listing promises {0} instances, more than the {INSTANCES_MAX} that zenreaper takes"
    )]
    TooMany(u64),
}

impl Listing {
    /// Takes the next page; `true` if another one must be asked for.
    pub fn add(&mut self, page: Page) -> bool {
        let total = *self.total.get_or_insert(page.total);
        if page.total != total {
            self.changed_total = Some(page.total);
        }
        if self.instances.capacity() == 0 {
            // Growing by doubling would need half as much memory again.
            self.instances.reserve_exact(usize::try_from(total).map_or(0, |n| n.min(RESERVED_MAX)));
        }
        self.entries += page.entries as u64;
        self.instances.extend(page.instances);
        self.unreadable.extend(page.unreadable);
        let more = self.entries < total && page.entries > 0;
        more && self.changed_total.is_none() && total <= INSTANCES_MAX
    }

    /// How many entries were read, and how many there are to be.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.entries, self.total.unwrap_or_default())
    }

    /// The inventory, if the listing adds up.
    pub fn finish(self) -> Result<Inventory, Incomplete> {
        let Self { total, changed_total, entries: _, mut instances, mut unreadable } = self;
        let total = total.unwrap_or_default();
        if total > INSTANCES_MAX {
            return Err(Incomplete::TooMany(total));
        }
        if let Some(after) = changed_total {
            return Err(Incomplete::TotalChanged { before: total, after });
        }
        instances.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        unreadable.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        instances.shrink_to_fit();
        let inventory = Inventory { instances, unreadable };
        if let Some(id) = inventory.repeated() {
            return Err(Incomplete::Duplicate(id));
        }
        let distinct = inventory.len() as u64;
        if distinct != total {
            return Err(Incomplete::Count { total, distinct });
        }
        Ok(inventory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::instance;

    fn page(total: u64, ids: &[&str]) -> Page {
        let instances: Vec<_> = ids.iter().map(|id| instance(id)).collect();
        Page { total, entries: ids.len(), instances, unreadable: Vec::new() }
    }

    fn check(pages: Vec<Page>, expected: Result<&[&str], Incomplete>) {
        let mut listing = Listing::default();
        for page in pages {
            listing.add(page);
        }
        let ids = listing.finish().map(|inventory| {
            inventory.instances().iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
        });
        assert_eq!(ids, expected.map(|ids| ids.iter().map(ToString::to_string).collect()));
    }

    #[test]
    fn a_listing_is_an_inventory_only_if_it_adds_up() {
        check(vec![page(0, &[])], Ok(&[]));
        check(vec![page(3, &["c", "a"]), page(3, &["b"])], Ok(&["a", "b", "c"]));
        check(vec![page(3, &["a", "b"])], Err(Incomplete::Count { total: 3, distinct: 2 }));
        check(vec![page(1, &["a", "b"])], Err(Incomplete::Count { total: 1, distinct: 2 }));
        check(
            vec![page(3, &["a", "b"]), page(4, &["c"])],
            Err(Incomplete::TotalChanged { before: 3, after: 4 }),
        );
        check(vec![page(2, &["a", "a"])], Err(Incomplete::Duplicate(InstanceId::new("a"))));
        check(vec![page(INSTANCES_MAX + 1, &["a"])], Err(Incomplete::TooMany(INSTANCES_MAX + 1)));
        check(Vec::new(), Ok(&[]));
    }

    #[test]
    fn an_id_that_is_once_readable_and_once_not_is_a_duplicate() {
        let twice = Unreadable { id: InstanceId::new("a"), problem: "odd".into() };
        let page = Page { entries: 2, unreadable: vec![twice], ..page(2, &["a"]) };
        check(vec![page], Err(Incomplete::Duplicate(InstanceId::new("a"))));
    }

    #[test]
    fn reading_goes_on_until_the_total_is_reached_or_a_page_is_empty() {
        let mut listing = Listing::default();
        assert!(listing.add(page(3, &["a", "b"])));
        assert!(!listing.add(page(3, &["c"])));
        let mut stuck = Listing::default();
        assert!(!stuck.add(page(3, &[])));
        let mut lying = Listing::default();
        assert!(!lying.add(page(u64::MAX, &["a"])));
    }
}
