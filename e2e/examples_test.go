// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
)

// Each example runs unchanged, in its own directory, and produces exactly the records of its
// template, in order, with their tags.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../examples/*/fluent-bit.*")
	if err != nil || len(files) != 10 {
		t.Fatalf("%d examples, want 10 (%v)", len(files), err)
	}
	for _, file := range files {
		file, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			inputs := readExample(t, file)
			var one sync.Mutex // their programs do not run concurrently
			onEachHost(t, func(t *testing.T, h host) { runExample(t, h, file, inputs, &one) })
		})
	}
}

// exampleInput is an input of an example.
type exampleInput struct {
	*engine.Config
	tag string
}

// readExample reads the inputs of an example, whose files are beside it.
func readExample(t *testing.T, file string) (inputs []exampleInput) {
	t.Helper()
	config, err := conf.Read(file, conf.Disk)
	if err != nil || len(config.Errors) > 0 {
		t.Fatal(err, config.Errors)
	}
	for _, in := range config.Inputs {
		text := func(name string) (string, bool) {
			p, ok := in.Property(name)
			if !ok {
				return "", false
			}
			return p.Value.Text, true
		}
		c, _, err := engine.Configure(func(name string) (string, bool) {
			value, ok := text(name)
			if name == "stream_id" && !ok {
				if value, ok = text("alias"); !ok {
					value = fmt.Sprint(len(inputs))
				}
				return value, true
			}
			return value, ok
		}, files.Beside(file))
		if err != nil {
			t.Fatal(err)
		}
		tag, _ := text("tag")
		inputs = append(inputs, exampleInput{c, tag})
	}
	return inputs
}

func runExample(t *testing.T, h host, file string, inputs []exampleInput, one *sync.Mutex) {
	finite := inputs[0].MaxRecords > 0
	args := []string{"-c", file}
	if !finite {
		args = append(args, "-o", "file", "-m", "*", "-p", "path=out", "-p", "format=msgpack")
	}
	p := h.start(t, launch{args: args})
	if finite { // it exits by itself
		p.awaitExit(60 * time.Second)
		if want := fmt.Sprintf("delivered %d, shortfall 0, refused 0", inputs[0].MaxRecords); p.exitCode != 0 || !strings.Contains(p.log(), want) {
			t.Errorf("exit code %d; want %q in the log", p.exitCode, want)
		}
		return
	}
	const enough = 40
	p.await("records of each input", 60*time.Second, func() bool {
		for _, in := range inputs {
			n := 0
			for _, name := range outputs(p, in.tag) {
				n += len(p.records(name))
			}
			if n < enough {
				return false
			}
		}
		return true
	})
	p.stop()
	one.Lock()
	defer one.Unlock()
	for i, c := range inputs {
		type tagged struct {
			tag string
			record
		}
		var got []tagged
		for _, name := range outputs(p, c.tag) {
			for _, r := range p.records(name) {
				got = append(got, tagged{name, r})
			}
		}
		// The records of an input have distinct times.
		slices.SortStableFunc(got, func(a, b tagged) int { return a.time.Compare(b.time) })
		for j, r := range got {
			k := uint64(c.Template.First) + c.Template.Shard + uint64(j)*max(c.Template.Shards, 1)
			ev, _, err := event.Decode(c.Program.Append(nil, event.V2, r.time.UnixNano(), k))
			if err != nil {
				t.Fatal(err)
			}
			wantTag := string(c.Program.AppendTag(nil, r.time.UnixNano(), k))
			if wantTag == "" {
				wantTag = c.tag
			}
			if string(r.body) != string(ev.Body) || r.v2 && string(r.metadata) != string(ev.Metadata) || r.tag != wantTag {
				t.Fatalf("input %d: record %d is\n%s %s\nwant\n%s %s", i, k, r.tag, r, wantTag, record{metadata: ev.Metadata, body: ev.Body})
			}
		}
	}
}

// outputs returns the names of the files with the records of a tag, or of all.
func outputs(p *process, pattern string) []string {
	if pattern == "" {
		pattern = "*"
	}
	paths, _ := filepath.Glob(filepath.Join(p.out(), pattern))
	var names []string
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}
