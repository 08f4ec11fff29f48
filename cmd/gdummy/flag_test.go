// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/printer"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/prove/tracking"
	"github.com/gdummy/gdummy/internal/wire/collect"
	"github.com/gdummy/gdummy/internal/wire/selfsigned"
)

// Each flag's example is run as in a shell, in a directory with the files that it names.
// The golden file has its exit code, the first line of output, and the new files. A command
// that listens receives the records, and is interrupted if nothing else ends it.
func TestFlagExamples(t *testing.T) {
	fixture := makeFixture(t)
	type ran struct{ line, end string }
	results := make(chan ran, 100)
	t.Run("all", func(t *testing.T) {
		for _, c := range commands() {
			for _, r := range c.flags() {
				t.Run(c.name+"/"+r.name, func(t *testing.T) {
					t.Parallel()
					line := "gdummy " + c.name + " " + r.example
					if !strings.Contains(" "+r.example+" ", " "+r.dashed()+" ") {
						t.Errorf("the flag is not in its example: %s", line)
					}
					dir := t.TempDir()
					if err := os.CopyFS(dir, os.DirFS(fixture)); err != nil {
						t.Fatal(err)
					}
					results <- ran{line, runExample(t, dir, line)}
				})
			}
		}
	})
	close(results)
	ends := map[string]string{}
	for r := range results {
		ends[r.line] = r.end
	}
	var got bytes.Buffer
	for _, c := range commands() {
		for _, r := range c.flags() {
			line := "gdummy " + c.name + " " + r.example
			fmt.Fprintf(&got, "$ %s\n%s\n", line, ends[line])
		}
	}
	compare(t, "testdata/flags.golden", got.Bytes())
}

// An empty value, such as that of a variable of a shell that is not set, is an error for
// every flag: the command would do something else than was asked.
func TestEmptyValues(t *testing.T) {
	for _, c := range commands() {
		for _, r := range c.flags() {
			if r.arg == "" {
				continue
			}
			for _, args := range [][]string{{c.name, r.dashed(), ""}, {c.name, r.dashed() + "="}} {
				var log both
				want := "gdummy " + c.name + ": flag " + r.dashed() + ": empty value: expected " + r.arg + "\n"
				if code := gdummy(stream{out: new(both), err: &log}, args); code != exitUsage || !strings.HasPrefix(log.String(), want) {
					t.Errorf("%q: code %d: %s", args, code, log.String())
				}
			}
		}
	}
}

