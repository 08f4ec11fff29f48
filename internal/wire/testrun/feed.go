// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/tracking"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
)

// feed is the file of an input that parses by itself. The input adds the offset of each
// line to its record, which identifies the line.
type feed struct {
	label string
	form  string
	path  string // of the file
	key   string // the member with the offset
	text  bytes.Buffer
	at    []int64       // where the lines of each record begin, and the end
	lines [][]byte      // of each record, if the input joins them
	joins bool          // the input may make one record of several lines
	ids   []recordid.ID // of the records
	book  *ledger.Stream
	err   error
}

// tailOptions are the properties of tail that belong to its file.
var tailOptions = []string{
	"exclude_path", "db", "db.sync", "db.locking", "db.journal_mode", "db.compare_filename", "ignore_older", "rotate_wait",
	"ignore_active_older_files", "static_batch_size", "refresh_interval",
}

// feedInput writes the lines of an input, and points the input at them.
func (t *trial) feedInput(s *render.Section, label string, in expect.Input) error {
	if s.Plugin() != "tail" {
		return fmt.Errorf("inputs: %s: via file: expected an input with the plugin tail, found %s", label, s.Plugin())
	}
	if s.Text("multiline.parser") != "" && !t.Binary.HasOffsets() {
		return fmt.Errorf("inputs: %s: via file: the offset that version %s of Fluent Bit adds to records of multiline.parser is wrong: 4.2 or later is required", label, t.Binary.Version)
	}
	joins := joinsLines(s.Text("multiline.parser"), in.Form)
	for _, name := range []string{"multiline", "docker_mode"} {
		if s.On(name) {
			return fmt.Errorf("inputs: %s: via file: with %s, Fluent Bit adds no right offset, which identifies records: expected multiline.parser instead", label, name)
		}
	}
	sample := pipeline.SamplePath(s.Text("path"))
	f := &feed{joins: joins, label: label, form: in.Form, path: filepath.Join(t.dir, label, sample), key: s.Text("offset_key")}
	if f.key == "" {
		f.key = fmt.Sprintf("gdummy_offset_%d", len(t.feeds))
		s.Set("offset_key", f.key)
	}
	truth, err := t.write(f, in)
	if err != nil {
		return fmt.Errorf("inputs: %s: %w", label, err)
	}
	if n := f.tooLong(s); n >= 0 {
		return fmt.Errorf("inputs: %s: via file: record %d is longer than buffer_max_size: with skip_long_lines, Fluent Bit adds wrong offsets after it; expected shorter records", label, n)
	}
	for _, name := range tailOptions {
		t.Remove(s, label, name)
	}
	t.Remove(s, label, "path")
	t.Remove(s, label, "read_from_head")
	s.Set("path", f.path)
	s.Set("read_from_head", "on")
	t.ExpandTag(s, label, sample)
	s.SetDefault("alias", label)
	t.feeds, t.fed[label] = append(t.feeds, f), truth
	t.Changef("input %s: tail reads %d records from a file of the test, and adds the offset of each line as %s", label, len(f.ids), f.key)
	return nil
}

// tooLong returns the first record that may be longer than the buffer of an input that skips
// such lines, or -1.
func (f *feed) tooLong(s *render.Section) int {
	size, err := units.ParseSize(s.Text("buffer_max_size"))
	if err != nil {
		size = 32 << 10
	}
	for n := range f.ids {
		if s.On("skip_long_lines") && f.at[n+1]-f.at[n] >= size {
			return n
		}
	}
	return -1
}

