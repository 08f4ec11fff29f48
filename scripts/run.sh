#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shows records that come out of the plugin: in a Fluent Bit if there is one, else
# in the embedded host. Usage: scripts/run.sh PLUGIN HOST DURATION, with the
# properties for the input in $ARGS, as in ARGS='-p rate=5 -p dummy={"a": 1}'.
set -eu
plugin=$1 host=$2 seconds=$3

fail() {
    echo "make run: ARGS: $*" >&2
    exit 2
}

# ARGS is cut at white space without a shell's quoting, which would eat the quotes of
# JSON. A word that follows a value belongs to it, so that JSON may have spaces.
set -f
set --
expect=option
for word in ${ARGS:-}; do
    case $expect:$word in
    option:-p | option:--prop | more:-p | more:--prop)
        set -- "$@" -p
        expect=value
        ;;
    option:-* | more:-[a-zA-Z] | more:--*)
        fail "unknown flag \"$word\": expected -p KEY=VALUE"
        ;;
    option:*)
        fail "\"$word\" is not an option: expected -p KEY=VALUE, such as ARGS='-p $word'"
        ;;
    value:-[a-zA-Z] | value:--*)
        fail "an option lacks its value: expected -p KEY=VALUE, found \"$word\""
        ;;
    value:*=*)
        value=$word
        set -- "$@" "$word"
        expect=more
        ;;
    value:*)
        fail "\"$word\" is not a property: expected -p KEY=VALUE"
        ;;
    more:*)
        # replace the last argument by itself and the word
        value="$value $word"
        n=$#
        i=0
        for arg in "$@"; do
            i=$((i + 1))
            shift
            if [ $i -eq "$n" ]; then set -- "$@" "$value"; else set -- "$@" "$arg"; fi
        done
        ;;
    esac
done

[ "$expect" != value ] || fail "the last option lacks its value: expected -p KEY=VALUE"

fluent_bit=${FLUENT_BIT:-$(command -v fluent-bit || true)}
fluent_bit=${fluent_bit%%:*}
echo "# $seconds seconds of records; DURATION=0 goes on until Ctrl-C"
if [ -n "$fluent_bit" ]; then
    echo "# in $($fluent_bit --version | head -n 1), $fluent_bit"
    # Errors are seen, and nothing else: -q would hide them, those of a start too.
    set -- env FLB_LOG_LEVEL=error "$fluent_bit" -e "$plugin" -i gdummy "$@" -o stdout -f 0.2
else
    echo "# in the embedded host: no fluent-bit in PATH or \$FLUENT_BIT"
    set -- "$host" "$plugin" -i gdummy "$@"
fi
[ "$seconds" -gt 0 ] || exec "$@"
"$@" &
pid=$!
(sleep "$seconds" && kill -INT "$pid") 2>/dev/null &
timer=$!
trap 'kill -INT "$pid" 2>/dev/null' INT TERM
code=0
wait "$pid" || code=$?
kill "$timer" 2>/dev/null || true
# Ended by SIGINT is how it should end.
[ "$code" -eq 130 ] || exit "$code"
