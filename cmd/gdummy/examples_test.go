// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/testenv"
)

const (
	start  = int64(1700000000_000000000) // 2023-11-14T22:13:20Z
	second = int64(1e9)
)

// Each example has no errors, and its first records and the fingerprint of its first
// 100,000 are in a golden file. A change to a fingerprint requires an entry in the
// CHANGELOG.
func TestExamples(t *testing.T) {
	testenv.SkipRace(t)
	root, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	goldens, err := filepath.Abs("testdata/examples")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob(root + "/*/fluent-bit.*")
	if err != nil || len(examples) != 10 {
		t.Fatalf("%d examples, expected 10 (%v)", len(examples), err)
	}
	index, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range examples {
		name := filepath.Base(filepath.Dir(file))
		if !strings.Contains(string(index), "["+name+"]("+name+")") {
			t.Errorf("examples/README.md does not mention %s", name)
		}
		t.Run(name, func(t *testing.T) {
			config, err := conf.Read(file, conf.Disk)
			if err != nil || len(config.Errors) > 0 {
				t.Fatal(err, config.Errors)
			}
			var got bytes.Buffer
			for i, in := range config.Inputs {
				if plugin, _ := in.Property("name"); plugin == nil || plugin.Value.Text != "gdummy" {
					continue
				}
				c, _, err := engine.Configure(func(name string) (string, bool) {
					p, ok := in.Property(name)
					if !ok {
						return "", false
					}
					return p.Value.Text, true
				}, files.Beside(file))
				if err != nil {
					t.Fatal(err)
				}
				if c.Program == nil {
					t.Fatalf("input %d has no template", i)
				}
				showInput(t, &got, i, c)
			}
			compare(t, filepath.Join(goldens, name+".txt"), got.Bytes())
		})
	}
}

// showInput writes the first records of an input, and its fingerprint.
func showInput(t *testing.T, w *bytes.Buffer, i int, c *engine.Config) {
	t.Helper()
	p := c.Program
	hash := fnv.New64a()
	var b []byte
	for j := range uint64(100_000) {
		k := uint64(c.Template.First) + c.Template.Shard + j*c.Template.Shards
		b = p.Append(b[:0], event.V2, start+int64(j)*second/100, k)
		ev, rest, err := event.Decode(b)
		if err != nil || len(rest) > 0 {
			t.Fatalf("record %d: %v", k, err)
		}
		tag := string(p.AppendTag(nil, start+int64(j)*second/100, k))
		hash.Write(b)
		hash.Write([]byte(tag))
		if j < 3 {
			line, err := event.AppendText(nil, j, tag, ev)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(line)
		}
	}
	fmt.Fprintf(w, "input %d: fingerprint %016x\n", i, hash.Sum64())
}

// The fingerprints of the first 100,000 records of each format are in a golden file.
func TestFingerprints(t *testing.T) {
	testenv.SkipRace(t)
	var got bytes.Buffer
	for _, f := range format.All() {
		c, _, err := engine.Configure(func(name string) (string, bool) {
			switch name {
			case "format":
				return f.Name, true
			case "seed":
				return "1", true
			}
			return "", false
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		hash := fnv.New64a()
		var b []byte
		for k := range uint64(100_000) {
			b = c.Program.Append(b[:0], event.V2, start+int64(k)*second/1000, k)
			hash.Write(b)
		}
		fmt.Fprintf(&got, "%-19s %016x\n", f.Name, hash.Sum64())
	}
	compare(t, "testdata/fingerprints/formats.txt", got.Bytes())
}

// compare compares got with a golden file, or renews the file.
func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		for i, line := range strings.Split(string(got), "\n") {
			if lines := strings.Split(string(want), "\n"); i >= len(lines) || lines[i] != line {
				t.Fatalf("%s, line %d: got\n%s", path, i+1, line)
			}
		}
		t.Fatalf("%s has more lines than the result", path)
	}
}
