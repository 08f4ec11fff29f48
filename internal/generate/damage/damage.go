// SPDX-License-Identifier: Apache-2.0

// Package damage breaks records on purpose, as sources and pipelines break them by
// accident.
//
// The normal path is [Parse] for the text of the option, [Plan.For] for one stream,
// [Draw.Of] for the number of a record, and [Breaker.Break] if that returns a kind.
// Which records are broken, and how, depends on the stream and the record's number
// only, so that an audit can find them with the plan.
package damage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
)

// Kind is a kind of damage. Zero is none.
type Kind uint8

// info describes a kind.
type info struct {
	Name   string
	Doc    string
	Weight float64 // in a plan that names no kinds
}

// The kinds of damage, in the order of the documentation.
const (
	utf8Start Kind = iota + 1
	utf8Inside
	utf8Cut
	nul
	control
	crlf
	cr
	cutJSON
	otherType
	bigNumber
	duplicate
	noName
	empty
	long
	deep
	wide

	kinds = int(wide)
)

// Sizes of the kinds that are large.
const (
	LongSize = 8 << 20 // bytes
	Levels   = 200
	Members  = 10_000
)

// infos are the kinds. The large ones are rare unless they are named: a string of 8 MB
// in each hundredth record is a load of its own.
var infos = [kinds + 1]info{
	utf8Start:  {"utf8_start", "A string begins with a byte that is not UTF-8.", 1},
	utf8Inside: {"utf8_inside", "A character within a string lacks its last byte.", 1},
	utf8Cut:    {"utf8_cut", "A string ends within a character, as if cut after a number of bytes.", 1},
	nul:        {"nul", "A string contains a NUL byte.", 1},
	control:    {"control", "A string contains control characters: a bell, backspaces, an escape sequence.", 1},
	crlf:       {"crlf", "The lines of a string end with CR and LF, including the last one.", 1},
	cr:         {"cr", "A string contains a CR without LF.", 1},
	cutJSON:    {"cut_json", "A string is the record as JSON, cut off.", 1},
	otherType:  {"type", "A field has a different type: a number becomes a string, a string becomes an object.", 1},
	bigNumber:  {"big_number", "A number is beyond 2^53, where JavaScript and Lua lose digits.", 1},
	duplicate:  {"duplicate", "Two fields have the same name.", 1},
	noName:     {"no_name", "A field has an empty name.", 1},
	empty:      {"empty", "The record has no fields.", 1},
	long:       {"long", "A string is 8 MB long.", 0.001},
	deep:       {"deep", "Objects are nested 200 levels deep: more than any Fluent Bit reads.", 0.01},
	wide:       {"wide", "The record has 10,000 more fields.", 0.01},
}

// All returns the kinds, in the order of the documentation.
func All() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i + 1)
	}
	return all
}

// String returns the kind's name.
func (k Kind) String() string { return infos[k].Name }

// find returns the kind of a name.
func find(name string) (Kind, bool) {
	i := slices.IndexFunc(infos[1:], func(i info) bool { return i.Name == name })
	return Kind(i + 1), i >= 0
}

// names are those of the kinds.
func names() []string {
	var all []string
	for _, i := range infos[1:] {
		all = append(all, i.Name)
	}
	return all
}

// Plan is how many records are broken, and how.
type Plan struct {
	Share   float64 // of all records
	Weights [kinds + 1]float64
}

// Parse parses a plan: a share, from 0 to 1 or in percent, and kinds with their
// weights, such as
//
//	1%
//	0.01: nul 3, utf8_cut
//
// Without kinds, all occur. The default weight of a kind that is named is 1.
func Parse(text string) (*Plan, error) {
	head, list, named := strings.Cut(text, ":")
	p := new(Plan)
	var err error
	if p.Share, err = units.ParseFraction(strings.TrimSpace(head)); err != nil {
		return nil, err
	}
	if !named {
		for i, info := range infos {
			p.Weights[i] = info.Weight
		}
		return p, nil
	}
	sum := 0.0
	for part := range strings.SplitSeq(list, ",") {
		k, weight, err := parseKind(part)
		if err != nil {
			return nil, err
		}
		if p.Weights[k] > 0 {
			return nil, fmt.Errorf("kind %s is listed twice", k)
		}
		p.Weights[k] = weight
		sum += weight
	}
	if sum <= 0 {
		return nil, fmt.Errorf("the weights of all kinds are 0, expected one above 0")
	}
	return p, nil
}

// parseKind parses a kind with or without its weight.
func parseKind(text string) (Kind, float64, error) {
	f := strings.Fields(text)
	if len(f) == 0 || len(f) > 2 {
		return 0, 0, fmt.Errorf("expected a kind and its weight, such as nul 3, found %q", strings.TrimSpace(text))
	}
	k, ok := find(f[0])
	if !ok {
		return 0, 0, fmt.Errorf("unknown kind %q%s", f[0], units.Hint(f[0], names(), strings.Join(names(), ", ")))
	}
	if len(f) == 1 {
		return k, 1, nil
	}
	weight, err := strconv.ParseFloat(f[1], 64)
	if err != nil || !(weight >= 0 && weight <= 1e9) {
		return 0, 0, fmt.Errorf("invalid weight %q of kind %s: expected a number from 0 to 1e9", f[1], k)
	}
	return k, weight, nil
}

// String returns the plan as Parse reads it, with all kinds that occur.
func (p *Plan) String() string {
	b := strconv.AppendFloat(nil, p.Share, 'g', -1, 64)
	for i, sep := 1, ": "; i <= kinds; i++ {
		if p.Weights[i] > 0 {
			b = append(append(b, sep...), infos[i].Name...)
			b = strconv.AppendFloat(append(b, ' '), p.Weights[i], 'g', -1, 64)
			sep = ", "
		}
	}
	return string(b)
}

// Draw decides which records of a stream are broken.
type Draw struct {
	stream uint64
	chance uint64
	alias  seed.Alias
}

// place is the position of these random numbers under the key of a record. Those of
// templates count up from 0, or have the highest bit.
const place = 1 << 62

// For returns the Draw of a stream, by its key.
func (p *Plan) For(stream uint64) *Draw {
	return &Draw{stream: stream, chance: seed.Chance(p.Share), alias: seed.NewAlias(p.Weights[:])}
}

// Of returns the kind of damage of record number n of the stream, or 0.
func (d *Draw) Of(n uint64) Kind {
	rnd := d.rand(n)
	if !rnd.Hit(d.chance) {
		return 0
	}
	return Kind(d.alias.Draw(&rnd))
}

// rand returns the random numbers of a record.
func (d *Draw) rand(n uint64) seed.Rand { return seed.At(seed.Record(d.stream, n), place) }
