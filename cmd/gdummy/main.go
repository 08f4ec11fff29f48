// SPDX-License-Identifier: Apache-2.0

// Command gdummy generates records like the gdummy input of Fluent Bit, checks
// configurations, and audits the records that arrived.
//
//	gdummy run -p 'dummy={"level":"info"}' -p rate=100
//	gdummy check fluent-bit.conf
//	gdummy doc options
//
// Every subcommand is a row of the table in [commands]. All use the same three exit codes,
// like grep and diff: see [exitCodes].
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
)

// The exit codes of all subcommands.
const (
	exitFine  = 0
	exitFound = 1
	exitUsage = 2
)

// exitCodes describes the exit codes.
var exitCodes = [...]string{
	exitFine:  "success",
	exitFound: "faults found: errors in a configuration, lost records",
	exitUsage: "failure: wrong usage, an invalid option, a file that cannot be read or written",
}

// stream holds the standard streams of a subcommand.
type stream struct {
	in       io.Reader
	out, err io.Writer
	name     string // of the subcommand, with which its messages begin
}

// log prints a message of one line.
func (s stream) log(line string) { s.logf("%s", line) }

// logf prints a message.
func (s stream) logf(format string, args ...any) {
	fmt.Fprintf(s.err, "gdummy "+s.name+": "+format+"\n", args...)
}

// fail reports an error, and returns the exit code.
func (s stream) fail(err error) int {
	s.logf("%v", err)
	return exitUsage
}

// usageError reports a usage error, and returns the exit code.
func (s stream) usageError(format string, args ...any) int {
	s.logf(format, args...)
	fmt.Fprintf(s.err, "run `gdummy help %s` for details\n", s.name)
	return exitUsage
}

// runner runs a subcommand with the arguments that are not flags, and returns its exit code.
type runner func(s stream, args []string) int

// command is a subcommand.
type command struct {
	name string
	args string // what follows the name, for its help
	help string // one line

	begin func() ([]flagRow, runner)     // returns its flags, and what runs with them
	more  func(io.Writer)                // prints the help below the flags, or nil
	words func(before []string) []string // completions of the argument after before, or nil
}

// withoutFlags returns the begin function of a command that has none.
func withoutFlags(run runner) func() ([]flagRow, runner) {
	return func() ([]flagRow, runner) { return nil, run }
}

// flags returns the flags of the command that are not options.
func (c *command) flags() []flagRow {
	rows, _ := c.begin()
	return slices.DeleteFunc(rows, func(r flagRow) bool { return r.option != "" })
}

// run parses the flags and runs the command. It returns the exit code.
func (c *command) run(s stream, args []string) int {
	rows, run := c.begin()
	s.name = c.name
	fs := flags(c.name, rows)
	if code, ok := parse(s, fs, args); !ok {
		return code
	}
	return run(s, fs.words)
}

func (c *command) usage() string { return strings.TrimSpace("gdummy " + c.name + " " + c.args) }

// commands is the table of subcommands.
func commands() []command {
	return []command{
		{"run", "[flags]", "generate records and print them", runCommand, moreOfRun, nil},
		{"check", "[--json] FILE...", "find the errors in Fluent Bit configurations", checkCommand, checkHelp, anyFile},
		{"profile", "[flags] PROFILE", "draw a load profile and count its records", profileCommand, listKinds, nil},
		{"audit", "[--ledger FILE]... SOURCE...", "compare what arrived with what was sent", auditCommand, auditHelp, anyFile},
		{"test", "[flags] FILE...", "test whether a pipeline does what it was written for", testCommand, testHelp, anyFile},
		{"capacity", "[flags] CONFIG [CONFIG]", "find the highest rate that a pipeline sustains, and what limits it", capacityCommand, capacityHelp, anyFile},
		{"ledger", "push [flags] PATH...", "push ledgers to a collector, gdummy audit --collect", ledgerCommand, ledgerHelp, ledgerWords},
		{"control", "FILE [COMMAND [VALUE]]", "change the pace of a running input", withoutFlags(controlCommand), controlHelp, controlWords},
		{"doc", "[TOPIC [NAME]]", "print documentation", withoutFlags(doc), listTopics, docWords},
		{"completion", "SHELL", "print the completion script for a shell: " + strings.Join(shellNames(), ", "), withoutFlags(completion), completionHelp, shellWords},
		{"version", "", "print the version", withoutFlags(showVersion), nil, nil},
		{"help", "[COMMAND]", "explain a command", withoutFlags(help), nil, func(before []string) []string {
			if len(before) > 0 {
				return nil
			}
			return commandWords()
		}},
	}
}

func main() {
	os.Exit(gdummy(stream{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Args[1:]))
}

// gdummy runs a command, and returns its exit code.
func gdummy(s stream, args []string) int {
	out := &output{Writer: s.out}
	s.out = out
	return out.end(s, dispatch(s, args))
}

// dispatch runs the command that the first argument names.
func dispatch(s stream, args []string) int {
	if len(args) == 0 {
		overview(s.err)
		return exitUsage
	}
	switch args[0] {
	case "-h", "-help", "--help":
		overview(s.out)
		return exitFine
	case "-version", "--version":
		return showVersion(s, nil)
	}
	if args[0] == completeCommand {
		return complete(s, args[1:])
	}
	if c, ok := find(args[0]); ok {
		return c.run(s, args[1:])
	}
	return unknown(s, "gdummy", "command", args[0], names())
}

func find(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func names() []string { return namesOf(commands(), func(c command) string { return c.name }) }

// namesOf returns the names of the rows of a table.
func namesOf[T any](rows []T, name func(T) string) []string {
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = name(r)
	}
	return names
}

// unknown reports an unknown name, and suggests the nearest name or all names.
func unknown(s stream, who, what, given string, names []string) int {
	fmt.Fprintf(s.err, "%s: unknown %s %q%s\n", who, what, given, units.Hint(given, names, strings.Join(names, ", ")))
	return exitUsage
}

// tagline describes gdummy.
const tagline = "realistic log records at an exact rate, with proof of delivery"

func overview(w io.Writer) {
	fmt.Fprintln(w, "gdummy: "+tagline)
	fmt.Fprintln(w, "\nUsage: gdummy COMMAND [arguments]")
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.help)
	}
	fmt.Fprintln(w, "\n`gdummy help COMMAND` explains a command.")
	fmt.Fprintln(w, "\nExit codes:")
	for code, meaning := range exitCodes {
		fmt.Fprintf(w, "  %d  %s\n", code, meaning)
	}
}

func help(s stream, args []string) int {
	if len(args) == 0 {
		overview(s.out)
		return exitFine
	}
	if c, ok := find(args[0]); ok {
		return c.run(s, []string{"-h"})
	}
	return unknown(s, "gdummy help", "command", args[0], names())
}
