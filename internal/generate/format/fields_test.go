// SPDX-License-Identifier: Apache-2.0

package format

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// access returns the patterns of the lines of an access log, after the client.
func access(host, rest string) []string {
	start := `^(?P<` + host + `>\S+) - (?P<user>.+) \[(?P<time>[^\]]*)\] `
	return []string{
		start + `"(?P<method>[A-Z]+) (?P<path>\S+) (?P<protocol>HTTP/\S+)" (?P<code>\d+) (?P<size>\S+)` + rest,
		start + `"[^"]*" (?P<code>\d+) (?P<size>\S+)` + rest,
	}
}

// patterns has, for formats of lines, the patterns of all lines. Each named group is a
// field, which the template has as a variable of that name.
var patterns = map[string][]string{
	"apache_common":   access("host", `$`),
	"apache_combined": access("host", ` "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"$`),
	"nginx":           access("remote", ` "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"$`),
	"envoy": {
		`^\[(?P<start_time>[^\]]*)\] "(?P<method>\S+) (?P<path>\S+) (?P<protocol>\S+)" (?P<code>\d+) (?P<response_flags>\S+) (?P<bytes_received>\d+) (?P<bytes_sent>\d+) (?P<duration>\d+) (?P<x_envoy_upstream_service_time>\S+) ` +
			`"(?P<x_forwarded_for>\S+)" "(?P<user_agent>[^"]*)" "(?P<request_id>\S+)" "(?P<authority>\S+)" "(?P<upstream_host>\S+)"$`,
	},
	"cri": {`^(?P<time>\S+) (?P<stream>stdout|stderr) (?P<logtag>[FP]) (?P<message>.*)$`},
	"klog": {
		`^(?P<severity>[IWEF])(?P<time>\d{4} [\d:.]+) +(?P<threadid>\d+) (?P<file>[\w.]+):(?P<line>\d+)\] (?P<message>(?s:.*))$`,
		`^(?P<message>(?:Flag --|Binary: |Log line ).*)$`,
	},
	"cef": {
		`^(?:<(?P<pri>\d+)>(?P<time>\w{3} [ \d]\d [\d:]+) (?P<host>\w+) )?CEF:0\|(?P<device_vendor>\w+)\|(?P<device_product>\w+)\|(?P<device_version>[\d.]+)\|(?P<device_event_class_id>\d+)\|(?P<name>(?:[^|\\]|\\.)+)\|(?P<severity>\d+)\|rt=(?P<rt>\d+) src=(?P<src>\S+) spt=(?P<spt>\d+) dst=(?P<dst>\S+) dpt=(?P<dpt>\d+) proto=(?P<proto>\w+) ` +
			`(?:suser=(?P<suser>\S+) )?act=(?P<act>\w+)(?: cs1Label=(?P<cs1Label>\w+) cs1=(?P<cs1>\S+))? msg=(?P<msg>.*)$`,
	},
	"leef": {
		`^LEEF:2.0\|(?P<vendor>\w+)\|(?P<product>\w+)\|(?P<version>[\d.]+)\|(?P<eventID>\w+)\|\^\|devTime=(?P<devTime>[^^]+)\^src=(?P<src>[^^]+)\^srcPort=(?P<srcPort>\d+)\^dst=(?P<dst>[^^]+)\^dstPort=(?P<dstPort>\d+)\^proto=(?P<proto>\w+)\^usrName=(?P<usrName>[^^]+)\^sev=(?P<sev>\d+)\^cat=(?P<cat>\w+)$`,
	},
	"aws_vpcflow": {
		`^(?P<version>2) (?P<account_id>\d+) (?P<interface_id>eni-\S+) (?P<srcaddr>\S+) (?P<dstaddr>\S+) (?P<srcport>\S+) (?P<dstport>\S+) (?P<protocol>\S+) (?P<packets>\S+) (?P<bytes>\S+) (?P<start>\d+) (?P<end>\d+) (?P<action>\S+) (?P<log_status>[A-Z]+)$`,
		`^version account-id .* log-status$`,
	},
	// Nothing in a message has to be escaped.
	"logfmt": {
		`^ts=(?P<ts>\S+) level=(?P<level>\w+) msg="(?P<msg>[^"\\=]+)" service=(?P<service>\w+)(?: method=(?P<method>\w+) path=(?P<path>[^"=\s]+) status=(?P<status>\d+) duration_ms=(?P<duration_ms>\S+))?$`,
		`^ts=(?P<ts>\S+) level=(?P<level>\w+) msg="(?P<msg>[^"\\=]+)" service=(?P<service>\w+) method=(?P<method>\w+) path="(?P<path>[^"\\]+=[^"\\]*)" status=(?P<status>\d+) duration_ms=(?P<duration_ms>\S+)$`,
		`^ts=(?P<ts>\S+) level=(?P<level>\w+) msg="(?P<msg>[^"\\=]+)" service=(?P<service>\w+) err=(?P<err>"(?:[^"\\]|\\.)*")$`,
		`^ts=(?P<ts>\S+) level=(?P<level>\w+) msg="(?P<msg>[^"\\=]+)" service=(?P<service>\w+) key=(?P<key>\S*) user=(?P<user>\S*) cached$`,
	},
	"java_multiline":   {`^(?P<time>\S+ \S+) (?P<level>\w+) +\[(?P<thread>[^\]]+)\] (?P<logger>[\w.]+) - (?P<message>[^\n]*)(?:\n(?P<trace>(?s:.+)))?$`},
	"python_multiline": {`^(?P<time>\S+ \S+) - (?P<name>\w+) - (?P<level>\w+) - (?P<message>[^\n]*)(?:\n(?P<trace>(?s:.+)))?$`},
	"go_panic": {
		`^(?P<time>\d{4}/\S+ \S+) (?P<message>[^\n]*)$`,
		`^(?P<trace>panic: (?s:.+))$`,
	},
	"apache_error": {
		`^\[\w{3} (?P<time>[^\]]*)\] \[(?P<level>[^\]]*)\](?: \[pid (?P<pid>[^\]]*)\])?(?: \[client (?P<client>[^\]]*)\])? (?P<message>.*)$`,
		`^(?P<message>(?:sh|rm|perl): .*)$`,
	},
	"haproxy": {
		`^(?P<client>\S+):(?P<port>\d+) \[(?P<time>\S+)\] (?P<frontend>\S+) (?P<backend>\w[\w-]*)/(?P<server>\S+) (?P<TR>-?\d+)/(?P<Tw>-?\d+)/(?P<Tc>-?\d+)/(?P<Tr>-?\d+)/(?P<Ta>\d+) (?P<status>-1|\d{3}) (?P<size>\d+) ` +
			`(?:-|(?P<req_cookie>\S{2,})) (?:-|(?P<res_cookie>\S{2,})) (?P<state>[-\w]{4}) (?P<actconn>\d+)/(?P<feconn>\d+)/(?P<beconn>\d+)/(?P<srvconn>\d+)/(?P<retries>\+?\d+) (?P<srvqueue>\d+)/(?P<bequeue>\d+) ` +
			`(?:\{(?P<req_headers>[^}]*)\} )?(?:\{(?P<res_headers>[^}]*)\} )?"(?:<BADREQ>|(?P<method>\w+) (?P<path>\S+) (?P<protocol>HTTP/\S+))"$`,
		`^(?P<client>\S+):(?P<port>\d+) \[(?P<time>\S+)\] (?P<frontend>\S+) (?P<backend>\S+)/(?P<server>\S+) (?P<Tw>\d+)/(?P<Tc>\d+)/(?P<Ta>\d+) (?P<size>\d+) (?P<state>[-\w]{2}) (?P<actconn>\d+)/(?P<feconn>\d+)/(?P<beconn>\d+)/(?P<srvconn>\d+)/(?P<retries>\d+) (?P<srvqueue>\d+)/(?P<bequeue>\d+)$`,
		`^(?P<client>\S+):(?P<port>\d+) \[(?P<time>\S+)\] (?P<frontend>\S+): (?P<message>.+)$`,
		`^Server (?P<backend>\S+)/(?P<server>\S+) is (?P<message>.+)$`,
	},
	"syslog_rfc5424": {
		`^<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>\S+) (?P<ident>\S+) (?P<pid>\S+) (?P<msgid>\S+) (?P<extradata>-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: (?P<message>.+))?$`,
	},
	"syslog_rfc3164": {
		`^(?:<(?P<pri>\d{1,3})>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) (?P<host>\S+) (?P<ident>[\w/.]+)(?:\[(?P<pid>\d+)\])?: *(?P<message>.*)$`,
		`^<(?P<pri>\d{1,3})>(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) (?P<message>last message repeated \d+ times)$`,
		`^<(?P<pri>\d{1,3})>\d+: \w+ +\d+ [\d:.]+: (?P<message>%.+)$`,
	},
	"postgres": {
		`^(?P<time>\S+ \S+ UTC) \[(?P<pid>\d+)\] (?:(?P<user>\S+)@(?P<db>\S+) )?(?P<level>[A-Z]+):  (?P<message>(?:[^\n]|\n\t)+)` +
			`(?:\n\S+ \S+ UTC \[\d+\] \S+ DETAIL:  (?P<detail>(?:[^\n]|\n\t)+))?(?:\n\S+ \S+ UTC \[\d+\] \S+ HINT:  (?P<hint>.+))?(?:\n\S+ \S+ UTC \[\d+\] \S+ CONTEXT:  (?P<context>.+))?(?:\n\S+ \S+ UTC \[\d+\] \S+ STATEMENT:  (?P<statement>(?:[^\n]|\n\t)+))?$`,
	},
	"mysql_slow": {
		`^(?:# Time: (?P<time>[^\n]+)\n)?# User@Host: (?P<user>\S+) @ (?P<dbhost>\S*) \[(?P<dbhost_address>[^\]]*)\]  (?P<message>Id: [^\n]+)\n# Query_time: (?P<query_time>\S+)  Lock_time: (?P<lock_time>\S+) Rows_sent: (?P<rows_sent>\d+)  Rows_examined: (?P<rows_examined>\d+)` +
			`(?: Thread_id: (?P<thread_id>\d+) Errno: (?P<errno>\d+) .* Bytes_sent: (?P<bytes_sent>\d+) .*)?\n(?:use (?P<db>\w+);\n)?SET timestamp=(?P<timestamp>\d+);\n(?P<query>(?s:.+;))$`,
		`^/usr/sbin/mysqld, Version: (?P<version>\S+) `,
	},
	"w3c_iis": {
		`^(?P<date>[\d-]+) (?P<time>[\d:]+) (?P<s_ip>\S+) (?P<cs_method>\S+) (?P<cs_uri_stem>\S+) (?P<cs_uri_query>\S+) (?P<s_port>\d+) (?P<cs_username>\S+) (?P<c_ip>\S+) (?P<cs_user_agent>\S+) (?P<cs_referer>\S+) (?P<sc_status>\d+) (?P<sc_substatus>\d+) (?P<sc_win32_status>\d+) (?P<time_taken>\d+)$`,
		`^#(?P<directive>\w+): (?P<text>.+)$`,
	},
	"aws_elb": {
		`^(?P<type>\w+) (?P<time>\S+Z) (?P<elb>\S+) (?P<client_port>\S+) (?P<target_port>\S+) (?P<request_processing_time>\S+) (?P<target_processing_time>\S+) (?P<response_processing_time>\S+) (?P<elb_status_code>\S+) (?P<target_status_code>\S+) (?P<received_bytes>\d+) (?P<sent_bytes>\d+) "(?P<request>[^"]+)" "(?P<user_agent>[^"]+)" (?P<tls>\S+ \S+) (?P<target_group_arn>\S+) "(?P<trace_id>[^"]+)" "(?P<domain_name>[^"]+)" "(?P<chosen_cert_arn>[^"]+)" (?P<matched_rule_priority>\S+) (?P<request_creation_time>\S+Z) "(?P<actions_executed>[^"]+)" "(?P<redirect_url>[^"]+)" "(?P<error_reason>[^"]+)" "[^"]+" "[^"]+" "(?P<classification>[^"]+)" "(?P<classification_reason>[^"]+)" TID_\w+ "-" "-" "-"$`,
		`^(?P<time>\S+Z) (?P<elb>\S+) (?P<client_port>\S+) (?P<target_port>\S+) (?P<request_processing_time>\S+) (?P<target_processing_time>\S+) (?P<response_processing_time>\S+) (?P<elb_status_code>\S+) (?P<target_status_code>\S+) (?P<received_bytes>\d+) (?P<sent_bytes>\d+) "(?P<request>[^"]+)" "(?P<user_agent>[^"]+)" (?P<tls>\S+ \S+)$`,
	},
}

