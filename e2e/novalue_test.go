// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An option without a value is an error on every host, as it is usually an unset variable.
// Fluent Bit does not pass such a property to the plugin.
func TestNoValue(t *testing.T) {
	const empty = "empty value: set a value, such as "
	for _, c := range []struct {
		name            string
		yaml            bool
		props           []string
		option, problem string
	}{
		{"variable that is not set", false, []string{"rate ${GDUMMY_UNSET}"}, "rate", "empty value: expected records per second"},
		{"variables that are not set", false, []string{"seed ${GDUMMY_UNSET}${GDUMMY_UNSET}"}, "seed", empty},
		{"ledger that is an unset variable", false, []string{"ledger ${GDUMMY_UNSET}"}, "ledger", empty},
		{"name in another case", false, []string{"Template_File ${GDUMMY_UNSET}"}, "template_file", empty},
		{"nothing, YAML", true, []string{"ledger:"}, "ledger", empty},
		{"behind others", false, []string{"rate 50", "copies 2", "ledger ${GDUMMY_UNSET}"}, "ledger", empty},
		{"ledger in quotes, YAML", true, []string{`ledger: ""`}, "ledger", empty},
		{"variable, YAML", true, []string{"rate: ${GDUMMY_UNSET}"}, "rate", "empty value: expected records per second"},
		{"null, YAML", true, []string{"ledger: ~"}, "ledger", `invalid value "~", YAML's null: set a value, such as `},
		{"null in words, YAML", true, []string{"template_file: null"}, "template_file", `invalid value "null", YAML's null: set a value, such as `},
	} {
		onEachHostSub(t, c.name, func(t *testing.T, h host) {
			l := launch{config: service + input(append([]string{"name gdummy", "tag a"}, c.props...)...) + toFiles}
			if c.yaml {
				l = launch{yaml: true, config: yamlInput(c.props...)}
			}
			p := h.start(t, l)
			p.awaitError(c.option, c.problem)
			p.awaitRefusal()
			if n := len(p.records("a")); n > 0 {
				t.Errorf("%d records in spite of the error", n)
			}
			for _, name := range []string{"~", "null"} {
				if _, err := os.Stat(filepath.Join(p.dir, name)); err == nil {
					t.Errorf("unexpected file %s", name)
				}
			}
		})
	}
}

// Fluent Bit refuses a name without a value in a classic configuration.
func TestNameAlone(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service + input("name gdummy", "tag a", "ledger") + toFiles})
		p.awaitLog("undefined value", 10*time.Second)
		p.awaitExit(10 * time.Second)
		if p.exitCode <= 0 || p.signal != 0 {
			t.Errorf("exit code %d, signal %v; expected a refused start", p.exitCode, p.signal)
		}
	})
}

// A setting with an unexpected effect is a warning, and records are produced.
func TestNoEffect(t *testing.T) {
	for _, c := range []struct {
		name    string
		yaml    bool
		props   []string
		warning string
		body    string
	}{
		{"empty dummy, YAML", true, []string{"dummy:", "rate: 50"}, `option dummy: empty value; the default {"message":"dummy"} is used`, `{"message": "dummy"}`},
		{"dummy that is an unset variable", false, []string{"dummy ${GDUMMY_UNSET}", "rate 50"}, `option dummy: empty value; the default {"message":"dummy"} is used`, `{"message": "dummy"}`},
		{"empty metadata", false, []string{"metadata ${GDUMMY_UNSET}", `dummy {"a":1}`, "rate 50"}, "option metadata: empty value; the default {} is used", `{"a": 1}`},
		{"dummy that is null, YAML", true, []string{"dummy: ~", "rate: 50"}, `option dummy: invalid value "~", YAML's null; the default {"message":"dummy"} is used`, `{"message": "dummy"}`},
		{"rate beside interval_sec", false, []string{`dummy {"a":1}`, "rate 500", "interval_sec 1"}, "option rate: no effect: interval_sec and interval_nsec override it", `{"a": 1}`},
	} {
		onEachHostSub(t, c.name, func(t *testing.T, h host) {
			l := launch{config: service + input(append([]string{"name gdummy", "tag a"}, c.props...)...) + toFiles}
			if c.yaml {
				l = launch{yaml: true, config: yamlInput(c.props...)}
			}
			p := h.start(t, l)
			p.awaitLog("[ warn] [input:gdummy:gdummy.0] "+c.warning, 10*time.Second)
			p.await("records", 10*time.Second, func() bool { return len(p.records("a")) > 0 })
			p.stop()
			p.allBodies("a", c.body)
		})
	}
}

// An option that is set twice: Fluent Bit refuses it if it knows the options. Otherwise the
// first value is used, and one warning is logged.
func TestOptionTwice(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a", `dummy {"a":1}`, "rate 50", `Dummy {"b":2}`, `dummy {"c":3}`, "samples 3") + toFiles})
		if !h.version.before(v5_1_1) {
			p.awaitLog("configuration property 'dummy' is set 3 times", 10*time.Second)
			p.awaitExit(10 * time.Second)
			if p.exitCode <= 0 || p.signal != 0 {
				t.Errorf("exit code %d, signal %v; expected a refused start", p.exitCode, p.signal)
			}
			return
		}
		const warning = "[ warn] [input:gdummy:gdummy.0] option dummy: set more than once; the first value is used"
		p.awaitLog(warning, 10*time.Second)
		p.await("3 records", 10*time.Second, func() bool { return len(p.records("a")) >= 3 })
		p.stop()
		p.allBodies("a", `{"a": 1}`)
		if n := strings.Count(p.log(), "set more than once"); n != 1 {
			t.Errorf("%d warnings, want 1", n)
		}
	})
}

// onEachHostSub is onEachHost as a subtest.
func onEachHostSub(t *testing.T, name string, test func(t *testing.T, h host)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { onEachHost(t, test) })
}

// yamlInput returns a configuration in YAML with one input from its properties.
func yamlInput(properties ...string) string {
	return `service:
  flush: 0.2
  grace: 1
  log_level: info
pipeline:
  inputs:
    - name: gdummy
      tag: a
      ` + strings.Join(properties, "\n      ") + `
  outputs:
    - name: file
      match: "*"
      path: out
      format: msgpack
`
}
