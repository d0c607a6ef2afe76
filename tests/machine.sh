# Boots systemd for a test, and cleans up after it; `source` it. The machine is this host's own files under an overlay in memory,
# so that nothing is written to the host, with no network but its own loopback, and none of the host's services enabled.
#   boot_or_explain         $root is the machine's root from then on; $installed is where to put files before
#   inside COMMAND...       runs a command in it
#   eventually SECONDS WHAT COMMAND...
#   cannot WHY              ends with 77: not a failure of what is tested

name=$(basename "$0" .sh)
fail() {
    echo "$name: FAILED: $*" >&2
    tell >&2 2>/dev/null || true
    exit 1
}
# What the service says of itself.
tell() { inside journalctl --no-pager -o cat -n 40 -u 'zenreaper*'; }
cannot() { echo "$name: cannot run here: $*" >&2; exit 77; }
step() { printf '%s: %3d s: %s\n' "$name" "$SECONDS" "$*"; }

# Namespaces of its own, for 300 seconds, or $limit: whatever ends this script, by whatever signal, ends the machine and its mounts with it.
in_own_namespaces() {
    [ "${IN_OWN_NAMESPACES:-}" != yes ] || return 0
    [ "$(id -u)" -eq 0 ] || cannot "it takes root"
    local own=(unshare --mount --pid --fork --kill-child --mount-proc)
    "${own[@]}" true 2>/dev/null || cannot "no namespaces of one's own (CAP_SYS_ADMIN is missing)"
    local all code=0
    IN_OWN_NAMESPACES=yes setpriv --pdeathsig=KILL "${own[@]}" timeout --kill-after=5 "${limit:-300}" "$0" "$@" &
    all=$!
    trap 'kill -KILL "$all"; exit 1' HUP INT TERM
    wait "$all" || code=$?
    exit "$code"
}

# $root is the root of a machine that is not booted yet.
make_machine() {
    command -v systemd-nspawn >/dev/null || cannot "no systemd-nspawn (Debian: systemd-container)"
    # Over /mnt in our own namespace: nobody else sees it, and it is gone with us.
    local memory=/mnt
    mount -t tmpfs -o size=2g tmpfs "$memory" 2>/dev/null || cannot "no tmpfs"
    mkdir "$memory/upper" "$memory/work" "$memory/root"
    mount -t overlay -o "lowerdir=/,upperdir=$memory/upper,workdir=$memory/work" overlay "$memory/root" \
        2>/dev/null || cannot "no overlay over /"
    root=$memory/root
    # What nspawn notes of its machines on this host.
    mkdir -p /run/systemd/nspawn
    mount -t tmpfs tmpfs /run/systemd/nspawn
    # The machine is not this host: it starts nothing that was enabled here.
    rm -rf "$root"/etc/systemd/system "$root"/etc/rc?.d "$root"/etc/{fstab,crypttab} \
        "$root"/etc/zenreaper "$root"/var/lib/{,private/}zenreaper "$root"/etc/sysctl.d "$root"/etc/modules-load.d
    mkdir "$root/etc/systemd/system"
    : >"$root/etc/machine-id"
}

boot() {
    local booted
    systemd-nspawn -q -D "$root" --register=no --keep-unit --private-network --machine="zenreaper-test-$RANDOM" \
        -b systemd.unit=multi-user.target </dev/null >"${root%/root}/boot.log" 2>&1 &
    booted=$!
    for _ in $(seq 200); do
        leader=$(pgrep -P "$booted" -x systemd) && inside test -S /run/dbus/system_bus_socket && break
        [ -e "/proc/$booted" ] || break
        sleep 0.1
    done
    [ -n "$leader" ] || { tail -n 20 "${root%/root}/boot.log" >&2; cannot "systemd-nspawn does not start"; }
    case $(inside timeout 30 systemctl is-system-running --wait 2>&1) in
        running | degraded) ;;
        *) tail -n 20 "${root%/root}/boot.log" >&2; cannot "systemd does not boot" ;;
    esac
}

inside() { nsenter -t "$leader" -a -- "$@"; }

# Tries a command again and again until it succeeds.
eventually() {
    local seconds=$1 what=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "not within $seconds s: $what"
        sleep 0.1
    done
}

# A property of a unit.
property() { inside systemctl show --value -p "$2" "$1"; }
property_is() { [[ $(property "$1" "$2") == $3 ]]; }

# What the service serves at a path, with the status line.
served() {
    inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/9464 && printf "GET $0 HTTP/1.0\r\n\r\n" >&3 && timeout 2 cat <&3' "$1"
}
# Not `grep -q`: it hangs up early, which would fail the command before it.
serves() { served "$1" | grep -- "$2" >/dev/null; }
