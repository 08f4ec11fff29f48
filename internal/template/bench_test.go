package template

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// sixFields is the template that speed is promised for.
const sixFields = `{"ts": {{ now "rfc3339" }}, "user": "{{ $u := name }}{{ $u }}", "mail": "{{ lower $u }}@example.org", ` +
	`"status": {{ weighted 200 90 404 8 500 2 }}, "bytes": {{ lognormal 8.5 1.2 }}, "id": "{{ uuid }}"}`

func BenchmarkTemplate(b *testing.B) {
	p, err := Compile(Config{Body: Text{Name: "template", Text: sixFields}})
	if err != nil {
		b.Fatal(err)
	}
	t := int64(1700000000e9)
	var dst []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if len(dst) > 60000 {
			dst = dst[:0]
		}
		dst = p.Append(dst, event.V2, t+int64(i)*200, uint64(i))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrec/s")
}

// BenchmarkGoTemplate executes the same template with text/template, to JSON. Its
// functions do as little as they can.
func BenchmarkGoTemplate(b *testing.B) {
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
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.Reset()
		if err := tpl.Execute(&buf, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrec/s")
}
