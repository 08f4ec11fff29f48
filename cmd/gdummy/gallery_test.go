// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Each template of the gallery is in its index, and makes the records that the file
// beside it has.
func TestGallery(t *testing.T) {
	templates, err := filepath.Glob("../../examples/gallery/*.tmpl")
	if err != nil || len(templates) < 20 {
		t.Fatalf("%d templates, want 20 or more (%v)", len(templates), err)
	}
	index, err := os.ReadFile("../../examples/gallery/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range templates {
		name := strings.TrimSuffix(filepath.Base(file), ".tmpl")
		if !bytes.Contains(index, []byte("\n| ["+name+"]("+name+".tmpl) |")) {
			t.Errorf("the index does not have %s", name)
		}
		t.Run(name, func(t *testing.T) {
			options := map[string]string{
				"template_file": filepath.Base(file), "seed": "1", "rate": "unlimited", "start_time": "2026-11-01T00:00:00Z", "max_records": "8",
			}
			configure := func() (*engine.Config, error) {
				c, _, err := engine.Configure(func(name string) (string, bool) {
					text, ok := options[name]
					return text, ok
				}, files.Beside(file))
				return c, err
			}
			c, err := configure()
			if err == nil && c.Program.Lives() == nil {
				options["time_step"] = "1s"
				c, err = configure()
			}
			if err != nil {
				t.Fatal(err)
			}
			h := new(collector)
			engine.New(c, engine.Options{Form: event.V2, Now: func() time.Time { return time.Unix(0, start) }}).Run(h)
			compare(t, strings.TrimSuffix(file, ".tmpl")+".records.txt", h.readable(t))
		})
	}
}

// collector is a host that keeps what an engine makes.
type collector struct{ events []byte }

func (h *collector) Wait(time.Time) bool { return false }

func (h *collector) Buffer() []byte { return nil }

func (h *collector) Emit(_ string, _ int, events []byte) { h.events = append(h.events, events...) }

// readable returns a line for each record: its time and its body as JSON.
func (h *collector) readable(t *testing.T) []byte {
	t.Helper()
	var b []byte
	for len(h.events) > 0 {
		ev, rest, err := event.Decode(h.events)
		if err != nil {
			t.Fatal(err)
		}
		b = time.Unix(0, ev.Time).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000000Z ")
		b = append(value.OfRaw(ev.Body).AppendJSON(b), '\n')
		h.events = rest
	}
	return b
}
