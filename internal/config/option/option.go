// SPDX-License-Identifier: Apache-2.0

// Package option is the table of everything that a user can set.
//
// [Table] has the name, kind, default, help and example of every option, the options
// that it excludes, and the function that parses its text into a [Config]. The plugin,
// the list that Fluent Bit shows for `-h`, the flags and checks of the command, and the
// documentation are derived from it.
//
// The normal path is [Read]. It looks up the text of each option, uses defaults for
// missing ones, and returns a Config and all errors at once. Each is an [*Error] with
// the option, the value, the position in it, and what is expected. The package opens no
// files and compiles nothing: templates, JSON and load profiles remain text, which
// package engine compiles.
package option

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/config/units"
)

// Plugin is the name of the plugin in configurations.
const Plugin = "gdummy"

// Kind is the kind of an option's value, in Fluent Bit's words.
type Kind uint8

// The kinds of values.
const (
	String  Kind = iota + 1
	Integer      // a whole number
	Boolean      // on, off, true, false, yes, no
	Rate         // a number per second, or unlimited
	Size         // bytes, with K, M or G for powers of 1000
	Time         // a time span: 90, 500ms, 1h30m, 2d
	Choice       // one of a few words
	File         // the name of a file
	Moment       // a point in time, or one relative to the start
	Factor       // a number above 0
)

// String returns the kind's name in the documentation.
func (k Kind) String() string {
	return [...]string{"unknown", "string", "integer", "boolean", "rate", "size", "time", "choice", "file", "moment", "factor"}[k]
}

// Option is one row of the table.
type Option struct {
	Name    string
	Kind    Kind
	Default string

	DefaultText string   // the default in words, instead of Default
	Help        string   // one or two sentences
	Example     string   // a valid value
	With        []string // the options that the example needs, each as name=value
	Choices     []string // the words of a Choice
	Section     string   // the heading under which it is documented
	Excludes    []string // the options that cannot be set together with it
	Requires    string   // the option without which it cannot be set

	// EmptyIsDefault reports whether an empty value means the default, with a
	// warning, as in the dummy input. For other options it is an error.
	EmptyIsDefault bool

	// FollowsEnvironment reports whether ${VAR} in the value is expanded repeatedly
	// while records are made, on hosts that return the text as written.
	FollowsEnvironment bool

	// set parses text into c.
	set func(c *Config, text string) error
}

// Config is the value of every option.
type Config struct {
	Dummy    string // JSON objects: the bodies, in order
	Metadata string // one JSON object

	Rate         PerSecond // of ticks
	BytesRate    int64     // bytes of MessagePack per second; 0 if not set
	IntervalSec  int64     // seconds between ticks; overrides Rate
	IntervalNsec int64     // added to IntervalSec
	Samples      int64     // total number of ticks; 0 or less for no limit
	Copies       int64     // repetitions of all bodies in each tick

	LoadProfile string // how the rate moves; "" is not set
	Control     string // the file that changes the pace, or ""

	MaxRecords int64         // total number of records; 0 for no limit
	Duration   time.Duration // of the whole run; 0 for no limit
	StartDelay time.Duration // before the schedule starts
	CatchUp    CatchUp       // what happens to late ticks
	OnFinish   OnFinish      // what happens at the end of a finite run

	MaxInFlight int64 // bytes in the queue of the engine
	MaxMemory   int64 // maximum growth of the process, in bytes; 0 if not set

	StartTimeSec   int64 // the time of the first record, or -1
	StartTimeNsec  int64 // its nanoseconds, or -1
	FixedTimestamp bool
	FlushOnStartup bool

	StartAt   *units.Moment // when the first tick counts, on the wall clock; nil is not set
	StartTime *units.Moment // the time of the first record; nil is not set
	EndTime   *units.Moment // when the run ends, on the clock of the records; nil is not set
	TimeStep  time.Duration // between the times of two ticks; 0 is not set
	TimeSpeed Ratio         // of the records' clock to that on the wall

	ShuffleWithin time.Duration // blocks of time whose records come in a random order; 0 is not set
	Repeat        string        // how many records are sent again; "" is not set
	Late, Skew    string        // how many records bear an earlier time, and how far clocks are off; "" is not set

	Strict bool

	Template Template
	Replay   Replay

	Audit    bool    // records have an identity, as they do with a Ledger
	AuditKey string  // the name of the field with the identity
	AuditIn  AuditIn // the part of the record with that field
	Ledger   string  // a file name, or empty

	origins map[string]func(offset int) int // from offsets in a value without quotes to the value as given
	given   map[string]bool                 // the options that are set
}

// CatchUp is what happens to ticks delayed by a stall.
type CatchUp string

// The ways to catch up.
const (
	CatchUpFull  CatchUp = "full"  // all are delivered
	CatchUpLimit CatchUp = "limit" // those of the last second are delivered
	CatchUpNone  CatchUp = "none"  // all are dropped
)

// OnFinish is what happens at the end of a finite run.
type OnFinish string

// The ways to finish.
const (
	FinishIdle OnFinish = "idle" // nothing: the input remains, without records
	FinishExit OnFinish = "exit" // the process is asked to stop
)

