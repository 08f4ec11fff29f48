// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var variableName = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// missing returns a line for each file that the configuration names and that does not exist,
// since the errors of Fluent Bit do not name all of them.
func (t *trial) missing() (lines []string) {
	for _, property := range t.config.Missing {
		lines = append(lines, fmt.Sprintf("%s: %s: no such file on this machine", t.file.Pipeline, property))
	}
	return lines
}

// unset returns a line for each variable that the copy of the configuration uses and that is
// not set, with its place in the original. Fluent Bit replaces it by nothing, and its errors
// do not name it.
func (t *trial) unset() (lines []string) {
	used := map[string]bool{}
	copies, _ := filepath.Glob(filepath.Join(t.dir, "*"))
	for _, path := range copies {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxNaming {
			continue
		}
		text, _ := os.ReadFile(path)
		for _, m := range variableName.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
	}
	texts := map[string]string{}
	for _, path := range t.config.Files() {
		text, _ := os.ReadFile(path)
		texts[path] = string(text)
		for line := range strings.Lines(string(text)) {
			words := strings.FieldsFunc(line, func(r rune) bool { return r <= ' ' || r == '=' || r == ':' })
			if len(words) > 1 && strings.EqualFold(words[0], "@set") {
				delete(used, words[1])
			} else if len(words) > 0 {
				delete(used, words[0]) // in env: of YAML
			}
		}
	}
	for _, path := range t.config.Files() {
		n := 0
		for line := range strings.Lines(texts[path]) {
			n++
			for _, m := range variableName.FindAllStringSubmatch(line, -1) {
				_, set := os.LookupEnv(m[1])
				if note := fmt.Sprintf("%s:%d: the variable %s is not set", path, n, m[1]); used[m[1]] && !set && !slices.Contains(lines, note) {
					lines = append(lines, note)
				}
			}
		}
	}
	return lines
}
