// SPDX-License-Identifier: Apache-2.0

package fake

// special are the words that the compiler itself understands.
var special = []Func{
	{
		Name: "omit", Section: secSpecial, Result: "nothing", Form: true,
		Example: `{"n": {{ seq }}, "error": {{ if bool 0.4 }}"failed"{{ else }}{{ omit }}{{ end }}}`,
		Doc:     "Leaves the member or element out in whose place it stands.",
	},
	{
		Name: "fragment", Section: secSpecial, Result: "any", Form: true,
		Example: `{{ define "who" }}{"user": {{ username }}}{{ end }}{"log": "{{ json (fragment "who") }}"}`,
		Doc:     "What the fragment NAME (a `define`) gives, as a value: for json, logfmt, len and others. DOT is the fragment's dot.",
		Args:    []Arg{{Name: "NAME", Type: Text}, {Name: "DOT", Optional: true, Dynamic: true}},
	},
	{
		Name: "weight", Section: secSpecial, Result: "nothing", Form: true,
		Example: `{{ weight 1.5 }}{"event": "view"} {{ weight 1 }}{"event": "order"}`,
		Doc:     "Stands before one of several objects: it comes up in proportion to N. Without it, the weight is 1.",
		Args:    []Arg{{Name: "N", Type: Number}},
	},
	{
		Name: "pad", Section: secSpecial, Result: "string", Form: true,
		Example: `{"n": {{ seq }}, "padding": {{ pad 32 }}}`,
		Doc: "In the place of a member's value: a string of random letters, as long as makes the whole record SIZE bytes of MessagePack " +
			"(without time and metadata). A record that is longer already gets an empty string.",
		Args: []Arg{{Name: "SIZE", Type: Integer}},
	},
}
