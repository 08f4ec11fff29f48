// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The exact form of an event: hosts from 2.1 on read both forms, but only the new one has
// metadata. Older hosts read only the old one.
func TestEventForm(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a", `dummy {"k":"v"}`, `metadata {"m":1}`, "samples 2", "rate 20",
				"fixed_timestamp on", "start_time_sec 1700000000", "start_time_nsec 123456789") + toFiles})
		p.await("2 records", 10*time.Second, func() bool { return len(p.records("a")) >= 2 })
		p.stop()
		got, err := os.ReadFile(filepath.Join(p.out(), "a"))
		if err != nil {
			t.Fatal(err)
		}
		stamp := []byte{0xd7, 0x00}
		stamp = binary.BigEndian.AppendUint32(stamp, 1700000000)
		stamp = binary.BigEndian.AppendUint32(stamp, 123456789)
		event := append([]byte{0x92, 0x92}, stamp...)
		event = append(event, 0x81, 0xa1, 'm', 0x01)
		if h.version.before(v2_1_0) {
			event = append([]byte{0x92}, stamp...)
		}
		event = append(event, 0x81, 0xa1, 'k', 0xa1, 'v')
		if want := bytes.Repeat(event, 2); !bytes.Equal(got, want) {
			t.Errorf("the chunk is\n% x\nexpected\n% x", got, want)
		}
	})
}

// Without start_time, records have the wall clock time of their tick.
func TestTimeIsNow(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		before := time.Now()
		p := h.start(t, launch{config: service + input("name gdummy", "tag a", "rate 100", "samples 150") + toFiles})
		p.await("150 records", 10*time.Second, func() bool { return len(p.records("a")) >= 150 })
		after := time.Now()
		p.stop()
		for i, r := range p.records("a") {
			if r.time.Before(before) || r.time.After(after) {
				t.Fatalf("record %d has the time %v; the test ran from %v to %v", i, r.time, before.UTC(), after.UTC())
			}
		}
		checkSpacing(t, p.records("a"), 1, 10*time.Millisecond)
	})
}
