// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
	"github.com/gdummy/gdummy/internal/wire/selfsigned"
)

// Twenty Fluent Bits share a stream: one is killed and tried again, one is stopped and
// replaced, one starts late, and one has a clock that is an hour ahead. Their ledgers reach the
// audit over a link that drops. Its verdict is the one that follows from the files themselves.
func TestShardedRun(t *testing.T) {
	const rate, seconds = 2000, 6
	onEachHost(t, func(t *testing.T, h host) {
		n := 20
		if testing.Short() {
			n = 6
		}
		ahead, err := hourAhead()
		if err != nil {
			t.Fatal(err)
		}
		r := newShardedRun(t)
		start := time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339)
		pod := func(i int, dir string) *process {
			l := launch{
				dir: filepath.Join(r.dir, dir), env: []string{fmt.Sprint("JOB_COMPLETION_INDEX=", i), fmt.Sprint("SHARDS=", n)},
				config: service + input("name gdummy", "tag a", `template {"n": {{ seq }}}`, "seed s", "stream_id s", "shard ${JOB_COMPLETION_INDEX}/${SHARDS}", "split on",
					fmt.Sprint("rate ", rate), fmt.Sprintf("duration %ds", seconds), "start_at "+start, "catch_up full", "on_finish exit", "ledger ledger") + toFiles,
			}
			if i == 2 {
				l.plugins = []string{ahead}
			}
			return h.start(t, l)
		}
		pods := make([]*process, n-1) // the last one is late
		for i := range pods {
			dir := fmt.Sprint("pod", i)
			pods[i] = pod(i, dir)
			r.push(dir)
		}
		for _, p := range pods[:2] {
			p.awaitMore()
			p.awaitOut(1)
		}
		pods[0].kill()
		<-pods[0].exited
		pods[0] = pod(0, "pod0") // the same ledger
		pods[1].stop()
		pods[1] = pod(1, "pod1b") // another ledger
		r.push("pod1b")
		r.await("all ledgers but that of the late shard", func() bool { return len(r.collected()) == n })
		pods = append(pods, pod(n-1, "late"))
		r.push("late")
		for _, p := range pods {
			p.awaitExit(lifetime)
		}
		r.stopPushers()
		v := r.audit.verdict()
		want, streams := r.truth()
		if v.counts != want || v.CutOff != 1 || v.Shortfall != 0 || v.Unsent != 0 || len(v.Streams) != n+2 {
			t.Errorf("%+v, %d cut off, %d short, %d runs\nexpected\n%+v, 1, 0 and %d\n%v", v.counts, v.CutOff, v.Shortfall, len(v.Streams), want, n+2, v.Faults)
		}
		// The runs that were not interrupted have exactly the records of the stream.
		whole, sum := map[string]bool{}, uint64(0)
		for _, s := range streams {
			if shard := s.Open["shard"]; s.Whole() && s.End.Accepted > 0 && !strings.HasPrefix(shard, "1/") {
				sum += s.End.Accepted
				whole[shard] = true
			}
		}
		if missing := uint64((rate*seconds-2)/n + 1); len(whole) != n-1 || sum != rate*seconds-missing {
			t.Errorf("%d whole shards have %d records, want %d and %d", len(whole), sum, n-1, rate*seconds-missing)
		}
		r.expectSameLedgers()
	})
}

// shardedRun is the part of a sharded run beside its Fluent Bits.
type shardedRun struct {
	t       *testing.T
	dir     string // of all of it
	audit   *auditing
	link    *testenv.Link
	pushers []*exec.Cmd
}

// newShardedRun starts the audit of a run, which collects ledgers over a link that drops.
func newShardedRun(t *testing.T) *shardedRun {
	t.Helper()
	r := &shardedRun{t: t, dir: t.TempDir()}
	cert, key, err := selfsigned.Pair("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"cert.pem": string(cert), "key.pem": string(key), "token": "0123456789abcdef"} {
		if err := os.WriteFile(r.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	r.audit = startAudit(t, "--collect", fmt.Sprintf("https://127.0.0.1:%d", port), "--collect-dir", r.path("ledgers"), "--token-file", r.path("token"),
		"--tls-cert", r.path("cert.pem"), "--tls-key", r.path("key.pem"), "--until-ledger-complete", r.path("*/out"))
	rng := rand.New(rand.NewPCG(15, 0))
	r.link, err = testenv.NewLink(fmt.Sprintf("127.0.0.1:%d", port), func() (up, down int64) {
		return 500 + rng.Int64N(4000), 500 + rng.Int64N(4000) // a handshake and a first request have about 1.5 KB
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.link.Close() })
	return r
}

func (r *shardedRun) path(name string) string { return filepath.Join(r.dir, name) }

// push starts a pusher of the ledger in a directory.
func (r *shardedRun) push(dir string) {
	r.t.Helper()
	cmd := exec.Command(gdummyCmd, "ledger", "push", "--to", "https://"+r.link.Addr().String(), "--token-file", r.path("token"), "--tls-ca", r.path("cert.pem"),
		"--every", "200ms", "--give-up", "10s", "--name", dir, filepath.Join(r.dir, dir, "ledger"))
	log := new(bytes.Buffer)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if r.t.Failed() {
			r.t.Logf("the pusher of %s:\n%s", dir, log)
		}
	})
	r.pushers = append(r.pushers, cmd)
}

