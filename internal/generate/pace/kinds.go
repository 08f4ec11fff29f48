// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"slices"
	"strings"
)

// Kind is a kind of segment, or a modifier, of a load profile.
type Kind struct {
	Name    string
	Clauses []Clause // what follows the name
	Help    string   // one or two sentences
	Example string   // a profile that contains it

	shape    shape
	modifier bool
}

// Clause is a part of a segment: a word and a value. Only the first clause of a
// segment may lack the word. The others may be in any order.
type Clause struct {
	Word     string // "" if the clause is a value alone
	Value    Value
	Optional bool

	field func(*segment) *uint64
}

// Value is the kind of a clause's value.
type Value uint8

// The kinds of values.
const (
	Rate    Value = iota + 1 // records per second, or per minute or hour with /m or /h
	Time                     // 500ms, 1.5h, 1h30m; in seconds if without a unit
	Number                   // a whole number
	Factor                   // a decimal number above 0
	Phase                    // trough or peak
	Entries                  // days, times of day and rates
	Share                    // a percentage
	Zone                     // a time zone
	Moment                   // a date and a time
)

// values has, for each kind of value, its name in the grammar and what errors expect.
var values = [...]struct{ name, expected string }{
	Rate:    {"RATE", "a rate such as 500, 1.5k or 30/m"},
	Time:    {"TIME", "a time span such as 500ms, 1h30m or 2d"},
	Number:  {"NUMBER", "a whole number such as 3"},
	Factor:  {"FACTOR", "a factor such as 2 or 0.5"},
	Phase:   {"(trough|peak)", "trough or peak"},
	Entries: {name: "[DAYS] CLOCK RATE, ..."}, // their errors are in parsedaily.go
	Share:   {"SHARE", "a share such as 30%"},
	Zone:    {"ZONE", "a time zone such as UTC, +02:00 or Europe/Berlin"},
	Moment:  {"MOMENT", "a time such as 2026-11-01T00:00:00+01:00"},
}

// String returns the value's name in the grammar.
func (v Value) String() string { return values[v].name }

// expected describes the valid values of a kind.
func expected(v Value) string { return values[v].expected }

// Syntax returns the syntax of the segment, with optional parts in brackets.
func (k *Kind) Syntax() string {
	var b strings.Builder
	b.WriteString(k.Name)
	for _, c := range k.Clauses {
		text := c.Value.String()
		if c.Word != "" {
			text = c.Word + " " + text
		}
		if c.Optional {
			text = "[" + text + "]"
		}
		b.WriteString(" " + text)
	}
	return b.String()
}

// Modifier reports whether k is a modifier rather than a kind of segment.
func (k *Kind) Modifier() bool { return k.modifier }

func (k *Kind) clause(word string) (int, bool) {
	i := slices.IndexFunc(k.Clauses, func(c Clause) bool { return c.Word == word })
	return max(i, 0), i >= 0
}

// words returns the words of the clauses.
func (k *Kind) words() []string {
	var words []string
	for _, c := range k.Clauses {
		if c.Word != "" {
			words = append(words, c.Word)
		}
	}
	return words
}

var (
	rate     = func(s *segment) *uint64 { return &s.a }
	toRate   = func(s *segment) *uint64 { return &s.b }
	byRate   = func(s *segment) *uint64 { return &s.by }
	duration = func(s *segment) *uint64 { return &s.dur }
	every    = func(s *segment) *uint64 { return &s.every }
	off      = func(s *segment) *uint64 { return &s.off }
	seedOf   = func(s *segment) *uint64 { return &s.seed }
	peak     = func(s *segment) *uint64 { return &s.peak }
)

