#!/usr/bin/env bash
# Audits a million records as JSON lines and as MessagePack, against jq and
# against a Python script that compares sets, by the processor time of each. jq and python3 are
# left out where they are not there.
#
#   scripts/bench-audit.sh [RECORDS]
set -eu
cd "$(dirname "$0")/.."
n=${1:-1000000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -o "$dir/gdummy" ./cmd/gdummy

for format in json msgpack; do
    "$dir/gdummy" run --format "$format" --output "$dir/$format" --records "$n" -p rate=unlimited -p ledger="$dir/$format.ledger"
done

cat >"$dir/sets.py" <<'PY'
import json, sys
n, seen, twice = int(sys.argv[2]), set(), 0
for line in open(sys.argv[1]):
    # The number of the record; nothing else is looked at.
    k = int(json.loads(line)["gdummy"].split(".")[2], 32)
    twice += k in seen
    seen.add(k)
print(len(set(range(n)) - seen), "lost,", twice, "duplicates")
PY

first=
measure() { # name, command...
    name=$1
    shift
    TIMEFORMAT='%U %S'
    seconds=$({ time GOMAXPROCS=1 "$@" >/dev/null; } 2>&1 | awk '{ print $1 + $2 }')
    first=${first:-$seconds}
    awk -v name="$name" -v n="$n" -v s="$seconds" -v first="$first" 'BEGIN {
        printf "%-28s %6.2f s %12.0f records/s   %5.1f times the first\n", name, s, n / s, s / first }'
}

measure "gdummy audit, JSON lines" "$dir/gdummy" audit --ledger "$dir/json.ledger" "$dir/json"
measure "gdummy audit, MessagePack" "$dir/gdummy" audit --ledger "$dir/msgpack.ledger" "$dir/msgpack"
command -v python3 >/dev/null && measure "Python, sets of numbers" python3 "$dir/sets.py" "$dir/json" "$n"
command -v jq >/dev/null && measure "jq, the identities alone" jq -r .gdummy "$dir/json"
exit 0
