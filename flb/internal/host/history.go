// SPDX-License-Identifier: Apache-2.0

package host

import (
	"strconv"
	"strings"
	"sync"
)

// History is what is known of the configurations that a host has loaded, one after
// another. It outlives a hot reload: Fluent Bit does not unload the library, and
// initialises the inputs of a configuration in the order of their sections.
type History struct {
	mu        sync.Mutex
	announced bool            // PreRegister was called, and its Register not yet
	reload    bool            // the configuration is loaded into a running agent
	names     map[string]bool // of the instances of this configuration
	kept      map[string]Kept // by the instance's name
}

// Kept is a configuration that an instance ran with.
type Kept struct {
	Config   any // of Instance.Keep
	Values   any // of the options
	Tag      string
	TagKnown bool // the tag could be read

	current bool // an instance of that name is in the present configuration
}

// PreRegister records that a configuration is about to be loaded.
func (h *History) PreRegister(reload bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.announced = true
	h.begin(reload)
}

// Register records that the plugin is registered. Hosts below 2.2 do not call
// PreRegister: there, a Register after an Init belongs to a reload.
func (h *History) Register() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.announced {
		h.begin(h.reload || len(h.names) > 0)
	}
	h.announced = false
}

// begin drops the configurations that no instance of the previous load came back for.
// A load that never started an instance, because the host found an error, does not
// count.
func (h *History) begin(reload bool) {
	h.reload = reload
	if len(h.names) == 0 {
		return
	}
	h.names = nil
	for name, k := range h.kept {
		if !k.current {
			delete(h.kept, name)
			continue
		}
		k.current = false
		h.kept[name] = k
	}
}

// Join returns a name for a new instance that no other instance of this configuration
// has, and reports whether the instance belongs to a reload. prefix, as in "gdummy.",
// begins the names of instances without an alias: "gdummy.0" and an alias "0" get
// different names as well.
func (h *History) Join(name, prefix string) (unique string, reload bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	unique = name
	for n := 2; h.names[strings.TrimPrefix(unique, prefix)]; n++ {
		unique = name + "#" + strconv.Itoa(n)
	}
	if h.names == nil {
		h.names = map[string]bool{}
	}
	h.names[strings.TrimPrefix(unique, prefix)] = true
	if k, ok := h.kept[unique]; ok {
		k.current = true
		h.kept[unique] = k
	}
	return unique, h.reload
}

// Keep stores the configuration of an instance.
func (h *History) Keep(name string, k Kept) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept == nil {
		h.kept = map[string]Kept{}
	}
	k.current = true
	h.kept[name] = k
}

// Find returns the configuration that the same input last ran with. An input with an
// alias is identified by it, one without by its position and its tag.
func (h *History) Find(name, prefix, tag string, tagKnown bool) (Kept, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.kept[name]
	if !ok || k.Config == nil {
		return Kept{}, false
	}
	if positional(name, prefix) && (!tagKnown || !k.TagKnown || tag != k.Tag) {
		return Kept{}, false
	}
	return k, true
}

// positional reports whether the host made a name: the plugin's with a number.
func positional(name, prefix string) bool {
	number, ok := strings.CutPrefix(name, prefix)
	number, _, _ = strings.Cut(number, "#")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}
