// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/wire/selfsigned"
)

// 1. Many records without faults.
func TestAuditClean(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		n := 10_000_000
		if testing.Short() {
			n = 1_000_000
		}
		port, web := freePort(t), freePort(t)
		dir := t.TempDir()
		a := startAudit(t, "--listen", fmt.Sprintf("forward://127.0.0.1:%d", port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "60s")
		p := h.start(t, launch{dir: dir, config: httpService(web) +
			input("name gdummy", "tag a", "rate 500k", fmt.Sprint("max_records ", n), "ledger ledger", "catch_up full") +
			toForward(port)})
		p.awaitRecords(n)
		p.awaitOutputs(web, n)
		p.send(syscall.SIGTERM)
		p.awaitExit(lifetime)
		v := a.verdict()
		v.Reordered = 0 // two threads send
		v.expect(t, all(uint64(n)))
	})
}

// 2. A filter drops one record in a hundred: exactly those are lost.
func TestAuditGrep(t *testing.T) {
	var dummy strings.Builder
	for i := range 100 {
		fmt.Fprintf(&dummy, `{"n":"x%02d"}`, i)
	}
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a", "dummy "+dummy.String(), "rate 500", "max_records 20000", "ledger ledger") +
			"[FILTER]\n    name grep\n    match *\n    exclude n ^x07$\n" + toFiles})
		p.awaitRecords(20000)
		p.awaitOut(19800)
		p.stop()
		v := audit(t, "--ledger", p.dir+"/ledger", p.out())
		want := all(20000)
		want.Arrived, want.Lost = 19800, 200
		v.expect(t, want)
		for _, r := range v.Streams[0].LostRanges {
			if r.From != r.To || r.From%100 != 7 {
				t.Errorf("lost %d to %d", r.From, r.To)
			}
		}
		if len(v.Streams[0].LostRanges) != 200 {
			t.Errorf("%d ranges", len(v.Streams[0].LostRanges))
		}
	})
}

// Records that a processor drops are not ingested, but accepted and lost.
func TestAuditProcessor(t *testing.T) {
	var dummy strings.Builder
	for i := range 100 {
		fmt.Fprintf(&dummy, `{"n":"x%02d"}`, i)
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "filters as processors")
		p := h.start(t, launch{yaml: true, config: `
service:
  flush: 0.2
  grace: 1
pipeline:
  inputs:
    - name: gdummy
      tag: a
      dummy: '` + dummy.String() + `'
      rate: 500
      max_records: 20000
      ledger: ledger
      processors:
        logs:
          - name: grep
            exclude: n ^x07$
  outputs:
    - name: file
      match: '*'
      path: out
      format: msgpack
`})
		p.awaitRecords(20000)
		p.awaitOut(19800)
		p.stop()
		want := all(20000)
		want.Ingested, want.Arrived, want.Lost = 19800, 19800, 200
		audit(t, "--ledger", p.dir+"/ledger", p.out()).expect(t, want)
	})
}

// 8. Two inputs and three outputs: each output has the records that match its tags.
func TestAuditRouting(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a.x", "rate 2000", "max_records 4000", "ledger ledger") +
			input("name gdummy", "tag b.x", "rate 1000", "max_records 2000", "ledger other") +
			"[OUTPUT]\n    name file\n    match a.*\n    path out\n    file a\n" +
			"[OUTPUT]\n    name file\n    match b.*\n    path out\n    file b\n    format plain\n" +
			"[OUTPUT]\n    name stdout\n    match *\n    format json_lines\n"})
		p.awaitRecords(4000)
		p.awaitOut(12000)
		p.stop()
		one, two := p.dir+"/ledger", p.dir+"/other"
		audit(t, "--ledger", one, p.out()+"/a").expect(t, all(4000))
		audit(t, "--ledger", two, p.out()+"/b").expect(t, all(2000))
		audit(t, "--ledger", one, "--ledger", two, p.out()).expect(t, all(6000))
		v := audit(t, "--ledger", one, "--ledger", two, p.stdout)
		v.Foreign = 0 // the banner
		v.expect(t, all(6000))
		want := all(6000)
		want.Arrived, want.Lost = 4000, 2000
		audit(t, "--ledger", one, "--ledger", two, p.out()+"/a").expect(t, want)
	})
}

