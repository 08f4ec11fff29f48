// SPDX-License-Identifier: Apache-2.0

package template

import (
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
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

// jumps reports whether a is an index of the code.
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
}

// step is an instruction ready to run: its texts are pieces, which are copied
// fast.
type step struct {
	op   op
	head uint8 // of a string that opens here: the size of its header last time, which is the best guess
	a, b int
	gen  fake.Gen
	put  fake.Append

	// What is appended first: lit; where a string begins also its header, of one
	// byte, and before. long is the same with a header of two bytes.
	lit, long []byte

	// Of a string.
	after          []byte
	before, around int // lengths, in bytes: of before; of before and after
}

// seal makes the instructions ready to run.
func (p *Program) seal() {
	p.steps = make([]step, len(p.code))
	for i, in := range p.code {
		s := &p.steps[i]
		*s = step{op: in.op, head: 1, a: in.a, b: in.b, gen: in.gen, put: in.put}
		switch in.op {
		case opStrOpen, opStrPut, opStrVal, opStrCat, opStrVar:
			s.lit, s.long = value.Piece(in.lit+"\xa0"+in.before), value.Piece(in.lit+"\xd9\x00"+in.before)
			s.before, s.around = len(in.before), len(in.before)+len(in.after)
			s.after = value.Piece(in.after)
		default:
			s.lit = value.Piece(in.lit)
		}
	}
	p.code = nil
}
