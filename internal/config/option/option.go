// Package option is the one table of all that a user may set.
//
// [Table] holds, for every option, its name, kind, default, help and example,
// and how its text becomes part of a [Config]. The plugin's start, the list
// that Fluent Bit shows for `-h`, the command's flags, its checks and its
// documentation all read it; nothing that a user sees of an option is written
// anywhere else.
//
// The normal path is [Parse]: it asks for the text of each option, keeps the
// default of those that are absent, and returns either a Config or all the
// mistakes at once, each an [*Error] that names the option, what was given,
// where in it the mistake stands, and what would be right.
package option

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

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
)

// String returns the kind's name in the documentation.
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Integer:
		return "integer"
	case Boolean:
		return "boolean"
	case Rate:
		return "rate"
	case Size:
		return "size"
	case Time:
		return "time"
	case Choice:
		return "choice"
	}
	return "unknown"
}

// Option is one row of the table.
type Option struct {
	Name    string
	Kind    Kind
	Default string
	Absent  string // what happens without it, in words, if that is not Default
	Help    string // one or two sentences
	Example string // a value that Parse accepts
	Section string // the heading under which it is documented

	// EmptyIsDefault says that no value is the default, with a warning, as
	// the dummy input has it. Of other options it is a mistake.
	EmptyIsDefault bool

	// FollowsEnvironment says that ${VAR} in the value is looked up again
	// while records are made, where the host can hand over the text as it
	// was written.
	FollowsEnvironment bool

	// set parses text into c.
	set func(c *Config, text string) error
}

// Config is what all options together say.
type Config struct {
	Dummy    JSON // the bodies, at least one
	Metadata JSON // exactly one, a map

	Rate         PerSecond // of ticks
	BytesRate    int64     // bytes of MessagePack per second; 0 is not set
	IntervalSec  int64     // seconds between ticks; overrides Rate
	IntervalNsec int64     // added to IntervalSec
	Samples      int64     // ticks in all; 0 or less is without end
	Copies       int64     // times that each tick repeats all bodies

	LoadProfile *pace.Profile // how the rate moves; nil is not set

	MaxRecords int64         // records in all; 0 is without end
	Duration   time.Duration // of the whole run; 0 is without end
	StartDelay time.Duration // before the first tick counts
	CatchUp    CatchUp       // what to do about ticks that a stall has made late
	OnFinish   OnFinish      // what to do at the end of a finite run

	MaxInFlight int64 // bytes handed over that the engine has not yet taken in
	MaxMemory   int64 // bytes by which the process may grow; 0 is not set

	StartTimeSec   int64 // the time of the first record, or -1
	StartTimeNsec  int64 // its nanoseconds, or -1
	FixedTimestamp bool
	FlushOnStartup bool

	Strict bool

	Template Template // instead of Dummy, if it has a Program
	firstSeq int64    // Template.First

	Audit    bool    // records carry an identity; so they do with a Ledger
	AuditKey string  // the name of the member that holds it
	AuditIn  AuditIn // where that member stands
	Ledger   string  // a file name, or empty

	warnings []*Error

	origins map[string]func(offset int) int // from a value without its quotes to the value as given
	given   map[string]bool                 // the options that lookup had
}

// CatchUp says what becomes of ticks that a stall has made late.
type CatchUp string

// The ways to catch up.
const (
	CatchUpFull  CatchUp = "full"  // all of them come, however late
	CatchUpLimit CatchUp = "limit" // those of the last second come
	CatchUpNone  CatchUp = "none"  // they are given up
)

// OnFinish says what follows the end of a finite run.
type OnFinish string

// What may follow.
const (
	FinishIdle OnFinish = "idle" // nothing: the input stays, without records
	FinishExit OnFinish = "exit" // the whole process is asked to stop
)

// JSON is an option whose value is JSON text.
type JSON struct {
	Text   string   // as given
	Bodies [][]byte // as MessagePack
}

// Lookup returns the text given for an option, and whether one was given.
type Lookup func(name string) (text string, ok bool)

