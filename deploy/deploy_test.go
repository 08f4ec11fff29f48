// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	jobset "sigs.k8s.io/jobset/api/jobset/v1alpha2"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// gdummy builds the command.
var gdummy = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gdummy-deploy-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "gdummy")
	out, err := exec.Command("go", "-C", "..", "build", "-o", path, "./cmd/gdummy").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := gdummy(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// check runs gdummy check on a configuration with the files beside it.
func check(t *testing.T, files map[string]string, name string, env ...string) error {
	t.Helper()
	command, err := gdummy()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(command, "check", filepath.Join(dir, name))
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// objects are what manifests have, decoded.
type objects struct {
	sets        map[string]*jobset.JobSet
	jobs        map[string]*batch.Job
	deployments map[string]*apps.Deployment
	services    map[string]*core.Service
	configs     map[string]*core.ConfigMap
	secrets     map[string]*core.Secret
	claims      map[string]*core.PersistentVolumeClaim
}

// decode decodes manifests. A field that the type does not have is an error.
func decode(manifests []byte) (*objects, error) {
	o := &objects{map[string]*jobset.JobSet{}, map[string]*batch.Job{}, map[string]*apps.Deployment{}, map[string]*core.Service{},
		map[string]*core.ConfigMap{}, map[string]*core.Secret{}, map[string]*core.PersistentVolumeClaim{}}
	docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests)))
	for {
		doc, err := docs.Read()
		if err == io.EOF {
			return o, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(doc)) == 0 {
			continue
		}
		if err := o.add(doc); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, doc)
		}
	}
}

func (o *objects) add(doc []byte) error {
	var kind struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if err := yaml.Unmarshal(doc, &kind); err != nil {
		return err
	}
	name := kind.Metadata.Name
	switch kind.APIVersion + " " + kind.Kind {
	case "jobset.x-k8s.io/v1alpha2 JobSet":
		return put(o.sets, name, doc)
	case "batch/v1 Job":
		return put(o.jobs, name, doc)
	case "apps/v1 Deployment":
		return put(o.deployments, name, doc)
	case "v1 Service":
		return put(o.services, name, doc)
	case "v1 ConfigMap":
		return put(o.configs, name, doc)
	case "v1 Secret":
		return put(o.secrets, name, doc)
	case "v1 PersistentVolumeClaim":
		return put(o.claims, name, doc)
	}
	return fmt.Errorf("unexpected object: %s of %s", kind.Kind, kind.APIVersion)
}

// put decodes an object that no other one has the name of.
func put[T any](into map[string]*T, name string, doc []byte) error {
	if into[name] != nil {
		return fmt.Errorf("a second object of the name %s", name)
	}
	into[name] = new(T)
	return yaml.UnmarshalStrict(doc, into[name])
}

// errors returns what in a pod refers to something that does not exist, or may not run where
// pods are restricted.
func (o *objects) errors(pod *core.PodSpec) (errs []string) {
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
		if s := v.Secret; s != nil && o.secrets[s.SecretName] == nil {
			errs = append(errs, "no secret "+s.SecretName)
		} else if s != nil {
			for _, item := range s.Items {
				if o.secrets[s.SecretName].Data[item.Key] == nil {
					errs = append(errs, "no key "+item.Key)
				}
			}
		}
		if c := v.PersistentVolumeClaim; c != nil && o.claims[c.ClaimName] == nil {
			errs = append(errs, "no claim "+c.ClaimName)
		}
		if c := v.ConfigMap; c != nil && o.configs[c.Name] == nil {
			errs = append(errs, "no ConfigMap "+c.Name)
		}
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				errs = append(errs, c.Name+": no volume "+m.Name)
			}
		}
		for _, e := range c.EnvFrom {
			if o.configs[e.ConfigMapRef.Name] == nil {
				errs = append(errs, c.Name+": no ConfigMap "+e.ConfigMapRef.Name)
			}
		}
		if !strings.Contains(c.Image, ":") {
			errs = append(errs, c.Name+": an image without a tag")
		}
	}
	return errs
}

// restricted returns what in a pod the Pod Security Standard "restricted" forbids.
func restricted(pod *core.PodSpec) (errs []string) {
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil {
		errs = append(errs, "it may run as root, or without seccomp")
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		if s := c.SecurityContext; s == nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Contains(s.Capabilities.Drop, "ALL") {
			errs = append(errs, c.Name+" has privileges")
		}
	}
	return errs
}

