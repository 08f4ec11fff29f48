// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// badConfigs lists errors, each with its message in the log after "option NAME: ". Options
// that only gdummy has are at the end.
var badConfigs = []struct {
	name    string
	props   []string
	option  string
	problem string
}{
	{"no object", []string{`dummy hello`}, "dummy", "line 1, column 1: "},
	{"open object", []string{`dummy {"a":1`}, "dummy", "line 1, column 7: unexpected end of the text"},
	{"open string", []string{`dummy {"a":"b}`}, "dummy", "line 1, column "},
	{"open array", []string{`dummy {"a":[1,2}`}, "dummy", "line 1, column "},
	{"comma at the end", []string{`dummy {"a":1,}`}, "dummy", "line 1, column 7: "},
	{"no comma", []string{`dummy {"a":1 "b":2}`}, "dummy", "line 1, column "},
	{"no colon", []string{`dummy {"a" 1}`}, "dummy", "line 1, column "},
	{"bare name", []string{`dummy {a:1}`}, "dummy", "line 1, column 2: "},
	{"bare word", []string{`dummy {"a":yes}`}, "dummy", "line 1, column 6: "},
	{"capital True", []string{`dummy {"a":True}`}, "dummy", "line 1, column 6: "},
	{"single quotes", []string{`dummy {'a':1}`}, "dummy", "line 1, column 2: "},
	{"NaN", []string{`dummy {"a":NaN}`}, "dummy", "line 1, column 6: "},
	{"leading zero", []string{`dummy {"a":01}`}, "dummy", "line 1, column "},
	{"plus sign", []string{`dummy {"a":+1}`}, "dummy", "line 1, column 6: "},
	{"hexadecimal", []string{`dummy {"a":0x10}`}, "dummy", "line 1, column "},
	{"point at the end", []string{`dummy {"a":1.}`}, "dummy", "line 1, column "},
	{"bad escape", []string{`dummy {"a":"\q"}`}, "dummy", "line 1, column "},
	{"short unicode escape", []string{`dummy {"a":"\u12"}`}, "dummy", "line 1, column "},
	{"number too large", []string{`dummy {"a":1E400}`}, "dummy", "line 1, column 6: the number 1E400 does not fit in a double"},
	{"an array", []string{`dummy [1,2]`}, "dummy", "line 1, column 1: expected a JSON object, found an array"},
	{"a string", []string{`dummy 42`}, "dummy", "line 1, column 1: expected a JSON object, found a number"},
	{"an array between objects", []string{`dummy {"a":1} [2] {"b":3}`}, "dummy", "line 1, column 9: expected a JSON object, found an array"},
	{"text behind an object", []string{`dummy {"a":1} and so on`}, "dummy", "line 1, column 9: "},
	{"too deep", []string{`dummy ` + strings.Repeat(`{"a":`, 40) + `{}` + strings.Repeat(`}`, 40)}, "dummy", "line 1, column "},
	{"metadata: open object", []string{`metadata {"m":`}, "metadata", "line 1, column "},
	{"metadata: an array", []string{`metadata []`}, "metadata", "line 1, column 1: expected a JSON object, found an array"},
	{"metadata: two objects", []string{`metadata {"a":1}{"b":2}`}, "metadata", "expected one JSON object, found 2"},
	{"rate: a word", []string{`rate fast`}, "rate", `invalid value "fast": expected records per second`},
	{"rate: negative", []string{`rate -5`}, "rate", `invalid value "-5": must not be negative: expected records per second`},
	{"rate: too large", []string{`rate 99999999999`}, "rate", `invalid value "99999999999": expected at most 1G per second`},
	{"rate: minutes or millions", []string{`rate 5m`}, "rate", `invalid value "5m": expected M for millions or /m for a rate per minute; did you mean 5M (5 million per second) or 5/m (5 per minute)?`},
	{"copies: 0", []string{`copies 0`}, "copies", `invalid value "0": expected a whole number from 1 to 2147483647`},
	{"copies: negative", []string{`copies -1`}, "copies", `invalid value "-1": expected a whole number`},
	{"copies: a fraction", []string{`copies 1.5`}, "copies", `invalid value "1.5": expected a whole number`},
	{"samples: a word", []string{`samples many`}, "samples", `invalid value "many": expected a whole number`},
	{"samples: too large", []string{`samples 99999999999999999999`}, "samples", `invalid value "99999999999999999999": expected a whole number`},
	{"interval_sec: with a unit", []string{`interval_sec 5s`}, "interval_sec", `invalid value "5s": unknown unit "s"`},
	{"interval_nsec: a second", []string{`interval_nsec 1000000000`}, "interval_nsec", `invalid value "1000000000": expected a whole number of at most 999999999`},
	{"start_time_sec: a date", []string{`start_time_sec 2024-01-01`}, "start_time_sec", `invalid value "2024-01-01": expected a whole number`},
	{"start_time_sec: after 2106", []string{`start_time_sec 4294967296`}, "start_time_sec", `invalid value "4294967296": expected a whole number`},
	{"start_time_nsec: a second", []string{`start_time_nsec 1000000000`}, "start_time_nsec", `invalid value "1000000000": expected a whole number of at most 999999999`},
	{"fixed_timestamp: a number", []string{`fixed_timestamp 1`}, "fixed_timestamp", `invalid value "1": expected on or off`},
	{"flush_on_startup: a word", []string{`flush_on_startup maybe`}, "flush_on_startup", `invalid value "maybe": expected on or off`},
	{"strict: a word", []string{`strict very`}, "strict", `invalid value "very": expected on or off`},
	{"two errors", []string{`copies 0`, `samples x`}, "copies", `invalid value "0": expected a whole number`},
}

