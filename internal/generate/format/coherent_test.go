// SPDX-License-Identifier: Apache-2.0

package format

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

// These tests check that the fields of a record are consistent, which parsers do not
// notice but readers of a log do. The lines of Apache 2.4.71, nginx 1.22 and HAProxy
// 2.6 were compared with the output of these programs.

// groups returns what the named groups of a pattern match in a line, or nil.
func groups(re *regexp.Regexp, line string) map[string]string {
	found := re.FindStringSubmatch(line)
	if found == nil {
		return nil
	}
	m := map[string]string{}
	for i, name := range re.SubexpNames() {
		m[name] = found[i]
	}
	return m
}

// Methods, paths, statuses, sizes and levels of requests are consistent.
func TestRequests(t *testing.T) {
	testenv.SkipRace(t)
	const access = `"(?P<method>\w+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d+) (?P<size>\d+|-)`
	writes := regexp.MustCompile(`^/(login|checkout|account|api/v1/(cart|orders))$`)
	for name, pattern := range map[string]string{
		"apache_common":   access + `$`,
		"apache_combined": access + ` "(?P<referer>[^"]*)"`,
		"nginx":           access + ` "(?P<referer>[^"]*)"`,
		"nginx_json":      `"request_method":"(?P<method>\w+)","request_uri":"(?P<path>[^"]*)",.*"status":(?P<status>\d+),"body_bytes_sent":(?P<size>\d+),"request_time":\d+\.\d\d\d,"http_referer":"(?P<referer>[^"]*)"`,
		"aws_elb":         `^(?P<type>\S+) \S+ \S+ \S+ \S+ \S+ \S+ \S+ (?P<status>\d+) \S+ \d+ (?P<size>\d+) "(?P<method>\w+) https://www\.example\.com:443(?P<path>\S+) (?P<version>\S+)" .* arn:\S+targetgroup/(?P<group>\w+)/`,
		"envoy":           `^\[\S+ "(?P<method>\w+) (?P<path>\S+) [^"]*" (?P<status>\d+) \S+ \d+ (?P<size>\d+)`,
		"haproxy":         ` (?P<backend>\w+)/\S+ \S+ (?P<status>\d{3}) (?P<size>\d+) - - .* "(?P<method>\w+) (?P<path>\S+) [^"]*"$`,
		"w3c_iis":         ` (?P<method>GET|POST) (?P<path>\S+) \S+ 443 .* (?P<referer>\S+) (?P<status>\d{3}) \d+ \d+ \d+$`,
		"json_app":        `"level":"(?P<level>\w+)","service":"(?P<service>\w+)",.*"method":"(?P<method>\w+)","path":"(?P<path>[^"]*)","status":(?P<status>\d+)`,
		"logfmt":          `level=(?P<level>\w+) .* service=(?P<service>\w+) method=(?P<method>\w+) path="?(?P<path>[^ "]+)"? status=(?P<status>\d+)`,
		"otel_log":        `"service.name","value":{"stringValue":"(?P<service>\w+)".*"severityText":"(?P<level>\w+)".*"http.request.method","value":{"stringValue":"(?P<method>\w+)"}},{"key":"http.response.status_code","value":{"intValue":"(?P<status>\d+)"}},{"key":"url.path","value":{"stringValue":"(?P<path>[^"?]*)"`,
	} {
		re := regexp.MustCompile(pattern)
		n, statuses := 0, map[string]int{}
		lines(t, name, func(_ time.Time, line string) {
			m := groups(re, line)
			if m == nil {
				if !slices.Contains([]string{"json_app", "logfmt", "otel_log"}, name) || strings.Contains(line, `"http`) || strings.Contains(line, "method=") {
					t.Fatalf("%s: %s", name, line)
				}
				return // of something else than a request
			}
			n++
			status, _ := strconv.Atoi(m["status"])
			statuses[m["status"]]++
			wrong := func(problem string) { t.Errorf("%s: %s: %s", name, problem, line) }
			path, _, _ := strings.Cut(m["path"], "?")
			if m["method"] != "GET" && !writes.MatchString(path) {
				wrong("nobody writes there")
			}
			if status == 304 && m["method"] != "GET" || status == 201 && !slices.Contains([]string{"POST", "PUT"}, m["method"]) {
				wrong("the status is none of the method")
			}
			if size, err := strconv.Atoi(m["size"]); err == nil && status >= 300 && size > 700 {
				wrong("an error is not a page")
			} else if m["size"] != "" && status == 304 && size > 260 {
				wrong("there is a body")
			}
			if r := m["referer"]; strings.Contains(r, "/api/") || strings.Contains(r, "/static/") || strings.Contains(r, "/metrics") || strings.HasSuffix(r, ".ico") || strings.HasSuffix(r, ".txt") {
				wrong("no link leads from there")
			}
			if l := strings.ToLower(m["level"]); l != "" && ((l == "error") != (status >= 500) || (l == "warn") != (status >= 400 && status < 500)) {
				wrong("the level is none of the status")
			}
			for _, key := range []string{"service", "backend"} {
				first := map[string]string{"search": "/search", "orders": "/api/v1/orders", "cart": "/api/v1/cart", "users": "/api/v1/users/", "auth": "/login", "catalog": "/products/"}[m[key]]
				if !strings.HasPrefix(path, first) {
					wrong("it is not for " + m[key])
				}
			}
			if g := m["group"]; g != "" && ((g == "api") != strings.HasPrefix(path, "/api/") || (m["type"] == "h2") != (m["version"] == "HTTP/2.0")) {
				wrong("neither the group nor the version fit")
			}
		})
		if n < records/2 || len(statuses) < 6 {
			t.Errorf("%s: %d requests with the statuses %v", name, n, statuses)
		}
	}
}

