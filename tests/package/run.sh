#!/bin/sh
# The packages, tried where they are meant to run: tests/package/run.sh
# As root, since it makes systems of its own; what it starts ends with it.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/package/lib.sh
. tests/package/lib.sh

if [ "$(id -u)" -ne 0 ]; then
    echo "the packages were not tried: that needs root" >&2
    exit 0
fi

scripts/require debootstrap unshare lintian man qemu-aarch64-static
scripts/package all
# Of errors nothing, of warnings what has a reason in the overrides.
lintian --fail-on error,warning --suppress-tags bad-distribution-in-changes-file target/package/*.deb
for page in target/package/manual/*/man/*; do
    warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || { echo "$page: $warnings" >&2; exit 1; }
done
# What OpenWrt loses at its next boot holds nothing that lasts, and the archive's configuration is a right one.
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' INT TERM
tar -C "$directory" -xzf "$(ls target/package/openwsn-lbr-*-openwrt-x86_64.tar.gz)"
for line in 'state-dir = "/etc/lbr/state"' 'run-dir = "/var/run/lbr"'; do
    check "OpenWrt: $line" grep -q "^$line\$" "$directory/etc/lbr/lbr.toml"
done
check "OpenWrt: the configuration outlives a sysupgrade" grep -q '^/etc/lbr/$' "$directory/lib/upgrade/keep.d/lbr"
for process in serial-bridge eventbus ui-proxy; do "$directory/usr/sbin/$process" --config "$directory/etc/lbr/lbr.toml" --check-config; done
tests/package/foreign.sh aarch64 qemu-aarch64-static
tests/package/foreign.sh armv7 qemu-arm-static
tests/package/debian.sh life
tests/package/debian.sh newcomer
