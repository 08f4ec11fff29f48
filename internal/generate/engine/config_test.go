// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/files"
)

var update = flag.Bool("update", false, "renew the golden files")

// from returns the option.Lookup of a section: lines of `name value`.
func from(section string) option.Lookup {
	return func(name string) (string, bool) {
		for line := range strings.SplitSeq(section, "\n") {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if strings.EqualFold(key, name) {
				return value, true
			}
		}
		return "", false
	}
}

// The documentation, the default and the example of each option are valid.
func TestRows(t *testing.T) {
	t.Chdir("testdata") // an example names a file
	seen := map[string]bool{}
	for _, o := range option.Table {
		switch {
		case o.Name == "" || o.Help == "" || o.Example == "" || o.Section == "" || o.Kind.String() == "unknown":
			t.Errorf("option %q: its row is incomplete", o.Name)
		case seen[o.Name]:
			t.Errorf("option %s is defined twice", o.Name)
		case strings.ToLower(o.Name) != o.Name:
			t.Errorf("option %s: names are lower case", o.Name)
		case !strings.HasSuffix(o.Help, "."):
			t.Errorf("option %s: the help is not a sentence", o.Name)
		case option.IsCore(o.Name):
			t.Errorf("option %s: the name is reserved by Fluent Bit", o.Name)
		}
		seen[o.Name] = true
		for what, text := range map[string]string{"default": o.Default, "example": o.Example} {
			section := strings.ReplaceAll(strings.Join(append(o.With, o.Name+"="+text), "\n"), "=", " ")
			if _, _, err := Configure(from(section), nil); err != nil && text != "" {
				t.Errorf("option %s: the %s is invalid: %v", o.Name, what, err)
			}
		}
		if found, ok := option.Find(strings.ToUpper(o.Name)); !ok || found.Name != o.Name {
			t.Errorf("option %s is not found in capitals", o.Name)
		}
	}
}

// The defaults are those of Fluent Bit's dummy input.
func TestDefaults(t *testing.T) {
	c, warnings, err := Configure(from(""), nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if got := string(c.bodies[0]); got != "\x81\xa7message\xa5dummy" {
		t.Errorf("the body is %q", got)
	}
	if c.Copies != 1 || c.Samples != 0 || c.Rate != (option.PerSecond{Num: 1, Den: 1}) || c.IntervalSec != 0 || c.IntervalNsec != 0 ||
		c.StartTimeSec != -1 || c.StartTimeNsec != -1 || c.FixedTimestamp || c.FlushOnStartup || !c.Strict {
		t.Errorf("the defaults are %+v", c)
	}
}

// Values in the forms that users write.
func TestValues(t *testing.T) {
	for _, s := range []string{"on", "On", "ON", "true", "True", "yes", "YES", `"on"`, " on ", "'true'"} {
		if c, _, err := Configure(from("fixed_timestamp "+s), nil); err != nil || !c.FixedTimestamp {
			t.Errorf("fixed_timestamp %s: %v", s, err)
		}
	}
	for _, s := range []string{"off", "OFF", "false", "False", "no", "No"} {
		if v, err := option.ParseBoolean(s); err != nil || v {
			t.Errorf("%s is %v, %v", s, v, err)
		}
	}
	for s, want := range map[string]option.PerSecond{
		"1": {Num: 1, Den: 1}, "0": {Num: 1, Den: 1}, "250": {Num: 250, Den: 1}, "0.1": {Num: 1, Den: 10}, "50k": {Num: 50000, Den: 1},
		"2M": {Num: 2e6, Den: 1}, "1g": {Num: 1e9, Den: 1}, "1.5k": {Num: 1500, Den: 1}, "30/m": {Num: 1, Den: 2}, "1/h": {Num: 1, Den: 3600}, "unlimited": {Unlimited: true},
		"UNLIMITED": {Unlimited: true}, "1000000000": {Num: 1e9, Den: 1},
	} {
		if v, err := option.ParseRate(s); err != nil || v != want {
			t.Errorf("the rate %s is %+v, %v; expected %+v", s, v, err, want)
		}
	}
}

// JSON in quotes, which classic configurations keep and users add.
func TestQuotedJSON(t *testing.T) {
	const want = "\x81\xa1a\xa3x\"y"
	for _, s := range []string{
		`{"a":"x\"y"}`,
		`'{"a":"x\"y"}'`,
		`"{\"a\":\"x\\\"y\"}"`,
		` ' {"a":"x\"y"} ' `,
		`"\u007b\"a\":\"x\\\"y\"}"`,
	} {
		c, _, err := Configure(from("dummy "+s), nil)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		} else if got := string(c.bodies[0]); got != want {
			t.Errorf("%s: got %q, want %q", s, got, want)
		}
	}
}

