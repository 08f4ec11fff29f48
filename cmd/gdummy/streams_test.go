// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/testenv"
)

// Record k of every format and example is the same, whether generated in sequence, from any
// start, in shards, at a rate, or several per tick.
func TestStreams(t *testing.T) {
	testenv.SkipRace(t)
	const n = 600
	eachShipped(t, func(t *testing.T, options []string) {
		first := uint64(0)
		for _, o := range options {
			if value, ok := strings.CutPrefix(strings.ToLower(o), "first_seq="); ok {
				if _, err := fmt.Sscan(value, &first); err != nil {
					t.Fatal(err)
				}
			}
		}
		options = slices.DeleteFunc(slices.Clone(options), func(o string) bool {
			o = strings.ToLower(o)
			// With tags, the records of a slice are emitted tag by tag.
			return strings.HasPrefix(o, "first_seq=") || strings.HasPrefix(o, "tag_template=")
		})
		whole := records(t, n, append(options, fmt.Sprint("first_seq=", first), "rate=unlimited")...)
		same := func(what string, from, step int, got [][]byte) {
			t.Helper()
			for i, r := range got {
				if want := whole[from+i*step]; !bytes.Equal(r, want) {
					t.Fatalf("%v, %s: record %d is\n%q\nwant\n%q", options, what, from+i*step, r, want)
				}
			}
		}
		for _, start := range []int{1, 2, 7, 299, n - 1} {
			same("started there", start, 1, records(t, min(n-start, 5), append(options, fmt.Sprint("first_seq=", first+uint64(start)), "rate=unlimited")...))
		}
		for shard := range 3 {
			same("in shards", shard, 3, records(t, n/3, append(options, fmt.Sprint("first_seq=", first), fmt.Sprintf("shard=%d/3", shard), "rate=unlimited")...))
		}
		same("several a tick, at a rate", 0, 1, records(t, n, append(options, fmt.Sprint("first_seq=", first), "copies=7", "rate=100k")...))
	})
}

// records runs the command and returns the events, with a fixed time.
func records(t *testing.T, n int, options ...string) [][]byte {
	t.Helper()
	args := []string{"-records", fmt.Sprint(n), "-format", "msgpack", "-p", "seed=1", "-p", "fixed_timestamp=on", "-p", "start_time_sec=1700000000"}
	for _, o := range options {
		args = append(args, "-p", o)
	}
	var all [][]byte
	for out := piped(t, args); len(out) > 0; {
		size, err := event.Size(out)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out[:size])
		out = out[size:]
	}
	if len(all) != n {
		t.Fatalf("%v: %d records, want %d", options, len(all), n)
	}
	return all
}

// The output of `gdummy doc format NAME` is a template that generates exactly the records
// of the format.
func TestFormatsCopied(t *testing.T) {
	for _, f := range format.All() {
		var out, errs bytes.Buffer
		if code := gdummy(stream{in: strings.NewReader(""), out: &out, err: &errs}, []string{"doc", "format", f.Name}); code != exitFine {
			t.Fatalf("%s: %d, %s", f.Name, code, errs.Bytes())
		}
		file := filepath.Join(t.TempDir(), "copy.tmpl")
		if err := os.WriteFile(file, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		want := records(t, 300, "rate=unlimited", "format="+f.Name)
		got := records(t, 300, "rate=unlimited", "template_file="+file)
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("the records of format %s and of its template differ", f.Name)
		}
	}
}

// The seed that a run reports generates the same records again.
func TestDrawnSeed(t *testing.T) {
	var out, errs bytes.Buffer
	args := []string{"-records", "50", "-format", "msgpack", "-p", "rate=unlimited", "-p", "format=json_app", "-p", "fixed_timestamp=on", "-p", "start_time_sec=1700000000"}
	if code := gdummy(stream{in: strings.NewReader(""), out: &out, err: &errs}, append([]string{"run"}, args...)); code != exitFine {
		t.Fatalf("%d, %s", code, errs.Bytes())
	}
	var seed string
	if _, err := fmt.Sscanf(errs.String(), "gdummy run: the seed is %s", &seed); err != nil {
		t.Fatalf("%q: %v", errs.Bytes(), err)
	}
	if again := piped(t, append(args, "-p", "seed="+seed)); !bytes.Equal(again, out.Bytes()) {
		t.Errorf("seed %s generates different records", seed)
	}
	if other := piped(t, append(args, "-p", "seed=1"+seed)); bytes.Equal(other, out.Bytes()) {
		t.Error("another seed generates the same records")
	}
}

// eachShipped calls f with the options of each format, and of each input of each example,
// in the example's directory.
func eachShipped(t *testing.T, f func(t *testing.T, options []string)) {
	t.Helper()
	for _, known := range format.All() {
		t.Run("format/"+known.Name, func(t *testing.T) { f(t, []string{"format=" + known.Name}) })
	}
	examples, err := filepath.Glob("../../examples/*/fluent-bit.*")
	if err != nil || len(examples) < 10 {
		t.Fatalf("%d examples (%v)", len(examples), err)
	}
	for _, path := range examples {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run("example/"+filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			t.Chdir(filepath.Dir(path))
			config, err := conf.Read(filepath.Base(path), conf.Disk)
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range config.Inputs {
				var options []string
				for _, p := range in.Properties {
					switch strings.ToLower(p.Name) {
					case "template", "template_file", "template_delims", "format", "metadata_template", "tag_template", "first_seq":
						options = append(options, p.Name+"="+p.Value.Text)
					}
				}
				f(t, options)
			}
		})
	}
}

// piped runs the command with a pipe as output and returns the output.
func piped(t *testing.T, args []string) []byte {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(r)
		out <- b
	}()
	var stderr bytes.Buffer
	code := gdummy(stream{in: strings.NewReader(""), out: w, err: &stderr}, append([]string{"run"}, args...))
	w.Close()
	select {
	case b := <-out:
		if code != exitFine {
			t.Fatalf("%v ended with %d: %s", args, code, stderr.Bytes())
		}
		return b
	case <-time.After(10 * time.Second):
		t.Fatal("the pipe is not at its end")
	}
	return nil
}
