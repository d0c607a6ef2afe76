#!/usr/bin/env bash
# Packs a binary, and proves in a systemd that is booted what the package does with a host: tests/package_boot.sh BINARY
# It takes what systemd_boot.sh takes, and cargo-deb or Python 3.11; it ends with 77 where it cannot run.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: tests/package_boot.sh BINARY" >&2; exit 2; }
binary=$(realpath -- "$1")
source "$(dirname "$0")/machine.sh"
in_own_namespaces "$binary"
cd "$(dirname "$0")/.."
command -v cargo-deb >/dev/null || python3 -c 'import tomllib' 2>/dev/null || cannot "neither cargo-deb nor Python 3.11"
! dpkg -s zenreaper >/dev/null 2>&1 || cannot "this host has zenreaper installed"

make_machine
export CARGO_TARGET_DIR=/mnt/target
mkdir -p "$CARGO_TARGET_DIR/release"
cp "$binary" "$CARGO_TARGET_DIR/release/zenreaper"

if command -v cargo-deb >/dev/null; then
    step "pack, with cargo-deb"
    deploy/package --built --quiet --fast --deb-version 1 --output "$root/1.deb" >/dev/null || fail "no package"
else
    step "pack, with tests/pack.py, since there is no cargo-deb"
    deploy/package --stage
    strip "$CARGO_TARGET_DIR/release/zenreaper" || true
    python3 tests/pack.py "$CARGO_TARGET_DIR/release/zenreaper" 1 "$root/1.deb" || fail "no package"
fi
# The next version: the same in other words.
dpkg-deb -R "$root/1.deb" /mnt/next
sed -i 's/^Version: 1$/Version: 2/' /mnt/next/DEBIAN/control
dpkg-deb -Znone -b /mnt/next "$root/2.deb" >/dev/null || fail "no second package"

contents=$(dpkg-deb --contents "$root/1.deb")
for path in bin/zenreaper lib/systemd/system/zenreaper{.service,-once.service,-once.timer} share/man/man1/zenreaper{,-plan}.1.gz \
    share/bash-completion/completions/zenreaper share/zenreaper/rules/development.yaml share/doc/zenreaper/docs/rules.md; do
    grep -- " ./usr/$path\$" <<<"$contents" >/dev/null || fail "the package has no /usr/$path"
done

step "install without a systemd that runs, and remove"
PATH=/usr/sbin:/sbin:$PATH
chroot "$root" dpkg --no-triggers -i /1.deb >"$root/said" 2>&1 || fail "$(cat "$root/said")"
chroot "$root" dpkg --no-triggers --purge zenreaper >"$root/said" 2>&1 || fail "$(cat "$root/said")"
[ ! -e "$root/etc/zenreaper" ] || fail "a purge leaves /etc/zenreaper"

step "boot"
boot
is() { property_is zenreaper "$1" "$2" || fail "$1 is $(property zenreaper "$1"), not $2, $3"; }
# Triggers belong to other packages, and take their time.
dpkg_in() { inside dpkg --no-triggers --force-unsafe-io "$@" >"$root/said" 2>&1 || fail "dpkg $*: $(cat "$root/said")"; }

step "install: it is there, in dry-run, and does nothing"
dpkg_in -i /1.deb
grep 'not started' "$root/said" >/dev/null || fail "it does not say what to do next"
is ActiveState inactive "after an installation"
is UnitFileState disabled "after an installation"
property_is zenreaper-once.timer ActiveState inactive || fail "the timer runs after an installation"
inside zenreaper check >"$root/said" 2>&1 || fail "what is shipped is not right: $(cat "$root/said")"
grep '^mode: dry-run' "$root/etc/zenreaper/config.yaml" >/dev/null || fail "it is not in dry-run"
[ "$(stat -c %a "$root/etc/zenreaper/credentials")" = 700 ] || fail "others may read the credentials"

step "start"
inside systemd-run --quiet --unit=cloud zenreaper sandbox
! inside systemctl start zenreaper 2>/dev/null || fail "it starts without credentials"
inside systemctl reset-failed zenreaper
printf sandbox-key >"$root/etc/zenreaper/credentials/zenlayer.main.access_key_id"
printf sandbox-secret >"$root/etc/zenreaper/credentials/zenlayer.main.access_key_secret"
sed -i 's|endpoint: .*|endpoint: http://127.0.0.1:8580|; s|^schedule: .*|schedule: "* * * * * *"|' "$root/etc/zenreaper/config.yaml"
inside systemctl enable --quiet --now zenreaper
is ActiveState active "after its start"
succeeded() { property_is zenreaper StatusText 'dry-run; *success'; }
eventually 10 "a dry run" succeeded
[ -e "$root/var/lib/private/zenreaper/journal.db" ] || fail "its journal is elsewhere"

paths=$(grep -o '^| `/[^`]*`' docs/install.md | tr -d '|` ')
[ "$(wc -w <<<"$paths")" -ge 9 ] || fail "docs/install.md lists no paths any more"
for path in $paths; do
    inside test -e "$path" || fail "docs/install.md names $path, which is not there"
done

step "upgrade: the service is another one, config and state are the same"
before=$(property zenreaper MainPID)
dpkg_in -i /2.deb
is ActiveState active "after an upgrade"
[ "$(property zenreaper MainPID)" != "$before" ] || fail "the old one still runs"
grep '8580' "$root/etc/zenreaper/config.yaml" >/dev/null || fail "the config was replaced"
eventually 10 "a dry run" succeeded
! grep 'not started' "$root/said" >/dev/null || fail "it is told what to do at first"

step "an upgrade to what does not start is told, and is no failure of the upgrade"
echo 'mode: enforced' >>"$root/etc/zenreaper/config.yaml"
dpkg_in -i /1.deb
grep 'does not start any more' "$root/said" >/dev/null || fail "nobody is told"
sed -i '$d' "$root/etc/zenreaper/config.yaml"

step "remove: nothing runs, config and state stay"
inside systemctl reset-failed zenreaper
inside systemctl start zenreaper
dpkg_in --remove zenreaper
is ActiveState inactive "after a removal"
is LoadState not-found "after a removal"
[ -e "$root/etc/zenreaper/config.yaml" ] || fail "a removal takes the config"
[ -e "$root/var/lib/private/zenreaper/journal.db" ] || fail "a removal takes the journal"

step "install again: it does not act by itself"
dpkg_in -i /2.deb
is ActiveState inactive "after a second installation"
is UnitFileState disabled "after a second installation"

step "purge: what is ours goes, and nothing else"
echo 'not ours' >"$root/var/lib/private/zenreaper/notes"
dpkg_in --purge zenreaper
[ ! -e "$root/etc/zenreaper/config.yaml" ] || fail "a purge leaves the config"
[ -e "$root/etc/zenreaper/credentials/zenlayer.main.access_key_secret" ] || fail "a purge takes credentials"
grep 'stays' "$root/said" >/dev/null || fail "nobody is told of the credentials"
[ ! -e "$root/var/lib/private/zenreaper/journal.db" ] || fail "a purge leaves the journal"
[ -e "$root/var/lib/zenreaper/notes" ] || inside test -e /var/lib/zenreaper/notes || fail "a purge takes what is not ours"
dpkg_in -i /1.deb
inside rm /var/lib/private/zenreaper/notes
inside rm -r /etc/zenreaper/credentials
dpkg_in --purge zenreaper
left=$(inside find /etc/zenreaper /var/lib/zenreaper /var/lib/private/zenreaper /usr/share/zenreaper 2>/dev/null) || true
[ -z "$left" ] || fail "a purge leaves $left"

echo "$name: ok"
