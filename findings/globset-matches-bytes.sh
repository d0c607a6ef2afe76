#!/usr/bin/env bash
# globset 0.4.22 (crate): `?` and a class such as `[主从]` match one byte, not one character.
#
# A good engineer would guess that `?` matches `é`: the documentation says that `?` matches any
# single character. Instead, globset compiles the pattern to a regular expression without Unicode
# support. `?` needs one `?` per byte of UTF-8. A class of two CJK characters becomes a class of
# their bytes, so the class matches no character at all. Case-insensitive matching covers ASCII
# only.
#
# Why it matters: a pattern that protects servers by name silently protects none of the servers
# whose names contain such characters.
#
# Output seen:
#   kunde-? matches kunde-a: true
#   kunde-? matches kunde-é: false
#   kunde-?? matches kunde-é: true
#   db-[主从] matches db-主: false
#   KUNDE-A matches kunde-a: true
#   KUNDE-É matches kunde-é: false
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
globset = "=0.4.22"
EOF
cat >src/main.rs <<'EOF'
use globset::GlobBuilder;

fn main() {
    for (pattern, name) in [
        ("kunde-?", "kunde-a"),
        ("kunde-?", "kunde-é"),
        ("kunde-??", "kunde-é"),
        ("db-[主从]", "db-主"),
        ("KUNDE-A", "kunde-a"),
        ("KUNDE-É", "kunde-é"),
    ] {
        let glob = GlobBuilder::new(pattern).case_insensitive(true).build().unwrap();
        println!("{pattern} matches {name}: {}", glob.compile_matcher().is_match(name));
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
kunde-? matches kunde-a: true
kunde-? matches kunde-é: false
kunde-?? matches kunde-é: true
db-[主从] matches db-主: false
KUNDE-A matches kunde-a: true
KUNDE-É matches kunde-é: false
EOF
diff -u expected actual
cat actual
