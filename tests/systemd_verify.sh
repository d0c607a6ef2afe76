#!/usr/bin/env bash
# Checks the units in deploy/systemd: tests/systemd_verify.sh BINARY
# BINARY stands in for /usr/bin/zenreaper, which is not installed where the tests run.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: tests/systemd_verify.sh BINARY" >&2; exit 2; }
binary=$(realpath -- "$1")
cd "$(dirname "$0")/../deploy/systemd"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
fail() { echo "systemd_verify: $*" >&2; exit 1; }

cp -- *.service *.timer "$copy"
sed -i "s|^ExecStart=/usr/bin/zenreaper |ExecStart=$binary |" "$copy"/*.service
for unit in "$copy"/*.service; do
    grep -q "^ExecStart=$binary run " "$unit" || fail "$(basename "$unit") does not start /usr/bin/zenreaper run"
done

# `verify` exits 0 on a key or a value that it ignores, so any output is a failure. It loads the host's units too;
# what it says about those is not ours to mend.
said=$(systemd-analyze verify "$copy"/*.service "$copy"/*.timer 2>&1 | grep zenreaper) || true
[ -z "$said" ] || fail "systemd-analyze verify says:"$'\n'"$said"

# 15 stands for an exposure of 1.5 out of 10.
for unit in "$copy"/*.service; do
    report=$(systemd-analyze security --offline=true --threshold=15 --no-pager "$unit" 2>&1) ||
        fail "$(basename "$unit") is exposed too much:"$'\n'"$report"
done

# In a time zone with DST, systemd fires in the repeated hour of autumn only once, which leaves a gap of 75 minutes.
calendar=$(sed -n 's/^OnCalendar=//p' zenreaper-once.timer)
fires=$(TZ=Europe/Berlin systemd-analyze calendar --base-time='2026-10-24 23:50:00 UTC' --iterations=12 "$calendar" |
    sed -n 's/^ *(in UTC): ... //p')
[ "$(wc -l <<< "$fires")" -eq 12 ] || fail "systemd-analyze calendar shows no 12 firings of $calendar:"$'\n'"$fires"
last=
while read -r at; do
    now=$(date -u -d "$at" +%s)
    [ $((now - ${last:-$((now - 900))})) -eq 900 ] || fail "OnCalendar=$calendar leaves $((now - last)) s before $at"
    last=$now
done <<< "$fires"

hardening() { sed -n '/^# Hardening\./,/^\[Install\]/ { /^\[Install\]/d; /^$/d; p }' "$1"; }
[ -n "$(hardening zenreaper.service)" ] || fail "zenreaper.service has lost the line '# Hardening.'"
diff <(hardening zenreaper.service) <(hardening zenreaper-once.service) ||
    fail "the hardening of zenreaper.service and zenreaper-once.service differs"

echo "systemd_verify: $(printf '%s ' *.service *.timer)ok"
