// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
)

var goPlugins sync.Map // of the package's path, to *built

// goPlugin builds the shared library of a package of this module, once.
func goPlugin(t *testing.T, pkg string) string {
	t.Helper()
	v, _ := goPlugins.LoadOrStore(pkg, new(built))
	b := v.(*built)
	b.once.Do(func() {
		b.path = filepath.Join(workDir, filepath.Base(pkg)+".so")
		cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", b.path, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if b.err != nil {
		t.Fatalf("build %s: %v", pkg, b.err)
	}
	return b.path
}

const gdummyPackage = "../cmd/in_gdummy"

// load runs the host with one of this module's plugins as PLUGIN.
func load(t *testing.T, v variant, pkg string, args ...string) result {
	t.Helper()
	host, err := v.host(t)
	if err != nil {
		t.Fatalf("host %v: %v", v, err)
	}
	so := goPlugin(t, pkg)
	reportFile := filepath.Join(t.TempDir(), "report.json")
	full := []string{"--report", reportFile}
	for _, a := range args {
		if a == "PLUGIN" {
			a = so
		}
		full = append(full, a)
	}
	return runCommand(t, exec.Command(host, full...), reportFile)
}

// wantClean checks for a verdict without faults. At a reload or the end, the engine may
// discard chunks in the ring.
func (r result) wantClean(t *testing.T) {
	t.Helper()
	r.wantCode(t, 0)
	for i, in := range r.report.Instances {
		if in.faults != (faults{}) || in.NotCleaned != 0 || in.Dropped != 0 {
			t.Errorf("instance %d: %+v", i, in)
		}
	}
}

// poses are the releases in which the boundary differs, with and without symbols.
func poses() []variant {
	var vs []variant
	for _, v := range []int{v200, v210, v220, v400, v403, v410, v423, v500, v511} {
		vs = append(vs, variant{version: v}, variant{version: v, bare: true})
	}
	return vs
}

// form returns the form of events of a pose. A bare host exports nothing, and gets the
// form that every release accepts.
func form(v variant) event.Form {
	if v.version >= v210 && !v.bare {
		return event.V2
	}
	return event.Legacy
}

// events returns the expected bytes of n records, with repeated bodies and a fixed time.
func events(t *testing.T, f event.Form, sec int64, n int, text string) []byte {
	t.Helper()
	bodies, err := jsonbody.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for i := range n {
		b = event.Append(b, f, sec*1e9, event.EmptyMap, bodies[i%len(bodies)])
	}
	return b
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// counter reads one of the plugin's metrics of an instance from the registry.
func counter(t *testing.T, r result, name, instance string) int {
	t.Helper()
	re := regexp.MustCompile(`fluentbit_` + name + `\{name="` + instance + `"\} = (\d+)`)
	m := re.FindStringSubmatch(r.stderr)
	if m == nil {
		t.Fatalf("no %s of %s:\n%s", name, instance, r.stderr)
	}
	n := 0
	fmt.Sscan(m[1], &n)
	return n
}
