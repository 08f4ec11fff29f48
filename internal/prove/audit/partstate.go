// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/cespare/xxhash/v2"

	"github.com/gdummy/gdummy/internal/recordid"
)

// state reads or writes what arrived.
func (a *Auditor) state(c *coder) {
	c.uint(&a.foreign)
	c.uint(&a.broken)
	list(c, (*[]Refusal)(&a.refusals), func(r *Refusal) {
		c.text(&r.Why)
		c.bool(&r.Acknowledged)
		c.uint(&r.Requests)
		c.uint(&r.Partly)
	})
	c.stats(&a.shared)
	list(c, &a.order, func(s **stream) {
		if c.reading {
			*s = &stream{arrived: newSet(a.mem), late: &late{numbers: newSet(a.mem)}}
		}
		(*s).state(c, a)
		if c.reading && c.err == nil {
			c.check(a.streams[(*s).id] == nil, "stream")
			a.streams[(*s).id] = *s
		}
	})
	c.check(len(a.order) <= maxStreams && len(a.refusals) <= maxReasons, "number of streams")
	c.check(len(c.b) == 0, "end")
}

// maxReasons is the maximum number of reasons for refusals in a part.
const maxReasons = 1000

// terms returns the hash of the plan of a stream, or 0 without one.
func (s *stream) terms() uint64 {
	if s.plan == nil {
		return s.planSum
	}
	h := xxhash.New()
	for _, f := range s.plan.Fields() {
		fmt.Fprintf(h, "%s=%q\n", f[0], f[1])
	}
	return max(h.Sum64(), 1)
}

// state reads or writes a stream.
func (s *stream) state(c *coder, a *Auditor) {
	run, instance := uint64(s.id.run), uint64(s.id.instance)
	c.uint(&run)
	c.uint(&instance)
	c.check(run < 1<<60 && instance <= recordid.MaxInstance, "run")
	s.id = streamID{recordid.Run(run), uint16(instance)}
	s.planSum = s.terms()
	c.uint(&s.planSum)
	c.set(s.arrived)
	c.set(s.late.numbers)
	c.lags(s.late)
	c.bool(&s.any)
	c.uint(&s.max)
	c.int(&s.maxTime)
	list(c, &s.jumps, func(j *jump) {
		c.uint(&j.from)
		c.uint(&j.to)
		c.int(&j.since)
		c.int(&j.until)
	})
	c.check(!s.any && len(s.jumps) == 0 || s.max < endOfNumbers && c.ascending(s.jumps, s.max), "order")
	for _, n := range []*uint64{&s.duplicates, &s.undecided, &s.damaged, &s.enriched, &s.unchecked, &s.repeated} {
		c.uint(n)
	}
	for _, p := range []*period{&s.due, &s.refusedDue} {
		c.bool(&p.any)
		c.int(&p.first)
		c.int(&p.last)
		c.check(p.first <= p.last, "period")
	}
	c.bool(&s.given)
	c.uint(&s.top)
	c.check(s.top < endOfNumbers, "number")
	list(c, &s.refused, func(set **set) { c.optional(set, a.mem) })
	c.check(len(s.refused) <= len(a.refusals), "reason")
	c.changes(&s.changes, a.mem)
	own := s.stats != nil && s.stats != a.shared
	if c.bool(&own); own {
		c.stats(&s.stats)
	} else if c.reading {
		c.check(a.shared != nil, "statistics")
		s.stats = a.shared
	}
}

// ascending reports whether jumps are in their order, up to the highest number.
func (c *coder) ascending(jumps []jump, highest uint64) bool {
	next := uint64(0)
	for _, j := range jumps {
		if j.from < next || j.to < j.from || j.to >= highest {
			return false
		}
		next = j.to + 1
	}
	return len(jumps) <= maxJumps
}

func (c *coder) lags(l *late) {
	if !c.reading {
		l.normalize()
	}
	c.uint(&l.below)
	list(c, &l.lags, func(g *lag) {
		c.uint(&g.from)
		c.uint(&g.to)
		c.uint(&g.max)
		c.check(g.from <= g.to && g.to < g.max && g.max < endOfNumbers, "lag")
	})
	c.check(len(l.lags) <= 2*maxLags, "number of lags")
}

