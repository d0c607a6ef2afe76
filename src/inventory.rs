//! What there is: the instances of an account, as compact records.
//!
//! An [`Inventory`] exists only if the listing adds up; [`Listing::finish`] is the one way to make it. An instance that
//! cannot be read is kept beside the good ones, so that it is counted and shown, and never acted upon. Nothing here
//! knows the wire: `cloud::wire` builds these records.

mod instance;
mod interner;
mod listing;
mod status;
mod tags;
pub(crate) mod text;

use std::collections::HashSet;

pub use self::{
    instance::{Instance, InstanceId, Unreadable},
    interner::Interner,
    listing::{INSTANCES_MAX, Incomplete, Listing, Page},
    status::{ChargeType, Status},
    tags::{Tag, Tags},
};

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

    /// An id that is listed twice, if one is.
    fn repeated(&self) -> Option<InstanceId> {
        let readable = || self.instances.iter().map(|own| &own.id);
        let unreadable = || self.unreadable.iter().map(|own| &own.id);
        let is_readable =
            |id: &&InstanceId| self.instances.binary_search_by(|own| own.id.cmp(id)).is_ok();
        let across = || unreadable().find(is_readable);
        let within = twice(readable()).or_else(|| twice(unreadable()));
        within.or_else(across).cloned()
    }
}

/// The first of some sorted ids that stands there twice.
fn twice<'a>(ids: impl Iterator<Item = &'a InstanceId> + Clone) -> Option<&'a InstanceId> {
    ids.clone().zip(ids.skip(1)).find(|(one, next)| one == next).map(|(one, _)| one)
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
}
