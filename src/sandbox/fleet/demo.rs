//! A fleet written by hand for the demo: a machine of every kind that the rules and the API tell
//! apart.

use jiff::Timestamp;
use serde_json::json;

use super::Machine;
use super::generate::time;

/// Minutes.
const MINUTE: i64 = 1;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Name, charge type, status, age in minutes, tags.
type Row = (&'static str, &'static str, &'static str, i64, &'static [(&'static str, &'static str)]);

const P: &str = "POSTPAID";
const S: &str = "PREPAID";

#[rustfmt::skip]
const ROWS: [Row; 49] = [
    // Development machines of several ages.
    ("dev-api-01", P, "RUNNING", 2 * HOUR, &[("env", "dev"), ("owner", "ana@example.com")]),
    ("dev-api-02", P, "RUNNING", 40 * HOUR, &[("env", "dev"), ("owner", "ana@example.com")]),
    ("dev-api-03", P, "RUNNING", 80 * HOUR, &[("env", "dev"), ("owner", "bo@example.com")]),
    ("dev-web-01", P, "STOPPED", 9 * DAY, &[("env", "dev"), ("owner", "bo@example.com")]),
    ("dev-web-02", P, "RUNNING", 30 * DAY, &[("env", "dev"), ("project", "checkout")]),
    ("dev-db-01", P, "RUNNING", 5 * DAY, &[("env", "dev"), ("keep", "until the audit is done")]),
    ("dev-build-01", P, "BOOTING", 4 * DAY, &[("env", "dev"), ("owner", "chen@example.com")]),
    ("dev-build-02", P, "STOPPING", 4 * DAY, &[("env", "dev"), ("owner", "chen@example.com")]),
    ("test-load-01", P, "RUNNING", 100 * HOUR, &[("env", "test"), ("project", "search")]),
    ("test-load-02", P, "RUNNING", 100 * HOUR, &[("env", "test"), ("project", "search"), ("keep", "demo on Friday")]),
    ("test-load-03", P, "STOPPED", 12 * DAY, &[("env", "test"), ("project", "search")]),
    // Lifetimes set by tags, as people write them.
    ("dev-train-01", P, "RUNNING", 30 * HOUR, &[("env", "dev"), ("ttl", "24h")]),
    ("dev-train-02", P, "RUNNING", 30 * HOUR, &[("env", "dev"), ("ttl", "72h")]),
    ("dev-train-03", P, "RUNNING", 8 * DAY, &[("env", "dev"), ("ttl", "7d")]),
    ("dev-train-04", P, "RUNNING", 60 * DAY, &[("env", "dev"), ("ttl", "never")]),
    ("dev-train-05", P, "RUNNING", 60 * DAY, &[("env", "dev"), ("ttl", "forever")]),
    ("dev-train-06", P, "RUNNING", 60 * DAY, &[("env", "dev"), ("ttl", "3 dayz")]),
    ("dev-train-07", P, "RUNNING", 60 * DAY, &[("env", "dev"), ("ttl", "")]),
    ("dev-train-08", P, "RUNNING", 60 * DAY, &[("env", "dev"), ("ttl", "PT72H")]),
    ("dev-train-09", P, "RUNNING", 60 * DAY, &[("env", "dev"), ("ttl", "2026-01-31")]),
    ("dev-train-10", P, "RUNNING", 60 * DAY, &[("env", "dev"), ("ttl", "9999-12-31")]),
    // Due in a minute, for whoever watches.
    ("dev-soon-01", P, "RUNNING", 72 * HOUR - MINUTE, &[("env", "dev"), ("owner", "ana@example.com")]),
    ("dev-soon-02", P, "RUNNING", 72 * HOUR - 2 * MINUTE, &[("env", "dev"), ("owner", "bo@example.com")]),
    // Machines of pull requests, of a project with an end, and one that is handed back by switching it off.
    ("pr-1812-ci", P, "RUNNING", 50 * HOUR, &[]),
    ("pr-1840-ci", P, "RUNNING", 3 * HOUR, &[]),
    ("ci-build-4711", P, "RUNNING", 20 * HOUR, &[("env", "ci")]),
    ("ci-runner-01", P, "RUNNING", 4 * DAY, &[("env", "ci"), ("owner", "platform")]),
    ("expo-stage-01", P, "RUNNING", 40 * DAY, &[("project", "expo"), ("expires", "2026-01-31")]),
    ("lab-scratch-01", P, "STOPPED", 6 * DAY, &[("when-stopped", "return")]),
    // Machines that are not to be touched.
    ("prod-api-01", P, "RUNNING", 190 * DAY, &[("env", "prod"), ("owner", "platform"), ("protected", "true")]),
    ("prod-api-02", P, "RUNNING", 190 * DAY, &[("env", "prod"), ("owner", "platform"), ("protected", "true")]),
    ("prod-db-01", P, "RUNNING", 200 * DAY, &[("env", "prod"), ("owner", "platform"), ("protected", "yes")]),
    ("dev-bastion-01", P, "RUNNING", 120 * DAY, &[("env", "dev"), ("protected", "true")]),
    ("staging-api-01", P, "RUNNING", 20 * DAY, &[("env", "staging"), ("owner", "dede@example.com")]),
    ("staging-web-01", P, "RUNNING", 2 * DAY, &[("env", "staging"), ("owner", "dede@example.com")]),
    // Subscriptions: returned when they run out, not before.
    ("prod-edge-01", S, "RUNNING", 90 * DAY, &[("env", "prod"), ("project", "edge")]),
    ("prod-edge-02", S, "RUNNING", 90 * DAY, &[("env", "prod"), ("project", "edge")]),
    ("dev-edge-01", S, "RUNNING", 25 * DAY, &[("env", "dev"), ("ttl", "72h")]),
    ("dev-edge-02", S, "CREATE_FAILED", 6 * DAY, &[("env", "dev")]),
    // Coming, going and gone wrong.
    ("dev-new-01", P, "PENDING", MINUTE, &[("env", "dev"), ("ttl", "24h")]),
    ("dev-new-02", P, "CREATING", 4 * MINUTE, &[("env", "dev"), ("ttl", "24h")]),
    ("dev-new-03", P, "INSTALLING", 15 * MINUTE, &[("env", "dev"), ("ttl", "24h")]),
    ("dev-broken-01", P, "CREATE_FAILED", 5 * DAY, &[("env", "dev")]),
    ("dev-broken-02", P, "INSTALL_FAILED", 5 * DAY, &[("env", "dev")]),
    ("dev-old-01", P, "RECYCLE", 20 * DAY, &[("env", "dev")]),
    ("dev-old-02", P, "RECYCLE", 45 * DAY, &[("env", "dev"), ("ttl", "7d")]),
    ("dev-odd-01", P, "MAINTENANCE", 10 * DAY, &[("env", "dev")]),
    // Nobody said what these are for.
    ("instance-7f3a", P, "RUNNING", 150 * DAY, &[]),
    ("instance-c01d", P, "STOPPED", 33 * DAY, &[]),
];

