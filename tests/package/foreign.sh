#!/bin/sh
# A router's binary of another architecture, run by QEMU: tests/package/foreign.sh ARCHITECTURE QEMU
# Real queues of this machine, in an instance of their own; an emulated mote behind a TCP port.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/package/lib.sh
. tests/package/lib.sh

architecture=$1 qemu=$2
instance=foreign-$architecture-$$
directory=$(mktemp -d)
programs=
mote=141592cc00000001
# Other tests may run at once, as the same user, whose queues have a budget.
prlimit --pid $$ --msgqueue=unlimited 2>/dev/null || true
trap 'stop; inspect unlink --force >/dev/null 2>&1 || true; rm -rf "$directory"' EXIT
trap 'exit 1' INT TERM

for name in serial-bridge eventbus ui-proxy mq-inspect; do ln -s "$PWD/target/package/bin/lbr-$architecture" "$directory/$name"; done

stop() {
    # shellcheck disable=SC2086 # a list of numbers
    [ -z "$programs" ] || kill $programs 2>/dev/null || true
    wait
    programs=
}

start() {
    name=$1
    shift
    "$qemu" "$directory/$name" --instance "$instance" "$@" 2>"$directory/$name.log" &
    programs="$programs $!"
    check "$architecture: $name starts" soon 20 grep -q "ready" "$directory/$name.log"
}

inspect() {
    task=$1
    shift
    "$qemu" "$directory/mq-inspect" "$task" --instance "$instance" "$@"
}

knows_mote() {
    inspect tap --topic inventory --for 1 --json >"$directory/inventory"
    grep -q "$mote" "$directory/inventory"
}

# The same words come out of a recording as on any machine.
for name in A B D; do
    "$qemu" "$directory/mq-inspect" decode "tests/data/$name.jsonl.gz" >"$directory/foreign.txt"
    target/package/bin/lbr-x86_64 mq-inspect decode "tests/data/$name.jsonl.gz" >"$directory/native.txt"
    check "$architecture: recording $name is decoded" cmp -s "$directory/foreign.txt" "$directory/native.txt"
done

cargo build --quiet --package lbr-tests --bin mote-emulator
target/debug/mote-emulator emulate --motes 1 --dir "$directory/motes" >"$directory/emulator.log" 2>&1 &
programs=$!
check "$architecture: a mote is there" soon 20 test -e "$directory/motes/mote1"
python3 tests/package/tcp_port.py "$directory/motes/mote1" >"$directory/port" &
programs="$programs $!"
check "$architecture: its port is there" soon 20 test -s "$directory/port"

start eventbus --state-dir "$directory/state" --run-dir "$directory/run"
start serial-bridge --port "tcp://127.0.0.1:$(cat "$directory/port")"
start ui-proxy --state-dir "$directory/state" --auth none
check "$architecture: the mote is known" soon 20 knows_mote
inspect tap --topic status --for 10 --count 4 --json >"$directory/status"
check "$architecture: the mote tells its state" grep -q "$mote" "$directory/status"
"$qemu" "$directory/ui-proxy" wake --instance "$instance" >/dev/null
check "$architecture: ui-proxy is woken" soon 10 grep -q "no link" "$directory/ui-proxy.log"
stop
inspect unlink >/dev/null
inspect list --json >"$directory/list" || true
check "$architecture: its queues are removed" test "$(grep -c '"waiting":[0-9]' "$directory/list")" = 0
