#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# prepare.sh [SHARDS [SECONDS]]: what a run needs beside the files here: when it starts, which
# is in SECONDS (120), the number of pods (4), and a new token and certificate.
set -eu
cd "$(dirname "$0")"
shards=${1:-4}
start=$(date -u -d "+${2:-120} seconds" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -v "+${2:-120}S" +%Y-%m-%dT%H:%M:%SZ)
umask 077
mkdir -p secret
openssl rand -hex 32 > secret/token
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj /CN=audit \
    -addext subjectAltName=DNS:audit -keyout secret/tls.key -out secret/tls.crt 2>/dev/null
printf 'SHARDS=%s\nSTART_AT=%s\n' "$shards" "$start" > run.env
echo "$shards pods start at $start"
