// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal returns the output of f on a terminal of 100 columns.
func onTerminal(t *testing.T, f func(tty *os.File)) string {
	t.Helper()
	pty, tty := openTerminal(t)
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		var out strings.Builder
		_, _ = io.Copy(&out, bufio.NewReader(pty)) // returns an error when the terminal is closed
		read <- strings.ReplaceAll(out.String(), "\r\n", "\n")
	}()
	f(tty)
	tty.Close()
	return <-read
}

// started returns a progress whose bar is due.
func started(out io.Writer, total int64, records func() uint64) *progress {
	p := newProgress(out, total, records)
	p.began = p.began.Add(-time.Minute)
	p.next = p.began
	return p
}

const clearLine = "\x1b[2K\r"

// The bar shows bytes, records per second and the remaining time. A message replaces it.
func TestProgress(t *testing.T) {
	t.Setenv("TERM", "xterm")
	for _, tt := range []struct {
		name    string
		total   int64
		records func() uint64
		want    string
	}{
		{"bytes", 4_000_000, func() uint64 { return 600_000 }, `25% \S+ *\| +\(1\.0/4\.0 MB, [\d.]+ [kMGT]?B/s\) \[\S+:\S+\] [\d,]+ records/s`},
		{"records", 4_000_000, nil, `25% \S+ *\| +\(1000000/4000000, \d+ records/s\) \[\S+:\S+\]`},
		{"unknown", -1, nil, `\(1000000/-, \d+ records/s\)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := onTerminal(t, func(tty *os.File) {
				p := started(tty, tt.total, tt.records)
				p.update(1_000_000)
				fmt.Fprintln(p, "a message")
			})
			bar, rest, ok := strings.Cut(got, clearLine+"a message\n")
			if !ok || rest != "" || !regexp.MustCompile(tt.want).MatchString(bar) {
				t.Errorf("got %q, want %s and then the message", got, tt.want)
			}
		})
	}
}

// The bar is not shown in the first second, and is updated rarely.
func TestProgressIsRare(t *testing.T) {
	t.Setenv("TERM", "xterm")
	if got := onTerminal(t, func(tty *os.File) {
		p := newProgress(tty, 10, nil)
		p.next = time.Now().Add(time.Hour)
		p.update(5)
		p.hide()
	}); got != "" {
		t.Errorf("before it is due: %q, want nothing", got)
	}
	if got := onTerminal(t, func(tty *os.File) {
		p := started(tty, 10, nil)
		p.update(5)
		p.next = time.Now().Add(time.Hour)
		p.update(6)
	}); strings.Contains(got, "6/10") || !strings.Contains(got, "5/10") {
		t.Errorf("%q, want 5/10 and not 6/10", got)
	}
}

// A pipe and a dumb terminal get no bar.
func TestNoProgress(t *testing.T) {
	var out bytes.Buffer
	p := started(&out, 10, nil)
	p.update(5)
	fmt.Fprint(p, "x")
	if got := out.String(); got != "x" {
		t.Errorf("in a pipe: %q, want x", got)
	}
	t.Setenv("TERM", "dumb")
	if got := onTerminal(t, func(tty *os.File) { started(tty, 10, nil).update(5) }); got != "" {
		t.Errorf("on a dumb terminal: %q, want nothing", got)
	}
}

// A run of more than a second shows a bar if it writes to a file.
func TestRunShowsProgress(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "records")
	runs := func(out string) string {
		return onTerminal(t, func(tty *os.File) {
			cmd := exec.Command("sh", "-c", "gdummy run --rate 100 --records 160"+out)
			cmd.Env = append(os.Environ(), "TERM=xterm")
			cmd.Stderr = tty
			if err := cmd.Run(); err != nil {
				t.Error(err)
			}
		})
	}
	if got := runs(" --output " + file); !regexp.MustCompile(`\d+% .*/160, \d+ records/s`).MatchString(got) || !strings.Contains(got, clearLine+"gdummy run: scheduled 160 records") {
		t.Errorf("%q, want a bar and then the summary", got)
	}
	if got := runs(" | cat >/dev/null"); strings.Contains(got, "%") {
		t.Errorf("in a pipe: %q, want no bar", got)
	}
}

// Verdicts and errors have colours on a terminal, unless NO_COLOR is set.
func TestColours(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("bad.conf", "[INPUT]\n    name gdummy\n    rat 5\n")
	records := generate(t, 10, filepath.Join(dir, "ledger"))
	write("all", string(records))
	write("cut", string(records[:len(records)/2]))
	for _, tt := range []struct {
		args, plain, coloured string
	}{
		{"check bad.conf", "bad.conf:3:5: option rat: ", "\x1b[31mbad.conf:3:5:\x1b[0m option rat: "},
		{"audit --ledger ledger all", "clean: 10 of 10", "\x1b[32mclean:\x1b[0m 10 of 10"},
		{"audit --ledger ledger cut", "FAULTS: ", "\x1b[31mFAULTS:\x1b[0m "},
	} {
		for _, env := range []struct{ text, want string }{
			{"NO_COLOR=", tt.coloured}, {"NO_COLOR=1", tt.plain}, {"TERM=dumb", tt.plain},
		} {
			got := onTerminal(t, func(tty *os.File) {
				cmd := exec.Command("gdummy", strings.Fields(tt.args)...)
				cmd.Dir, cmd.Stdout = dir, tty
				cmd.Env = append(os.Environ(), "TERM=xterm", env.text)
				if err := cmd.Run(); cmd.ProcessState == nil {
					t.Error(err)
				}
			})
			if !strings.HasPrefix(got, env.want) {
				t.Errorf("%s, %s: %q, want %q first", env.text, tt.args, got, env.want)
			}
		}
		cmd := exec.Command("gdummy", strings.Fields(tt.args)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
		if out, _ := cmd.Output(); !strings.HasPrefix(string(out), tt.plain) {
			t.Errorf("in a pipe, %s: %q, want %q first", tt.args, out, tt.plain)
		}
	}
}
