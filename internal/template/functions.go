package template

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/gdummy/gdummy/internal/fake"
	"github.com/gdummy/gdummy/internal/value"
)

// exampleFiles are the files that the functions' examples read.
var exampleFiles = memory{
	"users.csv": "name,email,age:int\nAda Lovelace,ada@example.org,36\nGrace Hopper,grace@example.org,85\nAlan Turing,alan@example.org,41\n",
}

// memory is files that are not on a disk.
type memory map[string]string

func (m memory) Open(path string) (io.ReadCloser, error) {
	text, ok := m[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// exampleTime is the time of the examples' first record, in nanoseconds since 1970.
const exampleTime = int64(1700000000_123456789)

// Examples returns what an expression gives for the first n records with the seed
// 1, a second apart, as JSON.
func Examples(expression string, n int) ([]string, error) {
	p, err := Compile(Config{
		Body: Text{Name: "example", Text: `{"v": {{ ` + expression + ` }}}`},
		Seed: 1, Stream: "0", Files: exampleFiles,
	})
	if err != nil {
		return nil, err
	}
	var shown []string
	for k := range n {
		v := value.OfRaw(p.AppendBody(nil, exampleTime+int64(k)*1e9, uint64(k))).Field("v")
		shown = append(shown, string(v.AppendJSON(nil)))
	}
	return shown, nil
}

// Functions returns the documentation of all functions, in Markdown, with what
// their examples give.
func Functions() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Functions of templates\n\n" +
		"What templates may call, by section. docs/templates.md explains templates. Arguments in brackets may be left out.\n" +
		"The examples show the values of the first records of seed 1.\n" +
		"This file is what `gdummy doc functions` prints.\n")
	section := ""
	for _, f := range fake.Table {
		if f.Section != section {
			section = f.Section
			fmt.Fprintf(&b, "\n## %s\n", section)
		}
		fmt.Fprintf(&b, "\n### %s\n\n`%s`", f.Name, f.Signature())
		if f.Result != "" {
			fmt.Fprintf(&b, " gives: %s", f.Result)
		}
		fmt.Fprintf(&b, "\n\n%s\n", f.Doc)
		if f.Example == "" || f.Form {
			continue
		}
		shown, err := Examples(f.Example, 3)
		if err != nil {
			return nil, fmt.Errorf("the example of %s: %w", f.Name, err)
		}
		fmt.Fprintf(&b, "\n```\n{{ %s }}\n%s\n```\n", f.Example, strings.Join(shown, "\n"))
	}
	return b.Bytes(), nil
}
