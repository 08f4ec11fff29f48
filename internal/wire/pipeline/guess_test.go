// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/generate/engine"
)

// What replaces an input in a first test, and what feeds one that parses by itself.
func TestGuessInputs(t *testing.T) {
	for input, want := range map[string]string{
		"name tail":                   "json_app",
		"name cpu":                    "",
		"name tail\n    parser nginx": "nginx via file",
		"name tail\n    parser k8s-nginx-ingress":                                    "nginx via file",
		"name tail\n    parser docker":                                               "docker_json via file",
		"name tail\n    multiline.parser java":                                       "traces of java via file",
		"name tail\n    multiline.parser go":                                         "traces of go via file",
		"name tail\n    multiline.parser docker, cri":                                "json_app via file cri",
		"name tail\n    multiline.parser docker":                                     "json_app via file docker",
		"name tail\n    multiline.parser python":                                     "traces of python via file",
		"name tail\n    multiline on\n    parser_firstline a":                        "json_app",
		"name tail\n    docker_mode on\n    parser docker":                           "docker_json",
		"name syslog\n    parser syslog-rfc3164":                                     "syslog_rfc3164",
		"name forward\n[FILTER]\n    name parser\n    parser apache2":                "apache_combined",
		"name forward\n[FILTER]\n    name multiline\n    multiline.parser go":        "go_lines",
		"name tail\n[FILTER]\n    name multiline\n    multiline.parser docker, java": "java_lines",
		"name tcp\n[FILTER]\n    name multiline\n    multiline.parser python":        "python_lines",
	} {
		path := filepath.Join(t.TempDir(), "fluent-bit.conf")
		if err := os.WriteFile(path, []byte("[INPUT]\n    "+input+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := render.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, in := range GuessInputs(config, true) {
			got = in.Options[0][1]
			if _, trace, ok := strings.Cut(got, "stack_trace "); ok {
				language, _, _ := strings.Cut(trace, " ")
				got = "traces of " + strings.Trim(language, `"`)
			}
			if in.Via != "" {
				got += fmt.Sprintf(" via %s", in.Via)
			}
			if in.Form != "" {
				got += " " + in.Form
			}
			_, warnings, err := engine.Configure(func(name string) (string, bool) {
				i := slices.IndexFunc(in.Options, func(o [2]string) bool { return o[0] == name })
				return in.Options[max(i, 0)][1], i >= 0
			}, nil)
			if len(warnings) > 0 || err != nil {
				t.Errorf("%s: %v: %v, %v", input, in.Options, warnings, err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", input, diff)
		}
		for _, in := range GuessInputs(config, false) {
			if s := config.Inputs[0]; in.Via != "" && s.Text("multiline.parser") != "" {
				t.Errorf("%s: via %s without right offsets", input, in.Via)
			}
		}
	}
}
