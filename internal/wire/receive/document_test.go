// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logs "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	"google.golang.org/protobuf/proto"
)

// Logs of OpenTelemetry arrive as JSON, over HTTP and gRPC. What cannot be read is
// reported, and refused.
func TestDocumentsOTLP(t *testing.T) {
	packed, err := proto.Marshal(&collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{{
			TimeUnixNano: 7, SeverityNumber: logs.SeverityNumber_SEVERITY_NUMBER_INFO, SpanId: []byte{1, 2, 3, 4, 5, 6, 7, 0xf8},
			Body: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: `"spanId":"AQ=="`}},
		}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	d, err := ListenDocuments(nil, func(doc []byte, _ time.Time, err error) {
		if err != nil {
			doc = []byte("unreadable")
		}
		got <- strings.ReplaceAll(string(doc), " ", "") // protojson adds spaces at random
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	http2 := new(http.Protocols)
	http2.SetUnencryptedHTTP2(true)
	const json = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"7","severityNumber":9,"body":{"stringValue":"\"spanId\":\"AQ==\""},"spanId":"01020304050607f8"}]}]}]}`
	for _, tt := range []struct {
		kind   string
		body   []byte
		http   *http.Protocols
		doc    string
		answer string
	}{
		{"application/x-protobuf", packed, nil, json, "200 OK application/x-protobuf "},
		{"application/x-protobuf", packed[:9], nil, "unreadable", "400 Bad Request text/plain; charset=utf-8 the body cannot be read\n"},
		{"application/grpc", append([]byte{0, 0, 0, 0, byte(len(packed))}, packed...), http2, json, "200 OK application/grpc \x00\x00\x00\x00\x000"},
		{"application/json", []byte("{}"), nil, "{}", "200 OK application/json " + accepted},
	} {
		client := http.Client{Transport: &http.Transport{Protocols: tt.http}}
		resp, err := client.Post("http://"+d.Addr().String()+"/v1/logs", tt.kind, bytes.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Error(err)
		}
		answer := resp.Status + " " + resp.Header.Get("Content-Type") + " " + string(text) + resp.Trailer.Get("Grpc-Status")
		if diff := cmp.Diff([]string{tt.doc, tt.answer}, []string{<-got, answer}); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", tt.kind, diff)
		}
	}
}
