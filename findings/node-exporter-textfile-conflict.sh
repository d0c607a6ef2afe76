#!/usr/bin/env bash
# prometheus-node-exporter 1.5.0 (Debian 12): two files of the textfile collector that disagree
# about a HELP text lose one series, and no metric shows the loss.
#
# A good engineer would guess that the scrape fails, or that `node_textfile_scrape_error` is 1.
# Instead, the exporter answers 200, `node_textfile_scrape_error` is 0,
# `node_scrape_collector_success` is 1, and the series of the second file is missing. Only the log
# of the exporter has a line. One changed word of HELP after an upgrade of one of two programs is
# enough.
#
# Why it matters: the textfile collector is the usual way for a batch job to report its last
# success. The metric of a job that is checked by an alert can vanish without a hint.
#
# Output seen:
#   200
#   job_last_success_seconds{name="a"} 1
#   node_scrape_collector_success{collector="textfile"} 1
#   node_textfile_scrape_error 0
#   lines in the log about it: 1
set -euo pipefail

dir=$(mktemp -d)
trap 'kill "${exporter:-}" 2>/dev/null || true; rm -rf -- "$dir"' EXIT
cd "$dir"

packages=(prometheus-node-exporter=1.5.0-1+b6)
apt-cache show "${packages[@]}" >/dev/null 2>&1 || apt-get -qq update
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" root; done

mkdir files
cat >files/a.prom <<'EOF'
# HELP job_last_success_seconds Time of the last success.
# TYPE job_last_success_seconds gauge
job_last_success_seconds{name="a"} 1
EOF
cat >files/b.prom <<'EOF'
# HELP job_last_success_seconds Time of last success.
# TYPE job_last_success_seconds gauge
job_last_success_seconds{name="b"} 2
EOF
timeout 20 root/usr/bin/prometheus-node-exporter --web.listen-address=127.0.0.1:29109 \
  --collector.disable-defaults --collector.textfile --collector.textfile.directory=files \
  --web.disable-exporter-metrics 2>log &
exporter=$!
# Reads one page over plain HTTP; a bare host has no curl.
scrape() {
  exec 3<>/dev/tcp/127.0.0.1/29109 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3 && exec 3>&-
}
for _ in $(seq 50); do
  if (scrape) >page 2>/dev/null; then break; fi
  sleep 0.1
done
{
  tr -d '\r' <page | grep -Eo '^HTTP/1.. [0-9]+' | cut -d' ' -f2
  grep -E '^(job_|node_scrape_collector_success|node_textfile_scrape_error)' page
  printf 'lines in the log about it: '
  grep -c 'error gathering metrics' log
} >actual

cat >expected <<'EOF'
200
job_last_success_seconds{name="a"} 1
node_scrape_collector_success{collector="textfile"} 1
node_textfile_scrape_error 0
lines in the log about it: 1
EOF
diff -u expected actual
cat actual
