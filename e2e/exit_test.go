// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"syscall"
	"testing"
	"time"
)

// After SIGTERM, the exit code is 0 within three seconds, however long the input would wait
// for its next tick.
func TestSIGTERM(t *testing.T) {
	configs := map[string]string{
		"idle for an hour":        input("name gdummy", "tag a", "interval_sec 3600"),
		"idle, threaded off":      input("name gdummy", "tag a", "interval_sec 3600", "threaded off"),
		"finished":                input("name gdummy", "tag a", "samples 1", "rate 100"),
		"busy":                    input("name gdummy", "tag a", "rate 10000"),
		"two instances":           input("name gdummy", "tag a", "rate 100") + input("name gdummy", "tag b", "interval_sec 3600"),
		"two, one threaded off":   input("name gdummy", "tag a", "rate 100") + input("name gdummy", "tag b", "rate 50", "threaded off"),
		"two, both threaded off":  input("name gdummy", "tag a", "rate 100", "threaded off") + input("name gdummy", "tag b", "rate 50", "threaded off"),
		"next to a dummy":         input("name gdummy", "tag a", "interval_sec 3600") + input("name dummy", "tag b"),
		"more than can be stored": input("name gdummy", "tag a", "rate 1000", "copies 20", "mem_buf_limit 100k"),
	}
	onEachHost(t, func(t *testing.T, h host) {
		for name, config := range configs {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service + config + clock + toFiles})
				p.awaitTicks(2)
				p.stopWithin(3 * time.Second)
			})
		}
	})
}

// Ctrl-C sends SIGINT, and an impatient user presses it twice. A stop during the start finds
// inputs that have not run yet.
func TestSIGINTAtOnce(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service + input("name gdummy", "tag a", "rate 100") + toFiles})
		p.awaitStart()
		p.send(syscall.SIGINT)
		p.awaitExit(5 * time.Second)
		if p.exitCode != 0 || p.signal != 0 {
			t.Errorf("exit code %d, signal %v; expected a clean exit", p.exitCode, p.signal)
		}
	})
}
