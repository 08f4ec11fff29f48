package template

import (
	"encoding/binary"
	"math"

	"github.com/gdummy/gdummy/internal/fake"
	"github.com/gdummy/gdummy/internal/seed"
	"github.com/gdummy/gdummy/internal/value"
)

// op is what an instruction does.
type op uint8

const (
	opNop    op = iota
	opEnd       // of a shape
	opLit       // append lit
	opVal       // append lit and the value of gen, if it is nested at most a levels deep
	opPack      // append lit and what put appends: a value
	opMember    // append the value of gen as opVal does, but if it is omitted, it takes the member with it
	opStrVal    // append lit and the value of gen as a string
	opStrCat    // append lit, and a string of before, the text of gen, and after
	opStrVar    // append lit, and a string of before, the text of variable a, and after
	opStrPut    // append lit, which ends in the header of a string and its start; what put appends; after

	opMark  // a member of a counted container starts here: count it
	opOpen  // a container with a header of a bytes; b is 1 for an object
	opClose // write its header

	opStrOpen  // append lit, which ends in the header of a string and its start
	opText     // append lit to it
	opTextVal  // append lit and the text of gen to it
	opTextVar  // append lit and the text of variable a to it
	opTextPut  // append lit and what put appends to it
	opStrClose // append lit to it and write the header that the instruction at a left room for

	opSet    // variable a = gen
	opJump   // to a
	opUnless // jump to a unless gen is true
	opWith   // the same, and the dot is saved as b and becomes gen's value
	opDot    // the dot is saved as b and becomes gen's value
	opUndot  // the dot saved as b is back

	opRange // loop b starts over the value of gen; jump to a if it is empty
	opNext  // the next round of loop b; jump to a if there is none
	opItem  // variable a = the item of loop b
	opIndex // variable a = its index or key

	opBreak // loop b is over: what it has changed is back

	opPad // a string that makes the body a bytes long goes here
)

// jumps says whether a is an index of the code.
func (o op) jumps() bool {
	switch o {
	case opJump, opUnless, opWith, opRange, opNext:
		return true
	}
	return false
}

type instr struct {
	op   op
	a, b int
	lit  string
	gen  fake.Gen
	put  fake.Append

	before, after string

	// Of a string whose length is not known before it is written: lit is heads
	// for the size that its header had last time.
	head  uint8
	heads *heads
}

// heads are, for each size of a string's header, what stands before the string,
// the header, and the string's start. Some sizes do not exist.
type heads [6]string

// openString prepares an instruction that opens a string.
func (in *instr) openString() {
	in.heads = new(heads)
	for size, head := range map[int]string{1: "\xa0", 2: "\xd9\x00", 3: "\xda\x00\x00", 5: "\xdb\x00\x00\x00\x00"} {
		in.heads[size] = in.lit + head + in.before
	}
	in.head, in.lit = 1, in.heads[1]
}

// frame is a counted container that is open.
type frame struct {
	at    int // where its header stands
	mark  int // where its last member starts
	count int
}

// loop is a range that runs.
type loop struct {
	i, n  int
	isMap bool
	rest  string // what has not come yet, of an array or object
	key   value.Value
	item  value.Value
	seed  uint64      // the record's key outside of the loop
	dot   value.Value // the dot outside of the loop
	ints  bool
}

// machine is what running code needs besides the record.
type machine struct {
	frames []frame // from 1 on
	depth  int
	loops  []loop
	dots   []value.Value
	steps  int
	padAt  int
	padTo  int
}

