#!/usr/bin/env bash
# serde-saphyr 2.2.0 (crate): which spellings of a number are valid depends on the Rust type of the
# field.
#
# A good engineer would guess that a value that is a valid `u32` is also a valid `f64`. Instead,
# `0x10`, `0o10` and `1_000` are integers only, and `010` is 10 as an `f64` but refused as a `u32`.
# A quoted `"5"` is both.
#
# Why it matters: when a limit changes from a count to a percentage with a fraction, working
# configurations are refused. `010` is 8 in YAML 1.1, and becomes 10.
#
# Output seen:
#   max: 10 as u32 is 10, as f64 is 10.0
#   max: 010 as u32 is refused, as f64 is 10.0
#   max: 0o10 as u32 is 8, as f64 is refused
#   max: 0x10 as u32 is 16, as f64 is refused
#   max: 1_000 as u32 is 1000, as f64 is refused
#   max: "5" as u32 is 5, as f64 is 5.0
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
use std::fmt::Debug;

use serde::{Deserialize, de::DeserializeOwned};

#[derive(Deserialize)]
struct Limit<T> {
    max: T,
}

fn read<T: DeserializeOwned + Debug>(value: &str) -> String {
    let limit = serde_saphyr::from_str::<Limit<T>>(&format!("max: {value}\n"));
    limit.map_or("refused".to_owned(), |limit| format!("{:?}", limit.max))
}

fn main() {
    for value in ["10", "010", "0o10", "0x10", "1_000", "\"5\""] {
        println!("max: {value} as u32 is {}, as f64 is {}", read::<u32>(value), read::<f64>(value));
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
max: 10 as u32 is 10, as f64 is 10.0
max: 010 as u32 is refused, as f64 is 10.0
max: 0o10 as u32 is 8, as f64 is refused
max: 0x10 as u32 is 16, as f64 is refused
max: 1_000 as u32 is 1000, as f64 is refused
max: "5" as u32 is 5, as f64 is 5.0
EOF
diff -u expected actual
cat actual
