// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/recordid"
)

// The file of an input has lines as they are, or in the form of containerd or Docker, which
// cut long ones.
func TestFeedLines(t *testing.T) {
	long := strings.Repeat("x", partSize)
	const at = "1970-01-01T00:00:01.000000002Z"
	for _, tt := range []struct{ form, body, want string }{
		{"", `{"log":"a \"b\""}`, "a \"b\"\n"},
		{"", `{"log":"a","b":1}`, `{"log":"a","b":1}` + "\n"},
		{"", `{"log":1}`, `{"log":1}` + "\n"},
		{"", `{"message":"a"}`, `{"message":"a"}` + "\n"},
		{"cri", `{"log":"a"}`, at + " stdout F a\n"},
		{"cri", `{"log":"a\nb"}`, at + " stdout F a\n" + at + " stdout F b\n"},
		{"cri", `{"log":"` + long + `y"}`, at + " stdout P " + long + "\n" + at + " stdout F y\n"},
		{"docker", `{"log":"a \"b\""}`, `{"log":"a \"b\"\n","stream":"stdout","time":"` + at + `"}` + "\n"},
		{"docker", `{"log":"` + long + `y"}`, `{"log":"` + long + `","stream":"stdout","time":"` + at + `"}` + "\n" +
			`{"log":"y\n","stream":"stdout","time":"` + at + `"}` + "\n"},
	} {
		body, err := jsonbody.Parse(tt.body)
		if err != nil {
			t.Fatal(err)
		}
		f := feed{form: tt.form}
		f.lines(lineOf(body[0]), 1_000_000_002)
		if diff := cmp.Diff(tt.want, f.text.String()); diff != "" {
			t.Errorf("form %q, body %.40s: (-want +got):\n%s", tt.form, tt.body, diff)
		}
	}
}

// A record is identified by any offset within its lines, wherever the member with it is.
func TestFeedPlaces(t *testing.T) {
	tr := trial{feeds: []*feed{
		{key: "at_0", at: []int64{0, 10}, ids: []recordid.ID{{Seq: 0}, {Seq: 1}}},
		{key: "at_1", at: []int64{0, 100, 300}, ids: []recordid.ID{{Seq: 70}, {Seq: 71}, {Seq: 72}}},
	}}
	for body, want := range map[string]int{
		`{"a":"x","at_0":0}`:             0,
		`{"a":"x","at_0":9}`:             0,
		`{"a":"x","at_0":10}`:            1,
		`{"a":{"b":{"at_1":100}}}`:       71,
		`{"a":{"at_1":299},"b":"at_10"}`: 71,
		`{"at_1":300.0}`:                 72,
		`{"a":"x"}`:                      -1,
		`{"at_0":"x"}`:                   -1,
		`{"a":"at_0"}`:                   -1,
	} {
		b, err := jsonbody.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		got := -1
		if id, ok := tr.place(b[0]); ok {
			got = int(id.Seq)
		}
		if got != want {
			t.Errorf("%s: record %d, want %d", body, got, want)
		}
	}
}
