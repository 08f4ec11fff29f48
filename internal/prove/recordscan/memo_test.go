// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// readings are ways to parse a record, the first of which is the usual one.
var readings = []reading{0, 0, 0, coarse, pairs, probe, unfolded | probe, coarse | rewritten | unfolded, unescaped, html}

// parsed parses one value and describes all that was found.
func (s *Scanner) parsed(text []byte, how reading) string {
	d := &s.doc
	d.pick = 1
	at, ok := 0, false
	var err error
	if len(text) > 0 && text[0] >= 0x80 {
		at, err = s.packed(d, text, how)
	} else {
		j := jsonReader{doc: d, b: text}
		ok = s.read(&j, how)
		at = j.pos
		err = fmt.Errorf("%v %v", ok, j.cut)
	}
	return fmt.Sprintf("%d %v\n%+v\n%+v\n%+v\n%+v %+v %+v\n%v %d %d %v %d %d %v %v %v", at, err, d.nodes, d.members, d.found, d.groups, d.parts, d.tuples,
		d.event, d.body, d.foreign, d.lists, d.hints, d.choices, d.ambiguous, d.valued, d.arrival)
}

// checkKnown compares what a scanner that has read other records finds with what a new one
// does.
func checkKnown(t *testing.T, s *Scanner, text []byte, how reading) {
	t.Helper()
	fresh := New(Options{Path: s.doc.place, Arrival: s.doc.stamp})
	if want, got := fresh.parsed(text, how), s.parsed(text, how); got != want {
		t.Fatalf("%q, reading %#x:\n%s\nwant\n%s", text, how, got, want)
	}
}

// anyJSON appends an object whose names and values often occur at the same place in others.
func anyJSON(r *rand.Rand, dst []byte, identity string, depth int) []byte {
	space := func() {
		if r.IntN(20) == 0 {
			dst = append(dst, " \t\n"[r.IntN(3)])
		}
	}
	dst = append(dst, '{')
	for i := range r.IntN(6) {
		if i > 0 {
			dst = append(dst, ',')
		}
		space()
		name := []string{"a", "ab", "key", "value", "date", "log", `a\n`, `\u0061`, "stringValue", strings.Repeat("long", 20)}[min(i+r.IntN(10)/7*r.IntN(10), 9)]
		dst = append(append(append(dst, '"'), name...), '"')
		space()
		dst = append(dst, ':')
		space()
		if r.IntN(12) == 0 && depth < 3 {
			dst = anyJSON(r, dst, identity, depth+1)
		} else {
			dst = append(dst, []string{
				`"x"`, `"xy"`, `"x\"y"`, `""`, `"` + identity + `"`, `"in ` + identity + ` text"`, `"{\"a\":\"` + identity + `\"}"`, `"{\"a\":1}"`,
				`"<a>&"`, `"` + strings.Repeat("v", 55) + `"`, `"` + strings.Repeat("w", 300) + `"`,
				"1", "12", "-1", "5", "1.5", "1.55", "1e5", "1234567890123456", "12345678901234567", "1.234567890123456e15", "1795969152.693975", "00", "12345678901234567890",
				"true", "null", "[1,2]", `{"z":1}`, `["x","` + identity + `"]`, "x", `"`, "1.",
			}[r.IntN(32)]...)
		}
		space()
	}
	return append(dst, '}')
}

// anyPacked is anyJSON for MessagePack.
func anyPacked(r *rand.Rand, dst []byte, identity string, depth int) []byte {
	n := r.IntN(6)
	dst = msgp.AppendMapHeader(dst, uint32(n))
	for i := range n {
		name := []string{"a", "ab", "key", "value", "date", "log", "b", "c", "stringValue", strings.Repeat("long", 20)}[min(i+r.IntN(10)/7*r.IntN(10), 9)]
		switch r.IntN(20) {
		case 0:
			dst = append(dst, "\x07\""[r.IntN(2)]) // a name that is a number
		case 1:
			dst = msgp.AppendBytes(dst, []byte(name))
		default:
			dst = msgp.AppendString(dst, name)
		}
		switch r.IntN(14) {
		case 12:
			dst = append(dst, 0x81, 0xa1, 'z', 1)
		case 13:
			dst = append(dst, 0x91, 0x81, 0xa1, 'z', 1)
		case 0:
			if depth < 3 {
				dst = anyPacked(r, dst, identity, depth+1)
				continue
			}
			fallthrough
		case 1:
			dst = msgp.AppendString(dst, identity)
		case 2:
			dst = msgp.AppendString(dst, "in "+identity)
		case 3:
			dst = append(dst, 0xd7, 0, 1, 2, 3, 4, 5, 6, 7, byte(r.IntN(2)))
		case 4:
			dst = msgp.AppendBytes(dst, []byte(identity))
		case 5:
			dst = msgp.AppendInt64(dst, []int64{1, -1, '5', 300, 1234567890123456, 12345678901234567}[r.IntN(6)])
		case 6:
			dst = msgp.AppendFloat64(dst, []float64{1.5, 1.234567890123456e15, 1e17}[r.IntN(3)])
		case 7:
			dst = append(dst, []byte{0xc0, 0xc1, 0xc2, 0xc3}[r.IntN(4)])
		case 8:
			dst = msgp.AppendString(append(dst, 0x92, 1), identity)
		default:
			dst = msgp.AppendString(dst, []string{"x", "xy", "", strings.Repeat("v", 55), strings.Repeat("w", 300)}[r.IntN(5)])
		}
	}
	return dst
}

