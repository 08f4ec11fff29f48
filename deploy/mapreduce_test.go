// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
)

// The jobs of a map-reduce audit render into what Kubernetes accepts. Their commands, run here
// on objects of a server, give the verdict of one audit; a truncated download fails its pod,
// and does not become a part.
func TestMapReduce(t *testing.T) {
	if _, err := exec.LookPath("wget"); err != nil {
		t.Skip("### SKIPPED: the pods of a map-reduce audit need wget in PATH")
	}
	command, err := gdummy()
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	ledger := filepath.Join(work, "run.ledger")
	out, err := exec.Command(command, "run", "--format", "json", "--records", "3000", "-p", "rate=unlimited", "-p", "ledger="+ledger).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(out), "\n")
	cut := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var i int
		fmt.Sscanf(r.URL.Path, "/%d", &i)
		text := strings.Join(lines[i*1000:(i+1)*1000], "")
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		if cut {
			text = text[:len(text)/2]
		}
		fmt.Fprint(w, text)
	}))
	defer server.Close()
	objects := ""
	for i := range 3 {
		objects += fmt.Sprintf("%s/%d?signature=x\n", server.URL, i)
	}
	book, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	dir := prepared(t, "map-reduce", map[string]string{"objects.txt": objects, "run.ledger": string(book)})
	text, err := kustomize(dir)
	if err != nil {
		t.Fatal(err)
	}
	o, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, job := range o.jobs {
		pod := &job.Spec.Template.Spec
		if errs := append(o.errors(pod), restricted(pod)...); len(errs) > 0 {
			t.Errorf("job %s: %q", name, errs)
		}
	}
	mapping := o.jobs["map"].Spec
	if *mapping.CompletionMode != batch.IndexedCompletion || *mapping.Completions != 3 {
		t.Errorf("the job map has %+v", mapping)
	}

	parts := filepath.Join(work, "parts")
	if err := os.Mkdir(parts, 0o755); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Dir(command)
	mounts := map[string]string{"/scripts": dir, "/objects": dir, "/ledgers": dir, "/parts": parts}
	run := func(job string, env ...string) (string, error) {
		args := slices.Clone(o.jobs[job].Spec.Template.Spec.Containers[0].Command)
		for i, arg := range args {
			for mount, here := range mounts {
				if rest, ok := strings.CutPrefix(arg, mount); ok {
					args[i] = here + rest
				}
			}
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), append(env, "OBJECTS=3", "PATH="+bin+":"+os.Getenv("PATH"))...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	cut = true
	if out, err := run("map", "JOB_COMPLETION_INDEX=1"); err == nil {
		t.Errorf("a truncated download: no error\n%s", out)
	}
	if made, _ := filepath.Glob(parts + "/*.part"); len(made) > 0 {
		t.Errorf("a truncated download made %v", made)
	}
	cut = false
	for i := range 3 {
		if out, err := run("map", fmt.Sprint("JOB_COMPLETION_INDEX=", i)); err != nil {
			t.Fatalf("map %d: %v\n%s", i, err, out)
		}
	}
	if out, err := run("merge"); err != nil || !strings.HasPrefix(out, "clean: 3,000 of 3,000 records arrived\n") {
		t.Errorf("merge: %v\n%s", err, out)
	}
}
