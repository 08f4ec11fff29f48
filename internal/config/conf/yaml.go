// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/encoding/unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/gdummy/gdummy/internal/files"
)

const (
	maxYAMLSize  = 1 << 20
	maxYAMLDepth = 200
)

// yaml reads a file in the YAML form.
func (r *reader) yaml(f *file) {
	// libyaml supports byte order marks, UTF-16 and all line endings.
	*f = *newFile(f.name, []byte(yamlText(f.text)))
	if what := files.NotText([]byte(f.text)); what != "" {
		r.errorf(f.pos(0), "%s", what)
		return
	}
	if len(f.text) > maxYAMLSize {
		r.errorf(f.pos(0), "%v", errSize)
		return
	}
	y := &yamlFile{reader: r, file: f}
	tree, err := parseYAML(f.text)
	if err == nil {
		y.documents(tree)
		return
	}
	if text := y.blank(); err != errYAMLDepth && text != f.text {
		if tree, err := parseYAML(text); err == nil {
			if y.documents(tree); y.reported {
				return
			}
		}
	}
	var at yaml.Error
	if !errors.As(err, &at) {
		r.errorf(f.pos(0), "%v", err)
		if err == errYAMLTimeout {
			r.total = maxTotal // read no more files
		}
		return
	}
	pos := f.pos(0)
	if t := at.GetToken(); t != nil && t.Position != nil {
		pos = f.pos(f.offset(t.Position.Line, t.Position.Column))
	}
	// Its method Error also formats a part of the text, which can be slow.
	r.errorf(pos, "%s", at.GetMessage())
}

func (y *yamlFile) documents(tree *ast.File) {
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			y.document(doc.Body)
		}
	}
}

// yamlText returns the text of a YAML file in UTF-8, without a byte order mark and with
// line feeds.
func yamlText(text string) string {
	if files.PackingOf([]byte(text)) == files.UTF16 {
		decoded, err := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().String(text)
		if err != nil {
			return text
		}
		text = decoded
	}
	text = strings.TrimPrefix(text, "\ufeff")
	if files.LoneCR([]byte(text)) {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text
}

// yamlTimeout is the maximum time to parse a YAML file. The time of the YAML package is
// quadratic in the number of members of a map: some thousands, more than any
// configuration has, take a second.
const yamlTimeout = 10 * time.Second

// Errors of parseYAML.
var (
	errYAMLDepth   = fmt.Errorf("lists and maps nested deeper than %d levels", maxYAMLDepth)
	errYAMLTimeout = fmt.Errorf("reading the YAML took longer than %v", yamlTimeout)
)

// ParseYAML parses a YAML file as Fluent Bit does, in any encoding and with duplicate keys. The
// file may be of any content.
func ParseYAML(text []byte) (*ast.File, error) { return parseYAML(yamlText(string(text))) }

// parseYAML parses YAML. It recovers from panics of the YAML package, and returns after
// yamlTimeout. The goroutine then continues, because it cannot be stopped.
func parseYAML(text string) (*ast.File, error) {
	if tooDeep(text) {
		return nil, errYAMLDepth
	}
	type result struct {
		tree *ast.File
		err  error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{nil, fmt.Errorf("the YAML parser failed: %v", p)}
			}
			done <- r
		}()
		r.tree, r.err = parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	}()
	select {
	case r := <-done:
		return r.tree, r.err
	case <-time.After(yamlTimeout):
		return nil, errYAMLTimeout
	}
}

// tooDeep reports whether the nesting depth of a text may be too large for a recursive
// parser. It also counts brackets in strings.
func tooDeep(text string) bool {
	open, inLine := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			open++
		case ']', '}':
			open = max(open-1, 0)
		case '\n':
			inLine = 0
		case '-', '?', ':', '!', '&':
			// `- - - x` and `? ? x` nest within a line, as do properties.
			if i+1 < len(text) && (text[i+1] == ' ' || text[i+1] == '\t' || text[i] == '!' || text[i] == '&') {
				inLine++
			}
		}
		if open > maxYAMLDepth || inLine > 10*maxYAMLDepth {
			return true
		}
	}
	return false
}

// yamlFile is the state of reading one file.
type yamlFile struct {
	*reader
	file *file

	blanked  map[int]flow // values that are not in the tree, by the offset of the key
	reported bool         // one of them is a property of an input
}

// flow is a value in brackets.
type flow struct {
	name   string
	start  int // offset
	kind   string
	quoted string
}

// flowStart matches a property up to the opening bracket of its value.
var flowStart = regexp.MustCompile(`(?m)^ *(?:- +)*([A-Za-z][\w.]*) *: +([\[{])`)

// blank replaces each value in brackets that is not YAML, such as a template without
// quotes, by white space. It does not change other offsets.
func (y *yamlFile) blank() string {
	text := []byte(y.file.text)
	y.blanked = map[int]flow{}
	for at := 0; ; {
		m := flowStart.FindSubmatchIndex(text[at:])
		if m == nil {
			return string(text)
		}
		key, start := at+m[2], at+m[4]
		value := flowValue(y.file.text[start:])
		name := y.file.text[key : at+m[3]]
		at = start + len(value)
		if _, err := parseYAML("x: " + value); err == nil || err == errYAMLTimeout {
			continue
		}
		f := flow{name, start, "map", quote(value)}
		if value[0] == '[' {
			f.kind = "list"
		}
		y.blanked[key] = f
		for i, c := range text[start:at] {
			if c != '\n' {
				text[start+i] = ' '
			}
		}
	}
}

// flowValue returns the value at the start of a text: from the opening to the closing
// bracket, and the rest of that line. A value that is not closed ends with its line.
func flowValue(text string) string {
	open, quoted, end := 0, byte(0), 0
	for i := 0; i < len(text) && end == 0; i++ {
		switch c := text[i]; {
		case quoted == '"' && c == '\\':
			i++
		case c == quoted:
			quoted = 0
		case quoted != 0:
		case c == '"' || c == '\'':
			quoted = c
		case c == '{' || c == '[':
			open++
		case c == '}' || c == ']':
			if open--; open == 0 {
				end = i + 1
			}
		}
	}
	rest, _, _ := strings.Cut(text[end:], "\n")
	rest, _, _ = strings.Cut(rest, " #")
	return text[:end] + strings.TrimRight(rest, space)
}

// quote returns a value in quotes and on one line, shortened if it is long.
func quote(value string) string {
	const most = 80
	value = strings.Join(strings.Fields(value), " ")
	if long := []rune(value); len(long) > most {
		value = string(long[:most]) + "…"
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}