// stopPushers sends SIGTERM to the pushers, as Kubernetes does to sidecars. One whose last answer
// was dropped does not know that the collector, which is gone, has everything.
func (r *shardedRun) stopPushers() {
	r.t.Helper()
	for _, cmd := range r.pushers {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			r.t.Error(err)
		}
	}
	for _, cmd := range r.pushers {
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() > 1 || cmd.ProcessState.ExitCode() < 0 {
			r.t.Errorf("%v: %v", cmd.Args, err)
		}
	}
	if drops := r.link.Cuts(); drops < int64(len(r.pushers)) {
		r.t.Errorf("the link dropped %d connections of %d pushers", drops, len(r.pushers))
	}
}

func (r *shardedRun) await(what string, done func() bool) {
	r.t.Helper()
	for end := time.Now().Add(lifetime); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not within %v: %s", lifetime, what)
		}
	}
}

// collected returns the ledgers of the collector.
func (r *shardedRun) collected() []string {
	paths, err := filepath.Glob(r.path("ledgers/*.ledger"))
	if err != nil {
		r.t.Fatal(err)
	}
	return paths
}

// sent returns the ledgers that the inputs wrote.
func (r *shardedRun) sent() []string {
	paths, err := filepath.Glob(r.path("*/ledger"))
	if err != nil {
		r.t.Fatal(err)
	}
	return paths
}

// expectSameLedgers compares the collected ledgers with those that were written.
func (r *shardedRun) expectSameLedgers() {
	r.t.Helper()
	sent := map[string]bool{}
	for _, path := range r.sent() {
		sent[slurp(r.t, path)] = true
	}
	got := r.collected()
	if len(got) != len(sent) {
		r.t.Errorf("%d ledgers were collected, want %d", len(got), len(sent))
	}
	for _, path := range got {
		if !sent[slurp(r.t, path)] {
			r.t.Errorf("%s is not as it was written", path)
		}
	}
}

func slurp(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// truth counts what the files of the outputs and the ledgers have, record by record.
func (r *shardedRun) truth() (c counts, streams []*ledger.Stream) {
	r.t.Helper()
	seen := map[recordid.Run]map[uint64]bool{}
	outputs, err := filepath.Glob(r.path("*/out/*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, path := range outputs {
		for text := []byte(slurp(r.t, path)); ; {
			id, end := recordid.Find(text)
			if end < 0 {
				break
			}
			text = text[end:]
			if seen[id.Run] == nil {
				seen[id.Run] = map[uint64]bool{}
			}
			if seen[id.Run][id.Seq] {
				c.Duplicates++
			}
			seen[id.Run][id.Seq] = true
		}
	}
	var ledgers []*ledger.Ledger
	for _, path := range r.sent() {
		l, err := ledger.ReadFile(path)
		if err != nil {
			r.t.Fatal(err)
		}
		ledgers = append(ledgers, l)
	}
	streams = ledger.Merge(ledgers)
	for _, s := range streams {
		c.Ingested += s.Ingested
		sent := map[uint64]bool{}
		for _, e := range s.Accepted {
			for k := e.From; k <= e.To; k++ {
				sent[k] = true
				c.Accepted++
				if !seen[s.Run][k] {
					c.Lost++
				}
			}
		}
		highest := uint64(0)
		for k := range seen[s.Run] {
			c.Arrived++
			sent[k] = true
			highest = max(highest, k+1)
		}
		for k := s.Next(); k < highest; k++ { // the ledger ends before them
			if !seen[s.Run][k] {
				c.Unknown++
				sent[k] = true
			}
		}
		c.Sent += uint64(len(sent))
		delete(seen, s.Run)
	}
	if len(seen) > 0 {
		r.t.Errorf("%d runs have no ledger", len(seen))
	}
	return c, streams
}

// hourAhead builds a plugin whose clock is an hour ahead: the time of this machine cannot
// differ between processes.
var hourAhead = sync.OnceValues(func() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src/time/time.go")
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	const now = "sec, nsec, mono := runtimeNow()\n\tif mono == 0"
	shifted := bytes.Replace(text, []byte(now), []byte(strings.Replace(now, "\n", "\n\tsec += 3600\n", 1)), 1)
	if bytes.Equal(shifted, text) {
		return "", fmt.Errorf("%s: no function Now of the expected form", source)
	}
	dir := filepath.Dir(gdummySO)
	changed, overlay, so := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "ahead.so")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		return "", err
	}
	for name, text := range map[string][]byte{changed: shifted, overlay: list} {
		if err := os.WriteFile(name, text, fs.FileMode(0o644)); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-overlay", overlay, "-o", so, "../cmd/in_gdummy")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return so, nil
})
