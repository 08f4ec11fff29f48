// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// Every manual page is well-formed and has the contents of the help.
func TestManualPages(t *testing.T) {
	pages := manualPages()
	if len(pages) < 7 {
		t.Fatalf("only %v", pages)
	}
	for _, name := range pages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := manualPage(name)
			if err != nil {
				t.Fatal(err)
			}
			mandoc := shell(t, "mandoc")
			lint := exec.Command(mandoc, "-T", "lint", "-W", "warning")
			lint.Stdin = bytes.NewReader(page)
			// A page has a version instead of a date.
			if out, err := lint.CombinedOutput(); err != nil && strings.Count(string(out), "\n") != strings.Count(string(out), "missing date") {
				t.Errorf("%s", out)
			}
			show := exec.Command(mandoc, "-T", "ascii", "-O", "width=200")
			show.Stdin = bytes.NewReader(page)
			out, err := show.Output()
			if err != nil {
				t.Fatal(err)
			}
			got := unbold(string(out))
			c, ok := find(strings.TrimSuffix(strings.TrimPrefix(name, "gdummy-"), ".1"))
			if !ok {
				return
			}
			for _, r := range c.flags() {
				if want := "$ gdummy " + c.name + " " + r.example; !strings.Contains(got, want) || !strings.Contains(got, r.head()) {
					t.Errorf("%s is not in\n%s", want, got)
				}
			}
		})
	}
}

// unbold removes the overstriking of bold text.
func unbold(text string) string {
	var b []rune
	for _, c := range text {
		if c == '\b' {
			b = b[:len(b)-1]
			continue
		}
		b = append(b, c)
	}
	return string(b)
}
