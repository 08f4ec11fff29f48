// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a clock that the test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func (c *clock) add(d time.Duration) { c.t = c.t.Add(d) }

// memFile is a file in memory.
type memFile struct{ bytes.Buffer }

func (*memFile) Sync() error  { return nil }
func (*memFile) Close() error { return nil }

// A ledger has no count of ingested records until the engine reports one.
func TestUncounted(t *testing.T) {
	for _, c := range []struct {
		totals  []uint64
		counted bool
		want    uint64
	}{{nil, false, 0}, {[]uint64{Uncounted}, false, 0}, {[]uint64{Uncounted, 0}, true, 0}, {[]uint64{Uncounted, 5, 10}, true, 10}} {
		var b memFile
		w, err := New(&b, options(&clock{start}))
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range c.totals {
			w.Accepted(uint64(i)*10, 10)
			w.Totals(n, 3)
			if err := w.Note(Pause); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(Unsent{}); err != nil {
			t.Fatal(err)
		}
		l, err := Read(&b.Buffer)
		if err != nil || l.Bad > 0 {
			t.Fatalf("%v: %+v, %v", c.totals, l, err)
		}
		s := l.Streams[0]
		if s.Counted != c.counted || s.Ingested != c.want || s.End.Accepted != uint64(10*len(c.totals)) || len(c.totals) > 0 && s.Shortfall != 3 {
			t.Errorf("%v: %+v", c.totals, s)
		}
		if m := Merge([]*Ledger{{Streams: []*Stream{{Run: s.Run, Instance: s.Instance}}}, l}); len(m) != 1 || m[0].Counted != c.counted {
			t.Errorf("%v, merged: %+v", c.totals, m[0])
		}
	}
}

func options(c *clock) Options {
	return Options{Run: 12345, Instance: 3, Name: `my "input"`, Key: "gdummy", Place: "body", Version: "1.0", Now: c.now, Sync: -1}
}

var start = time.Date(2026, 11, 22, 21, 0, 0, 5, time.UTC)

// Read returns what was written, one entry per interval.
func TestRoundTrip(t *testing.T) {
	c := &clock{start}
	path := filepath.Join(t.TempDir(), "ledger")
	w, _, err := Open(path, nil, options(c))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(100) {
		w.Accepted(i*10, 10)
		w.Totals(i*10, 7)
		c.add(50 * time.Millisecond)
		if err := w.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	w.Refused(1000, 5)
	w.Refused(1005, 5)
	w.Accepted(1010, 1)
	if err := w.Note(Pause); err != nil {
		t.Fatal(err)
	}
	w.Totals(1001, 7)
	if err := w.Close(Unsent{}); err != nil {
		t.Fatal(err)
	}
	l, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) time.Time { return start.Add(d) }
	want := &Ledger{Lines: 11, Streams: []*Stream{{
		Run: 12345, Instance: 3, Name: `my "input"`, Key: "gdummy", Place: "body",
		Open:   map[string]string{"run": "000000000c1p", "instance": "3", "name": `my "input"`, "key": "gdummy", "in": "body", "version": "1.0"},
		Opened: start, Closed: at(5 * time.Second), First: start, Last: at(5 * time.Second),
		Accepted: []Entry{
			{Range{0, 199}, at(0), at(1 * time.Second)},
			{Range{200, 399}, at(1 * time.Second), at(2 * time.Second)},
			{Range{400, 599}, at(2 * time.Second), at(3 * time.Second)},
			{Range{600, 799}, at(3 * time.Second), at(4 * time.Second)},
			{Range{800, 999}, at(4 * time.Second), at(5 * time.Second)},
			{Range{1010, 1010}, at(5 * time.Second), at(5 * time.Second)},
		},
		Refused:  []Range{{1000, 1009}},
		Ingested: 1001, Counted: true, Shortfall: 7,
		Events: []Event{{Time: start, Word: "open"}, {Time: at(5 * time.Second), Word: "pause"}, {Time: at(5 * time.Second), Word: "close"}},
		End:    Totals{Accepted: 1001, Refused: 10},
	}}}
	if d := cmp.Diff(want, l); d != "" {
		t.Error(d)
	}
	if n := l.Streams[0].Next(); n != 1011 {
		t.Errorf("Next() = %d, want 1011", n)
	}
}

// What was unsent at the close is read as it was written, also where the ledger is in two
// files.
func TestUnsent(t *testing.T) {
	for _, c := range []struct {
		want  Unsent
		text  string // of the line close
		early bool
	}{
		{Unsent{}, "shortfall=0 #", false},
		{Unsent{Ends: true, Known: true}, "shortfall=0 unsent=0 #", false},
		{Unsent{Ends: true, Known: true, N: 123}, "shortfall=0 unsent=123 #", true},
		{Unsent{Ends: true}, "shortfall=0 unsent=unknown #", true},
	} {
		path := filepath.Join(t.TempDir(), "ledger")
		w, _, err := Open(path, nil, options(&clock{start}))
		if err != nil {
			t.Fatal(err)
		}
		w.Accepted(0, 7)
		if err := w.Close(c.want); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.text) {
			t.Errorf("%s: expected %q", text, c.text)
		}
		first, rest, _ := strings.Cut(string(text), "\n")
		for _, parts := range [][]string{{string(text)}, {first + "\n", rest}, {rest, first + "\n"}} {
			var all []*Ledger
			for _, p := range parts {
				l, err := Read(strings.NewReader(p))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, l)
			}
			s := Merge(all)[0]
			if s.Unsent != c.want || s.StoppedEarly() != c.early || s.End.Accepted != 7 {
				t.Errorf("%q: %+v, stopped early %v, want %+v, %v", parts, s.Unsent, s.StoppedEarly(), c.want, c.early)
			}
		}
	}
}

