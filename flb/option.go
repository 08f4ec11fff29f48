// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
)

// OptionType is the type of an option's value. It selects the grammar that a section's
// value must follow, and the method of Instance that returns the value.
type OptionType int

// The types of options.
const (
	String   OptionType = iota // any text: Instance.String
	Integer                    // 5000, 10k or -2M: Instance.Int
	Boolean                    // on, off, true, false, yes or no: Instance.Bool
	Double                     // 0.5 or 1e-3: Instance.Float
	Duration                   // 10 (seconds), 500ms, 1h30m or 2d: Instance.Duration
	Size                       // bytes: 64k, 4M or 1GiB: Instance.Size
	Strings                    // texts separated by commas: Instance.Strings
)

// String returns the name of the type.
func (t OptionType) String() string {
	if t < 0 || int(t) >= len(optionTypes) {
		return "unknown"
	}
	return optionTypes[t].name
}

// optionTypes has, for each type, its name and its parser.
var optionTypes = [...]struct {
	name  string
	parse func(text string) (any, error)
}{
	String:   {"String", func(text string) (any, error) { return text, nil }},
	Integer:  {"Integer", parseInt},
	Boolean:  {"Boolean", parseBool},
	Double:   {"Double", parseDouble},
	Duration: {"Duration", func(text string) (any, error) { return units.ParseDuration(text) }},
	Size:     {"Size", func(text string) (any, error) { return units.ParseSize(text) }},
	Strings:  {"Strings", parseStrings},
}

// Option is one option of a plugin.
//
// Before Init, the package checks every option of the section against its Option. It
// logs all errors at once, each with the option's name, the value and what is
// expected; Init is then not called. `fluent-bit -i NAME -h` lists the options from
// 5.1.1 on, where the engine also rejects names that are not listed.
type Option struct {
	// Name is the name in the section. It must not be one that Fluent Bit keeps for
	// itself, such as listen, host, port or tag.
	Name string
	Type OptionType
	Help string // one line

	// Default is the value of a section that does not set the option, in the form in
	// which a section would set it. If empty, the value is the zero value.
	Default string

	// Required rejects sections that do not set the option.
	Required bool

	// Min and Max, if not empty, bound an Integer, Double, Duration or Size. They
	// have the form of Default.
	Min, Max string

	// OneOf, if not empty, lists the values that a String may have, and each of the
	// values of Strings.
	OneOf []string

	// Unchecked leaves the value to Init, which reads it with Instance.Property.
	// Type and Default are then only listed.
	Unchecked bool

	// FollowsEnvironment makes the host return ${VAR} as written, for
	// Instance.Expand to replace later. The value checked is the expanded one.
	FollowsEnvironment bool
}

func parseInt(text string) (any, error) {
	n, err := units.ParseCount(text, math.MinInt, math.MaxInt)
	return int(n), err
}

// parseBool accepts the host's words and no others: with another one as a Default, 5.1.1
// crashes when it reads the list of options.
func parseBool(text string) (any, error) {
	on, ok := units.ParseBool(text)
	if !ok {
		return nil, fmt.Errorf("invalid value %q: expected on or off", text)
	}
	return on, nil
}

func parseDouble(text string) (any, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("invalid value %q: expected a number, such as 0.5", text)
	}
	return f, nil
}

