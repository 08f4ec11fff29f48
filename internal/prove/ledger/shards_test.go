// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/recordid"
)

// run returns a run of a shard. It is cut off without a close.
func run(n int, stream, shard string, opened time.Duration, closed bool) *Stream {
	s := &Stream{Run: recordid.Run(n), Name: "gdummy.0", Opened: start.Add(opened), Last: start.Add(opened + time.Minute),
		Open: map[string]string{"seed": "s", "stream": stream, "shard": shard}}
	if closed {
		s.Closed = s.Last
	}
	return s
}

func TestMissingShards(t *testing.T) {
	for _, tt := range []struct {
		why     string
		streams []*Stream
		want    []string
	}{
		{"no ledger", nil, nil},
		{"one input", []*Stream{run(1, "a", "0/1", 0, true)}, nil},
		{"all, one of them twice", []*Stream{run(1, "a", "1/2", 0, true), run(2, "a", "0/2", 0, false), run(3, "a", "0/2", 0, true)}, nil},
		{"of two streams", []*Stream{run(1, "a", "1/3", 0, true), run(2, "b", "0/2", 0, true)},
			[]string{"0/3 of stream a", "2/3 of stream a", "1/2 of stream b"}},
		{"ranges", []*Stream{run(1, "a", "5/9", 0, true), run(2, "a", "2/9", 0, true), run(3, "a", "8/9", 0, true)},
			[]string{"0-1/9 of stream a", "3-4/9 of stream a", "6-7/9 of stream a"}},
		{"of billions", []*Stream{run(1, "a", "3/4000000000", 0, true)},
			[]string{"0-2/4000000000 of stream a", "4-3999999999/4000000000 of stream a"}},
		{"beyond the last one", []*Stream{run(1, "a", "7/2", 0, true)}, []string{"0-1/2 of stream a"}},
		{"an older version, a damaged line", []*Stream{{}, {Open: map[string]string{"shard": "x/2"}}}, nil},
	} {
		if d := cmp.Diff(tt.want, MissingShards(tt.streams)); d != "" {
			t.Errorf("%s: %s", tt.why, d)
		}
	}
}

func TestSettled(t *testing.T) {
	reloaded := run(1, "a", "0/1", 0, true)
	reloaded.Events = []Event{{Word: Reload}}
	for i, tt := range []struct {
		why     string
		streams []*Stream
		want    bool
	}{
		{"no ledger", nil, false},
		{"closed", []*Stream{run(1, "a", "0/2", 0, true), run(2, "a", "1/2", 0, true)}, true},
		{"cut off", []*Stream{run(1, "a", "0/2", 0, true), run(2, "a", "1/2", 0, false)}, false},
		{"cut off, and tried again", []*Stream{run(1, "a", "1/2", 0, false), run(2, "a", "1/2", time.Minute, true)}, true},
		{"cut off, and another shard", []*Stream{run(1, "a", "1/2", 0, false), run(2, "a", "0/2", time.Minute, true)}, false},
		{"cut off, after an earlier run", []*Stream{run(1, "a", "1/2", time.Hour, false), run(2, "a", "1/2", 0, true)}, false},
		{"reloaded", []*Stream{reloaded}, false},
		{"reloaded, and the next run", []*Stream{reloaded, run(2, "a", "0/1", time.Minute, true)}, true},
	} {
		if got := Settled(tt.streams); got != tt.want {
			t.Error(fmt.Sprint(i, ": ", tt.why, ": ", got))
		}
	}
}