// The variables equal the fields of each line, and those that a line lacks are absent
// or omitted. Every pattern and every field occurs.
func TestFields(t *testing.T) {
	for name, all := range patterns {
		var res []*regexp.Regexp
		seen := map[string]bool{}
		for _, pattern := range all {
			re := regexp.MustCompile(pattern)
			res = append(res, re)
			seen[pattern] = false
			for _, field := range re.SubexpNames()[1:] {
				if field != "" {
					seen["$"+field] = false
				}
			}
		}
		f, _ := Find(name)
		for _, share := range []*float64{regular, irregular, nil} {
			p := compileWith(t, f, share)
			for k := range uint64(records) {
				log := value.OfRaw(p.AppendBody(nil, start+int64(k)*step, k)).Field("log").S()
				var found map[string]string
				for _, re := range res {
					if found = present(re, log); found != nil {
						seen[re.String()] = true
						break
					}
				}
				if found == nil {
					t.Fatalf("%s: record %d matches no pattern: %s", name, k, log)
				}
				for variable := range seen {
					if variable[0] != '$' {
						continue
					}
					want, ok := found[variable[1:]]
					v, has := p.Variable(variable)
					if name == "cef" {
						want = cefEscapes.Replace(want)
					}
					if name == "logfmt" && variable == "$err" && ok {
						want, _ = strconv.Unquote(want)
					}
					if has = has && v.K != value.Omit; has != ok || has && string(v.AppendText(nil)) != want {
						t.Fatalf("%s: record %d has %s %q (%v), want %q (%v): %s", name, k, variable, v.AppendText(nil), has, want, ok, log)
					}
					seen[variable] = seen[variable] || ok
				}
			}
		}
		for what, ok := range seen {
			if !ok {
				t.Errorf("%s: no line has %s", name, what)
			}
		}
	}
}

