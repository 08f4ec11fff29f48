// SPDX-License-Identifier: Apache-2.0

package host

import "testing"

// A reload is what the host announces. A reload that the host abandons must not make
// running inputs lose their configuration; a start that fails stays a start.
func TestAnnouncedReloads(t *testing.T) {
	h := History{}
	load := func(reload bool, names ...string) {
		t.Helper()
		h.PreRegister(reload)
		h.Register()
		for _, name := range names {
			unique, got := h.Join(name, "gdummy.")
			if unique != name || got != reload {
				t.Fatalf("%s joins as %s, reload %v; want reload %v", name, unique, got, reload)
			}
		}
	}
	kept := func(name string, want bool) {
		t.Helper()
		if k, ok := h.Find(name, "gdummy.", "tag", true); ok != want || ok && k.Config != name {
			t.Errorf("%s: %v, %v; want %v", name, k.Config, ok, want)
		}
	}
	load(false, "gdummy.0", "alias")
	for _, name := range []string{"gdummy.0", "alias"} {
		h.Keep(name, Kept{Config: name, Tag: "tag", TagKnown: true})
	}
	load(true)
	load(true)
	kept("alias", true)
	load(true, "gdummy.0", "alias")
	load(true, "gdummy.0") // the alias is gone, and may come back
	kept("alias", true)
	load(true, "gdummy.0")
	kept("alias", false)
	kept("gdummy.0", true)
	if _, ok := h.Find("gdummy.0", "gdummy.", "", false); ok {
		t.Error("a tag that cannot be read matches another")
	}
	if len(h.kept) != 1 {
		t.Errorf("%d configurations are kept, of one input", len(h.kept))
	}
	load(false, "alias")
}

// Hosts below 2.2 announce nothing: a Register after an Init belongs to a reload, and
// registering a library twice is not a reload.
func TestReloadsUnannounced(t *testing.T) {
	h := History{}
	for i, want := range []bool{false, true, true} {
		h.Register()
		h.Register()
		if _, got := h.Join("alias", "gdummy."); got != want {
			t.Errorf("configuration %d: reload %v", i, got)
		}
	}
}

// Names that the host makes are distinguished from aliases.
func TestPositional(t *testing.T) {
	for name, want := range map[string]bool{
		"gdummy.0": true, "gdummy.12": true, "gdummy.0#2": true,
		"alias": false, "gdummy.": false, "gdummy.x": false, "0": false, "gdummy.#2": false, "dummy.0": false,
	} {
		if got := positional(name, "gdummy."); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
