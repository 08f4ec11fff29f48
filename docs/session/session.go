// SPDX-License-Identifier: Apache-2.0

// Package session reads the commands and files that a page of documentation shows,
// runs the commands, and compares what they print with the page. It is for tests.
//
// # Blocks
//
// A fenced block of a page declares in its first line what it is:
//
//	```console                  commands, each after "$ ", and what they print
//	```console terminal=2       the same, in a second terminal: it runs beside the
//	                            blocks that follow, and ends with the page
//	```console ctrl-c=3s        commands that the reader interrupts
//	```yaml file=fluent-bit.yaml    a file that the reader saves
//	```console needs=docker     not run: it needs what a test does not have
//
// A page is one session: its blocks run in order, in one directory. Below a command
// follows what it prints; a line of three dots matches any lines, and a command
// without output may print anything. A command that fails is followed by
// "$ echo $?" and its exit code.
//
// Numbers, times and random identities differ between runs, so they are compared by
// their form; see [Form].
package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Needs are what a block can need that tests do not have.
var Needs = []string{"browser", "checkout", "cluster", "docker", "network", "old-host"}

// Page is a page of documentation.
type Page struct {
	Path   string
	Blocks []*Block

	lines []string
}

// Block is a fenced block of a page.
type Block struct {
	Line     int           // of its fence, from 1
	Language string        // the first word of its fence
	File     string        // file=
	Needs    string        // needs=
	Terminal int           // terminal=; 1 if absent
	CtrlC    time.Duration // ctrl-c=; after it the reader interrupts each command
	Text     string        // what is between the fences
	Commands []Command

	end int // the line of the closing fence
}

// Console reports whether the block has commands.
func (b *Block) Console() bool { return b.Language == "console" }

// Command is a command and its expected output.
type Command struct {
	Text   string
	Output string
}

// exitCode is the command that prints the exit code of the one before it.
const exitCode = "echo $?"

// Pages returns the paths of the pages of a checkout that people read: README, the
// pages in docs and in examples.
func Pages(root string) ([]string, error) {
	var paths []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	return paths, nil
}

// Read reads a page.
func Read(path string) (*Page, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := &Page{Path: path, lines: strings.SplitAfter(string(text), "\n")}
	for i := 0; i < len(p.lines); i++ {
		fence, ok := strings.CutPrefix(p.lines[i], "```")
		if !ok {
			continue
		}
		start := i
		for i++; i < len(p.lines) && strings.TrimSpace(p.lines[i]) != "```"; i++ {
		}
		if i == len(p.lines) {
			return nil, fmt.Errorf("%s:%d: the block does not end", path, start+1)
		}
		b, err := parse(strings.Fields(fence), strings.Join(p.lines[start+1:i], ""))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, start+1, err)
		}
		b.Line, b.end = start+1, i
		p.Blocks = append(p.Blocks, b)
	}
	return p, nil
}

