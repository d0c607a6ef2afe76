//! Fleets of any size that look like real ones, the same for the same seed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Machine;

const ZONES: [&str; 6] = ["HKG-A", "SEL-A", "FRA-A", "LAX-A", "SIN-B", "AMS-A"];
const TYPES: [&str; 4] = ["M6C", "S9I", "M8C", "G2A"];
const IMAGES: [&str; 4] =
    ["Ubuntu Server 22.04 LTS", "Ubuntu Server 24.04 LTS", "Debian 12", "Rocky Linux 9"];
const ENVIRONMENTS: [&str; 4] = ["dev", "test", "staging", "prod"];
const ROLES: [&str; 6] = ["api", "web", "db", "build", "cache", "train"];
const OWNERS: [&str; 5] =
    ["ana@example.com", "bo@example.com", "chen@example.com", "dede@example.com", "platform"];
const PROJECTS: [&str; 4] = ["checkout", "search", "billing", "edge"];
/// The last one cannot be read, as happens wherever people type durations.
const TTLS: [&str; 6] = ["24h", "72h", "7d", "2w", "never", "3 dayz"];

/// The statuses other than `RUNNING` among any [`STATUS_CYCLE`] machines in a row.
const RARE_STATUSES: [&str; 11] = [
    "STOPPED",
    "STOPPED",
    "STOPPED",
    "RECYCLE",
    "BOOTING",
    "STOPPING",
    "INSTALL_FAILED",
    "CREATE_FAILED",
    "INSTALLING",
    "CREATING",
    "PENDING",
];
const STATUS_CYCLE: usize = 60;
/// Has no factor in common with the cycle, so it visits every place of it once.
const STATUS_STRIDE: usize = 7;

const HOUR_SECONDS: u64 = 3600;
const DAY_SECONDS: u64 = 24 * HOUR_SECONDS;
/// The real ids are numbers of this length.
const FIRST_ID: u64 = 1_310_000_000_000_000_000;
const ID_STRIDE: u64 = 1_000_003;

/// `count` machines that depend on nothing but the arguments.
#[must_use]
pub fn generate(count: usize, seed: u64, now: Timestamp) -> Vec<Machine> {
    let mut dice = Dice(seed);
    (0..count).map(|index| machine(index, &mut dice, now)).collect()
}

fn machine(index: usize, dice: &mut Dice, now: Timestamp) -> Machine {
    let environment = dice.pick(&ENVIRONMENTS);
    let name = format!("{environment}-{}-{:02}", dice.pick(&ROLES), index + 1);
    let status = status(index);
    let id = FIRST_ID.saturating_add(ID_STRIDE.saturating_mul(index as u64));
    let mut machine = Machine::default()
        .with("instanceId", (id + dice.below(ID_STRIDE)).to_string())
        .with("instanceName", name.as_str())
        .with("hostname", name)
        .with("instanceStatus", status)
        .with("zoneId", dice.pick(&ZONES))
        .with("instanceTypeId", dice.pick(&TYPES))
        .with("imageName", dice.pick(&IMAGES))
        .with("createTime", time(now, -age_seconds(status, dice)))
        .with("resourceGroupId", format!("rg-{environment}"))
        .with("resourceGroupName", environment);
    charge(&mut machine, dice, now);
    network(&mut machine, dice);
    tag(&mut machine, environment, dice);
    machine
}

fn status(index: usize) -> &'static str {
    let place = (index % STATUS_CYCLE) * STATUS_STRIDE % STATUS_CYCLE;
    RARE_STATUSES.get(place).copied().unwrap_or("RUNNING")
}

/// Machines that are still being made are young; the others are an hour to 200 days old.
fn age_seconds(status: &str, dice: &mut Dice) -> i64 {
    let seconds = match status {
        "PENDING" | "CREATING" | "INSTALLING" => dice.below(600),
        _ => HOUR_SECONDS + dice.below(200 * DAY_SECONDS - HOUR_SECONDS),
    };
    seconds.cast_signed()
}

