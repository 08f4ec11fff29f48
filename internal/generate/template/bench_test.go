// SPDX-License-Identifier: Apache-2.0

package template

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"text/template"
	"time"
	"unsafe"

	"github.com/gdummy/gdummy/internal/event"
)

// sixFields is the template of the documented speed.
const sixFields = `{"ts": {{ now "rfc3339" }}, "user": "{{ $u := name }}{{ $u }}", "mail": "{{ lower $u }}@example.org", ` +
	`"status": {{ weighted 200 90 404 8 500 2 }}, "bytes": {{ lognormal 8.5 1.2 }}, "id": "{{ uuid }}"}`

func compileSix(b *testing.B) *Program {
	p, err := Compile(Config{Body: Text{Name: "template", Text: sixFields}})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkTemplate(b *testing.B) {
	p := compileSix(b)
	var dst []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if len(dst) > 60000 {
			dst = dst[:0]
		}
		dst = p.Append(dst, event.V2, int64(1700000000e9)+int64(i)*200, uint64(i))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrec/s")
}

// BenchmarkAgainstGoTemplate alternates between our records and the same records made
// with text/template in JSON, whose functions do as little as possible. The ratio is
// the result.
func BenchmarkAgainstGoTemplate(b *testing.B) {
	n := uint64(0)
	draw := func() uint64 {
		n++
		return n * 0x9e3779b97f4a7c15
	}
	tm := time.Unix(1700000000, 0).UTC()
	funcs := template.FuncMap{
		"now": func(string) string { return `"` + tm.Format(time.RFC3339) + `"` },
		"name": func() string {
			return [4]string{"Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra"}[draw()>>62]
		},
		"lower":     strings.ToLower,
		"weighted":  func(v ...int) int { return v[draw()%3*2] },
		"lognormal": func(mu, sigma float64) float64 { return mu * float64(draw()>>11) * 0x1p-53 },
		"uuid": func() string {
			return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", draw()>>32, draw()>>48, draw()>>48, draw()>>48, draw()>>16)
		},
	}
	tpl := template.Must(template.New("").Funcs(funcs).Parse(sixFields))
	p := compileSix(b)
	var buf bytes.Buffer
	var dst []byte
	var ours, theirs time.Duration
	const each = 200 // records per turn
	k := uint64(0)
	for b.Loop() {
		start := time.Now()
		for range each {
			buf.Reset()
			if err := tpl.Execute(&buf, nil); err != nil {
				b.Fatal(err)
			}
		}
		between := time.Now()
		theirs += between.Sub(start)
		dst = dst[:0]
		for range each {
			dst = p.Append(dst, event.V2, int64(1700000000e9)+int64(k)*200, k)
			k++
		}
		ours += time.Since(between)
	}
	records := float64(b.N * each)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours)/records, "ns/record")
	b.ReportMetric(float64(theirs)/records, "ns/record-of-text/template")
	b.ReportMetric(float64(theirs)/float64(ours), "times-text/template")
}

// BenchmarkStart compiles a template that reads a CSV file: a small one, and one of
// 100 MB, the maximum, also with a lookup.
func BenchmarkStart(b *testing.B) {
	var csv bytes.Buffer
	csv.WriteString("id:int,name,email,city,score:float\n")
	for i := 0; csv.Len() < 100e6; i++ {
		fmt.Fprintf(&csv, "%d,Name %d Surname,user%d@example.org,City %d,%d.5\n", i, i, i, i%977, i%100)
	}
	size := float64(csv.Len())
	path := filepath.Join(b.TempDir(), "users.csv")
	if err := os.WriteFile(path, csv.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	csv = bytes.Buffer{}
	small := `{{ $r := row "` + path + `" }}{"name": "{{ $r.name }}", "mail": "{{ $r.email }}", "id": {{ $r.id }}`
	var large strings.Builder
	large.WriteString(small + `, "city": {{ (lookup "` + path + `" "name" "Name 7 Surname").city }}`)
	for i := range 7000 {
		fmt.Fprintf(&large, `, "k%d": {"a": "{{ name }} {{ int 1 9 }}", "b": {{ lognormal 3 1 | round }}}`, i)
	}
	for name, text := range map[string]string{"small": small + "}", "largest": large.String() + "}"} {
		b.Run(name, func(b *testing.B) {
			grown := 0.0
			for b.Loop() {
				b.StopTimer()
				debug.FreeOSMemory()
				before := resident(b)
				b.StartTimer()
				p, err := Compile(Config{Body: Text{Name: "template", Text: text}})
				if err != nil {
					b.Fatal(err)
				}
				grown = max(grown, resident(b)-before)
				runtime.KeepAlive(p)
				p = nil
			}
			b.ReportMetric(grown/size, "RSS/file")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/start")
		})
	}
}

// resident returns the resident memory of the process, in bytes.
func resident(b *testing.B) float64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skipf("SKIPPED: the memory of the process is not known (mount proc at /proc): %v", err)
	}
	var total, pages float64
	fmt.Sscan(string(data), &total, &pages)
	return pages * float64(os.Getpagesize())
}

// The address of a step is computed for each instruction: with a shift if its size is
// a power of two.
func TestStepSize(t *testing.T) {
	if n := unsafe.Sizeof(step{}); n&(n-1) != 0 {
		t.Errorf("a step has %d bytes, want a power of two", n)
	}
}
