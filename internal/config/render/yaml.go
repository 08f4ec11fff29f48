// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/gdummy/gdummy/internal/config/conf"
)

// node is a node of YAML: a scalar, a map or a list.
type node struct {
	text   string
	quoted bool // a scalar that is a string, whatever it looks like
	isMap  bool
	isList bool
	keys   []string // of a map
	values []*node  // of a map or list

	section *Section // that it is, or nil
}

// isText reports whether a node is a scalar.
func (n *node) isText() bool { return !n.isMap && !n.isList }

// find returns the index of a member of a map, or -1. It has the name of a property,
// however YAML spells that.
func (n *node) find(name string) int {
	return slices.IndexFunc(n.keys, func(k string) bool { return strings.EqualFold(conf.PropertyName(k), name) })
}

// add adds a member to a map.
func (n *node) add(name, text string) {
	n.keys, n.values = append(n.keys, name), append(n.values, &node{text: text, quoted: true})
}

// hasName reports whether the node contains a map with that name.
func (n *node) hasName(name string) bool {
	if i := n.find("name"); i >= 0 && n.values[i].isText() && strings.EqualFold(n.values[i].text, name) {
		return true
	}
	return slices.ContainsFunc(n.values, func(v *node) bool { return v.hasName(name) })
}

// yamlFile is a file of YAML.
type yamlFile struct{ root *node }

func (c *Config) readYAML(path string, text []byte) (*yamlFile, error) {
	tree, err := conf.ParseYAML(text)
	if err != nil {
		return nil, err
	}
	f := &yamlFile{root: &node{isMap: true}}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		n, err := convert(doc.Body, 0)
		if err != nil {
			return nil, err
		}
		if !n.isMap {
			return nil, fmt.Errorf("expected a map of sections")
		}
		f.root.keys, f.root.values = append(f.root.keys, n.keys...), append(f.root.values, n.values...)
	}
	return f, c.yamlSections(f.root, filepath.Dir(path))
}

// yamlSections finds the sections of a file.
func (c *Config) yamlSections(root *node, dir string) error {
	for i, key := range root.keys {
		v := root.values[i]
		switch kind := strings.ToLower(key); kind {
		case "service", testSection:
			c.section(kind, v)
		case "plugins":
			for _, p := range v.values {
				if p.isText() {
					c.Plugins = append(c.Plugins, p.text)
					p.text, p.quoted = c.absolutePath(p.text, "plugins: "), true
				}
			}
		case "includes":
			if err := c.yamlIncludes(v, dir); err != nil {
				return err
			}
		case "pipeline":
			for j, part := range v.keys {
				for _, s := range v.values[j].values {
					c.section(strings.TrimSuffix(strings.ToLower(part), "s"), s)
				}
			}
		}
	}
	return nil
}

func (c *Config) section(kind string, n *node) {
	if n.isMap {
		n.section = &Section{Kind: kind, props: n}
		c.add(n.section)
	}
}

// yamlIncludes reads the included files, and names their copies.
func (c *Config) yamlIncludes(list *node, dir string) error {
	var names []*node
	for _, v := range list.values {
		path := v.text
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		files := []string{path}
		if strings.Contains(path, "*") {
			var err error
			if files, err = filepath.Glob(path); err != nil {
				return err
			}
		}
		for _, file := range files {
			out, err := c.read(file)
			if err != nil {
				return err
			}
			names = append(names, &node{text: out, quoted: true})
		}
	}
	list.values = names
	return nil
}

// maxDepth bounds how deep a file nests.
const maxDepth = 200

// convert makes a node of the parser's tree.
func convert(n ast.Node, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	switch v := n.(type) {
	case *ast.AnchorNode:
		return convert(v.Value, depth+1)
	case *ast.TagNode:
		return convert(v.Value, depth+1)
	case *ast.MappingNode:
		return convertMap(v.Values, depth)
	case *ast.MappingValueNode:
		return convertMap([]*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		out := &node{isList: true}
		for _, e := range v.Values {
			c, err := convert(e, depth+1)
			if err != nil {
				return nil, err
			}
			out.values = append(out.values, c)
		}
		return out, nil
	case *ast.StringNode:
		t := v.GetToken().Type
		return &node{text: v.Value, quoted: t == token.DoubleQuoteType || t == token.SingleQuoteType}, nil
	case *ast.LiteralNode:
		return &node{text: v.Value.Value, quoted: true}, nil
	case *ast.NullNode, nil:
		return &node{}, nil
	case *ast.AliasNode:
		return nil, fmt.Errorf("line %d: aliases are not supported by Fluent Bit", v.GetToken().Position.Line)
	}
	return &node{text: n.GetToken().Value}, nil
}

func convertMap(values []*ast.MappingValueNode, depth int) (*node, error) {
	out := &node{isMap: true}
	for _, m := range values {
		key, err := convert(m.Key, depth+1)
		if err != nil {
			return nil, err
		}
		v, err := convert(m.Value, depth+1)
		if err != nil {
			return nil, err
		}
		out.keys, out.values = append(out.keys, key.text), append(out.values, v)
	}
	return out, nil
}

func (f *yamlFile) text() string {
	var b strings.Builder
	f.root.write(&b, 0)
	return b.String()
}

func (f *yamlFile) addService(c *Config) {
	n := &node{isMap: true}
	f.root.keys = append([]string{"service"}, f.root.keys...)
	f.root.values = append([]*node{n}, f.root.values...)
	c.section("service", n)
}

// write writes a map or list as a block.
func (n *node) write(b *strings.Builder, indent int) {
	pad := strings.Repeat("  ", indent)
	for i, v := range n.values {
		if v.section != nil && v.section.gone {
			continue
		}
		head := pad + "-"
		if n.isMap {
			head = pad + key(n.keys[i]) + ":"
		}
		switch {
		case v.empty() && v.isMap:
			b.WriteString(head + " {}\n")
		case v.empty() && v.isList:
			b.WriteString(head + " []\n")
		case v.isMap || v.isList:
			b.WriteString(head + "\n")
			v.write(b, indent+1)
		default:
			b.WriteString(strings.TrimRight(head+" "+v.scalar(), " ") + "\n")
		}
	}
}

// empty reports whether a map or list has nothing to write.
func (n *node) empty() bool {
	for _, v := range n.values {
		if v.section == nil || !v.section.gone {
			return false
		}
	}
	return true
}

// scalar returns a scalar as it is written. A plain one stays plain, because Fluent Bit
// sees numbers and booleans in some.
func (n *node) scalar() string {
	if n.quoted || n.text != "" && strings.Trim(n.text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-") != "" {
		return strconv.Quote(n.text) // all its escapes are those of YAML, too
	}
	return n.text
}

func key(text string) string {
	n := node{text: text, quoted: text == ""}
	return n.scalar()
}
