// SPDX-License-Identifier: Apache-2.0

// Package pipeline prepares copies of a user's pipeline that run on this machine: gdummy
// inputs send what a test needs, and outputs send to receivers of the test.
//
// The normal path is a [render.Config] of the pipeline, what replaces its inputs, from
// [ReadTest] or [GuessInputs], and an [Editor], which changes the copy and notes each
// change. [Start] runs a Fluent Bit on it.
package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/wire/agent"
)

// PaceOptions are the options that decide when and how many records are due.
var PaceOptions = []string{
	"rate", "bytes_rate", "interval_sec", "interval_nsec", "load_profile", "control", "samples", "duration", "start_delay",
	"replay_speed", "shuffle_within", "repeat", "late", "skew", "on_finish", "audit", "audit_in", "ledger", "flush_on_startup",
}

// Start starts a Fluent Bit on the copy of a configuration. library is that of the plugin,
// or "" if the configuration loads one.
func Start(b agent.Binary, path, library string) (*agent.Agent, error) {
	args := []string{"-c", path}
	if library != "" {
		args = append(args, "-e", library)
	}
	return agent.Start(b, args...)
}

// ReadTest reads a file of expectations, or the one that a configuration names.
func ReadTest(path string) (*expect.File, error) {
	config, err := render.Read(path)
	if err != nil || config.Test == "" && len(config.Inputs)+len(config.Outputs) == 0 {
		return expect.ReadFile(path)
	}
	if config.Test == "" {
		return nil, fmt.Errorf("%s is a configuration without expectations: expected `gdummy_test: {file: FILE}` in it, or a section [GDUMMY_TEST]; --init writes a first FILE", path)
	}
	name := config.Test
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(path), name)
	}
	file, err := expect.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: gdummy_test: %w", path, err)
	}
	if !files.Identify(path).Same(files.Identify(file.Pipeline)) {
		return nil, fmt.Errorf("%s: gdummy_test: %s has the pipeline %s: expected this one", path, name, file.Pipeline)
	}
	return file, nil
}

// packaged is where packages install the library.
const packaged = "/usr/lib/gdummy/gdummy.so"

// Library returns the library of the plugin to load for a configuration: that of the flag
// --plugin, if it is not empty, or "" if the configuration loads one.
func Library(flag, path string) (string, error) {
	if flag != "" {
		if info, err := os.Stat(flag); err != nil || info.IsDir() {
			return "", fmt.Errorf("--plugin: invalid value %q: expected the file of a library, such as ./gdummy.so", flag)
		}
		return filepath.Abs(flag)
	}
	config, err := render.Read(path)
	if err != nil {
		return "", err
	}
	if config.LoadsPlugin(option.Plugin) {
		return "", nil
	}
	candidates := []string{packaged}
	if self, err := os.Executable(); err == nil {
		candidates = append([]string{filepath.Join(filepath.Dir(self), "gdummy.so")}, candidates...)
	}
	for _, c := range candidates {
		if _, err := os.Stat(c); err == nil {
			return c, nil
		}
	}
	return "", fmt.Errorf("no library of the plugin: the configuration loads none, and neither of %s exists; use --plugin FILE", strings.Join(candidates, ", "))
}

// Truths reads a configuration, to know where the records of each gdummy input come from,
// by the input's name. Its files are beside pipeline. The version is that of gdummy.
func Truths(path, pipeline, version string) (map[string]expect.Truth, error) {
	config, err := conf.Read(path, conf.Disk)
	if err != nil {
		return nil, err
	}
	if len(config.Errors) > 0 {
		return nil, config.Errors[0]
	}
	env := config.Lookup(conf.Process)
	truths := map[string]expect.Truth{}
	n := 0
	for _, in := range config.Inputs {
		lookup := func(name string) (string, bool) {
			p, ok := in.Property(name)
			if !ok {
				return "", false
			}
			return p.Value.Expand(env).Text, true
		}
		if name, _ := lookup("name"); !strings.EqualFold(name, option.Plugin) {
			continue
		}
		label := fmt.Sprintf("%s.%d", option.Plugin, n)
		n++
		if alias, ok := lookup("alias"); ok {
			label = alias
		}
		if _, ok := truths[label]; ok {
			return nil, fmt.Errorf("%s has two gdummy inputs named %q: expected an alias of its own for each", pipeline, label)
		}
		truths[label] = expect.Truth{Version: version, Files: files.Beside(pipeline), Options: lookup}
	}
	return truths, nil
}

var (
	globClass = regexp.MustCompile(`\[(.)[^\]]*\]`)
	variable  = regexp.MustCompile(`\$\{[^}]*\}`)
)

// SamplePath returns a path that a pattern of tail matches, since tags are made of it. In a
// directory of containers, the file has a name as in Kubernetes.
func SamplePath(pattern string) string {
	pattern, _, _ = strings.Cut(pattern, ",")
	pattern = filepath.Join("/", variable.ReplaceAllString(strings.TrimSpace(pattern), option.Plugin))
	if pattern == "/" {
		pattern = "/*.log"
	}
	dir, base := filepath.Split(pattern)
	name := option.Plugin
	if filepath.Base(dir) == "containers" && strings.HasPrefix(base, "*") {
		name = option.Plugin + "_default_" + option.Plugin + "-" + strings.Repeat("0", 64)
	}
	pattern = strings.ReplaceAll(dir, "*", option.Plugin) + strings.ReplaceAll(base, "*", name)
	return strings.ReplaceAll(globClass.ReplaceAllString(pattern, "$1"), "?", "0")
}
