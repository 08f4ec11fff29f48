// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/generate/replay"
)

// openReplay opens the files of a replay. wrong are the options that already have an
// error.
func (c *Config) openReplay(in files.Path, wrong map[string]bool) *option.Error {
	o := &c.Replay
	if o.Files == "" || wrong["replay"] {
		return nil
	}
	spec := replay.TimeSpec{}
	if o.Time != "" && !wrong["replay_time"] {
		var err error
		if spec, err = replay.ParseTimeSpec(o.Time); err != nil {
			return c.ErrorIn("replay_time", o.Time, err)
		}
	}
	var names []string
	for pattern := range strings.SplitSeq(o.Files, ",") {
		found, err := in.Glob(strings.TrimSpace(pattern))
		if err != nil {
			return option.Errorf("replay", "%v", err)
		}
		names = append(names, found...)
	}
	set, err := replay.Open(replay.Options{
		Files: names, Format: replay.Format(o.Format), Key: o.Key, Time: spec, MaxGap: o.MaxGap,
	})
	if err != nil {
		return option.Errorf("replay", "%v", err)
	}
	c.replay = set
	switch {
	case o.Speed.Unlimited:
		c.Rate = option.PerSecond{Unlimited: true}
	case set.Timed() && !c.Config.Paced():
		c.timeline = true
	case c.Given("replay_speed") && !wrong["replay_speed"]:
		return option.Errorf("replay_speed", "it requires replay_time, because the records have no times")
	}
	return nil
}

// Paced reports whether the options set how fast records come.
func (c *Config) Paced() bool { return c.timeline || c.Replay.Speed.Unlimited || c.Config.Paced() }

// Bounded reports whether the run has an end.
func (c *Config) Bounded() bool { return c.replay != nil || c.Config.Bounded() }

// HasStream reports whether the records are those of a stream, in which each has a
// number. An engine that replaces this one in a hot reload continues the stream.
func (c *Config) HasStream() bool { return c.replay != nil || c.Program != nil || c.scheduled() }

// replayKey is the part of StreamKey that a replay has.
func (c *Config) replayKey() string {
	if c.replay == nil {
		return ""
	}
	o := &c.Replay
	return strings.Join([]string{o.Files, string(o.Format), o.Key, o.Time}, "\x01")
}

// replayed is the source of records that are replayed.
type replayed struct {
	*timer
	reader   *replay.Reader
	metadata []byte
	next     uint64 // number of the record after the last one that was appended
}

func newReplayed(c *Config, timer *timer, log func(line string)) *replayed {
	s := &replayed{timer: timer, reader: c.replay.NewReader(log), metadata: event.EmptyMap}
	if len(c.metadata) > 0 {
		s.metadata = c.metadata[0]
	}
	return s
}

// RecordsPerTick implements Source.
func (s *replayed) RecordsPerTick() uint64 { return 1 }

// ready reports whether record k is there. Only then it can be appended.
func (s *replayed) ready(k uint64) bool { return s.reader.Seek(s.number(k)) == replay.Ready }

// Append implements Source.
func (s *replayed) Append(dst []byte, form event.Form, due int64, k uint64) []byte {
	s.ready(k)
	s.next = k + 1
	return event.Append(dst, form, s.time(due, k), s.metadata, s.reader.Current().Body)
}

// AppendMany implements bulkSource.
func (s *replayed) AppendMany(dst []byte, form event.Form, due int64, k, n uint64, limit int) ([]byte, uint64) {
	done := uint64(0)
	for ; done < n && len(dst) < limit && s.ready(k+done); done++ {
		dst = s.Append(dst, form, due+int64(done), k+done)
	}
	return dst, done
}

// Refresh implements Source.
func (s *replayed) Refresh(uint64) {}

// timeline is the schedule of a replay at the spacing of the records' times:
//
//	At(n) = (offset(n-1) - offset of the first record of the stream) / speed
//
// It looks one record ahead of those that were appended. Due is at most one more than
// their number, so that it has to be called again after each.
type timeline struct {
	source *replayed
	speed  option.PerSecond
	first  uint64 // number of the record that is due at 0, of any shard
	origin int64  // its offset, or -1 if it is not known yet
}

func newTimeline(c *Config, s *replayed) *timeline {
	l := &timeline{source: s, speed: c.Replay.Speed, first: uint64(c.Template.First), origin: -1}
	if l.speed.Num == 0 {
		l.speed = option.PerSecond{Num: 1, Den: 1}
	}
	return l
}

// Due implements pace.Schedule.
func (l *timeline) Due(t int64) uint64 {
	n := l.source.next
	if l.At(n+1) <= t {
		n++
	}
	return n
}

// At implements pace.Schedule.
func (l *timeline) At(n uint64) int64 {
	reader := l.source.reader
	if l.origin < 0 && reader.Seek(l.first) == replay.Ready {
		l.origin = reader.Current().Offset
	}
	if !l.source.ready(n - 1) {
		return pace.Never
	}
	hi, lo := bits.Mul64(uint64(reader.Current().Offset-l.origin), l.speed.Den)
	if hi >= l.speed.Num {
		return pace.Never
	}
	at, _ := bits.Div64(hi, lo, l.speed.Num)
	return int64(min(at, pace.Never))
}

// String returns the speed.
func (l *timeline) String() string {
	return fmt.Sprintf("%.6g times the original speed", float64(l.speed.Num)/float64(l.speed.Den))
}
