// SPDX-License-Identifier: Apache-2.0

package format

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

var update = flag.Bool("update", false, "renew the golden files")

// start is the time of the first record in all tests: 2023-11-14T22:13:20.123456789Z.
const start = int64(1700000000_123456789)

// compile compiles a format.
func compile(t testing.TB, f Format) *template.Program {
	t.Helper()
	p, err := template.Compile(template.Config{Body: template.Text{Name: f.Name, Text: f.Text}, Seed: 1, Stream: "0"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The golden files contain the first records of each format.
func TestGolden(t *testing.T) {
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			p := compile(t, f)
			var got bytes.Buffer
			for k := range uint64(5) {
				body := p.AppendBody(nil, start+int64(k)*250e6, k)
				got.Write(value.OfRaw(body).AppendJSON(nil))
				got.WriteByte('\n')
			}
			path := filepath.Join("testdata", f.Name+".ndjson")
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
				t.Errorf("got:\n%s\nwant:\n%s", got.Bytes(), want)
			}
		})
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
