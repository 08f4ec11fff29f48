// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// A story is what happens to an audit, in order.
type story struct {
	steps   []func(*Auditor)
	ledgers []*ledger.Ledger // of all streams
	needed  []*ledger.Ledger // those without which a part cannot be made
	since   time.Time
}

// streamStory adds a stream: in order or not, with or without a plan and a ledger, with
// records that are lost, repeated, damaged, and refused by the receiver.
func (s *story) streamStory(t *rapid.T, n int) (steps []func(*Auditor)) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "stream"), 0))
	st, original := drawStream(t, r, n)
	book := &ledger.Ledger{Streams: []*ledger.Stream{st}, Lines: 3}
	if len(st.Open) > 0 {
		s.needed = append(s.needed, book)
	}
	if len(st.Open) > 0 || r.IntN(4) > 0 {
		s.ledgers = append(s.ledgers, book)
	}
	steps = arrivalsOf(r, st, original)
	switch r.IntN(3) {
	case 0:
		r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	case 1: // some chunks come late
		for range 5 {
			if len(steps) > 40 {
				from, n := r.IntN(len(steps)-30), r.IntN(15)
				chunk := append([]func(*Auditor){}, steps[from:from+n]...)
				steps = append(append(steps[:from:from], steps[from+n:]...), chunk...)
			}
		}
	}
	return steps
}

// drawStream returns stream n, and the number of the record that it sent at each position.
func drawStream(t *rapid.T, r *rand.Rand, n int) (st *ledger.Stream, original func(k uint64) uint64) {
	st = &ledger.Stream{
		Run: recordid.Run(10 + n/2), Instance: uint16(n % 2), Name: fmt.Sprint("in.", n), First: time.Unix(1.7e9+int64(n), 0), Open: map[string]string{},
	}
	count := uint64(1 + r.IntN(300))
	st.Opened = st.First
	original = func(k uint64) uint64 { return k }
	if rapid.Bool().Draw(t, "plan") {
		origin, fields := disordered(t)
		st.Open, original = fields, origin.Original
	}
	if rapid.IntRange(0, 3).Draw(t, "broken") == 0 {
		if len(st.Open) == 0 {
			_, st.Open = disordered(t)
			delete(st.Open, "disorder")
		}
		st.Open["broken"] = "0.3: utf8_cut 1, nul 2"
	}
	refused := r.IntN(3) == 0
	for k := range count {
		if refused && r.IntN(20) == 0 {
			st.Refused = append(st.Refused, ledger.Range{From: k, To: k})
			continue
		}
		st.Accepted = append(st.Accepted, ledger.Entry{Range: ledger.Range{From: k, To: k}, Since: st.Opened, Until: st.Opened.Add(time.Minute)})
	}
	st.End = st.Listed()
	if st.Last = st.First.Add(time.Minute); r.IntN(4) > 0 {
		st.Closed = st.Last
	}
	return st, original
}

// arrivalsOf returns what arrives of a stream, or is refused, in order.
func arrivalsOf(r *rand.Rand, st *ledger.Stream, original func(k uint64) uint64) (steps []func(*Auditor)) {
	perfect := r.IntN(4) == 0
	chance := 12 // one in so many records arrives in each of the states
	if st.Open["broken"] != "" {
		chance = 5
	}
	timed := r.IntN(2) == 0
	offset := uint64(0)
	if r.IntN(3) == 0 && len(st.Open) == 0 {
		offset = 1<<16 - uint64(len(st.Accepted)/2) // over the end of a block
	}
	for _, e := range st.Accepted {
		k := e.From
		id := recordid.ID{Run: st.Run, Instance: st.Instance, Seq: original(k) + offset, Time: 1.7e18 + int64(k)*1e8}
		times := 1
		if x := r.IntN(10); !perfect && x < 2 {
			times = x * 2
		}
		for range times {
			state, arrival := recordscan.Intact, int64(0)
			if x := r.IntN(chance); !perfect && x < 4 {
				state = recordscan.State(1 + x)
			}
			if timed && r.IntN(10) > 0 {
				arrival = id.Time + r.Int64N(5e9) - 1e8
			}
			steps = append(steps, func(a *Auditor) { a.Take(id, state, arrival) })
		}
		if !perfect && r.IntN(8) == 0 {
			why := r.IntN(3)
			steps = append(steps, func(a *Auditor) {
				a.Refuse(a.Refused([]string{"status=503", "drop=1%", "too large"}[why], why == 1, k%5 == 0, k%2 == 0), id)
			})
		}
	}
	return steps
}

