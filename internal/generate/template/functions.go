// SPDX-License-Identifier: Apache-2.0

package template

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// exampleFiles are the files that the examples of functions read.
var exampleFiles = exampleFS{
	"users.csv": "name,email,age:int\nAda Lovelace,ada@example.org,36\nGrace Hopper,grace@example.org,85\nAlan Turing,alan@example.org,41\n",
	"towns.txt": "Berlin\nLisbon\nNairobi\nOsaka\n",
}

// exampleFS has the contents of files by name.
type exampleFS map[string]string

func (m exampleFS) Open(path string) (io.ReadCloser, error) {
	text, ok := m[path]
	if !ok {
		return nil, fmt.Errorf("cannot open %q: %w", path, fs.ErrNotExist)
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// exampleTime is the time of the examples' first record, in nanoseconds since 1970.
const exampleTime = int64(1700000000_123456789)

// exampleText returns the example of a function as a template.
func exampleText(f *fake.Func) string {
	if f.Form {
		return f.Example
	}
	return `{"v": {{ ` + f.Example + ` }}}`
}

// examples returns the output of a function's example as JSON, for the first n
// records of seed 1, one second apart: values, or records if the function is a Form.
func examples(f *fake.Func, n int) ([]string, error) {
	p, err := Compile(Config{Body: Text{Name: "example", Text: exampleText(f)}, Seed: 1, Stream: "0", Files: exampleFiles})
	if err != nil {
		return nil, err
	}
	var shown []string
	for k := range n {
		v := value.OfRaw(p.AppendBody(nil, exampleTime+int64(k)*1e9, uint64(k)))
		if !f.Form {
			v = v.Field("v")
		}
		shown = append(shown, string(v.AppendJSON(nil)))
	}
	return shown, nil
}

// Functions returns the documentation of all functions, in Markdown, with the
// output of their examples.
func Functions() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Functions of templates\n\n" +
		"The functions that templates can call. `gdummy doc templates` explains templates. Arguments in brackets are optional.\n" +
		"The examples show the values of the first records of seed 1.\n" +
		"`gdummy doc functions` prints this page.\n")
	section := ""
	for i := range fake.Table {
		f := &fake.Table[i]
		if f.Section != section {
			section = f.Section
			fmt.Fprintf(&b, "\n## %s\n", section)
		}
		b.WriteByte('\n')
		if err := document(&b, f); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// Function returns the section of [Functions] about one function, which must exist.
func Function(name string) ([]byte, error) {
	var b bytes.Buffer
	err := document(&b, fake.Find(name))
	return b.Bytes(), err
}

// document writes the documentation of a function.
func document(b *bytes.Buffer, f *fake.Func) error {
	fmt.Fprintf(b, "### %s\n\n`%s`", f.Name, f.Signature())
	if f.Result != "" {
		fmt.Fprintf(b, " returns: %s", f.Result)
	}
	fmt.Fprintf(b, "\n\n%s\n", f.Doc)
	shown, err := examples(f, 3)
	if err != nil {
		return fmt.Errorf("the example of %s: %w", f.Name, err)
	}
	text := f.Example
	if !f.Form {
		text = "{{ " + text + " }}"
	}
	fmt.Fprintf(b, "\n```\n%s\n%s\n```\n", text, strings.Join(shown, "\n"))
	return nil
}
