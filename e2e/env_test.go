// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// From 5.1.1 on, an env section can refer to a file that Fluent Bit reads again while it
// runs. The body and metadata of our records change with it, as those of dummy do.
func TestEnvironmentChanges(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v5_1_1, "variables that plugins can follow")
		dir := t.TempDir()
		p := h.start(t, launch{dir: dir, yaml: true, config: fmt.Sprintf(`
env:
  - name: E2E_BODY
    uri: file://%s
    refresh_interval: 1
  - name: E2E_META
    uri: file://%s
    refresh_interval: 1
service: {flush: 0.2, grace: 1}
pipeline:
  inputs:
    - {name: dummy, tag: theirs, rate: 20, dummy: '{"v":"${E2E_BODY}"}', metadata: '{"m":"${E2E_META}"}'}
    - {name: gdummy, tag: ours, rate: 20, dummy: '{"v":"${E2E_BODY}"}', metadata: '{"m":"${E2E_META}"}'}
  outputs:
    - {name: file, match: '*', path: out, format: msgpack}
`, write(t, dir, "body", "one"), write(t, dir, "meta", "m1"))})
		seen := func(tag, want string) bool {
			recs := p.records(tag)
			return len(recs) > 0 && recs[len(recs)-1].String() == want
		}
		both := func(want string) {
			t.Helper()
			for _, tag := range []string{"theirs", "ours"} {
				p.await(tag+": "+want, 15*time.Second, func() bool { return seen(tag, want) })
			}
		}
		both(`{"m": "m1"} {"v": "one"}`)
		write(t, dir, "body", "two")
		both(`{"m": "m1"} {"v": "two"}`)
		write(t, dir, "meta", "m2")
		both(`{"m": "m2"} {"v": "two"}`)
		// Invalid JSON: both continue with the initial record.
		write(t, dir, "body", `broken"`)
		both(`{"m": "m2"} {"v": "one"}`)
		write(t, dir, "body", "three")
		both(`{"m": "m2"} {"v": "three"}`)
		p.stop()
	})
}

// write writes a file and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	p := process{t: t, dir: dir}
	p.write(name, text)
	return filepath.Join(dir, name)
}
