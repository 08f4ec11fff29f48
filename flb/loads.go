package flb

import (
	"strconv"
	"strings"
	"sync"
)

// loads is what is known of the configurations that the host has loaded, one after
// the other. It outlives a hot reload: Fluent Bit does not unload the library, and
// initialises the inputs of a configuration one by one, in the order of their
// sections.
var loads = history{kept: map[string]keptConfig{}}

// history joins the instances of one configuration to those of the one before.
type history struct {
	mu        sync.Mutex
	announced bool                  // PreRegister has come, and its Register not yet
	reload    bool                  // the configuration is loaded into a running agent
	names     map[string]bool       // of the instances of this configuration
	kept      map[string]keptConfig // by the instance's name
}

// keptConfig is a configuration that an instance ran with.
type keptConfig struct {
	config any
	tag    string
	tagged bool // the tag could be read
	since  bool // an instance of that name is in the present configuration
}

// preRegister takes note of a PreRegister: a configuration is loaded.
func (h *history) preRegister(reload bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.announced = true
	h.begin(reload)
}

// register takes note of a Register. Hosts below 2.2 do not announce it: there one
// that follows an Init belongs to a reload.
func (h *history) register() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.announced {
		h.begin(h.reload || len(h.names) > 0)
	}
	h.announced = false
}

// begin forgets what no instance of the configuration before came back for. One
// that was loaded and never started, because of a mistake that the host found,
// does not count.
func (h *history) begin(reload bool) {
	h.reload = reload
	if len(h.names) == 0 {
		return
	}
	h.names = nil
	for name, k := range h.kept {
		if !k.since {
			delete(h.kept, name)
			continue
		}
		k.since = false
		h.kept[name] = k
	}
}

// join gives a new instance its name, unlike that of any other one of this
// configuration, and reports whether it belongs to a reload. prefix, as in
// "gdummy.", begins the names of those without an alias: "gdummy.0" and an alias "0"
// are told apart as well.
func (h *history) join(name, prefix string) (unique string, reload bool) {
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
		k.since = true
		h.kept[unique] = k
	}
	return unique, h.reload
}

// keep notes the configuration of an instance.
func (h *history) keep(name string, k keptConfig) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k.since = true
	h.kept[name] = k
}

// find returns the configuration that the same input last ran with. An input with an
// alias is known by it; one without, by its position and its tag.
func (h *history) find(name, prefix, tag string, tagged bool) (config any, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.kept[name]
	if !ok || k.config == nil {
		return nil, false
	}
	if positional(name, prefix) && (!tagged || !k.tagged || tag != k.tag) {
		return nil, false
	}
	return k.config, true
}

// positional says whether the host has made a name: the plugin's with a number.
func positional(name, prefix string) bool {
	number, ok := strings.CutPrefix(name, prefix)
	number, _, _ = strings.Cut(number, "#")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}
