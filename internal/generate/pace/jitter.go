// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math/bits"
	"sort"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
)

// jitter makes records due early, each by a random part of the distance between two:
//
//	early(n) = share * u(n), 0 <= u(n) < 1
//	At(n)    = the first t at which the integral reaches n - early(n)
//
// No record passes another, because early(n) < 1. A record that is never due without
// jitter is not due with it.
type jitter struct {
	share uint64 // of a record, in grains; 0 without jitter
	key   uint64
	text  string // of the share
	seed  uint64
	last  uint64 // the last record that is ever due
}

// early returns how much earlier record n is due, in grains, less than a record.
func (j *jitter) early(n uint64) uint64 {
	r := seed.At(j.key, n)
	hi, _ := bits.Mul64(r.Uint64(), j.share)
	return hi
}

// due returns how many records are due if n are due without jitter, and rest is the
// fraction of the next one, in grains.
func (j *jitter) due(n, rest uint64) uint64 {
	if n < j.last && rest >= grainsPerRecord-j.early(n+1) {
		n++
	}
	return n
}

// earlier returns the time at which record n is due, in a profile with jitter. at is its
// span without jitter.
func (p *Profile) earlier(n uint64, at *span) int64 {
	early := p.jitter.early(n)
	if (uint128{0, at.f0}).add(uint128{0, early}).less(mul(n-at.n0, grainsPerRecord)) {
		return int64(at.reach(n, early))
	}
	g := mul(n, grainsPerRecord).sub(uint128{0, early})
	return int64(sort.Search(int(at.t0), func(t int) bool { return !p.integral(int64(t)).less(g) }))
}

// modifyJitter applies the modifier jitter.
func (r *reader) modifyJitter(p *Profile, m draft, drafts []draft) error {
	v := m.values[0]
	share, err := units.ParseShare(v.text)
	if err == nil && share == 0 {
		err = r.errorf(v.at, "invalid jitter 0%%: expected more than 0%%")
	}
	if err != nil {
		return r.value(v, err)
	}
	for i := range drafts {
		if drafts[i].kind.shape == random {
			return r.errorf(m.name.at, "jitter with poisson: its arrivals are random already, expected no jitter")
		}
	}
	p.jitter.share, p.jitter.text = uint64(share*grainsPerRecord), v.text
	if s := m.values[1]; s.text != "" {
		if p.jitter.seed, err = r.number(s); err != nil {
			return err
		}
	}
	p.jitter.key = seed.Combine(seed.Mix(p.jitter.seed), seed.Text("jitter"))
	return nil
}