// A run that is stopped before its end, as when a machine is drained, has in its ledger how
// many records it was still to send, unless another run of it reaches its end.
func TestAuditStoppedEarly(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		run := func() *process {
			return h.start(t, launch{dir: dir, config: service + input("name gdummy", "tag a", "rate 1000", "duration 15s", "catch_up full", "seed s", "on_finish exit", "ledger ledger") + toFiles})
		}
		p := run()
		p.awaitMore()
		p.awaitOut(1)
		p.stop()
		v := audit(t, "--ledger", dir+"/ledger", p.out())
		if v.Sent == 0 || v.Sent+v.Unsent != 15000 || !v.Clean {
			t.Errorf("%d sent and %d unsent, expected 15000 together; faults %q", v.Sent, v.Unsent, v.Faults)
		}
		v = audit(t, "--max-unsent", "0", "--ledger", dir+"/ledger", p.out())
		if len(v.Faults) != 1 || !strings.HasSuffix(v.Faults[0], " unsent (a run was stopped before its end)") {
			t.Errorf("faults %q, expected the run that was stopped", v.Faults)
		}
		p = run()
		p.awaitExit(lifetime)
		if v := audit(t, "--max-unsent", "0", "--ledger", dir+"/ledger", p.out()); !v.Clean || v.Unsent != 0 {
			t.Errorf("after a run that reached its end: %d unsent, faults %q", v.Unsent, v.Faults)
		}
	})
}

// 9. Through a second Fluent Bit.
func TestAuditForwarded(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port := freePort(t)
		second := h.start(t, launch{config: service + input("name forward", "listen 127.0.0.1", fmt.Sprint("port ", port)) + toFiles})
		first := h.start(t, launch{config: retrying + input("name gdummy", "tag a", "rate 5000", "max_records 10000", "ledger ledger") +
			toForward(port, "retry_limit no_limits")})
		first.awaitRecords(10000)
		second.awaitOut(10000)
		first.send(syscall.SIGTERM)
		first.awaitExit(lifetime)
		second.stop()
		v := audit(t, "--ledger", first.dir+"/ledger", second.out())
		v.Reordered = 0
		v.expect(t, all(10000))
	})
}

// Ctrl-C in a pipeline of the shell interrupts all commands. Fluent Bit flushes its records,
// and a verdict follows.
func TestAuditPiped(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		cmd := exec.Command("sh", "-c", `trap : INT; "$0" -q -e "$1" -i gdummy -p rate=1000 -p ledger=ledger -o stdout -p format=json_lines | "$2" audit --json --ledger ledger -`,
			h.path, gdummySO, gdummyCmd)
		a := &auditing{t: t, cmd: cmd}
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &a.out, &a.err
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(lifetime, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer stop.Stop()
		for end := time.Now().Add(lifetime); ; time.Sleep(10 * time.Millisecond) {
			text, _ := os.ReadFile(dir + "/ledger")
			if strings.Count(string(text), " from=") >= 3 || time.Now().After(end) {
				break
			}
		}
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		v := a.verdict()
		want := all(v.Accepted)
		want.Arrived, want.Lost = v.Accepted-v.Lost, v.Lost
		v.expect(t, want)
		if !v.Known || v.Accepted < 1000 || len(v.Streams) != 1 || !v.Streams[0].Closed {
			t.Fatalf("%+v", v)
		}
		// Versions before 4.1 drop the records in their queue at the end.
		if r := v.Streams[0].LostRanges; v.Lost > 0 && (!h.version.before(v4_1_0) || len(r) != 1 || r[0].To != v.Accepted-1) {
			t.Errorf("lost %+v of %d", r, v.Accepted)
		}
	})
}

