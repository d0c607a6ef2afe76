//! What the machine that zenreaper runs on knows of itself, so that it is never terminated.
//!
//! Addresses and the name come from the kernel, ids from what cloud-init and the firmware (DMI) left in files. A value that
//! many machines share says nothing and is dropped; a file that cannot be read, or is too large, is left out.

use std::{fs, io::Read, net::IpAddr, path::Path};

use nix::{ifaddrs::getifaddrs, unistd::gethostname};
use serde_json::Value;

use crate::plan::eligibility::Host;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The id of the instance, as cloud-init keeps it across boots.
const INSTANCE_ID: &str = "var/lib/cloud/data/instance-id";

/// What cloud-init tells everybody of this boot: "Instance metadata" in its documentation.
const INSTANCE_DATA: &str = "run/cloud-init/instance-data.json";

/// Where cloud-init writes the id in [`INSTANCE_DATA`], in both of its spellings.
const DATA_IDS: [&str; 2] = ["/v1/instance_id", "/v1/instance-id"];

/// Where it writes the name there.
const DATA_NAMES: [&str; 2] = ["/v1/local_hostname", "/v1/local-hostname"];

/// What the firmware tells; the kernel shows some of it to root only.
const DMI: [&str; 6] = [
    "sys/class/dmi/id/product_uuid",
    "sys/class/dmi/id/product_serial",
    "sys/class/dmi/id/chassis_asset_tag",
    "sys/class/dmi/id/chassis_serial",
    "sys/class/dmi/id/board_serial",
    "sys/class/dmi/id/board_asset_tag",
];

/// An id that is shorter means nothing.
const ID_CHARS_MIN: usize = 4;

/// What makers leave in the place of an id, and what cloud-init says when nobody gave it one.
const PLACEHOLDERS: [&str; 15] = [
    "none",
    "unknown",
    "default",
    "default string",
    "not specified",
    "not applicable",
    "not available",
    "to be filled by o.e.m.",
    "system serial number",
    "chassis serial number",
    "0123456789",
    "123456789",
    "03000200-0400-0500-0006-000700080009",
    "iid-datasource-none",
    "nocloud",
];

/// Reads what this machine knows of itself. What cannot be read is left out.
#[must_use]
pub fn read() -> Host {
    read_under(Path::new("/"))
}

/// The same with the files of another root.
fn read_under(root: &Path) -> Host {
    let data = text(root, INSTANCE_DATA).and_then(|text| serde_json::from_str(&text).ok());
    let data: Value = data.unwrap_or_default();
    let told = |places: [&str; 2]| {
        let texts = places.map(|place| data.pointer(place).and_then(Value::as_str));
        texts.into_iter().flatten().map(str::to_owned)
    };
    let own_name = name();
    let files = std::iter::once(INSTANCE_ID).chain(DMI);
    let ids = files.filter_map(|file| text(root, file)).chain(told(DATA_IDS));
    Host {
        addresses: addresses(),
        hostnames: distinct(own_name.into_iter().chain(told(DATA_NAMES))),
        ids: distinct(ids.filter_map(|id| meaningful(&id))),
    }
}

/// The addresses of this machine that can mean only it.
/// The name of this host, if it has one.
#[must_use]
pub fn name() -> Option<String> {
    gethostname().ok()?.into_string().ok().filter(|name| !name.is_empty())
}

fn addresses() -> Vec<IpAddr> {
    let interfaces = getifaddrs().into_iter().flatten();
    distinct(interfaces.filter_map(|one| ip(&one.address?)).filter(is_own))
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// The text of a plain file that is not too large.
fn text(root: &Path, file: &str) -> Option<String> {
    let path = root.join(file);
    // Opening a pipe would wait for its other end.
    fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
    let mut text = String::new();
    fs::File::open(path).ok()?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).ok()?;
    (text.len() as u64 <= FILE_BYTES_MAX).then_some(text)
}

