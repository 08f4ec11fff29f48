// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// A panic in any function leaves a program that makes all later records as another does, and
// also the one that panicked.
func TestPanicInFunction(t *testing.T) {
	for _, f := range fake.Table {
		t.Run(f.Name, func(t *testing.T) {
			text := f.Example
			if !f.Form {
				text = fmt.Sprintf(`{"a": "x {{ %[1]s }}", "b": [{{ range 2 }}{"c": [{{ range 2 }}{{ %[1]s }},{{ end }}]},{{ end }}]}`, strings.TrimSpace(f.Example))
			}
			p, err := compile(text)
			if err != nil {
				t.Fatal(err)
			}
			whole := mustCompile(t, text)
			functions, panics := 0, 0
			for i := range p.steps {
				step := p.steps[i] // with its function
				if step.gen == nil && step.put == nil {
					continue
				}
				functions++
				p.steps[i].gen = func(*fake.Record) value.Value { panic("planted") }
				p.steps[i].put = func([]byte, *fake.Record) []byte { panic("planted") }
				k := uint64(i)
				if got := recordOr(p, k); got == "planted" {
					panics++
				} else if want := record(whole, k); got != want {
					t.Errorf("record %d without the function: %s, want %s", k, got, want)
				}
				p.steps[i] = step
				for k := k; k < uint64(i)+3; k++ {
					if got, want := record(p, k), record(whole, k); got != want {
						t.Fatalf("record %d after the panic: %s, want %s", k, got, want)
					}
					if p.run.depth != 0 {
						t.Fatalf("record %d after the panic begins %d levels deep", k+1, p.run.depth)
					}
				}
			}
			if panics == 0 && functions > 0 {
				t.Errorf("%s: nothing panics", text)
			}
		})
	}
}

// recordOr returns a record, or with what making it panics.
func recordOr(p *Program, k uint64) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	return record(p, k)
}