// The offset of an error is relative to the value as written, quotes included.
func TestOffset(t *testing.T) {
	for _, value := range []string{
		`{"a":X}`,
		`'{"a":X}'`,
		`"{\"a\":X}"`,
		` "  {\"é\":\"\u00e9\ud83d\ude00\", \"b\":X}" `,
		"'\n{\"a\":\nX}'",
	} {
		_, _, err := Configure(func(name string) (string, bool) { return value, name == "dummy" }, nil)
		var errs option.Errors
		if !errors.As(err, &errs) || len(errs) != 1 {
			t.Errorf("%q: %v", value, err)
			continue
		}
		if at := errs[0].Offset; at >= len(value) || value[at] != 'X' {
			t.Errorf("%q: the error is at byte %d", value, at)
		}
	}
}

// bad are invalid values of every option.
var bad = []string{
	`dummy {"a":}`, `dummy {"a":1,}`, `dummy [1]`, `dummy 5`, `dummy "text"`, `dummy {a:1}`, `dummy {'a':1}`, `dummy {"a":1`,
	`dummy {"a":1e999}`, `dummy {"a":1},{"b":2}`, `dummy '{"a":tru}'`, `dummy "{\"a\":}"`, `dummy {} null`,
	`metadata {}{}`, `metadata []`, `metadata {"a"}`,
	`copies 0`, `copies -1`, `copies 1.5`, `copies 10m`, `copies many`, `copies 2147483648`, `copies 0x10`, `copies ""`,
	`samples x`, `samples 2147483648`, `samples 99999999999999999999`, `samples 1 2`,
	`rate -1`, `rate fast`, `rate 1000000001`, `rate 2G`, `rate 1m`, `rate 5 per second`, `rate unlimitd`, `rate 0.0000000001`, `rate .`, `rate k`, `rate ""`,
	`bytes_rate -1`, `bytes_rate 5P`, `bytes_rate 5KK`, `bytes_rate MB`, `bytes_rate inf`, `bytes_rate 10m`, `bytes_rate 99999999999G`, `bytes_rate ""`,
	"bytes_rate 1M\nrate 5", "bytes_rate 1M\ninterval_sec 5",
	`interval_sec 1s`, `interval_sec 2147483648`, `interval_sec 0.5`,
	`interval_nsec 1000000000`, `interval_nsec 500ms`,
	`max_records -1`, `max_records 1m`, `max_records 1.5`, `max_records all`,
	"time_speed 60\nload_profile daily 09:00 5",
	"time_step 2ns\ncopies 3", "start_time 1700000000\nend_time 1700000001\nmax_records 2G", "start_time -1h\nend_time -59m\nmax_records 61G\ncopies 3",
	"load_profile 1G for 1s\nrate unlimited\nstart_time -1h\ncopies 2", "rate 400M\nshuffle_within 1s\ncopies 3", "rate 400M\nshuffle_within 1s\ntime_speed 0.3",
	`skew host`, `skew host within soon`, `skew host within 0`, `skew host within 5s`, `skew $host within 5s`, "skew message within 5s\nrate unlimited",
	"skew message within 5s\nfixed_timestamp on", "template {{ $host := keyed 5 }}{\"h\":1}\nskew $hots within 5s",
	`duration -1s`, `duration soon`, `duration 5 minutes`, `duration xd`, `duration 1e300`, `duration 1M`, `duration 1h30`, `duration ""`,
	`on_finish stop`, `on_finish exot`,
	`start_delay -5`, `start_delay 1y`,
	`catch_up all`, `catch_up ful`,
	`max_in_flight 1K`, `max_in_flight 4m`, `max_in_flight 1G`, `max_in_flight lots`,
	`max_memory 0`, `max_memory 999K`, `max_memory unlimited`,
	`start_time_sec 4294967296`, `start_time_sec 2024-01-01`, `start_time_sec 1700000000.5`,
	`start_time_nsec 1000000000`, `start_time_nsec half`,
	`fixed_timestamp 1`, `fixed_timestamp maybe`, `fixed_timestamp ""`,
	`flush_on_startup enabled`, `strict never`,
	"ledger ", "ledger \"\"", "ledger ~", "rate ~", "rate null", "template ", "catch_up ", "seed ", "stream_id null", "fixed_timestamp ", "audit_key ",
	"ledger l\naudit off",
	"template {\"a\": {{ emial }}\nformat nginx", "dummy {}\ntemplate {\"a\": 1", "metadata {}\nmetadata_template {\"a\": {{ emial }}}",
	"audit on\ndummy {\"a\":1}{\"a\":2,\"gdummy\":3}", "ledger l\naudit_key log\nformat nginx",
	"audit on\naudit_in metadata\naudit_key m\nmetadata {\"m\":1}",
	"audit on\naudit_in metadata\naudit_key m\nmetadata_template {\"m\": {{ seq }}}",
	"audit on\naudit_key b\ntemplate {\"a\": {\"c\": 1}, {{ if bool }}\"b\": 2{{ else }}\"c\": 3{{ end }}}",
}

