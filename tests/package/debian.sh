#!/bin/sh
# The Debian packages in a Debian 12 of their own: tests/package/debian.sh life|newcomer
#
# Its processes, message queues, mounts and network are the test's alone and end with it; the SysV script drives the set.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/package/lib.sh
. tests/package/lib.sh

story=$1
if [ "${2-}" != inside ]; then
    scripts/require busybox debootstrap unshare
    base=target/package/debian-12.tar
    directory=$(mktemp -d)
    trap 'rm -rf "$directory"' EXIT
    trap 'exit 1' INT TERM
    if [ ! -e $base ]; then
        echo "-- a Debian 12, for this time and the next ones"
        debootstrap --variant=minbase bookworm "$directory/root" >"$directory/log" 2>&1 || { tail "$directory/log" >&2; exit 1; }
        tar -C "$directory/root" -cf $base.new .
        mv $base.new $base
    else
        mkdir "$directory/root"
        tar -C "$directory/root" -xpf $base
    fi
    cargo build --quiet --package lbr-tests --bin mote-emulator
    unshare --mount --ipc --pid --uts --net --fork --kill-child "$0" "$story" inside "$directory/root"
    exit
fi

root=$3

in_root() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

make_machine() {
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    # The emulator's terminals are this machine's.
    mount --bind /dev/pts "$root/dev/pts"
    mkdir -p "$root/dev/mqueue"
    mount -t mqueue mqueue "$root/dev/mqueue"
    # There is no init here; services are to be started nevertheless.
    printf '#!/bin/sh\nexit 104\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    hostname border-router
    busybox ip link set lo up
}

plug_motes_in() {
    target/debug/mote-emulator emulate --motes 2 --dir "$root/motes" >"$root/emulator.log" 2>&1 &
    check "motes are there" soon 20 test -e "$root/motes/mote2"
    chmod 666 "$root/motes/mote1" "$root/motes/mote2"
}

# Waits until a mote is in what mq-inspect tells.
knows() { in_root mq-inspect tap --topic inventory --for 1 --json | grep -q "$1"; }

# What was said until then, for who wonders why it failed.
trap '[ $? -eq 0 ] || tail -n 30 "$root/tmp/log" "$root"/var/log/lbr.log "$root"/tmp/gui-host.* >&2' EXIT

make_machine
plug_motes_in
case $story in
    life) . tests/package/life.sh ;;
    newcomer) . tests/package/newcomer.sh ;;
esac
