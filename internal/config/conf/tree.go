// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/gdummy/gdummy/internal/config/units"
)

// This file reads variables, included files and inputs from the tree of a YAML file.

// at returns the position of a node.
func (y *yamlFile) at(n ast.Node) Pos { return y.file.pos(y.offset(n.GetToken())) }

func (y *yamlFile) offset(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return y.file.offset(t.Position.Line, t.Position.Column)
}

// plain returns a node without anchors and tags, which Fluent Bit ignores.
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

// members returns the members of a map, or reports an error if n is not a map.
func (y *yamlFile) members(n ast.Node, what string) []*ast.MappingValueNode {
	switch v := plain(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.NullNode, nil:
	default:
		y.errorf(y.at(n), "%s: expected a map, found %s", what, kindOf(v))
	}
	return mapping(n)
}

// elements returns the elements of a list, or reports an error if n is not a list.
func (y *yamlFile) elements(n ast.Node, what string) []ast.Node {
	switch v := plain(n).(type) {
	case *ast.SequenceNode:
		return v.Values
	case *ast.NullNode, nil:
		return nil
	default:
		y.errorf(y.at(n), "%s: expected a list, found %s", what, kindOf(v))
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
		return "an alias, which Fluent Bit does not support"
	}
	return "text"
}

// key returns the text of a map's key, and its position.
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
	for _, m := range y.members(n, "configuration") {
		name, pos := y.key(m)
		switch strings.ToLower(name) {
		case "pipeline":
			y.pipeline(m.Value)
		case "includes":
			y.includes(m.Value)
		case "env":
			y.env(m.Value)
		default:
			if !slices.Contains(sections, strings.ToLower(name)) {
				y.unknown(pos, name, m.Value)
			}
		}
	}
}

// sections are the names of the top level that Fluent Bit and gdummy test read.
var sections = []string{"pipeline", "includes", "env", "service", "parsers", "multiline_parsers", "plugins", "customs", "stream_processor", "upstream_servers", "gdummy_test"}

// unknown reports a section that is not one of them. Fluent Bit ignores a map of texts, whose
// name may be meant, and does not start with anything else.
func (y *yamlFile) unknown(pos Pos, name string, value ast.Node) {
	hint := ""
	if near := units.Nearest(name, sections); near != "" {
		hint = "did you mean " + near + "?"
	}
	if !isFlat(plain(value)) {
		y.wrong(pos, fmt.Sprintf("unknown section %q: expected one of Fluent Bit's, or a map of texts, which it ignores", name), hint)
	} else if hint != "" {
		y.config.Notes = append(y.config.Notes, &Error{pos, fmt.Sprintf("Fluent Bit ignores the unknown section %q", name), hint})
	}
}

// isFlat reports whether a node is a map whose values are texts.
func isFlat(n ast.Node) bool {
	return kindOf(n) == "a map" &&
		!slices.ContainsFunc(mapping(n), func(m *ast.MappingValueNode) bool { return kindOf(plain(m.Value)) != "text" })
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
			y.errorf(pos, "unknown part %q of the pipeline: expected inputs, filters or outputs", name)
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
			y.errorf(pos, "include: expected the path of a file, found %s", kindOf(plain(e)))
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
		for _, m := range y.members(e, "element of env") {
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
	before := len(y.config.Errors)
	members := y.members(n, "input")
	if len(y.config.Errors) > before {
		return
	}
	if len(members) > 0 {
		in.Pos = y.at(members[0].Key)
	}
	for _, m := range members {
		name, pos := y.key(m)
		name = PropertyName(strings.Trim(name, space))
		if _, isAlias := plain(m.Value).(*ast.AliasNode); isAlias {
			y.errorf(y.at(m.Value), "Fluent Bit does not support aliases")
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
			y.wrong(y.file.pos(v.start), "expected text, found an invalid "+v.kind+" of YAML: text that begins with a bracket needs quotes", "use "+v.name+": "+v.quoted)
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

// conditionalRoute returns the position of the first route for logs that depends on the
// record, or nil. It ignores routes that Fluent Bit would reject.
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
				text, _ := y.scalar(plain(m.Value))
				on, _ := units.ParseBool(text)
				if name == "condition" || name == "per_record_routing" && on {
					return &pos
				}
			}
		}
	}
	return nil
}

// mapping returns the members of a map, or nil for other nodes.
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
	return !slices.ContainsFunc(list.Values, func(e ast.Node) bool { return kindOf(plain(e)) != "text" })
}

// PropertyName converts a name such as intervalSec, which YAML allows, to interval_sec
// (flb_cf_key_translate).
func PropertyName(name string) string {
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

// scalar returns the text of a scalar as written, independent of its type in YAML, and
// reports whether n is a scalar.
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
		return "", true // an empty value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode, *ast.MergeKeyNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// value returns a scalar without surrounding white space, as Fluent Bit does, with the
// offset of each byte.
func (y *yamlFile) value(n ast.Node) Value {
	text, _ := y.scalar(n)
	text = strings.Trim(text, space)
	start := y.offset(n.GetToken())
	for start < len(y.file.text) && y.file.text[start] == ' ' {
		start++ // after a tag, the position is that of the space
	}
	v := Value{Text: text, file: y.file, from: func(int) int { return start }}
	if from, ok := places(y.file, start, text); ok {
		v.from = from
	}
	return v
}
