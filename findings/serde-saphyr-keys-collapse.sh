#!/usr/bin/env bash
# serde-saphyr 2.2.0 (crate): two keys that differ in YAML can become equal in Rust, and the first
# value is lost.
#
# A good engineer would guess that duplicate keys are always an error, since serde-saphyr refuses
# `1` twice, and `a` beside `'a'`. Instead, `1` and `"1"` count as different keys when duplicates
# are checked. The keys of a `BTreeMap<String, _>` are then equal, and the last one wins.
#
# Why it matters: with tags or tenants that are numbers, one of two entries of a configuration
# vanishes without an error. It can be the entry that protects servers.
#
# Output seen:
#   "a: x\n'a': y\n" is refused
#   "1: x\n1: y\n" is refused
#   "1: x\n\"1\": y\n" is {"1": "y"}
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

mkdir src
cat >Cargo.toml <<'EOF'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
serde-saphyr = { version = "=2.2.0", default-features = false, features = ["deserialize"] }
serde = { version = "=1.0.229", features = ["derive"] }
EOF
cat >src/main.rs <<'EOF'
use std::collections::BTreeMap;

fn main() {
    for text in ["a: x\n'a': y\n", "1: x\n1: y\n", "1: x\n\"1\": y\n"] {
        let map = serde_saphyr::from_str::<BTreeMap<String, String>>(text);
        let shown = map.map_or("refused".to_owned(), |map| format!("{map:?}"));
        println!("{text:?} is {shown}");
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
"a: x\n'a': y\n" is refused
"1: x\n1: y\n" is refused
"1: x\n\"1\": y\n" is {"1": "y"}
EOF
diff -u expected actual
cat actual
