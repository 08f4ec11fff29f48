// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/maruel/panicparse/v2/stack"
)

// What a panic prints is a snapshot of one goroutine, each of whose calls is
// found.
func TestPanics(t *testing.T) {
	panics := 0
	lines(t, "go_panic", func(at time.Time, line string) {
		if !strings.HasPrefix(line, "panic: ") {
			onTime(t, "2006/01/02 15:04:05", line[:19], at, time.Second)
			return
		}
		panics++
		readPanic(t, line)
	})
	if panics < records/20 || panics > records/5 {
		t.Errorf("%d of %d records are panics", panics, records)
	}
}

// readPanic reads a panic and writes it again.
func readPanic(t *testing.T, text string) {
	t.Helper()
	var before bytes.Buffer
	s, _, err := stack.ScanSnapshot(strings.NewReader(text+"\n"), &before, stack.DefaultOpts())
	if err != io.EOF && err != nil || s == nil || len(s.Goroutines) != 1 {
		t.Fatalf("%v: %+v in %s", err, s, text)
	}
	g := s.Goroutines[0]
	got := fmt.Sprintf("%sgoroutine %d [%s]:", before.String(), g.ID, g.State)
	offsets := regexp.MustCompile(` \+0x[0-9a-f]+(\n|$)`).FindAllString(text, -1)
	if len(offsets) != len(g.Stack.Calls) || len(offsets) < 2 {
		t.Fatalf("%d calls in %s", len(g.Stack.Calls), text)
	}
	for i, c := range g.Stack.Calls {
		got += fmt.Sprintf("\n%s(%s)\n\t%s:%d%s", c.Func.Complete, &c.Args, c.RemoteSrcPath, c.Line, strings.TrimSuffix(offsets[i], "\n"))
	}
	same(t, got, text)
}

// joined calls read with each n lines of a format whose records are lines.
func joined(t *testing.T, name string, n int, read func(text string)) {
	t.Helper()
	var parts []string
	lines(t, name, func(_ time.Time, line string) {
		if parts = append(parts, line); len(parts) == n {
			read(strings.Join(parts, "\n"))
			parts = parts[:0]
		}
	})
}

// The lines of a panic, joined, are one.
func TestPanicLines(t *testing.T) {
	joined(t, "go_lines", 9, func(text string) { readPanic(t, text) })
}

// cause matches the lines of a Java trace that are not frames.
var cause = regexp.MustCompile(`^(?:Caused by: )?[\w.]+Exception: .+$|^\t\.\.\. \d+ more$`)

// Each line of a Java trace is read by what Elastic reads them with.
func TestJavaTraces(t *testing.T) {
	read := groked(t, `^%{JAVASTACKTRACEPART}$`)
	traces := 0
	lines(t, "java_multiline", func(_ time.Time, line string) {
		parts := strings.Split(line, "\n")
		for i, part := range parts[1:] {
			if !strings.HasPrefix(part, "\tat ") {
				if !cause.MatchString(part) || i == 1 {
					t.Errorf("%q is not part of a trace", part)
				}
				continue
			}
			traces++
			readFrame(t, read, part)
		}
	})
	if traces == 0 {
		t.Error("no trace")
	}
}

// readFrame reads a line of a Java trace and writes it again.
func readFrame(t *testing.T, read func(string) map[string]string, line string) {
	t.Helper()
	line = strings.Replace(line, "java.base/", "", 1) // the pattern is older than Java's modules
	m := read(line)
	same(t, fmt.Sprintf("\tat %s.%s(%s:%s)", m["java.log.origin.class.name"], m["log.origin.function"], m["log.origin.file.name"], m["log.origin.file.line"]), line)
}

// The first of the lines of a trace has the thread and the exception, the others its frames.
func TestJavaLines(t *testing.T) {
	read := groked(t, `^%{JAVASTACKTRACEPART}$`)
	first := regexp.MustCompile(`^Exception in thread "[\w-]+" [\w.]+(?:Exception|Error): .+$`)
	joined(t, "java_lines", 8, func(text string) {
		parts := strings.Split(text, "\n")
		if !first.MatchString(parts[0]) {
			t.Errorf("%q does not begin a trace", parts[0])
		}
		for _, part := range parts[1:] {
			if !cause.MatchString(part) {
				readFrame(t, read, part)
			}
		}
	})
}