// Records arrive undamaged from every output, in each of its formats.
func TestAuditReceivers(t *testing.T) {
	type output struct{ name, properties string }
	// GELF needs a short text, and a level that is a number if there is one.
	const gelf = "gelf_short_message_key level\n    gelf_level_key severity"
	outputs := []output{
		{"http", "format json"},
		{"http", "format json_lines"},
		{"http", "format json_stream"},
		{"http", "format msgpack"},
		{"http", "format json\n    compress gzip"},
		{"tcp", "format json"},
		{"tcp", "format json_lines"},
		{"tcp", "format json_stream"},
		{"tcp", "format msgpack"},
		{"gelf", "mode tcp\n    " + gelf},
		{"http", "format gelf\n    " + gelf},
		{"forward", "retain_metadata_in_forward_mode on"},
		{"forward", "time_as_integer on"},
		{"forward", "compress gzip"},
		{"forward", "require_ack_response on"},
		{"forward", "tag x.$level"}, // a message for each record
	}
	onEachHost(t, func(t *testing.T, h host) {
		web := freePort(t)
		dir, config := t.TempDir(), httpService(web)+often+input("name gdummy", "tag a", `dummy {"level":"info","took":0.25}`, "rate 2000", "max_records 4000", "ledger ledger", "catch_up full")
		outputs := outputs
		if h.version.before(v2_1_0) { // no metadata
			outputs = slices.DeleteFunc(slices.Clone(outputs), func(o output) bool { return strings.Contains(o.properties, "metadata") })
		}
		var audits []*auditing
		for _, o := range outputs {
			port, scheme := freePort(t), o.name
			if scheme == "gelf" {
				scheme = "tcp"
			}
			audits = append(audits, startAudit(t, "--listen", fmt.Sprintf("%s://127.0.0.1:%d", scheme, port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "20s"))
			config += fmt.Sprintf("\n[OUTPUT]\n    name %s\n    match *\n    host 127.0.0.1\n    port %d\n    retry_limit no_limits\n    %s\n", o.name, port, o.properties)
		}
		p := h.start(t, launch{dir: dir, config: config})
		p.awaitRecords(4000)
		p.awaitOutputs(web, 4000*len(outputs))
		p.stop()
		for i, o := range outputs {
			v := audits[i].verdict()
			v.Reordered = 0 // two threads send
			unchecked := uint64(0)
			if strings.Contains(o.properties, "gelf") { // the body is not preserved
				unchecked = 4000
			}
			if v.counts != all(4000) || v.Unchecked != unchecked || v.Known != (unchecked == 0) || !v.Clean {
				t.Errorf("%s, %s: known %v, unchecked %d, %+v, %v", o.name, o.properties, v.Known, v.Unchecked, v.counts, v.Faults)
			}
		}
	})
}

// With a receiver that injects errors, resets and slowness, all records arrive, and none
// twice.
func TestAuditFaults(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for kind, output := range map[string]func(int, ...string) string{"http": toHTTP, "forward": toForward} {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				properties := []string{"retry_limit no_limits"}
				if kind == "forward" {
					properties = append(properties, "require_ack_response on") // otherwise the output does not retry
				}
				port, web, dir := freePort(t), freePort(t), t.TempDir()
				a := startAudit(t, "--listen", fmt.Sprintf("%s://127.0.0.1:%d", kind, port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "30s",
					"--fault", "status=503@25%, reset=25%, delay=300ms@25%")
				p := h.start(t, launch{dir: dir, config: httpService(web) + often + input("name gdummy", "tag a", "rate 1000", "max_records 4000", "ledger ledger") +
					output(port, properties...)})
				p.awaitRecords(4000)
				p.awaitOutputs(web, 4000)
				p.send(syscall.SIGTERM)
				p.awaitExit(lifetime)
				v := a.verdict()
				want := all(4000)
				want.Reordered = v.Reordered
				v.expect(t, want)
				if v.Reordered == 0 {
					t.Error("no retries: no fault was drawn")
				}
			})
		}
	})
}

// TLS, and a shared key that one of two outputs does not know.
func TestAuditSecret(t *testing.T) {
	cert, key, err := selfsigned.Pair()
	if err != nil {
		t.Fatal(err)
	}
	onEachHost(t, func(t *testing.T, h host) {
		dir, secure := t.TempDir(), []string{"tls on", "tls.verify off", "retry_limit no_limits"}
		for name, data := range map[string][]byte{"cert.pem": cert, "key.pem": key} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		port, web := freePort(t), freePort(t)
		a := startAudit(t, "--listen", fmt.Sprintf("forward://127.0.0.1:%d", port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "30s",
			"--tls-cert", dir+"/cert.pem", "--tls-key", dir+"/key.pem", "--shared-key", "secret")
		stranger := h.start(t, launch{config: retrying + input("name gdummy", "tag a", "rate 100", "audit on") +
			toForward(port, append(secure, "shared_key another")...)})
		p := h.start(t, launch{dir: dir, config: httpService(web) + often + input("name gdummy", "tag a", "rate 1000", "max_records 2000", "ledger ledger", "catch_up full") +
			toForward(port, append(secure, "shared_key secret", "require_ack_response on")...)})
		p.awaitRecords(2000)
		p.awaitOutputs(web, 2000)
		p.stop()
		stranger.kill()
		v := a.verdict()
		v.Reordered = 0 // two threads send
		v.expect(t, all(2000))
		if !strings.Contains(a.err.String(), "the client has a different shared key") {
			t.Errorf("no client was refused: %s", a.err.String())
		}
		if !v.Clean || !v.Known {
			t.Errorf("clean %v, known %v: %v", v.Clean, v.Known, v.Faults)
		}
	})
}

// 10. A filter that changes a field damages records; one that adds fields, or nests all of
// them, enriches them.
func TestAuditFilters(t *testing.T) {
	filters := map[string]string{
		"a member changed": "name modify\n    match *\n    set level debug",
		"a member renamed": "name modify\n    match *\n    rename level severity",
		"members added":    "name modify\n    match *\n    add host web1\n    add zone eu",
		"nested":           "name nest\n    match *\n    operation nest\n    wildcard *\n    nest_under log",
		"prefixed":         "name modify\n    match *\n    add host web1\n\n[FILTER]\n    name nest\n    match *\n    operation nest\n    wildcard *\n    nest_under log\n\n[FILTER]\n    name nest\n    match *\n    operation lift\n    nested_under log\n    add_prefix log.",
	}
	onEachHost(t, func(t *testing.T, h host) {
		for name, filter := range filters {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service +
					input("name gdummy", "tag a", `dummy {"level":"info","took":0.1234567890123456,"ok":true}`, "rate 1000", "max_records 1000", "ledger ledger", "catch_up full") +
					"\n[FILTER]\n    " + filter + "\n" +
					"\n[OUTPUT]\n    name file\n    match *\n    path out\n"})
				p.awaitRecords(1000)
				p.awaitOut(1000)
				p.stop()
				want := all(1000)
				if strings.HasPrefix(name, "a member") {
					want.Damaged = 1000
				} else {
					want.Enriched = 1000
				}
				v := audit(t, "--ledger", p.dir+"/ledger", p.out())
				v.expect(t, want)
				if v.Clean != (want.Damaged == 0) {
					t.Errorf("clean: %v", v.Clean)
				}
			})
		}
	})
}

