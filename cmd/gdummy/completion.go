// SPDX-License-Identifier: Apache-2.0

package main

import (
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/generate/format"
)

// completeCommand is the hidden command that the completion scripts call with the words
// of a command line, the last of which is to be completed.
const completeCommand = "__complete"

// fileNames among completions means that the shell completes names of files.
const fileNames = ":files"

// supportedShell is a shell with a completion script, and how to install that.
type supportedShell struct{ name, install string }

// shells lists the shells with a completion script.
var shells = []supportedShell{
	{"bash", "source <(gdummy completion bash)"},
	{"zsh", "source <(gdummy completion zsh)"},
	{"fish", "gdummy completion fish | source"},
}

//go:embed completion
var scripts embed.FS

func shellNames() []string { return namesOf(shells, func(sh supportedShell) string { return sh.name }) }

func completion(s stream, args []string) int {
	if len(args) != 1 {
		return s.usageError("expected one shell: %s", strings.Join(shellNames(), ", "))
	}
	script, err := scripts.ReadFile("completion/gdummy." + args[0])
	if err != nil {
		return s.usageError("unsupported shell %q: expected %s", args[0], strings.Join(shellNames(), ", "))
	}
	if _, err := s.out.Write(script); err != nil {
		return s.fail(err)
	}
	return exitFine
}

func completionHelp(w io.Writer) {
	fmt.Fprint(w, "\nTo complete commands, flags and values in the running shell:\n\n")
	for _, sh := range shells {
		fmt.Fprintf(w, "  %-6s %s\n", sh.name, sh.install)
	}
	fmt.Fprint(w, "\nThe same line in ~/.bashrc, ~/.zshrc (after compinit) or ~/.config/fish/config.fish\ncompletes in every shell.\n")
}

// complete prints the completions of the last word, one per line, each followed by a tab
// and its help if it has any.
func complete(s stream, words []string) int {
	if len(words) == 0 {
		return exitUsage
	}
	current := words[len(words)-1]
	for _, c := range completions(words[:len(words)-1], current) {
		if c == fileNames || strings.HasPrefix(c, current) {
			fmt.Fprintln(s.out, c)
		}
	}
	return exitFine
}

// completions returns the words that may follow the words before. If they depend on the
// prefix of the current word, they have that prefix.
func completions(before []string, current string) []string {
	if len(before) == 0 {
		return append(commandWords(), "--help", "--version")
	}
	c, ok := find(before[0])
	if !ok {
		return nil
	}
	rows, _ := c.begin()
	fs := flags(c.name, rows)
	var arguments []string // without flags
	for i := 1; i < len(before); i++ {
		r := fs.written(before[i])
		switch {
		case before[i] == "--":
			return c.arguments(append(arguments, before[i+1:]...))
		case !strings.HasPrefix(before[i], "-") || before[i] == "-":
			arguments = append(arguments, before[i])
		case r == nil || r.arg == "" || strings.Contains(before[i], "="):
		case i == len(before)-1:
			return r.completions(current)
		default:
			i++ // skip its value
		}
	}
	if !strings.HasPrefix(current, "-") {
		return c.arguments(arguments)
	}
	if name, value, ok := strings.Cut(current, "="); ok {
		if r := fs.written(name); r != nil {
			return prefixed(name+"=", r.completions(value))
		}
		return nil
	}
	var list []string
	for i := range rows {
		first, _, _ := strings.Cut(strings.ReplaceAll(rows[i].help, "\n", " "), ". ")
		list = append(list, rows[i].dashed()+"\t"+strings.TrimSuffix(first, "."))
	}
	return append(list, "--help")
}

// arguments returns the completions of an argument of the command.
func (c *command) arguments(before []string) []string {
	if c.words == nil {
		return nil
	}
	return c.words(before)
}

// written returns the row of a flag given with its dashes, or nil.
func (fs *flagSet) written(word string) *flagRow {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	return fs.find(name)
}

// completions returns the completions of the flag's value.
func (r *flagRow) completions(current string) []string {
	switch {
	case r.words != nil:
		return r.words(current)
	case strings.HasPrefix(r.arg, "FILE"):
		return []string{fileNames}
	}
	return nil
}

// prefixed returns words with a prefix, except fileNames.
func prefixed(prefix string, words []string) []string {
	var list []string
	for _, w := range words {
		if w != fileNames {
			w = prefix + w
		}
		list = append(list, w)
	}
	return list
}

// optionWords returns the completions of an option's value.
func optionWords(o *option.Option) []string {
	switch {
	case o.Kind == option.Boolean:
		return []string{"on", "off"}
	case o.Kind == option.File:
		return []string{fileNames}
	case o.Name == "format":
		return format.Names()
	}
	return o.Choices
}

// propertyWords returns the completions of key=value.
func propertyWords(current string) []string {
	if name, _, ok := strings.Cut(current, "="); ok {
		if o, known := option.Find(name); known {
			return prefixed(name+"=", optionWords(o))
		}
		return nil
	}
	return namesOf(option.Table, func(o option.Option) string { return o.Name + "=" })
}

func commandWords() []string {
	return namesOf(commands(), func(c command) string { return c.name + "\t" + c.help })
}

func anyFile([]string) []string { return []string{fileNames} }

func shellWords(before []string) []string {
	if len(before) > 0 {
		return nil
	}
	return shellNames()
}

func docWords(before []string) []string {
	switch len(before) {
	case 0:
		return namesOf(topics(), func(t topic) string { return t.name + "\t" + t.help })
	case 1:
		if t, ok := findTopic(before[0]); ok && t.of != nil {
			return t.of.names()
		}
	}
	return nil
}
