//! Tags that say when, through the whole program: what cannot be read terminates nothing.

use crate::common::{Stage, due};

const RULES: &str = "rules: [{ name: ttl, match: { zone: HKG-A }, expire: { tag: ttl } }]";

/// Values of the tag of an instance that was created on 2026-01-01, which cannot be read.
const UNREADABLE: [&str; 18] = [
    "18:00:00",
    "1,500h",
    "1ms",
    "0s",
    "90s",
    "0h",
    "1m",
    "3M",
    "-3d",
    "1h 1h",
    "0001-01-01T00:00:00Z",
    "2025-12-30",
    "2026-01-01T00:00:00Z",
    "2026-W05",
    "20260105",
    "2026-01-05 00:00:00Z",
    "2026-01-05T00:00:00+25:00",
    "2026-01-05T23:59:60Z",
];

#[tokio::test]
async fn a_tag_that_cannot_be_read_for_certain_terminates_nothing() {
    let odd = UNREADABLE.iter().enumerate();
    let mut fleet: Vec<_> =
        odd.map(|(n, ttl)| due(&format!("odd-{n:02}")).with_tag("ttl", ttl)).collect();
    fleet.push(due("far").with_tag("ttl", "9999-12-31"));
    fleet.push(due("last").with_tag("ttl", "9999-12-31T23:59:59-12:00"));
    fleet.extend(["72h", "2026-01-05", "PT72H"].map(|ttl| due(ttl).with_tag("ttl", ttl)));
    let unborn = due("unborn").with("createTime", serde_json::Value::Null);
    fleet.push(unborn.with_tag("ttl", "2026-01-05"));
    let stage = Stage::with(fleet).await.rules(RULES);
    let seen = stage.once().await;
    seen.exits(0);
    let mut terminated = stage.terminated();
    terminated.sort_unstable();
    assert_eq!(terminated, ["2026-01-05", "72h", "PT72H"]);
    let skipped = r#"zenreaper_skipped_total{account="main",reason="unreadable_expiry"}"#;
    seen.counts(skipped, 18.0);
}

#[tokio::test]
async fn an_instant_of_a_rule_is_not_for_what_is_created_later() {
    let rules = "rules: [{ name: fair, match: { zone: HKG-A }, expire: { at: 2026-03-01 } }]";
    let later = due("later").with("createTime", "2026-03-02T00:00:01Z");
    let unborn = due("unborn").with("createTime", serde_json::Value::Null);
    let stage = Stage::with(vec![due("there"), later, unborn]).await.rules(rules);
    stage.run(&["explain", "later"]).await.exits(0).says("it was created after 2026-03-02 00:00");
    stage.run(&["explain", "unborn"]).await.exits(0).says("which the cloud did not tell");
    stage.once().await.exits(0);
    assert_eq!(stage.terminated(), ["there"]);
}

/// Nothing that is reckoned from a date at the end of the calendar goes beyond it, or takes long.
#[tokio::test]
async fn a_date_at_the_end_of_the_calendar_is_far_away_for_every_command() {
    let rules = "
rules:
  - { name: nightly, match: { tags: { by: nightly } }, expire: { tag: ttl }, schedule: '0 22 * * *' }
  - { name: told, match: { tags: { by: told } }, expire: { tag: ttl }, notice: 36500d }
  - { name: zoned, match: { tags: { by: zoned } }, expire: { tag: ttl }, timezone: Pacific/Niue }
  - { name: fixed, match: { tags: { by: fixed } }, expire: { at: 9999-12-31 } }
  - { name: capped, match: { tags: { by: capped } }, expire: { tag: ttl, max: 36500d } }
";
    let names = ["nightly", "told", "zoned", "fixed", "capped"];
    let fleet = names.map(|by| due(by).with_tag("by", by).with_tag("ttl", "9999-12-31"));
    let stage = Stage::with(fleet.to_vec()).await.rules(rules);
    for args in [&["plan"][..], &["plan", "-o", "json"], &["forecast", "--days", "366", "--all"]] {
        stage.run(args).await.exits(0);
    }
    for name in names {
        stage.run(&["explain", name]).await.exits(0);
        stage.run(&["explain", name, "-o", "json"]).await.exits(0);
    }
    stage.once().await.exits(0);
    assert!(stage.terminated().is_empty());
}
