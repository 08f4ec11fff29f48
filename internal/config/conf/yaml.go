// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/encoding/unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/gdummy/gdummy/internal/files"
)

const (
	maxYAMLSize  = 1 << 20
	maxYAMLDepth = 200
)

// yaml reads a file in the YAML form.
func (r *reader) yaml(f *file) {
	// libyaml knows byte order marks, UTF-16 and all ends of lines.
	*f = *newFile(f.name, []byte(yamlText(f.text)))
	if what := files.NotText([]byte(f.text)); what != "" {
		r.mistake(f.pos(0), "%s", what)
		return
	}
	switch {
	case len(f.text) > maxYAMLSize:
		r.mistake(f.pos(0), "%v", errSize)
		return
	case tooDeep(f.text):
		r.mistake(f.pos(0), "lists and maps are nested deeper than %d levels", maxYAMLDepth)
		return
	}
	y := &yamlFile{reader: r, file: f}
	tree, err := parseYAML(f.text)
	if err == nil {
		y.documents(tree)
		return
	}
	if text := y.blank(); text != f.text {
		if tree, err := parseYAML(text); err == nil {
			if y.documents(tree); y.reported {
				return
			}
		}
	}
	var at yaml.Error
	if !errors.As(err, &at) {
		r.mistake(f.pos(0), "%v", err)
		if err == errPatience {
			r.total = maxTotal // no further file
		}
		return
	}
	pos := f.pos(0)
	if t := at.GetToken(); t != nil && t.Position != nil {
		pos = f.pos(f.offset(t.Position.Line, t.Position.Column))
	}
	// Its Error shows a part of the text as well, which can take long.
	r.mistake(pos, "%s", at.GetMessage())
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

// patience is how long the YAML package may take for a file. Its time grows with
// the square of the members of a map: some thousand take a second, and no
// configuration has as many.
const patience = 10 * time.Second

var errPatience = fmt.Errorf("the YAML reader did not finish within %v", patience)

// parseYAML keeps the YAML package from ending the process by a panic, and from
// running on. What does not finish is left behind: there is no way to stop it.
func parseYAML(text string) (*ast.File, error) {
	type result struct {
		tree *ast.File
		err  error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{nil, fmt.Errorf("this is beyond the YAML reader (%v)", p)}
			}
			done <- r
		}()
		r.tree, r.err = parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	}()
	select {
	case r := <-done:
		return r.tree, r.err
	case <-time.After(patience):
		return nil, errPatience
	}
}

// tooDeep says whether a text might nest deeper than the reader, which calls
// itself at each level, should go. Brackets in strings count as well.
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
			// `- - - x` and `? ? x` nest within one line, as do properties.
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

	blanked  map[int]flow // by the offset of the key: values that are not in the tree
	reported bool         // one of them is a property of an input
}

// flow is a value in brackets.
type flow struct {
	name   string
	start  int // offset
	kind   string
	quoted string
}

// flowStart matches a property up to the bracket that its value begins with.
var flowStart = regexp.MustCompile(`(?m)^ *(?:- +)*([A-Za-z][\w.]*) *: +([\[{])`)