// optional reads or writes a set that may be nil.
func (c *coder) optional(s **set, m *memoryBudget) {
	there := *s != nil
	if c.bool(&there); there {
		if c.reading {
			*s = newSet(m)
		}
		c.set(*s)
	}
}

func (c *coder) changes(p **changes, m *memoryBudget) {
	there := *p != nil
	if c.bool(&there); !there {
		return
	}
	if c.reading {
		*p = newChanges(m)
	}
	c.set((*p).damaged)
	c.set((*p).unchecked)
	keys := slices.Sorted(maps.Keys((*p).again))
	list(c, &keys, func(k *uint64) {
		n := (*p).again[*k]
		c.uint(k)
		c.uint(&n)
		(*p).again[*k] = n
	})
}

// stats reads or writes latencies, which may be nil.
func (c *coder) stats(p **latencyStats) {
	there := *p != nil
	if c.bool(&there); !there {
		return
	}
	if c.reading {
		*p = new(latencyStats)
	}
	s := *p
	c.uint(&s.early)
	c.uint(&s.timed)
	c.uint(&s.taken)
	c.int(&s.max)
	if s.timed > 0 {
		c.histogram(s)
	}
	c.line(&s.line)
	c.check(s.max >= 0 && s.timed <= s.taken && s.early <= s.timed, "latency")
}

// histogram reads or writes the buckets of a histogram that are not empty.
func (c *coder) histogram(s *latencyStats) {
	var buckets []struct{ index, count uint64 }
	all := newHistogram()
	if !c.reading {
		all = s.latency
	}
	export := all.Export()
	for i, n := range export.Counts {
		if n > 0 {
			buckets = append(buckets, struct{ index, count uint64 }{uint64(i), uint64(n)})
		}
	}
	next, total := uint64(0), uint64(0)
	list(c, &buckets, func(b *struct{ index, count uint64 }) {
		sp := span{b.index, b.index}
		next = c.span(&sp, next)
		b.index = sp.from
		c.uint(&b.count)
		c.check(sp.from == sp.to && sp.to < uint64(len(export.Counts)) && b.count > 0 && b.count < 1<<60, "histogram")
		if c.reading && c.err == nil {
			export.Counts[b.index] = int64(b.count)
			total += b.count
		}
	})
	c.check(total == s.timed, "histogram")
	if c.reading {
		s.latency = hdrhistogram.Import(export)
	}
}

func (c *coder) line(l *timeline) {
	c.int(&l.first)
	c.int(&l.last)
	c.int(&l.start)
	c.int(&l.width)
	list(c, &l.points, func(p *Point) {
		c.uint(&p.Arrived)
		c.uint(&p.timed)
		c.int(&p.MaxLatency)
		c.uint(&p.sum[0])
		c.uint(&p.sum[1])
		c.check(p.timed <= p.Arrived && p.MaxLatency >= 0 && (p.timed == 0 && p.sum == [2]uint64{} || p.sum[0] < p.timed), "point")
	})
	c.check(l.valid(), "timeline")
}

// valid reports whether a timeline that was read can be merged.
func (l *timeline) valid() bool {
	n := int64(len(l.points))
	if n == 0 {
		return l.first == 0 && l.last == 0 && l.start == 0 && l.width == 0
	}
	second := int64(1e9)
	if n > maxPoints || l.first < 0 || l.last < l.first || l.last > farthest || l.width < second || l.width > 1<<61 {
		return false
	}
	steps := l.width / second
	return l.width%second == 0 && steps&(steps-1) == 0 && l.start == l.first-mod(l.first, l.width) && l.last-l.start < n*l.width && l.last-l.start >= (n-1)*l.width &&
		l.points[0].Arrived > 0 && l.points[n-1].Arrived > 0
}

// describeMissing returns the numbers of missing shards as ranges, such as 1-3, 7, or "".
func describeMissing(missing []uint64) string {
	var all []string
	for i := 0; i < len(missing); {
		j := i
		for j+1 < len(missing) && missing[j+1] == missing[j]+1 {
			j++
		}
		text := fmt.Sprint(missing[i])
		if j > i {
			text += fmt.Sprintf("-%d", missing[j])
		}
		all = append(all, text)
		i = j + 1
	}
	return strings.Join(all, ", ")
}