// Kinds lists every kind of segment, then every modifier. The parser, the normal
// form and the documentation are derived from it.
var Kinds = []Kind{
	{
		Name: "constant", shape: flat, Example: "constant 500 for 1m",
		Clauses: []Clause{{"", Rate, false, rate}, {"for", Time, true, duration}},
		Help:    "A constant rate. The word is optional: `500 for 1m`, `500`.",
	},
	{
		Name: "idle", shape: flat, Example: "idle for 10s; constant 100",
		Clauses: []Clause{{"for", Time, true, duration}},
		Help:    "No records are due.",
	},
	{
		Name: "ramp", shape: slope, Example: "ramp 0 to 1k for 2m",
		Clauses: []Clause{{"", Rate, false, rate}, {"to", Rate, false, toRate}, {"for", Time, false, duration}},
		Help:    "The rate changes linearly from the first to the second, up or down.",
	},
	{
		Name: "steps", shape: stairs, Example: "steps 100 to 1000 by 100 every 30s",
		Clauses: []Clause{{"", Rate, false, rate}, {"to", Rate, false, toRate}, {"by", Rate, false, byRate}, {"every", Time, false, every}},
		Help: "The rate changes by one step, up or down, every TIME, until it has lasted for TIME at the second rate. " +
			"The last step is smaller if `by` does not divide the difference.",
	},
	{
		Name: "sine", shape: wave, Example: "sine 100 to 1000 every 24h",
		Clauses: []Clause{{"", Rate, false, rate}, {"to", Rate, false, toRate}, {"every", Time, false, every},
			{"from", Phase, true, peak}, {"for", Time, true, duration}},
		Help: "A daily curve: the rate oscillates between the two, with the period `every`. It starts at the trough, or " +
			"at the peak with `from peak`.",
	},
	{
		Name: "bursts", shape: pulse, Example: "bursts 5k on 200ms off 1.8s base 100 for 10m",
		Clauses: []Clause{{"", Rate, false, rate}, {"on", Time, false, every}, {"off", Time, false, off},
			{"base", Rate, true, toRate}, {"for", Time, true, duration}},
		Help: "The rate alternates between RATE, for the time `on`, and `base` (0 by default), for the time `off`.",
	},
	{
		Name: "poisson", shape: random, Example: "poisson 200 for 1m seed 7",
		Clauses: []Clause{{"", Rate, false, rate}, {"for", Time, true, duration}, {"seed", Number, true, seedOf}},
		Help: "Independent random arrivals, at RATE on average. The same seed (0 by default) produces the same " +
			"arrival times.",
	},
	{
		Name: "daily", shape: clocked, Example: "daily 09:00 500, 12:00 900, 18:00 300",
		Clauses: []Clause{{"", Entries, false, nil}, {"for", Time, true, duration}},
		Help: "The rate depends on the time of day: it is RATE from CLOCK on, until the next one. DAYS such as `mon-fri` or " +
			"`sat sun` apply to their CLOCK and to those that follow.",
	},
	{
		Name: "jitter", modifier: true, Example: "500; jitter 30%",
		Clauses: []Clause{{"", Share, false, nil}, {"seed", Number, true, nil}},
		Help: "Makes the gaps between records uneven: each record is due earlier, by a random part of up to SHARE of the gap. " +
			"Gaps differ by up to SHARE from what they would be; no record is added, lost or passed by another.",
	},
	{
		Name: "zone", modifier: true, Example: "daily mon-fri 08:00 500, 20:00 50; zone Europe/Berlin",
		Clauses: []Clause{{"", Zone, false, nil}},
		Help:    "The time zone of `daily`. Without it: UTC.",
	},
	{
		Name: "from", modifier: true, Example: "daily 09:00 500, 18:00 50; from 2026-11-01T08:00:00Z",
		Clauses: []Clause{{"", Moment, false, nil}},
		Help:    "The time of day at which a profile with `daily` starts, whenever the input does.",
	},
	{
		Name: "repeat", modifier: true, Example: "500 for 50s; idle for 10s; repeat",
		Clauses: []Clause{{"", Number, true, nil}},
		Help: "Restarts the profile when it ends, forever or NUMBER times in total. Random arrivals continue " +
			"instead of repeating.",
	},
	{
		Name: "scale", modifier: true, Example: "sine 100 to 1000 every 24h; scale 2.5",
		Clauses: []Clause{{"", Factor, false, nil}},
		Help:    "Multiplies all rates.",
	},
	{
		Name: "stretch", modifier: true, Example: "ramp 0 to 1k for 2m; 1k for 10m; stretch 0.5",
		Clauses: []Clause{{"", Factor, false, nil}},
		Help:    "Multiplies all time spans: with 2, the profile takes twice as long, at the same rates.",
	},
}

func kindNames() []string {
	names := make([]string, len(Kinds))
	for i := range Kinds {
		names[i] = Kinds[i].Name
	}
	return names
}

func kindOf(name string) *Kind {
	if i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name }); i >= 0 {
		return &Kinds[i]
	}
	return nil
}
