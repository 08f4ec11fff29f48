// SPDX-License-Identifier: Apache-2.0

package format

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

var update = flag.Bool("update", false, "renew the golden files")

// start is the time of the first record in all tests: 2023-11-14T22:13:20.123456789Z.
const start = int64(1700000000_123456789)

// compile compiles a format with its usual share of irregular lines.
func compile(t testing.TB, f Format) *template.Program {
	t.Helper()
	return compileWith(t, f, nil)
}

// Shares of irregular lines.
var (
	regular   = new(float64)
	irregular = &[]float64{1}[0]
)

// compileWith compiles a format with a share of irregular lines.
func compileWith(t testing.TB, f Format, share *float64) *template.Program {
	t.Helper()
	p, err := template.Compile(template.Config{Body: template.Text{Name: f.Name, Text: f.Text}, Seed: 1, Stream: "0", Irregular: share})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The golden files contain the first records of each format, and a dozen irregular
// ones.
func TestGolden(t *testing.T) {
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			golden(t, f.Name+".ndjson", compile(t, f), 5)
			if p := compileWith(t, f, irregular); p.HasIrregular() {
				golden(t, f.Name+".irregular.ndjson", p, 12)
			}
		})
	}
}

// golden compares the first n records of a program with a file.
func golden(t *testing.T, name string, p *template.Program, n uint64) {
	t.Helper()
	var got bytes.Buffer
	for k := range n {
		body := p.AppendBody(nil, start+int64(k)*250e6, k)
		got.Write(value.OfRaw(body).AppendJSON(nil))
		got.WriteByte('\n')
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s: got:\n%s\nwant:\n%s", name, got.Bytes(), want)
	}
}

// Every format has irregular lines, or a comment in its template has the reason.
func TestIrregularOrPlain(t *testing.T) {
	for _, f := range All() {
		odd := compile(t, f).HasIrregular()
		if plain := strings.Contains(f.Text, "{{- /* No irregular lines: "); odd == plain {
			t.Errorf("format %s has irregular lines: %v, and a reason for none: %v", f.Name, odd, plain)
		}
	}
}

// Regular records do not depend on the share of irregular ones, and the usual share is
// between the two extremes.
func TestIrregularShare(t *testing.T) {
	for _, f := range All() {
		usual, none, all := compile(t, f), compileWith(t, f, regular), compileWith(t, f, irregular)
		if !all.HasIrregular() {
			continue
		}
		const n = 20_000
		odd := 0
		for k := range uint64(n) {
			if usual.AppendBody(nil, start, k); usual.Irregular() {
				odd++
			}
			if none.AppendBody(nil, start, k); none.Irregular() {
				t.Fatalf("%s: record %d is irregular", f.Name, k)
			}
			if all.AppendBody(nil, start, k); !all.Irregular() {
				t.Fatalf("%s: record %d is regular", f.Name, k)
			}
		}
		if odd < n/200 || odd > n/4 {
			t.Errorf("%s: %d of %d records are irregular", f.Name, odd, n)
		}
	}
}

// Every record of a format is complete MessagePack and is generated without an
// allocation.
func TestRecords(t *testing.T) {
	testenv.SkipRace(t)
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			p := compile(t, f)
			var dst []byte
			for k := range uint64(20_000) {
				dst = p.Append(dst[:0], event.V2, start+int64(k)*1e6, k)
				n, err := event.Size(dst)
				if err != nil || n != len(dst) {
					t.Fatalf("record %d has %d bytes, its event %d: %v", k, len(dst), n, err)
				}
			}
			k := uint64(0)
			if n := testenv.AllocsPerRun(2000, func() {
				dst = p.Append(dst[:0], event.V2, start+int64(k)*1e6, k)
				k++
			}); n > 0 {
				t.Errorf("%v allocations per record, want 0", n)
			}
		})
	}
}

func BenchmarkFormats(b *testing.B) {
	for _, f := range All() {
		b.Run(f.Name, func(b *testing.B) {
			p := compile(b, f)
			var dst []byte
			size := 0
			for k := 0; b.Loop(); k++ {
				dst = p.Append(dst[:0], event.V2, start+int64(k)*200, uint64(k))
				size += len(dst)
			}
			b.ReportMetric(float64(size)/float64(b.N), "bytes/record")
		})
	}
}

func Example() {
	f, _ := Find("klog")
	fmt.Println(f.Doc)
	// Output: the log of Kubernetes components: github.com/kubernetes/klog
}
