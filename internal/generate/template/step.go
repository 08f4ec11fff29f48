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
	opMember    // like opVal, but an omitted value also removes the member
	opStrVal    // append lit and the value of gen as a string
	opStrCat    // append lit, and a string of before, the text of gen, and after
	opStrVar    // append lit, and a string of before, the text of variable a, and after
	opStrPut    // append lit, which ends in the header of a string and its start; what put appends; after

	opMark  // start and count a member of a counted container
	opOpen  // open a counted container and reserve a bytes for its header; b is 1 for an object
	opClose // close it and write its header

	opStrOpen  // append lit, which ends in the header of a string and its start
	opText     // append lit to it
	opTextVal  // append lit and the text of gen to it
	opTextVar  // append lit and the text of variable a to it
	opTextPut  // append lit and what put appends to it
	opStrClose // append lit to it and write its header

	opSet    // variable a = gen
	opJump   // to a
	opUnless // jump to a unless gen is true
	opWith   // opUnless and opDot
	opDot    // save the dot as b, and set it to the value of gen
	opUndot  // restore the dot saved as b

	opRange // start loop b over the value of gen; jump to a if it is empty
	opNext  // start the next iteration of loop b; jump to a if there is none
	opItem  // variable a = the item of loop b
	opIndex // variable a = the index or key of loop b

	opBreak // end loop b and restore the state before it

	opPad // the place of a string that makes the body a bytes long
)

// ops is a set of kinds of instructions.
type ops uint64

const (
	// jumps are those of which a is the index of an instruction.
	jumps ops = 1<<opJump | 1<<opUnless | 1<<opWith | 1<<opRange | 1<<opNext

	// leads are those that can append a literal before they append a value.
	leads ops = 1<<opVal | 1<<opPack | 1<<opStrVal | 1<<opStrCat | 1<<opStrVar | 1<<opStrPut | 1<<opStrOpen

	// continues are those that can append a text to the open string before their own
	// output.
	continues ops = 1<<opTextVal | 1<<opTextVar | 1<<opTextPut | 1<<opStrClose
)

func (s ops) has(o op) bool { return s>>o&1 != 0 }

type instr struct {
	op   op
	a, b int
	lit  string
	gen  fake.Gen
	put  fake.Append

	before, after string
}

// step is an instruction in its final form. Its texts are pieces, see [value.Piece].
type step struct {
	op   op
	head uint8 // size of the header of the previous string that was opened here, the best guess for the next
	a, b int
	gen  fake.Gen
	put  fake.Append

	// lit is appended first. If a string begins here, it includes a header of one
	// byte and before. long is the same with a header of two bytes.
	lit, long []byte

	// For strings.
	after          []byte
	before, around int // lengths of before, and of before and after, in bytes
}

// seal converts the instructions to steps.
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