// Parse reads every option of the table. Without `strict off`, any mistake
// makes it fail with [Errors]. With it, what is wrong falls back to the
// option's default, as the dummy input does, and comes back as warnings. What
// the dummy input accepts without effect is a warning either way.
//
// A lookup that returns an empty text as given has an option without a value:
// that is a mistake, as it is in most cases a variable that is not set.
//
// template_file, and the files that templates name, are looked for in files.
func Parse(lookup Lookup, files files.Path) (c *Config, warnings []*Error, err error) {
	c = &Config{Strict: true, given: map[string]bool{}, origins: map[string]func(int) int{}}
	var errs Errors
	for i := range Table {
		o := &Table[i]
		if err := o.apply(c, lookup); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.check()...)
	errs = append(errs, c.compile(files)...)
	errs = append(errs, c.checkIdentity()...)
	if len(errs) == 0 {
		return c, c.warnings, nil
	}
	if c.Strict {
		return nil, nil, errs
	}
	for _, e := range errs {
		e.Kept = e.option.keep(c)
	}
	return c, append(c.warnings, errs...), nil
}

// apply sets the option from what lookup has, or from its default.
func (o *Option) apply(c *Config, lookup Lookup) *Error {
	text, ok := lookup(o.Name)
	if !ok {
		text = o.Default
	}
	inner, origin := unquote(text)
	none := ok && (inner == "" || isNull(inner))
	if none && o.EmptyIsDefault {
		e := o.error(text, errf("the value is %s", describeNone(inner)))
		e.Want, e.Kept = "", fmt.Sprintf("the default %s is used", o.Default)
		c.warnings = append(c.warnings, e)
		text, ok, none = o.Default, false, false
		inner, origin = unquote(text)
	}
	c.given[o.Name] = ok
	c.origins[o.Name] = origin
	err := o.set(c, inner)
	var unit *units.Error
	if none && !errors.As(err, &unit) {
		err = errf("the value is %s, expected one such as %s; without the option, leave out its line", describeNone(inner), o.Example)
	}
	if err == nil {
		return nil
	}
	if none {
		e := o.error(text, err)
		e.Empty, e.Want = true, ""
		return e
	}
	e := o.error(text, err)
	if e.Where != nil {
		e.Offset = origin(e.Where.Offset)
	}
	return e
}

