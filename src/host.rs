//! What the machine that zenreaper runs on knows of itself, so that it is never terminated.

use std::net::IpAddr;

use nix::{ifaddrs::getifaddrs, unistd::gethostname};

use crate::plan::eligibility::Host;

/// Reads the addresses and the name of this machine. What cannot be read is left out.
#[must_use]
pub fn read() -> Host {
    let interfaces = getifaddrs().into_iter().flatten();
    let mut addresses: Vec<_> =
        interfaces.filter_map(|one| ip(&one.address?)).filter(is_own).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let hostname = gethostname().ok().and_then(|name| name.into_string().ok());
    Host { addresses, hostname }
}

fn ip(address: &nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
}

/// Whether an address can mean this machine only: loopback and link-local ones mean every machine.
fn is_own(address: &IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !address.is_loopback() && !address.is_unspecified() && !link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_every_machine_has_are_not_ones_own() {
        for (address, own) in [
            ("10.0.0.5", true),
            ("203.0.113.7", true),
            ("2001:db8::1", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("169.254.1.1", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(is_own(&address.parse().unwrap()), own, "{address}");
        }
    }

    #[test]
    fn this_machine_has_a_name() {
        assert!(read().hostname.is_some());
    }
}
