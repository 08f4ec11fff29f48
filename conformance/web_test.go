// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestAccessLogs(t *testing.T) {
	common := groked(t, `^%{HTTPD_COMMONLOG}$`)
	combined := groked(t, `^%{HTTPD_COMBINEDLOG}$`)
	for name, quotes := range map[string]bool{"apache_common": false, "apache_combined": true, "nginx": true} {
		read := common
		if quotes {
			read = combined
		}
		noBody := map[bool]string{true: "0", false: "-"}[name == "nginx"]
		lines(t, name, func(at time.Time, line string) {
			m := read(line)
			size := or(m["http.response.body.size"])
			got := fmt.Sprintf(`%s - %s [%s] "%s %s HTTP/%s" %s %s`, m["source.address"], or(m["user.name"]), m["timestamp"],
				m["http.request.method"], m["url.original"], m["http.version"], m["http.response.status_code"], size)
			if quotes {
				got += fmt.Sprintf(` "%s" "%s"`, or(m["http.request.referrer"]), m["user_agent.original"])
			}
			same(t, got, line)
			onTime(t, "02/Jan/2006:15:04:05 -0700", m["timestamp"], at, time.Second)
			if (m["http.response.status_code"] == "304") != (size == noBody) {
				t.Errorf("%s: only what is not modified has no body: %s", name, line)
			}
			request(t, line[strings.IndexByte(line, '"')+1:])
		})
	}
}

// Each byte of irregular lines is found as well.
func TestIrregularAccessLogs(t *testing.T) {
	common := groked(t, `^%{HTTPD_COMMONLOG}$`)
	combined := groked(t, `^%{HTTPD_COMBINEDLOG}$`)
	for name, read := range map[string]func(string) map[string]string{"apache_common": common, "apache_combined": combined, "nginx": combined} {
		kinds := map[string]bool{}
		irregular(t, name, func(at time.Time, line string) {
			m := read(line)
			_, request, _ := strings.Cut(line, `"`) // the pattern does not name what is not a request
			request, _, _ = strings.Cut(request, `"`)
			if m["http.request.method"] != "" {
				request = fmt.Sprintf("%s %s HTTP/%s", m["http.request.method"], m["url.original"], m["http.version"])
			}
			got := fmt.Sprintf(`%s - %s [%s] "%s" %s %s`, or(m["source.address"]), or(m["user.name"]), m["timestamp"], request, m["http.response.status_code"], or(m["http.response.body.size"]))
			if name != "apache_common" {
				got += fmt.Sprintf(` "%s" "%s"`, or(m["http.request.referrer"]), or(m["user_agent.original"]))
			}
			same(t, got, line)
			onTime(t, "02/Jan/2006:15:04:05 -0700", m["timestamp"], at, time.Second)
			kinds[m["http.request.method"]+m["http.version"]+m["http.response.status_code"]] = true
		})
		if len(kinds) < 9 {
			t.Errorf("%s: the lines are %v", name, kinds)
		}
	}
}

// second is what is written down of HTTP/2, as if that had lines.
var second = regexp.MustCompile(`HTTP/2(\.0)?$`)

// request reads the request that a text begins with, up to a quotation mark.
func request(t *testing.T, text string) {
	t.Helper()
	line, _, _ := strings.Cut(text, `"`)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(second.ReplaceAllString(line, "HTTP/1.1") + "\r\nHost: x\r\n\r\n")))
	if err != nil || !strings.HasPrefix(r.URL.Path, "/") {
		t.Errorf("%v in %s", err, line)
	}
}

func TestErrorLog(t *testing.T) {
	read := groked(t, `^%{HTTPD24_ERRORLOG}$`)
	clients := 0
	lines(t, "apache_error", func(at time.Time, line string) {
		m := read(line)
		got := fmt.Sprintf("[%s] [%s:%s] [pid %s:tid %s]", m["timestamp"], m["apache.error.module"], m["log.level"], m["process.pid"], m["process.thread.id"])
		if code := m["apache.error.proxy.error.code"]; code != "" {
			got += " (" + code + ")" + m["apache.error.proxy.error.message"] + ":"
		}
		if m["source.address"] != "" {
			got += " [client " + m["source.address"] + ":" + m["source.port"] + "]"
			clients++
		}
		same(t, got+" "+m["error.code"]+": "+m["message"], line)
		onTime(t, "Mon Jan 02 15:04:05.000000 2006", m["timestamp"], at, time.Microsecond)
	})
	if clients == 0 || clients == records {
		t.Errorf("%d of %d lines have a client", clients, records)
	}
}

