// SPDX-License-Identifier: Apache-2.0

// Package control reads the file with which a running input is steered.
//
// The file is the desired state, not a log: all of it is applied, and what it does not
// say is as configured. The normal path is [NewWatch], then [Watch.Look] a few times a
// second. [Parse] reads a text, and [Edit] changes a command in it.
//
// # The file
//
// Each line has a command, see [Commands], and its value. A # starts a comment. A
// command may occur once; rate excludes load_profile, and pause excludes resume.
package control

import (
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// MaxSize is the maximum size of a control file, in bytes.
const MaxSize = 64 << 10

// State is the contents of a control file. The zero value changes nothing.
type State struct {
	Profile   *pace.Profile // the pace, or nil for the configured one
	Steady    bool          // Profile is a constant rate, of the command rate
	Unlimited bool          // rate unlimited: Profile is nil
	Scale     string        // what multiplies all rates; "" is 1
	Paused    bool          // no record is due

	scale *diag.Error // where Scale is
}

// ScaleError returns the error of a scale that does not fit the pace in force.
func (s *State) ScaleError(problem string) Errors {
	at := *s.scale
	at.Problem = problem
	return Errors{&at}
}

// Command is a command of a control file.
type Command struct {
	Name    string
	Value   string // the name of its value, or "" if it has none
	Example string
	Help    string
	group   string // commands of the same group exclude each other
	set     func(s *State, value string) error
}

// Commands lists all commands. The parser, `gdummy control` and the documentation are
// derived from it.
var Commands = []Command{
	{"rate", "RATE", "rate 5k", "Ticks per second, as in the option rate: a number above 0, or unlimited.", "pace", setRate},
	{"load_profile", "PROFILE", "load_profile sine 100 to 1k every 1h",
		"A load profile, as in the option load_profile. It starts when the file is applied, and no record is due after its end.", "pace", setProfile},
	{"scale", "FACTOR", "scale 0.5",
		"Multiplies the rates of the pace in force. A load profile continues where it is.", "scale", setScale},
	{"pause", "", "pause", "No record is due. The time of a load profile does not stop.", "pause",
		func(s *State, _ string) error { s.Paused = true; return nil }},
	{"resume", "", "resume", "Records are due, as without pause.", "pause",
		func(*State, string) error { return nil }},
}

func names() []string {
	names := make([]string, len(Commands))
	for i := range Commands {
		names[i] = Commands[i].Name
	}
	return names
}

// Find returns a command by its name.
func Find(name string) (*Command, bool) {
	if i := slices.IndexFunc(Commands, func(c Command) bool { return c.Name == name }); i >= 0 {
		return &Commands[i], true
	}
	return nil, false
}

func setRate(s *State, value string) error {
	if strings.EqualFold(value, "unlimited") {
		s.Unlimited = true
		return nil
	}
	rate, err := units.ParseRate(value)
	if e, ok := err.(*units.Error); ok {
		e.Expected += ", or unlimited"
		return e
	}
	if rate == 0 {
		return &units.Error{Value: value, Expected: "a rate above 0; the command pause stops all records"}
	}
	s.Steady = true
	s.Profile, err = pace.ParseProfile("constant " + units.FormatRate(rate))
	return err
}

func setProfile(s *State, value string) (err error) {
	s.Profile, err = pace.ParseProfile(value)
	return err
}

func setScale(s *State, value string) error {
	if _, err := units.ParseFactor(value); err != nil {
		return err
	}
	s.Scale = value
	return nil
}

// String returns the state as the commands of a file in one line, separated by
// semicolons, or "as configured".
func (s *State) String() string {
	var parts []string
	switch {
	case s.Unlimited:
		parts = append(parts, "rate unlimited")
	case s.Steady:
		parts = append(parts, "rate "+strings.TrimPrefix(s.Profile.String(), "constant "))
	case s.Profile != nil:
		parts = append(parts, "load_profile "+s.Profile.String())
	}
	if s.Scale != "" {
		parts = append(parts, "scale "+s.Scale)
	}
	if s.Paused {
		parts = append(parts, "pause")
	}
	if len(parts) == 0 {
		return "as configured"
	}
	return strings.Join(parts, "; ")
}

// Errors are all errors of a control file.
type Errors []*diag.Error

// Error returns one line for each error.
func (es Errors) Error() string {
	return diag.Join(es)
}

// Lines returns the lines of all errors for users, with the lines of the file.
func (es Errors) Lines() []string {
	var lines []string
	for _, e := range es {
		lines = append(lines, e.Error())
		for l := range strings.SplitSeq(e.Excerpt(), "\n") {
			lines = append(lines, "  | "+l)
		}
		if e.Near != "" {
			lines = append(lines, "  did you mean "+e.Near+"?")
		}
	}
	return lines
}

// line is a line of a file that has a command.
type line struct {
	from, to   int // offsets of the line, without its end
	name       string
	value      string
	at, valued int // offsets of name and value
}

// lines returns the lines that have a command.
func lines(text string) (all []line) {
	for from := 0; from < len(text); {
		to := len(text)
		if i := strings.IndexByte(text[from:], '\n'); i >= 0 {
			to = from + i
		}
		content, _, _ := strings.Cut(text[from:to], "#")
		content = strings.TrimRight(content, " \t\r")
		rest := strings.TrimLeft(content, " \t")
		if rest != "" {
			l := line{from: from, to: to, at: from + len(content) - len(rest)}
			end := strings.IndexAny(rest, " \t")
			if end < 0 {
				end = len(rest)
			}
			l.name, l.value = rest[:end], strings.TrimLeft(rest[end:], " \t")
			l.valued = from + len(content) - len(l.value)
			all = append(all, l)
		}
		from = to + 1
	}
	return all
}

// Parse reads the text of a control file, whose name is for errors. The error is of type
// [Errors].
func Parse(name, text string) (*State, error) {
	s := new(State)
	var errs Errors
	fail := func(at int, near, format string, args ...any) {
		e := diag.Errorf(text, at, format, args...)
		e.In, e.Near = name, near
		errs = append(errs, e)
	}
	used := map[string]line{} // by group
	for _, l := range lines(text) {
		c, ok := Find(l.name)
		if !ok {
			fail(l.at, units.Nearest(l.name, names()), "unknown command %q: expected %s", l.name, strings.Join(names(), ", "))
			continue
		}
		if before, ok := used[c.group]; ok {
			if before.name == l.name {
				fail(l.at, "", "duplicate %s: expected it once", l.name)
			} else {
				fail(l.at, "", "%s and %s are mutually exclusive", before.name, l.name)
			}
			continue
		}
		used[c.group] = l
		switch {
		case c.Value == "" && l.value != "":
			fail(l.valued, "", "unexpected value %q: expected %s alone", l.value, l.name)
		case c.Value != "" && l.value == "":
			fail(l.valued, "", "%s without a value: expected %s, such as %s", l.name, c.Value, c.Example)
		default:
			switch err := c.set(s, l.value).(type) {
			case nil:
				if l.name == "scale" {
					s.scale = diag.Errorf(text, l.valued, "")
					s.scale.In = name
				}
			case *diag.Error:
				fail(l.valued+err.Offset, err.Near, "%s: %s", l.name, err.Problem)
			case *units.Error:
				fail(l.valued+err.Offset, "", "%s: %v", l.name, err)
			default:
				fail(l.valued, "", "%s: %v", l.name, err)
			}
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return s, nil
}

// Edit returns the text of a control file with a command in place of those that it
// excludes. The command resume and a scale of 1 remove a line, because that is what is
// in force without it; other lines and comments stay. The caller checks the result with
// [Parse].
func Edit(text string, c *Command, value string) string {
	put := strings.TrimSpace(c.Name + " " + value)
	if c.Name == "resume" || c.Name == "scale" && value == "1" {
		put = ""
	}
	replaced := false
	text = rewrite(text, func(other string) (string, bool) {
		if o, ok := Find(other); !ok || o.group != c.group {
			return "", false
		}
		if replaced {
			return "", true
		}
		replaced = true
		return put, true
	})
	if put == "" || replaced {
		return text
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + put + "\n"
}

// Reset returns the text of a control file without its commands.
func Reset(text string) string {
	return rewrite(text, func(string) (string, bool) { return "", true })
}

// rewrite returns text with the lines for which replace returns true replaced, or
// removed if its text is "". replace gets the name of a line's command.
func rewrite(text string, replace func(name string) (put string, yes bool)) string {
	var b strings.Builder
	at := 0
	for _, l := range lines(text) {
		put, yes := replace(l.name)
		if !yes {
			continue
		}
		b.WriteString(text[at:l.from])
		b.WriteString(put)
		if at = l.to; put == "" {
			at = min(l.to+1, len(text))
		}
	}
	b.WriteString(text[at:])
	return b.String()
}