// exec runs the code at pc up to its end and appends what it gives.
func (p *Program) exec(dst []byte, pc int) []byte {
	r, m := &p.rec, &p.run
	code := p.code
	first := len(dst)
	limit := first + MaxSize
	str := 0 // where the open string starts: its header
	var opener *instr
	for {
		in := &code[pc]
		pc++
		switch in.op {
		case opEnd:
			return dst
		case opLit, opText:
			dst = append(dst, in.lit...)
		case opPack:
			dst = append(dst, in.lit...)
			dst = in.put(dst, r)
		case opVal:
			dst = append(dst, in.lit...)
			v := in.gen(r)
			if len(dst) > limit {
				v = value.Null
			}
			if v.K >= value.Raw {
				v = v.Within(in.a)
			}
			dst = v.Append(dst)
		case opStrVal:
			dst = append(dst, in.lit...)
			dst = value.AppendString(dst, p.text(in.gen(r), len(dst) > limit))
		case opStrCat:
			dst = in.appendString(dst, p.text(in.gen(r), len(dst) > limit))
		case opStrVar:
			v := &r.Vars[in.a]
			s := v.S
			if v.K != value.String || len(dst) > limit {
				s = p.text(*v, len(dst) > limit)
			}
			dst = in.appendString(dst, s)
		case opStrPut:
			dst = append(dst, in.lit...)
			at := len(dst) - len(in.before) - int(in.head)
			if at < limit {
				dst = in.put(dst, r)
			}
			dst = append(dst, in.after...)
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
			f := &m.frames[m.depth]
			f.count++
			f.mark = len(dst)
		case opOpen:
			m.depth++
			if m.depth == len(m.frames) {
				m.frames = append(m.frames, frame{})
			}
			m.frames[m.depth] = frame{at: len(dst)}
			dst = append(dst, "\x00\x00\x00\x00\x00"[:in.a]...)
		case opClose:
			f := &m.frames[m.depth]
			m.depth--
			dst = closeContainer(dst, f.at, in.a, f.count, in.b == 1)

		case opStrOpen:
			dst = append(dst, in.lit...)
			str = len(dst) - len(in.before) - int(in.head)
			opener = in
		case opTextVal:
			dst = append(dst, in.lit...)
			if len(dst) > limit {
				continue
			}
			if v := in.gen(r); v.K == value.String {
				dst = append(dst, v.S...)
			} else {
				dst = v.AppendText(dst)
			}
		case opTextVar:
			dst = append(dst, in.lit...)
			if len(dst) > limit {
				continue
			}
			if v := &r.Vars[in.a]; v.K == value.String {
				dst = append(dst, v.S...)
			} else {
				dst = v.AppendText(dst)
			}
		case opTextPut:
			dst = append(dst, in.lit...)
			if len(dst) < limit {
				dst = in.put(dst, r)
			}
		case opStrClose:
			dst = append(dst, in.lit...)
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
			v := in.gen(r)
			m.dots[in.b] = r.Dot
			if r.Dot = v; !v.Truth() {
				r.Dot = m.dots[in.b]
				pc = in.a
			}
		case opDot:
			v := in.gen(r)
			m.dots[in.b] = r.Dot
			r.Dot = v
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

// text returns the text of a value, composed in the scratch space if it is none.
// It is empty if the record is too large already.
func (p *Program) text(v value.Value, full bool) string {
	if full {
		return ""
	}
	if v.K == value.String {
		return v.S
	}
	r := &p.rec
	start := len(r.Scratch)
	r.Scratch = v.AppendText(r.Scratch)
	return value.OfBytes(r.Scratch[start:]).S
}

// appendString appends lit and a string that has s between before and after.
func (in *instr) appendString(dst []byte, s string) []byte {
	dst = append(dst, in.lit...)
	dst = appendStringHeader(dst, len(in.before)+len(s)+len(in.after))
	dst = append(dst, in.before...)
	dst = append(dst, s...)
	return append(dst, in.after...)
}

// startLoop sets a loop up over v and says whether there is anything in it.
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

// next goes on to the next round of a loop, or ends it. size is that of the
// record so far.
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

// closeContainer writes the header of a container that has n members, in the
// shortest form; room bytes were left for it at at.
func closeContainer(dst []byte, at, room, n int, isMap bool) []byte {
	var h [5]byte
	size := 1
	fix, tag16 := byte(0x90), byte(0xdc)
	if isMap {
		fix, tag16 = 0x80, 0xde
	}
	switch {
	case n < 16:
		h[0] = fix | byte(n)
	case n <= math.MaxUint16:
		size, h[0] = 3, tag16
		binary.BigEndian.PutUint16(h[1:], uint16(n))
	default:
		size, h[0] = 5, tag16+1
		binary.BigEndian.PutUint32(h[1:], uint32(n))
	}
	dst = resize(dst, at, room, size)
	copy(dst[at:], h[:size])
	return dst
}

// appendStringHeader appends the header of a string of n bytes, in the shortest
// form.
func appendStringHeader(dst []byte, n int) []byte {
	switch {
	case n < 32:
		return append(dst, 0xa0|byte(n))
	case n <= math.MaxUint8:
		return append(dst, 0xd9, byte(n))
	case n <= math.MaxUint16:
		return append(dst, 0xda, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xdb), uint32(n))
}

// closeString writes the header of a string that in has opened at at and that
// goes up to the end of dst, in the shortest form.
func closeString(dst []byte, at int, in *instr) []byte {
	switch n := len(dst) - at - int(in.head); {
	case in.head == 1 && n < 32:
		dst[at] = 0xa0 | byte(n)
	case in.head == 2 && n >= 32 && n <= math.MaxUint8:
		dst[at+1] = byte(n)
	default:
		dst = in.fit(dst, at, n)
	}
	return dst
}

// fit makes the header of a string of n bytes fit, now and the next time.
func (in *instr) fit(dst []byte, at, n int) []byte {
	var h [5]byte
	head := len(appendStringHeader(h[:0], n))
	dst = resize(dst, at, int(in.head), head)
	copy(dst[at:], h[:head])
	in.head, in.lit = uint8(head), in.heads[head]
	return dst
}

// resize makes the gap of old bytes at at one of size bytes.
func resize(dst []byte, at, old, size int) []byte {
	switch {
	case size < old:
		n := copy(dst[at+size:], dst[at+old:])
		return dst[:at+size+n]
	case size > old:
		end := len(dst)
		dst = append(dst, "\x00\x00\x00\x00\x00"[:size-old]...)
		copy(dst[at+size:], dst[at+old:end])
	}
	return dst
}

// pad puts a string at the place of pad so that the body, which starts at start,
// has the size that was asked for. A body that is already too long gets an empty
// string.
func (p *Program) pad(dst []byte, start int) []byte {
	at := p.run.padAt
	gap := max(p.run.padTo-(len(dst)-start), 1)
	// The header may be longer than it has to be: a size of 34 can't be had
	// with a fixstr (up to 32) but with a str8 of 32.
	var h [5]byte
	head := 1
	switch {
	case gap <= 32:
		h[0] = 0xa0 | byte(gap-1)
	case gap <= math.MaxUint8+2:
		head, h[0], h[1] = 2, 0xd9, byte(gap-2)
	case gap <= math.MaxUint16+3:
		head, h[0] = 3, 0xda
		binary.BigEndian.PutUint16(h[1:], uint16(gap-3))
	default:
		head, h[0] = 5, 0xdb
		binary.BigEndian.PutUint32(h[1:], uint32(gap-5))
	}
	end := len(dst)
	for len(dst) < end+gap {
		dst = append(dst, padding[:min(len(padding), end+gap-len(dst))]...)
	}
	copy(dst[at+gap:], dst[at:end])
	copy(dst[at:], h[:head])
	// Letters of the record's own, so that records do not compress better for
	// being padded.
	rnd := seed.At(p.rec.Key, math.MaxUint64)
	fill := dst[at+head : at+gap]
	for len(fill) > 0 {
		v := rnd.Uint64()
		for i := 0; i < 8 && i < len(fill); i++ {
			fill[i] = padding[v&63]
			v >>= 8
		}
		fill = fill[min(8, len(fill)):]
	}
	return dst
}

// padding is the alphabet of pad: 64 characters.
const padding = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
