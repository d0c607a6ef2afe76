#!/usr/bin/env bash
# systemd 252.39 (Debian 12): a calendar timer skips the repeated hour when summer time ends.
#
# A good engineer would guess that a timer with `OnCalendar=*:0/15` elapses each 15 minutes of real
# time, or more often when an hour repeats. Instead, 02:00 to 02:45 elapse once, and the next elapse
# is at 03:00: the gap is 75 minutes. With the time zone UTC there is no gap.
#
# Why it matters: an alert for a program that should report each 15 minutes, with 60 minutes of
# patience, fires each autumn. A notice that a timer sends before a termination can be late.
#
# Output seen:
#   Europe/Berlin
#   Sun 2026-10-25 02:30:00 CEST
#   Sun 2026-10-25 02:45:00 CEST
#   Sun 2026-10-25 03:00:00 CET
#   Sun 2026-10-25 03:15:00 CET
#   UTC
#   Sun 2026-10-25 00:30:00 UTC
#   Sun 2026-10-25 00:45:00 UTC
#   Sun 2026-10-25 01:00:00 UTC
#   Sun 2026-10-25 01:15:00 UTC
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

packages=(systemd=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2 tzdata=2026f-0+deb12u1 libapparmor1=3.0.8-3 libcap-ng0=0.8.3-1+b3 libip4tc2=1.8.9-2 libkmod2=30+20221128-1 libseccomp2=2.5.4-1+deb12u1)
apt-cache show "${packages[@]}" >/dev/null 2>&1 || apt-get -qq update
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do dpkg -x "$package" root; done

export LC_ALL=C.UTF-8 TZ=Europe/Berlin TZDIR=$dir/root/usr/share/zoneinfo
library=$(dirname "$(find root -name 'libsystemd-shared-*.so')")
export LD_LIBRARY_PATH=$dir/$library:$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/lib/x86_64-linux-gnu

# Prints the times at which a calendar expression elapses after a time.
elapses() {
  root/usr/bin/systemd-analyze calendar "$1" --base-time="$2" --iterations="$3" |
    sed -En 's/^ *(Next elapse|Iter\. #[0-9]+): //p'
}

{
  echo 'Europe/Berlin'
  elapses '*:0/15' '2026-10-25 00:15:00 UTC' 4
  echo 'UTC'
  TZ=UTC elapses '*:0/15' '2026-10-25 00:15:00 UTC' 4
} >actual

cat >expected <<'EOF'
Europe/Berlin
Sun 2026-10-25 02:30:00 CEST
Sun 2026-10-25 02:45:00 CEST
Sun 2026-10-25 03:00:00 CET
Sun 2026-10-25 03:15:00 CET
UTC
Sun 2026-10-25 00:30:00 UTC
Sun 2026-10-25 00:45:00 UTC
Sun 2026-10-25 01:00:00 UTC
Sun 2026-10-25 01:15:00 UTC
EOF
diff -u expected actual
cat actual