// A line whose numbers are invalid, as a later version may write them, has no effect, even if
// its checksum is right.
func TestInvalidNumbers(t *testing.T) {
	for _, c := range []struct{ word, values string }{
		{wordClose, "accepted=7 refused=0 shortfall=0 unsent=-1"},
		{wordClose, "accepted=7 refused=0 shortfall=0 unsent=99999999999999999999"},
		{wordClose, "accepted=7 refused=0 shortfall=0 unsent=1125899906842624"},
		{wordClose, "accepted=7 refused=0 shortfall=0 unsent="},
		{wordClose, "accepted=x refused=0 shortfall=0"},
		{wordAccepted, "from=7 to=3 since=2026-11-22T21:00:00Z shortfall=0"},
		{wordAccepted, "from=7 to=8 since=yesterday shortfall=0"},
		{wordRefused, "from=7 to=1125899906842624"},
		{wordControl, "record=-1 scheduled=3 state=x"},
	} {
		line := fmt.Sprintf("%s %s run=000000000c1p instance=3 %s", stamp(start.Add(time.Hour)), c.word, c.values)
		line += fmt.Sprintf(" #%08x\n", crc32.Checksum([]byte(line), castagnoli))
		path := filepath.Join(t.TempDir(), "ledger")
		w, _, err := Open(path, nil, options(&clock{start}))
		if err != nil {
			t.Fatal(err)
		}
		w.Accepted(0, 7)
		if err := w.Note(Pause); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		want.Bad = 1
		got, err := Read(strings.NewReader(string(text) + line))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s %s: %s", c.word, c.values, d)
		}
	}
}

// A change of the pace is an event with its record, and what was accepted before it is in
// the line before. A state that is too long for a line is cut, without damage to the ledger.
func TestChange(t *testing.T) {
	c := &clock{start}
	path := filepath.Join(t.TempDir(), "ledger")
	w, _, err := Open(path, nil, options(c))
	if err != nil {
		t.Fatal(err)
	}
	w.Accepted(0, 10)
	changes := []Change{{10, 12, `rate 5k; "quoted" = #0`}, {10, 12, strings.Repeat("x", 3*maxLine)}, {11, 13, "as configured"}}
	for i, change := range changes {
		c.add(time.Second)
		if err := w.Change(change); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			w.Accepted(10, 1)
		}
	}
	c.add(time.Second)
	if err := w.Close(Unsent{}); err != nil {
		t.Fatal(err)
	}
	l, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Streams) != 1 || l.Bad > 0 || l.Lines != 7 {
		t.Fatalf("%d streams, %d lines, %d of them bad, want 1, 7 and 0", len(l.Streams), l.Lines, l.Bad)
	}
	s := Merge([]*Ledger{l, l})[0]
	changes[1].State = strings.Repeat("x", maxState) + "..."
	want := []Event{{Time: start, Word: "open"}}
	for i := range changes {
		want = append(want, Event{start.Add(time.Duration(i+1) * time.Second), "control", &changes[i]})
	}
	want = append(want, Event{Time: start.Add(4 * time.Second), Word: "close"})
	if d := cmp.Diff(want, s.Events); d != "" {
		t.Error("events of the ledger, merged with itself (-want +got):\n" + d)
	}
	if total := s.Listed().Accepted; total != 11 {
		t.Errorf("%d accepted, want 11", total)
	}
	// A line without its record is damaged, even if its sum is right.
	b := w.begin(start, wordControl)
	sum := fmt.Sprintf(" #%08x\n", crc32.Checksum(b, castagnoli))
	if l, err := Read(strings.NewReader(string(b) + sum)); err == nil {
		t.Errorf("a control line without a record: %+v, want an error", l)
	}
}

