// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// An input produces exactly the requested records, also after it had time to produce more.
func TestExactCount(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for _, threaded := range []string{"on", "off"} {
			t.Run("threaded "+threaded, func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service +
					input("name gdummy", "tag a", "rate 100", "samples 250", "threaded "+threaded) + clock + toFiles})
				p.await("250 records", 15*time.Second, func() bool { return len(p.records("a")) >= 250 })
				p.awaitTicks(2)
				p.stop()
				if n := len(p.records("a")); n != 250 {
					t.Errorf("%d records, expected 250", n)
				}
				p.allBodies("a", `{"message": "dummy"}`)
			})
		}
	})
}

// clock is an input with one record per second, which shows the host's time.
const clock = `
[INPUT]
    name dummy
    tag  clock
`

// awaitTicks waits for further ticks of the clock. By the second one, all records that were
// pending have arrived: inputs are called once a second, and outputs five times.
func (p *process) awaitTicks(n int) {
	p.t.Helper()
	from := len(p.records("clock"))
	p.await(fmt.Sprintf("%d ticks of the clock", n), time.Duration(n+10)*time.Second, func() bool {
		return len(p.records("clock")) >= from+n
	})
}

// Instances of one library are independent: each has its own body, metadata, rate and end,
// whether both, one or none of them are threaded.
func TestTwoInstances(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for _, threaded := range [][2]string{{"on", "on"}, {"off", "off"}, {"on", "off"}, {"off", "on"}} {
			t.Run("threaded "+threaded[0]+" and "+threaded[1], func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service +
					input("name gdummy", "tag a", `dummy {"a":1}`, "rate 100", "samples 250", "threaded "+threaded[0]) +
					input("name gdummy", "tag b", `dummy {"b":2}{"b":3}`, `metadata {"of":"b"}`, "rate 30", "samples 60", "copies 2", "threaded "+threaded[1]) +
					clock + toFiles})
				p.await("250 and 240 records", 20*time.Second, func() bool {
					return len(p.records("a")) >= 250 && len(p.records("b")) >= 240
				})
				p.awaitTicks(2)
				p.stop()
				a, b := p.records("a"), p.records("b")
				if len(a) != 250 || len(b) != 240 {
					t.Errorf("%d and %d records, expected 250 and 240", len(a), len(b))
				}
				p.allBodies("a", `{"a": 1}`)
				meta := `{"of": "b"}`
				if h.version.before(v2_1_0) {
					meta = "-"
				}
				for i, r := range b {
					if want := fmt.Sprintf(`%s {"b": %d}`, meta, 2+i%2); r.String() != want {
						t.Fatalf("record %d of b is %s, expected %s", i, r, want)
					}
				}
				// A record's time is exactly that of its tick.
				checkSpacing(t, a, 1, 10*time.Millisecond)
				checkSpacing(t, b, 4, time.Second/30)
			})
		}
	})
}

// checkSpacing checks that all records of a tick have the same time, and that ticks are an
// interval apart, except for adjustments of the wall clock of up to half a millisecond.
func checkSpacing(t *testing.T, recs []record, perTick int, interval time.Duration) {
	t.Helper()
	if len(recs) == 0 {
		return
	}
	if !slices.IsSortedFunc(recs, func(a, b record) int { return a.time.Compare(b.time) }) {
		t.Error("times run backwards")
	}
	for i, r := range recs {
		want := recs[0].time.Add(interval * time.Duration(i/perTick))
		if d := r.time.Sub(want); d.Abs() > 5*time.Millisecond {
			t.Fatalf("record %d has the time %v, which is off its tick by %v", i, r.time, d)
		}
	}
}

// Many instances: two would not reveal a table of instances that is too small or wrongly
// shared.
func TestSixtyFourInstances(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		config := service + clock + toFiles
		const n = 64
		for i := range n {
			config += input("name gdummy", fmt.Sprintf("alias number_%d", i), fmt.Sprintf("tag t%d", i),
				fmt.Sprintf(`dummy {"i":%d}`, i), "rate 50", fmt.Sprintf("samples %d", 10+i))
		}
		p := h.start(t, launch{config: config})
		for i := range n {
			p.await(fmt.Sprintf("the records of instance %d", i), 20*time.Second, func() bool {
				return len(p.records(fmt.Sprintf("t%d", i))) >= 10+i
			})
		}
		p.awaitTicks(2)
		p.stop()
		for i := range n {
			tag := fmt.Sprintf("t%d", i)
			if got := len(p.records(tag)); got != 10+i {
				t.Errorf("instance %d has %d records, expected %d", i, got, 10+i)
			}
			p.allBodies(tag, fmt.Sprintf(`{"i": %d}`, i))
		}
	})
}

// Two inputs with the same alias are two streams, also after a reload, and names of any
// length have their own metrics.
func TestOneAlias(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port := freePort(t)
		long := strings.Repeat("long", 100)
		config := httpService(port)
		for _, in := range [][2]string{{"a", "x"}, {"b", "x"}, {"c", long + "1"}, {"d", long + "2"}} {
			config += input("name gdummy", "tag "+in[0], "alias "+in[1], "rate 50", "seed 7", `template {"n":{{ seq }},"id":"{{ uuid }}"}`)
		}
		p := h.start(t, launch{config: config + toFiles, args: hotReload(h)})
		tags := []string{"a", "b", "c", "d"}
		come := func(more int) {
			t.Helper()
			counts := map[string]int{}
			for _, tag := range tags {
				counts[tag] = len(p.records(tag))
			}
			p.await("records of all inputs", 30*time.Second, func() bool {
				for _, tag := range tags {
					if len(p.records(tag)) < counts[tag]+more {
						return false
					}
				}
				return true
			})
		}
		come(20)
		if h.version != v4_0_3 && !h.version.before(v2_2_0) { // v4.0.3 does not complete a reload of threaded inputs
			p.hangUp()
			p.awaitLog(`[input:gdummy:x#2] the stream continues with record `, 30*time.Second)
			come(20)
		}
		if !h.version.before(v2_2_0) {
			p.await("metrics of each input", 30*time.Second, func() bool {
				m := p.metrics(port)
				for _, name := range []string{"x", "x#2", long + "1", long + "2"} {
					if m[`fluentbit_gdummy_records_total{name="`+name+`"}`] == 0 {
						return false
					}
				}
				return true
			})
		}
		p.stop()
		if warning := `option stream_id: "x#2", so that the records differ from those of the other input of this name`; !strings.Contains(p.log(), warning) {
			t.Errorf("the log has no warning: %s", warning)
		}
		owners := map[string]string{}
		for _, tag := range tags {
			for _, r := range p.records(tag) {
				body := render(r.body)
				id := body[strings.Index(body, `"id"`):]
				if owner, ok := owners[id]; ok {
					t.Fatalf("%s: %s has a record of %s", id, tag, owner)
				}
				owners[id] = tag
			}
		}
	})
}
