#!/usr/bin/env bash
# Boots a real systemd and proves the units in it: tests/systemd_boot.sh BINARY
# It ends with 77 where it cannot run: it takes root, systemd-nspawn, namespaces and an overlay; see machine.sh for what it leaves alone.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: tests/systemd_boot.sh BINARY" >&2; exit 2; }
binary=$(realpath -- "$1")
source "$(dirname "$0")/machine.sh"
in_own_namespaces "$binary"
cd "$(dirname "$0")/.."

make_machine
config=$root/etc/zenreaper/config.yaml
rules=$root/etc/zenreaper/rules
credentials=$root/etc/zenreaper/credentials
secret=sandbox-secret

strip -o "$root/usr/bin/zenreaper" "$binary" 2>/dev/null || cp "$binary" "$root/usr/bin/zenreaper"
chmod 755 "$root/usr/bin/zenreaper"
cp deploy/systemd/* "$root/etc/systemd/system/"

# The units as they are, but for waits that a test has no time for.
drop_in() {
    mkdir -p "$root/etc/systemd/system/$1.d"
    cat >"$root/etc/systemd/system/$1.d/test.conf"
}
drop_in zenreaper.service <<'END'
[Service]
WatchdogSec=2s
RestartSec=100ms
END
drop_in zenreaper-once.service <<'END'
[Unit]
StartLimitIntervalSec=0
END
drop_in zenreaper-once.timer <<'END'
[Timer]
OnCalendar=
OnCalendar=*:*:0/2
RandomizedDelaySec=0
AccuracySec=100ms
END

install -d -m 755 "$rules"
install -d -m 700 "$credentials"
printf sandbox-key >"$credentials/zenlayer.main.access_key_id"
printf %s "$secret" >"$credentials/zenlayer.main.access_key_secret"
chmod 600 "$credentials"/*

# The shipped config, towards the sandbox.
write_config() {
    sed -e "s|^mode: .*|mode: $1|" -e 's|^schedule: .*|schedule: "* * * * * *"|' \
        -e 's|endpoint: .*|endpoint: http://127.0.0.1:8580|' -e 's|rate: .*|rate: { describe: 10/s, terminate: 5/s }|' \
        -e 's|max_terminations: .*|max_terminations: 1000|' -e 's|max_percent: .*|max_percent: 100|' \
        -e 's|max_change_percent: .*}|max_change_percent: 100 }|' deploy/config.yaml >"$config"
    grep -q "^mode: $1" "$config" && grep -q 127.0.0.1:8580 "$config" || fail "deploy/config.yaml has changed its form"
}
write_rule() { echo "rules: [{ name: old, match: { zone: $1 } }]" >"$rules/old.yaml"; }
write_config dry-run
write_rule nowhere

machines=60
for number in $(seq $machines); do
    printf '{"instanceId":"i-%s","instanceName":"m","zoneId":"%s","instanceStatus":"RUNNING","instanceChargeType":"POSTPAID","createTime":"2026-01-01T00:00:00Z"}\n' \
        "$number" "$([ "$number" -le 40 ] && echo HKG-A || echo SEL-A)"
done | paste -sd, | sed 's/.*/{"totalCount":'$machines',"dataSet":[&]}/' >"$root/fleet.json"

step "boot"
boot
inside systemd-run --quiet --unit=cloud zenreaper sandbox --inventory /fleet.json --fault latency=300ms,action=TerminateInstance
eventually 10 "the sandbox serves" inside bash -c ': </dev/tcp/127.0.0.1/8580'

# What was done, by the journal; a call that a crash or a stop forestalled has a line of its own.
calls() { inside zenreaper history -o csv | grep ',terminate,'; }
done_calls() { calls | grep -c ',terminated,\|,gone,' || true; }
done_are() { [ "$(done_calls)" -ge "$1" ]; }
none_is_open() { ! calls | grep -v ',terminated,\|,gone,\|,unknown,not_done,\|,not_called,' || fail "calls whose outcome is not known"; }
none_twice() { [ -z "$(calls | grep ',terminated,\|,gone,' | cut -d, -f4 | sort | uniq -d)" ] || fail "a machine was terminated twice"; }
restarts() { property zenreaper NRestarts; }
restarts_are() { [ "$(restarts)" -eq "$1" ]; }
status_is() { property_is zenreaper StatusText "$1"; }
is_active() { property_is zenreaper ActiveState active; }
logged() { inside journalctl --no-pager -o cat -u "$1" | grep -- "$2" >/dev/null; }

