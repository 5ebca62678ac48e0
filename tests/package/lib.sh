# What the tests of the packages have in common. Sourced by each of them, from the top of the tree.
# shellcheck shell=sh

# Says what is looked at, and fails with what was seen instead.
check() {
    what=$1
    shift
    if "$@"; then echo "ok: $what"; else fail "$what"; fi
}

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

# Is the condition met within so many seconds?
soon() {
    left=$(($1 * 5))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $left -gt 0 ] || { "$@" || true; return 1; }
        left=$((left - 1))
        sleep 0.2
    done
}