// cefEscapes removes what protects characters in CEF.
var cefEscapes = strings.NewReplacer(`\\`, `\`, `\=`, "=", `\|`, "|", `\n`, "\n")

// present returns the named groups of a pattern that are part of the match with a line,
// empty ones included, or nil.
func present(re *regexp.Regexp, line string) map[string]string {
	at := re.FindStringSubmatchIndex(line)
	if at == nil {
		return nil
	}
	m := map[string]string{}
	for i, name := range re.SubexpNames() {
		if name != "" && at[2*i] >= 0 {
			m[name] = line[at[2*i]:at[2*i+1]]
		}
	}
	return m
}

// members has, for formats of documents, the members that the template has as variables
// of their last name, or of the name before =.
var members = map[string]string{
	"cloudtrail":         "userIdentity>userName eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage eventType readOnly",
	"docker_json":        "log stream time",
	"gelf":               "version host short_message timestamp full_message level _service _request_id _user_id",
	"json_app":           "time level service message http>method http>path http>status duration_ms error>type error>retryable trace_id span_id user_id",
	"kubernetes":         "log stream time kubernetes>pod_name kubernetes>namespace_name kubernetes>pod_id app_name=kubernetes>labels>app.kubernetes.io/name app_version=kubernetes>labels>app.kubernetes.io/version kubernetes>host kubernetes>pod_ip kubernetes>container_name kubernetes>docker_id kubernetes>container_hash kubernetes>container_image",
	"nginx_json":         "time remote_addr remote_user request_method request_uri server_protocol status body_bytes_sent request_time http_referer http_user_agent request_id",
	"windows_event_json": "ProviderName ProviderGuid Qualifiers EventID Version Level Task Opcode Keywords TimeCreated EventRecordID ActivityID RelatedActivityID ProcessID ThreadID Channel Computer UserID Message StringInserts",
}

// The variables equal the members of each document, and those that a document lacks are
// absent or omitted.
func TestMembers(t *testing.T) {
	for name, all := range members {
		f, _ := Find(name)
		seen := map[string]bool{}
		for _, share := range []*float64{regular, irregular, nil} {
			p := compileWith(t, f, share)
			for k := range uint64(records) {
				body := document(t, name, value.OfRaw(p.AppendBody(nil, start+int64(k)*step, k)))
				for _, path := range strings.Fields(all) {
					want, variable := body, path[strings.LastIndexByte(path, '>')+1:]
					if name, of, ok := strings.Cut(path, "="); ok {
						variable, path = name, of
					}
					for _, name := range strings.Split(path, ">") {
						want = want.Field(name)
					}
					ok := want.K != value.Nil
					v, has := p.Variable("$" + variable)
					if has = has && v.K != value.Omit; has != ok || has && string(v.Append(nil)) != string(want.Append(nil)) {
						t.Fatalf("%s: record %d has $%s %s (%v), want %s: %s", name, k, variable, v.AppendJSON(nil), has, want.AppendJSON(nil), body.AppendJSON(nil))
					}
					seen[variable] = seen[variable] || ok
				}
			}
		}
		for variable, ok := range seen {
			if !ok {
				t.Errorf("%s: no record has %s", name, variable)
			}
		}
	}
}

// document returns the document of a record, which may be the text of its line.
func document(t *testing.T, name string, body value.Value) value.Value {
	t.Helper()
	if name != "docker_json" && name != "nginx_json" {
		return body
	}
	doc, err := jsonbody.Parse(body.Field("log").S())
	if err != nil {
		t.Fatal(err)
	}
	return value.OfRaw(doc[0])
}

// The variables of OpenTelemetry equal the members of the log record and the attributes.
func TestAttributes(t *testing.T) {
	type attribute struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
	variables := strings.Fields("service_name service_instance_id k8s_pod_name http_request_method http_response_status_code url_path url_query log_iostream scope_name scope_version body timeUnixNano observedTimeUnixNano severityNumber severityText traceId spanId flags")
	f, _ := Find("otel_log")
	p := compile(t, f)
	seen := map[string]int{}
	for k := range uint64(records) {
		text := value.OfRaw(p.AppendBody(nil, start+int64(k)*step, k)).AppendJSON(nil)
		var doc struct {
			ResourceLogs []struct {
				Resource  struct{ Attributes []attribute }
				ScopeLogs []struct {
					Scope      struct{ Name, Version string }
					LogRecords []struct {
						TimeUnixNano, ObservedTimeUnixNano, SeverityText, TraceID, SpanID string
						SeverityNumber, Flags                                             int
						Body                                                              struct{ StringValue string }
						Attributes                                                        []attribute
					}
				}
			}
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		scope := doc.ResourceLogs[0].ScopeLogs[0]
		r := scope.LogRecords[0]
		want := map[string]string{
			"scope_name": scope.Scope.Name, "scope_version": scope.Scope.Version, "body": r.Body.StringValue, "timeUnixNano": r.TimeUnixNano, "observedTimeUnixNano": r.ObservedTimeUnixNano,
			"severityNumber": strconv.Itoa(r.SeverityNumber), "severityText": r.SeverityText, "traceId": r.TraceID, "spanId": r.SpanID, "flags": strconv.Itoa(r.Flags),
		}
		for _, a := range slices.Concat(doc.ResourceLogs[0].Resource.Attributes, r.Attributes) {
			want[strings.ReplaceAll(a.Key, ".", "_")] = a.Value.StringValue + a.Value.IntValue
		}
		for _, name := range variables {
			text, ok := want[name]
			v, has := p.Variable("$" + name)
			if has = has && v.K != value.Omit; has != ok || has && string(v.AppendText(nil)) != text {
				t.Fatalf("record %d has $%s %s (%v), want %q (%v)", k, name, v.AppendJSON(nil), has, text, ok)
			}
			if ok {
				seen[name]++
			}
			delete(want, name)
		}
		if len(want) > 0 {
			t.Fatalf("these have no variable: %v", want)
		}
	}
	if len(seen) != len(variables) {
		t.Errorf("only these occur: %v", seen)
	}
}

// The lines of a trace, in records of their own, are the text of $trace in each of them.
func TestLinesOfTraces(t *testing.T) {
	for name, lines := range traceLines {
		f, _ := Find(name)
		p := compile(t, f)
		traces := map[string]bool{}
		for event := range uint64(records) / lines {
			var joined []string
			for i := range lines {
				k := event*lines + i
				joined = append(joined, value.OfRaw(p.AppendBody(nil, start+int64(k)*step, k)).Field("log").S())
				if v, _ := p.Variable("$line"); v.Int() != int64(i) {
					t.Fatalf("%s: record %d is line %d", name, k, v.Int())
				}
			}
			// Any of them has the whole text.
			for i := range lines {
				p.AppendBody(nil, start, event*lines+i)
				if v, _ := p.Variable("$trace"); v.S() != strings.Join(joined, "\n") {
					t.Fatalf("%s: line %d of event %d has the trace %q, want %q", name, i, event, v.S(), joined)
				}
			}
			traces[strings.Join(joined, "\n")] = true
		}
		if len(traces) < int(records/lines)/2 {
			t.Errorf("%s: %d traces differ", name, len(traces))
		}
	}
}

// traceLines has the formats whose records are lines of traces, and the number of lines.
var traceLines = map[string]uint64{"java_lines": 8, "python_lines": 8, "go_lines": 9}

// Every format has its fields as variables.
func TestAllHaveFields(t *testing.T) {
	for _, f := range All() {
		if patterns[f.Name] == nil && members[f.Name] == "" && traceLines[f.Name] == 0 && f.Name != "otel_log" {
			t.Errorf("the variables of %s are not tested", f.Name)
		}
	}
}
