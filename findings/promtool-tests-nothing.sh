#!/usr/bin/env bash
# promtool 2.42.0 (Debian 12): a unit test that expects no alert succeeds if the alert does not
# exist, and if no rule file is found.
#
# A good engineer would guess that a test that names an unknown alert fails. Instead, an alert that
# does not exist does not fire, so the test succeeds. A pattern in `rule_files` that matches no file
# is a warning only, and the exit status is 0.
#
# Why it matters: the test "this alert stays silent during a maintenance window" keeps succeeding
# after the alert is renamed or its file is moved.
#
# Output seen:
#   Unit Testing:  renamed.yml
#     SUCCESS
#   exit status of renamed: 0
#   Unit Testing:  moved.yml
#     WARNING: no file match pattern moved-*.yml
#     SUCCESS
#   exit status of moved: 0
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

packages=(prometheus=2.42.0+ds-5+deb12u1)
apt-cache show "${packages[@]}" >/dev/null 2>&1 || apt-get -qq update
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" root; done

cat >rules.yml <<'EOF'
groups:
  - name: example
    rules:
      - { alert: InstanceDown, expr: up == 0 }
EOF
cat >renamed.yml <<'EOF'
rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series: [{ series: 'up{job="a"}', values: '0x20' }]
    alert_rule_test: [{ eval_time: 10m, alertname: InstanceDwon, exp_alerts: [] }]
EOF
sed 's/rules.yml/moved-*.yml/' renamed.yml >moved.yml
for test in renamed moved; do
  root/usr/bin/promtool test rules "$test.yml" 2>&1 && echo "exit status of $test: $?"
done | sed '/^$/d' >actual

cat >expected <<'EOF'
Unit Testing:  renamed.yml
  SUCCESS
exit status of renamed: 0
Unit Testing:  moved.yml
  WARNING: no file match pattern moved-*.yml
  SUCCESS
exit status of moved: 0
EOF
diff -u expected actual
cat actual
