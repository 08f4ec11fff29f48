// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The programs with which people read these logs, where they are installed:
// Debian has them all.

// run writes the regular lines of a format to a file, below a head, and returns what a
// program makes of it.
func run(t *testing.T, pkg, format, head string, program string, args ...string) []byte {
	t.Helper()
	text := []byte(head)
	lines(t, format, func(_ time.Time, line string) { text = append(text, line+"\n"...) })
	return runOn(t, pkg, format, text, program, args...)
}

// runOn writes a text to a file and returns what a program makes of it. In the
// arguments of the program, FILE is the file, and OUT is a file that the program writes
// and that is returned in place of its output.
func runOn(t *testing.T, pkg, format string, text []byte, program string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("### SKIPPED: there is no %s (Debian: apt-get install %s): %s WAS NOT READ BY IT", program, pkg, format)
	}
	dir := t.TempDir()
	file, out := filepath.Join(dir, "in.log"), filepath.Join(dir, "out.json")
	if err := os.WriteFile(file, text, 0o666); err != nil {
		t.Fatal(err)
	}
	wrote := false
	for i, a := range args {
		wrote = wrote || a == "OUT"
		args[i] = strings.NewReplacer("FILE", file, "OUT", out).Replace(a)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Stdin = bytes.NewReader(text)
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.Bytes())
	}
	if wrote {
		if got, err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// lnav is what the program lnav reads: one object for each row of a query.
func lnav(t *testing.T, format, head, query string) []map[string]any {
	t.Helper()
	out := run(t, "lnav", format, head, "lnav", "-n", "-c", ";"+query, "-c", ":write-json-to -", "FILE")
	var rows []map[string]any
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatalf("%v in %.300s", err, out)
	}
	return rows
}

