// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// pool is a list of texts, encoded once in one piece of memory. Draws are fast: texts
// are compact in the processor's cache, and a short text is copied by one move of
// constant size.
type pool struct {
	all  []byte // the texts, each with its MessagePack header
	span []extent
}

// extent is the position of a text in a pool.
type extent struct {
	head uint32 // start of the header
	text uint32 // start of the text
	end  uint32
}

// newPool returns a pool of the texts.
func newPool(texts []string) *pool {
	p := &pool{span: make([]extent, 0, len(texts))}
	for _, s := range texts {
		p.add(value.OfString(s))
	}
	return p.end()
}

// add adds a text, or another value, which has no text.
func (p *pool) add(v value.Value) {
	head := len(p.all)
	p.all = v.Append(p.all)
	p.span = append(p.span, extent{uint32(head), uint32(len(p.all) - len(v.S())), uint32(len(p.all))})
}

// end ends a pool after the last text.
func (p *pool) end() *pool {
	p.all = append(p.all, make([]byte, value.Reach)...)
	return p
}

// draw returns the index of a random text, all equally likely.
func (p *pool) draw(rnd *seed.Rand) int { return int(rnd.Below(uint64(len(p.span)))) }

// value returns text i.
func (p *pool) value(i int) value.Value {
	e := p.span[i]
	return value.OfBytes(p.all[e.text:e.end])
}

// append appends text i.
func (p *pool) append(dst []byte, i int) []byte {
	e := p.span[i]
	return p.copy(dst, e.text, e.end)
}

// pack appends text i as MessagePack.
func (p *pool) pack(dst []byte, i int) []byte {
	e := p.span[i]
	return p.copy(dst, e.head, e.end)
}

func (p *pool) copy(dst []byte, from, to uint32) []byte {
	return value.AppendPiece(dst, p.all[from:], int(to-from))
}

// listed returns the row of a function that draws from a list.
func listed(name, section, doc string, texts []string) Func {
	return ofPool(name, section, doc, func(*Call) *pool { return newPool(texts) })
}

// ofPool returns the row of a function without arguments that draws from a pool.
func ofPool(name, section, doc string, p func(c *Call) *pool) Func {
	return Func{
		Name: name, Section: section, Result: "string", Example: name, Doc: doc,
		build: func(c *Call) (Gen, error) { return c.from(p(c)), nil },
	}
}

// from builds a function that draws from a pool. It is fromPool with anyOf, but faster:
// these functions are frequent.
func (c *Call) from(p *pool) Gen {
	place := c.Place
	c.Text = func(dst []byte, r *Record) []byte {
		rnd := r.rand(place)
		return p.append(dst, p.draw(&rnd))
	}
	c.Pack = func(dst []byte, r *Record) []byte {
		rnd := r.rand(place)
		return p.pack(dst, p.draw(&rnd))
	}
	return func(r *Record) value.Value {
		rnd := r.rand(place)
		return p.value(p.draw(&rnd))
	}
}

// fromPool builds a function whose value is the text of a pool that pick chooses.
func (c *Call) fromPool(p *pool, pick picker) Gen {
	c.Text = func(dst []byte, r *Record) []byte { return p.append(dst, int(pick(r))) }
	c.Pack = func(dst []byte, r *Record) []byte { return p.pack(dst, int(pick(r))) }
	return func(r *Record) value.Value { return p.value(int(pick(r))) }
}

// among builds a function whose value is that of one of the arguments, which pick chooses.
func (c *Call) among(args []Operand, pick picker) Gen {
	p := new(pool)
	var gens []Gen
	var values []value.Value
	constant, texts, plain := true, true, true
	for _, a := range args {
		gens, values = append(gens, a.Gen), append(values, a.Value)
		constant = constant && a.Const
		texts = texts && a.Value.K == value.String
		plain = plain && a.Value.K < value.Raw // not nested, so never too deep
		p.add(a.Value)
	}
	if !constant {
		return func(r *Record) value.Value { return gens[pick(r)](r) }
	}
	if plain {
		c.fromPool(p.end(), pick)
	}
	if !texts {
		c.Text = nil
	}
	return func(r *Record) value.Value { return values[pick(r)] }
}

// picker returns a number for a record, the index of what is picked for it.
type picker func(r *Record) uint64

// anyOf picks one of n at random.
func anyOf(c *Call, n uint64) picker {
	place := c.Place
	return func(r *Record) uint64 {
		rnd := r.rand(place)
		return rnd.Below(n)
	}
}

// inTurn picks each of n in turn.
func inTurn(_ *Call, n uint64) picker { return func(r *Record) uint64 { return r.K % n } }