// prepared returns a copy of a directory, with files added and after prepare.sh.
func prepared(t *testing.T, name string, files map[string]string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil && name == "kubernetes" {
		t.Skip("### SKIPPED: the prepare.sh of kubernetes needs openssl in PATH")
	}
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("sh", append([]string{filepath.Join(dir, "prepare.sh")}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("prepare.sh: %v: %s", err, out)
	}
	return dir
}

func kustomize(dir string) ([]byte, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

// The base renders into objects that Kubernetes accepts, which refer to each other, and whose
// configuration has no errors.
func TestKustomize(t *testing.T) {
	text, err := kustomize(prepared(t, "kubernetes", nil, "7", "60"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	load, audit := o.jobs["load"], o.jobs["audit"]
	if load == nil || audit == nil || len(o.jobs) != 2 || len(o.secrets) != 1 || len(o.configs) != 2 {
		t.Fatalf("unexpected objects: %+v", o)
	}
	for name, job := range o.jobs {
		pod := &job.Spec.Template.Spec
		if errs := append(o.errors(pod), restricted(pod)...); len(errs) > 0 {
			t.Errorf("job %s: %q", name, errs)
		}
	}
	s := load.Spec
	if *s.CompletionMode != batch.IndexedCompletion || *s.Completions != 7 || *s.Parallelism != 7 || *s.BackoffLimitPerIndex != 3 {
		t.Errorf("the job of the load has %+v", s)
	}
	push := s.Template.Spec.InitContainers[1]
	if push.RestartPolicy == nil || *push.RestartPolicy != core.ContainerRestartPolicyAlways {
		t.Error("the pusher is not a sidecar")
	}
	service := o.services["audit"]
	for key, value := range service.Spec.Selector {
		if audit.Spec.Template.Labels[key] != value {
			t.Errorf("the service selects %s=%s, which no pod has", key, value)
		}
	}
	var config, run *core.ConfigMap
	for name, c := range o.configs {
		if strings.HasPrefix(name, "load-") {
			config = c
		} else {
			run = c
		}
	}
	start := run.Data["START_AT"]
	if !regexp.MustCompile(`^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$`).MatchString(start) || run.Data["SHARDS"] != "7" {
		t.Errorf("the run is %v", run.Data)
	}
	env := []string{"JOB_COMPLETION_INDEX=6", "SHARDS=7", "START_AT=" + start}
	if err := check(t, config.Data, "fluent-bit.yaml", env...); err != nil {
		t.Error(err)
	}
	env[0] = "JOB_COMPLETION_INDEX=7" // a planted fault
	if err := check(t, config.Data, "fluent-bit.yaml", env...); err == nil || !strings.Contains(err.Error(), "option shard") {
		t.Errorf("the eighth of seven shards: got %v", err)
	}
	// The flags of both commands are right: they fail only for what is not here.
	command, err := gdummy()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []core.Container{push, audit.Spec.Template.Spec.Containers[0]} {
		for i := range c.Args {
			c.Args[i] = strings.ReplaceAll(c.Args[i], "$(JOB_COMPLETION_INDEX)", "6") // as the kubelet does
		}
		out, err := exec.Command(command, c.Args...).CombinedOutput()
		if want := "/run/gdummy/token: no such file"; err == nil || !strings.Contains(string(out), want) {
			t.Errorf("gdummy %q: %v: %s", c.Args, err, out)
		}
	}
}

// The checks can fail.
func TestPlantedFaults(t *testing.T) {
	const pod = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec:\n  template:\n    spec:\n      containers:\n" +
		"        - name: c\n          image: i\n          envFrom: [{configMapRef: {name: e}}]\n          volumeMounts: [{name: v, mountPath: /v}]\n" +
		"      volumes: [{name: w, secret: {secretName: s}}, {name: m, configMap: {name: k}}]\n"
	o, err := decode([]byte(pod))
	if err != nil {
		t.Fatal(err)
	}
	got := append(o.errors(&o.jobs["x"].Spec.Template.Spec), restricted(&o.jobs["x"].Spec.Template.Spec)...)
	want := []string{"no secret s", "no ConfigMap k", "c: no volume v", "c: no ConfigMap e", "c: an image without a tag",
		"it may run as root, or without seccomp", "c has privileges"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, wrong := range []string{strings.Replace(pod, "image:", "imgae:", 1), strings.Replace(pod, "batch/v1", "batch/v2", 1),
		"apiVersion: v1\nkind: Pod\n", pod + "---\n" + pod} {
		if _, err := decode([]byte(wrong)); err == nil {
			t.Errorf("no error in\n%s", wrong)
		}
	}
}
