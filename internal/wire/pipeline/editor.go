// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/expect"
)

// Editor changes a copy of a configuration so that it runs here, and notes each change. The
// zero value is ready to use.
type Editor struct {
	Changes []string // what differs from the user's configuration
}

// Changef notes a change.
func (e *Editor) Changef(format string, args ...any) {
	e.Changes = append(e.Changes, fmt.Sprintf(format, args...))
}

// Remove removes a property, if it is there, and notes that. Its value may be a secret.
func (e *Editor) Remove(s *render.Section, label, name string) {
	if slices.Contains(s.Names(), name) {
		e.Changef("%s %s: without %s", s.Kind, label, name)
		s.Remove(name)
	}
}

// Isolate keeps the copy of a service apart from what else runs on the machine: it logs to
// its standard error, and has its own storage. Further properties are removed.
func (e *Editor) Isolate(c *render.Config, dir string, further ...string) {
	for _, s := range c.Service {
		for _, name := range append([]string{"log_file", "daemon", "hot_reload"}, further...) {
			if _, ok := s.Get(name); ok {
				s.Remove(name)
				e.Changef("service: without %s", name)
			}
		}
		if _, ok := s.Get("storage.path"); ok {
			s.Set("storage.path", filepath.Join(dir, "storage"))
			e.Changef("service: storage.path is a directory of its own")
		}
	}
}

// ReplaceInput makes a gdummy input of an input. What belongs to Fluent Bit itself stays.
func (e *Editor) ReplaceInput(s *render.Section, label string, in expect.Input) {
	old := s.Plugin()
	s.SetDefault("tag", label)
	if old == "tail" {
		e.ExpandTag(s, label, SamplePath(s.Text("path")))
	}
	for _, name := range s.Names() {
		if name != "name" && name != "tag" && name != "alias" && !option.IsCore(name) || name == "host" || name == "port" || name == "listen" || strings.HasPrefix(name, "tls") {
			e.Remove(s, label, name)
		}
	}
	s.Set("name", option.Plugin)
	s.Set("alias", label)
	e.Changef("input %s: %s is replaced by gdummy", label, old)
	for _, o := range in.Options {
		s.Set(o[0], o[1])
		e.Changef("input %s: %s %s", label, o[0], strings.TrimSpace(o[1]))
	}
}

// ExpandTag expands a tag that tail makes of the path of a file.
func (e *Editor) ExpandTag(s *render.Section, label, path string) {
	if before, after, ok := strings.Cut(s.Text("tag"), "*"); ok {
		tag := before + strings.ReplaceAll(path[1:], "/", ".") + after
		s.Set("tag", tag)
		e.Changef("input %s: tag %s, as of a file in the configured path", label, tag)
	}
}

// outputOptions are the properties of an output that a copy keeps.
var outputOptions = []string{
	"alias", "match", "match_regex", "log_level", "log_suppress_interval", "retry_limit", "processors",
	"storage.total_limit_size", "workers", "condition",
}

// bareOutput removes where an output sends, and returns its plugin.
func (e *Editor) bareOutput(s *render.Section, label string) (old string) {
	old = s.Plugin()
	for _, name := range s.Names() {
		if name != "name" && !slices.Contains(outputOptions, name) {
			e.Remove(s, label, name)
		}
	}
	s.SetDefault("alias", label) // routes name it
	return old
}

// NullOutput makes a null output of an output, and notes why.
func (e *Editor) NullOutput(s *render.Section, label, why string) {
	old := e.bareOutput(s, label)
	s.Set("name", "null")
	e.Remove(s, label, "workers")
	e.Changef("output %s: %s is replaced by null%s", label, old, why)
}

// ForwardOutput points an output at a receiver of this machine.
func (e *Editor) ForwardOutput(s *render.Section, label string, server net.Addr) {
	old := e.bareOutput(s, label)
	_, port, _ := strings.Cut(server.String(), ":")
	s.Set("name", "forward")
	s.Set("host", "127.0.0.1")
	s.Set("port", port)
	s.Set("require_ack_response", "on")
	s.Set("retain_metadata_in_forward_mode", "on")
	e.Changef("output %s: %s is replaced by forward to 127.0.0.1:%s", label, old, port)
}
