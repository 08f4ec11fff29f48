// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/template"
)

// tagged is a Source whose records have tags of their own.
type tagged interface {
	// Split calls emit once for each tag with the records appended since the last
	// Split. Their order within a tag is kept.
	Split(events []byte, emit func(tag string, records int, events []byte))
}

// numbering maps the records of an engine to those of their stream.
type numbering struct {
	first uint64 // number of the first record in the stream
	step  uint64 // distance of two consecutive records in the stream
}

// newNumbering returns the numbering that a configuration asks for.
func newNumbering(c *Config) numbering {
	t := &c.Template
	return numbering{first: uint64(t.First) + t.Shard, step: max(t.Shards, 1)}
}

// number returns the number of record k in its stream.
func (n numbering) number(k uint64) uint64 { return n.first + k*n.step }

// templated is the source of records from a template.
type templated struct {
	*timer
	p *template.Program

	k       uint64 // the record whose time on the clock of its host is local
	at      int64  // its time on a clock that is right
	local   int64
	known   bool
	scratch []byte
}

// RecordsPerTick implements Source: a tick of dummy has all its objects.
func (s *templated) RecordsPerTick() uint64 { return s.p.RecordsPerTick() }

func (s *templated) Append(dst []byte, form event.Form, due int64, k uint64) []byte {
	return s.p.Append(dst, form, s.time(due, k), s.number(k))
}

// AppendMany implements bulkSource.
func (s *templated) AppendMany(dst []byte, form event.Form, due *moments, k, n uint64, limit int) ([]byte, uint64) {
	done := uint64(0)
	for ; done < n && len(dst) < limit; done++ {
		dst = s.Append(dst, form, due.at(done), k+done)
	}
	return dst, done
}

func (s *templated) Refresh(uint64) {}

// appendTag implements tagger.
func (s *templated) appendTag(dst []byte, due int64, k uint64) []byte {
	return s.p.AppendTag(dst, s.time(due, k), s.number(k))
}

// tagging is a source whose records have tags. It appends records one at a time,
// because each needs its tag.
type tagging struct {
	Source
	tagger  tagger
	tag     []byte
	index   map[string]int // of a tag in tags
	tags    []string
	records []tagRecord
	out     []byte
}

// tagger appends the tag of a record, right after the record itself was appended.
type tagger interface {
	appendTag(dst []byte, due int64, k uint64) []byte
}

// tagRecord is a record that waits for Split.
type tagRecord struct{ tag, end int }

func (s *tagging) Append(dst []byte, form event.Form, due int64, k uint64) []byte {
	dst = s.Source.Append(dst, form, due, k)
	s.tag = s.tagger.appendTag(s.tag[:0], due, k)
	i, ok := s.index[string(s.tag)]
	if !ok {
		i = len(s.tags)
		s.tags = append(s.tags, string(s.tag))
		s.index[s.tags[i]] = i
	}
	s.records = append(s.records, tagRecord{i, len(dst)})
	return dst
}

// Split implements tagged. A slice has few tags or few records, so the nested loop
// is cheap.
func (s *tagging) Split(events []byte, emit func(tag string, records int, events []byte)) {
	for i, tag := range s.tags {
		s.out = s.out[:0]
		n, start := 0, 0
		for _, r := range s.records {
			if r.end > len(events) {
				break // the next one has panicked: these are made again
			}
			if r.tag == i {
				s.out = append(s.out, events[start:r.end]...)
				n++
			}
			start = r.end
		}
		if n > 0 {
			emit(tag, n, s.out)
		}
	}
	s.records = s.records[:0]
	s.tags = s.tags[:0]
	clear(s.index)
}
