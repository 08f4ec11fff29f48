// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Records are found in the documents of outputs, by their identities. Documents without one
// are counted, but not the actions of bulk requests.
func TestDocuments(t *testing.T) {
	id := recordid.ID{Seq: 7}.String()
	record := `{"a":1,"gdummy":"` + id + `"}`
	body, err := jsonbody.Parse(record)
	if err != nil {
		t.Fatal(err)
	}
	packed := func(head string, n int) string {
		text := []byte(head)
		for range n {
			text = event.Append(text, event.V2, 1, event.EmptyMap, body[0])
		}
		return string(text)
	}
	otlp := func(record string) string {
		return `{"resourceLogs":[{"resource":{"attributes":[]},"scopeLogs":[{"logRecords":[{` + record + `}]}]}]}`
	}
	for doc, want := range map[string]string{
		"":                                     "0 records, 0 without",
		record:                                 "1 records, 0 without",
		record + "\n" + record + record + "\n": "3 records, 0 without",
		"[" + record + "," + record + "]":      "2 records, 0 without",
		`{"create":{"_index":"a"}}` + "\n" + record + "\n": "1 records, 0 without",
		`{"create":{}}` + "\n" + `{"a":1}` + "\n":          "0 records, 1 without",
		`{"event":` + record + `}{"event":{"a":2}}`:        "1 records, 1 without",
		`{"streams":[{"stream":{"a":"b"},"values":[["1",` + fmt.Sprintf("%q", record) + `],["2",` + fmt.Sprintf("%q", record) + `]]}]}`: "2 records, 0 without",
		`{"streams":[{"values":[["1","a=1 gdummy=` + id + `"]]}]}`:                                                                      "0 records, 1 without",
		otlp(`"body":{"kvlistValue":{"values":[{"key":"gdummy","value":{"stringValue":"` + id + `"}}]}}`):                               "1 records, 0 without",
		otlp(`"body":{"stringValue":"a"},"attributes":[{"key":"gdummy","value":{"stringValue":"` + id + `"}}]`):                         "1 records, 0 without",
		otlp(`"body":{"stringValue":"a"}`): "0 records, 1 without",
		`{"streams":[{"values":[["1","a"],["2",` + fmt.Sprintf("%q", record) + `],["3","b"]]}]}`: "1 records, 2 without",
		`{"streams":[{"values":[1]}],"gdummy":"` + id + `"}`:                                     "1 records, 0 without",
		packed("", 3):     "3 records, 0 without",
		packed("\x93", 3): "3 records, 0 without",
		`{"a":`:           "0 records, 0 without, 1 unreadable",
	} {
		j := NewJudge([]Sink{{Name: "a", Lines: 1, Copies: 1, Through: true}})
		j.Document(0, []byte(doc), time.Unix(1, 0))
		// All records are those of an unknown run, which is a leak.
		count := func(k Kind) (n uint64) {
			if f := j.sinks[0].failures[failureKey{k, ""}]; f != nil {
				n = f.Count
			}
			return n
		}
		got := fmt.Sprintf("%d records, %d without", count(Leaked), j.sinks[0].foreign)
		if n := count(Broken); n > 0 {
			got += fmt.Sprintf(", %d unreadable", n)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.120q: (-want +got):\n%s", doc, diff)
		}
	}
}