// A load balancer's request began when it ended less what it took.
func TestLoadBalancerTimes(t *testing.T) {
	late := 0
	lines(t, "aws_elb", func(at time.Time, line string) {
		f := fields(t, line, 33)
		began, err := time.Parse(time.RFC3339Nano, f[21])
		took, err2 := strconv.ParseFloat(f[6], 64)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if f[8] == "504" {
			took = 60
			late++
		}
		if d := at.Sub(began).Seconds(); f[8] != "502" && (d < max(took, 0)-1e-6 || d > max(took, 0)+0.01) {
			t.Errorf("took %v s, but began %v s before its end: %s", took, d, line)
		}
	})
	if late == 0 {
		t.Error("none timed out")
	}
}

// Classes are in files of their names, and what a frame of Python calls is what
// the next one is in.
func TestTraces(t *testing.T) {
	java := regexp.MustCompile(`at com\.example\.\w+\.(\w+)\.\w+\((\w+)\.java:\d+\)`)
	for _, name := range []string{"java_multiline", "gelf"} {
		frames := 0
		lines(t, name, func(_ time.Time, line string) {
			for _, m := range java.FindAllStringSubmatch(line, -1) {
				if frames++; m[1] != m[2] {
					t.Errorf("%s: the class %s is not in the file %s.java", name, m[1], m[2])
				}
			}
		})
		if frames == 0 {
			t.Errorf("%s has no trace", name)
		}
	}
	python := regexp.MustCompile(`, in (\w+)\n    (?:return (\w+)\(request\)\n)?`)
	traces := 0
	lines(t, "python_multiline", func(_ time.Time, line string) {
		frames := python.FindAllStringSubmatch(line, -1)
		for i, f := range frames {
			if last := i == len(frames)-1; last != (f[2] == "") || !last && f[2] != frames[i+1][1] {
				t.Errorf("frame %d of %s", i, line)
			}
			traces++
		}
	})
	if traces == 0 {
		t.Error("no trace")
	}
}