// blank returns the text with each value in brackets that is not YAML, such as a
// template without quotes, replaced by white space. Everything else stays in its place.
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
		if _, err := parseYAML("x: " + value); err == nil || err == errPatience {
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

// flowValue returns the value at the beginning of a text that begins with a bracket: up
// to the bracket that closes it, and what stands behind that in its line. A value that
// is not closed ends with its line.
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

// quote returns a value on one line and in quotes, shortened if it is long.
func quote(value string) string {
	const most = 80
	value = strings.Join(strings.Fields(value), " ")
	if long := []rune(value); len(long) > most {
		value = string(long[:most]) + "…"
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// at returns the place of a node.
func (y *yamlFile) at(n ast.Node) Pos { return y.file.pos(y.offset(n.GetToken())) }

func (y *yamlFile) offset(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return y.file.offset(t.Position.Line, t.Position.Column)
}

// plain takes anchors and tags off a node; Fluent Bit ignores them.
func plain(n ast.Node) ast.Node {
	for range maxYAMLDepth {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		default:
			return n
		}
	}
	return n
}

// members returns the members of a map, or says that n is none.
func (y *yamlFile) members(n ast.Node, what string) []*ast.MappingValueNode {
	switch v := plain(n).(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	case *ast.NullNode, nil:
		return nil
	default:
		y.mistake(y.at(n), "%s must be a map, and this is %s", what, kindOf(v))
	}
	return nil
}

// elements returns the elements of a list, or says that n is none.
func (y *yamlFile) elements(n ast.Node, what string) []ast.Node {
	switch v := plain(n).(type) {
	case *ast.SequenceNode:
		return v.Values
	case *ast.NullNode, nil:
		return nil
	default:
		y.mistake(y.at(n), "%s must be a list, and this is %s", what, kindOf(v))
	}
	return nil
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a map"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AliasNode:
		return "an alias, which Fluent Bit does not know"
	}
	return "text"
}

// key returns the text of a map's key, and where it stands.
func (y *yamlFile) key(m *ast.MappingValueNode) (string, Pos) {
	t := m.Key.GetToken()
	text := ""
	if s, ok := y.scalar(m.Key); ok {
		text = s
	} else if t != nil {
		text = t.Value
	}
	return text, y.file.pos(y.offset(t))
}

// document reads the top level.
func (y *yamlFile) document(n ast.Node) {
	for _, m := range y.members(n, "the configuration") {
		name, _ := y.key(m)
		switch strings.ToLower(name) {
		case "pipeline":
			y.pipeline(m.Value)
		case "includes":
			y.includes(m.Value)
		case "env":
			y.env(m.Value)
		}
	}
}

func (y *yamlFile) pipeline(n ast.Node) {
	for _, m := range y.members(n, "pipeline") {
		name, pos := y.key(m)
		switch strings.ToLower(name) {
		case "inputs":
			for _, e := range y.elements(m.Value, "inputs") {
				y.input(e)
			}
		case "filters", "outputs":
		default:
			y.mistake(pos, "a pipeline has inputs, filters and outputs, but no %q", name)
		}
	}
}

func (y *yamlFile) includes(n ast.Node) {
	dir := filepath.Dir(y.file.name)
	for _, e := range y.elements(n, "includes") {
		path, ok := y.scalar(plain(e))
		pos := y.at(e)
		switch {
		case !ok || path == "":
			y.mistake(pos, "an include must be the path of a file, and this is %s", kindOf(plain(e)))
		case strings.Contains(path, "*"):
			for _, p := range y.glob(pos, dir, path) {
				y.include(pos, p)
			}
		case filepath.IsAbs(path):
			y.include(pos, path)
		default:
			y.include(pos, filepath.Join(dir, path))
		}
	}
}

func (y *yamlFile) include(pos Pos, path string) {
	if f, ok := y.open(pos, path); ok {
		y.yaml(f)
	}
}

// env reads the variables: a map, or a list of maps with name and value.
func (y *yamlFile) env(n ast.Node) {
	list, ok := plain(n).(*ast.SequenceNode)
	if !ok {
		for _, m := range y.members(n, "env") {
			name, _ := y.key(m)
			if v, ok := y.scalar(plain(m.Value)); ok {
				y.config.Env[name] = v
			}
		}
		return
	}
	for _, e := range list.Values {
		var name, value string
		for _, m := range y.members(e, "an element of env") {
			key, _ := y.key(m)
			v, _ := y.scalar(plain(m.Value))
			switch strings.ToLower(key) {
			case "name":
				name = v
			case "value":
				value = v
			}
		}
		y.config.Env[name] = value
	}
}

// input reads one element of pipeline.inputs.
func (y *yamlFile) input(n ast.Node) {
	in := &Input{Pos: y.at(n)}
	before := len(y.config.Mistakes)
	members := y.members(n, "an input")
	if len(y.config.Mistakes) > before {
		return
	}
	if len(members) > 0 {
		in.Pos = y.at(members[0].Key)
	}
	for _, m := range members {
		name, pos := y.key(m)
		name = snake(strings.Trim(name, space))
		if _, isAlias := plain(m.Value).(*ast.AliasNode); isAlias {
			y.mistake(y.at(m.Value), "Fluent Bit does not know aliases")
			continue
		}
		if list, ok := plain(m.Value).(*ast.SequenceNode); ok && allText(list) {
			// Fluent Bit sets the property once for each element.
			at := y.at(list)
			for _, e := range list.Values {
				in.Properties = append(in.Properties, &Property{Name: name, Pos: pos, Value: y.value(plain(e)), List: &at, Quoted: y.quoted(list)})
			}
			continue
		}
		if name == "routes" {
			in.ConditionalRoute = y.conditionalRoute(m.Value)
		}
		if v, ok := y.blanked[y.offset(m.Key.GetToken())]; ok {
			y.reported = true
			y.wrong(y.file.pos(v.start), "expected text, and this is a malformed "+v.kind+" of YAML: text that begins with a bracket needs quotes", "use "+v.name+": "+v.quoted)
			continue
		}
		p := &Property{Name: name, Pos: pos}
		if _, ok := y.scalar(plain(m.Value)); ok {
			p.Value = y.value(plain(m.Value))
		} else {
			p.NotText = kindOf(plain(m.Value))
			p.Value = Value{file: y.file, from: func(int) int { return y.offset(m.Value.GetToken()) }}
			p.Quoted = y.quoted(plain(m.Value))
		}
		in.Properties = append(in.Properties, p)
	}
	y.config.Inputs = append(y.config.Inputs, in)
	y.named(in)
}

// quoted returns a map or list as text, if it is in brackets.
func (y *yamlFile) quoted(n ast.Node) string {
	text := y.file.text[y.offset(n.GetToken()):]
	if text == "" || text[0] != '{' && text[0] != '[' {
		return ""
	}
	return quote(flowValue(text))
}

// conditionalRoute returns where the first route for logs stands that not all records
// take. Whatever Fluent Bit would refuse is none.
func (y *yamlFile) conditionalRoute(routes ast.Node) *Pos {
	for _, m := range mapping(routes) {
		signals, _ := y.key(m)
		signals = strings.ToLower(signals)
		if !strings.Contains(signals, "logs") && !strings.Contains(signals, "any") {
			continue
		}
		sequence, ok := plain(m.Value).(*ast.SequenceNode)
		if !ok {
			continue
		}
		for _, route := range sequence.Values {
			for _, m := range mapping(route) {
				name, pos := y.key(m)
				perRecord, _ := y.scalar(plain(m.Value))
				if name == "condition" || name == "per_record_routing" && isTrue(perRecord) {
					return &pos
				}
			}
		}
	}
	return nil
}

// isTrue says whether Fluent Bit takes a text for yes.
func isTrue(text string) bool {
	switch strings.ToLower(text) {
	case "true", "on", "yes":
		return true
	}
	return false
}

// mapping returns the members of a map; anything else has none.
func mapping(n ast.Node) []*ast.MappingValueNode {
	switch v := plain(n).(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	}
	return nil
}

func allText(list *ast.SequenceNode) bool {
	for _, e := range list.Values {
		switch plain(e).(type) {
		case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode, *ast.AliasNode:
			return false
		}
	}
	return true
}

// snake makes intervalSec, as YAML users may write, interval_sec
// (flb_cf_key_translate).
func snake(name string) string {
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		return name
	}
	if strings.Contains(name, "_") {
		return strings.ToLower(name)
	}
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// scalar returns the text of a scalar as it is written, whatever type YAML would
// see in it, and whether n is one.
func (y *yamlFile) scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.NullNode:
		if t := v.GetToken(); t != nil && strings.HasPrefix(y.file.text[y.offset(t):], t.Value) {
			return t.Value, true
		}
		return "", true // nothing is written
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode, *ast.MergeKeyNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// value returns a scalar without white space around it, as Fluent Bit does, with
// the place of each of its bytes.
func (y *yamlFile) value(n ast.Node) Value {
	text, _ := y.scalar(n)
	text = strings.Trim(text, space)
	start := y.offset(n.GetToken())
	for start < len(y.file.text) && y.file.text[start] == ' ' {
		start++ // behind a tag, the position is that of the space
	}
	v := Value{Text: text, file: y.file, from: func(int) int { return start }}
	if from, ok := places(y.file, start, text); ok {
		v.from = from
	}
	return v
}
