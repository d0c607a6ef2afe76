#!/usr/bin/env bash
# Prometheus 2.42.0 (Debian 12): `increase` of a counter that appears with the value 1 is 0.
#
# A good engineer would guess that a counter that did not exist and is then 1 has increased by 1.
# Instead, Prometheus knows nothing before the first sample, and the increase is 0. A counter that
# is exported as 0 first, and then as 1, has an increase above 0.
#
# Why it matters: counters with labels, such as failures by reason, are usually created by their
# first increment. The alert `increase(failed_terminations_total[1h]) > 0` misses the first failure,
# which is often the only one.
#
# Output seen:
#   Unit Testing:  test.yml
#     SUCCESS
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
      - { alert: Failed, expr: 'increase(failed_terminations_total[1h]) > 0' }
EOF
cat >test.yml <<'EOF'
rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series:
      - { series: 'failed_terminations_total{reason="born_with_1"}', values: '_x5 1x20' }
      - { series: 'failed_terminations_total{reason="exported_as_0"}', values: '0x5 1x20' }
    alert_rule_test:
      - eval_time: 20m
        alertname: Failed
        exp_alerts: [{ exp_labels: { reason: exported_as_0 } }]
EOF
# The test lists all alerts that fire: only one of the two counters has one.
root/usr/bin/promtool test rules test.yml 2>&1 | sed '/^$/d' >actual

cat >expected <<'EOF'
Unit Testing:  test.yml
  SUCCESS
EOF
diff -u expected actual
cat actual