/// An id that can mean this machine only, without the white space around it.
fn meaningful(id: &str) -> Option<Box<str>> {
    let id = id.trim();
    let mut letters =
        id.chars().filter(|letter| *letter != '-').map(|one| one.to_ascii_lowercase());
    let first = letters.next();
    let is_one_letter = letters.all(|letter| Some(letter) == first);
    let is_placeholder = PLACEHOLDERS.iter().any(|known| known.eq_ignore_ascii_case(id));
    let means_nothing = is_one_letter || is_placeholder || id.chars().count() < ID_CHARS_MIN;
    (!means_nothing).then(|| id.into())
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
        assert!(!read().hostnames.is_empty());
    }

    /// A machine with these files, and what it knows of itself but for what the kernel says.
    fn known(files: &[(&str, &str)]) -> (Vec<Box<str>>, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let kernel = read_under(Path::new("/nowhere"));
        assert!(kernel.ids.is_empty());
        let Host { ids, mut hostnames, .. } = read_under(root.path());
        hostnames.retain(|name| !kernel.hostnames.contains(name));
        (ids, hostnames)
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], ids: &[&str], names: &[&str]) {
        let (got_ids, got_names) = known(files);
        let got_ids: Vec<_> = got_ids.iter().map(|id| &**id).collect();
        assert_eq!(
            (got_ids.as_slice(), got_names),
            (ids, names.iter().map(ToString::to_string).collect()),
            "{files:?}"
        );
    }

    #[test]
    fn what_cloud_init_and_the_firmware_left_is_read() {
        check(&[], &[], &[]);
        check(&[("var/lib/cloud/data/instance-id", "i-own\n")], &["i-own"], &[]);
        let data = r#"{"ds":{"x":[1]},"v1":{"instance_id":"i-own","instance-id":"i-own","local_hostname":"own.example"}}"#;
        check(&[("run/cloud-init/instance-data.json", data)], &["i-own"], &["own.example"]);
        let old = r#"{"v1":{"instance-id":"i-old","local-hostname":"old.example"}}"#;
        check(&[("run/cloud-init/instance-data.json", old)], &["i-old"], &["old.example"]);
        check(
            &[
                ("sys/class/dmi/id/product_uuid", "4C4C4544-0042-3010-8051-B7C04F4E3132\n"),
                ("sys/class/dmi/id/product_serial", " 7B0QN12 \n"),
                ("sys/class/dmi/id/chassis_asset_tag", "i-tag"),
                ("sys/class/dmi/id/board_asset_tag", "i-tag"),
                ("sys/class/dmi/id/chassis_serial", "i-chassis"),
                ("sys/class/dmi/id/board_serial", "i-board"),
                ("sys/class/dmi/id/product_name", "PowerEdge"),
            ],
            &["4C4C4544-0042-3010-8051-B7C04F4E3132", "7B0QN12", "i-board", "i-chassis", "i-tag"],
            &[],
        );
    }

    #[test]
    fn what_many_machines_share_means_none() {
        for shared in [
            "",
            " \n",
            "None",
            "NONE",
            "Default string",
            "To be filled by O.E.M.",
            "To Be Filled By O.E.M.",
            "0123456789",
            "Not Specified",
            "00000000-0000-0000-0000-000000000000",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "ffffFFFF",
            "....",
            "----",
            "iid-datasource-none",
            "i-1",
        ] {
            assert_eq!(meaningful(shared), None, "{shared:?}");
        }
        for own in ["i-own", "7B0QN12", "0000-0001", "none-of-them"] {
            assert_eq!(meaningful(own).as_deref(), Some(own));
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let file = "run/cloud-init/instance-data.json";
        for odd in ["", "{", "[]", r#"{"v1":5}"#, r#"{"v1":{"instance_id":5}}"#] {
            check(&[(file, odd)], &[], &[]);
        }
        check(&[("var/lib/cloud/data/instance-id/nested", "i-own")], &[], &[]);
        let file = "var/lib/cloud/data/instance-id";
        let padding = usize::try_from(FILE_BYTES_MAX).unwrap() - "i-own".len();
        check(&[(file, &format!("i-own{}", " ".repeat(padding)))], &["i-own"], &[]);
        check(&[(file, &format!("i-own{}", " ".repeat(padding + 1)))], &[], &[]);
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("var/lib/cloud/data")).unwrap();
        fs::write(root.path().join(file), [0xff, 0xfe, b'a', b'b']).unwrap();
        assert!(read_under(root.path()).ids.is_empty());
        fs::remove_file(root.path().join(file)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", root.path().join(file)).unwrap();
        assert!(read_under(root.path()).ids.is_empty());
    }
}