// The full message of GELF begins with the short one.
func TestFullMessages(t *testing.T) {
	full := 0
	lines(t, "gelf", func(_ time.Time, line string) {
		var m struct {
			Short string `json:"short_message"`
			Full  string `json:"full_message"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m.Full != "" {
			full++
			if !strings.HasPrefix(m.Full, m.Short+"\n") {
				t.Errorf("%q is not of %q", m.Full, m.Short)
			}
		}
	})
	if full == 0 {
		t.Error("no message is longer")
	}
}

// A backend of PostgreSQL serves one user, and the statement of an error follows it,
// from the same backend.
func TestPostgresSessions(t *testing.T) {
	re := regexp.MustCompile(`^\S+ \S+ UTC \[(\d+)\] (?:(\w+)@shop )?(\w+):  (.*)$`)
	users := map[string]string{}
	open, errors := "", 0 // the backend whose statement is to come
	lines(t, "postgres", func(_ time.Time, line string) {
		m := re.FindStringSubmatch(line)
		if m == nil {
			t.Fatal(line)
		}
		pid, user, severity := m[1], m[2], m[3]
		if was, ok := users[pid]; ok && was != user {
			t.Errorf("backend %s serves %s and %s", pid, was, user)
		}
		users[pid] = user
		if of := slices.Contains([]string{"DETAIL", "STATEMENT"}, severity); of != (open != "") || of && open != pid {
			t.Errorf("the error of %q is followed by %s", open, line)
		}
		switch severity {
		case "ERROR":
			errors++
			open = pid
		case "STATEMENT":
			open = ""
		}
		if m := regexp.MustCompile(`write=(\S+) s, .* total=(\S+) s`).FindStringSubmatch(line); m != nil {
			write, _ := strconv.ParseFloat(m[1], 64)
			total, _ := strconv.ParseFloat(m[2], 64)
			if total < write || total > write+1 {
				t.Errorf("it took %v in all: %s", total, line)
			}
		}
	})
	if errors < 50 || len(users) < 30 {
		t.Errorf("%d errors and %d backends", errors, len(users))
	}
}

// The text of a Windows event contains its strings, and each kind of event has as
// many strings as in Windows.
func TestWindowsEvents(t *testing.T) {
	inserts := map[int]int{4624: 27, 4625: 21, 4634: 5, 4672: 5, 4688: 15}
	seen := map[int]int{}
	lines(t, "windows_event_json", func(_ time.Time, line string) {
		var m struct {
			EventID       int
			Message       string
			StringInserts []any
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		seen[m.EventID]++
		if len(m.StringInserts) != inserts[m.EventID] {
			t.Errorf("%d strings of %d: %s", len(m.StringInserts), m.EventID, line)
		}
		for _, x := range m.StringInserts {
			if text := fmt.Sprint(x); !strings.Contains(m.Message, text) && !strings.HasPrefix(text, "%%") {
				t.Errorf("%q is not in %q", text, m.Message)
			}
		}
	})
	if len(seen) != len(inserts) {
		t.Errorf("the events are %v", seen)
	}
}

// IAM and each bucket are in one region. An event that changes something has a
// response.
func TestCloudTrail(t *testing.T) {
	seen := map[string]int{}
	lines(t, "cloudtrail", func(_ time.Time, line string) {
		var m struct {
			EventName, AwsRegion, ErrorCode string
			ResponseElements                map[string]any
			TLSDetails                      struct{ ClientProvidedHostHeader string }
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		seen[m.EventName]++
		region := map[string]string{"CreateUser": "us-east-1", "GetObject": "eu-central-1", "PutObject": "eu-central-1"}[m.EventName]
		if region != "" && m.AwsRegion != region {
			t.Errorf("%s in %s", m.EventName, m.AwsRegion)
		}
		if host := m.TLSDetails.ClientProvidedHostHeader; strings.Contains(host, m.AwsRegion) == (m.EventName == "CreateUser") {
			t.Errorf("%s of %s in %s", m.EventName, host, m.AwsRegion)
		}
		changes := slices.Contains([]string{"PutObject", "CreateUser", "AssumeRole"}, m.EventName) && m.ErrorCode == ""
		if changes != (m.ResponseElements != nil) {
			t.Errorf("%s answers with %v (%s)", m.EventName, m.ResponseElements, m.ErrorCode)
		}
	})
	if len(seen) != 6 {
		t.Errorf("the events are %v", seen)
	}
}

// Rejected flows are a few packets that request a connection. Flows have both
// directions.
func TestFlowsGoTogether(t *testing.T) {
	in, out, rejected := 0, 0, 0
	lines(t, "aws_vpcflow", func(_ time.Time, line string) {
		f := fields(t, line, 14)
		if f[13] != "OK" {
			return
		}
		packets, _ := strconv.Atoi(f[8])
		bytes, _ := strconv.Atoi(f[9])
		if f[12] == "REJECT" {
			if rejected++; packets > 5 || bytes > 60*packets || !strings.HasPrefix(f[4], "10.0.") {
				t.Errorf("%s was rejected", line)
			}
		} else if strings.HasPrefix(f[3], "10.0.") {
			out++
		} else if in++; f[6] == "23" {
			t.Errorf("%s was let in", line)
		}
	})
	if in < out || out < records/5 || rejected < records/20 {
		t.Errorf("%d flows in, %d out, %d rejected", in, out, rejected)
	}
}

// An application on a host is one process with one facility. The kernel's clock runs
// with the wall clock.
func TestSyslogHosts(t *testing.T) {
	type process struct{ host, app string }
	pids, facilities := map[process]string{}, map[string]int{}
	re := regexp.MustCompile(`^<(\d+)>1 \S+ (\S+) (\S+) (\d+) `)
	lines(t, "syslog_rfc5424", func(_ time.Time, line string) {
		m := re.FindStringSubmatch(line)
		pri, _ := strconv.Atoi(m[1])
		p := process{m[2], m[3]}
		if was, ok := pids[p]; ok && was != m[4] {
			t.Errorf("%v has the ids %s and %s", p, was, m[4])
		}
		if was, ok := facilities[p.app]; ok && was != pri/8 {
			t.Errorf("%s has the facilities %d and %d", p.app, was, pri/8)
		}
		pids[p], facilities[p.app] = m[4], pri/8
	})
	boots, again := map[string]float64{}, 0
	re = regexp.MustCompile(`^<\d+>.{15} (\S+) kernel: \[ *(\d+\.\d{6})\] (.*)$`)
	lines(t, "syslog_rfc3164", func(at time.Time, line string) {
		m := re.FindStringSubmatch(line)
		if m == nil {
			return
		}
		uptime, _ := strconv.ParseFloat(m[2], 64)
		boot := float64(at.UnixNano())/1e9 - uptime
		if was, ok := boots[m[1]]; ok {
			if again++; was-boot > 1e-3 || boot-was > 1e-3 {
				t.Errorf("%s was started at %f and %f", m[1], was, boot)
			}
		}
		boots[m[1]] = boot
		if strings.Contains(m[3], "[UFW BLOCK]") && !regexp.MustCompile(` MAC=([0-9a-f]{2}:){12}08:00 SRC=\S+ DST=\S+ LEN=(40|44|48|52|60) `).MatchString(m[3]) {
			t.Errorf("no firewall writes %s", m[3])
		}
	})
	if again == 0 {
		t.Error("no host was seen twice")
	}
}

// The main process of Apache has no other threads. The thread ids of other processes
// are close to their process id.
func TestApacheThreads(t *testing.T) {
	re := regexp.MustCompile(`\[(\w+):\w+\] \[pid (\d+):tid (\d+)\]`)
	lines(t, "apache_error", func(_ time.Time, line string) {
		m := re.FindStringSubmatch(line)
		pid, _ := strconv.Atoi(m[2])
		tid, _ := strconv.Atoi(m[3])
		if main := m[1] == "mpm_event" || m[1] == "ssl"; main != (tid == pid) || tid < pid || tid > pid+30 {
			t.Errorf("%s", line)
		}
	})
}

// A failing pod contains the failing container.
func TestFailingPods(t *testing.T) {
	re := regexp.MustCompile(`for \\"(\w+)\\" .* container=(\w+)\\".* pod="[\w-]+/(\w+)-\w+-\w+"`)
	failing := 0
	lines(t, "klog", func(_ time.Time, line string) {
		if !strings.Contains(line, "CrashLoopBackOff") {
			return
		}
		m := re.FindStringSubmatch(line)
		if failing++; m == nil || m[1] != m[2] || m[1] != m[3] {
			t.Errorf("%v of %s", m, line)
		}
	})
	if failing == 0 {
		t.Error("no pod fails")
	}
}

// Ports match the protocol.
func TestPorts(t *testing.T) {
	mail := 0
	lines(t, "leef", func(_ time.Time, line string) {
		if strings.HasSuffix(line, "^cat=mail") {
			if mail++; !regexp.MustCompile(`\^dstPort=(465|587|993)\^`).MatchString(line) {
				t.Errorf("mail goes to %s", line)
			}
		}
	})
	udp := 0
	lines(t, "cef", func(_ time.Time, line string) {
		if strings.Contains(line, " proto=UDP ") {
			if udp++; !regexp.MustCompile(` dpt=(53|123|443) `).MatchString(line) {
				t.Errorf("UDP goes to %s", line)
			}
		}
		if user, flow := strings.Contains(line, " suser="), strings.Contains(line, "|connection "); user == flow {
			t.Errorf("a user, or none, of %s", line)
		}
	})
	if mail == 0 || udp == 0 {
		t.Errorf("%d lines of mail, %d of UDP", mail, udp)
	}
}

// Docker omits the zeros at the end of a time, containerd does not.
func TestContainerTimes(t *testing.T) {
	lines(t, "docker_json", func(at time.Time, line string) {
		var m struct{ Time string }
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.Time != at.Format(time.RFC3339Nano) {
			t.Errorf("%v: %s at %v", err, line, at)
		}
	})
	f, _ := Find("docker_json")
	p := compile(t, f)
	if b := string(p.AppendBody(nil, start/1e9*1e9, 0)); !strings.Contains(b, `:20Z"`) {
		t.Errorf("%q has zeros", b)
	}
}

const (
	records = 3000
	step    = int64(250e6) // nanoseconds from record to record
)

// lines calls read with the `log` of the first regular records of a format, and the
// time of each; formats whose records are documents give them as JSON.
func lines(t *testing.T, name string, read func(at time.Time, line string)) {
	t.Helper()
	linesOf(t, name, regular, read)
}

// linesOf is lines with a share of irregular records.
func linesOf(t *testing.T, name string, share *float64, read func(at time.Time, line string)) {
	t.Helper()
	f, ok := Find(name)
	if !ok {
		t.Fatalf("unknown format %s", name)
	}
	p := compileWith(t, f, share)
	for k := range uint64(records) {
		at := start + int64(k)*step
		v := value.OfRaw(p.AppendBody(nil, at, k))
		if log := v.Field("log"); v.Len() == 1 && log.K == value.String {
			read(time.Unix(0, at).UTC(), log.S())
		} else {
			read(time.Unix(0, at).UTC(), string(v.AppendJSON(nil)))
		}
		if t.Failed() {
			return
		}
	}
}

// fields reads a line whose fields have spaces between them, and quotes around
// them if there are spaces in them.
func fields(t *testing.T, line string, want int) []string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(line))
	r.Comma = ' '
	f, err := r.Read()
	if err != nil || len(f) != want {
		t.Fatalf("%d fields, want %d (%v): %s", len(f), want, err, line)
	}
	return f
}
