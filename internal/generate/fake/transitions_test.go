// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"strings"
	"testing"
)

const orderMachine = `"created 5m: paid 9, cancelled 1; paid 10m..20m: shipped; shipped 30m: delivered"`

// A row has the columns of states, and what only a transition has. Calls with the same
// arguments are one stream.
func TestTransitionRows(t *testing.T) {
	p := mustCompile(t, `{{ $o := transitions 100 `+orderMachine+` "empty" -}}
		{"v": {{ $o }}, "same": {{ eq $o.id (transitions 100 `+orderMachine+` "empty").id }}, "at": {{ now "unix_float" }}}`)
	m := p.Lives()
	if m == nil {
		t.Fatal("the program has no stream of transitions")
	}
	births, ends := 0, 0
	for k := range uint64(2000) {
		at := exampleTime + m.At(k)
		v := bodyAt(p, at, k)
		r, _ := m.Record(k)
		row := v.Field("v")
		if !v.Field("same").Truth() || row.Field("since").Float() != v.Field("at").Float() {
			t.Fatalf("record %d is %s", k, v.AppendJSON(nil))
		}
		first := row.Field("step").Int() == 0
		stayed := row.Field("since").Float() - row.Field("stayed").Float()
		if first != (string(row.Field("previous").AppendJSON(nil)) == "null") || first != (string(row.Field("stayed").AppendJSON(nil)) == "null") ||
			row.Field("last").Truth() != (row.Field("left").Int() == 0) || !first && stayed < row.Field("began").Float()-1e-5 ||
			row.Field("until").Float() < row.Field("since").Float() || row.Field("step").Int() != int64(r.Step) {
			t.Fatalf("record %d is %s", k, v.AppendJSON(nil))
		}
		if first {
			births++
		}
		if row.Field("last").Truth() {
			ends++
		}
	}
	if births == 0 || ends == 0 || births < ends {
		t.Errorf("%d lives were born, %d ended", births, ends)
	}
}

// What cannot be a stream of transitions is refused.
func TestTransitionErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": {{ (transitions 10 "a: b") }}}`:                                           `transitions: MACHINE has no dwell times: expected them as in "created 5m: paid; paid 1d: shipped"`,
		`{"a": {{ (transitions 10 "a 5m: b; b: c") }}}`:                                  `transitions: state "b" has no dwell time: expected one as in "b 5m"`,
		`{"a": {{ (transitions 0 "a 5m: b") }}}`:                                         "line 1, column 23: transitions: LIVES is 0, expected 1 to 1000000",
		`{"a": {{ (transitions 1.5 "a 5m: b") }}}`:                                       "transitions: LIVES must be an integer or a load profile, found 1.5",
		`{"a": {{ (transitions "repeat" "a 5m: b") }}}`:                                  `transitions: invalid LIVES: line 1, column 1: repeat without a segment: expected a segment before it, such as "constant 500 for 1m"`,
		`{"a": {{ (transitions "100" "a 5m: b") }}}`:                                     `transitions: LIVES is "100", expected a profile that repeats itself forever, not at random and not by the time of day`,
		`{"a": {{ (transitions "bursts 128 on 1s off 127s" "a 5m: b") }}}`:               "transitions: 128 lives at most, and 1 on average: expected at most 1000000, and 100 times the average",
		`{"a": {{ (transitions 10 "a 5m: b" "full") }}}`:                                 `transitions: invalid START "full": expected running or empty`,
		`{"a": {{ (transitions 10 "a 5m: b").stat }}}`:                                   "unknown column stat; did you mean state?",
		`{"a": {{ (transitions 10 "a 5m: b") }}, "b": {{ (transitions 11 "a 5m: b") }}}`: "transitions: a template has one stream of them, but another call has other arguments: keep the row in a variable, or use state_of for what else changes",
		`{"a": {{ per 5 (transitions 10 "a 5m: b").id }}}`:                               "per has one value for each key, but transitions depends on the record's number: compute what depends on the key in a variable before",
		`{"a": {{ (transitions 10 "a 5m: a") }}}`:                                        `transitions: a life that reaches state "a" never ends: expected a way to a state without successors`,
		`{"a": {{ grow 0 1 1 }}}`:                                                        "grow: MEAN is 0, expected more than 0 and at most 1099511627776",
		`{"a": {{ drift 0 1 0.1 1 1 }}}`:                                                 "drift: LOW is 0, expected more than 0",
		`{"a": {{ drift 1 2 0 1 1 }}}`:                                                   "drift: SHARE is 0, expected 0.000001 to 1",
		`{"a": {{ wander 30 70 0 1 1 }}}`:                                                "wander: STEP is 0, expected 7e-08 to 40",
		`{"a": {{ wander 30 70 41 1 1 }}}`:                                               "wander: STEP is 41, expected 7e-08 to 40",
		`{"a": {{ wander 70 30 1 1 1 }}}`:                                                "wander: LOW must not be above HIGH, found 70 and 30",
		`{"a": {{ wander 30 70 1 1 1 "x" }}}`:                                            `wander: START must be a number, found string "x"`,
		`{"a": {{ keyed 5000 1 }}}`:                                                      "keyed: KEYS is 5000, expected at most 4096 with S",
		`{"a": {{ keyed_weighted "a" 0.5 }}}`:                                            "keyed_weighted: expected a value and its weight, an integer from 1 to 65536, in turn",
		`{"a": {{ keyed_weighted "a" 60000 "b" 6000 }}}`:                                 "keyed_weighted: the sum of the weights is above 65536",
	} {
		if _, err := compile(text); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}
