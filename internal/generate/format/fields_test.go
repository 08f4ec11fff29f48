// SPDX-License-Identifier: Apache-2.0

package format

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// patterns has, for formats of lines, the patterns of all lines. Each named group is a
// field, which the template has as a variable of that name.
var patterns = map[string][]string{
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
// of their last name.
var members = map[string]string{
	"cloudtrail": "userIdentity.userName eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage eventType readOnly",
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
				body := value.OfRaw(p.AppendBody(nil, start+int64(k)*step, k))
				for _, path := range strings.Fields(all) {
					want, variable := body, "$"+path[strings.LastIndexByte(path, '.')+1:]
					for _, name := range strings.Split(path, ".") {
						want = want.Field(name)
					}
					ok := want.K != value.Nil
					v, has := p.Variable(variable)
					if has = has && v.K != value.Omit; has != ok || has && string(v.Append(nil)) != string(want.Append(nil)) {
						t.Fatalf("%s: record %d has %s %s (%v), want %s: %s", name, k, variable, v.AppendJSON(nil), has, want.AppendJSON(nil), body.AppendJSON(nil))
					}
					seen[path] = seen[path] || ok
				}
			}
		}
		for _, path := range strings.Fields(all) {
			if !seen[path] {
				t.Errorf("%s: no record has %s", name, path)
			}
		}
	}
}