fn charge(machine: &mut Machine, dice: &mut Dice, now: Timestamp) {
    let subscribed = dice.below(10) < 3;
    machine.set("instanceChargeType", if subscribed { "PREPAID" } else { "POSTPAID" });
    machine.set("period", subscribed.then(|| 1 + dice.below(12)));
    machine.set("autoRenew", subscribed && dice.below(2) == 0);
    let expires = subscribed.then(|| time(now, (dice.below(360) * DAY_SECONDS).cast_signed()));
    machine.set("expiredTime", expires);
}

fn network(machine: &mut Machine, dice: &mut Dice) {
    let block = dice.pick(&["203.0.113", "198.51.100"]);
    let public = format!("{block}.{}", 1 + dice.below(254));
    let private = format!("10.130.{}.{}", dice.below(256), 1 + dice.below(254));
    let internet = dice.pick(&["ByTrafficPackage", "ByBandwidth", "ByInstanceBandwidth95"]);
    machine.set("primaryPublicIpAddress", public.as_str());
    machine.set("publicIpAddresses", json!([public]));
    machine.set("privateIpAddresses", json!([private]));
    machine.set("bandwidthOutMbps", 10 * (1 + dice.below(100)));
    machine.set("internetChargeType", internet);
    let package = (internet == "ByTrafficPackage").then(|| json!(dice.below(20)));
    machine.set("trafficPackageSize", package.unwrap_or(Value::Null));
}

/// One machine in ten has no tags at all.
fn tag(machine: &mut Machine, environment: &str, dice: &mut Dice) {
    if dice.below(10) == 0 {
        return machine.set("tags", json!({"tags": []}));
    }
    machine.set_tag("env", environment);
    machine.set_tag("owner", dice.pick(&OWNERS));
    if dice.below(2) == 0 {
        machine.set_tag("ttl", dice.pick(&TTLS));
    }
    if dice.below(2) == 0 {
        machine.set_tag("project", dice.pick(&PROJECTS));
    }
    if environment == "prod" && dice.below(3) == 0 {
        machine.set_tag("protected", "true");
    }
}

/// A time in the spelling of the API: whole seconds, UTC.
pub(super) fn time(now: Timestamp, offset_seconds: i64) -> String {
    let second = now.as_second().saturating_add(offset_seconds);
    Timestamp::from_second(second).unwrap_or(now).to_string()
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): repeatable, and good enough to look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sample() -> Vec<Machine> {
        generate(300, 7, "2026-11-23T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn the_same_seed_makes_the_same_fleet_and_another_seed_another() {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        assert_eq!(generate(50, 1, now), generate(50, 1, now));
        assert_ne!(generate(50, 1, now), generate(50, 2, now));
    }

    #[test]
    fn ids_are_distinct_and_in_order() {
        let fleet = sample();
        let ids: Vec<_> = fleet.iter().map(|machine| machine.id().unwrap()).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn every_status_appears_among_sixty_and_most_machines_run() {
        let fleet = sample();
        let statuses: BTreeSet<_> = fleet.iter().take(60).filter_map(Machine::status).collect();
        assert_eq!(statuses.len(), 10);
        let running = fleet.iter().filter(|machine| machine.status() == Some("RUNNING")).count();
        assert!(running > 200, "{running}");
    }

    #[test]
    fn seven_in_ten_are_pay_as_you_go() {
        let payg =
            sample().iter().filter(|machine| machine.charge_type() == Some("POSTPAID")).count();
        assert!((180..=240).contains(&payg), "{payg}");
    }

    #[test]
    fn times_are_in_the_spelling_of_the_api() {
        for machine in sample() {
            let created = machine.text("createTime").unwrap();
            assert_eq!(created.len(), "2026-11-23T12:00:00Z".len(), "{created}");
        }
    }
}