func parse(words []string, text string) (*Block, error) {
	b := &Block{Text: text, Terminal: 1}
	for i, word := range words {
		name, value, assigned := strings.Cut(word, "=")
		switch {
		case i == 0 && !assigned:
			b.Language = word
		case name == "file" && filepath.IsLocal(value):
			b.File = value
		case name == "needs" && slices.Contains(Needs, value):
			b.Needs = value
		case name == "ctrl-c":
			d, err := time.ParseDuration(value)
			if err != nil {
				return nil, err
			}
			b.CtrlC = d
		case name == "terminal":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("invalid %q: expected a number from 1", word)
			}
			b.Terminal = n
		default:
			return nil, fmt.Errorf("unknown %q: expected file=NAME, terminal=N, ctrl-c=TIME or needs= one of %s", word, strings.Join(Needs, ", "))
		}
	}
	if !b.Console() {
		return b, nil
	}
	for line := range strings.Lines(text) {
		last := len(b.Commands) - 1
		switch command, ok := strings.CutPrefix(line, "$ "); {
		case ok:
			b.Commands = append(b.Commands, Command{Text: strings.TrimSuffix(command, "\n")})
		case last < 0:
			return nil, fmt.Errorf("output without a command: %q", line)
		case strings.HasSuffix(b.Commands[last].Text, `\`) && b.Commands[last].Output == "":
			b.Commands[last].Text += "\n" + strings.TrimSuffix(line, "\n")
		default:
			b.Commands[last].Output += line
		}
	}
	return b, nil
}

// Executable reports whether a page has commands that can be run.
func (p *Page) Executable() bool {
	return slices.ContainsFunc(p.Blocks, func(b *Block) bool { return b.Console() && b.Needs == "" })
}

// Write writes the page with the present output of its commands.
func (p *Page) Write() error {
	var text strings.Builder
	next := 0
	for _, b := range p.Blocks {
		if !b.Console() {
			continue
		}
		text.WriteString(strings.Join(p.lines[next:b.Line], ""))
		for _, c := range b.Commands {
			fmt.Fprintf(&text, "$ %s\n%s", c.Text, c.Output)
		}
		next = b.end
	}
	text.WriteString(strings.Join(p.lines[next:], ""))
	return os.WriteFile(p.Path, []byte(text.String()), 0o644)
}

// Runner runs the commands of a page.
type Runner struct {
	Dir string
	Env []string

	// Local replaces what differs on this machine from the page, such as ports, and
	// Shown replaces it back.
	Local, Shown func(string) string
}

// Result is what a command did.
type Result struct {
	Output string // what the reader sees, but for Fluent Bit's banner and log
	Log    string // the banner and the log
	Err    error  // nil if it ended with the exit code that the page shows
}

// Run runs the commands of a block, up to the first one that fails.
func (r *Runner) Run(ctx context.Context, b *Block) []Result {
	var results []Result
	code := 0
	for i, c := range b.Commands {
		if c.Text == exitCode {
			results = append(results, Result{Output: fmt.Sprintln(code)})
			continue
		}
		cmd := exec.CommandContext(ctx, "bash", "-c", r.Local(c.Text))
		cmd.Dir, cmd.Env = r.Dir, r.Env
		// What bash has started in a pipe ends with it.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		var output, log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if strings.Contains(c.Text, "fluent-bit -") {
			cmd.Stderr = &log
		}
		err := cmd.Start()
		if err == nil {
			if b.CtrlC > 0 {
				defer time.AfterFunc(b.CtrlC, func() { _ = cmd.Process.Signal(os.Interrupt) }).Stop()
			}
			err = cmd.Wait()
		}
		code = 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
			if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
				code = 128 + int(status.Signal()) // as a shell has it
			}
			interrupted := b.CtrlC > 0 && code == 128+int(syscall.SIGINT)
			if interrupted || i+1 < len(b.Commands) && b.Commands[i+1].Text == exitCode {
				err = nil
			}
		}
		shown := r.Shown(output.String())
		if shown != "" && !strings.HasSuffix(shown, "\n") {
			shown += "\n"
		}
		results = append(results, Result{shown, log.String(), err})
		if err != nil {
			break
		}
	}
	return results
}

// dots match any lines.
const dots = "...\n"

// Diff returns how a result differs from what the page shows, or "".
func (c *Command) Diff(r Result) string {
	got, want := Form(r.Output), Form(c.Output)
	if c.Text == exitCode {
		got, want = r.Output, c.Output
	}
	if c.Output == "" || matches(got, want) {
		return ""
	}
	return fmt.Sprintf("it prints\n%s\nin form\n%s\nand the page shows, in form,\n%s", r.Output, got, want)
}

// Renew takes a result over if it differs from what the page shows.
func (c *Command) Renew(r Result) {
	if c.Diff(r) != "" {
		c.Output = r.Output
	}
}

var forms = []struct {
	what *regexp.Regexp
	form string
}{
	{regexp.MustCompile(`gd1\.[0-9a-v.]{51}`), "IDENTITY"},
	{regexp.MustCompile(`\b[0-9a-v]{12} gdummy`), "RUN gdummy"},
	{regexp.MustCompile(`run=[0-9a-v]{12}`), "run=RUN"},
	{regexp.MustCompile(`\d{4}[-/]\d\d[-/]\d\d[T ][0-9:.]+Z?`), "TIME"},
	{regexp.MustCompile(`#[0-9a-f]{8}\b`), "#SUM"},
	{regexp.MustCompile(`[▁▂▃▄▅▆▇█·]+`), "CURVE"},
	{regexp.MustCompile(`\b\d[0-9,.]*(ns|µs|ms|s|k|M)?\b`), "N"},
	{regexp.MustCompile(` +`), " "},
	{regexp.MustCompile(`(?m)^ | $`), ""},
	// How far a request was read before an outage reset its connection is a race.
	{regexp.MustCompile(`; the receiver refused N of the lost, for .*| by receiver`), ""},
	// A slow machine has several requests under way, and delays change their order.
	{regexp.MustCompile(`reordered: at most N numbers behind\n\n`), ""},
	{regexp.MustCompile(`(RUN gdummy\.N)( N)+`), "$1 N"},
}

// Form returns a text without what differs from run to run.
func Form(text string) string {
	for _, f := range forms {
		text = f.what.ReplaceAllString(text, f.form)
	}
	return text
}

// matches reports whether a text is as wanted, where a line of dots matches any
// lines.
func matches(got, want string) bool {
	parts := strings.Split(want, dots)
	if !strings.HasPrefix(got, parts[0]) {
		return false
	}
	if len(parts) == 1 {
		return got == want
	}
	at := len(parts[0])
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(got[at:], part)
		if i < 0 {
			return false
		}
		at += i + len(part)
	}
	return len(got)-len(parts[last]) >= at && strings.HasSuffix(got, parts[last])
}
