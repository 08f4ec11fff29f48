// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/tinylib/msgp/msgp"
	"github.com/ulikunitz/xz"

	"github.com/gdummy/gdummy/internal/event"
)

// records returns the records of a file with a text, without file, line and offset.
func records(t testing.TB, name, text string, o Options) (records, reports []string) {
	t.Helper()
	path := write(t, name, text)
	o.Files = []string{path}
	records, reports = all(t, open(t, o))
	for i, r := range records {
		_, records[i], _ = strings.Cut(r, ":")
	}
	for i, r := range reports {
		reports[i] = strings.TrimPrefix(r, path+", ")
	}
	return records, reports
}

func TestCSV(t *testing.T) {
	for _, tt := range []struct {
		name, text       string
		records, reports []string
	}{
		{
			"quoted", "\ufeffa,b\n1,\"two, \"\"2\"\"\"\r\n\n\"three\nlines\n\",\n",
			[]string{`2 +0s {"a":"1","b":"two, \"2\""}`, `4 +0s {"a":"three\nlines\n","b":""}`}, nil,
		},
		{"semicolons", "a;b\n1,0;2\n", []string{`2 +0s {"a":"1,0","b":"2"}`}, nil},
		{"tabs", "a\tb\n1\t2", []string{`2 +0s {"a":"1","b":"2"}`}, nil},
		{"no rows", "a,b\n", nil, nil},
		{"nothing", "", nil, nil},
		{
			"broken", "a,b\n1,2\n1\n1,2,3\n1,x\"y\n\"\n\"x\"y,2\n3,4\n\"",
			[]string{`2 +0s {"a":"1","b":"2"}`, `8 +0s {"a":"3","b":"4"}`},
			[]string{
				"line 3: skipped: expected 2 cells, one for each name in line 1, found 1",
				"line 4: skipped: expected 2 cells, one for each name in line 1, found 3",
				"line 6: skipped: quotation mark in a cell: quote the whole cell, and double its quotation marks",
				"line 7: skipped: quotation mark in a cell: quote the whole cell, and double its quotation marks",
				"line 9: skipped: the quoted cell that begins on line 9 is not closed",
			},
		},
	} {
		records, reports := records(t, "x.csv", tt.text, Options{})
		if diff := cmp.Diff(tt.records, records); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.reports, reports); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// Whatever encoding/csv accepts without its options, has the same cells here.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a\n\"x\"\"y\"\n", "a,b\n\"1\n2\",3\n", "a\r\n\"\"\r\n", "a,b\n,\n", "a\nx\ry\n", "\"\n"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "x.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Options{Files: []string{path}, Format: CSV, Key: "log", Sample: 1})
		if err != nil {
			return
		}
		r := s.NewReader(nil)
		defer r.Close()
		var got [][]string
		for n := uint64(0); r.Seek(n) == Ready; n++ {
			var cells []string
			b := r.Current().Body
			size, b, err := msgp.ReadMapHeaderBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 * size {
				var cell string
				if cell, b, err = msgp.ReadStringBytes(b); err != nil {
					t.Fatal(err)
				}
				cells = append(cells, cell)
			}
			got = append(got, cells)
		}
		c := csv.NewReader(strings.NewReader(text))
		header, err := c.Read()
		if err != nil || strings.HasPrefix(text, "\n") || strings.HasPrefix(text, "\r") || strings.Contains(text, "\r") || strings.ContainsAny(strings.Join(header, ""), ";\t\ufeff") {
			return // blank lines before the header, and CR, are read differently on purpose
		}
		var want [][]string
		for {
			row, err := c.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				return
			}
			var cells []string
			for i, cell := range row {
				cells = append(cells, header[i], cell)
			}
			want = append(want, cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	})
}

// Events of both forms have their times and metadata; maps have neither.
func TestMsgPack(t *testing.T) {
	const at = 1795867200_000000000
	body := func(n int) []byte { return msgp.AppendInt(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "n"), n) }
	b := event.Append(nil, event.V2, at, msgp.AppendBool(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "m"), true), body(1))
	b = event.Append(b, event.Legacy, at+5e8, nil, body(2))
	b = msgp.AppendInt(b, 5)
	deep := bytes.Repeat([]byte{0x91}, 40)
	b = append(append(b, deep...), 0xc0)
	b = event.Append(b, event.V2, at+2e9, event.EmptyMap, body(3))
	got, reports := records(t, "x.msgpack", string(b), Options{})
	if diff := cmp.Diff([]string{`1 +0s {"n":1}`, `2 +500ms {"n":2}`, `5 +2s {"n":3}`}, got); diff != "" {
		t.Error(diff)
	}
	want := []string{"line 3: skipped: expected an event or a map", "line 4: skipped: nested too deeply: expected at most 31 levels"}
	if diff := cmp.Diff(want, reports); diff != "" {
		t.Error(diff)
	}
	s := open(t, Options{Files: []string{write(t, "x", string(b))}})
	r := s.NewReader(nil)
	defer r.Close()
	if !s.Timed() || r.Seek(0) != Ready || string(r.Current().Metadata) != "\x81\xa1m\xc3" || r.Current().Time != at {
		t.Errorf("times: %v; the first record is %+v", s.Timed(), r.Current())
	}
	if r.Seek(1) != Ready || r.Current().Metadata != nil && !bytes.Equal(r.Current().Metadata, event.EmptyMap) {
		t.Errorf("metadata % x of the second record, want none", r.Current().Metadata)
	}
	got, _ = records(t, "x.msgpack", string(append(body(1), body(2)...)), Options{})
	if diff := cmp.Diff([]string{`1 +0s {"n":1}`, `2 +0s {"n":2}`}, got); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{"\x80\xc1": "line 2: invalid MessagePack", "\x80\x81": "line 2: unexpected EOF"} {
		path := write(t, "x.msgpack", text)
		r := open(t, Options{Files: []string{path}}).NewReader(nil)
		if state := r.Seek(1); state != Ended || r.Err() == nil || r.Err().Error() != path+", "+want {
			t.Errorf("%q: %v, %v; want %s", text, state, r.Err(), want)
		}
		r.Close()
	}
}