func drawStory(t *rapid.T) *story {
	s := new(story)
	if rapid.Bool().Draw(t, "live") {
		s.since = time.Unix(1.7e9+int64(rapid.IntRange(0, 120).Draw(t, "since")), 0)
	}
	var streams [][]func(*Auditor)
	for n := range rapid.IntRange(1, 4).Draw(t, "streams") {
		streams = append(streams, s.streamStory(t, n))
	}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "mix"), 0))
	for len(streams) > 0 { // mixed, in runs of random lengths
		i := r.IntN(len(streams))
		n := min(1+r.IntN(20), len(streams[i]))
		s.steps = append(s.steps, streams[i][:n]...)
		if streams[i] = streams[i][n:]; len(streams[i]) == 0 {
			streams = append(streams[:i], streams[i+1:]...)
		}
	}
	for range r.IntN(5) {
		s.steps = append(s.steps, func(a *Auditor) { a.Foreign(3); a.Broken(1) })
	}
	return s
}

// partsOf cuts a story into parts, in files of one part or more.
func (s *story) partsOf(t *rapid.T, o Options) (files [][]byte) {
	shards := uint64(rapid.IntRange(1, 8).Draw(t, "parts"))
	numbered := rapid.Bool().Draw(t, "numbered")
	cuts := []int{0}
	for range shards - 1 {
		cuts = append(cuts, rapid.IntRange(cuts[len(cuts)-1], len(s.steps)).Draw(t, "cut"))
	}
	cuts = append(cuts, len(s.steps))
	for i := range shards {
		o.Part, o.Ledgers = true, s.needed
		if rapid.Bool().Draw(t, "all ledgers") {
			o.Ledgers = s.ledgers
		}
		a := New(o)
		for _, step := range s.steps[cuts[i]:cuts[i+1]] {
			step(a)
			if o.Since != (time.Time{}) && len(s.steps)%3 == 0 {
				a.Complete(time.Unix(1.7e9, 0)) // it changes nothing
			}
		}
		p := Part{Sources: []Source{{fmt.Sprintf("out-%d", i), 7}}}
		if numbered {
			p.Shard, p.Shards, p.Sources[0].Name = i, shards, fmt.Sprintf("out-%d", 100-i)
		}
		done, err := a.Part(p)
		if err != nil {
			t.Fatal(err)
		}
		file, err := done.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func verdictJSON(t interface{ Fatal(...any) }, v *Verdict) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// merged returns the verdict on files of parts.
func merged(o Options, files ...[]byte) (*Verdict, error) {
	var parts []*Part
	for _, f := range files {
		more, err := ReadParts(bytes.NewReader(f), int64(len(f)))
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	if err := Sort(parts); err != nil {
		return nil, err
	}
	a, err := Merge(o, parts)
	if err != nil {
		return nil, err
	}
	return a.Verdict(), nil
}

// For any division of an audit into parts, and any order and grouping of merges, the verdict
// is that of one audit of everything.
func TestPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 5 {
			s := drawStory(t)
			o := Options{Since: s.since, Ledgers: s.ledgers, Faults: "drop=1%", Seed: "7"}
			if rapid.IntRange(0, 4).Draw(t, "last") == 0 {
				o.Last = true
			}
			one := New(o)
			for _, step := range s.steps {
				step(one)
			}
			want := verdictJSON(t, one.Verdict())
			files := rapid.Permutation(s.partsOf(t, o)).Draw(t, "order")
			for len(files) > 1 && rapid.Bool().Draw(t, "join") { // a tree of any shape
				i := rapid.IntRange(0, len(files)-2).Draw(t, "at")
				files[i] = append(files[i], files[i+1]...)
				files = append(files[:i+1], files[i+2:]...)
			}
			o.Faults, o.Seed, o.Since = "", "", time.Time{}
			v, err := merged(o, files...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, verdictJSON(t, v)); diff != "" {
				t.Fatalf("one audit, and parts:\n%s", diff)
			}
		}
	})
}

