// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// Parts of a trillion records are merged by one process: of a thousand nodes with a part
// each, and of two hundred nodes whose records are in all of two hundred parts.
func TestTrillion(t *testing.T) {
	if testing.Short() {
		t.Skip("### SKIPPED with -short: a trillion records take seconds")
	}
	testenv.SkipRace(t)
	for name, c := range map[string]struct{ parts, streams, blocks uint64 }{
		"a part for each node":       {1000, 1, 16000},
		"all nodes in all the parts": {200, 200, 400},
	} {
		size := 0
		var parts []*Part
		for i := range c.parts {
			a := New(Options{Part: true})
			for n := range c.streams {
				first, run := uint64(0), i
				if c.streams > 1 {
					first, run = i*c.blocks, n
				}
				id := recordid.ID{Run: recordid.Run(1 + run), Seq: first << blockBits, Time: 1e18 + int64(first)*1e9}
				a.Take(id, recordscan.Intact, 0)
				// The rest of the blocks, in order, but for one record; one comes twice.
				s := a.order[n]
				s.arrived.full, s.arrived.blocks, s.arrived.cur = []span{{first, first + c.blocks - 1}}, map[uint64]*block{}, nil
				s.arrived.count = c.blocks << blockBits
				s.arrived.remove(first<<blockBits + 77)
				s.jump(jump{first<<blockBits + 77, first<<blockBits + 77, id.Time, id.Time + 1})
				s.max = (first+c.blocks)<<blockBits - 1
				s.duplicates++
			}
			p, err := a.Part(Part{Sources: []Source{{fmt.Sprintf("node-%03d", i), 300e9}}})
			if err != nil {
				t.Fatal(err)
			}
			file, err := p.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			size += len(file)
			parts = append(parts, p)
		}
		before := testenv.LiveHeap()
		var a *Auditor
		took := testenv.CPUTime(func() {
			err := Sort(parts)
			if err == nil {
				a, err = Merge(Options{}, parts)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		v := a.Verdict()
		used := testenv.LiveHeap() - before
		records := c.parts * c.streams * c.blocks << blockBits
		faulty := c.parts * c.streams
		t.Logf("%s: %d records in %d KB of parts: %v, %d KB", name, records, size>>10, took.Round(10*time.Millisecond), used>>10)
		if v.Arrived != records-faulty || v.Lost != faulty || v.Duplicates != faulty || v.Reordered != 0 || !v.Exact {
			t.Errorf("%s: %+v", name, v.Counts)
		}
		runtime.KeepAlive(parts)
	}
}
