// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/testenv"
)

// Lists of records are recognized in the wrappings of various services. A record that is
// in such a list twice counts twice.
func TestWrapped(t *testing.T) {
	for _, c := range []struct {
		name        string
		front, back string
		each        string // $R is the record, $S is the record as a string of JSON
		path        string // of the identity
		want        string // state of each; "" is enriched
	}{
		{"Elasticsearch search", `{"took":5,"timed_out":false,"_shards":{"total":1},"hits":{"total":{"value":4,"relation":"eq"},"max_score":1.0,"hits":[`, `]}}`,
			`{"_index":"logs","_id":"a1","_score":1.0,"_source":$R}`, "hits.hits._source.gdummy", ""},
		{"Elasticsearch scroll", `{"_scroll_id":"FGluY2x1ZGVfY29udGV4dA==","took":1,"hits":{"hits":[`, `]}}`,
			`{"_index":"logs","_id":"a1","_source":$R,"sort":[1]}`, "hits.hits._source.gdummy", ""},
		{"Elasticsearch, fields beside the source", `{"hits":{"hits":[`, `]}}`,
			`{"_id":"a1","_source":$R,"fields":{"gdummy":["$I"],"gdummy.keyword":["$I"],"message":["dummy"]}}`, "", ""},
		{"Elasticsearch multi search", `{"responses":[{"hits":{"hits":[`, `]}}]}`, `{"_source":$R}`, "responses.hits.hits._source.gdummy", ""},
		{"CloudWatch GetLogEvents", `{"events":[`, `],"nextForwardToken":"f/1","nextBackwardToken":"b/1"}`,
			`{"timestamp":1732300000000,"message":$S,"ingestionTime":1732300000001}`, "events.message.gdummy", ""},
		{"CloudWatch subscription", `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[`, `]}`,
			`{"id":"36","timestamp":1732300000000,"message":$S}`, "logEvents.message.gdummy", ""},
		{"CloudWatch subscription, parsed", `{"logEvents":[`, `]}`,
			`{"id":"36","message":$S,"extractedFields":$R}`, "", ""},
		{"Stackdriver", `{"resource":{"type":"global"},"entries":[`, `],"nextPageToken":"x"}`, `{"logName":"l","insertId":"i","jsonPayload":$R}`, "entries.jsonPayload.gdummy", ""},
		{"Splunk", `{"preview":false,"init_offset":0,"results":[`, `],"highlighted":{}}`, `{"_bkt":"b","_raw":$S,"_time":"2026-11-26T12:00:00"}`, "results._raw.gdummy", ""},
		{"Splunk, fields beside the line", `{"results":[`, `]}`, `{"_raw":$S,"gdummy":"$I","message":"dummy"}`, "", ""},
		{"Splunk, fields of two values", `{"results":[`, `]}`, `{"_raw":$S,"gdummy":["$I","$I"],"message":["dummy","dummy"]}`, "", ""},
		{"Splunk, nothing but fields of two values", `{"results":[`, `]}`, `{"gdummy":["$I","$I"],"message":["dummy","dummy"]}`, "results.gdummy", "damaged"},
		{"Datadog", `{"data":[`, `],"meta":{"page":{"after":"x"}}}`, `{"id":"A","type":"log","attributes":{"service":"s","attributes":$R}}`, "data.attributes.attributes.gdummy", ""},
		{"kafka-rest", `{"records":[`, `]}`, `{"key":null,"value":$R}`, "records.value.gdummy", ""},
		{"kafka-rest, with keys", `{"records":[`, `]}`, `{"key":"k","value":$R}`, "records.value.gdummy", ""},
		{"OTLP", `{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"b"}}]},"scopeLogs":[{"logRecords":[`, `]}]}]}`,
			`{"timeUnixNano":"1","body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"dummy"}},{"key":"gdummy","value":{"stringValue":"$I"}}]}}}`, "resourceLogs.scopeLogs.logRecords.body.gdummy", ""},
		{"OTLP, the original as an attribute", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[`, `]}]}]}`,
			`{"body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"dummy"}},{"key":"gdummy","value":{"stringValue":"$I"}}]}},"attributes":[{"key":"log.record.original","value":{"stringValue":$S}}]}`, "", ""},
		{"OTLP, attributes of an unknown kind", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[`, `]}]}]}`,
			`{"body":{"otherValue":1},"attributes":[{"key":"gdummy","value":{"stringValue":"$I"}},{"key":"log.record.original","value":{"stringValue":$S}}]}`, "", ""},
		{"OTLP, one resource each", `{"resourceLogs":[`, `]}`,
			`{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"dummy"}},{"key":"gdummy","value":{"stringValue":"$I"}}]}}}]}]}`, "resourceLogs.scopeLogs.logRecords.body.gdummy", ""},
		{"Loki", `{"streams":[{"stream":{"job":"x"},"values":[`, `]}]}`, `["1732300000000000000",$S]`, "streams.values.gdummy", ""},
		{"Loki, with the identity as a label", `{"streams":[{"stream":{"job":"x"},"values":[`, `]}]}`, `["1732300000000000000",$S,{"gdummy":"$I"}]`, "", ""},
		{"Loki, one stream each", `{"streams":[`, `]}`, `{"stream":{"job":"x"},"values":[["1732300000000000000",$S]]}`, "streams.values.gdummy", ""},
		{"events", `{"events":[`, `]}`, `[[1732300000.5,{"gdummy":"$I"}],$R]`, "", ""},
		{"forward", `["tag",[`, `],{"chunk":"x"}]`, `[1732300000,$R]`, "gdummy", "intact"},
		{"event.original beside members", `{"records":[`, `]}`, `{"event":{"original":$S},"message":"dummy","gdummy":"$I"}`, "records.gdummy", ""},
		{"text beside members", `{"records":[`, `]}`, `{"event.original":"message=dummy gdummy=$I","message":"dummy","gdummy":"$I"}`, "records.gdummy", ""},
		{"a history in the record", `{"records":[`, `]}`, `{"record":$R,"history":[{"record":$R},{"record":$R}]}`, "records.record.gdummy", ""},
		{"strings of JSON", `{"Records":[`, `]}`, `$S`, "Records.gdummy", ""},
		{"changed", `{"records":[`, `]}`, `{"value":{"message":"changed","gdummy":"$I"}}`, "records.value.gdummy", "damaged"},
		{"text", `{"records":[`, `]}`, `{"value":"message=dummy gdummy=$I"}`, "records.value", "unchecked"},
		{"nothing but identities", `{"gdummy":[`, `]}`, `"$I"`, "gdummy", "damaged"},
	} {
		record := func(text string, seq uint64) string {
			one := id(t, seq, `{"message":"dummy"}`)
			rec := `{"message":"dummy","gdummy":"` + one + `"}`
			quoted, err := json.Marshal(rec)
			if err != nil {
				t.Fatal(err)
			}
			return strings.NewReplacer("$R", rec, "$S", string(quoted), "$I", one).Replace(text)
		}
		state := c.want
		if state == "" {
			state = "enriched"
		}
		for _, seqs := range [][]uint64{{1, 1}, {1, 2, 1, 2}, {3, 3, 1, 1, 2}, {1, 2, 3}} {
			var elements, want []string
			for _, seq := range seqs {
				elements = append(elements, record(c.each, seq))
				want = append(want, fmt.Sprint(seq, " ", state))
			}
			if c.name == "nothing but identities" && len(seqs) == 2 {
				want = want[:1] // values of one record
			}
			text := c.front + strings.Join(elements, ",") + c.back
			for _, path := range slices.Compact([]string{"", c.path}) {
				got, broken := scan(Options{Path: path}, text)
				if d := cmp.Diff(want, got); d != "" || broken > 0 {
					t.Errorf("%s, %v at %q: %d broken\n%s\n%s", c.name, seqs, path, broken, text, d)
				}
				if strings.HasPrefix(c.name, "OTLP") {
					continue // lists of keys and values are maps in JSON only
				}
				got, broken = scan(Options{Path: path}, string(pack(t, text)))
				if d := cmp.Diff(want, got); d != "" || broken > 0 {
					t.Errorf("%s, %v at %q, in MessagePack: %d broken\n%s", c.name, seqs, path, broken, d)
				}
			}
		}
	}
}

// pack converts JSON to MessagePack.
func pack(t testing.TB, text string) []byte {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := msgp.AppendIntf(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each element of a list of records counts once, whatever is around it and in it: in
// wrappings and lists of lists, in one or several forms, in JSON or MessagePack.
func TestWrappedAtRandom(t *testing.T) {
	testenv.SkipRace(t)
	r := rand.New(rand.NewPCG(13, 13))
	type m = map[string]any
	bodies := []string{`{"message":"dummy"}`, `{"level":"info","n":12,"o":{"a":[1,2,{"b":null}]}}`, `{"a":[{"x":1},{"x":2}],"b":"{\"c\":1}"}`}
	for round := range 3000 {
		want := map[string]int{}
		record := func() m {
			seq := uint64(r.IntN(4))
			body := bodies[seq%3]
			want[fmt.Sprint(seq)]++
			var v m
			if err := json.Unmarshal([]byte(body), &v); err != nil {
				t.Fatal(err)
			}
			v["gdummy"] = id(t, seq, body)
			return v
		}
		text := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		// one returns an element: a record in the form of some service.
		form := r.IntN(9)
		one := func() any {
			v := record()
			switch form {
			case 0:
				return v
			case 1:
				return text(v)
			case 2:
				return m{"_id": "x", "_source": v, "fields": m{"gdummy": []any{v["gdummy"]}}}
			case 3:
				return m{"event": m{"original": text(v)}, "parsed": v}
			case 4:
				return []any{1732300000.5, v}
			case 5:
				return []any{[]any{1.5, m{"gdummy": v["gdummy"]}}, v}
			case 6:
				return []any{"1732300000000000000", text(v), m{"gdummy": v["gdummy"]}}
			case 7:
				return m{"value": m{"value": text(m{"value": text(v)})}, "history": []any{v, v}, "gdummy": v["gdummy"]}
			}
			v["original"] = "line " + v["gdummy"].(string) + " and " + v["gdummy"].(string)
			return v
		}
		var list func(depth int) []any
		list = func(depth int) (l []any) {
			n := 1 + r.IntN(4)
			same := r.IntN(3)
			for range n {
				switch {
				case depth == 0:
					l = append(l, one())
				case same == 0:
					l = append(l, list(depth-1))
				case same == 1:
					l = append(l, m{"values": list(depth - 1), "labels": m{"a": 1}})
				default:
					l = append(l, m{"x": m{"y": []any{m{"z": list(depth - 1)}}}})
				}
			}
			return l
		}
		var v any = m{"hits": list(r.IntN(3)), "total": 5}
		for range r.IntN(3) {
			switch r.IntN(3) {
			case 0:
				v = m{"data": v, "meta": m{"a": []any{1, 2}}}
			case 1:
				v = m{"responses": []any{v}}
			case 2:
				v = m{"body": text(v)}
			}
		}
		js := text(v)
		packed, err := msgp.AppendIntf(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{[]byte(js), packed, bytes.Repeat(packed, 2)} {
			got := map[string]int{}
			found, broken := scan(Options{}, string(data))
			for _, f := range found {
				seq, state, _ := strings.Cut(f, " ")
				if got[seq]++; state != "enriched" && state != "intact" {
					t.Fatalf("round %d: %s\n%s", round, f, js)
				}
			}
			times := map[string]int{}
			for seq, n := range want {
				times[seq] = n
				if len(data) == 2*len(packed) && bytes.HasPrefix(data, packed) {
					times[seq] *= 2
				}
			}
			if d := cmp.Diff(times, got); d != "" || broken > 0 {
				t.Fatalf("round %d, form %d: %d broken\n%s\n%s", round, form, broken, js, d)
			}
		}
	}
}
