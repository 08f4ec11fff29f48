// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// reserved returns how much of a resource the scheduler reserves for a pod: its containers and
// sidecars at once, or one init container with the sidecars. Without a request it is the limit.
func reserved(pod *core.PodSpec, name core.ResourceName) resource.Quantity {
	of := func(c core.Container) resource.Quantity {
		if q, ok := c.Resources.Requests[name]; ok {
			return q
		}
		return c.Resources.Limits[name]
	}
	var sum, most resource.Quantity
	for _, c := range pod.InitContainers {
		q := of(c)
		if c.RestartPolicy != nil && *c.RestartPolicy == core.ContainerRestartPolicyAlways {
			sum.Add(q)
			continue
		}
		q.Add(sum)
		if q.Cmp(most) > 0 {
			most = q
		}
	}
	for _, c := range pod.Containers {
		sum.Add(of(c))
	}
	if sum.Cmp(most) < 0 {
		return most
	}
	return sum
}

// All pods of a run fit on one node with two cores at once, beside the pods of the system: one
// that is not scheduled when the run starts is late, and a merge that has no place beside the
// pods it waits for, or takes theirs, never ends.
func TestRunFitsSmallCluster(t *testing.T) {
	for _, c := range []struct {
		name string
		dir  string
		pods map[string]int64 // of each job, at least
	}{
		{"sharded run", prepared(t, "kubernetes", nil), map[string]int64{"load": 4, "audit": 1}},
		{"map-reduce", prepared(t, "map-reduce", map[string]string{"run.ledger": ""}), map[string]int64{"map": 1, "merge": 1}},
	} {
		text, err := kustomize(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		o, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []struct {
			name core.ResourceName
			most string
		}{{core.ResourceCPU, "1"}, {core.ResourceMemory, "1Gi"}} {
			var sum resource.Quantity
			for job, pods := range c.pods {
				q := reserved(&o.jobs[job].Spec.Template.Spec, limit.name)
				for range pods {
					sum.Add(q)
				}
			}
			if most := resource.MustParse(limit.most); sum.IsZero() || sum.Cmp(most) > 0 {
				t.Errorf("%s: the pods reserve %s of %s, want at most %s", c.name, sum.String(), limit.name, limit.most)
			}
		}
	}
}

// The sum can be wrong: a limit counts where a request is missing, and a sidecar runs beside all.
func TestReserved(t *testing.T) {
	always := core.ContainerRestartPolicyAlways
	cpu := func(requests, limits string) core.ResourceRequirements {
		r := core.ResourceRequirements{Requests: core.ResourceList{}, Limits: core.ResourceList{}}
		if requests != "" {
			r.Requests[core.ResourceCPU] = resource.MustParse(requests)
		}
		if limits != "" {
			r.Limits[core.ResourceCPU] = resource.MustParse(limits)
		}
		return r
	}
	first, sidecar := core.Container{Resources: cpu("1", "5")}, core.Container{RestartPolicy: &always, Resources: cpu("300m", "")}
	main := core.Container{Resources: cpu("", "2")}
	for _, c := range []struct {
		why  string
		pod  core.PodSpec
		want string
	}{
		{"a limit is the request", core.PodSpec{Containers: []core.Container{main}}, "2"},
		{"an init container has ended before", core.PodSpec{InitContainers: []core.Container{first}, Containers: []core.Container{main}}, "2"},
		{"a sidecar runs beside", core.PodSpec{InitContainers: []core.Container{first, sidecar}, Containers: []core.Container{main}}, "2300m"},
		{"the largest init container counts, with the sidecars before it",
			core.PodSpec{InitContainers: []core.Container{sidecar, first}, Containers: []core.Container{{}}}, "1300m"},
	} {
		if got := reserved(&c.pod, core.ResourceCPU); got.Cmp(resource.MustParse(c.want)) != 0 {
			t.Errorf("%s: got %s, want %s", c.why, got.String(), c.want)
		}
	}
}
