// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/damage"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// paper is a file in memory.
type paper struct{ bytes.Buffer }

func (p *paper) Sync() error  { return nil }
func (p *paper) Close() error { return nil }

// bookOf returns the ledger of a run of an origin with n records, of which those of
// refused were not accepted.
func bookOf(t *testing.T, o engine.Origin, n uint64, refused ledger.Range) *ledger.Ledger {
	t.Helper()
	var p paper
	w, err := ledger.New(&p, ledger.Options{Run: 5, Instance: 1, Name: "in", Place: "body", Origin: o.Fields()})
	if err != nil {
		t.Fatal(err)
	}
	w.Accepted(0, refused.From)
	w.Refused(refused.From, refused.Len())
	w.Accepted(refused.To+1, n-refused.To-1)
	if err := w.Close(ledger.Unsent{}); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Read(&p)
	if err != nil || len(l.Streams) != 1 || l.Streams[0].Open["broken"] != o.Broken {
		t.Fatalf("the ledger is read as %+v, %v", l, err)
	}
	return l
}

// randomPlan returns a plan of a few kinds.
func randomPlan(t *testing.T, rnd *rand.Rand) *damage.Plan {
	t.Helper()
	var kinds []string
	for _, i := range rnd.Perm(len(damage.All()))[:1+rnd.IntN(5)] {
		kinds = append(kinds, fmt.Sprintf("%s %d", damage.All()[i], 1+rnd.IntN(5)))
	}
	p, err := damage.Parse(fmt.Sprintf("%g: %s", rnd.Float64()/2, strings.Join(kinds, ", ")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fate is what a pipeline does to a record.
type fate int

const (
	passes fate = iota
	alters
	unchecks
	loses
)

// An audit of any plan, and of any pipeline, ends in exactly what was planned: each broken
// record counts where it belongs, by kind, with the neighbours that it took, and others
// count as without a plan.
func TestBrokenPlans(t *testing.T) {
	const plans = 1200
	for seed := range uint64(plans) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		plan := randomPlan(t, rnd)
		n := uint64(20 + rnd.IntN(200))
		b := engine.Origin{Broken: plan.String(), Seed: "x", Stream: fmt.Sprint(seed), First: rnd.Uint64N(1000), Step: 1 + rnd.Uint64N(4)}
		refused := ledger.Range{From: n / 2, To: n/2 + rnd.Uint64N(5)}
		draw := b.Damage()
		fates := make([]fate, n)
		for i := range fates {
			switch x := rnd.IntN(100); {
			case x < 5 || draw.Of(uint64(i)) != 0 && x < 50:
				fates[i] = []fate{loses, loses, alters, unchecks}[rnd.IntN(4)]
			}
		}
		for i := 0; i < 3; i++ { // chunks that were lost whole
			from := rnd.IntN(len(fates))
			for j := from; j < min(from+rnd.IntN(8), len(fates)); j++ {
				fates[j] = loses
			}
		}
		// Half of the audits get the ledger when all has arrived, as a listener does.
		o := Options{Since: time.Unix(0, 1)}
		book := []*ledger.Ledger{bookOf(t, b, n, refused)}
		if seed%2 == 0 {
			o = Options{Ledgers: book}
		}
		a := New(o)
		order := rnd.Perm(len(fates))
		again, damagedAgain := uint64(0), uint64(0)
		for i := 0; i < len(order); i++ {
			seq := uint64(order[i])
			if fates[seq] == loses || seq >= refused.From && seq <= refused.To {
				continue
			}
			state := map[fate]recordscan.State{passes: recordscan.Intact, alters: recordscan.Damaged, unchecks: recordscan.Unchecked}[fates[seq]]
			id := recordid.ID{Run: 5, Instance: 1, Seq: seq, Time: int64(seq) + 1}
			a.Take(id, state, 0)
			if rnd.IntN(20) == 0 {
				a.Take(id, state, 0)
				again++
				if state == recordscan.Damaged && draw.Of(seq) == 0 {
					damagedAgain++
				}
			}
		}
		a.SetLedgers(book)
		want, lost, damaged := expected(draw, fates, refused)
		v := a.Verdict()
		if v.Lost != lost || v.Duplicates != again {
			t.Fatalf("plan %d (%s): %d lost and %d duplicates, want %d and %d", seed, plan, v.Lost, v.Duplicates, lost, again)
		}
		if v.Damaged != damaged+damagedAgain {
			t.Fatalf("plan %d (%s): %d damaged, want %d", seed, plan, v.Damaged, damaged+damagedAgain)
		}
		got := map[string]BrokenCounts{}
		for _, k := range v.BrokenRecords.Kinds {
			got[k.Kind] = k.BrokenCounts
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("plan %d (%s): broken records are\n%+v\nwant\n%+v", seed, plan, got, want)
		}
	}
}

// expected counts the fates of a run's records in the plainest way.
func expected(draw *engine.Damage, fates []fate, refused ledger.Range) (kinds map[string]BrokenCounts, lost, damaged uint64) {
	kinds = map[string]BrokenCounts{}
	of := func(i int) damage.Kind { return draw.Of(uint64(i)) }
	gone := func(i int) bool { return uint64(i) >= refused.From && uint64(i) <= refused.To }
	note := func(k damage.Kind, f func(c *BrokenCounts)) {
		c := kinds[k.String()]
		f(&c)
		kinds[k.String()] = c
	}
	for i, f := range fates {
		k := of(i)
		switch {
		case gone(i):
		case k == 0 && f == loses:
			lost++
		case k == 0 && f == alters:
			damaged++
		case k != 0:
			note(k, func(c *BrokenCounts) {
				c.Sent++
				*[]*uint64{&c.AsSent, &c.Repaired, &c.Unchecked, &c.Lost}[f]++
			})
		}
	}
	touched := func(i int) bool { return !gone(i) && (fates[i] == loses || fates[i] == alters) }
	for i := 0; i < len(fates); i++ {
		if !touched(i) {
			continue
		}
		end := i
		var broken []damage.Kind
		others := uint64(0)
		for ; end < len(fates) && touched(end); end++ {
			if k := of(end); k != 0 {
				broken = append(broken, k)
			} else {
				others++
			}
		}
		i = end
		if others == 0 || len(broken) == 0 {
			continue
		}
		for _, k := range broken {
			note(k, func(c *BrokenCounts) { c.TookNeighbours++ })
		}
		note(broken[0], func(c *BrokenCounts) { c.Neighbours += others })
	}
	return kinds, lost, damaged
}

// Records of all kinds, as they are sent, are intact to the scanner.
func TestBrokenAsSent(t *testing.T) {
	c, _, err := engine.Configure(func(name string) (string, bool) {
		text, ok := map[string]string{
			"template": `{"n": {{ seq }}, "log": {{ sentence 4 }}}`, "seed": "3", "rate": "unlimited", "max_records": "300", "audit": "on",
			"broken": "1: utf8_start, utf8_inside, utf8_cut, nul, control, crlf, cr, cut_json, type, big_number, duplicate, no_name, empty, deep, wide 0.2, long 0.05",
		}[name]
		return text, ok
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := new(gathering)
	engine.New(c, engine.Options{Form: event.V2, Mark: &engine.MarkOptions{Run: 5}}).Run(h)
	states := map[recordscan.State]int{}
	s := recordscan.New(recordscan.Options{Take: func(_ recordid.ID, st recordscan.State, _ int64) { states[st]++ }})
	if err := s.Read(bytes.NewReader(h.events)); err != nil {
		t.Fatal(err)
	}
	if states[recordscan.Intact] != 300 || len(states) != 1 || s.Broken() > 0 {
		t.Errorf("the states are %v; %d pieces could not be read", states, s.Broken())
	}
}

// gathering is a host that keeps the events.
type gathering struct{ events []byte }

func (g *gathering) Wait(time.Time) bool            { return true }
func (g *gathering) Buffer() []byte                 { return nil }
func (g *gathering) Emit(_ string, _ int, e []byte) { g.events = append(g.events, e...) }

// A record with an invented number neither stalls the verdict nor changes what is exact.
func TestBrokenInvented(t *testing.T) {
	plan := randomPlan(t, rand.New(rand.NewPCG(1, 2)))
	a := New(Options{Since: time.Unix(0, 0)})
	a.SetLedgers([]*ledger.Ledger{bookOf(t, engine.Origin{Seed: "3", Stream: "0", Shards: 1, Broken: plan.String()}, 1000, ledger.Range{From: 10, To: 10})})
	a.Take(recordid.ID{Run: 5, Instance: 1, Seq: 1 << 49}, recordscan.Intact, 0)
	v := a.Verdict()
	s := v.Streams[0]
	if b := s.BrokenRecords; b == nil || b.Sent != b.Lost+b.Unknown || b.Lost+s.Lost != 999 || v.Exact {
		t.Errorf("got %+v, %d others lost, exact %v; want 999 lost in all, and not exact", b, s.Lost, v.Exact)
	}
}