func parseStrings(text string) (any, error) {
	var list []string
	for s := range strings.SplitSeq(text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return list, nil
}

// parse returns the value of a text, of the type that the methods of Instance return.
func (o *Option) parse(text string) (any, error) {
	v, err := optionTypes[o.Type].parse(text)
	if err != nil {
		return nil, err
	}
	if err := o.inRange(text, v); err != nil {
		return nil, err
	}
	words, _ := v.([]string)
	if o.Type == String {
		words = []string{text}
	}
	for _, w := range words {
		if len(o.OneOf) > 0 && !slices.Contains(o.OneOf, w) {
			err := fmt.Errorf("invalid value %q: expected %s", w, alternatives(o.OneOf))
			if near := units.Nearest(w, o.OneOf); near != "" {
				err = fmt.Errorf("%w; did you mean %s?", err, near)
			}
			return nil, err
		}
	}
	return v, nil
}

// alternatives returns "a, b or c".
func alternatives(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func (o *Option) inRange(text string, v any) error {
	bound := func(limit string, sign int) bool {
		if limit == "" {
			return true
		}
		l, err := optionTypes[o.Type].parse(limit)
		return err == nil && compare(v, l)*sign >= 0
	}
	if bound(o.Min, 1) && bound(o.Max, -1) {
		return nil
	}
	switch {
	case o.Max == "":
		return fmt.Errorf("invalid value %q: expected at least %s", text, o.Min)
	case o.Min == "":
		return fmt.Errorf("invalid value %q: expected at most %s", text, o.Max)
	}
	return fmt.Errorf("invalid value %q: expected %s to %s", text, o.Min, o.Max)
}

// compare orders two values of the same ordered type.
func compare(a, b any) int {
	switch a := a.(type) {
	case int:
		return cmp.Compare(a, b.(int))
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case time.Duration:
		return cmp.Compare(a, b.(time.Duration))
	}
	return 0
}

// coreNames are the properties of inputs that Fluent Bit does not pass to plugins (5.1.1).
var coreNames = []string{
	"name", "tag", "alias", "log_level", "log_suppress_interval", "mem_buf_limit", "routable", "route", "threaded", "processors",
	"host", "listen", "port", "ipv6", "tls", "rate_gate", "rate_window",
}

// corePrefixes begin the names of others.
var corePrefixes = []string{"net.", "oauth2", "rate_gate.", "storage.", "thread.", "tls."}

// reserved reports whether Fluent Bit keeps the property for itself: an option of that
// name would have its default always.
func reserved(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(coreNames, name) || slices.ContainsFunc(corePrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// check reports what is wrong with the Option itself: an error of the plugin's author.
func (o *Option) check() error {
	switch {
	case o.Name == "" || strings.ContainsAny(o.Name, " \t\n"):
		return fmt.Errorf("option %q: a name must not be empty and has no spaces", o.Name)
	case reserved(o.Name):
		return fmt.Errorf("option %s: Fluent Bit keeps properties of this name for itself, and plugins never receive them", o.Name)
	case o.Type < 0 || int(o.Type) >= len(optionTypes):
		return fmt.Errorf("option %s: unknown type %d", o.Name, o.Type)
	case o.Unchecked:
		return nil
	case (o.Min != "" || o.Max != "") && !slices.Contains([]OptionType{Integer, Double, Duration, Size}, o.Type):
		return fmt.Errorf("option %s: Min and Max do not apply to type %v", o.Name, o.Type)
	case len(o.OneOf) > 0 && o.Type != String && o.Type != Strings:
		return fmt.Errorf("option %s: OneOf does not apply to type %v", o.Name, o.Type)
	}
	for field, text := range map[string]string{"Min": o.Min, "Max": o.Max} {
		if text == "" {
			continue
		}
		if _, err := optionTypes[o.Type].parse(text); err != nil {
			return fmt.Errorf("option %s: %s: %w", o.Name, field, err)
		}
	}
	if o.Default == "" {
		return nil
	}
	if _, err := o.parse(o.Default); err != nil {
		return fmt.Errorf("option %s: Default: %w", o.Name, err)
	}
	return nil
}

// values are the checked values of a section, by the lower-case name of the option.
type values map[string]any

// readOptions returns the values of all options, or all errors of the section.
func readOptions(in *Instance, options []Option) (values, error) {
	empty := map[string]bool{}
	seen := map[string]bool{}
	for _, p := range in.Properties() {
		if name := strings.ToLower(p.Name); !seen[name] {
			seen[name], empty[name] = true, p.Empty
		}
	}
	read := values{}
	var errs []error
	for i := range options {
		o := &options[i]
		if o.Unchecked {
			continue
		}
		v, err := o.read(in, empty[strings.ToLower(o.Name)])
		if err != nil {
			errs = append(errs, fmt.Errorf("option %s: %w", o.Name, err))
			continue
		}
		read[strings.ToLower(o.Name)] = v
	}
	return read, errors.Join(errs...)
}

func (o *Option) read(in *Instance, empty bool) (any, error) {
	text, ok := in.Property(o.Name)
	if o.FollowsEnvironment {
		text, _ = in.Expand(text)
	}
	switch {
	case ok:
		return o.parse(text)
	case empty && (o.Required || o.Type != String && o.Type != Strings):
		return nil, errors.New("the value is empty")
	case empty:
		return o.parse("")
	case o.Required:
		return nil, errors.New("a value is required")
	case o.Default != "":
		return o.parse(o.Default)
	}
	return nil, nil
}

// Int returns the value of an Integer option: that of the section, or the default.
//
// Int and the methods for other types panic if the plugin has no such Option: an error
// of the plugin's author, which the first start shows.
func (in *Instance) Int(name string) int { return optionValue[int](in, name, Integer) }

// Float returns the value of a Double option.
func (in *Instance) Float(name string) float64 { return optionValue[float64](in, name, Double) }

// Bool returns the value of a Boolean option.
func (in *Instance) Bool(name string) bool { return optionValue[bool](in, name, Boolean) }

// String returns the value of a String option.
func (in *Instance) String(name string) string { return optionValue[string](in, name, String) }

// Duration returns the value of a Duration option.
func (in *Instance) Duration(name string) time.Duration {
	return optionValue[time.Duration](in, name, Duration)
}

// Size returns the value of a Size option, in bytes.
func (in *Instance) Size(name string) int64 { return optionValue[int64](in, name, Size) }

// Strings returns the values of a Strings option, without the spaces around them and
// without empty ones. The caller must not change them.
func (in *Instance) Strings(name string) []string { return optionValue[[]string](in, name, Strings) }

func optionValue[T any](in *Instance, name string, t OptionType) T {
	options := in.plugin.Options
	if in.host == nil && registered != nil {
		options = registered.Options
	}
	i := slices.IndexFunc(options, func(o Option) bool { return strings.EqualFold(o.Name, name) })
	switch {
	case i < 0:
		panic(fmt.Sprintf("flb: the plugin has no option %q", name))
	case options[i].Type != t || options[i].Unchecked:
		panic(fmt.Sprintf("flb: option %s has type %v and Unchecked=%v; expected a checked %v", name, options[i].Type, options[i].Unchecked, t))
	}
	v := in.values[strings.ToLower(name)]
	if in.host == nil && options[i].Default != "" {
		v, _ = options[i].parse(options[i].Default)
	}
	value, _ := v.(T)
	return value
}
