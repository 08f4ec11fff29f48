package flb

import "testing"

// A reload is what the host announces. One that it breaks off, for a mistake of its own,
// must not make the inputs that run forget what they run with; a start that fails stays
// a start.
func TestAnnouncedReloads(t *testing.T) {
	h := history{kept: map[string]keptConfig{}}
	load := func(reload bool, names ...string) {
		t.Helper()
		h.preRegister(reload)
		h.register()
		for _, name := range names {
			unique, got := h.join(name, "gdummy.")
			if unique != name || got != reload {
				t.Fatalf("%s joins as %s, reload %v; want reload %v", name, unique, got, reload)
			}
		}
	}
	kept := func(name string, want bool) {
		t.Helper()
		if config, ok := h.find(name, "gdummy.", "tag", true); ok != want || ok && config != name {
			t.Errorf("%s: %v, %v; want %v", name, config, ok, want)
		}
	}
	load(false, "gdummy.0", "alias")
	for _, name := range []string{"gdummy.0", "alias"} {
		h.keep(name, keptConfig{config: name, tag: "tag", tagged: true})
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
	if _, ok := h.find("gdummy.0", "gdummy.", "", false); ok {
		t.Error("a tag that cannot be read is taken for the same")
	}
	if len(h.kept) != 1 {
		t.Errorf("%d configurations are kept, of one input", len(h.kept))
	}
	load(false, "alias")
}

// Hosts below 2.2 announce nothing: a Register that follows an Init is a reload's, and
// a library that is given twice is not one.
func TestReloadsUnannounced(t *testing.T) {
	h := history{kept: map[string]keptConfig{}}
	for i, want := range []bool{false, true, true} {
		h.register()
		h.register()
		if _, got := h.join("alias", "gdummy."); got != want {
			t.Errorf("configuration %d: reload %v", i, got)
		}
	}
}

// Names that the host makes are told from an alias.
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