// joinsLines reports whether parsers of multiline.parser may make one record of several
// lines of a form. They are alternatives: the one for the form of a container joins only
// the parts of a line.
func joinsLines(parsers, form string) bool {
	var names []string
	for name := range strings.SplitSeq(parsers, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	if form != "" && slices.Contains(names, form) {
		return false
	}
	return slices.ContainsFunc(names, func(name string) bool { return name != expect.FormCRI && name != expect.FormDocker })
}

// write makes the records and writes their lines.
func (t *trial) write(f *feed, in expect.Input) (expect.Truth, error) {
	book := filepath.Join(t.dir, f.label+".ledger")
	options := map[string]string{
		"seed": t.file.Seed, "rate": "unlimited", "max_records": strconv.FormatUint(t.file.Records, 10), "audit_in": "metadata", "ledger": book,
	}
	for _, o := range in.Options {
		if !slices.Contains(pipeline.PaceOptions, o[0]) {
			options[o[0]] = o[1]
		}
	}
	truth := expect.Truth{
		Version: t.Version, Files: files.Beside(t.file.Pipeline),
		Options: func(name string) (string, bool) { text, ok := options[name]; return text, ok },
	}
	config, _, err := engine.Configure(truth.Options, truth.Files)
	if err != nil {
		return truth, err
	}
	proof, err := tracking.Start(&config.Config, tracking.Options{Name: f.label, Version: t.Version, Metadata: true})
	if err != nil {
		return truth, err
	}
	e := engine.New(config, engine.Options{Form: event.V2, Mark: proof.Mark()})
	defer e.Close()
	if err := proof.Open(e.Origin()); err != nil {
		return truth, err
	}
	e.Run(f)
	made := uint64(len(f.ids))
	if err := proof.Close(made, nil, made, 0, e.Unsent()); err != nil {
		return truth, err
	}
	if f.err == nil {
		f.err = f.distinct()
	}
	if f.err != nil {
		return truth, f.err
	}
	if err := f.save(); err != nil {
		return truth, err
	}
	l, err := ledger.ReadFile(book)
	if err != nil {
		return truth, err
	}
	f.book = l.Streams[0]
	f.book.Place, f.book.Key = "body", f.key
	return truth, nil
}

// save writes the file.
func (f *feed) save() error {
	f.at = append(f.at, int64(f.text.Len()))
	text := f.text.Bytes()
	f.text = bytes.Buffer{}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(f.path, text, 0o600)
}

// Wait implements engine.Host.
func (f *feed) Wait(time.Time) bool { return f.err == nil }

// Buffer implements engine.Host.
func (f *feed) Buffer() []byte { return nil }

// Emit implements engine.Host.
func (f *feed) Emit(_ string, records int, events []byte) {
	for range records {
		ev, rest, err := event.Decode(events)
		if err != nil {
			f.err = err
			return
		}
		events = rest
		id, end := recordid.Find(ev.Metadata)
		if end < 0 {
			f.err = fmt.Errorf("a record has no identity")
			return
		}
		f.at, f.ids = append(f.at, int64(f.text.Len())), append(f.ids, id)
		line := lineOf(ev.Body)
		if f.joins {
			f.lines = append(f.lines, []byte(strings.TrimRight(line, "\n")))
		}
		f.append(line, id.Time)
	}
}

// lineOf returns the text of a record with only the field log; any other is a line of
// JSON.
func lineOf(body []byte) string {
	if h := msgpack.Read(body); h.Kind == msgpack.Map && h.N == 1 {
		if name, size := msgpack.ShortString(body[h.Size:]); string(name) == "log" {
			v := body[h.Size+size:]
			if text := msgpack.Read(v); text.Kind == msgpack.String {
				return string(v[text.Size:])
			}
		}
	}
	v, _ := value.First(string(body))
	return string(v.AppendJSON(nil))
}

// partSize is the size at which containerd and Docker cut lines.
const partSize = 16 << 10

// append writes a line in the form of the file.
func (f *feed) append(line string, at int64) {
	if f.form == "" {
		f.text.WriteString(line + "\n")
		return
	}
	stamp := time.Unix(0, at).UTC().Format("2006-01-02T15:04:05.000000000Z")
	for part := range strings.SplitSeq(line, "\n") {
		for {
			cut, last := part, true
			if len(part) > partSize {
				cut, part, last = part[:partSize], part[partSize:], false
			}
			if f.form == expect.FormCRI {
				f.text.WriteString(stamp + " stdout " + map[bool]string{true: "F", false: "P"}[last] + " " + cut + "\n")
			} else {
				text := value.OfString(cut + map[bool]string{true: "\n"}[last])
				f.text.WriteString(`{"log":` + string(text.AppendJSON(nil)) + `,"stream":"stdout","time":"` + stamp + "\"}\n")
			}
			if last {
				break
			}
		}
	}
}

// place returns the identity of a record that arrived, by the offset in it.
func (t *trial) place(body []byte) (id recordid.ID, ok bool) {
	for _, f := range t.feeds {
		name := value.OfString(f.key).Append(nil)
		at := bytes.LastIndex(body, name)
		if at < 0 {
			continue
		}
		v, _ := value.First(string(body[at+len(name):]))
		offset, ok := v.Number()
		if !ok {
			continue
		}
		if n := f.record(int64(offset), body); n >= 0 {
			return f.ids[n], true
		}
	}
	return id, false
}
