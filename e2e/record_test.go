// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// record is one event of a chunk.
type record struct {
	v2       bool      // [[time, metadata], body], not [time, body]
	time     time.Time // UTC
	metadata []byte    // MessagePack; nil in a legacy event
	body     []byte    // MessagePack
}

// String returns metadata and body with their types; see render.
func (r record) String() string {
	return render(r.metadata) + " " + render(r.body)
}

// timeString returns the time in the format of Fluent Bit, with nanoseconds.
func (r record) timeString() string {
	return fmt.Sprintf("%d.%09d", r.time.Unix(), r.time.Nanosecond())
}

// records returns the records with a tag that are written so far. While the process runs, an
// incomplete event is ignored.
func (p *process) records(tag string) []record {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.out(), tag))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		p.t.Fatal(err)
	}
	running := p.running()
	recs, rest, err := decode(data)
	if err != nil && !(running && err == msgp.ErrShortBytes) {
		p.t.Fatalf("records of %s: after %d records, %d bytes before the end: %v", tag, len(recs), len(rest), err)
	}
	return recs
}

// decode decodes events to the end of data, or to the first invalid one.
func decode(data []byte) (recs []record, rest []byte, err error) {
	for len(data) > 0 {
		var r record
		if r, rest, err = decodeEvent(data); err != nil {
			return recs, data, err
		}
		recs = append(recs, r)
		data = rest
	}
	return recs, nil, nil
}

func decodeEvent(b []byte) (r record, rest []byte, err error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err == nil && n != 2 {
		err = fmt.Errorf("an event is an array of %d", n)
	}
	if err != nil {
		return r, b, err
	}
	if msgp.NextType(b) == msgp.ArrayType {
		r.v2 = true
		if n, b, err = msgp.ReadArrayHeaderBytes(b); err == nil && n != 2 {
			err = fmt.Errorf("the head of an event is an array of %d", n)
		}
		if err != nil {
			return r, b, err
		}
	}
	switch {
	case len(b) < 10:
		return r, b, msgp.ErrShortBytes
	case b[0] != 0xd7 || b[1] != 0:
		return r, b, fmt.Errorf("a time begins with % x, not with d7 00", b[:2])
	}
	r.time = time.Unix(int64(binary.BigEndian.Uint32(b[2:])), int64(binary.BigEndian.Uint32(b[6:]))).UTC()
	b = b[10:]
	if r.v2 {
		if r.metadata, b, err = readMap(b); err != nil {
			return r, b, err
		}
	}
	r.body, b, err = readMap(b)
	return r, b, err
}

func readMap(b []byte) (m, rest []byte, err error) {
	rest, err = msgp.Skip(b)
	if err != nil {
		return nil, b, err
	}
	if t := msgp.NextType(b); t != msgp.MapType {
		return nil, b, fmt.Errorf("a %v instead of a map", t)
	}
	return b[:len(b)-len(rest)], rest, nil
}

// render formats MessagePack as text, so that different values have different texts. It is
// like JSON, but doubles always have a point or an exponent, members keep their order and
// duplicates, and bytes that are not UTF-8 are \x escapes. Long strings are abbreviated with
// their length and hash.
func render(b []byte) string {
	if b == nil {
		return "-"
	}
	var w strings.Builder
	rest := renderValue(&w, b)
	if len(rest) > 0 {
		fmt.Fprintf(&w, " and %d bytes more", len(rest))
	}
	return w.String()
}

func renderValue(w *strings.Builder, b []byte) []byte {
	fail := func(err error) []byte {
		fmt.Fprintf(w, "<%v: % x>", err, b)
		return nil
	}
	switch t := msgp.NextType(b); t {
	case msgp.MapType, msgp.ArrayType:
		open, shut := "{", "}"
		n, rest, err := msgp.ReadMapHeaderBytes(b)
		if t == msgp.ArrayType {
			open, shut = "[", "]"
			n, rest, err = msgp.ReadArrayHeaderBytes(b)
		}
		if err != nil {
			return fail(err)
		}
		w.WriteString(open)
		for i := range n {
			if i > 0 {
				w.WriteString(", ")
			}
			rest = renderValue(w, rest)
			if t == msgp.MapType {
				w.WriteString(": ")
				rest = renderValue(w, rest)
			}
		}
		w.WriteString(shut)
		return rest
	case msgp.StrType:
		s, rest, err := msgp.ReadStringZC(b)
		if err != nil {
			return fail(err)
		}
		const most = 120
		if len(s) > most {
			fmt.Fprintf(w, "%q...(%d bytes, sha256 %.8x)", s[:10], len(s), sha256.Sum256(s))
		} else {
			w.WriteString(strconv.Quote(string(s)))
		}
		return rest
	case msgp.Float64Type:
		f, rest, err := msgp.ReadFloat64Bytes(b)
		if err != nil {
			return fail(err)
		}
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") && !math.IsInf(f, 0) && !math.IsNaN(f) {
			s += ".0"
		}
		w.WriteString(s)
		return rest
	case msgp.IntType, msgp.UintType:
		if u, rest, err := msgp.ReadUint64Bytes(b); err == nil {
			fmt.Fprint(w, u)
			return rest
		}
		i, rest, err := msgp.ReadInt64Bytes(b)
		if err != nil {
			return fail(err)
		}
		fmt.Fprint(w, i)
		return rest
	case msgp.BoolType:
		v, rest, err := msgp.ReadBoolBytes(b)
		if err != nil {
			return fail(err)
		}
		fmt.Fprint(w, v)
		return rest
	case msgp.NilType:
		w.WriteString("null")
		return b[1:]
	default:
		// Records come from JSON: a float32 or a bin is an error.
		rest, err := msgp.Skip(b)
		if err != nil {
			return fail(err)
		}
		fmt.Fprintf(w, "<%v % x>", t, b[:len(b)-len(rest)])
		return rest
	}
}

// texts renders records, one per line.
func texts(recs []record) []string {
	s := make([]string, len(recs))
	for i, r := range recs {
		s[i] = r.String()
	}
	return s
}

// allBodies checks that every record has the given body.
func (p *process) allBodies(tag, want string) {
	p.t.Helper()
	for i, r := range p.records(tag) {
		if got := render(r.body); got != want {
			p.t.Fatalf("record %d of %s is %s, expected %s", i, tag, got, want)
		}
	}
}

// sameBytes reports whether bodies and metadata have equal bytes.
func (r record) sameBytes(o record) bool {
	return bytes.Equal(r.metadata, o.metadata) && bytes.Equal(r.body, o.body)
}
