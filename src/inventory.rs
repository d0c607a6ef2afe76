//! What there is: the instances of an account, as compact records.
//!
//! An [`Inventory`] exists only if the listing adds up; [`Listing::finish`] is the one way to make it. An instance that
//! cannot be read is kept beside the good ones, so that it is counted and shown, and never acted upon. Nothing here
//! knows the wire: `cloud::wire` builds these records.

use std::{collections::HashSet, fmt, net::IpAddr, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;

/// The most machines that a listing may hold: beyond it the cloud's count is not believed.
pub const INSTANCES_MAX: u64 = 1_000_000;

/// How many records room is made for at once, since the total is the cloud's word.
const RESERVED_MAX: usize = 200_000;

/// The id of an instance, unique in an account.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct InstanceId(Box<str>);

impl InstanceId {
    /// Takes an id as the cloud wrote it.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The id as the cloud wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `instanceStatus`, as `DescribeInstances` lists its values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Status {
    /// To be created.
    Pending,
    /// Being created.
    Creating,
    /// Its creation failed; terminating it deletes it outright.
    CreateFailed,
    /// Its system is being installed.
    Installing,
    /// The installation of its system failed.
    InstallFailed,
    /// Up.
    Running,
    /// Down, and billed all the same.
    Stopped,
    /// Starting.
    Booting,
    /// Stopping.
    Stopping,
    /// In the recycle bin.
    Recycle,
    /// A value that this version does not know.
    Other(Arc<str>),
}

impl Status {
    /// The documented values.
    pub const KNOWN: [&str; 10] = [
        "PENDING",
        "CREATING",
        "CREATE_FAILED",
        "INSTALLING",
        "INSTALL_FAILED",
        "RUNNING",
        "STOPPED",
        "BOOTING",
        "STOPPING",
        "RECYCLE",
    ];

    /// The value as the API spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "PENDING",
            Self::Creating => "CREATING",
            Self::CreateFailed => "CREATE_FAILED",
            Self::Installing => "INSTALLING",
            Self::InstallFailed => "INSTALL_FAILED",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
            Self::Booting => "BOOTING",
            Self::Stopping => "STOPPING",
            Self::Recycle => "RECYCLE",
            Self::Other(text) => text,
        }
    }
}

impl From<Arc<str>> for Status {
    fn from(text: Arc<str>) -> Self {
        match &*text {
            "PENDING" => Self::Pending,
            "CREATING" => Self::Creating,
            "CREATE_FAILED" => Self::CreateFailed,
            "INSTALLING" => Self::Installing,
            "INSTALL_FAILED" => Self::InstallFailed,
            "RUNNING" => Self::Running,
            "STOPPED" => Self::Stopped,
            "BOOTING" => Self::Booting,
            "STOPPING" => Self::Stopping,
            "RECYCLE" => Self::Recycle,
            _ => Self::Other(text),
        }
    }
}

/// `instanceChargeType`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ChargeType {
    /// A subscription, paid in advance.
    Prepaid,
    /// Pay as you go.
    Postpaid,
    /// A value that this version does not know.
    Other(Arc<str>),
}

impl ChargeType {
    /// The documented values.
    pub const KNOWN: [&str; 2] = ["PREPAID", "POSTPAID"];

    /// The value as the API spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Prepaid => "PREPAID",
            Self::Postpaid => "POSTPAID",
            Self::Other(text) => text,
        }
    }
}

impl From<Arc<str>> for ChargeType {
    fn from(text: Arc<str>) -> Self {
        match &*text {
            "PREPAID" => Self::Prepaid,
            "POSTPAID" => Self::Postpaid,
            _ => Self::Other(text),
        }
    }
}

/// The tags of an instance; a key stands once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tags(Box<[(Arc<str>, Arc<str>)]>);

impl Tags {
    /// Takes tags as listed, or the key that stands in them twice.
    pub fn new(tags: Vec<(Arc<str>, Arc<str>)>) -> Result<Self, Arc<str>> {
        let repeated =
            |n: usize, key: &Arc<str>| tags.iter().take(n).any(|(other, _)| other == key);
        let twice = tags.iter().enumerate().find(|(n, (key, _))| repeated(*n, key));
        match twice {
            Some((_, (key, _))) => Err(Arc::clone(key)),
            None => Ok(Self(tags.into())),
        }
    }

