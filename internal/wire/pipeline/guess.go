// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/prove/expect"
)

// readers are the plugins of inputs whose records are lines or documents of others.
var readers = []string{
	"tail", "forward", "http", "tcp", "udp", "syslog", "systemd", "stdin", "kafka", "head", "exec", "mqtt", "unix_socket",
	"serial", "elasticsearch", "splunk", "opentelemetry",
}

// GuessInputs returns what replaces the inputs of a configuration that are not gdummy. The
// inputs that measure a machine are left out. offsets reports whether multiline parsers add
// the right offsets, without which an input cannot read a file.
func GuessInputs(config *render.Config, offsets bool) (inputs []expect.Input) {
	labels := render.Labels(config.Inputs)
	for i, s := range config.Inputs {
		in := expect.Input{Input: labels[i]}
		switch name := s.Plugin(); {
		case name == "dummy":
			text, ok := s.Get("dummy")
			if !ok {
				text = `{"message":"dummy"}`
			}
			in.Options = [][2]string{{"dummy", text}}
		case slices.Contains(readers, name):
			guessReader(&in, config, s, offsets)
		default:
			continue
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// guessReader sets what replaces an input of lines or documents: records of the format that its
// parsers read. A tail with parsers reads them itself, from a file.
func guessReader(in *expect.Input, config *render.Config, s *render.Section, offsets bool) {
	name := guessFormat(config, s)
	in.Options = [][2]string{{"format", name}}
	if f, _ := format.Find(name); strings.Contains(f.Text, "{{- irregular ") {
		in.Options = append(in.Options, [2]string{"irregular", "0%"})
	}
	parser, joining := s.Text("parser"), s.Text("multiline.parser")
	identified := !s.On("multiline") && !s.On("docker_mode") && (joining == "" || offsets)
	if s.Plugin() != "tail" || parser+joining == "" || !identified {
		in.Parser = cmp.Or(parser, joining)
		return
	}
	in.Via, in.Form = expect.ViaFile, guessForm(joining)
	if language, ok := traceFormats[name]; ok && in.Form == "" && joining != "" {
		in.Options = [][2]string{{"template", fmt.Sprintf(tracesTemplate, language)}}
	}
}

// traceFormats are the languages of the formats with traces, whose first lines the parsers
// of Fluent Bit for these languages do not join.
var traceFormats = map[string]string{"java_multiline": "java", "python_multiline": "python", "go_panic": "go"}

// tracesTemplate has records as these parsers join them: lines that differ, and traces.
const tracesTemplate = `{{- $n := seq -}}{{- $text := printf "order %%d paid" $n -}}` +
	`{{- if eq (mod $n 3) 0 }}{{ $text = stack_trace %q }}{{ end -}}{"log": {{ $text }}}`

// guessForm returns the form of the lines that a multiline.parser of tail reads.
func guessForm(parsers string) string {
	for _, form := range []string{expect.FormCRI, expect.FormDocker} {
		if strings.Contains(strings.ToLower(parsers), form) {
			return form
		}
	}
	return ""
}

// formatsOf are the formats that parsers of Fluent Bit's parsers.conf read, where the
// names differ.
var formatsOf = map[string]string{
	"apache": "apache_combined", "apache2": "apache_combined", "docker": "docker_json", "json": "json_app",
	"k8s_nginx_ingress": "nginx", "syslog_rfc3164_local": "syslog_rfc3164", "java": "java_multiline",
	"python": "python_multiline", "go": "go_panic", "kube_custom": "kubernetes", "istio_envoy_proxy": "envoy",
}

// linesOf are the formats whose records are the lines that these parsers join.
var linesOf = map[string]string{"java": "java_lines", "python": "python_lines", "go": "go_lines"}

// guessFormat returns the format of the records of an input: that of its parsers, or else of
// the first filter's.
func guessFormat(config *render.Config, input *render.Section) string {
	for _, s := range append([]*render.Section{input}, config.Filters...) {
		for name := range strings.SplitSeq(s.Text("parser")+","+s.Text("multiline.parser"), ",") {
			name = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "-", "_")
			if name == expect.FormCRI || name == expect.FormDocker && s.Text("parser") == "" {
				continue // the form of the lines
			}
			if other, ok := linesOf[name]; ok && s.Plugin() == "multiline" {
				name = other
			} else if other, ok := formatsOf[name]; ok {
				name = other
			}
			if _, ok := format.Find(name); ok && name != "" {
				return name
			}
		}
	}
	return "json_app"
}
