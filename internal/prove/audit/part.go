// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Part is what an audit of some of the sources found, for a verdict on all of them.
//
// # Order
//
// Whether a record was reordered, and which of its arrivals is the duplicate, depends on
// the order of the sources. Parts are in the order of their shards or, without
// shards, of the names of their first sources. Within a part, sources are in the order in
// which they were read. The verdict is that of one audit of all sources in this order.
// [Sort] restores it, so that the order in which parts are given does not matter.
type Part struct {
	Sources []Source

	// Shard is the number of the part, of Shards parts numbered from 0. Shards is 0
	// if it is unknown how many there are.
	Shard, Shards uint64

	// Settings are the flags that determine what is found in the sources. They must
	// be the same for all parts.
	Settings string

	faults, seed string
	since        int64 // Options.Since, or 0
	maxOwn       uint64

	load func() ([]byte, error) // the state
}

// Source is a file or a listener.
type Source struct {
	Name string
	Size uint64 // in bytes, as it was read
}

// ErrInexact reports that the memory did not suffice for a part.
var ErrInexact = errors.New("not enough memory for a part, which is exact or is not written; a larger --memory helps")

// Part returns what arrived so far, as a part with the exported fields of p.
func (a *Auditor) Part(p Part) (*Part, error) {
	a.release(true)
	if a.mem.frozen || a.surplus > 0 {
		return nil, ErrInexact
	}
	p.faults, p.seed, p.maxOwn = a.o.Faults, a.o.Seed, uint64(a.maxOwn)
	if !a.o.Since.IsZero() {
		p.since = a.o.Since.UnixNano()
	}
	c := coder{}
	a.state(&c)
	p.load = func() ([]byte, error) { return c.b, nil }
	return &p, nil
}

// about reads or writes what the part covers.
func (p *Part) about(c *coder) {
	c.uint(&p.Shard)
	c.uint(&p.Shards)
	c.check(p.Shards == 0 && p.Shard == 0 || p.Shard < p.Shards && p.Shards <= MaxShards, "shard")
	list(c, &p.Sources, func(s *Source) {
		c.text(&s.Name)
		c.uint(&s.Size)
	})
	c.text(&p.Settings)
	c.text(&p.faults)
	c.text(&p.seed)
	c.int(&p.since)
	c.uint(&p.maxOwn)
	c.check(p.maxOwn <= maxOwn, "number of histograms")
	c.check(len(c.b) == 0, "end")
}

// MaxShards is the maximum number of shards.
const MaxShards = 1 << 20

// name returns the name of the first source, or "" without sources, as of an empty directory.
func (p *Part) name() string {
	if len(p.Sources) == 0 {
		return ""
	}
	return p.Sources[0].Name
}

// compare compares the places of two parts in the order.
func (p *Part) compare(o *Part) int {
	return cmp.Or(cmp.Compare(p.Shard, o.Shard), strings.Compare(p.name(), o.name()))
}

// Sort sorts parts in their order, and returns an error if they cannot be merged.
func Sort(parts []*Part) error {
	slices.SortFunc(parts, (*Part).compare)
	seen := map[string]bool{}
	for i, p := range parts {
		switch first := parts[0]; {
		case p.Shards != first.Shards:
			return fmt.Errorf("the parts of %s and %s are of %s and %s: expected the same number of shards", first.name(), p.name(), shards(first.Shards), shards(p.Shards))
		case p.Settings != first.Settings:
			return fmt.Errorf("the parts of %s and %s were made with %s and %s: expected the same flags", first.name(), p.name(), orNone(first.Settings), orNone(p.Settings))
		case p.faults != first.faults || p.seed != first.seed:
			return fmt.Errorf("the parts of %s and %s were made with --fault %q --seed %q and --fault %q --seed %q: expected the same faults", first.name(), p.name(), first.faults, first.seed, p.faults, p.seed)
		case p.Shards > 0 && i > 0 && parts[i-1].Shard == p.Shard:
			return fmt.Errorf("there are two parts of shard %d/%d: %s and %s", p.Shard, p.Shards, parts[i-1].name(), p.name())
		}
		for _, s := range p.Sources {
			if seen[s.Name] {
				return fmt.Errorf("source %s is in two parts: its records would count twice", s.Name)
			}
			seen[s.Name] = true
		}
	}
	return nil
}

func shards(n uint64) string {
	if n == 0 {
		return "no shards"
	}
	return fmt.Sprintf("%d shards", n)
}

func orNone(settings string) string {
	if settings == "" {
		return "no flags"
	}
	return settings
}

// Merge returns an audit of what parts found, one or more, sorted by [Sort]. Its options are
// those of the verdict, except for Since, Faults and Seed, which the parts have. It loads one
// part at a time.
func Merge(o Options, parts []*Part) (*Auditor, error) {
	o.Faults, o.Seed = parts[0].faults, parts[0].seed
	for i, p := range parts {
		switch since := time.Unix(0, p.since); {
		case p.since == 0:
			o.Since = time.Time{}
		case i == 0 || since.Before(o.Since):
			o.Since = since
		}
	}
	a := New(o)
	for _, p := range parts {
		a.maxOwn = min(a.maxOwn, int(p.maxOwn))
	}
	next := uint64(0)
	for _, p := range parts {
		for ; p.Shards > 0 && next < p.Shard; next++ {
			a.missing = append(a.missing, next)
		}
		next++
		if err := a.add(p); err != nil {
			return nil, fmt.Errorf("the part of %s: %w", p.name(), err)
		}
	}
	for ; next < parts[0].Shards; next++ {
		a.missing = append(a.missing, next)
	}
	return a, nil
}

// add adds a part, which follows all those before.
func (a *Auditor) add(p *Part) error {
	b, err := p.load()
	if err != nil {
		return err
	}
	o := New(Options{Memory: a.o.Memory, Part: true})
	c := coder{b: b, reading: true}
	o.state(&c)
	if c.err != nil {
		return fmt.Errorf("invalid state: %w", c.err)
	}
	return a.fold(o)
}

// Fork returns an audit of sources that follow all that a has, with the same options but
// for the memory. [Auditor.Join] adds it to a. In between, it may be used at the same time
// as a.
func (a *Auditor) Fork(memory int64) *Auditor {
	o := a.o
	o.Part, o.Memory, o.Ledgers = true, memory, nil
	f := New(o)
	f.maxOwn, f.ledgers, f.merged = a.maxOwn, a.ledgers, a.merged
	f.learn()
	return f
}

// Join adds the findings of a fork. It returns ErrInexact, and adds nothing, if the fork does
// not have all that counts: its sources must then be read by a.
func (a *Auditor) Join(f *Auditor) error {
	if f.mem.frozen || f.surplus > 0 {
		return ErrInexact
	}
	for _, p := range f.order {
		if !p.isExact(a.streams[p.id]) {
			return ErrInexact
		}
	}
	return a.fold(f)
}
