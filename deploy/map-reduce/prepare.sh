#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# prepare.sh: counts the objects in objects.txt, each an address on a line.
set -eu
cd "$(dirname "$0")"
count=$(grep -c . objects.txt)
[ "$count" = "$(wc -l < objects.txt)" ] || { echo "objects.txt: expected an address on each line" >&2; exit 1; }
echo "OBJECTS=$count" > run.env
echo "$count objects"
