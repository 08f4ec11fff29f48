// SPDX-License-Identifier: Apache-2.0

package template

import (
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// frame is an open container whose members are counted.
type frame struct {
	at    int // of its header
	mark  int // of its last member
	count int
}

// loop is a running range.
type loop struct {
	i, n  int
	isMap bool
	rest  string // remaining elements or members
	key   value.Value
	item  value.Value
	seed  uint64      // the record's key outside of the loop
	dot   value.Value // the dot outside of the loop
	ints  bool        // the range is over a number
}

// machine is the state of running code, besides the record.
type machine struct {
	frames []frame // starting at 1
	depth  int
	loops  []loop
	dots   []value.Value
	steps  int
	padAt  int
	padTo  int
}

// exec runs the code at pc to its end and appends its output.
func (p *Program) exec(dst []byte, pc int) []byte {
	r, m := &p.rec, &p.run
	code := p.steps
	first := len(dst)
	limit := first + MaxSize
	str := 0 // of the open string's header
	var opener *step
	for {
		in := &code[pc]
		pc++
		switch in.op {
		case opEnd:
			return dst
		case opLit, opText:
			dst = in.literal(dst)
		case opPack:
			dst = in.literal(dst)
			dst = in.put(dst, r)
		case opVal:
			dst = in.literal(dst)
			v := in.gen(r)
			if len(dst) > limit {
				v = value.Null
			}
			if v.K >= value.Raw {
				v = v.Within(in.a)
			}
			dst = v.Append(dst)
		case opStrVal, opStrCat:
			dst = in.appendString(dst, p.text(in.gen(r), len(dst) > limit))
		case opStrVar:
			v := &r.Vars[in.a]
			if v.K != value.String || len(dst) > limit {
				dst = in.appendString(dst, p.text(*v, len(dst) > limit))
			} else {
				dst = in.appendString(dst, *v)
			}
		case opStrPut:
			dst = in.openString(dst)
			at := len(dst) - in.before - int(in.head)
			if at < limit {
				dst = in.put(dst, r)
			}
			dst = value.AppendPiece(dst, in.after, in.around-in.before)
			dst = closeString(dst, at, in)
		case opMember:
			v := in.gen(r)
			if v.K != value.Omit {
				dst = v.Within(in.a).Append(dst)
				continue
			}
			f := &m.frames[m.depth]
			f.count--
			dst = dst[:f.mark]

		case opMark:
			m.mark(dst)
		case opOpen:
			dst = m.open(dst, in.a)
		case opClose:
			f := &m.frames[m.depth]
			m.depth--
			dst = closeContainer(dst, f.at, in.a, f.count, in.b == 1)

		case opStrOpen:
			dst = in.openString(dst)
			str = len(dst) - in.before - int(in.head)
			opener = in
		case opTextVal:
			dst = in.literal(dst)
			if len(dst) > limit {
				continue
			}
			if v := in.gen(r); v.K == value.String {
				dst = v.AppendS(dst)
			} else {
				dst = v.AppendText(dst)
			}
		case opTextVar:
			dst = in.literal(dst)
			if len(dst) > limit {
				continue
			}
			if v := &r.Vars[in.a]; v.K == value.String {
				dst = v.AppendS(dst)
			} else {
				dst = v.AppendText(dst)
			}
		case opTextPut:
			dst = in.literal(dst)
			if len(dst) < limit {
				dst = in.put(dst, r)
			}
		case opStrClose:
			dst = in.literal(dst)
			dst = closeString(dst, str, opener)

		case opSet:
			r.Vars[in.a] = in.gen(r)
		case opJump:
			pc = in.a
		case opUnless:
			if !in.gen(r).Truth() {
				pc = in.a
			}
		case opWith:
			if v := in.gen(r); v.Truth() {
				m.dots[in.b], r.Dot = r.Dot, v
			} else {
				pc = in.a
			}
		case opDot:
			v := in.gen(r)
			m.dots[in.b], r.Dot = r.Dot, v
		case opUndot:
			r.Dot = m.dots[in.b]

		case opRange:
			if !m.startLoop(r, in.b, in.gen(r)) {
				pc = in.a
			}
		case opNext:
			if !m.next(r, in.b, len(dst)-first) {
				pc = in.a
			}
		case opItem:
			r.Vars[in.a] = m.loops[in.b].item
		case opIndex:
			r.Vars[in.a] = m.loops[in.b].key
		case opBreak:
			r.Key, r.Dot = m.loops[in.b].seed, m.loops[in.b].dot
		case opPad:
			m.padAt, m.padTo = len(dst), in.a
		}
	}
}

// open opens a container and reserves room bytes for its header.
func (m *machine) open(dst []byte, room int) []byte {
	m.depth++
	if m.depth == len(m.frames) {
		m.frames = append(m.frames, frame{})
	}
	m.frames[m.depth] = frame{at: len(dst)}
	return append(dst, "\x00\x00\x00\x00\x00"[:room]...)
}

// mark starts and counts a member, which begins at the end of dst.
func (m *machine) mark(dst []byte) {
	f := &m.frames[m.depth]
	f.count++
	f.mark = len(dst)
}

// text returns the text of a value as a string. Unless the value is a string, the
// text is in the scratch space. If the record is too large already, it is empty.
func (p *Program) text(v value.Value, full bool) value.Value {
	if full {
		return value.OfString("")
	}
	if v.K == value.String {
		return v
	}
	r := &p.rec
	start := len(r.Scratch)
	r.Scratch = v.AppendText(r.Scratch)
	return value.OfBytes(r.Scratch[start:])
}

// startLoop starts a loop over v and reports whether it has any iterations.
func (m *machine) startLoop(r *fake.Record, b int, v value.Value) bool {
	l := &m.loops[b]
	*l = loop{seed: r.Key, dot: r.Dot, i: -1}
	switch v.K {
	case value.Int, value.Float:
		l.ints = true
		l.n = int(min(max(v.Int(), 0), MaxLoop))
	case value.Row:
		at := len(r.Scratch)
		r.Scratch = v.Append(r.Scratch)
		v = value.OfRaw(r.Scratch[at:])
		fallthrough
	default:
		l.n, l.isMap, l.rest = v.Items()
		l.n = min(l.n, MaxLoop)
	}
	return l.n > 0
}

// next starts the next iteration of a loop and returns true, or ends the loop and
// returns false. size is the size of the record so far.
func (m *machine) next(r *fake.Record, b, size int) bool {
	l := &m.loops[b]
	l.i++
	m.steps++
	if l.i >= l.n || m.steps > MaxSteps || size > MaxSize || len(r.Scratch) > MaxSize {
		r.Key, r.Dot = l.seed, l.dot
		return false
	}
	switch {
	case l.ints:
		l.key = value.OfInt(int64(l.i))
		l.item = l.key
	case l.isMap:
		l.key, l.rest = value.First(l.rest)
		l.item, l.rest = value.First(l.rest)
	default:
		l.key = value.OfInt(int64(l.i))
		l.item, l.rest = value.First(l.rest)
	}
	r.Dot = l.item
	r.Key = seed.Combine(l.seed, uint64(l.i)+1)
	return true
}