// isNull reports whether a text is YAML's null, which Fluent Bit hands over as it
// is written.
func isNull(text string) bool {
	switch text {
	case "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// describeNone names an absent value.
func describeNone(text string) string {
	if text == "" {
		return "empty"
	}
	return fmt.Sprintf("%q, YAML's null", text)
}

// Without says what holds without the option, for documentation.
func (o *Option) Without() string {
	if o.Absent != "" {
		return o.Absent
	}
	return code(o.Default)
}

// keep undoes a failed set: it leaves what could be read, or sets the default.
// It returns what now holds, in words.
func (o *Option) keep(c *Config) string {
	if o.Name == "dummy" && len(c.Dummy.Bodies) > 0 {
		return "the objects before the mistake are used"
	}
	if err := o.set(c, o.Default); err != nil {
		panic(fmt.Sprintf("option %s: its default %q is refused: %v", o.Name, o.Default, err))
	}
	if o.Default == "" {
		return "it is left out"
	}
	return fmt.Sprintf("the default %s is used", o.Default)
}

func (o *Option) error(text string, err error) *Error {
	e := &Error{Option: o.Name, Value: text, Want: o.want(), option: o}
	var syn *jsonbody.SyntaxError
	var near *nearError
	switch {
	case errors.As(err, &syn):
		e.Where = syn
		e.Problem = syn.Problem
		e.Want = cmp.Or(syn.Near, e.Want)
	case errors.As(err, &near):
		e.Problem = err.Error()
		e.Want = cmp.Or(near.near, e.Want)
	default:
		e.Problem = err.Error()
	}
	var unit *units.Error
	if errors.As(err, &unit) {
		e.Want = "" // it is in the problem
		if o.Kind == Integer && strings.Contains(unit.Expected, ", such as") {
			unit.Expected = "a whole number, such as " + o.Example
			e.Problem = unit.Error()
		}
	}
	return e
}

// want says what would be right.
func (o *Option) want() string {
	switch {
	case o.Example == "":
		return "for example " + o.Default
	default:
		return "for example " + o.Example
	}
}

// check holds the options against one another.
func (c *Config) check() []*Error {
	var errs []*Error
	// Each of these says how fast records come; the dummy input's own may stand
	// together, as they do there.
	for i, name := range speeds[:2] {
		if !c.given[name] {
			continue
		}
		for _, other := range speeds[i+1:] {
			if c.given[other] {
				o, _ := Find(name)
				e := o.error("", errf("%s and %s both say how fast records come", name, other))
				e.Want = "only one of the two"
				errs = append(errs, e)
			}
		}
	}
	if c.given["rate"] && c.IntervalSec >= 0 && c.IntervalNsec >= 0 && c.IntervalSec+c.IntervalNsec > 0 {
		o, _ := Find("rate")
		e := o.error("", errf("it has no effect, because interval_sec and interval_nsec are set too and override it"))
		e.Want = ""
		c.warnings = append(c.warnings, e)
	}
	if c.Ledger != "" && c.given["audit"] && !c.Audit {
		o, _ := Find("ledger")
		e := o.error("", errf("a ledger is of no use with audit off"))
		e.Want = "audit on"
		errs = append(errs, e)
	}
	return errs
}

// checkIdentity sees to it that the member with the identity does not have the
// name of another: most readers of JSON keep only one of the two.
func (c *Config) checkIdentity() []*Error {
	if !c.Audit && c.Ledger == "" {
		return nil
	}
	t := &c.Template
	var taken bool
	where := "record"
	switch {
	case c.AuditIn == AuditInMetadata && t.Metadata != "":
		taken, where = t.Program != nil && t.Program.HasMetadata(c.AuditKey), "metadata"
	case c.AuditIn == AuditInMetadata:
		taken, where = hasMember(c.Metadata.Bodies, c.AuditKey), "metadata"
	case t.Program != nil:
		taken = t.Program.HasMember(c.AuditKey)
	default:
		taken = hasMember(c.Dummy.Bodies, c.AuditKey)
	}
	if !taken {
		return nil
	}
	o, _ := Find("audit_key")
	e := o.error(c.AuditKey, errf("%q is the name of a member that the %s has already", c.AuditKey, where))
	e.Want = "a name that is not in it"
	return []*Error{e}
}

// hasMember says whether one of the maps has a member of a name.
func hasMember(bodies [][]byte, name string) bool {
	for _, b := range bodies {
		n, b, err := msgp.ReadMapHeaderBytes(b)
		for ; err == nil && n > 0; n-- {
			var key []byte
			if key, b, err = msgp.ReadStringZC(b); err == nil {
				if string(key) == name {
					return true
				}
				b, err = msgp.Skip(b)
			}
		}
	}
	return false
}

// AuditIn is where an identity stands.
type AuditIn string

// The places of identities.
const (
	AuditInBody     AuditIn = "body"
	AuditInMetadata AuditIn = "metadata"
)

// speeds are the options that say how fast records come.
var speeds = []string{"bytes_rate", "load_profile", "rate", "interval_sec", "interval_nsec"}

// Paced reports whether an option says how fast records come.
func (c *Config) Paced() bool {
	return slices.ContainsFunc(speeds, func(name string) bool { return c.given[name] })
}

// Bounded reports whether the run has an end.
func (c *Config) Bounded() bool {
	return c.Samples > 0 || c.MaxRecords > 0 || c.Duration > 0
}

// Find returns the row of an option; names are not case-sensitive.
func Find(name string) (*Option, bool) {
	for i := range Table {
		if strings.EqualFold(Table[i].Name, name) {
			return &Table[i], true
		}
	}
	return nil, false
}

// Error is a mistake in one option.
type Error struct {
	Option  string
	Value   string                // as given
	Where   *jsonbody.SyntaxError // the place within Value without its quotes, or nil
	Offset  int                   // the same place in bytes of Value, quotes included
	File    string                // the file that Where is in, if it is not Value
	Problem string
	Want    string // what would be right
	Kept    string // what holds instead, where the mistake was forgiven
	Empty   bool   // there is no value

	option *Option
}

// Error gives the mistake in one line.
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
	if e.Kept != "" {
		fmt.Fprintf(&b, "; %s", e.Kept)
	}
	return b.String()
}

// Lines gives the mistake as people should see it: the problem, what was given
// with a mark at the place, and what would be right.
func (e *Error) Lines() []string {
	lines := []string{e.Error()}
	if e.Where != nil {
		for l := range strings.SplitSeq(e.Where.Excerpt(), "\n") {
			lines = append(lines, "  | "+l)
		}
	}
	if e.Want != "" {
		lines = append(lines, "  right would be: "+e.Want)
	}
	return lines
}

// Errors are all the mistakes of a configuration.
type Errors []*Error

// Error gives one line for each mistake.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Lines gives the lines of all mistakes.
func (es Errors) Lines() []string {
	var lines []string
	for _, e := range es {
		lines = append(lines, e.Lines()...)
	}
	return lines
}
