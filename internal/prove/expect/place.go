// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Places are where the keys of a sink or an input are in their file, such as
// "shop.test.yaml:12". The key "" is the whole, and "fields.PATH" one field.
type Places map[string]string

// Of returns the place of the first key that has one, as the beginning of a message:
// "shop.test.yaml:12: " or "".
func (p Places) Of(keys ...string) string {
	for _, k := range append(keys, "") {
		if at := p[k]; at != "" {
			return at + ": "
		}
	}
	return ""
}

// placedError is an error at a line of a file.
type placedError struct {
	line int
	err  error
}

func (e *placedError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *placedError) Unwrap() error { return e.err }

// inFile adds the path of the file to an error.
func inFile(path string, err error) error {
	if placed, ok := errors.AsType[*placedError](err); ok {
		return fmt.Errorf("%s:%d: %w", path, placed.line, placed.err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// document is a file whose lines are looked up.
type document struct{ file *ast.File }

func newDocument(text []byte) document {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return document{}
	}
	return document{file}
}

// line returns the line of the value at a path of YAML, or 0.
func (d document) line(path string) int {
	p, err := yaml.PathString(path)
	if err != nil || d.file == nil {
		return 0
	}
	node, err := p.FilterFile(d.file)
	if err != nil || node == nil || node.GetToken() == nil {
		return 0
	}
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		node = m.Values[0].Key // the token of a map may be that of its first colon
	}
	return node.GetToken().Position.Line
}

// quoted returns a key as part of a path of YAML.
func quoted(key string) string { return ".'" + strings.ReplaceAll(key, "'", `\'`) + "'" }

// place adds its line to an error about the element at path, whose message begins with the
// key: "fields: status: invalid".
func (d document) place(path string, err error) error {
	line := d.line(path)
	for _, key := range strings.SplitN(err.Error(), ": ", 3) {
		path += quoted(key)
		inner := d.line(path)
		if inner == 0 {
			break
		}
		line = inner
	}
	if line == 0 {
		return err
	}
	return &placedError{line, err}
}

// places returns the places of the keys of the element at path.
func (d document) places(name, path string, keys ...string) Places {
	p := Places{}
	for _, key := range append(keys, "") {
		at := path
		if field, ok := strings.CutPrefix(key, "fields."); ok {
			at += quoted("fields") + quoted(field)
		} else if key != "" {
			at += quoted(key)
		}
		if line := d.line(at); line > 0 {
			p[key] = fmt.Sprintf("%s:%d", name, line)
		}
	}
	return p
}
