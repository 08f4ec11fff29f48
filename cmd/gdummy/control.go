// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/control"
)

// controlReset is the command that removes all commands from a control file.
const controlReset = "reset"

// controlRow is a command as `gdummy control` has it.
type controlRow struct{ syntax, help, example string }

func controlRows() []controlRow {
	var rows []controlRow
	for _, c := range control.Commands {
		rows = append(rows, controlRow{strings.TrimSpace(c.Name + " " + c.Value), c.Help, c.Example})
	}
	return append(rows, controlRow{controlReset, "All is as configured again: no command remains in the file.", controlReset})
}

func controlHelp(w io.Writer) {
	fmt.Fprint(w, `
FILE is that of the option control of a running input, which looks at it five times a
second. Without a command, gdummy prints the state that FILE asks for. With one, it puts
the command into FILE in place of those that it excludes, if no line of the result has an
error. The file is replaced at once, so that the input never reads half of it.

`)
	for _, r := range controlRows() {
		fmt.Fprintf(w, "  %s\n", r.syntax)
		for _, line := range wrap(r.help, 72) {
			fmt.Fprintf(w, "      %s\n", line)
		}
		fmt.Fprintf(w, "      $ gdummy control load.control %s\n", r.example)
	}
}

// controlTable writes the commands for docs/reference/commands.md.
func controlTable(w io.Writer) {
	fmt.Fprint(w, "\nPrints the state that FILE asks for, or puts a command into it; see [Change the rate while it runs](../how-to/hot-reload.md).\n\n| command | | example |\n|---|---|---|\n")
	for _, r := range controlRows() {
		fmt.Fprintf(w, "| `%s` | %s | `gdummy control load.control %s` |\n", r.syntax, r.help, r.example)
	}
}

func controlWords(before []string) []string {
	switch len(before) {
	case 0:
		return []string{fileNames}
	case 1:
		words := namesOf(control.Commands, func(c control.Command) string { return c.Name })
		return append(words, controlReset)
	}
	return nil
}

// controlCommand prints the state of a control file, or changes it.
func controlCommand(s stream, args []string) int {
	if len(args) == 0 {
		return s.usageError("expected a FILE, such as gdummy control load.control rate 5k")
	}
	name := args[0]
	text, err := readControl(name)
	missing := errors.Is(err, os.ErrNotExist)
	if err != nil && !missing {
		return s.fail(err)
	}
	if len(args) == 1 {
		state, err := control.Parse(name, text)
		if err != nil {
			return controlErrors(s, err, exitFound)
		}
		note := ""
		if missing {
			note = " (no such file)"
		}
		fmt.Fprintf(s.out, "%s: %s%s\n", name, state, note)
		return exitFine
	}
	word, value := args[1], strings.Join(args[2:], " ")
	after := ""
	if c, ok := control.Find(word); ok {
		// Its own errors first: they are those of the arguments.
		if _, err := control.Parse("arguments", strings.TrimSpace(word+" "+value)); err != nil {
			return controlErrors(s, err, exitUsage)
		}
		after = control.Edit(text, c, value)
	} else if word == controlReset && value == "" {
		after = control.Reset(text)
	} else {
		words := controlWords(args[:1])
		return s.usageError("unknown command %q%s", strings.TrimSpace(word+" "+value), units.Hint(word, words, strings.Join(words, ", ")))
	}
	state, err := control.Parse(name, after)
	if err != nil {
		code := controlErrors(s, err, exitFound)
		s.logf("%s is unchanged; gdummy control %[1]s %s removes all commands", name, controlReset)
		return code
	}
	if err := replaceFile(name, after); err != nil {
		return s.fail(err)
	}
	fmt.Fprintf(s.out, "%s: %s\n", name, state)
	return exitFine
}

// readControl returns the text of a control file.
func readControl(name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s: not a regular file", name)
	case info.Size() > control.MaxSize:
		return "", fmt.Errorf("%s: %d bytes: expected at most %d", name, info.Size(), control.MaxSize)
	}
	text, err := os.ReadFile(name)
	return string(text), err
}

// controlErrors prints the errors of a control file, and returns the exit code.
func controlErrors(s stream, err error, code int) int {
	if errs, ok := errors.AsType[control.Errors](err); ok {
		s.logf("%s", strings.Join(errs.Lines(), "\n"))
	}
	return code
}

// replaceFile replaces the contents of a file, or of the one that a symbolic link leads to,
// by a rename: a reader finds either the old text or the new one.
func replaceFile(name, text string) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".gdummy-control-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = cmp.Or(err, f.Chmod(mode), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
