// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// gitlabJob is a job of GitLab's CI, with the keywords that pages use.
type gitlabJob struct {
	Image struct {
		Name       string   `yaml:"name"`
		Entrypoint []string `yaml:"entrypoint"`
	} `yaml:"image"`
	Script    []string `yaml:"script"`
	Artifacts struct {
		When    string `yaml:"when"`
		Reports struct {
			JUnit string `yaml:"junit"`
		} `yaml:"reports"`
	} `yaml:"artifacts"`
}

// checkGitLab returns what is wrong with a .gitlab-ci.yml. The images of Fluent Bit need an
// empty entrypoint, or the runner's shell becomes an argument of theirs.
func checkGitLab(text string) error {
	var jobs map[string]gitlabJob
	if err := yaml.UnmarshalWithOptions([]byte(text), &jobs, yaml.Strict()); err != nil {
		return err
	}
	if len(jobs) == 0 {
		return fmt.Errorf("no job")
	}
	for name, j := range jobs {
		switch {
		case j.Image.Name == "" || len(j.Image.Entrypoint) != 1 || j.Image.Entrypoint[0] != "":
			return fmt.Errorf("%s: image: expected a name and an empty entrypoint", name)
		case len(j.Script) == 0:
			return fmt.Errorf("%s: no script", name)
		case j.Artifacts.When != "always":
			return fmt.Errorf("%s: artifacts: when: expected always, so that a failed test has a report", name)
		case j.Artifacts.Reports.JUnit == "" || !strings.Contains(strings.Join(j.Script, "\n"), "--junit "+j.Artifacts.Reports.JUnit):
			return fmt.Errorf("%s: the script does not write the report %q", name, j.Artifacts.Reports.JUnit)
		}
	}
	return nil
}

// Configurations of GitLab's CI in pages have no errors, and one would be found.
func TestGitLab(t *testing.T) {
	found := 0
	for name, p := range pages(t) {
		for _, b := range p.Blocks {
			if !strings.HasPrefix(b.Text, "# .gitlab-ci.yml") {
				continue
			}
			found++
			if err := checkGitLab(b.Text); err != nil {
				t.Errorf("%s:%d: %v", name, b.Line, err)
			}
			for _, wrong := range [][2]string{{"script:", "scripts:"}, {"['']", "['sh']"}, {"always", "on_success"}, {"junit: report", "junit: other"}, {"reports:", "report:"}} {
				if broken := strings.Replace(b.Text, wrong[0], wrong[1], 1); broken == b.Text || checkGitLab(broken) == nil {
					t.Errorf("%s:%d: no error for %q", name, b.Line, wrong[1])
				}
			}
		}
	}
	if found == 0 {
		t.Error("no configuration of GitLab's CI")
	}
}
