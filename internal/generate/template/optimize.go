// SPDX-License-Identifier: Apache-2.0

package template

// optimize removes instructions without effect and joins others: literals with each
// other and with the next instruction, and strings that contain one value.
func (p *Program) optimize() {
	target := make([]bool, len(p.code)+1)
	entries := []*int{&p.metadata, &p.tag}
	for i := range p.shapes {
		entries = append(entries, &p.shapes[i].start, &p.shapes[i].prologue)
	}
	for i := range p.subprograms {
		entries = append(entries, &p.subprograms[i])
	}
	for _, e := range entries {
		if *e >= 0 {
			target[*e] = true
		}
	}
	for _, in := range p.code {
		if jumps.has(in.op) {
			target[in.a] = true
		}
	}
	p.fuse(target)
	moved := make([]int, len(p.code)+1)
	var code []instr
	barrier := true
	for i, in := range p.code {
		barrier = barrier || target[i]
		if in.op == opNop {
			moved[i] = len(code)
			continue
		}
		if !barrier && join(&code, in) {
			moved[i] = len(code) - 1
			continue
		}
		moved[i] = len(code)
		code = append(code, in)
		barrier = false
	}
	moved[len(p.code)] = len(code)
	for i := range code {
		if jumps.has(code[i].op) {
			code[i].a = moved[code[i].a]
		}
	}
	for _, e := range entries {
		if *e >= 0 {
			*e = moved[*e]
		}
	}
	for i := range p.shapes {
		if s := &p.shapes[i]; s.prologue >= 0 && code[s.prologue].op == opEnd {
			s.prologue = -1
		}
	}
	p.code = code
	p.seal()
}

// join merges in into the last instruction of code, or inserts it before that
// instruction. It reports whether this was possible.
func join(code *[]instr, in instr) bool {
	last := &(*code)[len(*code)-1]
	switch {
	case last.op == opLit && in.op == opLit, last.op == opText && in.op == opText:
		last.lit += in.lit
	case last.op == opStrOpen && in.op == opText:
		last.before += in.lit
	case last.op == opLit && leads.has(in.op), last.op == opText && continues.has(in.op):
		in.lit = last.lit
		*last = in
	case last.op == opLit && in.op == opSet:
		lit := *last
		*last = in
		*code = append(*code, lit)
	default:
		return false
	}
	return true
}

// fuse replaces a string that contains one value by a single instruction. Variables
// that are set before that value are set before the string.
func (p *Program) fuse(target []bool) {
	code := p.code
	for i := range code {
		if code[i].op != opStrOpen {
			continue
		}
		var whole instr
		var sets []instr
		j := i + 1
	scan:
		for ; j < len(code) && !target[j]; j++ {
			in := code[j]
			switch {
			case in.op == opNop:
			case in.op == opText && whole.op == opNop:
				whole.before += in.lit
			case in.op == opText:
				whole.after += in.lit
			case in.op == opSet && whole.op == opNop:
				sets = append(sets, in)
			case in.op == opTextPut && whole.op == opNop:
				whole.op, whole.put = opStrPut, in.put
			case in.op == opTextVal && whole.op == opNop:
				whole.op, whole.gen = opStrCat, in.gen
			case in.op == opTextVar && whole.op == opNop:
				whole.op, whole.a = opStrVar, in.a
			default:
				break scan
			}
		}
		if whole.op == opNop || j == len(code) || target[j] || code[j].op != opStrClose {
			continue
		}
		if whole.op == opStrCat && whole.before == "" && whole.after == "" {
			whole.op = opStrVal
		}
		for k := i; k <= j; k++ {
			code[k] = instr{}
		}
		copy(code[i:], sets)
		code[i+len(sets)] = whole
	}
}
