#!/usr/bin/env bash
# minijinja 3.1.0 (crate): `<` and `>` compare values of different types without an error, also in
# strict mode.
#
# A good engineer would guess that `none < 3` and `'1' < 3` are errors, as in Jinja2, at least with
# `UndefinedBehavior::Strict`. Instead, none is below each number, and each text is above each
# number. In the default mode, an undefined name is below each number as well.
#
# Why it matters: a notice with `{% if hours_left < 3 %}URGENT{% endif %}` is always urgent if the
# name is misspelled. It is never urgent if the value arrives as a text.
#
# Output seen:
#   Lenient
#     {{ hours_lfet < 3 }} is True
#     {{ none < 3 }} is True
#     {{ '1' < 3 }} is False
#     {{ '5' > 10 }} is True
#   Strict
#     {{ hours_lfet < 3 }} is an error
#     {{ none < 3 }} is True
#     {{ '1' < 3 }} is False
#     {{ '5' > 10 }} is True
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
minijinja = "=3.1.0"
EOF
cat >src/main.rs <<'EOF'
use minijinja::{Environment, UndefinedBehavior, context};

fn main() {
    for behavior in [UndefinedBehavior::Lenient, UndefinedBehavior::Strict] {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(behavior);
        println!("{behavior:?}");
        for text in ["{{ hours_lfet < 3 }}", "{{ none < 3 }}", "{{ '1' < 3 }}", "{{ '5' > 10 }}"] {
            let result = environment.render_str(text, context! { hours_left => 24 });
            println!("  {text} is {}", result.unwrap_or("an error".to_owned()));
        }
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
Lenient
  {{ hours_lfet < 3 }} is True
  {{ none < 3 }} is True
  {{ '1' < 3 }} is False
  {{ '5' > 10 }} is True
Strict
  {{ hours_lfet < 3 }} is an error
  {{ none < 3 }} is True
  {{ '1' < 3 }} is False
  {{ '5' > 10 }} is True
EOF
diff -u expected actual
cat actual