// Whatever records precede one, and in whatever form, it is parsed as if it were the first.
func TestKnownMembers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	identities := []string{id(t, 1, `{"a":"x"}`), id(t, 2, `{"date":1.5}`), recordid.Prefix + strings.Repeat("0", recordid.Size-4)}
	hits := 0
	for round := range testenv.Rounds(400) {
		s := New(Options{Path: []string{"", "", "a", "log.key"}[r.IntN(4)], Arrival: []string{"", "date", "log.a"}[r.IntN(3)]})
		for range 60 {
			any := anyJSON
			if r.IntN(2) == 0 && round%2 == 0 {
				any = anyPacked
			}
			identity := identities[r.IntN(len(identities))]
			text := any(r, nil, identity, 0)
			switch r.IntN(6) {
			case 0:
				text = append([]byte("[1.5,"), append(text, ']')...)
			case 1:
				text = append([]byte("[[1.5,"), append(text, "],{\"a\":1}]"...)...)
			}
			if text[0] >= 0x80 && r.IntN(3) == 0 {
				text = append([]byte("\x92\xd7\x00\x01\x02\x03\x04\x00\x00\x00\x01"), text...)
			}
			if r.IntN(10) == 0 {
				text[r.IntN(len(text))] ^= byte(1 << r.IntN(8))
			}
			if r.IntN(10) == 0 {
				text = text[:r.IntN(len(text))]
			}
			checkKnown(t, s, text, readings[r.IntN(len(readings))])
		}
		for _, k := range slices.Concat(s.doc.inJSON.known, s.doc.inMsgpack.known) {
			if k.begins(k.front) && k.has(k.value) {
				hits++
			}
		}
	}
	if hits == 0 {
		t.Error("nothing is known of any member")
	}
}

// The memory does not grow with the records, and parsing does not allocate.
func TestKnownMemory(t *testing.T) {
	s := New(Options{Take: func(recordid.ID, State, int64) {}})
	line := []byte(`{"date":1732300000.123456,"message":"dummy","n":[1,2],"gdummy":"` + id(t, 1, `{"message":"dummy","n":[1,2]}`) + "\"}\n")
	s.Text(line)
	if n := testing.AllocsPerRun(100, func() { s.Text(line) }); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
	if s.doc.inJSON.named != 4 {
		t.Errorf("%d names in a record of 4", s.doc.inJSON.named)
	}
	var many []byte
	for i := range 10_000 {
		many = fmt.Appendf(many, `"%d":"%s",`, i, strings.Repeat("v", i%2000))
	}
	s.Text([]byte("{" + strings.TrimSuffix(string(many), ",") + "}\n"))
	size := 0
	for _, k := range s.doc.inJSON.known {
		size += cap(k.front) + cap(k.value)
	}
	if len(s.doc.inJSON.known) != maxKnown || size > 2*maxKnown*(maxKnownFront+maxKnownValue) {
		t.Errorf("%d members and %d bytes are known", len(s.doc.inJSON.known), size)
	}
}

// Digits are parsed as one by one, and other bytes are found at any position.
func TestEightDigits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		b, want, all := make([]byte, 8), uint64(0), true
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
			if r.IntN(40) == 0 {
				b[i] = byte(r.IntN(256))
			}
			want, all = want*10+uint64(b[i]-'0'), all && isDigit(b[i])
		}
		if v, ok := eightDigits(b); ok != all || ok && v != want {
			t.Fatalf("%q: %d, %v, want %d, %v", b, v, ok, want, all)
		}
		text := bytes.Repeat([]byte{'x'}, r.IntN(40))
		for i := range text {
			text[i] = "x\"\\\x00\xff!]"[r.IntN(7)*r.IntN(2)]
		}
		first := bytes.IndexAny(text, "\"\\")
		if i, ok := quoteOrEscape(text); ok && i != first || !ok && first >= 0 && first < min(32, len(text)&^7) {
			t.Fatalf("%q: %d, %v, want %d", text, i, ok, first)
		}
	}
}

func FuzzKnown(f *testing.F) {
	one := id(f, 1, `{"message":"dummy"}`)
	f.Add([]byte(`{"a":"x","n":1,"gdummy":"`+one+`"}`), []byte(`{"a":"xy","n":12,"gdummy":"`+one+`"}`), uint16(0))
	f.Add([]byte("\x82\xa1a\xa1x\xa1b\x01"), []byte("\x82\xa1a\xa1y\xa1b\xcd\x01\x00"), uint16(1))
	// Names and values with the same bytes in both formats.
	f.Add([]byte(`{"n":5,"m":1}`), []byte("\x82\xa1n5\xa1m1"), uint16(0))
	f.Add([]byte("\x81\"\x01"), []byte(`{"a":1}`), uint16(0))
	f.Fuzz(func(t *testing.T, before, text []byte, how uint16) {
		s := New(Options{})
		s.parsed(before, 0)
		checkKnown(t, s, text, reading(how)&(1<<8-1))
		checkKnown(t, s, before, 0)
	})
}
