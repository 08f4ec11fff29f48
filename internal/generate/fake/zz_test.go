package fake_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/event"
)

func TestZZ(t *testing.T) {
	extra := map[string]string{ "x_with": `{"c":"{{ with int 1 3 }}{{ . }}{{ end }}"}`, "x_var": `{{ $a := word }}{{ $b := int 1 3 }}{"c":"{{ $a }} {{ $a }} {{ $b }} {{ $b }} {{ if eq $b 2 }}x{{ end }}", "d": "{{ $a }}"}`,  "x_pad": `{"a": {{ pad 300 }}}`, "x_range20": `{"c":[{{ range 20 }}{{ . }}{{ end }}]}`,
		"x_six": `{"ts": {{ now "rfc3339" }}, "user": "{{ $u := name }}{{ $u }}", "mail": "{{ lower $u }}@example.org", "status": {{ weighted 200 90 404 8 500 2 }}, "bytes": {{ lognormal 8.5 1.2 }}, "id": "{{ uuid }}"}`,
		"x_pickdyn": `{"v": {{ pick (int 1 3) (int 4 6) }}}`,
		"x_pickvar": `{{ $x := pick 1 2 3 }}{"v": {{ add $x $x }}}`,
		"x_pickeq": `{"v": {{ eq (pick "a" "b") "a" }}}`,
		"x_timeof": `{"v": {{ time_of (int 1700000000 1800000000) "rfc3339" }}}`,
		"x_timeoft": `{"v": {{ time_of (pick "2026-11-01T08:30:00Z" "2026-11-01T08:30:00.5+01:00" "x") "rfc3339" }}}`,
		"x_addtime": `{"v": {{ add_time (pick "2026-11-01T08:30:00Z" "2026-11-01") (int 5 9) }}}`,
		"x_replace": `{"v": {{ replace " " "_" (sentence 6) }}}`,
		"x_replace2": `{"v": {{ replace " " "--" (sentence 6) }}}`,
		"x_opt": `[1`,
		"x_printf": `{"v": {{ printf "%05d-%-8s|%8.2f %x" (int 1 99) (word) (uniform 0 10) (int 1 9999) }}}`,
		"x_omit": `{"a": {{ if bool }}{{ omit }}{{ else }}1{{ end }}, "b": "{{ if bool }}xxxx{{ end }}{{ words 2 }}", "c":[{{ range int 1 3 }}{"i":{{ . }}}{{ end }}]}`,
		"x_json": `{"a": {{ json (dict "a" (words 3) "b" (int 1 100)) }}}`,
		"x_quote": `{"a": {{ quote (message "error") }}}`,
	}
	texts := map[string]string{}
	var names []string
	add := func(n, x string) { names = append(names, n); texts[n] = x }
	for i := range fake.Table {
		f := &fake.Table[i]
		if f.Form { add(f.Name, f.Example) } else { add(f.Name, `{"v": {{ `+f.Example+` }}}`) }
		if !f.Form { add(f.Name+"_s", `{"v": "x{{ `+f.Example+` }}"}`) }
	}
	for _, f := range format.All() { add("format_"+f.Name, f.Text) }
	for n, x := range extra { add(n, x) }
	var dst []byte
	for _, n := range names {
		p, err := template.Compile(template.Config{Body: template.Text{Name: "template", Text: texts[n]}, Seed: 1, Stream: "0", Files: exampleFiles})
		if err != nil { continue }
		best := 1e9
		k := uint64(0)
		end := time.Now().Add(8*time.Millisecond)
		for time.Now().Before(end) {
			s := time.Now()
			for range 100 {
				dst = p.Append(dst[:0], event.V2, exampleTime+int64(k)*1000, k)
				k++
			}
			if d := float64(time.Since(s).Nanoseconds())/100; d < best { best = d }
		}
		fmt.Fprintf(os.Stderr, "ZZ %s %.1f\n", n, best)
	}
}