/// One more that looks like any other, until `TerminateInstance` is called.
#[rustfmt::skip]
const COMMITTED: Row =
    ("dev-gpu-01", P, "RUNNING", 15 * DAY, &[("env", "dev"), ("ttl", "7d"), ("project", "search")]);

/// Fifty machines, some of every kind.
#[must_use]
pub fn demo(now: Timestamp) -> Vec<Machine> {
    ROWS.iter()
        .zip(1..)
        .map(|(row, number)| machine(row, number, now))
        .chain([machine(&COMMITTED, 99, now).in_commitment()])
        .collect()
}

fn machine(row: &Row, number: i64, now: Timestamp) -> Machine {
    let (name, charge_type, status, age_minutes, tags) = *row;
    let mut zones = ["HKG-A", "SEL-A", "FRA-A", "LAX-A"].iter().cycle();
    let zone = zones.nth(usize::try_from(number % 4).unwrap_or(0));
    let expires = (charge_type == S).then(|| time(now, 21 * DAY * 60));
    let machine = Machine::default()
        .with("instanceId", format!("13164207{number:011}"))
        .with("instanceName", name)
        .with("hostname", name)
        .with("instanceStatus", status)
        .with("instanceChargeType", charge_type)
        .with("zoneId", zone.copied())
        .with("instanceTypeId", "M6C")
        .with("imageName", "Ubuntu Server 24.04 LTS")
        .with("createTime", time(now, -age_minutes * 60))
        .with("expiredTime", expires)
        .with("resourceGroupId", "rg-default")
        .with("resourceGroupName", "Default")
        .with("primaryPublicIpAddress", format!("203.0.113.{number}"))
        .with("publicIpAddresses", json!([format!("203.0.113.{number}")]))
        .with("privateIpAddresses", json!([format!("10.130.1.{number}")]))
        .with("bandwidthOutMbps", 100)
        .with("internetChargeType", "ByBandwidth")
        .with("trafficPackageSize", json!(null))
        .with("period", (charge_type == S).then_some(3))
        .with("autoRenew", charge_type == S)
        .with("tags", json!({"tags": []}));
    tags.iter().fold(machine, |machine, (key, value)| machine.with_tag(key, value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_demo_has_distinct_machines_of_every_status_and_charge_type() {
        let fleet = demo("2026-11-23T12:00:00Z".parse().unwrap());
        let distinct = |field: &str| {
            let values: BTreeSet<_> = fleet.iter().map(|m| m.text(field).unwrap()).collect();
            values.len()
        };
        assert_eq!(distinct("instanceId"), fleet.len());
        assert_eq!(distinct("instanceName"), fleet.len());
        assert_eq!(distinct("instanceStatus"), 11, "ten known ones and an unknown one");
        assert_eq!(distinct("instanceChargeType"), 2);
        assert_eq!(fleet.iter().filter(|m| m.is_in_commitment()).count(), 1);
    }
}
