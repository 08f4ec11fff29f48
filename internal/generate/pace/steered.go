// SPDX-License-Identifier: Apache-2.0

package pace

import "math/bits"

// Steered is a schedule whose pace changes while it runs. The zero value is idle.
//
//	Due(t) = floor of the integral of the rates in force from 0 to t
//
// or one more with jitter, if the next record is early.
//
// A change keeps what is due by then, with the fraction of a record that the paces so
// far have added: no sequence of changes adds or loses a record. Between two changes a
// Steered is as exact as its [Profile].
type Steered struct {
	stints []stint // in the order of their starts; the last one is in force
}

// stint is the time from one change to the next.
type stint struct {
	from  int64    // ns after the start
	n     uint64   // due at from, without jitter
	least uint64   // due at from: n, or one more that is early
	grain uint64   // grains after the last record, at from
	pace  *Profile // with the phase of this stint; nil for no records
	zero  int64    // the start of pace, in ns after the start; at most from
	n0    uint64   // due on pace alone at from, without jitter
}

// Change puts another pace in force from t on, nil for no records. t is not before that
// of an earlier change, and zero, which is not after t, is the time at which the profile
// starts. The first done records have been made: At is not called for them again.
func (s *Steered) Change(t int64, p *Profile, zero int64, done uint64) {
	next := stint{from: t, zero: zero}
	if len(s.stints) > 0 {
		last := &s.stints[len(s.stints)-1]
		next.n, next.grain = last.count(t)
		next.least = last.due(t)
	}
	if p != nil {
		own := *p
		own.phase = 0
		_, grain := own.count(t - zero)
		own.phase = minus(next.grain, grain)
		own.reset()
		next.pace = &own
		next.n0, _ = own.count(t - zero)
	}
	first := 0 // the earliest stint with a record that is not made yet
	for first < len(s.stints) && s.end(first, next.least) <= done {
		first++
	}
	s.stints = append(s.stints[:0], s.stints[first:]...)
	s.stints = append(s.stints, next)
}

// end returns how many records are due at the end of stint i; last is for the last one.
func (s *Steered) end(i int, last uint64) uint64 {
	if i+1 < len(s.stints) {
		return s.stints[i+1].least
	}
	return last
}

// Due implements [Schedule].
func (s *Steered) Due(t int64) uint64 {
	for i := len(s.stints) - 1; i >= 0; i-- {
		if x := &s.stints[i]; t >= x.from {
			return x.due(t)
		}
	}
	if len(s.stints) > 0 {
		return s.stints[0].least
	}
	return 0
}

// At implements [Schedule].
func (s *Steered) At(n uint64) int64 {
	for i := len(s.stints) - 1; i >= 0; i-- {
		if x := &s.stints[i]; n > x.least {
			return x.at(n)
		}
	}
	return 0
}

func (x *stint) due(t int64) uint64 {
	if x.pace == nil {
		return x.least
	}
	return max(x.least, x.n+x.pace.Due(t-x.zero)-x.n0)
}

func (x *stint) at(n uint64) int64 {
	if x.pace == nil {
		return Never
	}
	if at := x.pace.At(n - x.n + x.n0); at < Never-x.zero {
		return max(at+x.zero, x.from)
	}
	return Never
}

// count returns how many records are due at t without jitter, and the grains after the
// last of them.
func (x *stint) count(t int64) (n, grain uint64) {
	if x.pace == nil {
		return x.n, x.grain
	}
	n, grain = x.pace.count(t - x.zero)
	return x.n + n - x.n0, grain
}

// count returns how many records are due at t without jitter, and the grains after the
// last of them.
func (p *Profile) count(t int64) (n, grain uint64) {
	g := p.integral(t)
	return bits.Div64(g.hi, g.lo, grainsPerRecord)
}

// minus returns a-b modulo a record.
func minus(a, b uint64) uint64 {
	if a < b {
		a += grainsPerRecord
	}
	return a - b
}
