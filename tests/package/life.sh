# The router's package: installed, started, asked, upgraded while it runs, removed, purged. A part of debian.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154 # root is debian.sh's

# The same package, as the next version would be: with another sample of the configuration.
next_version() {
    dpkg-deb --raw-extract "$1" "$root/next"
    sed -i 's/^Version: .*/&+next/' "$root/next/DEBIAN/control"
    echo "# What the next version has to say." >>"$root/next/etc/lbr/lbr.toml"
    sed -i '/lbr.toml/d' "$root/next/DEBIAN/md5sums"
    dpkg-deb --root-owner-group --build "$root/next" "$root/next.deb" >/dev/null
    rm -r "$root/next"
}

# /run does not last: adduser has its lock there.
files() {
    in_root find / -xdev \( -path /run -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /var/backups -o -path /tmp \) -prune -o -print |
        grep -v -e '-$' | sort
}

pid_of() { in_root cat "/run/lbr/$1.pid"; }
runs() { [ "$(cat "$root/proc/$(pid_of "$1")/comm")" = "$1" ]; }
runs_as() { [ "$(in_root stat -c %U "/proc/$(pid_of "$1")/")" = "$2" ]; }
runs_installed() { [ "$(stat -L -c %i "$root/proc/$(pid_of "$1")/exe")" = "$(stat -c %i "$root/usr/lib/lbr/lbr")" ]; }
is() { [ "$(in_root stat -c '%U:%G %a' "$1")" = "$2" ]; }
holds() { in_root sed -n 's/.*QSIZE:\([0-9]*\).*/\1/p' /dev/mqueue/lbr.eventbus | grep -q -v '^0$'; }
is_empty() { ! holds; }
inode() { stat -c %i "$root/dev/mqueue/lbr.eventbus"; }
is_gone() { [ ! -e "$root/proc/$1" ]; }
without_queues() { [ -z "$(ls "$root/dev/mqueue")" ]; }

package=$(ls target/package/openwsn-lbr_*_amd64.deb)
cp "$package" "$root/lbr.deb"
next_version "$package"
files >"$root/tmp/before"

echo "-- install"
# There is no syslog here.
mkdir -p "$root/etc/default"
in_root dpkg --install /lbr.deb >"$root/tmp/log" 2>&1 || fail "installation"
for process in eventbus serial-bridge ui-proxy; do
    check "$process runs" soon 15 runs $process
    check "$process runs as lbr" runs_as $process lbr
done
check "the state is lbr's alone" is /var/lib/lbr "lbr:lbr 750"
check "the key is made" is /var/lib/lbr/ui.key "lbr:lbr 600"
check "the network is founded" is /var/lib/lbr/network "lbr:lbr 600"
check "the key is 32 bytes" test "$(in_root base64 -d /var/lib/lbr/ui.key | wc -c)" -eq 32
check "it starts with the machine" test -e "$root/etc/rc2.d/S01lbr"
check "systemd would start it" test -L "$root/etc/systemd/system/multi-user.target.wants/lbr.target"

echo "-- configure and ask"
sed -i 's|^\[serial-bridge\]|&\nport = ["/motes/mote1", "/motes/mote2"]|' "$root/etc/lbr/lbr.toml"
echo 'LBR_LOG=/var/log/lbr.log' >>"$root/etc/default/lbr"
in_root service lbr restart >/dev/null
check "the set says that it runs" in_root service lbr status
check "both motes are known" soon 20 knows 141592cc00000002
check "mq-inspect lists its queues" sh -c "chroot '$root' mq-inspect list | grep -q '^lbr.eventbus '"
in_root start-stop-daemon --stop --quiet --signal USR1 --name ui-proxy --user lbr
check "a signal by name wakes ui-proxy" soon 10 in_root grep -qi 'ui-proxy: .*connect' /var/log/lbr.log

echo "-- upgrade"
# eventbus is gone, as after a crash, with its queue full.
loop=$(pid_of eventbus.loop)
kill -9 "$loop" "$(pid_of eventbus)"
check "frames wait in the queue of eventbus" soon 10 holds
queue=$(inode)
bridge=$(pid_of serial-bridge)
in_root dpkg --force-confold --install /next.deb >"$root/tmp/log" 2>&1 || fail "upgrade"
check "the old serial-bridge has ended" soon 10 is_gone "$bridge"
for process in serial-bridge ui-proxy; do
    check "$process is the new one" soon 15 runs_installed $process
done
check "the queue is the old one, and what waited in it still waits" test "$(inode)" = "$queue" -a "$(holds && echo holds)" = holds
in_root service lbr start >/dev/null
check "the new eventbus reads it" soon 15 is_empty
check "the queue is still the old one" test "$(inode)" = "$queue"
check "both motes are known again" soon 20 knows 141592cc00000002
check "the configuration is kept" grep -q /motes/mote1 "$root/etc/lbr/lbr.toml"
check "the new sample lies beside it" grep -q 'next version' "$root/etc/lbr/lbr.toml.dpkg-dist"

echo "-- remove"
bridge=$(pid_of serial-bridge)
in_root dpkg --remove openwsn-lbr >"$root/tmp/log" 2>&1 || fail "removal"
check "the processes have ended" is_gone "$bridge"
check "the queues are removed" without_queues
check "the configuration is kept" test -e "$root/etc/lbr/lbr.toml"
check "the key is kept" test -e "$root/var/lib/lbr/ui.key"
check "the init script that is left has nothing to start" test -z "$(in_root /etc/init.d/lbr start 2>&1 || echo failed)"

echo "-- install again"
in_root dpkg --force-confold --install /next.deb >"$root/tmp/log" 2>&1 || fail "second installation"
for process in eventbus serial-bridge ui-proxy; do check "$process runs again" soon 15 runs $process; done
check "the configuration is the kept one" grep -q /motes/mote1 "$root/etc/lbr/lbr.toml"
check "systemd would start it again" test -L "$root/etc/systemd/system/multi-user.target.wants/lbr.target"
check "systemd's unit is not masked" test ! -L "$root/etc/systemd/system/lbr.target"
in_root dpkg --remove openwsn-lbr >"$root/tmp/log" 2>&1 || fail "second removal"
check "the queues are removed again" without_queues

echo "-- purge"
# A tap that was killed has left its queue.
in_root setpriv --reuid=lbr --regid=lbr --clear-groups touch /dev/mqueue/lbr.tap-1
in_root dpkg --purge openwsn-lbr >"$root/tmp/log" 2>&1 || fail "purge"
check "no queue is left" without_queues
check "the user is gone" sh -c "! chroot '$root' getent passwd lbr"
check "the group is gone" sh -c "! chroot '$root' getent group lbr"
files >"$root/tmp/after"
diff "$root/tmp/before" "$root/tmp/after" >&2 || fail "files are left"
echo "ok: no file is left"
