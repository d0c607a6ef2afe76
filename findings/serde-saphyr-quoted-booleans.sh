#!/usr/bin/env bash
# serde-saphyr 2.2.0 (crate): a text in quotation marks is accepted as a boolean, in the spellings
# of YAML 1.1.
#
# A good engineer would guess that a parser for YAML 1.2 takes `true` and `false` only. Quotation
# marks make a value a text, which is no boolean. Instead, a `bool` field takes `"no"`, `'off'`,
# `n`, `N` and the like. `!!str no` is refused, although it has the same meaning as `"no"`. A
# `String` field keeps the text.
#
# Why it matters: `dry_run: "no"` is false and arms the program. If the type of the field changes to
# a text or an enum later, the same line means something else.
#
# Output seen:
#   dry_run: false is false
#   dry_run: "no" is false
#   dry_run: 'off' is false
#   dry_run: n is false
#   dry_run: N is false
#   dry_run: !!str no is refused
#   dry_run: 0 is refused
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
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    dry_run: bool,
}

fn main() {
    for value in ["false", "\"no\"", "'off'", "n", "N", "!!str no", "0"] {
        let config = serde_saphyr::from_str::<Config>(&format!("dry_run: {value}\n"));
        let shown = config.map_or("refused".to_owned(), |config| config.dry_run.to_string());
        println!("dry_run: {value} is {shown}");
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
dry_run: false is false
dry_run: "no" is false
dry_run: 'off' is false
dry_run: n is false
dry_run: N is false
dry_run: !!str no is refused
dry_run: 0 is refused
EOF
diff -u expected actual
cat actual
