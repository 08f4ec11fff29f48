// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/unpack"
)

// Files opens the files that templates read. It is a [files.Path], except in tests.
type Files interface {
	Open(path string) (io.ReadCloser, error)
}

// table is a CSV or NDJSON file in memory. Rows are sequences of MessagePack values
// without names, in chunks: they are hardly larger than the file, and never copied to
// grow.
type table struct {
	names  []string // nil for NDJSON, whose rows are objects
	chunks [][]byte
	rows   []place
}

// place is the end of a row: its chunk and the offset in it. The row starts at the end
// of the previous row in the same chunk.
type place struct {
	chunk, end uint32
}

const chunkSize = 1 << 20

func (t *table) add(row []byte) {
	last := len(t.chunks) - 1
	if last < 0 || len(t.chunks[last])+len(row) > cap(t.chunks[last]) {
		t.chunks = append(t.chunks, make([]byte, 0, max(chunkSize, len(row))))
		last++
	}
	t.chunks[last] = append(t.chunks[last], row...)
	t.rows = append(t.rows, place{uint32(last), uint32(len(t.chunks[last]))})
}

// row returns row i.
func (t *table) row(i uint64) value.Value {
	p := t.rows[i]
	start := uint32(0)
	if i > 0 && t.rows[i-1].chunk == p.chunk {
		start = t.rows[i-1].end
	}
	b := t.chunks[p.chunk][start:p.end]
	if t.names == nil {
		return value.OfRaw(b)
	}
	return value.OfRow(b, &t.names)
}

// column identifies a column of a table.
type column struct {
	table *table
	name  string
}

// index finds rows by the text of a column. It is a hash table of row numbers, with a
// few bytes per row: a map with the texts would be larger than the rows.
type index struct {
	column
	slots []uint32 // 1 + the number of a row, or 0
}

// index returns the index of a column, which all calls share.
func (e *Env) index(t *table, name string) *index {
	x := &index{column: column{t, name}}
	if known := e.indexes[x.column]; known != nil {
		return known
	}
	size := 2
	for size*2 < len(t.rows)*3 {
		size *= 2
	}
	x.slots = make([]uint32, size)
	var buf []byte
	for i := range t.rows {
		buf = t.row(uint64(i)).Field(name).AppendText(buf[:0])
		if slot, found := x.probe(value.OfBytes(buf).S()); !found { // the first row counts
			x.slots[slot] = uint32(i + 1)
		}
	}
	put(&e.indexes, x.column, x)
	return x
}

// probe returns the slot of a key, and reports whether it has a row.
func (x *index) probe(key string) (slot uint64, found bool) {
	mask := uint64(len(x.slots) - 1)
	for slot = seed.Mix(seed.Text(key)) & mask; x.slots[slot] != 0; slot = (slot + 1) & mask {
		if v := x.table.row(uint64(x.slots[slot] - 1)).Field(x.name); v.K == value.String {
			found = v.S() == key
		} else {
			var buf [64]byte
			found = string(v.AppendText(buf[:0])) == key
		}
		if found {
			return slot, true
		}
	}
	return slot, false
}

// find returns the first row with the key.
func (x *index) find(key string) (row uint64, ok bool) {
	slot, found := x.probe(key)
	if !found {
		return 0, false
	}
	return uint64(x.slots[slot] - 1), true
}

// table returns a file, which all calls share.
func (e *Env) table(path string) (*table, error) {
	if t, ok := e.tables[path]; ok {
		return t, nil
	}
	f, err := e.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Reading produces as much garbage as the size of the file. The result has no
	// pointers, so that frequent collections are cheap.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	plain := path
	if f.unpacker != nil {
		plain = strings.TrimSuffix(path, filepath.Ext(path))
	}
	var t *table
	switch strings.ToLower(filepath.Ext(plain)) {
	case ".ndjson", ".jsonl", ".json":
		t, err = readNDJSON(f)
	default:
		t, err = readCSV(f)
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	if len(t.rows) == 0 {
		return nil, fmt.Errorf("%q has no rows", path)
	}
	put(&e.tables, path, t)
	return t, nil
}

// textFile is a file that is read line by line.
type textFile struct {
	*bufio.Reader
	file     io.Closer
	unpacker io.Closer // nil if the file is not compressed
}

// Close closes the file.
func (f *textFile) Close() error {
	if f.unpacker != nil {
		f.unpacker.Close()
	}
	return f.file.Close()
}

// open opens a file of text, which may be compressed.
func (e *Env) open(path string) (*textFile, error) {
	var from Files = files.Path(nil)
	if e.Files != nil {
		from = e.Files
	}
	f, err := from.Open(path)
	if err != nil {
		return nil, err
	}
	text := &textFile{Reader: bufio.NewReaderSize(f, 1<<16), file: f}
	start, _ := text.Peek(text.Size())
	if packing := files.PackingOf(start); unpack.Supported(packing) {
		z, err := unpack.New(packing, text.Reader, unpack.MaxDictionary)
		if err != nil {
			text.Close()
			return nil, unpackError(path, packing, err)
		}
		text.Reader, text.unpacker = bufio.NewReaderSize(z, 1<<16), z
		if start, err = text.Peek(text.Size()); err != nil && err != io.EOF {
			text.Close()
			return nil, unpackError(path, packing, err)
		}
	}
	if what := files.NotLines(start); what != "" {
		text.Close()
		return nil, fmt.Errorf("%q: %s", path, what)
	}
	return text, nil
}

func unpackError(path string, p files.Packing, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // within its header
	}
	return fmt.Errorf("%q: cannot decompress %v: %w", path, p, err)
}

