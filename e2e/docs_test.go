package e2e_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var updateDocs = flag.Bool("update-docs", false, "renew what docs/reference/audit.md shows of the audits that listen; for one host")

// docsAudit finds, in docs/reference/audit.md, an audit that listens and what it prints. Lines
// that are left out are dots.
var docsAudit = regexp.MustCompile("(?m)^```\n(\\$ gdummy audit (--listen .*)\n((?s:.*?)))^```$")

var docsConfig = regexp.MustCompile("(?s)```yaml\n(service:.*?)```")

// What docs/reference/audit.md shows of an audit with faults is what it prints, but for the
// numbers, which are those of one run.
func TestDocsAudit(t *testing.T) {
	const path = "../docs/reference/audit.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config := docsConfig.FindSubmatch(page)
	shown := docsAudit.FindAllSubmatch(page, -1)
	if config == nil || len(shown) != 2 {
		t.Fatalf("%d audits that listen, want 2; a configuration: %v", len(shown), config != nil)
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "a configuration in YAML")
		for i, m := range shown {
			duration := []string{"40s", "10s"}[i] // the second one is shorter
			t.Run(duration, func(t *testing.T) {
				if i == 0 && testing.Short() {
					t.Skip("SKIPPED with -short: the audit takes the 40 s that the page gives it")
				}
				dir, port := t.TempDir(), fmt.Sprint(freePort(t))
				local := strings.NewReplacer("9880", port, "duration: 40s", "duration: "+duration, "plugins:\n  - ./gdummy.so\n", "",
					"rate: 1000\n", "rate: 1000\n      catch_up: full\n").Replace // however busy this machine is
				var out, log bytes.Buffer
				audit := exec.Command("sh", "-c", `exec "$0" audit `+local(string(m[2])), gdummyCmd)
				audit.Dir, audit.Stdout, audit.Stderr = dir, &out, &log
				if err := audit.Start(); err != nil {
					t.Fatal(err)
				}
				stop := time.AfterFunc(lifetime, func() { _ = audit.Process.Kill() })
				defer stop.Stop()
				p := h.start(t, launch{dir: dir, yaml: true, config: local(string(config[1]))})
				p.awaitExit(lifetime)
				err := audit.Wait()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 1 {
					t.Fatalf("%v: %s%s", err, out.Bytes(), log.Bytes())
				}
				if !*updateDocs {
					if got, want := shape(out.String()), shape(string(m[3])); !matches(got, want) {
						t.Errorf("it prints\n%s\nin short\n%s\nand docs/reference/audit.md shows, in short,\n%s", out.Bytes(), got, want)
					}
					return
				}
				if i == 1 { // without what is between the first line and the faults
					first, rest, _ := strings.Cut(out.String(), "\n")
					_, rest, _ = strings.Cut(rest, "\ninjected faults:")
					rest, _, _ = strings.Cut(rest, "\n\n         ")
					out.Reset()
					out.WriteString(first + "\n...\ninjected faults:" + rest + "\n")
				}
				page = bytes.Replace(page, m[1], append(m[1][:len(m[1])-len(m[3]):len(m[1])-len(m[3])], out.Bytes()...), 1)
				book, err := os.ReadFile(filepath.Join(dir, "run.ledger"))
				if err != nil || os.WriteFile(path, page, 0o644) != nil {
					t.Fatal(err)
				}
				t.Logf("its ledger:\n%s", book)
			})
		}
	})
}

// shape is a text without what differs from run to run.
func shape(text string) string {
	for _, r := range [][2]string{
		{`[0-9a-v]{12} gdummy`, "RUN gdummy"},
		{`\d{4}-\d\d-\d\dT[0-9:.]+Z`, "TIME"},
		{`[▁▂▃▄▅▆▇█·]+`, "COURSE"},
		{`\b\d[0-9,.]*(ns|µs|ms|s)?\b`, "N"},
		{` +`, " "},
		{`(?m)^ | $`, ""},
		// How far a request was read before an outage reset its connection is a race.
		{`; the receiver refused N of the lost, for .*| by receiver`, ""},
		{`(RUN gdummy\.N)( N)+`, "$1 N"},
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return text
}

// matches reports whether a text is as wanted, where a line of dots stands for any
// lines, and the end may be left out behind such a line.
func matches(got, want string) bool {
	parts := strings.Split(want, "...\n")
	if !strings.HasPrefix(got, parts[0]) {
		return false
	}
	if len(parts) == 1 {
		return got == want
	}
	at := len(parts[0])
	for _, part := range parts[1:] {
		i := strings.Index(got[at:], part)
		if i < 0 {
			return false
		}
		at += i + len(part)
	}
	return true
}