// partOf returns the file of a part of one source.
func partOf(t testing.TB, o Options, p Part, take func(*Auditor)) []byte {
	t.Helper()
	o.Part = true
	a := New(o)
	take(a)
	done, err := a.Part(p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := done.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A billion records in order are a part of the size that docs/reference/parts.md has, with
// latencies of all sizes: complete, or with one in 10,000 lost.
func TestPartOfBillion(t *testing.T) {
	take := func(lost bool) func(*Auditor) {
		return func(a *Auditor) {
			r := rand.New(rand.NewPCG(1, 2))
			for k := range uint64(100_000) { // latencies of all sizes, over a day
				a.Take(recordid.ID{Run: 1, Seq: k, Time: int64(k) * 1e9}, recordscan.Intact, int64(k)*1e9+1<<r.IntN(46)+r.Int64N(1<<30))
			}
			s := a.order[0]
			s.arrived.full, s.arrived.blocks, s.arrived.cur = []span{{0, 1e9>>blockBits - 1}}, map[uint64]*block{}, nil
			s.arrived.count = 1e9 >> blockBits << blockBits
			if s.max = s.arrived.count - 1; lost {
				for k := uint64(1); k < s.max; k += 10_000 {
					s.arrived.remove(k)
				}
			}
		}
	}
	for lost, limit := range map[bool]int{false: 35_000, true: 430_000} {
		b := partOf(t, Options{}, Part{Sources: []Source{{"out", 300e9}}}, take(lost))
		t.Logf("lost %v: %d bytes", lost, len(b))
		if len(b) > limit {
			t.Errorf("lost %v: %d bytes, want at most %d", lost, len(b), limit)
		}
		v, err := merged(Options{}, b)
		if err != nil || v.Arrived < 999_000_000*9/10 || (v.Lost > 0) != lost {
			t.Errorf("%v, %+v", err, v)
		}
	}
}

// Parts that cannot be merged are refused, and the error has both.
func TestPartsRefused(t *testing.T) {
	source := func(name string) Part { return Part{Sources: []Source{{name, 1}}} }
	take := func(a *Auditor) { a.Take(recordid.ID{Run: 1, Seq: 3, Time: 5}, recordscan.Intact, 0) }
	a := partOf(t, Options{}, source("a"), take)
	withKey := source("b")
	withKey.Settings = "--key x"
	shard := func(i, n uint64, name string) []byte {
		p := source(name)
		p.Shard, p.Shards = i, n
		return partOf(t, Options{}, p, take)
	}
	old := bytes.Replace(a, []byte("part 1\n"), []byte("part 2\n"), 1)
	flipped := bytes.Clone(a)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		files [][]byte
		want  string
	}{
		{[][]byte{a, a}, "source a is in two parts"},
		{[][]byte{append(bytes.Clone(a), a...)}, "source a is in two parts"},
		{[][]byte{a, partOf(t, Options{}, withKey, take)}, "made with no flags and --key x"},
		{[][]byte{a, shard(0, 2, "b")}, "no shards and 2 shards"},
		{[][]byte{shard(0, 3, "a"), shard(0, 2, "b")}, "3 shards"},
		{[][]byte{shard(1, 3, "a"), shard(1, 3, "b")}, "two parts of shard 1/3"},
		{[][]byte{nil}, ErrNoPart.Error()},
		{[][]byte{[]byte("{\"gdummy\":1}\n")}, ErrNoPart.Error()},
		{[][]byte{append(bytes.Clone(a), "more"...)}, ErrNoPart.Error()},
		{[][]byte{old}, `version "2"`},
		{[][]byte{flipped}, ErrDamaged.Error()},
		{[][]byte{a, partOf(t, Options{Faults: "drop=1%", Seed: "2"}, source("b"), take)}, "expected the same faults"},
	} {
		if _, err := merged(Options{}, c.files...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	for n := range len(a) {
		if _, err := merged(Options{}, a[:n]); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrNoPart) {
			t.Fatalf("%d of %d bytes: %v", n, len(a), err)
		}
	}
}

// A part that was made without the ledger of a stream with a plan is refused, and so is a
// merge without that ledger: both would count otherwise than one audit.
func TestPartsNeedPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, fields := disordered(t)
		if fields["disorder"] == "" || !strings.Contains(fields["disorder"], "shuffle") && !strings.Contains(fields["disorder"], "repeat") {
			return
		}
		st := &ledger.Stream{Run: 1, Opened: time.Unix(1.7e9, 0), First: time.Unix(1.7e9, 0), Open: fields}
		with := Options{Ledgers: []*ledger.Ledger{{Streams: []*ledger.Stream{st}}}}
		file := func(o Options) []byte {
			o.Part = true
			a := New(o)
			a.Take(recordid.ID{Run: 1, Seq: 3}, recordscan.Intact, 0)
			p, err := a.Part(Part{Sources: []Source{{"a", 1}}})
			if err != nil {
				t.Fatal(err)
			}
			b, _ := p.Append(nil)
			return b
		}
		if _, err := merged(with, file(Options{})); err == nil || !strings.Contains(err.Error(), "make it again with --ledger") {
			t.Fatal(err)
		}
		if _, err := merged(Options{}, file(with)); err == nil || !strings.Contains(err.Error(), "give the same --ledger") {
			t.Fatal(err)
		}
		if _, err := merged(with, file(with)); err != nil {
			t.Fatal(err)
		}
	})
}

