// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// "kubectl logs" fails while the image of a pod is pulled, also with --follow and with
// --pod-running-timeout, and prints nothing for a pod that has no node yet. So each one that
// follows "kubectl apply" in the documentation waits for a pod of that job first.
func TestLogsWaitForPod(t *testing.T) {
	pages, err := filepath.Glob("../docs/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	waits := regexp.MustCompile(`^\$ kubectl wait --for=jsonpath=(\S+)=1 --timeout=\S+ (\S+) && kubectl logs --follow (\S+)$`)
	const job = `'{.status.ready}'`
	known := map[[3]string]bool{ // what is waited for, of which object, and whose log is read
		{job, "job/audit", "job/audit"}: true,
		{job, "job/merge", "job/merge"}: true,
		{`'{.status.replicatedJobsStatus[?(@.name=="audit")].ready}'`, "jobset/gdummy", "job/gdummy-audit-0"}: true,
	}
	found := map[string]int{}
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if !strings.HasPrefix(line, "$ ") || !strings.Contains(line, "kubectl logs") {
				continue
			}
			m := waits.FindStringSubmatch(line)
			if m == nil || !known[[3]string(m[1:])] {
				t.Errorf("%s: a log is read before its pod runs: %s", page, line)
				continue
			}
			found[m[3]]++
		}
	}
	if found["job/audit"] < 2 || found["job/merge"] < 1 || found["job/gdummy-audit-0"] < 1 {
		t.Errorf("the documentation reads the logs of %v", found)
	}
}
