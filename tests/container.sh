#!/usr/bin/env bash
# Builds the image by deploy/container/Containerfile and runs it in podman, towards a sandbox: tests/container.sh [BINARY]
# Without BINARY all of it is built, which takes minutes and is why tests/run leaves it out; with one, which must be static, the
# cargo of the build stage has it already. No image is fetched: the build stage begins with this host's own compiler and files.
# It ends with 77 where it cannot run: it takes root, namespaces, buildah, podman, crun, ip, openssl and Python.
set -euo pipefail

[ $# -le 1 ] || { echo "usage: tests/container.sh [BINARY]" >&2; exit 2; }
[ $# -eq 0 ] || set -- "$(realpath -- "$1")"
source "$(dirname "$0")/machine.sh"
for tool in buildah podman crun ip openssl python3; do
    command -v "$tool" >/dev/null || cannot "no $tool (Debian: buildah podman crun iproute2 openssl python3)"
done
[ $# -eq 1 ] || cargo fetch --locked --quiet
limit=2400
in_own_namespaces "$@"
[ "${OWN_NETWORK:-}" = yes ] || OWN_NETWORK=yes exec unshare --net "$0" "$@"
ip link set lo up
cd "$(dirname "$0")/.."

# All that it writes is in memory, and all of it in our own namespace.
for place in /mnt /run /dev/shm; do mount -t tmpfs -o size=8g tmpfs "$place" 2>/dev/null || cannot "no tmpfs"; done
# crun cannot do with both kinds of cgroups at once.
umount /sys/fs/cgroup/unified 2>/dev/null || true
export STORAGE_DRIVER=vfs
storage=(--root /mnt/storage --runroot /mnt/run)
# vfs copies a whole image for each layer, which is no matter here: overlays over tmpfs are not to be had everywhere.
buildah() { command buildah "${storage[@]}" "$@"; }
podman() { command podman "${storage[@]}" --cgroup-manager=cgroupfs "$@"; }
# For machine.sh: no machine is booted, the network is our own.
inside() { "$@"; }
tell() { ! podman container exists reaper || podman logs --tail 40 reaper 2>&1; }

step "the base of the build stage: this host's own"
base=$(sed -n 's/^FROM \(.*\) AS build$/\1/p' deploy/container/Containerfile)
[ -n "$base" ] || fail "the Containerfile has no build stage"
mkdir -p /mnt/base/{usr,etc,tmp,proc,dev,sys,cargo,rust}
for folder in bin sbin lib lib64; do [ ! -e /$folder ] || ln -s usr/$folder /mnt/base/$folder; done
chmod 1777 /mnt/base/tmp
host=(-v /usr:/usr:ro -v /etc/ssl:/etc/ssl:ro -v /etc/alternatives:/etc/alternatives:ro)
if [ $# -eq 1 ]; then
    ldd "$1" 2>&1 | grep 'statically linked' >/dev/null || fail "$1 is not linked statically; leave it out to build one that is"
    revision=$("$1" --version | sed 's/.*(\([^)]*\)).*/\1/')
    mkdir -p /mnt/rust/bin
    cp "$1" /mnt/rust/zenreaper
    cat >/mnt/rust/bin/rustc <<'END'
#!/bin/sh
echo host
END
    # What it is told must be what links statically.
    cat >/mnt/rust/bin/cargo <<'END'
#!/bin/sh
[ "$RUSTFLAGS $*" = "-C target-feature=+crt-static build --locked --release --target host --bin zenreaper" ] || exit 1
install -D -t target/host/release /rust/zenreaper
END
    chmod 755 /mnt/rust/bin/*
    host+=(-v /mnt/rust:/rust:ro)
else
    revision=$(git rev-parse --short HEAD)
    host+=(-v "$(rustc --print sysroot):/rust:ro" -v "${CARGO_HOME:-$HOME/.cargo}/registry:/cargo/registry:ro")
fi
container=$(buildah from scratch)
buildah copy --quiet "$container" /mnt/base / >/dev/null
buildah config --env PATH=/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin --env CARGO_HOME=/cargo --env CARGO_NET_OFFLINE=true "$container"
buildah commit --quiet --rm "$container" "$base" >/dev/null || cannot "buildah does not work"

step "the image"
buildah build --isolation chroot --pull-never "${host[@]}" --build-arg "REVISION=$revision" \
    -f deploy/container/Containerfile -t zenreaper:test . >/mnt/log 2>&1 || fail "no image: $(tail -n 20 /mnt/log)"
image=localhost/zenreaper:test
is() {
    local what
    what=$(podman image inspect --format "{{$1}}" "$image")
    [ "$what" = "$2" ] || fail "$1 of the image is $what, not $2"
}
is .Config.User 65532:65532
is .Config.StopSignal SIGTERM
is 'index .Labels "org.opencontainers.image.revision"' "$revision"
is 'index .Labels "org.opencontainers.image.licenses"' Apache-2.0
mounted=$(podman image mount "$image")
files=$(cd "$mounted" && find . -type f | sort | tr '\n' ' ')
[ "$files" = './etc/group ./etc/passwd ./etc/ssl/certs/ca-certificates.crt ./usr/bin/zenreaper ' ] || fail "the image holds $files"
owned=$(find "$mounted" ! -user 0 -printf "%u %P ")
[ "$owned" = "65532 var/lib/zenreaper " ] || fail "what is its own is $owned"
echo "$name: $(du -sh "$mounted" | cut -f1) in the image"

# As docs/install.md has it, but for the network, and the limits that podman would raise and may not be allowed to.
flags=(--read-only --cap-drop=all --security-opt=no-new-privileges --stop-timeout=45)
for flag in "${flags[@]}"; do grep -- " $flag " docs/install.md >/dev/null || fail "docs/install.md does not say $flag"; done
etc=/mnt/etc
mkdir -p $etc/rules
printf sandbox-key >/mnt/id
printf sandbox-secret >/mnt/secret
podman secret create zenlayer.main.access_key_id /mnt/id >/dev/null
podman secret create zenlayer.main.access_key_secret /mnt/secret >/dev/null
run() {
    podman run "${flags[@]}" --network=host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
        -v $etc:/etc/zenreaper:ro -v zenreaper:/var/lib/zenreaper \
        --secret zenlayer.main.access_key_id --secret zenlayer.main.access_key_secret "$@"
}
# What it says, if it ends well.
says() {
    local wanted=$1
    shift
    run --rm "$@" >/mnt/said 2>&1 || fail "$*: $(cat /mnt/said)"
    grep -- "$wanted" /mnt/said >/dev/null || fail "$* does not say $wanted: $(cat /mnt/said)"
}
write_config() {
    sed -e "s|endpoint: .*|endpoint: $1|" -e 's|^timezone: .*|timezone: Europe/Berlin|' -e 's|^mode: .*|mode: enforce|' \
        -e 's|max_in_flight: .*|retry: { attempts: 1 }|' -e "s|^schedule: .*|schedule: \"$2\"|" -e 's|listen: .*"|listen: "0.0.0.0:9464"|' deploy/config.yaml >$etc/next.yaml
    grep "endpoint: $1" $etc/next.yaml >/dev/null || fail "deploy/config.yaml has changed its form"
    mv $etc/next.yaml $etc/config.yaml
}
echo 'rules: [{ name: old, match: { zone: HKG-A } }]' >$etc/rules/old.yaml
for number in 1 2 3; do
    printf '{"instanceId":"i-100%s","instanceName":"m","zoneId":"%s","instanceStatus":"RUNNING","instanceChargeType":"POSTPAID","createTime":"2026-01-01T00:00:00Z"}\n' \
        $number "$([ $number -eq 1 ] && echo HKG-A || echo SEL-A)"
done | paste -sd, | sed 's/.*/{"totalCount":3,"dataSet":[&]}/' >/mnt/fleet.json
cp "$mounted/usr/bin/zenreaper" /mnt/zenreaper
podman image unmount "$image" >/dev/null
/mnt/zenreaper sandbox --inventory /mnt/fleet.json >/mnt/sandbox.log 2>&1 &
write_config http://127.0.0.1:8580 '* * * * * *'
eventually 10 "the sandbox serves" bash -c ': </dev/tcp/127.0.0.1/8580'

step "a command that ends"
code=0
run --rm "$image" --version >/mnt/said 2>&1 || code=$?
# podman's own codes, for containers that were not started.
case $code in 125 | 126) cannot "podman runs no container: $(cat /mnt/said)" ;; esac
says "^zenreaper .* ($revision)" "$image" --version
says 'mode enforce' "$image" check
says 'machines are in its recycle bin' "$image" demo --once
says '"reason": "old"\|"rule": "old"' "$image" plan -o json
printf i-1001 >/mnt/instance-id
says '"self"' -v /mnt/instance-id:/var/lib/cloud/data/instance-id:ro "$image" plan -o json

step "the daemon"
run --detach --name reaper "$image" >/dev/null
eventually 10 "it is ready" serves /readyz '^HTTP/1.[01] 200'
eventually 10 "a machine went" serves /metrics '^zenreaper_terminations_total.*outcome="terminated".* 1$'
state=$(podman volume inspect --format '{{.Mountpoint}}' zenreaper)
[ "$(stat -c %u "$state/journal.db")" = 65532 ] || fail "its journal is elsewhere"
write_config http://127.0.0.1:8580 '0 0 1 1 *'
podman exec reaper /usr/bin/zenreaper history >/mnt/said 2>&1 || fail "no command beside it: $(cat /mnt/said)"
podman kill --signal HUP reaper >/dev/null
eventually 10 "it takes the next config" bash -c 'podman "$@" 2>&1 | grep reloaded' - "${storage[@]}" logs reaper

step "its end"
podman stop reaper >/dev/null
code=$(podman inspect --format '{{.State.ExitCode}}' reaper)
[ "$code" = 0 ] || fail "a stop ends it with $code"
podman logs reaper 2>&1 | grep '"signal":"SIGTERM"' >/dev/null || fail "it was not told to stop"
podman rm reaper >/dev/null
says 'i-1001,.*,terminated' "$image" history -o csv

step "names and certificates"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=cloud.test \
    -addext subjectAltName=DNS:cloud.test -addext basicConstraints=critical,CA:FALSE \
    -keyout /mnt/cloud.key -out /mnt/cloud.crt 2>/dev/null
python3 tests/container_cloud.py /mnt/cloud.crt /mnt/cloud.key >/mnt/cloud.log 2>&1 &
echo 'nameserver 127.0.0.1' >/mnt/resolv.conf
write_config https://cloud.test:8443 '* * * * * *'
eventually 10 "the cloud has TLS" bash -c ': </dev/tcp/127.0.0.1/8443'
names=(-v /mnt/resolv.conf:/etc/resolv.conf:ro)
! run --rm "${names[@]}" "$image" inventory >/mnt/said 2>&1 || fail "it takes a certificate that nobody vouches for"
grep UnknownIssuer /mnt/said >/dev/null || fail "it looks at no certificate: $(cat /mnt/said)"
says 'i-1002' "${names[@]}" -v /mnt/cloud.crt:/etc/ssl/certs/ca-certificates.crt:ro "$image" inventory

echo "$name: ok"
