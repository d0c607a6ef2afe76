//! Whether an instance may be terminated at all, decided before any call.
//!
//! "Try it and see" would cost money: version 2026-02-01 of `TerminateInstance` takes a call on a subscription for a
//! cancellation. So the table of the design is applied to the inventory, and what it does not know is not touched.

use std::net::IpAddr;

use jiff::Timestamp;

use super::Skip;
use crate::{
    inventory::{ChargeType, Instance, Status, text},
    rules::{Condition, Truth},
};

/// The machine that zenreaper runs on, as far as it knows itself.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Its addresses that can mean only it: no loopback, no link-local ones.
    pub addresses: Vec<IpAddr>,
    /// Its names.
    pub hostnames: Vec<String>,
    /// The identifiers that it knows itself by; one of them may be its `instanceId`.
    pub ids: Vec<Box<str>>,
}

impl Host {
    /// Whether `instance` is this machine, or looks like it.
    #[must_use]
    pub fn is(&self, instance: &Instance) -> bool {
        self.likeness(instance).is_some()
    }

    /// By what `instance` is this machine, or looks like it.
    #[must_use]
    pub fn likeness(&self, instance: &Instance) -> Option<Likeness> {
        let own_address = |address: &&IpAddr| {
            self.addresses.iter().any(|own| own.to_canonical() == address.to_canonical())
        };
        let address = instance.addresses.iter().find(own_address);
        let own_name = |other: &&str| self.hostnames.iter().any(|own| is_same_name(own, other));
        let name = || instance.hostname.as_deref().filter(own_name);
        let same_id = || self.ids.iter().any(|own| own.eq_ignore_ascii_case(instance.id.as_str()));
        let by_name = || name().map(|name| Likeness::Hostname(name.into()));
        let by_address = address.map(|address| Likeness::Address(*address));
        by_address.or_else(by_name).or_else(|| same_id().then_some(Likeness::Id))
    }
}

/// By what an instance is the machine that zenreaper runs on, or looks like it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Likeness {
    /// An address of both.
    Address(IpAddr),
    /// A name that both have, up to a domain.
    Hostname(Box<str>),
    /// The id.
    Id,
}

/// Whether two host names mean the same machine: equal in any letter case, or equal up to a domain that only one of them has.
/// The dot of the root at the end of a name does not count.
fn is_same_name(a: &str, b: &str) -> bool {
    let plain = |name: &str| {
        let name = text::trimmed(name);
        name.strip_suffix('.').unwrap_or(name).to_lowercase()
    };
    let (a, b) = (plain(a), plain(b));
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let tail = long.strip_prefix(&*short);
    !short.is_empty()
        && !short.starts_with("localhost")
        && tail
            .is_some_and(|tail| tail.is_empty() || (tail.starts_with('.') && !short.contains('.')))
}

/// Whether `instance` may be terminated at `now`, or why not.
pub fn check(
    instance: &Instance,
    protect: &Condition,
    host: &Host,
    now: Timestamp,
) -> Result<(), Skip> {
    match protect.test(instance, now) {
        Truth::True | Truth::Unknown(_) => return Err(Skip::Protected),
        Truth::False => {}
    }
    if host.is(instance) {
        return Err(Skip::Own);
    }
    by_status(instance)
}

