//! Text end to end: what names, tags and addresses as people write them make of a run.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Stage, due};
use serde_json::{Value, json};
use zenreaper::sandbox::Machine;

/// A machine with the tag `env: dev`.
fn dev(id: &str) -> Machine {
    due(id)
        .with_tag("env", "dev")
        .with("publicIpAddresses", json!([]))
        .with("privateIpAddresses", json!([]))
}

/// Runs once with a rule that has these keys beside `expire`, under such a config, and checks which machines are terminated.
async fn check(rule: &str, config: &str, machines: &[Machine], terminated: &[&str]) -> Stage {
    let rules = format!("rules:\n  - name: dev\n    {rule}\n    expire: {{ after: 1h }}\n");
    let limits = "{ max_terminations: 100, max_percent: 100, max_per_day: 100 }";
    let stage = Stage::with(machines.to_vec()).await.rules(&rules).limits(limits).more(config);
    stage.once_exits(0).await;
    let mut got = stage.terminated();
    got.sort();
    assert_eq!(got, terminated, "{rule} {config}");
    stage
}

/// The same of a condition in each place where it protects.
async fn protects(condition: &str, kept: &[Machine], terminated: &[Machine]) {
    let machines = [kept, terminated].concat();
    let ids: Vec<_> = terminated.iter().map(|one| one.id().unwrap()).collect();
    let dev = "match: { tags: { env: dev } }";
    check(&format!("{dev}\n    unless: [{condition}]"), "", &machines, &ids).await;
    check(dev, &format!("protect: [{condition}]"), &machines, &ids).await;
    let not = format!("match: {{ tags: {{ env: dev }}, not: {condition} }}");
    check(&not, "", &machines, &ids).await;
}

fn named(id: &str, name: impl Into<Value>) -> Machine {
    dev(id).with("instanceName", name)
}

#[tokio::test]
async fn a_pattern_matches_characters_of_any_script() {
    let kept = [named("a", "kunde-é"), named("b", "kunde-主"), named("c", "kunde-🦀")];
    protects("{ name: 'kunde-?' }", &kept, &[named("z", "kunde-12")]).await;
    let kept = [named("a", "db-主"), named("b", "db-从")];
    protects("{ name: { glob: 'db-[主从]' } }", &kept, &[named("z", "db-丛")]).await;
    let kept = [named("a", "[prod] db"), named("b", "[prod]\n")];
    protects("{ name: '[prod]*' }", &kept, &[named("z", "p-1")]).await;
}

#[tokio::test]
async fn an_empty_text_is_unknown_as_null_is() {
    let fields = [
        ("zone", "zoneId"),
        ("name", "instanceName"),
        ("hostname", "hostname"),
        ("type", "instanceTypeId"),
        ("image", "imageName"),
        ("internet_charge_type", "internetChargeType"),
        ("resource_group", "resourceGroupName"),
    ];
    for (key, field) in fields {
        let with = |id, value: Value| {
            let other = dev(id).with("resourceGroupId", "dev");
            other.with("zoneId", "HKG-A").with(field, value)
        };
        let kept = [
            with("a", json!("")),
            with("b", json!(" ")),
            with("c", json!("\u{a0}")),
            with("d", Value::Null),
            with("e", json!("prod")),
        ];
        protects(&format!("{{ {key}: prod }}"), &kept, &[with("z", json!("dev"))]).await;
    }
    let empty = dev("a").with("zoneId", "");
    let of = "match: { tags: { env: dev }, zone: { not_in: [prod] } }";
    check(of, "", &[empty, dev("z")], &["z"]).await;
}

#[tokio::test]
async fn a_tag_without_a_value_and_a_near_miss_protect() {
    let tagged = |id, tag: Value| {
        let tags = json!({ "tags": [{ "key": "env", "value": "dev" }, tag] });
        dev(id).with("tags", tags)
    };
    let kept = [
        tagged("a", json!({ "key": "keep", "value": null })),
        tagged("b", json!({ "key": "keep" })),
        tagged("c", json!({ "key": "Keep", "value": "1" })),
        tagged("d", json!({ "key": "KEEP", "value": "0" })),
        tagged("e", json!({ "key": "keep ", "value": "" })),
        tagged("f", json!({ "key": "\u{a0}keep", "value": null })),
        tagged("g", json!({ "key": "keep\n", "value": "1" })),
        tagged("h", json!({ "key": "keep", "value": "1" })),
    ];
    let other = tagged("z", json!({ "key": "keeper", "value": "1" }));
    protects("{ tags: { keep: '1' } }", &kept, std::slice::from_ref(&other)).await;
    protects("{ tags: { keep: { exists: true } } }", &kept, std::slice::from_ref(&other)).await;
    let rule = "match: { tags: { env: dev } }\n    unless: { tags: { keep: '*' } }";
    let stage = check(rule, "", &[kept[2].clone(), kept[4].clone(), other], &["z"]).await;
    let plan = stage.run(&["plan"]).await;
    plan.exits(0).says("near_miss (Keep is not keep)").says("near_miss (keep  is not keep)");
    plan.says("WARNING: 1 instance has the tag `Keep`, a near miss of `keep`");
    assert_eq!(stage.decision("c").await["reason"], "near_miss");
    let explained = stage.run(&["explain", "c"]).await;
    explained.exits(0).says(
        "It stays: its tag `Keep` is a near miss of `keep`, so the instance is protected from the rule dev.",
    );
    let logged = stage.once_exits(0).await;
    assert_eq!(logged.lines("tag", "Keep").len(), 1);
    stage.run(&["check"]).await.exits(0).says("warning[ZR113]: rules[0].unless.tags.keep: ");
}

#[tokio::test]
async fn an_address_in_ipv6_notation_is_the_address_itself() {
    let with = |id, address: &str| dev(id).with("publicIpAddresses", json!([address]));
    let kept = [with("a", "::ffff:10.0.0.5"), with("b", "10.0.0.5"), with("c", "no address")];
    let terminated = [with("z", "11.0.0.5")];
    protects("{ ip: [10.0.0.0/8] }", &kept, &terminated).await;
    protects("{ ip: '::ffff:10.0.0.0/104' }", &kept, &terminated).await;
}

#[tokio::test]
async fn a_control_character_is_stored_and_shown_as_its_picture() {
    let odd = named("a", "dev\u{0}\n1").with_tag("owner", "an\u{0}a");
    let rule = "match: { name: 'dev??1' }";
    let stage = check(rule, "", &[odd, named("i\u{0}d", "dev--1")], &["a"]).await;
    let rows: Vec<(String, String)> = stage.rows("SELECT name, owner FROM intents").await;
    assert_eq!(rows, [("dev␀␊1".to_owned(), "an␀a".to_owned())]);
    let history = stage.run(&["history", "-o", "json"]).await;
    assert!(!history.out.contains("\\u0000") && history.out.contains("dev␀␊1"), "{}", history.out);
}