// Values of every kind, in every format that preserves them: Fluent Bit may write them
// differently, but they are not damaged.
func TestAuditSpelling(t *testing.T) {
	const dummy = `{"s":"a\"\\/\u0001\u00e9\u4e2d\ud83d\ude00\t<>&","i":1,"n":-5,"big":9007199254740993,"u":18446744073709551615,` +
		`"f":0.1,"g":1.0,"h":1e21,"k":123456789.12345678,"l":1e-7,"m":1234567890123456.7,"t":true,"z":null,"a":[1,2.5,"x",{"b":{}}],"w":-0.0}`
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{args: []string{
			"-q", "-f", "0.5", "-i", "gdummy", "-p", "dummy=" + dummy, "-p", "rate=1000", "-p", "max_records=500", "-p", "ledger=ledger", "-p", "tag=a",
			"-o", "file", "-p", "path=out", "-p", "file=default", "-m", "*",
			"-o", "file", "-p", "path=out", "-p", "file=plain", "-p", "format=plain", "-m", "*",
			"-o", "file", "-p", "path=out", "-p", "file=csv", "-p", "format=csv", "-m", "*",
			"-o", "stdout", "-p", "format=json_lines", "-m", "*",
		}})
		p.awaitRecords(500)
		p.awaitOut(4 * 500)
		p.send(syscall.SIGTERM)
		p.awaitExit(lifetime)
		for _, path := range []string{p.out() + "/default", p.out() + "/plain", p.out() + "/csv", p.stdout} {
			v := audit(t, "--ledger", p.dir+"/ledger", path)
			v.Foreign = 0 // the banner
			v.expect(t, all(500))
		}
	})
}

// The formats of stdout and opentelemetry are checked.
func TestAuditRewritten(t *testing.T) {
	const dummy = `{"level":"info","s":"a \"b\" \u00e9\t{}","i":-5,"u":18446744073709551615,"f":0.25,"g":-1e21,"m":1234567890123456.5,` +
		`"t":true,"z":null,"a":[1,null,"x, y",{"b":{}},[]]}`
	onEachHost(t, func(t *testing.T, h host) {
		for _, format := range []string{"msgpack", "otlp_json", "otlp_json_pretty"} {
			t.Run(format, func(t *testing.T) {
				want := all(500)
				if format != "msgpack" {
					h.since(t, version{5, 1, 0}, "format "+format)
					want.Enriched = 500 // each record is part of a larger one
				}
				t.Parallel()
				p := h.start(t, launch{args: []string{
					"-q", "-f", "0.5", "-i", "gdummy", "-p", "dummy=" + dummy, "-p", "rate=1000", "-p", "max_records=500", "-p", "ledger=ledger", "-p", "catch_up=full",
					"-o", "stdout", "-p", "format=" + format,
				}})
				p.awaitRecords(500)
				p.awaitOut(500)
				p.send(syscall.SIGTERM)
				p.awaitExit(lifetime)
				v := audit(t, "--ledger", p.dir+"/ledger", "--max-unchecked", "0", p.stdout)
				v.Foreign = 0 // the banner
				v.expect(t, want)
				if !v.Clean {
					t.Error(v.Faults)
				}
			})
		}
	})
}
