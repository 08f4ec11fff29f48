// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

// The chart of the Fluent Bit project is not part of this repository. The test takes that of
// a directory, or pulls this version.
const (
	chartVariable = "GDUMMY_HELM_CHART"
	chartVersion  = "0.58.1"
)

// fluentBitChart returns the chart of the Fluent Bit project.
func fluentBitChart(t *testing.T) *chart.Chart {
	t.Helper()
	dir := os.Getenv(chartVariable)
	if dir == "" {
		work := t.TempDir()
		out, err := exec.Command("helm", "pull", "fluent-bit", "--repo", "https://fluent.github.io/helm-charts", "--version", chartVersion, "--untar", "--untardir", work).CombinedOutput()
		if err != nil {
			t.Skipf("### SKIPPED: the chart of Fluent Bit needs helm and the network, or its directory in %s: %v %s", chartVariable, err, out)
		}
		dir = filepath.Join(work, "fluent-bit")
	}
	c, err := loader.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("chart %s %s", c.Name(), c.Metadata.Version)
	return c
}

// helm renders values.
func helm(t *testing.T, c *chart.Chart, text string) (*objects, error) {
	t.Helper()
	values, err := common.ReadValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: "load", Namespace: "default", IsInstall: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(c, v)
	if err != nil {
		return nil, err
	}
	all := ""
	for name, file := range files {
		if filepath.Base(name) != "NOTES.txt" {
			all += file + "\n---\n"
		}
	}
	return decode([]byte(all))
}

// The values give a pod that loads the plugin where pods are restricted, and a configuration
// without errors, in which Helm has left our templates as they are.
func TestHelm(t *testing.T) {
	c := fluentBitChart(t)
	text, err := os.ReadFile("helm/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o, err := helm(t, c, string(text))
	if err != nil {
		t.Fatal(err)
	}
	const name = "load-fluent-bit"
	if len(o.deployments) != 1 || len(o.configs) != 1 || len(o.services) != 1 || o.deployments[name] == nil {
		t.Fatalf("unexpected objects: %+v", o)
	}
	spec := &o.deployments[name].Spec.Template
	if errs := append(o.errors(&spec.Spec), restricted(&spec.Spec)...); len(errs) > 0 {
		t.Errorf("%q", errs)
	}
	for key, value := range o.services[name].Spec.Selector {
		if spec.Labels[key] != value {
			t.Errorf("the service selects %s=%s, which no pod has", key, value)
		}
	}
	fluentBit := spec.Spec.Containers[0]
	if got, want := strings.Join(fluentBit.Args, " "), "-e /gdummy/gdummy.so --workdir=/fluent-bit/etc --config=/fluent-bit/etc/conf/fluent-bit.conf"; got != want {
		t.Errorf("the arguments are %s, want %s", got, want)
	}
	files := o.configs[name].Data
	if got, want := files["orders.tmpl"], "{\n  \"order\": {{ seq }},\n  \"total\": {{ lognormal 4 1 | round 2 }}\n}\n"; got != want {
		t.Errorf("orders.tmpl is %q, want %q", got, want)
	}
	if !strings.Contains(files["fluent-bit.conf"], `{"user": [[ username ]]}`) {
		t.Errorf("the configuration is %s", files["fluent-bit.conf"])
	}
	if err := check(t, files, "fluent-bit.conf"); err != nil {
		t.Error(err)
	}
	for what, wrong := range map[string][3]string{
		"braces in the configuration": {"[[ username ]]", "{{ username }}", `"username" not defined`},
		"braces in a file":            {"{{`{", "{", `"lognormal" not defined`},
	} {
		if _, err := helm(t, c, strings.Replace(string(text), wrong[0], wrong[1], 1)); err == nil || !strings.Contains(err.Error(), wrong[2]) {
			t.Errorf("%s: got %v, want %q", what, err, wrong[2])
		}
	}
	// An own function of Helm, seq, takes the place of gdummy's without an error.
	wrong := strings.NewReplacer("{{`{", "{", "}`}}", "}", "{{ lognormal 4 1 | round 2 }}", "1").Replace(string(text))
	if o, err = helm(t, c, wrong); err != nil || !strings.Contains(o.configs[name].Data["orders.tmpl"], `"order": ,`) {
		t.Errorf("seq of Helm: %v %+v", err, o)
	}
	if err := check(t, o.configs[name].Data, "fluent-bit.conf"); err == nil {
		t.Error("gdummy check finds no error in a template that Helm has evaluated")
	}
}
