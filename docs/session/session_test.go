// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func same(s string) string { return s }

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A page that shows the true output has no differences; any other has some.
func TestRun(t *testing.T) {
	const page = "# A page\n\n```yaml file=a.yaml\nrate: 5\n```\n\n```console\n$ cat a.yaml\nrate: 7\n$ printf 'a\\nb\\nc\\n'\na\n...\nc\n$ false\n$ echo $?\n1\n$ echo one \\\n    two\none two\n$ echo ignored\n```\n"
	p, err := Read(write(t, page))
	if err != nil {
		t.Fatal(err)
	}
	r := &Runner{Dir: t.TempDir(), Env: os.Environ(), Local: same, Shown: same}
	if err := os.WriteFile(filepath.Join(r.Dir, p.Blocks[0].File), []byte(p.Blocks[0].Text), 0o644); err != nil {
		t.Fatal(err)
	}
	b := p.Blocks[1]
	results := r.Run(context.Background(), b)
	if len(results) != len(b.Commands) {
		t.Fatalf("%d of %d commands ran: %v", len(results), len(b.Commands), results)
	}
	for i, result := range results {
		if diff := b.Commands[i].Diff(result); diff != "" || result.Err != nil {
			t.Errorf("%s: %v %s", b.Commands[i].Text, result.Err, diff)
		}
		b.Commands[i].Renew(result)
	}
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
	renewed, err := os.ReadFile(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(page, string(renewed)); d != "" {
		t.Errorf("a page without differences was renewed: %s", d)
	}
	b.Commands[0].Renew(Result{Output: "speed: 5\n"})
	if b.Commands[0].Output != "speed: 5\n" {
		t.Errorf("what differs was not renewed: %q", b.Commands[0].Output)
	}

	// A command that is interrupted may end by itself or by the signal.
	p, err = Read(write(t, "```console ctrl-c=300ms\n$ trap 'echo interrupted; exit 0' INT; while :; do sleep 0.01; done\ninterrupted\n$ sleep 60\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, result := range r.Run(context.Background(), p.Blocks[0]) {
		if diff := p.Blocks[0].Commands[i].Diff(result); diff != "" || result.Err != nil {
			t.Errorf("interrupted: %v %s", result.Err, diff)
		}
	}

	for given, want := range map[string]string{
		"$ echo a\nb\n":                   "it prints",
		"$ printf 'a\\nb\\n'\na\n":        "it prints",
		"$ printf 'a\\nb\\n'\n...\na\n":   "it prints",
		"$ printf 'a\\n'\na\n...\na\n":    "it prints",
		"$ echo 1 lost\n2 duplicates\n":   "it prints",
		"$ exit 3\n$ echo done\n":         "exit status 3",
		"$ no-such-command\n":             "exit status 127",
		"$ (exit 3)\n$ echo $?\n4\n":      "it prints",
		"$ kill -KILL $$\n$ echo $?\n1\n": "137",
	} {
		p, err := Read(write(t, "```console\n"+given+"```\n"))
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for i, result := range r.Run(context.Background(), p.Blocks[0]) {
			got += p.Blocks[0].Commands[i].Diff(result)
			if result.Err != nil {
				got += result.Err.Error()
			}
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

// A block that declares something unknown, or is not closed, is an error.
func TestReadErrors(t *testing.T) {
	for given, want := range map[string]string{
		"```console needs=luck\n```\n":       `unknown "needs=luck": expected`,
		"```console terminal=x\n```\n":       `invalid "terminal=x": expected a number from 1`,
		"```yaml file=../x\n```\n":           `unknown "file=../x": expected`,
		"```console\noutput\n```\n":          `output without a command: "output\n"`,
		"text\n\n```console\n$ echo\n":       "page.md:3: the block does not end",
		"```yaml fluent-bit.yaml\na: 1\n```": `unknown "fluent-bit.yaml": expected`,
	} {
		if _, err := Read(write(t, given)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", given, err, want)
		}
	}
}

func TestForm(t *testing.T) {
	for given, want := range map[string]string{
		"q4gdhkr3p26d gdummy.0  40,000    40,000\n":                                                      "RUN gdummy.N N\n",
		"{\"gdummy\":\"gd1.uhsdtq8g4aja00.00000009of.1hqjvot43ln2h.uqdcakn22kj\"}":                       `{"gdummy":"IDENTITY"}`,
		"  13679-19649 (5,971 records), sent 2026-11-28T18:08:15.907Z to 2026-11-28T18:08:21.841Z":       "N-N (N records), sent TIME to TIME",
		"2026-11-28T18:08:02.17324408Z open run=q4gdhkr3p26d instance=0 name=\"gdummy.0\" #f7faa869":     "TIME open run=RUN instance=N name=\"gdummy.N\" #SUM",
		"clean: 10,000 of 10,000 records arrived":                                                        "clean: N of N records arrived",
		"FAULTS: 1 lost; 9 of 10 records arrived; the receiver refused 105 of the lost, for outage=6s x": "FAULTS: N lost; N of N records arrived",
	} {
		if got := Form(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}