// types are the types of columns.
var types = []string{"int", "float", "bool", "json", "string"}

// foreignTypes are other names of types.
var foreignTypes = map[string]string{"integer": "int", "number": "float", "double": "float", "str": "string", "text": "string", "object": "json"}

// columns parses the first line of a CSV file: names, each with an optional colon and
// type. The default type is string.
func columns(head []string) (names, typs []string, err error) {
	if len(head) == 1 && strings.ContainsAny(head[0], ";\t") {
		return nil, nil, fmt.Errorf("line 1: one column, %q: names and cells are separated by commas", head[0])
	}
	seen := map[string]int{}
	for i, h := range head {
		name, typ := strings.TrimSpace(h), ""
		if colon := strings.LastIndexByte(name, ':'); colon >= 0 {
			name, typ = strings.TrimSpace(name[:colon]), strings.TrimSpace(name[colon+1:])
			if !slices.Contains(types, typ) {
				hint := units.Hint(typ, types, strings.Join(types, ", "))
				if ours := foreignTypes[strings.ToLower(typ)]; ours != "" {
					hint = "; did you mean " + ours + "?"
				}
				return nil, nil, fmt.Errorf("line 1: column %q: unknown type %q%s", name, typ, hint)
			}
		}
		if first, ok := seen[name]; ok {
			return nil, nil, fmt.Errorf("line 1: columns %d and %d are both named %q", first+1, i+1, name)
		}
		seen[name] = i
		names, typs = append(names, name), append(typs, typ)
	}
	return names, typs, nil
}

// errNotUTF8 reports a text in another encoding.
var errNotUTF8 = errors.New("not UTF-8; `iconv -f latin1 -t utf-8` converts a file from Latin-1")

// withoutMark returns f without a byte order mark at its start.
func withoutMark(f *textFile) *bufio.Reader {
	r := f.Reader
	if mark, _ := r.Peek(3); string(mark) == "\ufeff" {
		r.Discard(3)
	}
	return r
}

// badCSV converts an error of package csv. cells and names are the numbers found and
// expected.
func badCSV(err error, cells, names int) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	switch parse.Err {
	case csv.ErrFieldCount:
		return fmt.Errorf("line %d: expected %[3]d cells, one for each name in line 1, found %[2]d", parse.Line, cells, names)
	case csv.ErrBareQuote:
		return fmt.Errorf("line %d, column %d: quotation mark in a cell: quote the whole cell, and double its quotation marks", parse.Line, parse.Column)
	case csv.ErrQuote:
		return fmt.Errorf("line %d: the quoted cell that begins on line %d is not closed, or text follows its closing quote", parse.Line, parse.StartLine)
	}
	return fmt.Errorf("line %d, column %d: %w", parse.Line, parse.Column, parse.Err)
}

// HasTables reports whether any files were read.
func (e *Env) HasTables() bool { return len(e.tables)+len(e.lists) > 0 }

// readCSV reads a file whose first line names the columns.
func readCSV(f *textFile) (*table, error) {
	r := csv.NewReader(withoutMark(f))
	r.ReuseRecord = true
	head, err := r.Read()
	if err == io.EOF {
		return nil, errors.New("the file is empty: expected a line with the names of the columns")
	}
	if err != nil {
		return nil, badCSV(err, 0, 0)
	}
	for _, name := range head {
		if !utf8.ValidString(name) {
			return nil, fmt.Errorf("line 1: %w", errNotUTF8)
		}
	}
	names, typs, err := columns(head)
	if err != nil {
		return nil, err
	}
	t := &table{names: names}
	var row []byte
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, badCSV(err, len(cells), len(names))
		}
		row = row[:0]
		for i, cell := range cells {
			v, err := typed(cell, typs[i])
			if err == nil && !utf8.ValidString(cell) {
				err = errNotUTF8
			}
			if err != nil {
				line, _ := r.FieldPos(i)
				return nil, fmt.Errorf("line %d, column %s: %w", line, names[i], err)
			}
			row = v.Append(row)
		}
		t.add(row)
	}
}

// typed parses a cell of a column with a type. An empty cell is null, except in a column
// of strings.
func typed(cell, typ string) (value.Value, error) {
	if typ == "" || typ == "string" {
		return value.OfString(cell), nil
	}
	if cell == "" {
		return value.Null, nil
	}
	switch typ {
	case "int":
		i, err := strconv.ParseInt(cell, 10, 64)
		if err != nil {
			return value.Null, fmt.Errorf("expected an integer, found %q", cell)
		}
		return value.OfInt(i), nil
	case "float":
		f, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return value.Null, fmt.Errorf("expected a number, found %q", cell)
		}
		return value.OfFloat(f), nil
	case "bool":
		b, err := strconv.ParseBool(cell)
		if err != nil {
			return value.Null, fmt.Errorf("expected a boolean, found %q", cell)
		}
		return value.OfBool(b), nil
	}
	bodies, err := jsonbody.ParseStrict(`{"":` + cell + `}`)
	if err != nil {
		return value.Null, fmt.Errorf("expected JSON, found %q", cell)
	}
	v, _ := value.First(string(bodies[0][2:]))
	return v, nil
}