// A reader never fails on MessagePack but with an error, and its bodies are maps.
func FuzzMsgPack(f *testing.F) {
	f.Add([]byte{0x80, 0x92, 0xd7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x92, 0x92, 0xce, 0, 0, 0, 1, 0x80, 0x81, 0xa1, 'a', 1})
	f.Add([]byte{0xde, 0, 1, 0xa1, 'a', 0xdf, 0, 0, 0, 0})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		spec := timeAt(t, "a")
		for _, time := range []TimeSpec{{}, spec} {
			s, err := Open(Options{Files: []string{path}, Format: MsgPack, Time: time, Sample: 1})
			if err != nil {
				continue
			}
			r := s.NewReader(nil)
			for n := uint64(0); r.Seek(n) == Ready; n++ {
				if _, rest, err := msgp.ReadMapHeaderBytes(r.Current().Body); err != nil || len(rest) > len(b) {
					t.Fatalf("body % x: %v", r.Current().Body, err)
				}
				r.Current().PutTime(bytes.Clone(r.Current().Body), 1)
			}
			r.Close()
		}
	})
}

// Compressed files are as their contents, whose format the name without the ending of
// the compression selects.
func TestCompressed(t *testing.T) {
	const text = "{\"a\":1}\n{\"a\":2}\n"
	pack := func(before func(io.Writer) (io.WriteCloser, error)) string {
		var b bytes.Buffer
		w, err := before(&b)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	gz := pack(func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
	bz, err := os.ReadFile("testdata/two.ndjson.bz2")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"x.json.gz": gz, "twice.gz": gz + gz,
		"x.zst": pack(func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }),
		"x.xz":  pack(func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }),
		"x.bz2": string(bz),
	} {
		want := []string{`1 +0s {"a":1}`, `2 +0s {"a":2}`}
		if name == "twice.gz" {
			want = append(want, `3 +0s {"a":1}`, `4 +0s {"a":2}`)
		}
		got, _ := records(t, name, data, Options{})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	path := write(t, "cut.gz", gz[:len(gz)-6])
	r := open(t, Options{Files: []string{path}}).NewReader(nil)
	defer r.Close()
	if r.Seek(2) != Ended || r.Err() == nil || r.Err().Error() != path+", line 3: unexpected EOF" {
		t.Errorf("a file that is cut: %v", r.Err())
	}
}

// Lines that belong together are one record.
func TestFirstLine(t *testing.T) {
	o := Options{FirstLine: regexp.MustCompile(`^\d`), Time: timeAt(t, "%Y-%m-%d %H:%M:%S")}
	text := "2026-11-28 12:00:00 one\r\n  at a\n  at b\n2026-11-28 12:00:01 two\n\n2026-11-28 12:00:02 three\nCaused by: x"
	got, reports := records(t, "x.log", "before\n"+text, o)
	want := []string{
		`2 +0s {"log":"2026-11-28 12:00:00 one\r\n  at a\n  at b"}`,
		`5 +1s {"log":"2026-11-28 12:00:01 two\n"}`,
		`7 +2s {"log":"2026-11-28 12:00:02 three\nCaused by: x"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(reports) != 1 || !strings.Contains(reports[0], "no time in the layout") {
		t.Errorf("reports %q, want one of the line before the first record", reports)
	}
}

// Long lines are skipped, with a report, and leave those after them as they are.
func TestLongLine(t *testing.T) {
	got, reports := records(t, "x.log", "one\n"+strings.Repeat("x", MaxRecord+bufferSize)+"\ntwo\n"+strings.Repeat("y", bufferSize*3)+"\n", Options{})
	if len(got) != 3 || got[1] != `3 +0s {"log":"two"}` || len(got[2]) < bufferSize*3 || !slices.Equal(reports, []string{"line 2: skipped: longer than 16 MiB"}) {
		t.Errorf("%d records, reports %q", len(got), reports)
	}
}

// Lines are cut at the same places wherever the buffer ends.
func TestLinesAndBuffers(t *testing.T) {
	var b strings.Builder
	var want []string
	for n := range 300 {
		line := strings.Repeat("x", (n*n*37)%5000)
		fmt.Fprintln(&b, line)
		want = append(want, fmt.Sprintf(`%d +0s {"log":"%s"}`, n+1, line))
	}
	got, _ := records(t, "x.log", b.String(), Options{})
	if !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
}
