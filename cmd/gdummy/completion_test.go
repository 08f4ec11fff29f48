// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The last word of each line is completed from the tables of commands, flags, options
// and topics.
func TestComplete(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"pro", "profile"},
		{"--v", "--version"},
		{"nonsense ", ""},
		{"help ch", "check"},
		{"help check ", ""},
		{"completion ", "bash zsh fish"},
		{"completion bash ", ""},
		{"doc func", "functions function"},
		{"doc format k", "klog kubernetes"},
		{"doc option max_", "max_records max_in_flight max_memory max_gap"},
		{"doc function weig", "weighted weight"},
		{"doc options ", ""},
		{"check ", ":files"},
		{"check --js", "--json"},
		{"check -- --js", ":files"},
		{"run --format ", "fluentbit json msgpack"},
		{"run --format=j", "--format=json"},
		{"run --max-r", "--max-records"},
		{"run --records 5 --out", "--output"},
		{"run --records ", ""},
		{"run --nonsense=", ""},
		{"run --output ", ":files"},
		{"run --catch-up ", "limit full none"},
		{"run --catch_up=f", "--catch_up=full"},
		{"run --audit=", "--audit=on --audit=off"},
		{"run -p rat", "rate="},
		{"run -p audit_in=", "audit_in=body audit_in=metadata"},
		{"run -p format=kl", "format=klog"},
		{"run -p template_file=", ":files"},
		{"run -p nonsense=", ""},
		{"audit --ledger ", ":files"},
		{"audit --json out", ":files"},
		{"profile ", ""},
	} {
		var out bytes.Buffer
		words := strings.Split(tt.line, " ")
		if code := complete(stream{out: &out}, words); code != exitFine {
			t.Errorf("complete(%q): code %d", tt.line, code)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			got = append(got, word)
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("complete(%q) = %q, want %q", tt.line, got, tt.want)
		}
	}
}

// typed lists lines that end with a tab, and their completions in a shell.
var typed = []struct{ line, want string }{
	{"gdummy aud", "gdummy audit "},
	{"gdummy doc function weighte", "gdummy doc function weighted "},
	{"gdummy run -p audit_i", "gdummy run -p audit_in="},
	{"gdummy run -p audit_in=meta", "gdummy run -p audit_in=metadata "},
	{"gdummy run --tag a:b --format=j", "gdummy run --tag a:b --format=json "},
	{"gdummy check uniq", "gdummy check unique.conf "},
	{"gdummy run --ledger=uniq", "gdummy run --ledger=unique.conf "},
}

// shell returns the path of a shell, or skips the test.
func shell(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("### SKIPPED: the completion in %s (apt-get install %[1]s): %v", name, err)
	}
	return path
}

// The scripts complete lines at a terminal.
func TestCompletionAtTerminal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		args  []string
		setup string
	}{
		{"bash", []string{"--norc", "--noprofile", "-i"}, "bind 'set bell-style none'; source <(gdummy completion bash)"},
		{"zsh", []string{"-f", "-i"}, "unsetopt PROMPT_SP ZLE_BRACKETED_PASTE 2>/dev/null; autoload -U compinit; compinit -u -D; source <(gdummy completion zsh)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := shell(t, tt.name)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "unique.conf"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			pty, tty := openTerminal(t)
			cmd := exec.Command(path, tt.args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "TERM=dumb", "PS1=", "HOME="+dir, "INPUTRC=/dev/null")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			tty.Close()
			timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			out := bufio.NewReader(pty)
			send := func(text string) {
				if _, err := io.WriteString(pty, text); err != nil {
					t.Fatal(err)
				}
			}
			// expect reads until text is printed.
			expect := func(text string) {
				t.Helper()
				var seen []byte
				for !bytes.Contains(seen, []byte(text)) {
					c, err := out.ReadByte()
					if err != nil {
						t.Fatalf("%v, want %q after %q", err, text, seen)
					}
					seen = append(seen, c)
				}
			}
			send(tt.setup + "; echo re''ady\n")
			expect("ready")
			for _, line := range typed {
				// The line becomes the argument of echo, which prints the completed line.
				send(line.line + "\t\x01echo '<\x05>'\n")
				want := line.want
				if tt.name == "zsh" { // removes a space when the cursor moves
					want = strings.TrimSuffix(want, " ")
				}
				expect("<" + want + ">")
			}
		})
	}
}

// fish completes without a terminal, too.
func TestCompletionInFish(t *testing.T) {
	fish := shell(t, "fish")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "unique.conf"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, line := range typed {
		cmd := exec.Command(fish, "--no-config", "-c", "gdummy completion fish | source; complete --do-complete $argv[1]", line.line)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v, %s", line.line, err, out)
		}
		word, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\t")
		want := strings.Fields(line.want)
		if !slices.Equal([]string{word}, want[len(want)-1:]) {
			t.Errorf("%q is completed to %q, want %q", line.line, word, line.want)
		}
	}
}
