#!/usr/bin/env bash
# systemd 252.39 (Debian 12): a daily calendar timer in the missing hour does not elapse on that
# day.
#
# A good engineer would guess that a daily timer elapses each day. On the day without a 02:30,
# Debian's cron runs the job right after the gap. Instead, the timer elapses on 28 and 30 March 2026
# and not on the 29th.
#
# Why it matters: night jobs are often at 02:30. A job that must run each day, such as sending
# notices 24 hours before a termination, is left out for one day without a trace.
#
# Output seen:
#   Sat 2026-03-28 02:30:00 CET
#   Mon 2026-03-30 02:30:00 CEST
#   Tue 2026-03-31 02:30:00 CEST
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

elapses '*-*-* 02:30:00' '2026-03-27 12:00:00 UTC' 3 >actual

cat >expected <<'EOF'
Sat 2026-03-28 02:30:00 CET
Mon 2026-03-30 02:30:00 CEST
Tue 2026-03-31 02:30:00 CEST
EOF
diff -u expected actual
cat actual
