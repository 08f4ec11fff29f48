// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// bigDummy is a record of 1 KB, which fills memory quickly.
var bigDummy = fmt.Sprintf(`dummy {"pad":%q}`, xs(1000))

var (
	memoryShort = regexp.MustCompile(`\[ ?warn\] \[input:gdummy:\S+\] memory: the process has grown by \d+ MB since its inputs started, the limit is 64 MB`)
	memoryFreed = regexp.MustCompile(`\[ ?info\] \[input:gdummy:\S+\] memory: the outputs have released memory`)
)

// While an output is blocked, the inputs together let the process grow by max_memory, and
// not by much more. Each logs it once, and resumes once the output does.
func TestMaxMemory(t *testing.T) {
	const (
		limit = 64 // MB, as the process may grow; see memoryShort
		// An output that tries to send converts some chunks of 2 MB to JSON.
		slack = 64
	)
	onEachHost(t, func(t *testing.T, h host) {
		for _, c := range []struct {
			name   string
			inputs []string
			late   bool
		}{
			{"unlimited", []string{input("name gdummy", "tag a", "rate unlimited", "max_memory 64M", bigDummy)}, false},
			{"two inputs", []string{
				input("name gdummy", "tag a", "rate unlimited", "max_memory 64M", bigDummy),
				input("name gdummy", "tag a", "rate unlimited", "max_memory 64M", bigDummy),
			}, false},
			{"a rate", []string{input("name gdummy", "tag a", "rate 20k", "max_memory 64M", bigDummy)}, true},
		} {
			t.Run(c.name, func(t *testing.T) {
				s := newSink(t)
				p := h.start(t, launch{config: service + "    scheduler.base 1\n    scheduler.cap 1\n" + strings.Join(c.inputs, "") + s.output("*")})
				p.awaitStart()
				most := 0
				look := func() {
					u, err := p.usage()
					if err != nil {
						t.Fatal(err)
					}
					most = max(most, u.rssKB/1000)
				}
				p.await("the warnings", 60*time.Second, func() bool {
					look()
					return len(memoryShort.FindAllString(p.log(), -1)) >= len(c.inputs)
				})
				// Fluent Bit with the plugin needs at most 60 MB before its inputs start.
				if most > 60+limit+slack {
					t.Errorf("%d MB of memory, expected at most %d", most, 60+limit+slack)
				}
				s.open.Store(true)
				p.await("the end of the shortage", 60*time.Second, func() bool { return memoryFreed.MatchString(p.log()) || s.count() > 200_000 })
				n := s.count()
				p.await("further records", 30*time.Second, func() bool { return s.count() > n })
				p.stop()
				if n := len(memoryShort.FindAllString(p.log(), -1)); n != len(c.inputs) {
					t.Errorf("%d warnings, expected one of each input", n)
				}
				if gaveUp := !strings.Contains(p.log(), "shortfall 0,"); gaveUp != c.late {
					t.Errorf("records were dropped: %v, expected %v", gaveUp, c.late)
				}
			})
		}
	})
}

// Chunks in files do not count as memory: with a blocked output, a run writes all of its
// records, many times max_memory.
func TestMaxMemoryFilesystem(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		s := newSink(t)
		p := h.start(t, launch{config: service + "    storage.path storage\n" +
			input("name gdummy", "tag a", "rate unlimited", "max_records 120000", "max_memory 24M", "storage.type filesystem", bigDummy) + s.output("a")})
		p.awaitLog("delivered 120000, ", 60*time.Second)
		p.kill()
		<-p.exited
		if memoryShort.MatchString(p.log()) {
			t.Error("the input waited for memory")
		}
	})
}
