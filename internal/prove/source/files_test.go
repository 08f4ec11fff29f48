// SPDX-License-Identifier: Apache-2.0

package source

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/printer"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/prove/tracking"
	"github.com/gdummy/gdummy/internal/recordid"
)

// fileForms are ways to store lines of JSON. In some, a record continues in the next line,
// so that a chunk is not complete in itself.
var fileForms = map[string]func(r *rand.Rand, lines [][]byte) []byte{
	"lines": func(_ *rand.Rand, lines [][]byte) []byte { return bytes.Join(lines, []byte("\n")) },
	"bom": func(_ *rand.Rand, lines [][]byte) []byte {
		return append([]byte("\xef\xbb\xbf"), bytes.Join(lines, []byte("\n"))...)
	},
	"one line": func(_ *rand.Rand, lines [][]byte) []byte { return bytes.Join(lines, []byte(",")) },
	"array": func(_ *rand.Rand, lines [][]byte) []byte {
		return slices.Concat([]byte("["), bytes.Join(lines, []byte(",\n")), []byte("]\n"))
	},
	"indented": func(_ *rand.Rand, lines [][]byte) []byte {
		var b bytes.Buffer
		for _, line := range lines {
			if json.Indent(&b, line, "", "  ") != nil {
				b.Write(line)
			}
			b.WriteByte('\n')
		}
		return b.Bytes()
	},
	"container": func(r *rand.Rand, lines [][]byte) []byte {
		var b bytes.Buffer
		for _, line := range lines {
			const stamp = "2026-11-29T12:00:00.000000000Z stdout "
			if r.IntN(3) == 0 {
				n := r.IntN(len(line))
				fmt.Fprintf(&b, "%sP %s\n", stamp, line[:n])
				line = line[n:]
			}
			fmt.Fprintf(&b, "%sF %s\n", stamp, line)
		}
		return b.Bytes()
	},
	"gzip": func(r *rand.Rand, lines [][]byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(bytes.Join(lines, []byte("\n")))
		_ = w.Close()
		return b.Bytes()[:b.Len()-r.IntN(2)*b.Len()/3] // some are cut
	},
	"zip": func(_ *rand.Rand, lines [][]byte) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, _ := z.Create("out")
		_, _ = w.Write(bytes.Join(lines, []byte("\n")))
		_ = z.Close()
		return b.Bytes()
	},
	"msgpack": packed,
	"msgpack, list": func(r *rand.Rand, lines [][]byte) []byte {
		return slices.Concat([]byte{0xdd, 0, 0, byte(len(lines) >> 8), byte(len(lines))}, packed(r, lines))
	},
	"msgpack, zstd":  func(r *rand.Rand, lines [][]byte) []byte { return zstandard(r, packed(r, lines)) },
	"zstd, one line": func(r *rand.Rand, lines [][]byte) []byte { return zstandard(r, bytes.Join(lines, []byte(","))) },
	"msgpack, broken": func(r *rand.Rand, lines [][]byte) []byte {
		b := packed(r, lines)
		for range 1 + len(b)/2000 {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return b
	},
	"broken": func(r *rand.Rand, lines [][]byte) []byte {
		b := bytes.Join(lines, []byte("\n"))
		for range 1 + len(b)/500 {
			b[r.IntN(len(b))] ^= 1 << r.IntN(7)
		}
		return b
	},
}

// packed returns lines as MessagePack: maps, or events in one of two forms.
func packed(r *rand.Rand, lines [][]byte) (b []byte) {
	form, metadata := event.Form(1+r.IntN(2)), event.EmptyMap
	events := r.IntN(3) > 0
	for i, line := range lines {
		body, err := jsonbody.Parse(string(line))
		switch {
		case err != nil:
			b = append(b, 0xc1)
		case events:
			b = event.Append(b, form, 1732300000e9+int64(i), metadata, body[0])
		default:
			b = append(b, body[0]...)
		}
	}
	return b
}

// zstandard compresses data, and may cut it.
func zstandard(r *rand.Rand, data []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	b := w.EncodeAll(data, nil)
	return b[:len(b)-r.IntN(2)*len(b)/3]
}

