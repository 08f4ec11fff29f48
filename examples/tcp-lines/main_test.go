// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/gdummy/gdummy/flb/flbtest"
)

// address returns the address that the last instance listens on.
func address(t *testing.T, h *flbtest.Host) string {
	t.Helper()
	log := h.Log()
	for _, line := range slices.Backward(log) {
		if m := regexp.MustCompile(`listening on (\S+)`).FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	t.Fatalf("no address in the log: %q", log)
	return ""
}

// Several connections at once, a pause meanwhile, and a reload: each line is there once,
// and those of a connection are in order. A last line needs no end.
func TestReceive(t *testing.T) {
	const connections, lines = 4, 20000
	section := flbtest.Section{Properties: map[string]string{"address": "127.0.0.1:0"}}
	h := flbtest.New(t, plugin)
	if err := h.Start(section); err != nil {
		t.Fatal(err)
	}
	for generation := 1; ; generation++ {
		var senders sync.WaitGroup
		for n := range connections {
			sender := (generation-1)*connections + n
			senders.Go(func() {
				conn, err := net.Dial("tcp", address(t, h))
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				for i := range lines {
					end := "\r\n"
					if i == lines-1 {
						end = ""
					}
					fmt.Fprintf(conn, "%d %d%s", sender, i, end)
				}
			})
		}
		h.Await(lines / 10)
		h.Pause()
		h.Resume()
		senders.Wait()
		h.Await(generation * connections * lines)
		if generation == 2 {
			break
		}
		if err := h.Reload(section); err != nil {
			t.Fatal(err)
		}
	}
	h.Stop()
	next := map[int]int{} // by sender
	for _, e := range h.Events() {
		var sender, i int
		if _, err := fmt.Sscanf(e.Body["line"].(string), "%d %d", &sender, &i); err != nil || i != next[sender] {
			t.Fatalf("line %q, want number %d of this sender", e.Body["line"], next[sender])
		}
		next[sender]++
	}
	if len(next) != 2*connections || len(h.Events()) != 2*connections*lines {
		t.Errorf("%d lines of %d connections, want %d of %d", len(h.Events()), len(next), 2*connections*lines, 2*connections)
	}
}

// A port that is taken is an error of the start.
func TestListenTwice(t *testing.T) {
	one, two := flbtest.New(t, plugin), flbtest.New(t, plugin)
	if err := one.Start(flbtest.Section{Properties: map[string]string{"address": "127.0.0.1:0"}}); err != nil {
		t.Fatal(err)
	}
	if err := two.Start(flbtest.Section{Properties: map[string]string{"address": address(t, one)}}); err == nil {
		t.Error("a second instance listens on the same port")
	}
}