// Every error is logged with its option and position. Hosts that support it refuse to
// start, with an exit code. On others the input is idle, and they exit cleanly.
func TestBadConfigurations(t *testing.T) {
	if len(badConfigs) < 40 {
		t.Errorf("%d configurations, expected at least 40", len(badConfigs))
	}
	onEachHost(t, func(t *testing.T, h host) {
		for _, c := range badConfigs {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service +
					input(append([]string{"name gdummy", "tag a"}, c.props...)...) + toFiles})
				p.awaitError(c.option, c.problem)
				p.awaitRefusal()
				if n := len(p.records("a")); n > 0 {
					t.Errorf("%d records in spite of the error", n)
				}
			})
		}
	})
}

// awaitError waits for the line of an error.
func (p *process) awaitError(option, problem string) {
	p.t.Helper()
	p.awaitLog(fmt.Sprintf("[error] [input:gdummy:gdummy.0] option %s: %s", option, problem), 10*time.Second)
}

// awaitRefusal waits for the effect of an error on this host.
func (p *process) awaitRefusal() {
	p.t.Helper()
	if p.host.version.before(v4_0_3) {
		p.awaitLog("this input stays idle", 10*time.Second)
		p.awaitStart()
		p.stop()
		return
	}
	p.awaitExit(10 * time.Second)
	if p.exitCode <= 0 || p.signal != 0 {
		p.t.Errorf("exit code %d, signal %v; expected a refused start", p.exitCode, p.signal)
	}
}

// All errors of an input are logged at once, and the start is refused even if another input
// is valid.
func TestBadBesideGood(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag bad", "copies 0", "samples x", `metadata [`) +
			input("name gdummy", "tag good", "rate 50") + toFiles})
		p.awaitError("metadata", "line 1, column ")
		p.awaitError("copies", `invalid value "0": expected a whole number`)
		p.awaitError("samples", `invalid value "x": expected a whole number`)
		if h.version.before(v4_0_3) {
			// The valid input works, and the invalid one is idle.
			p.await("records of the good input", 10*time.Second, func() bool { return len(p.records("good")) >= 20 })
		}
		p.awaitRefusal()
		if n := len(p.records("bad")); n > 0 {
			t.Errorf("%d records of the bad input", n)
		}
	})
}

// With `strict off`, the errors that the dummy input ignores are warnings, and the default
// is used.
func TestStrictOff(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a", "strict off", `dummy {"bad`, "copies 0", "samples 3", "rate 50", "fixed_timestamp maybe") + toFiles})
		for _, option := range []string{"dummy", "copies", "fixed_timestamp"} {
			p.awaitLog("[ warn] [input:gdummy:gdummy.0] option "+option+": ", 10*time.Second)
		}
		p.await("3 records", 10*time.Second, func() bool { return len(p.records("a")) >= 3 })
		p.stop()
		if n := len(p.records("a")); n != 3 {
			t.Errorf("%d records, expected 3", n)
		}
		p.allBodies("a", `{"message": "dummy"}`)
	})
}

// From 5.1.1 on the host lists our options and refuses misspelled ones. Older hosts do
// neither, and ignore the list.
func TestOptionList(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		t.Run("help", func(t *testing.T) {
			t.Parallel()
			p := h.start(t, launch{args: []string{"-i", "gdummy", "-h"}})
			p.awaitExit(10 * time.Second)
			if p.exitCode != 0 || p.signal != 0 {
				t.Errorf("exit code %d, signal %v", p.exitCode, p.signal)
			}
			if h.version.before(v5_1_1) {
				return
			}
			log := p.log()
			for _, option := range []string{
				"dummy", "metadata", "rate", "interval_sec", "interval_nsec", "samples", "copies",
				"start_time_sec", "start_time_nsec", "fixed_timestamp", "flush_on_startup", "strict",
			} {
				// The first one follows the escape sequence that ends a bold heading.
				if !strings.Contains(log, "\n"+option+" ") && !strings.Contains(log, "\x1b[0m"+option+" ") {
					t.Errorf("the help does not list %s", option)
				}
			}
			if want := `> default: {"message":"dummy"}, type: string`; !strings.Contains(log, want) {
				t.Errorf("the help does not have %q", want)
			}
		})
		t.Run("misspelt", func(t *testing.T) {
			t.Parallel()
			p := h.start(t, launch{config: service + input("name gdummy", "tag a", "samles 3", "rate 50") + toFiles})
			if h.version.before(v5_1_1) {
				p.await("records", 10*time.Second, func() bool { return len(p.records("a")) > 3 })
				p.stop()
				return
			}
			p.awaitLog("unknown configuration property 'samles'", 10*time.Second)
			p.awaitExit(10 * time.Second)
			if p.exitCode <= 0 || p.signal != 0 {
				t.Errorf("exit code %d, signal %v; expected a refused start", p.exitCode, p.signal)
			}
		})
	})
}
