# From a bare Debian 12 to a live page by the five commands that README.md gives for one machine. A part of debian.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154 # root is debian.sh's

# Such a command of README.md, or all of them.
command_of_readme() {
    awk -v wanted="$1" '/^##/ { here = /^### On one machine/ } !here { next } /^```/ { code = !code; next }
        code && (++number == wanted || wanted == "all") { sub(/ +#.*/, ""); print }' README.md
}

# As it stands there, with the test's motes in place of a person's, and with what comes printed, so that it can be seen here.
follow() {
    line=$(command_of_readme "$1" | sed 's|/dev/ttyUSB\*|/motes/mote*|')
    echo "-- $line"
    [ -n "$line" ] || fail "README.md has no command $1"
    case $line in *gui-host*) line=$(echo "$line" | sed 's|gui-host |&--json |; s|&$|>/tmp/gui-host.out 2>/tmp/gui-host.err \&|') ;; esac
    in_root sh -c "cd /packages; $line" >"$root/tmp/log" 2>&1 || fail "$line"
}

mkdir "$root/packages"
cp target/package/*_amd64.deb "$root/packages"
check "README.md gives five commands" test "$(command_of_readme all | grep -c .)" -eq 5
for number in 1 2 3 4; do follow $number; done
check "the GUI host listens" soon 15 grep -q '^link:' "$root/tmp/gui-host.err"
follow 5
check "a router is there" soon 15 grep -q '"type":"hello"' "$root/tmp/gui-host.out"
check "its motes are there" soon 20 grep -q 141592cc00000002 "$root/tmp/gui-host.out"
page=$(sed -n 's/^page: \([^#?]*\).*/\1/p' "$root/tmp/gui-host.err")
check "the page is there" sh -c "busybox wget -q -O - '$page' | grep -qi '<title>'"