// Wherever a crash cuts the file, the lines before the cut and those of the next run
// are read.
func TestCutAnywhere(t *testing.T) {
	c := &clock{start}
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger")
	w, _, err := Open(path, nil, options(c))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		w.Accepted(i*10, 10)
		c.add(time.Second)
		if err := w.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(data) {
		cutPath := filepath.Join(dir, "cut")
		if err := os.WriteFile(cutPath, data[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		whole := strings.Count(string(data[:cut]), "\n")
		// A line that lacks only its newline is valid.
		if data[cut] == '\n' {
			whole++
		}
		l, err := ReadFile(cutPath)
		if err != nil || l.Lines != whole || l.Bad != 0 {
			t.Fatalf("cut at %d: %v, %+v, want %d lines", cut, err, l, whole)
		}
		if whole > 0 && (l.Streams[0].Next() != uint64(whole-1)*10 || !l.Streams[0].Closed.IsZero()) {
			t.Fatalf("cut at %d: %+v", cut, l.Streams[0])
		}
		o := options(c)
		o.Run++
		w, _, err := Open(cutPath, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		w.Accepted(0, 7)
		if err := w.Close(Unsent{}); err != nil {
			t.Fatal(err)
		}
		l, err = ReadFile(cutPath)
		if err != nil || l.Lines != whole+3 || l.Streams[len(l.Streams)-1].Next() != 7 {
			t.Fatalf("after the cut at %d: %v, %+v", cut, err, l)
		}
	}
}

// A flipped byte invalidates its own line only.
func TestFlippedByte(t *testing.T) {
	c := &clock{start}
	path := filepath.Join(t.TempDir(), "ledger")
	w, _, _ := Open(path, nil, options(c))
	w.Accepted(0, 10)
	c.add(time.Second)
	w.Tick()
	w.Accepted(10, 10)
	w.Close(Unsent{})
	data, _ := os.ReadFile(path)
	for i := range data {
		if data[i] == '\n' {
			continue
		}
		bad := []byte(string(data))
		bad[i] ^= 1
		l, err := Read(strings.NewReader(string(bad)))
		if err != nil || l.Lines < 3 || l.Lines+l.Bad < 4 {
			// A flipped byte of the checksum may change only the case of a digit.
			t.Fatalf("byte %d: %v, %+v", i, err, l)
		}
	}
	if _, err := Read(strings.NewReader("hello\nworld\n")); !errors.Is(err, ErrNoLedger) {
		t.Errorf("text that is not a ledger: got %v, want ErrNoLedger", err)
	}
}

// failing is a file on a disk with limited room.
type failing struct {
	strings.Builder
	room int
}

func (f *failing) Write(b []byte) (int, error) {
	n := min(len(b), f.room)
	f.room -= n
	f.Builder.Write(b[:n])
	if n < len(b) {
		return n, errors.New("no space left")
	}
	return n, nil
}
func (f *failing) Sync() error  { return nil }
func (f *failing) Close() error { return nil }

// After a full disk, a later line has the records that could not be written.
func TestFullDisk(t *testing.T) {
	c := &clock{start}
	f := &failing{room: 200}
	w, err := New(f, options(c))
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range uint64(10) {
		w.Accepted(i*10, 10)
		c.add(time.Second)
		if err := w.Tick(); err != nil {
			failed++
		}
		if i == 5 {
			f.room = 1 << 20
		}
	}
	if err := w.Close(Unsent{}); err != nil || failed == 0 {
		t.Fatal(err, failed)
	}
	l, err := Read(strings.NewReader(f.String()))
	if err != nil {
		t.Fatal(err)
	}
	total := uint64(0)
	for _, e := range l.Streams[0].Accepted {
		total += e.Len()
	}
	if total != 100 || l.Bad != 1 {
		t.Errorf("got %d records and %d bad lines, want 100 and 1:\n%s", total, l.Bad, f.String())
	}
}

// A write that fails where the records have a gap loses neither side of it.
func TestFullDiskAtGap(t *testing.T) {
	c := &clock{start}
	f := &failing{room: 1 << 20}
	w, err := New(f, options(c))
	if err != nil {
		t.Fatal(err)
	}
	f.room = 0
	for _, from := range []uint64{0, 5, 10, 15} {
		w.Accepted(from, 3)
		w.Refused(from+3, 2)
		c.add(time.Millisecond)
	}
	f.room = 1 << 20
	if err := w.Close(Unsent{}); err != nil {
		t.Fatal(err)
	}
	l, err := Read(strings.NewReader(f.String()))
	if err != nil {
		t.Fatal(err)
	}
	var accepted []Range
	for _, e := range l.Streams[0].Accepted {
		accepted = append(accepted, e.Range)
	}
	if want := []Range{{0, 2}, {5, 7}, {10, 12}, {15, 17}}; !slices.Equal(accepted, want) {
		t.Errorf("accepted: got %v, want %v:\n%s", accepted, want, f.String())
	}
	if want := []Range{{3, 4}, {8, 9}, {13, 14}, {18, 19}}; !slices.Equal(l.Streams[0].Refused, want) {
		t.Errorf("refused: got %v, want %v:\n%s", l.Streams[0].Refused, want, f.String())
	}
}

func FuzzRead(f *testing.F) {
	c := &clock{start}
	var file failing
	file.room = 1 << 20
	w, _ := New(&file, options(c))
	w.Accepted(0, 10)
	w.Close(Unsent{})
	f.Add(file.String())
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Read(strings.NewReader(text))
		if err == nil {
			for _, s := range l.Streams {
				s.Next()
			}
		}
	})
}