/// Whether the table of the design lets `instance` be terminated, by its status and charge type.
pub fn by_status(instance: &Instance) -> Result<(), Skip> {
    use Status::{
        Booting, CreateFailed, Creating, InstallFailed, Installing, Other, Pending, Recycle,
        Running, Stopped, Stopping,
    };
    let charge = match &instance.charge_type {
        Some(ChargeType::Prepaid) => Some(ChargeType::Prepaid),
        Some(ChargeType::Postpaid) => Some(ChargeType::Postpaid),
        Some(ChargeType::Other(_)) | None => None,
    };
    match (&instance.status, charge) {
        (Some(Pending | Creating), _) => Err(Skip::Creating),
        (Some(Installing), _) => Err(Skip::Installing),
        (Some(Recycle), _) => Err(Skip::Recycled),
        (Some(Other(_)) | None, _) => Err(Skip::UnknownStatus),
        (Some(_), None) => Err(Skip::UnknownChargeType),
        (Some(CreateFailed), Some(_))
        | (
            Some(Running | Stopped | Booting | Stopping | InstallFailed),
            Some(ChargeType::Postpaid),
        ) => Ok(()),
        (Some(Running | Stopped | Booting | Stopping | InstallFailed), Some(_)) => {
            Err(Skip::Subscription)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::instance;

    fn verdict(status: Option<&str>, charge: Option<&str>) -> &'static str {
        let mut subject = instance("i");
        subject.status = status.map(|text| Status::from(std::sync::Arc::from(text)));
        subject.charge_type = charge.map(|text| ChargeType::from(std::sync::Arc::from(text)));
        check(&subject, &Condition::NOTHING, &Host::default(), Timestamp::UNIX_EPOCH)
            .map_or_else(Skip::as_str, |()| "eligible")
    }

    #[test]
    fn the_table_of_the_design_holds() {
        for (status, postpaid, prepaid, unknown) in [
            ("RUNNING", "eligible", "subscription", "unknown_charge_type"),
            ("STOPPED", "eligible", "subscription", "unknown_charge_type"),
            ("BOOTING", "eligible", "subscription", "unknown_charge_type"),
            ("STOPPING", "eligible", "subscription", "unknown_charge_type"),
            ("INSTALL_FAILED", "eligible", "subscription", "unknown_charge_type"),
            ("CREATE_FAILED", "eligible", "eligible", "unknown_charge_type"),
            ("PENDING", "creating", "creating", "creating"),
            ("CREATING", "creating", "creating", "creating"),
            ("INSTALLING", "installing", "installing", "installing"),
            ("RECYCLE", "recycled", "recycled", "recycled"),
            ("MIGRATING", "unknown_status", "unknown_status", "unknown_status"),
            ("running", "unknown_status", "unknown_status", "unknown_status"),
            ("", "unknown_status", "unknown_status", "unknown_status"),
        ] {
            assert_eq!(verdict(Some(status), Some("POSTPAID")), postpaid, "{status}");
            assert_eq!(verdict(Some(status), Some("PREPAID")), prepaid, "{status}");
            assert_eq!(verdict(Some(status), Some("SPOT")), unknown, "{status}");
            assert_eq!(verdict(Some(status), None), unknown, "{status}");
        }
        assert_eq!(verdict(None, Some("POSTPAID")), "unknown_status");
    }

    #[test]
    fn the_warnings_on_rules_go_by_the_same_table() {
        for status in Status::KNOWN {
            for charge in ChargeType::KNOWN {
                let is_eligible = verdict(Some(status), Some(charge)) == "eligible";
                let is_listed = crate::rules::ELIGIBLE.contains(&(status, charge));
                assert_eq!(is_eligible, is_listed, "{status} {charge}");
            }
        }
    }

    #[test]
    fn the_host_itself_is_known_by_address_name_or_id() {
        let host = Host {
            addresses: vec!["203.0.113.7".parse().unwrap()],
            hostnames: vec!["reaper.example".into(), "second".into()],
            ids: vec!["4C4C4544-0042".into(), "i-own".into()],
        };
        let is = |address: &str, hostname: Option<&str>| {
            let mut subject = instance("i");
            subject.addresses = Box::new([address.parse().unwrap()]);
            subject.hostname = hostname.map(Into::into);
            check(&subject, &Condition::NOTHING, &host, Timestamp::UNIX_EPOCH) == Err(Skip::Own)
        };
        assert!(is("203.0.113.7", None));
        assert!(is("203.0.113.8", Some("reaper.example")));
        assert!(is("203.0.113.8", Some("REAPER")));
        assert!(!is("203.0.113.8", Some("reaper2")));
        assert!(!is("203.0.113.8", Some("reaper.other")));
        assert!(is("203.0.113.8", Some("second.example")));
        assert!(!is("203.0.113.8", None));
        assert!(is("::ffff:203.0.113.7", None));
        for (id, own) in
            [("i-own", true), ("I-OWN", true), ("4c4c4544-0042", true), ("i-ow", false)]
        {
            let mut subject = instance(id);
            (subject.addresses, subject.hostname) = (Box::default(), None);
            assert_eq!(host.is(&subject), own, "{id}");
        }
    }

    #[test]
    fn a_name_that_every_machine_may_have_means_none() {
        assert!(!is_same_name("localhost", "localhost"));
        assert!(!is_same_name("localhost.localdomain", "localhost.localdomain"));
        assert!(!is_same_name("", ""));
        assert!(is_same_name("web.example", "web"));
        assert!(is_same_name("web.example.", "WEB.example"));
        assert!(is_same_name("web.", "Web.Example"));
        assert!(is_same_name("Größe.example", "gRÖßE"));
        assert!(!is_same_name(".", "."));
        assert!(!is_same_name("web.example.org", "web.example"));
        assert!(!is_same_name("é.x", "x"));
    }

    #[test]
    fn unknown_protects() {
        let source = crate::diagnostic::Source {
            name: "r".into(),
            text: "rules: [{ name: p, match: { zone: SEL-A } }]".into(),
        };
        let rules = crate::rules::parse(&[source.into()], &crate::rules::Terms::default()).unwrap();
        let protect = &rules.rules[0].matches;
        let mut subject = instance("i");
        assert_eq!(check(&subject, protect, &Host::default(), Timestamp::UNIX_EPOCH), Ok(()));
        subject.zone = None;
        assert_eq!(
            check(&subject, protect, &Host::default(), Timestamp::UNIX_EPOCH),
            Err(Skip::Protected)
        );
    }
}
