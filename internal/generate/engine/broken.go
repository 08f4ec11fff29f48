// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/damage"
	"github.com/gdummy/gdummy/internal/generate/seed"
)

// Damage is which records of a run are broken on purpose, and how.
type Damage struct {
	numbering
	draw *damage.Draw
}

// Damage returns the damage of an origin, or nil if no record is broken.
func (o Origin) Damage() *Damage {
	if o.Broken == "" {
		return nil
	}
	plan, err := damage.Parse(o.Broken)
	if err != nil {
		return nil // no run writes such a plan
	}
	return &Damage{numbering{first: o.First, step: o.Step}, plan.For(seed.Stream(seed.Parse(o.Seed), o.Stream))}
}

// Of returns the kind of damage of record k, or 0.
func (d *Damage) Of(k uint64) damage.Kind { return d.draw.Of(d.number(k)) }

// breaking is a source that breaks some of the records of another.
type breaking struct {
	Source
	bulk    bulkSource // Source
	rest    moments    // for bulk
	damage  *Damage
	breaker damage.Breaker
}

// newBreaking returns a source that breaks records of another, which is a bulkSource.
func newBreaking(source Source, d *Damage) Source {
	return &breaking{Source: source, bulk: source.(bulkSource), damage: d}
}

// Append implements Source.
func (b *breaking) Append(dst []byte, form event.Form, due int64, k uint64) []byte {
	start := len(dst)
	dst = b.Source.Append(dst, form, due, k)
	kind := b.damage.Of(k)
	if kind == 0 || len(dst) == start {
		return dst
	}
	body := start + event.Overhead(form)
	if form != event.Legacy {
		rest, err := msgp.Skip(dst[body:])
		if err != nil {
			return dst
		}
		body = len(dst) - len(rest)
	}
	return b.breaker.Break(dst, body, kind, b.damage.draw, b.damage.number(k))
}

// whole returns how many records from k on, of at most n, are not broken.
func (b *breaking) whole(k, n uint64) uint64 {
	for i := range n {
		if b.damage.Of(k+i) != 0 {
			return i
		}
	}
	return n
}

// maxWhole bounds how many records are searched for one that is broken, before those
// before it are appended.
const maxWhole = 256

// AppendMany implements bulkSource.
func (b *breaking) AppendMany(dst []byte, form event.Form, due *moments, k, n uint64, limit int) ([]byte, uint64) {
	done := uint64(0)
	for done < n && len(dst) < limit {
		start, m := len(dst), uint64(1)
		if whole := b.whole(k+done, min(n-done, maxWhole)); whole > 0 {
			b.rest = due.from(done)
			dst, m = b.bulk.AppendMany(dst, form, &b.rest, k+done, whole, limit)
		} else {
			dst = b.Append(dst, form, due.at(done), k+done)
		}
		if len(dst) == start {
			break // a replay has no further record
		}
		done += m
	}
	return dst, done
}
