//! Networks that an address is looked up in.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::lifetime::shorten;

/// What a network looks like, for error messages.
pub(crate) const NETWORK_HELP: &str =
    "an address such as 203.0.113.7, or a network such as 10.0.0.0/8";

/// Reads an address or a network. One whose address lies inside it, such as `10.1.2.3/8`, is refused: it says two things.
pub(super) fn parse(text: &str) -> Result<IpNet, String> {
    let trimmed = text.trim();
    if let Ok(address) = trimmed.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let network: IpNet = trimmed
        .parse()
        .map_err(|_| format!("`{}` is neither an address nor a network", shorten(text)))?;
    if network.addr() != network.network() {
        return Err(format!("`{}` is not a network: that is {}", shorten(text), network.trunc()));
    }
    Ok(network)
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
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(parse(text).unwrap().contains(&address), expected, "{text} {address}");
        }
        for bad in ["", "10.0.0", "10.0.0.0/33", "10.1.2.3/8", "10.0.0.*", "host", "10.0.0.0-9"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("10.1.2.3/8").unwrap_err().contains("10.0.0.0/8"));
    }
}
