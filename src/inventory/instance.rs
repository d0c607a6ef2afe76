//! An instance as a compact record; of one that cannot be read, only the id.

use std::{fmt, net::IpAddr, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;

use super::{ChargeType, Status, Tags};

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
