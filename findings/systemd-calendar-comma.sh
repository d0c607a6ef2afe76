#!/usr/bin/env bash
# systemd 252.39 (Debian 12): a comma in a calendar expression separates the values of one field,
# not whole times.
#
# A good engineer would guess that `02:00,03:00` elapses at 02:00 and at 03:00. Instead, it is the
# hour 02, the minutes 00 and 03, and the second 00: it elapses at 02:00:00 and 02:03:00.
# `systemd-analyze` exits with 0.
#
# Why it matters: the second run comes three minutes after the first one and not an hour later.
# Nothing is left of the time in which people could object.
#
# Output seen:
#   Wed 2026-12-02 02:00:00 CET
#   Wed 2026-12-02 02:03:00 CET
#   Thu 2026-12-03 02:00:00 CET
#   Thu 2026-12-03 02:03:00 CET
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

elapses '02:00,03:00' '2026-12-01 12:00:00 UTC' 4 >actual

cat >expected <<'EOF'
Wed 2026-12-02 02:00:00 CET
Wed 2026-12-02 02:03:00 CET
Thu 2026-12-03 02:00:00 CET
Thu 2026-12-03 02:03:00 CET
EOF
diff -u expected actual
cat actual
