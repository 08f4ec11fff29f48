// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
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
	"broken": func(r *rand.Rand, lines [][]byte) []byte {
		b := bytes.Join(lines, []byte("\n"))
		for range 1 + len(b)/500 {
			b[r.IntN(len(b))] ^= 1 << r.IntN(7)
		}
		return b
	},
}

// On several processors, and with chunks of any size, an audit of any files has the verdict
// and the warnings of one that reads one file after another.
func TestFilesOnProcessors(t *testing.T) {
	dir := t.TempDir()
	book := filepath.Join(dir, "run.ledger")
	all := bytes.Split(bytes.TrimSpace(generate(t, 2000, book)), []byte("\n"))
	l, err := ledger.ReadFile(book)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range fileForms {
		names = append(names, name)
	}
	slices.Sort(names)
	audited := func(sources []string, workers int, chunk, memory int64) string {
		a := audit.New(audit.Options{Ledgers: []*ledger.Ledger{l}})
		f := newFilesAudit(a, recordscan.Options{}, audit.DefaultMemory, true)
		f.workers, f.chunk = workers, chunk
		if memory > 0 {
			f.memory = memory
		}
		var log strings.Builder
		var out io.Writer = &log
		err := f.run(stream{err: out}, sources, newProgress(&log, -1, nil), func(name string, _ int64, err error) bool {
			if err != nil {
				fmt.Fprintf(&log, "%s: %v\n", filepath.Base(name), err)
				a.Broken(1)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		printJSON(&b, a.Verdict(), nil)
		return log.String() + b.String()
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
		want := audited(sources, 1, chunkSize, 0)
		for range 3 {
			chunk, memory := int64(100+r.IntN(20000)), int64(0)
			if r.IntN(3) == 0 {
				memory = 1 // no fork is exact: all is read again
			}
			if diff := cmp.Diff(want, audited(sources, 2+r.IntN(3), chunk, memory)); diff != "" {
				t.Fatalf("seed %d, chunks of %d bytes, memory %d:\n%s", seed, chunk, memory, diff)
			}
		}
	}
}
