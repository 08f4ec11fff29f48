// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// JSON omits an unknown latency, but not one of 0. The mean is that of the known ones.
// Records that arrived within a second have no rate.
func TestUnknownLatency(t *testing.T) {
	for want, arrivals := range map[string][]int64{
		`[{"arrived":3}]`: {0, 0, 0},
		`[{"arrived":3,"max_latency":0,"mean_latency":0}]`:   {5e9, 5e9, 5e9},
		`[{"arrived":3,"max_latency":30,"mean_latency":20}]`: {5e9 + 10, 0, 5e9 + 30},
	} {
		a := New(Options{})
		for k, at := range arrivals {
			a.Take(recordid.ID{Seq: uint64(k), Time: 5e9}, recordscan.Intact, at)
		}
		v := a.Verdict()
		got, err := json.Marshal(v.Timeline.Points)
		if err != nil || string(got) != want {
			t.Errorf("%d: %s, %v, want %s", arrivals, got, err, want)
		}
		if n, span, brief := v.Timeline.Brief(); n != 3 || span >= time.Microsecond || !brief {
			t.Errorf("%d: %d in %v", arrivals, n, span)
		}
	}
}