// An identity may have the name of a field that is not in the same map.
func TestIdentityBeside(t *testing.T) {
	for _, section := range []string{
		"audit on\ndummy {\"a\":{\"gdummy\":3}}", "dummy {\"gdummy\":3}", "audit on\naudit_in metadata\ndummy {\"gdummy\":3}",
		"audit on\nmetadata {\"gdummy\":3}", "audit on\naudit_key c\ntemplate {\"a\": {\"c\": 1}, \"b\": \"c\"}",
	} {
		if _, _, err := Configure(from(section), nil); err != nil {
			t.Errorf("%s: %v", section, err)
		}
	}
}

// The golden file contains the exact error of each, for review.
func TestBadValues(t *testing.T) {
	const golden = "testdata/bad.txt"
	var b strings.Builder
	for _, section := range bad {
		_, _, err := Configure(from(section), nil)
		var errs option.Errors
		if !errors.As(err, &errs) {
			t.Errorf("%s: no error", section)
			continue
		}
		fmt.Fprintf(&b, "> %s\n%s\n\n", strings.ReplaceAll(section, "\n", "\n> "), strings.Join(errs.Lines(), "\n"))
	}
	for _, name := range []string{"rat", "dumy", "intervalsec", "mem_buf_limits", "colour", "Samples2"} {
		fmt.Fprintf(&b, "> %s 1\n%s\n\n", name, strings.Join(option.Unknown(name, "1", append(option.Names(), option.Core...), func(string) bool { return false }).Lines(), "\n"))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s differs (-update renews it):\n%s", golden, diff)
	}
}

// All errors are reported at once: one does not hide the next.
func TestAllAtOnce(t *testing.T) {
	_, _, err := Configure(from("rate x\ncopies 0\ndummy [\nfixed_timestamp 2"), nil)
	var errs option.Errors
	if !errors.As(err, &errs) || len(errs) != 4 {
		t.Fatalf("got %v, want four errors", err)
	}
	if n := strings.Count(err.Error(), "\n"); n != 3 {
		t.Errorf("four errors on %d lines", n+1)
	}
	for section, want := range map[string]string{
		"tag_template \nformat ngnix":                     "format, tag_template",
		"metadata_template ~\ntemplate {\"a\": {{ no }}}": "template, metadata_template",
		"template {\"a\": 1}\nformat ngnix":               "template, format",
		"template ~\nformat nginx":                        "template", // what is empty excludes nothing
		"template ~\nmetadata_template {\ntag_template":   "template, metadata_template, tag_template",
	} {
		_, _, err := Configure(from(section), nil)
		var errs option.Errors
		errors.As(err, &errs)
		var names []string
		for _, e := range errs {
			names = append(names, e.Option)
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%q: errors in %s, want %s:\n%v", section, got, want, err)
		}
	}
}

// With `strict off` errors become warnings, and the default or the valid part of the
// value is used, as in the dummy input.
func TestForgiving(t *testing.T) {
	c, warnings, err := Configure(from("strict off\ncopies 0\nrate x\ndummy {\"a\":1} {\"b\":"), nil)
	if err != nil || len(warnings) != 3 {
		t.Fatalf("%v, %d warnings", err, len(warnings))
	}
	if c.Copies != 1 || c.Rate != (option.PerSecond{Num: 1, Den: 1}) || len(c.bodies) != 1 || string(c.bodies[0]) != "\x81\xa1a\x01" {
		t.Errorf("the configuration is %+v", c)
	}
	c, warnings, err = Configure(from("strict off\nformat nginx\ntag_template\ntemplate ~"), nil)
	if err != nil || len(warnings) != 2 || c.Program == nil {
		t.Errorf("empty options beside a format: %v, %v, template used: %v", err, warnings, c.Program != nil)
	}
	for _, w := range warnings {
		if w.Fallback == "" || !strings.Contains(w.Error(), w.Fallback) {
			t.Errorf("%v does not name the value used", w)
		}
	}
}

