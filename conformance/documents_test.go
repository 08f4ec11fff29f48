// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/plog"
)

// required are the members that a document must have, with the type of each, by
// what describes the format.
var required = map[string]map[string]string{
	"nginx_json":  {"time": "string", "remote_addr": "string", "remote_user": "string", "request_uri": "string", "status": "number", "request_id": "string"},
	"docker_json": {"log": "string", "stream": "string", "time": "string"},
	"json_app":    {"time": "string", "level": "string", "service": "string", "message": "string", "trace_id": "string", "user_id": "number"},
	// go2docs.graylog.org: version, host and short_message must be there; what is
	// additional begins with _ and is a string or a number.
	"gelf": {"version": "string", "host": "string", "short_message": "string", "timestamp": "number", "level": "number"},
	// The record contents that the reference does not call optional.
	"cloudtrail": {
		"eventTime": "string", "eventVersion": "string", "userIdentity": "object", "eventSource": "string", "eventName": "string",
		"awsRegion": "string", "sourceIPAddress": "string", "userAgent": "string", "requestID": "string", "eventID": "string",
		"eventType": "string", "readOnly": "bool", "managementEvent": "bool", "recipientAccountId": "string", "eventCategory": "string",
		"requestParameters": "object", "tlsDetails": "object",
	},
	// The fields that in_winevtlog adds to each event.
	"windows_event_json": {
		"ProviderName": "string", "ProviderGuid": "string", "Qualifiers": "string", "EventID": "number", "Version": "number", "Level": "number",
		"Task": "number", "Opcode": "number", "Keywords": "string", "TimeCreated": "string", "EventRecordID": "number", "ActivityID": "string",
		"RelatedActivityID": "string", "ProcessID": "number", "ThreadID": "number", "Channel": "string", "Computer": "string", "UserID": "string",
		"Message": "string", "StringInserts": "array",
	},
	"kubernetes": {"log": "string", "stream": "string", "time": "string", "kubernetes": "object"},
}

// Documents are read by two readers of JSON, within lines of text as well, which
// agree; and they have what they must have.
func TestDocuments(t *testing.T) {
	for name, members := range required {
		lines(t, name, func(at time.Time, line string) {
			d := json.NewDecoder(strings.NewReader(line))
			d.UseNumber()
			var m map[string]any
			if err := d.Decode(&m); err != nil {
				t.Fatalf("%s: %v in %s", name, err, line)
			}
			if _, err := d.Token(); err != io.EOF {
				t.Errorf("%s: something follows in %s", name, line)
			}
			v, err := fastjson.Parse(line)
			if err != nil || !reflect.DeepEqual(read(v), any(m)) {
				t.Errorf("%s: %s is read as %v and as %v (%v)", name, line, read(v), m, err)
			}
			for member, want := range members {
				got := "none"
				if x := v.Get(member); x != nil {
					got = strings.NewReplacer("true", "bool", "false", "bool").Replace(x.Type().String())
				}
				if got != want {
					t.Errorf("%s: %s is %s, expected %s: %s", name, member, got, want, line)
				}
			}
			for member, layout := range map[string]string{"time": time.RFC3339Nano, "eventTime": time.RFC3339, "TimeCreated": "2006-01-02 15:04:05 -0700"} {
				if name == "nginx_json" {
					layout = "02/Jan/2006:15:04:05 -0700"
				}
				if text, ok := m[member].(string); ok {
					got, err := time.Parse(layout, text)
					if err != nil || got.After(at) || at.Sub(got) >= time.Second {
						t.Errorf("%s: %s is %s at %v (%v)", name, member, text, at, err)
					}
				}
			}
			if name == "gelf" {
				for member, x := range m {
					_, text := x.(string)
					_, number := x.(json.Number)
					known := members[member] != "" || member == "full_message" || strings.HasPrefix(member, "_") && member != "_id"
					if !known || !text && !number {
						t.Errorf("%s is not a member of GELF: %s", member, line)
					}
				}
			}
		})
	}
}

// OpenTelemetry's own reader loses nothing: written again, it is the same
// document.
func TestOTLP(t *testing.T) {
	lines(t, "otel_log", func(at time.Time, line string) {
		logs, err := new(plog.JSONUnmarshaler).UnmarshalLogs([]byte(line))
		if err != nil || logs.LogRecordCount() != 1 {
			t.Fatalf("%d records (%v) in %s", logs.LogRecordCount(), err, line)
		}
		again, err := new(plog.JSONMarshaler).MarshalLogs(logs)
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if json.Unmarshal(again, &got) != nil || json.Unmarshal([]byte(line), &want) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nis read as\n%s", line, again)
		}
		resource := logs.ResourceLogs().At(0)
		r := resource.ScopeLogs().At(0).LogRecords().At(0)
		if r.Timestamp().AsTime() != at || r.ObservedTimestamp().AsTime() != at.Add(2*time.Millisecond) {
			t.Errorf("the times are %v and %v, want %v", r.Timestamp(), r.ObservedTimestamp(), at)
		}
		if got := strings.ToUpper(r.SeverityNumber().String()); got != r.SeverityText() {
			t.Errorf("severity %s is called %s", got, r.SeverityText())
		}
		if _, ok := resource.Resource().Attributes().Get("service.name"); !ok || r.TraceID().IsEmpty() || r.SpanID().IsEmpty() || r.Body().Str() == "" {
			t.Errorf("something is missing in %s", line)
		}
	})
}