func TestHAProxy(t *testing.T) {
	read := groked(t, `^%{HAPROXYHTTPBASE}$`)
	ends := map[string]bool{}
	lines(t, "haproxy", func(at time.Time, line string) {
		line = strings.Replace(line, " / HTTP", " /x HTTP", 1) // the pattern knows no path without a name
		m := read(line)
		number := func(name string) int {
			n := -1
			fmt.Sscan(m["haproxy."+name], &n)
			return n
		}
		server := m["haproxy.server_name"]
		if server == "" {
			server = "<NOSRV>"
		}
		got := fmt.Sprintf(`%s:%s [%s] %s %s/%s %d/%d/%d/%d/%d %s %s %s %s %s %d/%d/%d/%d/%d %d/%d "%s %s HTTP/%s"`,
			m["source.address"], m["source.port"], m["haproxy.request_date"], m["haproxy.frontend_name"], m["haproxy.backend_name"], server,
			number("http.request.time_wait_ms"), number("total_waiting_time_ms"), number("connection_wait_time_ms"), number("http.request.time_wait_without_data_ms"), number("total_time_ms"),
			m["http.response.status_code"], m["source.bytes"], or(m["haproxy.http.request.captured_cookie"]), or(m["haproxy.http.response.captured_cookie"]), m["haproxy.termination_state"],
			number("connections.active"), number("connections.frontend"), number("connections.backend"), number("connections.server"), number("connections.retries"),
			number("server_queue"), number("backend_queue"), m["http.request.method"], m["url.original"], m["http.version"])
		same(t, got, line)
		onTime(t, "02/Jan/2006:15:04:05.000", m["haproxy.request_date"], at, time.Millisecond)
		// The manual: all the times are within the total, and each count of
		// connections is part of the one before.
		sum := max(number("http.request.time_wait_ms"), 0) + max(number("total_waiting_time_ms"), 0) + max(number("connection_wait_time_ms"), 0) + max(number("http.request.time_wait_without_data_ms"), 0)
		if number("total_time_ms") < sum {
			t.Errorf("it took less than its parts: %s", line)
		}
		if a, f, b, s := number("connections.active"), number("connections.frontend"), number("connections.backend"), number("connections.server"); a < f || f < b || b < s {
			t.Errorf("connections are %d, %d, %d and %d", a, f, b, s)
		}
		ends[m["haproxy.termination_state"]] = true
		request(t, line[strings.IndexByte(line, '"')+1:])
	})
	if len(ends) != 5 {
		t.Errorf("connections ended in the ways %v, expected 5", ends)
	}
}

func TestLoadBalancer(t *testing.T) {
	// A classic load balancer's line is an application load balancer's without
	// its type, and without what follows the TLS protocol.
	read := groked(t, `^(?:https|h2) %{ELB_V1_HTTP_LOG} arn:`)
	lines(t, "aws_elb", func(at time.Time, line string) {
		line = strings.Replace(line, ":443/ HTTP", ":443/x HTTP", 1) // the pattern knows no path without a name
		f := fields(t, line, 33)
		m := read(line)
		onTime(t, time.RFC3339Nano, m["timestamp"], at, time.Microsecond)
		target := or(m["aws.elb.backend.ip"])
		if target != "-" {
			target += ":" + m["aws.elb.backend.port"]
		}
		seconds := func(name string) string {
			if v := m["aws.elb."+name+"_processing_time.sec"]; v != "" {
				return v
			}
			return "-1"
		}
		for i, got := range map[int]string{
			1: m["timestamp"], 2: m["aws.elb.name"], 3: m["source.address"] + ":" + m["source.port"], 4: target,
			5: seconds("request"), 6: seconds("backend"), 7: seconds("response"), 8: m["http.response.status_code"],
			9: or(m["aws.elb.backend.http.response.status_code"]), 10: m["http.request.body.size"], 11: m["http.response.body.size"],
			12: m["http.request.method"] + " " + m["url.original"] + " HTTP/" + m["http.version"], 13: m["user_agent.original"],
			14: m["tls.cipher"], 15: m["aws.elb.ssl_protocol"], 25: target, 26: or(m["aws.elb.backend.http.response.status_code"]),
		} {
			if got != f[i] {
				t.Errorf("field %d is %q, read as %q: %s", i, f[i], got, line)
			}
		}
		if !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$`).MatchString(f[17]) || !strings.HasPrefix(f[17], fmt.Sprintf("Root=1-%x-", at.Unix())) {
			t.Errorf("the trace is %s", f[17])
		}
	})
}
