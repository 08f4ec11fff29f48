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
		p.add(s)
	}
	p.all = append(p.all, make([]byte, value.Reach)...)
	return p
}

// add adds a text. After the last of them, value.Reach bytes must follow.
func (p *pool) add(s string) {
	head := len(p.all)
	p.all = value.AppendString(p.all, s)
	p.span = append(p.span, extent{uint32(head), uint32(len(p.all) - len(s)), uint32(len(p.all))})
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

// from builds a function that draws from a pool.
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

// listed returns the row of a function that draws from a list.
func listed(name, section, doc string, texts []string) Func {
	return Func{
		Name: name, Section: section, Result: "string", Example: name, Doc: doc,
		build: func(c *Call) (Gen, error) { return c.from(newPool(texts)), nil },
	}
}

// among builds a function whose value is one of the values, whose index pick returns.
func (c *Call) among(values []value.Value, pick func(r *Record) int) Gen {
	p := new(pool)
	texts, plain := true, true
	for _, v := range values {
		plain = plain && v.K < value.Raw // not nested, so never too deep
		head := len(p.all)
		p.all = v.Append(p.all)
		p.span = append(p.span, extent{uint32(head), uint32(len(p.all) - len(v.S())), uint32(len(p.all))})
		texts = texts && v.K == value.String
	}
	p.all = append(p.all, make([]byte, value.Reach)...)
	if plain {
		c.Pack = func(dst []byte, r *Record) []byte { return p.pack(dst, pick(r)) }
	}
	if texts {
		c.Text = func(dst []byte, r *Record) []byte { return p.append(dst, pick(r)) }
	}
	return func(r *Record) value.Value { return values[pick(r)] }
}

// fromPool builds a function whose value is the text of a pool that pick chooses.
func (c *Call) fromPool(p *pool, pick func(r *Record) int) Gen {
	c.Text = func(dst []byte, r *Record) []byte { return p.append(dst, pick(r)) }
	c.Pack = func(dst []byte, r *Record) []byte { return p.pack(dst, pick(r)) }
	return func(r *Record) value.Value { return p.value(pick(r)) }
}
