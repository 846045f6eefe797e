#!/bin/sh
# Replays traces and holds the result against a baseline, as a pull request's gate.
#
# usage: gate.sh BASELINE.json OUT-FOLDER RUN-ARGUMENT...
#
# NESTWALK names the program, nestwalk where it does not. GATES may name a file of allowances, and
# ALLOW_BETTER=true lets pass what only became better. Where GITHUB_STEP_SUMMARY names a file, the
# change is appended to it.
#
# Exit codes are those of nestwalk compare: 0 passes, 1 does not (a missing baseline too), 2 refused.
set -eu

if [ $# -lt 3 ]; then
  echo "usage: gate.sh BASELINE.json OUT-FOLDER RUN-ARGUMENT..." >&2
  exit 64
fi
baseline=$1
out=$2
shift 2
program=${NESTWALK:-nestwalk}
if ! command -v "$program" > /dev/null; then
  echo "nestwalk: there is no program $program here; install the package, or name it in NESTWALK" >&2
  exit 2
fi

mkdir -p "$out"
"$program" run "$@" --quiet -o "$out/new.json" -o "$out/new.html"

set -- "$baseline" "$out/new.json" --across-machines \
  -o "$out/change.html" -o "$out/change.xml" -o "$out/change.md" -o "$out/change.json"
[ -z "${GATES:-}" ] || set -- "$@" --gates "$GATES"
[ "${ALLOW_BETTER:-}" != true ] || set -- "$@" --allow-better
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || set -- "$@" --step-summary
exec "$program" compare "$@"