// makeFixture creates a directory with the files that examples name: records in various
// states, and the ledger of their run.
func makeFixture(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := cmp.Or(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	data := generate(t, 1000, filepath.Join(dir, "run.ledger"))
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	each := func(name string, f func(line string) string) {
		var b strings.Builder
		for _, line := range lines {
			b.WriteString(f(strings.TrimSuffix(string(line), "\n")) + "\n")
		}
		write(name+"/records", []byte(b.String()))
	}
	write("out/records", data)
	short, made := shortRun(t)
	write("short.ledger", short)
	write("short/records", made)
	write("copy/records", data)
	write("cut/records", bytes.Join(lines[:950], nil))
	write("fluent-bit.conf", []byte("[INPUT]\n    name gdummy\n    rat  5\n"))
	write("orders.ndjson", []byte("{\"time\":\"2026-11-01T08:00:00Z\",\"order\":1}\n{\"time\":\"2026-11-01T08:00:00.2Z\",\"order\":2}\n"))
	write("others/records", []byte("{\"a\":1}\n"))
	write("checkout.test.yaml", []byte("pipeline: fluent-bit.conf\nsinks:\n  - output: orders\n"))
	write("shop.test.yaml", []byte("pipeline: shop.conf\nsinks:\n  - output: orders\n    fields: {message: '\"dummy\"'}\n"))
	write("shop.conf", []byte("[INPUT]\n    name gdummy\n"))
	// One that no test runs in: what is compared is how the command ends.
	write("fluent-bit", []byte("#!/bin/sh\necho Fluent Bit v2.0.14\n"))
	if err := os.Chmod(filepath.Join(dir, "fluent-bit"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("garbage/records.gz", []byte("\x1f\x8bno archive"))
	each("nested", func(line string) string { return `{"log":` + line + `}` })
	each("ingested", func(line string) string { return `{"event":{"ingested":"2100-01-01T00:00:00Z"},` + line[1:] })
	each("renamed", func(line string) string { return strings.Replace(line, `"message"`, `"msg"`, 1) })
	identity := regexp.MustCompile(`"gdummy":"([^"]+)"`)
	each("csv", func(line string) string { return identity.FindStringSubmatch(line)[1] + ",dummy" })
	if err := os.Mkdir(filepath.Join(dir, "parts"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, half := range [][][]byte{lines[:500], lines[500:]} {
		part := filepath.Join(dir, "parts", fmt.Sprint(i))
		in := bytes.NewReader(bytes.Join(half, nil))
		if code := gdummy(stream{in: in, out: io.Discard, err: os.Stderr}, []string{"audit", "--part", part, "--as", fmt.Sprint("half ", i), "-"}); code != exitFine {
			t.Fatal("no part is written")
		}
	}
	slices.Reverse(lines)
	lines[0] = append(lines[0], '\n')
	each("backwards", func(line string) string { return line })

	cert, key, err := selfsigned.Pair()
	if err != nil {
		t.Fatal(err)
	}
	write("cert.pem", cert)
	write("token", []byte("0123456789abcdef\n"))
	write("key.pem", key)
	return dir
}

// shortRun creates the ledger and the records of a run with a shortfall of 50.
func shortRun(t *testing.T) (book, records []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	c, _, err := engine.Configure(func(name string) (string, bool) { return path, name == "ledger" }, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := tracking.Start(&c.Config, tracking.Options{Name: defaultTag, Metadata: true})
	if err != nil {
		t.Fatal(err)
	}
	c.MaxRecords = 200
	c.Rate.Unlimited = true
	e := engine.New(c, engine.Options{Form: event.V2, Mark: p.Mark()})
	if err := p.Open(e.Origin()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	h := printer.New(&out, c, printer.Options{Format: printer.Formats[1], Tag: defaultTag, Shortfall: func() uint64 { return 0 }})
	e.Run(h)
	h.End()
	if err := p.Close(200, nil, 200, 50, engine.Unsent{}); err != nil {
		t.Fatal(err)
	}
	return []byte(slurp(t, path)), out.Bytes()
}

var listens = regexp.MustCompile(`(forward|http|tcp)://:\d+`) // but for that of --collect

// runExample runs a line in a directory and describes the result.
func runExample(t *testing.T, dir, line string) string {
	t.Helper()
	before := tree(t, dir)
	m := listens.FindStringSubmatch(collects.ReplaceAllString(line, ""))
	addr := ""
	if m != nil { // replace the port by a free one
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr = l.Addr().String()
		l.Close()
		line = strings.Replace(line, m[0], m[1]+"://"+addr, 1)
	}
	line = withCollector(t, dir, line)
	var out, log both
	cmd := exec.Command("sh", "-c", "exec "+line)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &log
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	if m != nil {
		for end := time.Now().Add(30 * time.Second); !strings.Contains(log.String(), "listening at"); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: not listening: %s", line, log.String())
			}
		}
		data, err := os.ReadFile(filepath.Join(dir, "out", "records"))
		if err == nil {
			err = send(m[1], addr, strings.Contains(line, "--tls-cert"), strings.Contains(line, "--shared-key"), data)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if !strings.Contains(line, "--idle") && !strings.Contains(line, "--until-ledger-complete") {
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Error(err)
			}
		}
	}
	for flag, ready := range map[string]string{"--watch": "watching", "--collect ": "collecting"} {
		if !strings.Contains(line, flag) || m != nil {
			continue
		}
		for end := time.Now().Add(30 * time.Second); !strings.Contains(log.String(), ready); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: not %s: %s", line, ready, log.String())
			}
		}
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}
	code := 0
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(out.String(), "\n")
	end := fmt.Sprintf("exit code %d: %s\n", code, timeOfRecord.ReplaceAllString(first, "TIME"))
	for _, name := range tree(t, dir) {
		if !slices.Contains(before, name) {
			end += "new: " + name + "\n"
		}
	}
	return end
}

var collects = regexp.MustCompile(`(--collect|--to) (https?)://[^: ]*:\d+`)

// withCollector returns a line whose collector has a free port. It starts that of a pusher.
func withCollector(t *testing.T, dir, line string) string {
	t.Helper()
	m := collects.FindStringSubmatch(line)
	if m == nil {
		return line
	}
	address := m[2] + "://127.0.0.1:0"
	if m[1] == "--to" {
		token, err := collect.Token(filepath.Join(dir, "token"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := collect.Listen(address, collect.Options{Dir: t.TempDir(), Token: token})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		address = c.String()
	}
	return strings.Replace(line, m[0], m[1]+" "+address, 1)
}

var timeOfRecord = regexp.MustCompile(`\d{10}\.\d+|\d+\.\ds$`)

// tree returns the files in a directory.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	matches, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range matches {
		names = append(names, filepath.Base(m))
	}
	return names
}

// send sends records to a listener, and waits until they are accepted. If there is a shared
// key, which it does not know, it only awaits the greeting.
func send(kind, addr string, secure, greeting bool, data []byte) error {
	insecure := &tls.Config{InsecureSkipVerify: true}
	if kind == "http" {
		scheme := "http"
		if secure {
			scheme = "https"
		}
		client := http.Client{Transport: &http.Transport{TLSClientConfig: insecure}}
		resp, err := client.Post(scheme+"://"+addr, "application/json", bytes.NewReader(data))
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if secure {
		c = tls.Client(c, insecure)
	}
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	switch {
	case kind == "tcp":
		_, err = c.Write(data)
		return err
	case greeting:
		var b [7]byte
		if _, err := io.ReadFull(c, b[:]); err != nil || string(b[1:6]) != "\xa4HELO" {
			return fmt.Errorf("got %q instead of a greeting: %w", b, err)
		}
		return nil
	}
	// A list of records, whose acceptance is answered.
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	msg := msgp.AppendString(msgp.AppendArrayHeader(nil, 3), "a")
	msg = msgp.AppendArrayHeader(msg, uint32(len(lines)))
	for _, line := range lines {
		msg = msgp.AppendInt(msgp.AppendArrayHeader(msg, 2), 1700000000)
		msg = msgp.AppendString(msgp.AppendMapHeader(msg, 1), "log")
		msg = msgp.AppendString(msg, string(line))
	}
	msg = msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(msg, 1), "chunk"), "x")
	if _, err := c.Write(msg); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

// Errors in flags name the flag, the value, and what is expected.
func TestFlagErrors(t *testing.T) {
	for line, want := range map[string]string{
		"audit --max-lost -1 out": "gdummy audit: flag --max-lost: invalid value \"-1\": expected a whole number from 0 to 9223372036854775807\n  example: gdummy audit --max-lost 100 --ledger run.ledger cut\n",
		"audit --ledgr x out":     "gdummy audit: unknown flag --ledgr; did you mean --ledger?\n  example: gdummy audit --ledger 'run.ledger*' out\n",
		"audit --quite-something": "gdummy audit: unknown flag --quite-something\n",
		"audit out --ledger":      "gdummy audit: flag --ledger: missing value: expected FILE\n  example: gdummy audit --ledger 'run.ledger*' out\n",
		"audit --json=perhaps":    "gdummy audit: flag --json: invalid value \"perhaps\": expected on or off (or true, false, yes, no)\n  example: gdummy audit --json --ledger run.ledger out\n",
		"run -p x":                "gdummy run: flag -p: expected key=value\n  example: gdummy run -p rate=1k -p 'dummy={\"level\":\"info\"}' --records 3\n",
		"profile --for 0 5":       "gdummy profile: flag --for: expected a time above 0\n  example: gdummy profile --for 1m '100 for 10s; idle for 5s; repeat'\n",
		"version --x":             "gdummy version: unknown flag -x\n",
	} {
		var log both
		args := strings.Fields(line)
		if code := gdummy(stream{out: new(both), err: &log}, args); code != exitUsage {
			t.Errorf("%s: code %d", line, code)
		}
		if got, want := log.String(), want+"run `gdummy help "+args[0]+"` for details\n"; got != want {
			t.Errorf("%s:\n%s\nwant\n%s", line, got, want)
		}
	}
}

// Every row of the table is complete.
func TestFlagsAreComplete(t *testing.T) {
	for _, c := range commands() {
		seen := map[string]bool{}
		for _, r := range c.flags() {
			if r.name == "" || r.help == "" || r.example == "" || r.set == nil || seen[r.name] {
				t.Errorf("the row of %s of %s is incomplete or a duplicate", r.name, c.name)
			}
			seen[r.name] = true
		}
	}
}

// --seed is parsed like the option seed.
func TestSeedOfFaults(t *testing.T) {
	for text, want := range map[string]uint64{"010": 10, "0x1f": 31, "18446744073709551615": 1<<64 - 1, "abc": seed.Parse("abc")} {
		var f auditFlags
		if err := flags("audit", f.table()).Parse([]string{"--seed", text}); err != nil || f.live.seed != want {
			t.Errorf("%s: %d, %v, want %d", text, f.live.seed, err, want)
		}
	}
}
