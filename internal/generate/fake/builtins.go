// SPDX-License-Identifier: Apache-2.0

package fake

// special are the functions that the compiler builds itself.
var special = []Func{
	{
		Name: "omit", Section: secSpecial, Result: "nothing", Form: true,
		Example: `{"n": {{ seq }}, "error": {{ if bool 0.4 }}"failed"{{ else }}{{ omit }}{{ end }}}`,
		Doc:     "Omits the member or element whose value it is.",
	},
	{
		Name: "fragment", Section: secSpecial, Result: "any", Form: true,
		Example: `{{ define "who" }}{"user": {{ username }}}{{ end }}{"log": "{{ json (fragment "who") }}"}`,
		Doc:     "The output of the fragment NAME (a `define`) as a value, for json, logfmt, len and others. DOT is the fragment's dot.",
		Args:    []Arg{{Name: "NAME", Type: Text}, {Name: "DOT", Optional: true, Dynamic: true}},
	},
	{
		Name: "weight", Section: secSpecial, Result: "nothing", Form: true,
		Example: `{{ weight 1.5 }}{"event": "view"} {{ weight 1 }}{"event": "order"}`,
		Doc:     "The weight of the object after it: of several objects, each occurs in proportion to its weight. The default is 1.",
		Args:    []Arg{{Name: "N", Type: Number}},
	},
	{
		Name: "irregular", Section: secSpecial, Result: "nothing", Form: true,
		Example: `{"line": "ok"} {{ irregular 0.4 }}{"line": "odd"}`,
		Doc: "Before an object: it is irregular, and SHARE of all records are like it. The other objects share the rest, by their weights. " +
			"The option irregular sets the share of all irregular objects together, and keeps their proportions.",
		Args: []Arg{{Name: "SHARE", Type: Number}},
	},
	{
		Name: "pad", Section: secSpecial, Result: "string", Form: true,
		Example: `{"n": {{ seq }}, "padding": {{ pad 32 }}}`,
		Doc: "A string of random letters that makes the record SIZE bytes of MessagePack long, without time and metadata. It must be the value of a member. " +
			"A record that is already longer gets an empty string.",
		Args: []Arg{{Name: "SIZE", Type: Integer}},
	},
}
