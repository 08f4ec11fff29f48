// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/wire/agent"
)

// surveyed is how many records of each input the trial run of --init has. It has whole
// groups of up to ten lines.
const surveyed = 2520

// writeFirst writes a first test of a configuration, from what arrives in a trial run,
// beside it. It returns the exit code.
func (f *testFlags) writeFirst(s stream, pipeline string, b agent.Binary, stop <-chan struct{}) int {
	path, n, err := f.first(s, pipeline, b, stop)
	if err != nil {
		fmt.Fprintf(s.err, "gdummy test: --init %s: %v\n", pipeline, err)
		return exitUsage
	}
	fmt.Fprintf(s.out, "wrote %s: %d of its lines have to be confirmed\n", path, n)
	return exitFine
}

// first writes a first test, and returns its path and how many of its lines a person has
// to confirm.
func (f *testFlags) first(s stream, pipeline string, b agent.Binary, stop <-chan struct{}) (path string, n int, err error) {
	path = strings.TrimSuffix(pipeline, filepath.Ext(pipeline)) + ".test.yaml"
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return "", 0, fmt.Errorf("%s already exists, and --init replaces no file: run `gdummy test %[1]s`, or rename it first", path)
	}
	config, err := render.Read(pipeline)
	if err != nil {
		return "", 0, err
	}
	if !b.HasMetadata() {
		return "", 0, noMetadata(b)
	}
	file := &expect.File{Pipeline: pipeline, Records: surveyed, Seed: expect.DefaultSeed, Inputs: guessInputs(config, b.HasOffsets())}
	if f.records > 0 {
		file.Records = f.records
	}
	for _, label := range render.Labels(config.Outputs) {
		file.Sinks = append(file.Sinks, expect.Sink{Name: label, Output: label, Lines: 1, Copies: 1})
	}
	if len(file.Sinks) == 0 {
		return "", 0, errors.New("no output: expected a configuration with outputs")
	}
	library, err := pluginFor(f.library, file.Pipeline)
	if err != nil {
		return "", 0, err
	}
	var all []expect.Observation
	for whole := uint64(0); whole != file.Records; {
		if whole > 0 {
			file.Records = whole // the last lines were not whole
		}
		t := trial{file: file, binary: b, library: library, limit: f.timeout, stop: stop, survey: true, bar: newProgress(s.err, -1, nil)}
		result := t.run()
		if result.err != nil {
			return "", 0, errors.Join(result.err, errors.New(strings.Join(result.log, "\n")))
		}
		all = t.judge.Observe()
		whole = expect.WholeLines(file.Records, all)
	}
	var text bytes.Buffer
	file.Pipeline = filepath.Base(pipeline)
	if err := file.WriteFirst(&text, all); err != nil {
		return "", 0, err
	}
	if _, err := expect.Parse(text.Bytes()); err != nil {
		return "", 0, fmt.Errorf("no record arrived at an output, of which expectations could be written: %w", err)
	}
	n = strings.Count(text.String(), "# confirm") + strings.Count(text.String(), "# complete")
	return path, n, os.WriteFile(path, text.Bytes(), 0o666)
}

// readers are the plugins of inputs whose records are lines or documents of others.
var readers = []string{
	"tail", "forward", "http", "tcp", "udp", "syslog", "systemd", "stdin", "kafka", "head", "exec", "mqtt", "unix_socket",
	"serial", "elasticsearch", "splunk", "opentelemetry",
}

// guessInputs returns what replaces the inputs of a configuration that are not gdummy. The
// inputs that measure a machine are left out. offsets reports whether multiline parsers add
// the right offsets, without which an input cannot read a file.
func guessInputs(config *render.Config, offsets bool) (inputs []expect.Input) {
	labels := render.Labels(config.Inputs)
	for i, s := range config.Inputs {
		in := expect.Input{Input: labels[i]}
		switch name := s.Plugin(); {
		case name == "dummy":
			in.Options = [][2]string{{"dummy", `{"message":"dummy"}`}}
			if text, ok := s.Get("dummy"); ok {
				in.Options[0][1] = text
			}
		case slices.Contains(readers, name):
			name := guessFormat(config, s)
			in.Options = [][2]string{{"format", name}}
			if f, _ := format.Find(name); strings.Contains(f.Text, "{{- irregular ") {
				in.Options = append(in.Options, [2]string{"irregular", "0%"})
			}
			parsers := s.Text("multiline.parser")
			switch {
			case s.Plugin() != "tail", s.On("multiline"), s.On("docker_mode"), parsers != "" && !offsets:
			case s.Text("parser") != "", parsers != "":
				in.Via, in.Form = expect.ViaFile, guessForm(parsers)
			}
		default:
			continue
		}
		inputs = append(inputs, in)
	}
	return inputs
}

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
