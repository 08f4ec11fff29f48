// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// rendering makes a copy of a configuration that runs here, and notes each change.
type rendering struct {
	changes []string // what differs from the user's configuration
}

func (r *rendering) change(format string, args ...any) {
	r.changes = append(r.changes, fmt.Sprintf(format, args...))
}

// remove removes a property, if it is there, and notes that. Its value may be a secret.
func (r *rendering) remove(s *render.Section, label, name string) {
	if slices.Contains(s.Names(), name) {
		r.change("%s %s: without %s", s.Kind, label, name)
		s.Remove(name)
	}
}

// isolate keeps the copy of a service apart from what else runs on the machine: it logs to
// its standard error, and has its own storage. Further properties are removed.
func (r *rendering) isolate(c *render.Config, dir string, further ...string) {
	for _, s := range c.Service {
		for _, name := range append([]string{"log_file", "daemon", "hot_reload"}, further...) {
			if _, ok := s.Get(name); ok {
				s.Remove(name)
				r.change("service: without %s", name)
			}
		}
		if _, ok := s.Get("storage.path"); ok {
			s.Set("storage.path", filepath.Join(dir, "storage"))
			r.change("service: storage.path is a directory of its own")
		}
	}
}

// replaceInput makes a gdummy input of an input. What belongs to Fluent Bit itself stays.
func (r *rendering) replaceInput(s *render.Section, label string, in expect.Input) {
	old := s.Plugin()
	if s.Text("tag") == "" {
		s.Set("tag", label)
	}
	if old == "tail" {
		r.expandTag(s, label, samplePath(s.Text("path")))
	}
	for _, name := range s.Names() {
		if name != "name" && name != "tag" && name != "alias" && !option.IsCore(name) || name == "host" || name == "port" || name == "listen" || strings.HasPrefix(name, "tls") {
			r.remove(s, label, name)
		}
	}
	s.Set("name", plugin)
	s.Set("alias", label)
	r.change("input %s: %s is replaced by gdummy", label, old)
	for _, o := range in.Options {
		s.Set(o[0], o[1])
		r.change("input %s: %s %s", label, o[0], strings.TrimSpace(o[1]))
	}
}

// expandTag expands a tag that tail makes of the path of a file.
func (r *rendering) expandTag(s *render.Section, label, path string) {
	if before, after, ok := strings.Cut(s.Text("tag"), "*"); ok {
		tag := before + strings.ReplaceAll(path[1:], "/", ".") + after
		s.Set("tag", tag)
		r.change("input %s: tag %s, as of a file in the configured path", label, tag)
	}
}

// outputOptions are the properties of an output that a copy keeps.
var outputOptions = []string{
	"alias", "match", "match_regex", "log_level", "log_suppress_interval", "retry_limit", "processors",
	"storage.total_limit_size", "workers", "condition",
}

// bareOutput removes where an output sends, and returns its plugin.
func (r *rendering) bareOutput(s *render.Section, label string) (old string) {
	old = s.Plugin()
	for _, name := range s.Names() {
		if name != "name" && !slices.Contains(outputOptions, name) {
			r.remove(s, label, name)
		}
	}
	if s.Text("alias") == "" {
		s.Set("alias", label) // routes name it
	}
	return old
}

// nullOutput makes a null output of an output, and notes why.
func (r *rendering) nullOutput(s *render.Section, label, why string) {
	old := r.bareOutput(s, label)
	s.Set("name", "null")
	r.remove(s, label, "workers")
	r.change("output %s: %s is replaced by null%s", label, old, why)
}

// forwardOutput points an output at a receiver.
func (r *rendering) forwardOutput(s *render.Section, label string, server *receive.Server) {
	old := r.bareOutput(s, label)
	_, port, _ := strings.Cut(server.Addr().String(), ":")
	s.Set("name", "forward")
	s.Set("host", "127.0.0.1")
	s.Set("port", port)
	s.Set("require_ack_response", "on")
	s.Set("retain_metadata_in_forward_mode", "on")
	r.change("output %s: %s is replaced by forward to 127.0.0.1:%s", label, old, port)
}
