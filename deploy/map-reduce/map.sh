#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# map.sh OBJECTS LEDGER PARTS: writes the part of the object on line JOB_COMPLETION_INDEX+1.
set -eu
object=$(sed -n "$((JOB_COMPLETION_INDEX + 1))p" "$1")
pipe=$(mktemp -u)
mkfifo "$pipe"
wget -q -t 1 -O "$pipe" "$object" &
reader=$!
# The signature of an address is not part of the name.
gdummy audit --part "$3/$JOB_COMPLETION_INDEX.new" --shard "$JOB_COMPLETION_INDEX/$OBJECTS" --as "${object%%\?*}" --ledger "$2" - < "$pipe"
wait $reader # a download that is cut would look like lost records
mv "$3/$JOB_COMPLETION_INDEX.new" "$3/$JOB_COMPLETION_INDEX.part"
