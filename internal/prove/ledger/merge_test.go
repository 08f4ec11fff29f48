// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ledgerLines returns the ledger of a run of 40 records, 10 per line, with a pause in
// the middle. The second line is refused.
func ledgerLines(t *testing.T) []string {
	t.Helper()
	c := &clock{start}
	f := &failing{room: 1 << 20}
	w, err := New(f, options(c))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(4) {
		if i == 1 {
			w.Refused(10, 10)
		} else {
			w.Accepted(i*10, 10)
		}
		w.Totals(i*10, i)
		if i == 2 {
			if err := w.Note(Pause); err != nil {
				t.Fatal(err)
			}
		}
		c.add(time.Second)
		if err := w.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(Unsent{}); err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(f.String(), "\n"), "\n")
}

func readLines(t *testing.T, lines []string) *Ledger {
	t.Helper()
	l, err := Read(strings.NewReader(strings.Join(lines, "")))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A ledger that is split into files, in any order and even with an overlap, merges
// into the original.
func TestMerge(t *testing.T) {
	lines := ledgerLines(t)
	want := Merge([]*Ledger{readLines(t, lines)})
	if len(want) != 1 || want[0].Given() != 40 || !want[0].Whole() {
		t.Fatalf("%+v", want[0])
	}
	for cut := range len(lines) + 1 {
		for overlap := range cut + 1 {
			a, b := readLines(t, lines[:cut]), readLines(t, lines[cut-overlap:])
			for _, files := range [][]*Ledger{{a, b}, {b, a}, {a, b, a}} {
				if d := cmp.Diff(want, Merge(files)); d != "" {
					t.Fatalf("cut at %d, %d lines in both: %s", cut, overlap, d)
				}
			}
		}
	}
}

// The line close counts all records: a ledger that lacks an earlier line is not
// whole.
func TestGone(t *testing.T) {
	lines := ledgerLines(t)
	for i, line := range lines {
		rest := append(append([]string{}, lines[:i]...), lines[i+1:]...)
		s := readLines(t, rest).Streams[0]
		word := strings.Fields(line)[1]
		ranges := word == wordAccepted && strings.Contains(line, " from=") || word == wordRefused
		if s.Given() != 40 || s.Whole() != (!ranges && word != wordClose) {
			t.Errorf("without %q: %d numbered, whole %v", line, s.Given(), s.Whole())
		}
	}
}

// A run counts as reloaded only once its ledger is closed.
func TestReloaded(t *testing.T) {
	c := &clock{start}
	f := &failing{room: 1 << 20}
	w, _ := New(f, options(c))
	if err := w.Note(Reload); err != nil {
		t.Fatal(err)
	}
	if l, err := Read(strings.NewReader(f.String())); err != nil || l.Streams[0].Reloaded() {
		t.Fatal(l, err)
	}
	if err := w.Close(Unsent{}); err != nil {
		t.Fatal(err)
	}
	if l, err := Read(strings.NewReader(f.String())); err != nil || !l.Streams[0].Reloaded() {
		t.Fatal(l, err)
	}
	if s := readLines(t, ledgerLines(t)).Streams[0]; s.Reloaded() {
		t.Error("a run without a reload is reported as reloaded")
	}
}