    /// The value of a tag; keys compare exactly.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| &**own == key).map(|(_, value)| &**value)
    }

    /// Every key with its value, as listed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no tag at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An instance. A field that the cloud did not tell is `None`, which rules read as unknown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// `instanceId`.
    pub id: InstanceId,
    /// `instanceName`.
    pub name: Option<Box<str>>,
    /// `hostname`.
    pub hostname: Option<Box<str>>,
    /// `zoneId`.
    pub zone: Option<Arc<str>>,
    /// `instanceTypeId`.
    pub instance_type: Option<Arc<str>>,
    /// `imageName`.
    pub image: Option<Arc<str>>,
    /// `instanceStatus`.
    pub status: Option<Status>,
    /// `instanceChargeType`.
    pub charge_type: Option<ChargeType>,
    /// `createTime`; `None` also when it is not a time.
    pub created: Option<Timestamp>,
    /// `internetChargeType`.
    pub internet_charge_type: Option<Arc<str>>,
    /// `resourceGroupId`.
    pub resource_group_id: Option<Arc<str>>,
    /// `resourceGroupName`.
    pub resource_group_name: Option<Arc<str>>,
    /// Every public and private address that could be read.
    pub addresses: Box<[IpAddr]>,
    /// Whether these are all: both lists were told, and nothing in them could not be read.
    pub addresses_told: bool,
    /// `tags`.
    pub tags: Tags,
}

impl Instance {
    /// Whether it still runs up a bill, or could: everything outside the recycle bin.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.status != Some(Status::Recycle)
    }
}

/// An entry of the listing whose id is known and whose content is not what the API documents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unreadable {
    /// `instanceId`.
    pub id: InstanceId,
    /// What is wrong with it.
    pub problem: Box<str>,
}

/// Keeps one copy of a text that many instances share, such as a zone or a tag.
#[derive(Debug, Default)]
pub struct Interner(HashSet<Arc<str>>);

impl Interner {
    /// The shared copy of `text`.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = text.into();
        self.0.insert(Arc::clone(&shared));
        shared
    }
}

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

/// A complete listing, in the order of the ids.
#[derive(Clone, Debug)]
pub struct Inventory {
    instances: Vec<Instance>,
    unreadable: Vec<Unreadable>,
}

impl Inventory {
    /// Takes note that these machines went to the recycle bin since.
    pub fn recycle(&mut self, ids: &HashSet<InstanceId>) {
        let went = self.instances.iter_mut().filter(|instance| ids.contains(&instance.id));
        went.for_each(|instance| instance.status = Some(Status::Recycle));
    }

    /// The instances that could be read.
    #[must_use]
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The instances of which only the id could be read.
    #[must_use]
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// How many instances there are, readable or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.instances.len() + self.unreadable.len()
    }

    /// Whether the account has no instance at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many instances are live. One that cannot be read is not counted, which makes a cap in percent smaller.
    #[must_use]
    pub fn live(&self) -> usize {
        self.instances.iter().filter(|instance| instance.is_live()).count()
    }

    fn repeated(&self) -> Option<InstanceId> {
        let within = self.instances.windows(2).find_map(|pair| match pair {
            [a, b] if a.id == b.id => Some(a.id.clone()),
            _ => None,
        });
        let readable =
            |id: &InstanceId| self.instances.binary_search_by(|own| own.id.cmp(id)).is_ok();
        let unreadable = self.unreadable.windows(2).find_map(|pair| match pair {
            [a, b] if a.id == b.id => Some(a.id.clone()),
            _ => None,
        });
        let across =
            || self.unreadable.iter().find(|own| readable(&own.id)).map(|own| own.id.clone());
        within.or(unreadable).or_else(across)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A running pay-as-you-go instance that tells everything.
    pub(crate) fn instance(id: &str) -> Instance {
        Instance {
            id: InstanceId::new(id),
            name: Some("dev-api-01".into()),
            hostname: Some("dev-api-01.example".into()),
            zone: Some("HKG-A".into()),
            instance_type: Some("M6C".into()),
            image: Some("Debian 12".into()),
            status: Some(Status::Running),
            charge_type: Some(ChargeType::Postpaid),
            created: Some("2026-11-01T00:00:00Z".parse().unwrap()),
            internet_charge_type: Some("ByBandwidth".into()),
            resource_group_id: Some("rg-1".into()),
            resource_group_name: Some("platform".into()),
            addresses: Box::new(["203.0.113.7".parse().unwrap()]),
            addresses_told: true,
            tags: Tags::default(),
        }
    }

    /// Tags from pairs.
    pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
        Tags::new(pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()).unwrap()
    }

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

    #[test]
    fn a_tag_key_stands_once() {
        let twice = vec![("env".into(), "dev".into()), ("env".into(), "prod".into())];
        assert_eq!(Tags::new(twice), Err("env".into()));
        assert_eq!(tags(&[("env", "dev")]).get("env"), Some("dev"));
        assert_eq!(tags(&[("env", "dev")]).get("Env"), None);
    }
}
