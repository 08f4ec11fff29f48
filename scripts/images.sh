#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Renews docs/images/audit-light.png and audit-dark.png: the page of `gdummy audit --html`
# from a real run, that of docs/how-to/failures.md, in Chromium. It takes a minute.
# Usage: scripts/images.sh, after `make build`, with a fluent-bit in $FLUENT_BIT or PATH.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
fluent_bit=${FLUENT_BIT:-$(command -v fluent-bit)}
fluent_bit=${fluent_bit%%:*}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp build/gdummy.so "$dir"

# The page's own configuration and command.
awk '/^```yaml file=pipeline.yaml/ { on = 1; next } /^```/ { on = 0 } on' docs/how-to/failures.md >"$dir/pipeline.yaml"
audit=$(sed -n 's/^\$ gdummy \(audit --listen .*\)/\1/p' docs/how-to/failures.md | head -n 1)
cd "$dir"
sh -c "exec \"$root/build/gdummy\" $audit" >verdict.txt 2>log.txt &
sleep 1 # it listens; what arrives before that is lost in an outage anyway
"$fluent_bit" -c pipeline.yaml >/dev/null 2>fluent-bit.log
wait $! || true # it ends with 1: there are faults
test -s report.html || { cat log.txt fluent-bit.log >&2; exit 1; }

# The preferred colour scheme is 1 for light and 0 for dark.
for scheme in light:1 dark:0; do
    chromium --headless --no-sandbox --hide-scrollbars --force-device-scale-factor=1 --window-size=1100,1265 \
        --blink-settings=preferredColorScheme="${scheme#*:}" --screenshot="$dir/${scheme%:*}.png" "file://$dir/report.html" 2>/dev/null
    cp "$dir/${scheme%:*}.png" "$root/docs/images/audit-${scheme%:*}.png"
done
