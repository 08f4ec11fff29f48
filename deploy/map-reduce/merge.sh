#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# merge.sh LEDGER PARTS: waits for all parts, and prints the verdict.
set -eu
until [ "$(ls "$2" | grep -c '\.part$')" = "$OBJECTS" ]; do sleep 1; done
exec gdummy audit --merge --ledger "$1" "$2"/*.part
