package engine

import (
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/option"
)

// maxSlip is how far the wall clock may move against the monotonic one before
// records follow it. Within that, the times of records are as far apart as
// their ticks, to the nanosecond.
const maxSlip = int64(500 * time.Microsecond)

// stamper gives records their times.
type stamper struct {
	fixed    bool
	relative bool  // the records' clock starts at base, not at the wall's time
	base     int64 // the time of moment 0, in nanoseconds since 1970
	latest   int64 // no later than this
}

func newStamper(c *option.Config, start time.Time) stamper {
	s := stamper{fixed: c.FixedTimestamp, base: start.UnixNano(), latest: event.MaxTime}
	if c.StartTimeSec >= 0 || c.StartTimeNsec >= 0 {
		s.relative = true
		s.base = max(c.StartTimeSec, 0)*int64(time.Second) + max(c.StartTimeNsec, 0)
	}
	return s
}

// set takes the wall clock into account, elapsed nanoseconds after the start.
func (s *stamper) set(now time.Time, elapsed int64) {
	if s.fixed || s.relative {
		return
	}
	wall := now.UnixNano()
	if slip := wall - elapsed - s.base; slip > maxSlip || slip < -maxSlip {
		s.base += slip
	}
	s.latest = min(wall, event.MaxTime)
}

// at returns the time of a record that is due at moment t, in nanoseconds since
// the start.
func (s *stamper) at(t int64) int64 {
	if s.fixed {
		return s.base
	}
	return max(min(s.base+t, s.latest), 0)
}
