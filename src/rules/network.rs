//! Networks that an address is looked up in.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::lifetime::shorten;

/// What a network looks like, for error messages.
pub(crate) const NETWORK_HELP: &str =
    "an address such as 203.0.113.7, or a network such as 10.0.0.0/8";

/// Reads an address or a network. One whose address lies inside it, such as `10.1.2.3/8`, is refused: it says two things.
///
/// What is mapped from IPv4 into IPv6 (`::ffff:10.0.0.0/104`) is read as IPv4. The crate `ipnet` is not asked to parse, since it
/// takes leading zeros, which other programs read as octal.
pub(super) fn parse(text: &str) -> Result<IpNet, String> {
    let wrong = |why: &str| format!("`{}` is neither an address nor a network{why}", shorten(text));
    if has_leading_zero(text) {
        return Err(wrong(": a number begins with 0, which some programs read as octal"));
    }
    let Some((address, prefix)) = text.split_once('/') else {
        let address: IpAddr = text.parse().map_err(|_| wrong(""))?;
        return Ok(address.to_canonical().into());
    };
    let address: IpAddr = address.parse().map_err(|_| wrong(""))?;
    let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix: Option<u8> = prefix.parse().ok().filter(|_| is_number);
    let network = prefix.and_then(|prefix| IpNet::new(address, prefix).ok());
    let network = network.ok_or_else(|| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        wrong(&format!(": its length is not a number from 0 to {most}"))
    })?;
    if network.addr() != network.network() {
        return Err(format!("`{}` is not a network: that is {}", shorten(text), network.trunc()));
    }
    Ok(unmapped(network))
}

/// Whether a decimal number in an IPv4 address, or the length of a network, begins with a zero that does nothing.
fn has_leading_zero(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, ""));
    let is_padded = |number: &str| {
        number.len() > 1
            && number.starts_with('0')
            && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    // The IPv4 part of an IPv6 address comes after its last colon; its other groups are hexadecimal.
    let decimal = address.rsplit(':').next().filter(|last| last.contains('.')).unwrap_or_default();
    decimal.split('.').any(is_padded) || is_padded(length)
}

/// The bits of an IPv6 address before the IPv4 address that is mapped into it.
const MAPPED_BITS: u8 = 96;

fn unmapped(network: IpNet) -> IpNet {
    let length = network.prefix_len().checked_sub(MAPPED_BITS);
    match (network, length) {
        (IpNet::V6(own), Some(length)) => {
            let address = own.addr().to_ipv4_mapped();
            let mapped = address.and_then(|address| IpNet::new(address.into(), length).ok());
            mapped.unwrap_or(network)
        }
        (IpNet::V4(_) | IpNet::V6(_), _) => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_read_or_refused() {
        for (text, address, expected) in [
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "10.0.0.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8::1", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:0:0/96", "10.1.2.3", true),
            ("::ffff:10.0.0.1/128", "10.0.0.1", true),
            ("0.0.0.0", "0.0.0.0", true),
            ("::/0", "2001:db8::1", true),
            ("::0/0", "2001:db8::1", true),
            ("2001:0db8::/32", "2001:db8::1", true),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(parse(text).unwrap().contains(&address), expected, "{text} {address}");
        }
        for bad in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.1.2.3/8",
            "10.0.0.*",
            "host",
            "10.0.0.0-9",
            "010.0.0.0/8",
            "010.0.0.1",
            "10.00.0.0/16",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/-8",
            "10.0.0.0/",
            "10.0.0.0/8/8",
            "10.0.0.0/8 ",
            " 10.0.0.0/8",
            "10.0.0.0 /8",
            "10.0.0.0/255.0.0.0",
            "10.0.0.0/٨",
            "0x0a.0.0.0/8",
            "10/8",
            "::ffff:010.0.0.0/104",
            "::ffff:10.1.2.3/104",
            "::/129",
            "2001:db8::/032",
            "fe80::1%eth0",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("010.0.0.0/8").unwrap_err().contains("octal"));
        assert!(parse("10.0.0.0/08").unwrap_err().contains("begins with 0"));
        assert!(parse("10.1.2.3/8").unwrap_err().contains("10.0.0.0/8"));
    }
}
