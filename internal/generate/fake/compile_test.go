// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Functions are tested in templates, with this seed, these files and this time of the
// first record.

const exampleTime = int64(1700000000_123456789)

var exampleFiles = files{
	"users.csv": "name,email,age:int\nAda Lovelace,ada@example.org,36\nGrace Hopper,grace@example.org,85\nAlan Turing,alan@example.org,41\n",
	"towns.txt": "\ufeffBerlin\r\n\n Lisbon \nNairobi\nOsaka",
}

// files are texts by name.
type files map[string]string

func (f files) Open(path string) (io.ReadCloser, error) {
	text, ok := f[path]
	if !ok {
		return nil, fmt.Errorf("cannot open %q: %w", path, fs.ErrNotExist)
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func compileWith(text string, f files) (*template.Program, error) {
	return template.Compile(template.Config{Body: template.Text{Name: "template", Text: text}, Seed: 1, Stream: "0", Files: f})
}

func compile(text string) (*template.Program, error) { return compileWith(text, exampleFiles) }

// fataler is a test or a check of rapid.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func mustCompile(t fataler, text string) *template.Program {
	t.Helper()
	p, err := compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// record returns record k of a program as JSON, k seconds after exampleTime.
func record(p *template.Program, k uint64) string {
	return string(value.OfRaw(p.AppendBody(nil, exampleTime+int64(k)*1e9, k)).AppendJSON(nil))
}

// The value of every function for record k does not depend on the records made before.
func TestExamples(t *testing.T) {
	const n = 30
	for i := range fake.Table {
		f := &fake.Table[i]
		text := `{"v": {{ ` + f.Example + ` }}}`
		if f.Form {
			text = f.Example
		}
		forwards, backwards := mustCompile(t, text), mustCompile(t, text)
		var want [n]string
		for k := range want {
			want[k] = record(forwards, uint64(k))
		}
		for k := n - 1; k >= 0; k-- {
			if got := record(backwards, uint64(k)); got != want[k] {
				t.Errorf("%s: record %d after record %d: got %s, want %s", f.Example, k, k+1, got, want[k])
			}
		}
	}
}
