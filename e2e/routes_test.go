// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

var (
	v4_2_0 = version{4, 2, 0} // conditional routes
	v5_0_5 = version{5, 0, 5} // ... of threaded inputs as well
)

// With conditional routes, each record arrives once, and the ledger counts it once, although
// the engine counts it for each route. On hosts that lose all of them, a warning describes the
// remedy, which works.
func TestConditionalRoutes(t *testing.T) {
	const n = 3000
	for _, threaded := range []string{"on", "off"} {
		t.Run("threaded "+threaded, func(t *testing.T) {
			onEachHost(t, func(t *testing.T, h host) {
				h.since(t, v4_2_0, "conditional routes")
				p := h.start(t, launch{yaml: true, config: fmt.Sprintf(`
service: {flush: 0.2, grace: 1, log_level: info}
pipeline:
  inputs:
    - name: gdummy
      tag: a
      threaded: %s
      rate: 1000
      max_records: %d
      flush_on_startup: on
      dummy: '{"level":"error"}{"level":"info"}{"level":"info"}'
      ledger: run.ledger
      routes:
        logs:
          - name: errors
            condition:
              rules: [{field: "$level", op: eq, value: error}]
            to: {outputs: [errors]}
          - name: rest
            condition: {default: true}
            to: {outputs: [rest]}
  outputs:
    - {name: file, alias: errors, path: out, file: errors, format: plain}
    - {name: file, alias: rest, path: out, file: rest, format: plain}
`, threaded, n)})
				// came returns the number of lines of an output, which must all have a level.
				came := func(output, level string) int {
					text, _ := os.ReadFile(filepath.Join(p.out(), output))
					all := strings.Count(string(text), "\n")
					if n := strings.Count(string(text), `"level":"`+level+`"`); n < all {
						t.Fatalf("%d of the %d records of %s are of level %s", n, all, output, level)
					}
					return all
				}
				const warning = "this version of Fluent Bit has no conditional routes for threaded inputs"
				p.awaitLog(fmt.Sprintf("delivered %d, ", n), 30*time.Second)
				if threaded == "on" && h.version.before(v5_0_5) {
					p.awaitLog(warning, 30*time.Second)
					p.stop()
					if got := came("errors", "error") + came("rest", "info"); got > 0 {
						t.Errorf("%d records arrived, but the warning reports that none do", got)
					}
					return
				}
				p.await("all records", 30*time.Second, func() bool {
					return came("errors", "error") >= n/3 && came("rest", "info") >= n-n/3
				})
				p.stop()
				if errors, rest := came("errors", "error"), came("rest", "info"); errors != n/3 || rest != n-n/3 {
					t.Errorf("%d and %d records, want %d and %d", errors, rest, n/3, n-n/3)
				}
				if strings.Contains(p.log(), warning) {
					t.Error("a warning although routes work")
				}
				l, err := ledger.ReadFile(filepath.Join(p.dir, "run.ledger"))
				if err != nil {
					t.Fatal(err)
				}
				if s := l.Streams[0]; s.Next() != n || s.Ingested != n {
					t.Errorf("the ledger has %d accepted and %d ingested records, want %d", s.Next(), s.Ingested, n)
				}
			})
		})
	}
}
