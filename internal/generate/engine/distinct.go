// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math/big"
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/clock"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// checkDistinct reports a clock on which two records of the input would have the same
// time: it has fewer nanoseconds than records. The records of a tick are 1 ns apart.
func (c *Config) checkDistinct() (errs option.Errors) {
	if !c.scheduled() || c.lives() != nil {
		return nil
	}
	perTick := c.perTick()
	apart := ""
	if perTick > 1 {
		apart = fmt.Sprintf(": the %s records of a tick are 1ns apart", units.FormatCount(int64(perTick)))
	}
	switch {
	case c.TimeStep > 0:
		if uint64(c.TimeStep) < perTick {
			errs = append(errs, option.Errorf("time_step", "invalid value %q%s, expected at least %s",
				units.FormatDuration(c.TimeStep), apart, units.FormatDuration(time.Duration(perTick))))
		}
	case c.spread():
		start := c.StartTime
		if start == nil {
			start = &units.Moment{Nanoseconds: kindOf(c).start.Nanoseconds}
		}
		if start.Relative != c.EndTime.Relative {
			return nil // how long it is depends on the start of the run
		}
		span := uint64(c.EndTime.Nanoseconds - start.Nanoseconds)
		ticks := (c.maxOfStream()-1)/perTick + 1
		if span/perTick < ticks {
			errs = append(errs, option.Errorf("max_records", "%s records in %s would share nanoseconds%s, expected fewer records or a later end_time",
				units.FormatCount(c.MaxRecords), units.FormatDuration(time.Duration(span)), apart))
		}
	default:
		gap, name := c.shortestGap(), "rate"
		least := new(big.Rat).SetUint64(perTick)
		if c.profile != nil {
			name = "load_profile"
			if c.profile.Irregular() {
				least.Quo(least, clock.MaxDensity)
			}
		}
		if gap != nil && gap.Cmp(least) < 0 {
			errs = append(errs, option.Errorf(name, "records would share nanoseconds on their clock%s, expected a lower rate", apart))
		}
	}
	return errs
}

// shortestGap returns the shortest time between two ticks on the clock of the records, in
// nanoseconds, or nil if it is not known.
func (c *Config) shortestGap() *big.Rat {
	speed := new(big.Rat).SetFrac(new(big.Int).SetUint64(c.TimeSpeed.Num), new(big.Int).SetUint64(c.TimeSpeed.Den))
	switch s := c.schedule().(type) {
	case pace.FixedRate:
		gap := new(big.Rat).SetFrac(new(big.Int).SetUint64(s.Num), new(big.Int).SetUint64(s.Den))
		return gap.Mul(gap, speed)
	case *pace.Profile:
		if _, peak := s.Bounds(0, s.Extent()); peak > 0 {
			gap := new(big.Rat).SetInt64(1e9)
			return gap.Quo(gap, new(big.Rat).SetFloat64(peak)).Mul(gap, speed)
		}
	}
	return nil
}
