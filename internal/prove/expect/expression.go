// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/template"
)

var (
	comparison      = regexp.MustCompile(`^([$.]?[\w.]+)\s*(==|!=|<=|>=|=|<|>)\s*(.+)$`)
	unknownFunction = regexp.MustCompile(`^unknown function (\w+)`)
)

// functionOf are the functions of templates for what people write instead.
var functionOf = map[string]string{"==": "eq", "=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}

// checkExpression returns an error for a text that is written in another language.
func checkExpression(text string) error {
	if strings.Contains(text, "{{") {
		return fmt.Errorf("invalid value %q: expected an expression without {{ and }}", text)
	}
	if m := comparison.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("invalid value %q: expected functions: %s %s %s", text, functionOf[m[2]], m[1], m[3])
	}
	return nil
}

// explained returns an error in one of the expressions with what was probably meant.
func explained(e *option.Error, texts []template.Text) string {
	line := e.Option + ": " + e.Problem
	if m := unknownFunction.FindStringSubmatch(e.Problem); m != nil && slices.ContainsFunc(texts, func(t template.Text) bool { return t.Name == e.Option && t.Text == "{{"+m[1]+"}}" }) {
		return fmt.Sprintf(`%s: %s: expected a variable, such as $%s, or a text with quotes of its own: '"%[3]s"'`, e.Option, m[0], m[1])
	}
	if e.Meant != "" && !strings.Contains(line, "did you mean") {
		line += "; did you mean " + e.Meant + "?"
	}
	return line
}

// kindsOfYAML are the kinds of nodes, in words.
var kindsOfYAML = map[ast.NodeType]string{ast.MappingType: "a map", ast.MappingValueType: "a map", ast.SequenceType: "a list"}

func kindOfYAML(t ast.NodeType) string {
	if kind, ok := kindsOfYAML[t]; ok {
		return kind
	}
	return "a text"
}

// plainYAMLError returns an error of the YAML of a file with what is expected.
func plainYAMLError(err error) error {
	var unknown *yaml.UnknownFieldError
	var kind *yaml.UnexpectedNodeTypeError
	var scalar *yaml.TypeError
	switch {
	case errors.As(err, &unknown):
		keys := keysOf(yamlSink{})
		if unknown.Token.Position.Column == 1 {
			keys = keysOf(yamlFile{})
		}
		return &placedError{unknown.Token.Position.Line, fmt.Errorf("unknown key %q: expected one of %s%s",
			unknown.Token.Value, strings.Join(keys, ", "), units.Hint(unknown.Token.Value, keys, ""))}
	case errors.As(err, &kind):
		return &placedError{kind.Token.Position.Line, fmt.Errorf("expected %s, found %s", kindOfYAML(kind.Expected), kindOfYAML(kind.Actual))}
	case errors.As(err, &scalar):
		return &placedError{scalar.Token.Position.Line, errors.New("expected a text or a number, found a list or a map")}
	}
	return err
}