// The log of Kubernetes components, and what web servers, load balancers and
// programs write: severity, time, source and numbers of each line.
func TestLnav(t *testing.T) {
	text := func(v any) string {
		if f, ok := v.(float64); ok && f == math.Trunc(f) {
			return strconv.FormatInt(int64(f), 10)
		}
		if v == nil {
			return "-"
		}
		return fmt.Sprint(v)
	}
	row := func(r map[string]any, columns string) string {
		var parts []string
		for _, c := range strings.Fields(columns) {
			parts = append(parts, text(r[c]))
		}
		return strings.Join(parts, " ")
	}
	const iis = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2023-11-14 22:13:20\n" +
		"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"
	for _, tt := range []struct {
		format, head, table, columns string
		pattern, want                string // of our line, and what its groups are in the columns
		skip                         string // lines that it does not know
	}{
		{"klog", "", "glog_log", "log_level thread src_file src_line", `^([IWE])\d{4} \S+ +(\d+) ([\w.]+):(\d+)\]`, "$1 $2 $3 $4", ""},
		{"apache_common", "", "access_log", "c_ip cs_username cs_method sc_status sc_bytes", `^(\S+) - (\S+) \[[^]]*\] "(\w+) [^"]*" (\d+) (\S+)$`, "$1 $2 $3 $4 $5", ""},
		{"apache_combined", "", "access_log", "c_ip cs_username cs_method sc_status sc_bytes cs_user_agent", `^(\S+) - (\S+) \[[^]]*\] "(\w+) [^"]*" (\d+) (\S+) "[^"]*" "([^"]*)"`, "$1 $2 $3 $4 $5 $6", ""},
		{"nginx", "", "access_log", "c_ip cs_username cs_method sc_status sc_bytes cs_user_agent", `^(\S+) - (\S+) \[[^]]*\] "(\w+) [^"]*" (\d+) (\S+) "[^"]*" "([^"]*)"`, "$1 $2 $3 $4 $5 $6", ""},
		{"aws_elb", "", "alb_log", "type elb client_ip client_port target_ip elb_status_code target_status_code received_bytes sent_bytes ssl_protocol",
			`^(\S+) \S+ (\S+) ([^:]+):(\d+) ([^: ]+):8080 \S+ \S+ \S+ (\d+) (\S+) (\d+) (\d+) "[^"]*" "[^"]*" \S+ (\S+)`, "$1 $2 $3 $4 $5 $6 $7 $8 $9 $10", " - -1 -1 -1 "},
		{"w3c_iis", iis, "w3c_log", "s_ip cs_method cs_uri_stem cs_uri_query s_port cs_username c_ip sc_status sc_substatus time_taken",
			`^\S+ \S+ (\S+) (\S+) (\S+) (\S+) (\d+) (\S+) (\S+) \S+ \S+ (\d+) (\d+) \d+ (\d+)$`, "$1 $2 $3 $4 $5 $6 $7 $8 $9 $10", ""},
	} {
		t.Run(tt.format, func(t *testing.T) {
			rows := lnav(t, tt.format, tt.head, "SELECT * FROM "+tt.table+" ORDER BY log_line")
			re := regexp.MustCompile(tt.pattern)
			i := 0
			lines(t, tt.format, func(at time.Time, line string) {
				if tt.skip != "" && strings.Contains(line, tt.skip) {
					return
				}
				if i >= len(rows) {
					t.Fatalf("it read %d lines", len(rows))
				}
				m := re.FindStringSubmatchIndex(line)
				if m == nil {
					t.Fatalf("%s does not match %s", line, tt.pattern)
				}
				want := string(re.ExpandString(nil, tt.want, line, m))
				columns := strings.Fields(tt.columns)
				parts := strings.SplitN(want, " ", len(columns))
				for j, c := range columns {
					if parts[j] == "-" && (c == "sc_bytes" || c == "target_status_code") {
						parts[j] = "0" // it reads anything but a number as 0
					}
				}
				want = strings.Join(parts, " ")
				got := row(rows[i], tt.columns)
				if tt.format == "klog" {
					want = map[byte]string{'I': "info", 'W': "warning", 'E': "error"}[want[0]] + want[1:]
				} else if !strings.HasPrefix(fmt.Sprint(rows[i]["log_time"]), at.Format(time.DateTime)) {
					t.Errorf("its time is %v, want %v", rows[i]["log_time"], at)
				}
				if got != want {
					t.Errorf("%s\nis read as %s\nwant       %s", line, got, want)
				}
				i++
			})
			if i != len(rows) {
				t.Errorf("it read %d lines, want %d", len(rows), i)
			}
		})
	}
}

