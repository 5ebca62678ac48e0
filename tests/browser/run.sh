#!/bin/sh
# The page in Chromium, against the real stack: tests/browser/run.sh [NAME]...
# Without a name all tests; with names those of NAME.test.mjs. LBR_SCREENSHOTS=DIR keeps pictures of every view.
# The binaries must have been built, with the page in them: scripts/build-page && cargo build --workspace --bins
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
"$here/../../scripts/require" node chromium flock ssh ssh-keygen sshd pkill
cd "$here"

# The stamp is the lock file that node_modules was made from. It lies inside, so it goes when node_modules goes.
stamp=node_modules/.installed-from
if ! cmp -s package-lock.json "$stamp"; then
    npm ci --silent
    cp package-lock.json "$stamp"
fi

case ${LBR_SCREENSHOTS-} in
    "" | /*) ;;
    *) echo "LBR_SCREENSHOTS must be an absolute path" >&2; exit 2 ;;
esac
[ $# -gt 0 ] || set -- states commands tunnel reload attacks wslink keyboard views load first-sight
for name; do
    shift
    set -- "$@" "$name.test.mjs"
done
# One after the other: what is measured should have the machine to itself.
exec node --test --test-concurrency=1 --test-reporter=spec "$@"