// Without some of the shards, records that did not arrive are unknown, not lost.
func TestMissingShards(t *testing.T) {
	var files [][]byte
	for i := range uint64(5) {
		p := Part{Shard: i, Shards: 5, Sources: []Source{{fmt.Sprint(i), 1}}}
		files = append(files, partOf(t, Options{}, p, func(a *Auditor) {
			for k := range uint64(100) {
				if k != 50 {
					a.Take(recordid.ID{Run: 1, Seq: i*100 + k, Time: int64(i*100 + k)}, recordscan.Intact, 0)
				}
			}
		}))
	}
	v, err := merged(Options{}, files[4], files[0])
	if err != nil || v.Lost != 0 || v.Unknown != 302 || v.Arrived != 198 || v.Known() {
		t.Fatalf("%v, %+v", err, v)
	}
	if faults := (Limits{}).Faults(v); len(faults) == 0 || faults[0] != "the parts of shards 1-3 are missing" {
		t.Errorf("%q", faults)
	}
	if v, err = merged(Options{}, files...); err != nil || v.Lost != 5 || v.Unknown != 0 || len(v.MissingShards) > 0 {
		t.Fatalf("%v, %+v", err, v)
	}
}

// A part is exact, or is not written.
func TestPartNeedsMemory(t *testing.T) {
	a := New(Options{Part: true, Memory: 64 << 10})
	for k := range uint64(1 << 20) {
		a.Take(recordid.ID{Run: 1, Seq: k * 2654435761 % (1 << 20), Time: 1}, recordscan.Intact, 0)
	}
	if _, err := a.Part(Part{Sources: []Source{{"a", 1}}}); !errors.Is(err, ErrInexact) {
		t.Errorf("%v, want %v", err, ErrInexact)
	}
}

// The union of two sets, of any shape, has what either has. What it reports is new, or was
// in both.
func TestSetUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const blocks = 3
		m := &memoryBudget{limit: 1 << 40}
		draw := func(name string) (*set, map[uint64]bool) {
			s, all := newSet(m), map[uint64]bool{}
			for key := range uint64(blocks) {
				step := rapid.SampledFrom([]uint64{0, 1, 1, 3, 20000}).Draw(t, name)
				for v := rapid.Uint64Range(0, min(2, step)).Draw(t, "first"); step > 0 && v < blockSize; v += step {
					s.add(key<<blockBits + v)
					all[key<<blockBits+v] = true
				}
			}
			return s, all
		}
		s, mine := draw("mine")
		o, its := draw("its")
		from := rapid.SampledFrom([]uint64{0, 0, 70, blockSize, blockSize + 5}).Draw(t, "from")
		fresh, again := uint64(0), uint64(0)
		s.union(o, from, func(u united) {
			fresh += u.count(0, endOfNumbers)
			again += u.again
			n := uint64(0)
			u.eachAgain(func(v uint64) {
				if n++; !mine[v] || !its[v] {
					t.Fatalf("%d is not in both", v)
				}
			})
			if n != u.again {
				t.Fatalf("%d of %d again", n, u.again)
			}
		})
		wantAgain, all := uint64(0), len(mine)
		for v := range its {
			switch {
			case v < from:
			case mine[v]:
				wantAgain++
			default:
				mine[v] = true
			}
		}
		if again != wantAgain || fresh != uint64(len(mine)-all) || s.count != uint64(len(mine)) {
			t.Fatalf("%d new, %d again, %d in all; want %d, %d, %d", fresh, again, s.count, len(mine)-all, wantAgain, len(mine))
		}
		for v := range uint64(blocks * blockSize) {
			if s.has(v) != mine[v] {
				t.Fatalf("%d: %v", v, s.has(v))
			}
		}
		var c coder
		c.set(s)
		again2 := newSet(m)
		c.reading = true
		if c.set(again2); c.err != nil || len(c.b) > 0 || again2.count != s.count {
			t.Fatalf("read as %d numbers, %v", again2.count, c.err)
		}
		for v := range mine {
			if !again2.has(v) {
				t.Fatalf("%d is not read", v)
			}
			again2.remove(v)
			if again2.has(v) {
				t.Fatalf("%d is not removed", v)
			}
			if len(mine)-int(again2.count) > 100 {
				break
			}
		}
	})
}