// generate makes records with a ledger, and returns them as lines of JSON.
func generate(t *testing.T, records int, book string) [][]byte {
	t.Helper()
	config, _, err := engine.Configure(func(name string) (string, bool) {
		text, ok := map[string]string{"rate": "unlimited", "max_records": strconv.Itoa(records), "ledger": book}[name]
		return text, ok
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := tracking.Start(&config.Config, tracking.Options{Name: "gdummy.0", Metadata: true})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	e := engine.New(config, engine.Options{Form: event.V2, Mark: evidence.Mark()})
	p := printer.New(&out, config, printer.Options{Format: printer.Formats[1], Shortfall: func() uint64 { return 0 }})
	if err := evidence.Open(e.Origin()); err != nil {
		t.Fatal(err)
	}
	e.Run(p)
	p.End()
	if err := errors.Join(p.Err(), evidence.Close(p.Printed(), nil, p.Written(), 0, e.Unsent())); err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
}

// On several processors, and with chunks of any size, an audit of any files has the verdict,
// the part and the warnings of one that reads one file after another.
func TestFilesOnProcessors(t *testing.T) {
	dir := t.TempDir()
	book := filepath.Join(dir, "run.ledger")
	all := generate(t, 2000, book)
	l, err := ledger.ReadFile(book)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range fileForms {
		names = append(names, name)
	}
	slices.Sort(names)
	audited := func(sources []string, workers int, chunk, memory int64, part bool) string {
		a := audit.New(audit.Options{Ledgers: []*ledger.Ledger{l}, Part: part})
		f := NewFiles(a, recordscan.Options{}, audit.DefaultMemory, true)
		f.workers, f.chunk = workers, chunk
		if memory > 0 {
			f.memory = memory
		}
		var log strings.Builder
		var read []audit.Source
		err := f.Run(nil, sources, func(int64) {}, func(name string, size int64, err error) bool {
			if err != nil {
				fmt.Fprintf(&log, "%s: %v\n", filepath.Base(name), err)
				a.Broken(1)
			}
			read = append(read, audit.Source{Name: filepath.Base(name), Size: uint64(size)})
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if part {
			p, err := a.Part(audit.Part{Sources: read})
			if err != nil {
				t.Fatal(err)
			}
			b, err := p.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			return log.String() + fmt.Sprintf("%v % x", read, b)
		}
		verdict, err := json.MarshalIndent(a.Verdict(), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		return log.String() + string(verdict)
	}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 0))
		var sources []string
		lines := slices.Clone(all)
		if seed%3 == 0 {
			r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		}
		for i := 0; len(lines) > 0; i++ {
			n := min(1+r.IntN(900), len(lines))
			form := names[r.IntN(len(names))]
			path := filepath.Join(dir, fmt.Sprintf("%d-%d", seed, i))
			if err := os.WriteFile(path, fileForms[form](r, slices.Clone(lines[:n])), 0o644); err != nil {
				t.Fatal(err)
			}
			sources = append(sources, path)
			lines = lines[max(0, n-r.IntN(3)):] // some are in two files
		}
		part := seed%2 == 1
		want := audited(sources, 1, chunkSize, 0, part)
		for range 3 {
			chunk, memory := int64(100+r.IntN(20000)), int64(0)
			if r.IntN(3) == 0 {
				memory = 1 // no fork is exact: all is read again
			}
			if diff := cmp.Diff(want, audited(sources, 2+r.IntN(3), chunk, memory, part)); diff != "" {
				t.Fatalf("seed %d, chunks of %d bytes, memory %d:\n%s", seed, chunk, memory, diff)
			}
		}
	}
}

// A zip archive, whose directory is at its end, is read from a file, alone or beside others.
func TestFilesInZip(t *testing.T) {
	dir := t.TempDir()
	lines := generate(t, 100, filepath.Join(dir, "run.ledger"))
	archive, rest := filepath.Join(dir, "a.zip"), filepath.Join(dir, "b")
	if err := os.WriteFile(archive, fileForms["zip"](nil, lines[:60]), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rest, bytes.Join(lines[60:], []byte("\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, sources := range [][]string{{archive}, {archive, rest}} {
		a := audit.New(audit.Options{})
		f := NewFiles(a, recordscan.Options{}, audit.DefaultMemory, true)
		err := f.Run(nil, sources, func(int64) {}, func(_ string, _ int64, err error) bool {
			if err != nil {
				t.Error(err)
			}
			return true
		})
		if want := []uint64{60, 100}[len(sources)-1]; err != nil || a.Progress().Arrived != want {
			t.Errorf("%d sources: %v, %+v, want %d", len(sources), err, a.Progress(), want)
		}
	}
}

// What the pipeline adds to large records is known from a small one before them, also if that
// is in another chunk or file.
func TestFilesLearn(t *testing.T) {
	line := func(seq uint64, body string) []byte {
		b, err := jsonbody.Parse("{" + body + "}")
		if err != nil {
			t.Fatal(err)
		}
		sum, err := recordid.SumBody(b[0])
		if err != nil {
			t.Fatal(err)
		}
		id := recordid.ID{Run: 42, Seq: seq, Time: 1732300000e9, Sum: sum}
		return fmt.Appendf(nil, `{"host":"a",%s,"zone":"b","gdummy":"%s"}`+"\n", body, id)
	}
	var fields []string
	for i := range 40 {
		fields = append(fields, fmt.Sprintf(`"f%d":%[1]d`, i))
	}
	large := strings.Join(fields, ",")
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var first, more []byte
	first = line(0, `"message":"dummy"`)
	for seq := range uint64(100) {
		first = append(first, line(1+seq, large)...)
		more = append(more, line(101+seq, large)...)
	}
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	sources := []string{write("first", first), write("more", more), write("more.zst", w.EncodeAll(more, nil))}
	for _, workers := range []int{1, 3} {
		a := audit.New(audit.Options{})
		f := NewFiles(a, recordscan.Options{}, audit.DefaultMemory, true)
		f.workers, f.chunk = workers, 5000
		err := f.Run(nil, sources, func(int64) {}, func(string, int64, error) bool { return true })
		if v := a.Verdict(); err != nil || v.Arrived != 201 || v.Enriched != 301 || v.Damaged > 0 {
			t.Errorf("%d processors: %v, %d arrived, %d enriched, %d damaged", workers, err, v.Arrived, v.Enriched, v.Damaged)
		}
	}
}
