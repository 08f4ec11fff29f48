#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What auditing costs: a million of the default record as JSON lines and as
# MessagePack, and of records of about 300 bytes, against jq and against a Python
# script that compares sets; the receiver of the forward protocol; and marking.
# Times are processor times on one core, user and system, the best of three: what
# other work on the machine leaves. The rates on all processors are those of the
# clock, also the best of three, and need a machine that does nothing else.
# jq and python3 are left out, and said to be, where they are not there.
#
#   scripts/bench-audit.sh [RECORDS]
set -eu
cd "$(dirname "$0")/.."
n=${1:-1000000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export CGO_ENABLED=0 GOMAXPROCS=1
go build -o "$dir/gdummy" ./cmd/gdummy
go test -c -o "$dir/receive" ./internal/wire/receive
go test -c -o "$dir/engine" ./internal/generate/engine

for format in json msgpack; do
    "$dir/gdummy" run --format "$format" --output "$dir/$format" --records "$n" -p rate=unlimited -p ledger="$dir/$format.ledger"
done
"$dir/gdummy" run --format json --output "$dir/lines" --records "$n" -p rate=unlimited -p seed=1 -p ledger="$dir/lines.ledger" --template '{
    "level": "{{ level }}", "logger": "com.example.shop.checkout", "message": "order accepted, payment authorized",
    "user": "{{ username }}", "status": {{ int 200 599 }}, "duration": {{ float 0.5 900.5 }}, "host": "web-17.example.com",
    "thread": "http-nio-8080-exec-7"}'

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
# measure NAME RECORDS EXPECTED COMMAND... prints a row. What the command prints
# must have EXPECTED in it: the fastest audit is one that did not happen.
measure() {
    local name=$1 records=$2 expected=$3 seconds
    shift 3
    TIMEFORMAT='%U %S'
    seconds=
    for _ in 1 2 3; do
        { time "$@" >"$dir/out" 2>"$dir/err"; } 2>"$dir/time" || { cat "$dir/err" "$dir/out" >&2; echo "$name failed" >&2; exit 1; }
        grep -q "$expected" "$dir/out" || { echo "$name does not say \"$expected\":" >&2; head -5 "$dir/out" >&2; exit 1; }
        seconds=$(awk -v best="$seconds" '{ s = $1 + $2; print best == "" || s < best ? s : best }' "$dir/time")
    done
    last=$seconds
    first=${first:-$(awk -v s="$seconds" -v n="$records" 'BEGIN { print s / n }')}
    awk -v name="$name" -v n="$records" -v s="$seconds" -v first="$first" 'BEGIN {
        printf "%-34s %7.2f s %12.0f records/s %8.2f times the first\n", name, s, n / s, s / n / first }'
}

measure "gdummy audit, JSON lines" "$n" "^clean" "$dir/gdummy" audit --ledger "$dir/json.ledger" "$dir/json"
measure "gdummy audit, MessagePack" "$n" "^clean" "$dir/gdummy" audit --ledger "$dir/msgpack.ledger" "$dir/msgpack"
measure "gdummy audit, lines of 300 bytes" "$n" "^clean" "$dir/gdummy" audit --ledger "$dir/lines.ledger" "$dir/lines"
if command -v jq >/dev/null; then
    audit=$last
    measure "jq -c .gdummy, the same lines" "$n" '^"gd1' jq -c .gdummy "$dir/lines"
    awk -v a="$audit" -v j="$last" 'BEGIN { printf "jq takes %.1f times as long as the audit of the same lines\n", j / a }'
fi
if command -v jq >/dev/null; then
    measure "jq, prints the identities" "$n" "^gd1" jq -r .gdummy "$dir/json"
else
    echo "jq is not there"
fi
if command -v python3 >/dev/null; then
    measure "Python, sets of numbers, no sums" "$n" "^0 lost, 0 duplicates" python3 "$dir/sets.py" "$dir/json" "$n"
else
    echo "python3 is not there"
fi
# clocked NAME RECORDS FILE... prints the rate of an audit of files on all processors.
clocked() {
    local name=$1 records=$2 ledger=$3 seconds=
    shift 3
    for _ in 1 2 3; do
        TIMEFORMAT=%R
        { time GOMAXPROCS= "$dir/gdummy" audit --ledger "$ledger" "$@" >"$dir/out" 2>"$dir/err"; } 2>"$dir/time" || { cat "$dir/err" >&2; exit 1; }
        grep -q "^clean" "$dir/out"
        seconds=$(awk -v best="$seconds" '{ print best == "" || $1 < best ? $1 : best }' "$dir/time")
    done
    clock=$seconds
    awk -v name="$name" -v n="$records" -v s="$seconds" -v b="$(cat "$@" | wc -c)" -v p="$(nproc)" 'BEGIN {
        printf "%-34s %7.2f s %12.0f records/s %8.2f GB/s on %d processors\n", name, s, n / s, b / s / 1e9, p }'
}

clocked "gdummy audit, lines of 300 bytes" "$n" "$dir/lines.ledger" "$dir/lines"
if command -v jq >/dev/null; then
    TIMEFORMAT=%R
    { time jq -c .gdummy "$dir/lines" >"$dir/out"; } 2>"$dir/time"
    awk -v a="$clock" -v j="$(cat "$dir/time")" 'BEGIN { printf "by the clock, jq takes %.1f times as long\n", j / a }'
fi
# A million takes so short a time that the start counts.
"$dir/gdummy" run --format msgpack --output "$dir/many" --records "$((5 * n))" -p rate=unlimited -p ledger="$dir/many.ledger"
clocked "gdummy audit, MessagePack" "$((5 * n))" "$dir/many.ledger" "$dir/many"
gzip -1 -k "$dir/lines"
clocked "gdummy audit, the lines in gzip" "$n" "$dir/lines.ledger" "$dir/lines.gz"

# Benchmarks with a fixed number of rounds, after one round to begin with.
measure "forward, sender and receiver" 2010000 "rec/s" "$dir/receive" -test.run '^$' -test.bench 'Forward$' -test.benchtime 200x
measure "marking a fixed record" 20000001 "rec/s" "$dir/engine" -test.run '^$' -test.bench 'Mark/fixed' -test.benchtime 20000000x