// An option without a value is an error, except those of the dummy input, which get
// their default with a warning. An option without effect is a warning too.
func TestWarnings(t *testing.T) {
	for section, want := range map[string]string{
		"dummy ":                      `option dummy: empty value; the default {"message":"dummy"} is used`,
		"dummy \"\"":                  `option dummy: empty value; the default {"message":"dummy"} is used`,
		"dummy ~":                     `option dummy: invalid value "~", YAML's null; the default {"message":"dummy"} is used`,
		"metadata null":               `option metadata: invalid value "null", YAML's null; the default {} is used`,
		"rate 5\ninterval_sec 2":      `option rate: no effect: interval_sec and interval_nsec override it`,
		"rate 5\ninterval_sec 0":      "",
		"rate 5\ninterval_sec -1":     "",
		"dummy \ntemplate {\"a\": 1}": `option dummy: empty value; the default {"message":"dummy"} is used`,
		"strict off\ndummy \nledger ": `option dummy: empty value; the default {"message":"dummy"} is used` + "\n" +
			`option ledger: empty value: set a value, such as /var/tmp/gdummy.ledger, or remove the option; the option is ignored`,
	} {
		c, warnings, err := Configure(from(section), nil)
		if got := strings.Join(warnings.Lines(), "\n"); err != nil || got != want {
			t.Errorf("%q: %v, %s\nwant %s", section, err, got, want)
		}
		if err == nil && len(c.bodies) != 1 {
			t.Errorf("%q: %d bodies", section, len(c.bodies))
		}
	}
}

// No value makes the parser of an option panic. Each error names its option and has
// an offset within the value.
func FuzzOption(f *testing.F) {
	for _, section := range bad {
		name, value, _ := strings.Cut(section, " ")
		f.Add(name, value)
	}
	for _, o := range option.Table {
		f.Add(o.Name, o.Default)
		f.Add(o.Name, o.Example)
	}
	f.Add("bytes_rate", "ɐ") // longer in upper case
	f.Fuzz(func(t *testing.T, name, value string) {
		c, _, err := Configure(func(n string) (string, bool) { return value, strings.EqualFold(n, name) }, nil)
		if err == nil {
			if len(c.bodies) == 0 || len(c.metadata) != 1 {
				t.Fatalf("%d bodies, %d metadata", len(c.bodies), len(c.metadata))
			}
			return
		}
		var errs option.Errors
		if !errors.As(err, &errs) {
			t.Fatal(err)
		}
		for _, e := range errs {
			if !strings.EqualFold(e.Option, name) {
				t.Fatalf("option %s is set, but the error is in %s", name, e.Option)
			}
			if e.Offset < 0 || e.Offset > len(value) || strings.ContainsRune(e.Error(), '\n') && utf8.ValidString(value) {
				t.Fatalf("%q, byte %d", e.Error(), e.Offset)
			}
			e.Lines()
		}
		option.Unknown(name, value, option.Names(), func(string) bool { return true }).Lines()
	})
}

// Delimiters that are frequent in JSON are invalid. A file may start with a byte
// order mark.
func TestTemplateOptions(t *testing.T) {
	for text, ok := range map[string]bool{
		"[[ ]]": true, "<% %>": true, "< >": true, "{{{ }}}": true, "${ }": false, "{ }": false, "a b": false, `" "`: false, "[ ]": false, "[[ [[": false, "[[": false, "<< >> >>": false, "x<< >>": false,
	} {
		_, _, err := Configure(from("template_delims "+text), nil)
		if (err == nil) != ok {
			t.Errorf("template_delims %s: %v", text, err)
		}
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("t.tmpl", []byte("\ufeff{\"a\": 1}\r\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c, _, err := Configure(from("template_file t.tmpl"), nil)
	if err != nil || string(c.Program.AppendBody(nil, 0, 0)) != "\x81\xa1a\x01" {
		t.Errorf("a file with a byte order mark: %v", err)
	}
}

// The directory of the configuration is also searched for template_file and the
// files that templates read, and the error lists the paths tried.
func TestFilesBesideTheConfiguration(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here, conf := filepath.Join(dir, "here"), filepath.Join(dir, "conf")
	for name, text := range map[string]string{
		"here/only.here": "", "conf/shop.tmpl": `{"u": {{ (row "users.csv").name }}}`, "conf/users.csv": "name\nAda\n", "conf/bad.tmpl": "{\n]",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(here)
	in := files.Beside(filepath.Join(conf, "fluent-bit.conf"))
	c, _, err := Configure(from("template_file shop.tmpl"), in)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Program.AppendBody(nil, 0, 0)); got != "\x81\xa1u\xa3Ada" {
		t.Errorf("record %q", got)
	}
	for section, want := range map[string]string{
		"template_file none.tmpl": `option template_file: cannot open "none.tmpl": tried ` + here + "/none.tmpl, " + conf + "/none.tmpl",
		`template {"a": {{ (row "none.csv").a }}}`: `option template: line 1, column 15: row: cannot open "none.csv": tried ` +
			here + "/none.csv, " + conf + "/none.csv",
		"template_file bad.tmpl": `option template_file: ` + conf + `/bad.tmpl, line 2, column 1: `,
	} {
		if _, _, err := Configure(from(section), in); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", section, err, want)
		}
	}
}