// Lookup returns the text given for an option, and whether one was given.
type Lookup func(name string) (text string, ok bool)

// Read reads every option of the table. It reports the errors of all options, and returns
// the valid ones even if there are errors. A value that the dummy input accepts without
// effect is a warning.
//
// An option with an empty value, for which lookup returns "" and true, is an error: in
// most cases the cause is a variable that is not set.
func Read(lookup Lookup) (c *Config, warnings, errs Errors) {
	c = &Config{Strict: true, given: map[string]bool{}, origins: map[string]func(int) int{}}
	for i := range Table {
		warning, err := Table[i].apply(c, lookup)
		if warning != nil {
			warnings = append(warnings, warning)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.conflicts(errs)...)
	if c.given["rate"] && c.IntervalSec >= 0 && c.IntervalNsec >= 0 && c.IntervalSec+c.IntervalNsec > 0 {
		warnings = append(warnings, Errorf("rate", "no effect: interval_sec and interval_nsec override it"))
	}
	return c, warnings, errs
}

// apply sets the option to what lookup returns, or to its default.
func (o *Option) apply(c *Config, lookup Lookup) (warning, failed *Error) {
	text, ok := lookup(o.Name)
	if !ok {
		text = o.Default
	}
	inner, origin := unquote(text)
	none := ok && (inner == "" || isNull(inner))
	if none && o.EmptyIsDefault {
		warning = o.error(text, fmt.Errorf("%s", describeNone(inner)))
		warning.Example, warning.Fallback = "", fmt.Sprintf("the default %s is used", o.Default)
		text, ok, none = o.Default, false, false
		inner, origin = unquote(text)
	}
	c.given[o.Name] = ok
	c.origins[o.Name] = origin
	err := o.parse(c, inner)
	var unit *units.Error
	if none && !errors.As(err, &unit) {
		err = fmt.Errorf("%s: set a value, such as %s, or remove the option", describeNone(inner), o.Example)
	}
	if err == nil {
		return warning, nil
	}
	failed = o.error(text, err)
	if none {
		failed.Empty, failed.Example = true, ""
	}
	return warning, failed
}

// parse sets the option to a text without its quotes.
func (o *Option) parse(c *Config, text string) error {
	if o.Kind != Choice {
		return o.set(c, text)
	}
	for _, w := range o.Choices {
		if strings.EqualFold(text, w) {
			return o.set(c, w)
		}
	}
	last := len(o.Choices) - 1
	return &nearError{
		fmt.Errorf("invalid value %q: expected %s or %s", text, strings.Join(o.Choices[:last], ", "), o.Choices[last]),
		units.Nearest(text, o.Choices),
	}
}

// isNull reports whether a text is YAML's null, which Fluent Bit passes as written.
func isNull(text string) bool {
	switch text {
	case "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// describeNone describes a value that is empty or YAML's null.
func describeNone(text string) string {
	if text == "" {
		return "empty value"
	}
	return fmt.Sprintf("invalid value %q, YAML's null", text)
}

// DefaultValue returns the default as the documentation shows it.
func (o *Option) DefaultValue() string {
	if o.DefaultText != "" {
		return o.DefaultText
	}
	return code(o.Default)
}

// Reset sets an option with a tolerated error to its default, and describes the value
// used instead.
func (c *Config) Reset(name string) string {
	o, _ := Find(name)
	if err := o.set(c, o.Default); err != nil {
		panic(fmt.Sprintf("option %s: invalid default %q: %v", o.Name, o.Default, err))
	}
	if o.Default == "" {
		return "the option is ignored"
	}
	return fmt.Sprintf("the default %s is used", o.Default)
}

// Errorf returns an error of an option without a position in its value.
func Errorf(name, format string, args ...any) *Error {
	return &Error{Option: name, Problem: fmt.Sprintf(format, args...)}
}

// ErrorIn returns the error err of an option whose value, without quotes, is text. If err
// is a [*diag.Error], its position is in text.
func (c *Config) ErrorIn(name, text string, err error) *Error {
	o, _ := Find(name)
	e := o.error(text, err)
	if e.Where != nil {
		e.Offset = e.Where.Offset
		if origin := c.origins[name]; origin != nil {
			e.Offset = origin(e.Where.Offset)
		}
	}
	return e
}

func (o *Option) error(text string, err error) *Error {
	e := &Error{Option: o.Name, Value: text, Problem: err.Error(), Example: cmp.Or(o.Example, o.Default)}
	var at *diag.Error
	var near *nearError
	var unit *units.Error
	switch {
	case errors.As(err, &at):
		e.Where = at
		e.Problem, e.Meant = at.Problem, at.Near
	case errors.As(err, &near):
		e.Meant = near.near
	case errors.As(err, &unit):
		e.Example = "" // already in the problem
		if o.Kind == Integer && strings.Contains(unit.Expected, ", such as") {
			unit.Expected = "a whole number, such as " + o.Example
			e.Problem = unit.Error()
		}
	}
	return e
}

// conflicts returns the errors of options that exclude or require each other. An option
// with the error that it is empty excludes no others.
func (c *Config) conflicts(failed Errors) Errors {
	has := func(name string) bool {
		return c.given[name] && !slices.ContainsFunc(failed, func(e *Error) bool { return e.Option == name && e.Empty })
	}
	var errs Errors
	for _, o := range Table {
		if !has(o.Name) {
			continue
		}
		for _, other := range o.Excludes {
			switch {
			case !has(other):
			case o.Name == "load_profile" && other == "rate" && c.Rate.Unlimited:
				if c.StartTime == nil && c.StartTimeSec < 0 {
					errs = append(errs, Errorf(o.Name, "with rate unlimited, the times of the records follow load_profile: it requires start_time"))
				}
			default:
				errs = append(errs, Errorf(o.Name, "%s and %s are mutually exclusive", o.Name, other))
			}
		}
		if o.Requires != "" && !c.given[o.Requires] {
			errs = append(errs, Errorf(o.Name, "it requires %s", o.Requires))
		}
	}
	errs = append(errs, c.clockConflicts()...)
	if c.Ledger != "" && has("audit") && !c.Audit {
		errs = append(errs, Errorf("ledger", "it requires audit on"))
	}
	return errs
}

// clockConflicts returns the errors of options of the records' clock that contradict
// one another.
func (c *Config) clockConflicts() (errs Errors) {
	if c.FixedTimestamp {
		for _, x := range []struct {
			name string
			set  bool
		}{{"end_time", c.EndTime != nil}, {"time_step", c.TimeStep > 0}, {"time_speed", !c.TimeSpeed.One()}} {
			if x.set {
				errs = append(errs, Errorf(x.name, "%s and fixed_timestamp are mutually exclusive", x.name))
			}
		}
	}
	start := units.Moment{Relative: true} // now
	switch {
	case c.StartTime != nil:
		start = *c.StartTime
	case c.StartTimeSec >= 0:
		start = units.Moment{Nanoseconds: c.StartTimeSec * int64(time.Second)}
	}
	if end := c.EndTime; end != nil && end.Relative == start.Relative && end.Nanoseconds <= start.Nanoseconds {
		errs = append(errs, Errorf("end_time", "%s is not after the start time, %s", units.FormatMoment(*end), units.FormatMoment(start)))
	}
	return errs
}

// AuditIn is the part of a record that contains the identity.
type AuditIn string

// The parts of a record.
const (
	AuditInBody     AuditIn = "body"
	AuditInMetadata AuditIn = "metadata"
)

// speeds are the options that set the speed of records.
var speeds = []string{"bytes_rate", "load_profile", "rate", "interval_sec", "interval_nsec"}

// Given reports whether an option is set.
func (c *Config) Given(name string) bool { return c.given[name] }

// Paced reports whether an option sets the speed of records.
func (c *Config) Paced() bool { return slices.ContainsFunc(speeds, c.Given) }

// Bounded reports whether the run has an end.
func (c *Config) Bounded() bool {
	return c.Samples > 0 || c.MaxRecords > 0 || c.Duration > 0 || c.EndTime != nil
}

// Find returns the row of an option. Names are not case-sensitive.
func Find(name string) (*Option, bool) {
	if i := Index(name); i >= 0 {
		return &Table[i], true
	}
	return nil, false
}

// Index returns the index of an option in the table, or -1. Names are not
// case-sensitive.
func Index(name string) int {
	return slices.IndexFunc(Table, func(o Option) bool { return strings.EqualFold(o.Name, name) })
}

// Error is an error in one option.
type Error struct {
	Option   string
	Value    string      // as given
	Where    *diag.Error // the position in Value without quotes, or nil
	Offset   int         // the same position as an offset in Value with quotes, in bytes
	File     string      // the file of Where, if it is not in Value
	Problem  string
	Meant    string // the word that was probably meant, or ""
	Example  string // a valid value, or ""
	Hint     string // what else helps, or ""
	Fallback string // the value used instead, if the error is tolerated
	Empty    bool   // no value was given
}

// Error returns the error in one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "option %s: ", e.Option)
	if e.File != "" {
		b.WriteString(e.File + ", ")
	}
	if e.Where != nil {
		fmt.Fprintf(&b, "line %d, column %d: ", e.Where.Line, e.Where.Column)
	}
	b.WriteString(e.Problem)
	if e.Fallback != "" {
		fmt.Fprintf(&b, "; %s", e.Fallback)
	}
	return b.String()
}

// Lines returns the error for users: the problem, the line with a mark at the position,
// and the advice.
func (e *Error) Lines() []string {
	lines := []string{e.Error()}
	if e.Where != nil {
		for l := range strings.SplitSeq(e.Where.Excerpt(), "\n") {
			lines = append(lines, "  | "+l)
		}
	}
	if advice := e.Advice(); advice != "" {
		lines = append(lines, "  "+advice)
	}
	return lines
}

// Advice returns one line of help: the nearest valid word, a hint, or an example. It
// returns "" if there is none.
func (e *Error) Advice() string {
	switch {
	case e.Meant != "":
		return "did you mean " + e.Meant + "?"
	case e.Hint != "":
		return e.Hint
	case e.Example != "":
		return "example: " + e.Example
	}
	return ""
}
