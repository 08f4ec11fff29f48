// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	jobset "sigs.k8s.io/jobset/api/jobset/v1alpha2"
)

// The JobSet has the two Jobs of the base, with all that they refer to, and nothing else
// starts pods.
func TestJobSet(t *testing.T) {
	base := prepared(t, "kubernetes", nil, "7", "60")
	dir := filepath.Join(filepath.Dir(base), "jobset")
	if err := os.CopyFS(dir, os.DirFS("jobset")); err != nil {
		t.Fatal(err)
	}
	render := func(dir string) *objects {
		t.Helper()
		text, err := kustomize(dir)
		if err != nil {
			t.Fatal(err)
		}
		o, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	want, o := render(base), render(dir)
	set := o.sets["gdummy"]
	if set == nil || len(o.sets) != 1 || len(o.jobs) != 0 || !reflect.DeepEqual(o.services, want.services) || len(o.configs) != len(want.configs) {
		t.Fatalf("unexpected objects: %+v", o)
	}
	jobs := set.Spec.ReplicatedJobs
	if len(jobs) != 2 || jobs[0].Name != "audit" || jobs[1].Name != "load" {
		t.Fatalf("the jobs are %+v", jobs)
	}
	*want.jobs["load"].Spec.BackoffLimitPerIndex = 10
	for _, j := range jobs {
		if !reflect.DeepEqual(j.Template.Spec, want.jobs[j.Name].Spec) {
			t.Errorf("job %s: %+v, want %+v", j.Name, j.Template.Spec, want.jobs[j.Name].Spec)
		}
		pod := &j.Template.Spec.Template.Spec
		if errs := append(o.errors(pod), restricted(pod)...); len(errs) > 0 {
			t.Errorf("job %s: %q", j.Name, errs)
		}
	}
	// The load waits until the audit, which decides, is ready.
	if got, want := jobs[1].DependsOn, []jobset.DependsOn{{Name: "audit", Status: jobset.DependencyReady}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the load depends on %+v, want %+v", got, want)
	}
	if jobs[0].Template.Spec.Template.Spec.Containers[0].ReadinessProbe == nil {
		t.Error("the audit is ready before it listens")
	}
	if got, want := set.Spec.SuccessPolicy, (&jobset.SuccessPolicy{Operator: jobset.OperatorAll, TargetReplicatedJobs: []string{"audit"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("the JobSet succeeds with %+v, want %+v", got, want)
	}

	// Without the configuration, no name of a ConfigMap has its hash: a planted fault.
	if err := os.WriteFile(filepath.Join(dir, "references.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o = render(dir)
	errs := o.errors(&o.sets["gdummy"].Spec.ReplicatedJobs[1].Template.Spec.Template.Spec)
	if got, want := strings.Join(errs, "; "), "no ConfigMap load; no secret collector; no secret collector; fluent-bit: no ConfigMap run"; got != want {
		t.Errorf("without references.yaml: %s, want %s", got, want)
	}
}