step "it is active only when it is ready"
mkdir -p "$root/var/lib/private/zenreaper"
inside bash -c 'install -d -m 700 /var/lib/private/zenreaper && echo "no journal" >/var/lib/private/zenreaper/journal.db'
inside systemctl start --no-block zenreaper
eventually 10 "it serves" serves /healthz ok
eventually 5 "it says why it is not ready" status_is '*no journal*not a SQLite file*'
property_is zenreaper ActiveState activating || fail "it is active without a journal"
inside rm /var/lib/private/zenreaper/journal.db
eventually 10 "it is ready" is_active
eventually 5 "it says what it does" status_is 'dry-run; *last run *: success'
inside systemd-analyze security --no-pager --threshold=15 zenreaper >"$root/exposure" 2>&1 || fail "it is exposed too much: $(tail -n 3 "$root/exposure")"

step "it reloads, and keeps the last good config"
echo 'mode: enforced' >"$config"
inside systemctl reload zenreaper
eventually 5 "it refuses a wrong config" status_is 'dry-run; *the last good ones are in use*'
serves /metrics '^zenreaper_config_last_reload_successful 0' || fail "the metric does not tell"
is_active || fail "it is not active after a refused reload"
write_config enforce
inside systemctl reload zenreaper
eventually 5 "it takes a good config" status_is 'enforce; *success'
serves /metrics '^zenreaper_config_last_reload_successful 1' || fail "the metric does not tell"
is_active || fail "it is not active after a reload"
restarts_are 0 || fail "it was restarted by a reload"

step "the watchdog restarts a process that stands still, and a loop that is stuck"
inside systemctl kill --kill-whom=main --signal=STOP zenreaper
eventually 10 "a stopped process is restarted" restarts_are 1
eventually 10 "it is up again" is_active
# A config that never ends to be read.
mv "$config" "$root/config.good"
mkfifo "$config"
inside systemctl reload --no-block zenreaper
eventually 10 "a stuck loop is restarted" restarts_are 2
# The next process reads it too, and finds something in it.
timeout 10 bash -c 'cat "$0" >"$1"' "$root/config.good" "$config" || fail "nobody reads the config"
mv "$root/config.good" "$config"
eventually 10 "it is up again" is_active

step "a kill in the middle of a run loses nothing"
write_rule HKG-A
inside systemctl reload zenreaper
eventually 10 "some machines went" done_are 3
inside systemctl kill --kill-whom=main --signal=KILL zenreaper
eventually 10 "it is restarted" restarts_are 3
eventually 30 "all machines went" done_are 40
eventually 10 "the run ended" status_is '*next run*last run*success'
restarts_are 3 || fail "the watchdog ends a run that is longer than its time, though it gets on"
calls | grep 'settled from the next inventory' >/dev/null || fail "it was not killed in the middle of a run"
none_is_open
none_twice

step "a stop in the middle of a run finishes the calls under way"
write_rule SEL-A
inside systemctl reload zenreaper
eventually 10 "some machines went" done_are 43
inside systemctl stop zenreaper
[ "$(done_calls)" -lt 60 ] || fail "the run was over before it was stopped"
logged zenreaper 'no new call is sent' || fail "it was not stopped in the middle of a run"
none_is_open

step "what a restart cannot mend stays down"
inside systemctl reset-failed zenreaper
echo 'mode: enforced' >"$config"
! inside systemctl start zenreaper 2>/dev/null || fail "it starts with a wrong config"
property_is zenreaper ExecMainStatus 2 || fail "a wrong config ends with $(property zenreaper ExecMainStatus)"
sleep 0.5
property_is zenreaper ActiveState failed || fail "it is restarted with a wrong config"
write_config enforce
mv "$credentials/zenlayer.main.access_key_secret" "$root/secret"
! inside systemctl start zenreaper 2>/dev/null || fail "it starts without a credential"
property_is zenreaper ExecMainStatus 243 || fail "a missing credential ends with $(property zenreaper ExecMainStatus)"
mv "$root/secret" "$credentials/zenlayer.main.access_key_secret"

step "the timer runs it once, instead of the daemon"
inside systemctl reset-failed zenreaper
inside systemctl start zenreaper
inside systemctl start zenreaper-once.timer
eventually 5 "the daemon makes room for the timer" property_is zenreaper ActiveState inactive
eventually 20 "all machines went" done_are 60
eventually 10 "a run ends well" logged zenreaper-once.service 'Finished zenreaper-once.service'
property_is zenreaper-once Result success || fail "the run failed"
none_is_open
none_twice
inside systemctl stop zenreaper-once.timer
inside systemctl stop zenreaper-once

step "no secret is in the log"
inside journalctl --no-pager --all -u 'zenreaper*' >"$root/log"
grep -q 'run started' "$root/log" || fail "there is no log"
! grep -q "$secret" "$root/log" || fail "the log has a secret"

echo "$name: ok"
