#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# prepare.sh [SHARDS [SECONDS]]: what a run needs beside the files here: when it starts, which
# is in SECONDS (120), the number of pods (4), and a new token and certificate.
set -eu
usage='usage: prepare.sh [SHARDS [SECONDS]]
  SHARDS   the number of pods (4)
  SECONDS  the time until they start (120)'
case ${1-} in -h | --help) echo "$usage"; exit ;; esac
fail() {
    printf 'prepare.sh: %s\n%s\n' "$1" "$usage" >&2
    exit 2
}
check() { # NAME VALUE
    case $2 in '' | *[!0-9]* | 0* | ???????*) fail "$1: invalid value \"$2\": expected a whole number from 1 to 999999" ;; esac
}
[ $# -le 2 ] || fail "unexpected argument \"$3\""
shards=${1-4} seconds=${2-120}
check SHARDS "$shards"
check SECONDS "$seconds"
command -v openssl > /dev/null || fail 'no openssl in PATH, which makes the token and the certificate'
cd "$(dirname "$0")"
start=$(date -u -d "+$seconds seconds" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -v "+${seconds}S" +%Y-%m-%dT%H:%M:%SZ)
umask 077
mkdir -p secret
openssl rand -hex 32 > secret/token
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj /CN=audit \
    -addext subjectAltName=DNS:audit -keyout secret/tls.key -out secret/tls.crt 2>/dev/null
printf 'SHARDS=%s\nSTART_AT=%s\n' "$shards" "$start" > run.env
echo "$shards pods start at $start"
