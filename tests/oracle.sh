#!/usr/bin/env bash
# Compares any number of decisions with the oracle's; tests/oracle/main.rs says what that is.
#   tests/oracle.sh [DECISIONS [SEED]]
# PROFILE=release builds with optimizations, which pays from some millions of decisions on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export ZENREAPER_ORACLE_DECISIONS=${1:-1000000}
export ZENREAPER_ORACLE_SEED=${2:-1}
profile=${PROFILE:-dev}
exec cargo test --locked --profile "${profile/dev/test}" --test oracle -- --nocapture
