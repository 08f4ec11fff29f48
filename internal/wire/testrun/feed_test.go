// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
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
		f.append(lineOf(body[0]), 1_000_000_002)
		if diff := cmp.Diff(tt.want, f.text.String()); diff != "" {
			t.Errorf("form %q, body %.40s: (-want +got):\n%s", tt.form, tt.body, diff)
		}
	}
}

// A record is identified by any offset within its lines, wherever the member with it is.
func TestFeedPlaces(t *testing.T) {
	tr := trial{feeds: []*feed{
		{key: "at_0", at: []int64{0, 10, 20}, ids: []recordid.ID{{Seq: 0}, {Seq: 1}}},
		{key: "at_1", at: []int64{0, 100, 300, 310}, ids: []recordid.ID{{Seq: 70}, {Seq: 71}, {Seq: 72}}},
	}}
	for body, want := range map[string]int{
		`{"a":"x","at_0":0}`:             0,
		`{"a":"x","at_0":9}`:             0,
		`{"a":"x","at_0":10}`:            1,
		`{"a":{"b":{"at_1":100}}}`:       71,
		`{"a":{"at_1":299},"b":"at_10"}`: 71,
		`{"at_1":300.0}`:                 72,
		`{"at_1":310}`:                   -1,
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

// With a multiline parser, the offset of a record is that of the line behind it, or of
// itself. Its text decides.
func TestFeedJoined(t *testing.T) {
	texts := []string{"start", "fail one\n\tat a\n\tat b", "plain", "fail two\n\tat a", "x", "fail x\n\tat a", "done"}
	f := &feed{joins: true}
	for n, text := range texts {
		f.at, f.ids = append(f.at, int64(f.text.Len())), append(f.ids, recordid.ID{Seq: uint64(n)})
		f.lines = append(f.lines, []byte(text))
		f.text.WriteString(text + "\n")
	}
	f.at = append(f.at, int64(f.text.Len()))
	begin := func(n int) int64 { return f.at[n] }
	for _, tt := range []struct {
		why    string
		offset int64
		text   string
		want   int
	}{
		{"the first line, as it is", 0, "start\n", 0},
		{"the first line, when the next one begins", begin(1), "start\n", 0},
		{"joined, when the next one begins", begin(2), texts[1] + "\n", 1},
		{"a line as it is, behind it", begin(2), "plain\n", 2},
		{"a line, when the next one begins", begin(3), "plain\n", 2},
		{"joined, and parsed since", begin(3), "", 2},
		{"a line or the one before it, parsed since", begin(2), "", -1},
		{"joined too little: the first part", begin(1) + 15, "fail one\n\tat a\n", 1},
		{"joined too little: the last part", begin(2), "\tat b\n", 1},
		{"joined too much", begin(3), texts[1] + "\nplain\n", 1},
		{"joined far too much", begin(5), texts[1] + "\nplain\n" + texts[3] + "\nx\n", 1},
		{"a text that is part of the next", begin(5), "x\n", 4},
		{"the next, with that text in it", begin(6), texts[5] + "\n", 5},
		{"the last, at the end of the file", begin(7), "done\n", 6},
		{"the last, as it is", begin(6), "done\n", 6},
	} {
		if got := f.record(tt.offset, value.OfString(tt.text).Append(nil)); got != tt.want {
			t.Errorf("%s: record %d, want %d", tt.why, got, tt.want)
		}
	}
	if err := f.distinct(); err != nil {
		t.Error(err)
	}
	f.lines[2] = []byte("start")
	f.lines[1] = []byte("start")
	if err := f.distinct(); err == nil || !strings.Contains(err.Error(), "records 0 and 1 have the same line") {
		t.Error(err)
	}
}

// Which multiline parsers join lines of a form.
func TestJoinsLines(t *testing.T) {
	for _, tt := range []struct {
		parsers, form string
		want          bool
	}{
		{"", "", false}, {"cri", "cri", false}, {"docker, cri", "docker", false}, {"java", "", true}, {"cri, java", "cri", false},
		{"cri, Java", "", true}, {" docker ,cri", "", false},
	} {
		if got := joinsLines(tt.parsers, tt.form); got != tt.want {
			t.Errorf("%q, form %q: %v", tt.parsers, tt.form, got)
		}
	}
}
