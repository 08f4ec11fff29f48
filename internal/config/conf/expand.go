// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"os"
	"sort"
	"strings"
)

// Environment looks up a variable. An empty variable is not set, as in Fluent Bit.
type Environment func(name string) (value string, ok bool)

// Process is the environment of this process.
func Process(name string) (string, bool) {
	v, ok := os.LookupEnv(name)
	return v, ok && v != ""
}

// Variable is a ${NAME} or ${NAME:-default} in a text.
type Variable struct {
	Name   string
	Offset int  // of its '$', in bytes
	Set    bool // it has a value or a default

	// Missed reports that Fluent Bit does not expand the variable, or damages the text
	// around it: its search for the closing brace ends at a '}' before the variable
	// (flb_env_var_translate, all versions up to 5.1.1).
	Missed bool
}

// maxVariable is the length of a name, in bytes, from which on Fluent Bit rejects it.
const maxVariable = 4096

// Expand replaces all variables in a text, including those that Fluent Bit misses. A
// variable that is not set is replaced by nothing.
func Expand(text string, env Environment) (expanded string, vars []Variable) {
	e := expand(text, env)
	return e.text, e.vars
}

// expansion is an expanded text with the origin of each byte.
type expansion struct {
	text string
	vars []Variable
	cuts []cut
}

// cut is an offset in an expanded text from which on its bytes have another origin in
// the raw text: consecutive bytes, or all the same one.
type cut struct {
	at, from int
	single   bool
}

// origin returns the offset in the raw text of a byte of the expanded text.
func (e *expansion) origin(offset int) int {
	i := sort.Search(len(e.cuts), func(i int) bool { return e.cuts[i].at > offset })
	if i == 0 {
		return offset
	}
	c := e.cuts[i-1]
	if c.single {
		return c.from
	}
	return c.from + offset - c.at
}

func expand(text string, env Environment) *expansion {
	e := new(expansion)
	var b strings.Builder
	missed := false
	for at := 0; ; {
		rest := text[at:]
		i := strings.Index(rest, "${")
		n := -1
		if i >= 0 {
			n = strings.IndexByte(rest[i:], '}')
		}
		if n < 0 {
			e.cuts = append(e.cuts, cut{at: b.Len(), from: at})
			b.WriteString(rest)
			e.text = b.String()
			return e
		}
		missed = missed || strings.IndexByte(rest[:i], '}') >= 0
		inner := rest[i+2 : i+n]
		name, fallback, hasDefault := strings.Cut(inner, ":-")
		if j := strings.IndexByte(inner, ':'); j >= 0 && hasDefault && j < len(name) {
			// Fluent Bit checks the first colon only.
			name, fallback, hasDefault = inner, "", false
		}
		e.cuts = append(e.cuts, cut{at: b.Len(), from: at})
		b.WriteString(rest[:i])
		if inner == "" || len(inner) >= maxVariable {
			b.WriteString(rest[i : i+n+1])
			at += i + n + 1
			continue
		}
		v := Variable{Name: name, Offset: at + i, Missed: missed, Set: true}
		value, ok := env(name)
		if !ok {
			value, v.Set = fallback, hasDefault
		}
		e.vars = append(e.vars, v)
		e.cuts = append(e.cuts, cut{at: b.Len(), from: at + i, single: true})
		b.WriteString(value)
		at += i + n + 1
	}
}
