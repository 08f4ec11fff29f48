// SPDX-License-Identifier: Apache-2.0

package control

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "as configured"},
		{"# nothing\n\n  \t\n", "as configured"},
		{"resume", "as configured"},
		{"rate 5k", "rate 5k"},
		{"\trate   30/m # half\r\n", "rate 0.5"},
		{"rate unlimited", "rate unlimited"},
		{"pause\nscale 0.5\nrate 1", "rate 1; scale 0.5; pause"},
		{"load_profile ramp 0 to 1k for 2m; repeat", "load_profile ramp 0 to 1k for 2m; repeat"},
	} {
		s, err := Parse("f", tt.text)
		if err != nil || s.String() != tt.want {
			t.Errorf("Parse(%q) = %v, %v, want %s", tt.text, s, err, tt.want)
		}
	}
}

// Every example of the table is valid, and what a state prints is a file with that state.
func TestExamples(t *testing.T) {
	for _, c := range Commands {
		s, err := Parse("f", c.Example)
		if err != nil || !strings.HasPrefix(c.Example, c.Name) {
			t.Errorf("command %s: example %q: %v", c.Name, c.Example, err)
			continue
		}
		if again, err := Parse("f", Edit("", &c, strings.TrimPrefix(c.Example, c.Name+" "))); c.Value != "" && (err != nil || again.String() != s.String()) {
			t.Errorf("command %s: the edited file has the state %v, %v, want %s", c.Name, again, err, s)
		}
	}
}

// All errors are reported at once, each with its position and what is expected.
func TestParseErrors(t *testing.T) {
	const text = `rte 5
rate 5x
rate 6
load_profile idle
scale -1
pause now
resume
resume
`
	_, err := Parse("pace.control", text)
	errs, ok := err.(Errors)
	if !ok {
		t.Fatalf("Parse returned %v, want Errors", err)
	}
	want := `pace.control: line 1, column 1: unknown command "rte": expected rate, load_profile, scale, pause, resume
  | rte 5
  | ^
  did you mean rate?
pace.control: line 2, column 7: rate: invalid value "5x": unknown unit "x": expected records per second, such as 500, 1.5k or 30/m, or unlimited
  | rate 5x
  |       ^
pace.control: line 3, column 1: duplicate rate: expected it once
  | rate 6
  | ^
pace.control: line 4, column 1: rate and load_profile are mutually exclusive
  | load_profile idle
  | ^
pace.control: line 5, column 7: scale: invalid value "-1": expected a factor above 0, such as 2 or 0.5
  | scale -1
  |       ^
pace.control: line 6, column 7: unexpected value "now": expected pause alone
  | pause now
  |       ^
pace.control: line 7, column 1: pause and resume are mutually exclusive
  | resume
  | ^
pace.control: line 8, column 1: pause and resume are mutually exclusive
  | resume
  | ^`
	if diff := cmp.Diff(want, strings.Join(errs.Lines(), "\n")); diff != "" {
		t.Error("errors differ (-want +got):\n" + diff)
	}
	for _, tt := range []struct{ text, want string }{
		{"rate", "f: line 1, column 5: rate without a value: expected RATE, such as rate 5k"},
		{"rate 0", `f: line 1, column 6: rate: invalid value "0": expected a rate above 0; the command pause stops all records`},
		{"load_profile ramp 0 too 5 for 1s", `f: line 1, column 21: load_profile: unknown word "too" in ramp`},
	} {
		if _, err := Parse("f", tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("Parse(%q): %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestEdit(t *testing.T) {
	const text = "# by hand\nrate 5 # slow\n\n  scale 2\npause"
	for _, tt := range []struct{ why, text, command, value, want string }{
		{"a new file", "", "rate", "5k", "rate 5k\n"},
		{"in place, comments stay", text, "rate", "7", "# by hand\nrate 7\n\n  scale 2\npause"},
		{"the pace is one of two commands", text, "load_profile", "idle", "# by hand\nload_profile idle\n\n  scale 2\npause"},
		{"a command more, and the last line has no end", "pause", "rate", "7", "pause\nrate 7\n"},
		{"resume removes pause", text, "resume", "", "# by hand\nrate 5 # slow\n\n  scale 2\n"},
		{"resume alone", "resume\n", "pause", "", "pause\n"},
		{"a factor of 1", text, "scale", "1", "# by hand\nrate 5 # slow\n\npause"},
		{"duplicates go", "rate 5\nrate 6\nload_profile idle\n", "rate", "7", "rate 7\n"},
	} {
		c, _ := Find(tt.command)
		if got := Edit(tt.text, c, tt.value); got != tt.want {
			t.Errorf("%s: Edit(%q, %s, %q) = %q, want %q", tt.why, tt.text, tt.command, tt.value, got, tt.want)
		}
	}
	if got, want := Reset(text), "# by hand\n\n"; got != want {
		t.Errorf("Reset(%q) = %q, want %q", text, got, want)
	}
}

// A command that is put into any valid file is in force there, the others stay as they
// were.
func TestEditAny(t *testing.T) {
	draw := rapid.SampledFrom([]string{"rate 5", "rate unlimited", "load_profile idle", "scale 3", "scale 1", "pause", "resume"})
	rapid.Check(t, func(t *rapid.T) {
		text, want := "", map[string]string{}
		for range rapid.IntRange(1, 6).Draw(t, "edits") {
			name, value, _ := strings.Cut(draw.Draw(t, "command"), " ")
			c, _ := Find(name)
			text = Edit(text, c, value)
			if rapid.Bool().Draw(t, "comment") {
				text = "# note\n" + text
			}
			want[c.group] = strings.TrimSpace(name + " " + value)
			if name == "resume" || name+value == "scale1" {
				delete(want, c.group)
			}
		}
		var parts []string
		for _, group := range []string{"pace", "scale", "pause"} {
			if w := want[group]; w != "" {
				parts = append(parts, w)
			}
		}
		s, err := Parse("f", text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if state := strings.Join(parts, "; "); s.String() != state && !(state == "" && *s == State{}) {
			t.Fatalf("%q has the state %s, want %s", text, s, state)
		}
	})
}
