// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Last returns when something last arrived; zero if nothing has.
func (j *Judge) Last() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Arrived returns how many records arrived at all sinks.
func (j *Judge) Arrived() (n uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.sinks {
		n += s.arrived
	}
	return n
}

// Refresh updates the list of known runs, and returns their number.
func (j *Judge) Refresh() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.resolve()
	return len(j.runs)
}

// Complete reports whether all records of the ledgers arrived where they are expected.
// It does not wait for records that should not arrive.
func (j *Judge) Complete() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for n, s := range j.sinks {
		if s.Share != nil {
			return false
		}
		for _, r := range j.names {
			if missing, _ := j.missing(n, s, r, 1, nil); missing > 0 {
				return false
			}
		}
	}
	return true
}

// missing returns how many records of a run should have arrived and did not, counted as
// often as they should, and how many should have. It stops after limit of them, if limit
// is not 0, and calls f with each.
func (j *Judge) missing(n int, s *sink, r *run, limit uint64, f func(seq uint64)) (missing, expected uint64) {
	p := &r.plans[n]
	if !p.applies {
		return 0, 0
	}
	t := s.seen[r]
	next := uint64(0) // the first group of lines that is not counted yet
	for _, e := range r.book.Accepted {
		for group := max(e.From/s.Lines, next); group <= e.To/s.Lines; group++ {
			next = group + 1
			if t != nil && group < uint64(len(t.counts)) && uint64(t.counts[group]) >= s.Copies {
				expected++
				continue
			}
			seq := max(group*s.Lines, e.From)
			if p.arrive >= 0 {
				r.maker.Event(event.V2, recordid.ID{Seq: seq, Time: r.moment(seq)})
				if !r.maker.Value(p.arrive, emptyBody).Truth() {
					continue
				}
			}
			expected++
			missing++
			if f != nil {
				f(seq)
			}
			if limit > 0 && missing >= limit {
				return missing, expected
			}
		}
	}
	return missing, expected
}

var emptyBody = []byte{0x80}

// Verdict returns the verdict of each sink. It ends the judgment.
func (j *Judge) Verdict() (results []Result) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for n, s := range j.sinks {
		results = append(results, j.verdict(n, s))
	}
	return results
}

func (j *Judge) verdict(n int, s *sink) Result {
	res := Result{Sink: s.Name, Arrived: s.arrived}
	counted := uint64(0)
	for _, r := range j.names {
		missing, expected := j.missing(n, s, r, 0, func(seq uint64) { j.absent(s, r, seq) })
		res.Expected += expected
		counted += expected - missing
	}
	if s.Share != nil {
		j.share(s, counted, res.Expected)
	}
	if s.foreign > 0 {
		j.fail(s, Foreign, "", nil)
		s.failures[failureKey{Foreign, ""}].Count = s.foreign
	}
	if res.Expected == 0 && len(s.order) == 0 {
		j.fail(s, Nothing, "", nil)
	}
	slices.SortStableFunc(s.order, func(a, b *Failure) int { return cmp.Compare(a.Kind, b.Kind) })
	for _, f := range s.order {
		res.Failures = append(res.Failures, *f)
	}
	return res
}

// absent records that a record did not arrive.
func (j *Judge) absent(s *sink, r *run, seq uint64) {
	kind := Missing
	switch {
	case s.Share != nil:
		return // share compares how many arrived
	case (s.Through || j.Place != nil) && s.foreign > 0:
		kind = Unknown // it may be one without an identity
	}
	var e *Example
	if f := s.failures[failureKey{kind, ""}]; f == nil || len(f.Examples) < maxExamples {
		r.maker.Event(event.V2, recordid.ID{Seq: seq, Time: r.moment(seq)})
		j.secrets(r)
		e = &Example{Seq: seq, Input: r.name, Sent: j.show(r.maker.last)}
	}
	j.fail(s, kind, "", e)
}

// share compares which part of the expected records arrived with the one that should have.
func (j *Judge) share(s *sink, arrived, expected uint64) {
	got := float64(arrived) / math.Max(float64(expected), 1)
	if math.Abs(got-s.Share.Value) > s.Share.Tolerance {
		j.fail(s, WrongShare, "", &Example{
			Want: fmt.Sprintf("%.4g%% ± %.4g%%", 100*s.Share.Value, 100*s.Share.Tolerance),
			Got:  fmt.Sprintf("%.4g%%: %d of %d", 100*got, arrived, expected),
		})
	}
}

// blockSize is how many records share a moment that is remembered.
const blockSize = 256

// remember keeps the moment of one record of each block, to compute the records that do
// not arrive.
func (r *run) remember(id recordid.ID) {
	b := int(id.Seq / blockSize)
	for len(r.blocks) <= b {
		r.blocks = append(r.blocks, 0)
	}
	if r.blocks[b] == 0 {
		r.blocks[b] = id.Time
	}
}

// moment returns the approximate time at which a missing record was due.
func (r *run) moment(seq uint64) int64 {
	for b := min(int(seq/blockSize), len(r.blocks)-1); b >= 0; b-- {
		if r.blocks[b] != 0 {
			return r.blocks[b]
		}
	}
	for _, t := range r.blocks {
		if t != 0 {
			return t
		}
	}
	return r.book.Opened.UnixNano()
}