// liblognorm's reader of CEF takes header and extensions apart; it unescapes
// them.
func TestLognorm(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "cef.rb")
	if err := os.WriteFile(rules, []byte("version=2\nrule=:%f:cef%\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	out := strings.Split(strings.TrimSpace(string(run(t, "liblognorm-utils", "cef", "", "lognormalizer", "-r", rules, "-e", "json"))), "\n")
	i := 0
	lines(t, "cef", func(at time.Time, line string) {
		if i >= len(out) {
			t.Fatalf("it read %d lines", len(out))
		}
		var event struct {
			F struct {
				DeviceVendor, DeviceProduct, DeviceVersion, SignatureID, Name, Severity string
				Extensions                                                              map[string]string
			}
		}
		if err := json.Unmarshal([]byte(out[i]), &event); err != nil {
			t.Fatal(err)
		}
		f := event.F
		got := strings.Join([]string{"CEF:0", f.DeviceVendor, f.DeviceProduct, f.DeviceVersion, f.SignatureID, f.Name, f.Severity, ""}, "|")
		keys := []string{"rt", "src", "spt", "dst", "dpt", "proto", "suser", "act", "cs1Label", "cs1", "msg"}
		for _, k := range keys {
			v, ok := f.Extensions[k]
			if k == "rt" {
				v, ok = f.Extensions["t"], true // it loses the first letter of the first name
				if v != strconv.FormatInt(at.UnixMilli(), 10) {
					t.Errorf("rt is %s, want %d", v, at.UnixMilli())
				}
			}
			if ok {
				got += k + "=" + strings.NewReplacer(`\`, `\\`, "=", `\=`).Replace(v) + " "
			}
		}
		same(t, strings.TrimSuffix(got, " "), line)
		i++
	})
	if i != len(out) {
		t.Errorf("it read %d lines, want %d", len(out), i)
	}
}

// pgbadger counts the statements and what they took, and the other events.
func TestPgBadger(t *testing.T) {
	text := run(t, "pgbadger", "postgres", "", "pgbadger", "-q", "-f", "stderr", "--prefix", "%m [%p] %q%u@%d ", "-x", "json", "-o", "OUT", "FILE")
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	// Some of its objects are keyed by its arguments: the statements are found
	// wherever they lie.
	var databases any
	if err := json.Unmarshal(all["database_info"], &databases); err != nil {
		t.Fatal(err)
	}
	shop := find(databases, "shop")
	count, took, kinds := 0, 0.0, map[string]int{}
	re := regexp.MustCompile(`LOG:  duration: (\S+) ms  statement: (\w+)`)
	lines(t, "postgres", func(_ time.Time, line string) {
		if m := re.FindStringSubmatch(line); m != nil {
			ms, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				t.Error(err)
			}
			count++
			took += ms
			kinds[strings.ToLower(m[2])]++
		}
	})
	want := map[string]float64{"count": float64(count), "duration": took}
	for kind, n := range kinds {
		want[kind] = float64(n)
	}
	for name, n := range want {
		if got, _ := shop[name].(float64); math.Abs(got-n) > 1e-6*n {
			t.Errorf("%s is %v, want %v: %v", name, got, n, shop)
		}
	}
}

// find returns the object of a name, however deep.
func find(v any, name string) map[string]any {
	m, _ := v.(map[string]any)
	if found, ok := m[name].(map[string]any); ok {
		return found
	}
	for _, inner := range m {
		if found := find(inner, name); found != nil {
			return found
		}
	}
	return nil
}

// pt-query-digest adds up what the headers of slow queries say.
func TestQueryDigest(t *testing.T) {
	out := run(t, "percona-toolkit", "mysql_slow", "", "pt-query-digest", "--output", "json", "--no-version-check", "FILE")
	var digest struct {
		Global struct {
			Queries int `json:"query_count"`
			Metrics map[string]map[string]string
		}
	}
	if err := json.Unmarshal(out, &digest); err != nil {
		t.Fatalf("%v in %.300s", err, out)
	}
	sums := map[string]float64{}
	re := regexp.MustCompile(`# Query_time: (\S+)  Lock_time: (\S+) Rows_sent: (\d+)  Rows_examined: (\d+)\nSET timestamp=(\d+);\n(?s:(.*));$`)
	lines(t, "mysql_slow", func(at time.Time, line string) {
		m := re.FindStringSubmatch(line)
		if m == nil {
			t.Fatal(line)
		}
		for i, name := range []string{"Query_time", "Lock_time", "Rows_sent", "Rows_examined"} {
			f, err := strconv.ParseFloat(m[i+1], 64)
			if err != nil {
				t.Error(err)
			}
			sums[name] += f
		}
		sums["Query_length"] += float64(len(m[6]))
		// The query began when it ended less what it took.
		took, _ := strconv.ParseFloat(m[1], 64)
		if want := strconv.FormatFloat(math.Floor(float64(at.UnixNano())/1e9-took), 'f', -1, 64); m[5] != want {
			t.Errorf("it began at %s, want %s: %s", m[5], want, line)
		}
	})
	if digest.Global.Queries != records {
		t.Errorf("it read %d queries, want %d", digest.Global.Queries, records)
	}
	for name, want := range sums {
		if got, err := strconv.ParseFloat(digest.Global.Metrics[name]["sum"], 64); err != nil || math.Abs(got-want) > 1e-6*float64(records) {
			t.Errorf("the sum of %s is %v, want %v (%v)", name, got, want, err)
		}
	}
}
