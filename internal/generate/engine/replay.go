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
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/template"
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
	t := &c.Template
	set, err := replay.Open(replay.Options{
		Files: names, Format: replay.Format(o.Format), Key: o.Key, FirstLine: o.FirstLine,
		Time: spec, MaxGap: o.MaxGap, From: o.From, To: o.To,
		Sample: o.Sample, Seed: seed.Stream(seed.Parse(t.Seed), t.Stream), Loop: o.Loop, Follow: o.Follow,
	})
	if err != nil {
		return option.Errorf("replay", "%v", err)
	}
	c.replay = set
	if o.Speed.Unlimited {
		c.Rate = option.PerSecond{Unlimited: true}
	} else {
		c.timeline = set.Timed() && !c.Config.Paced()
	}
	return c.checkTimes(spec)
}

// checkTimes returns the error of an option that needs records with times, if they have
// none.
func (c *Config) checkTimes(spec replay.TimeSpec) *option.Error {
	if c.Replay.Restamp && !spec.Fixed() {
		return option.Errorf("replay_restamp", "replay_time has names of different lengths, %%A or %%B")
	}
	if c.replay.Timed() {
		return nil
	}
	for _, name := range []string{"replay_speed", "max_gap", "replay_from", "replay_to", "replay_stamp"} {
		if c.Given(name) && !(name == "replay_speed" && c.Replay.Speed.Unlimited) && !(name == "replay_stamp" && c.Replay.Stamp == option.StampNow) {
			return option.Errorf(name, "it requires replay_time, because the records have no times")
		}
	}
	return nil
}

// Paced reports whether the options set how fast records come.
func (c *Config) Paced() bool { return c.timeline || c.Replay.Speed.Unlimited || c.Config.Paced() }

// Bounded reports whether the run has an end.
func (c *Config) Bounded() bool {
	return c.replay != nil && !c.Replay.Loop && !c.Replay.Follow || c.Config.Bounded()
}

// HasStream reports whether the records are those of a stream, in which each has a
// number. An engine that replaces this one in a hot reload continues the stream.
func (c *Config) HasStream() bool { return c.replay != nil || c.Program != nil || c.scheduled() }

// UsesSeed reports whether the records depend on the seed.
func (c *Config) UsesSeed() bool { return c.Program != nil || c.replay != nil && c.Replay.Sample < 1 }

// replayKey is the part of StreamKey that a replay has.
func (c *Config) replayKey() string {
	if c.replay == nil {
		return ""
	}
	o := &c.Replay
	first := ""
	if o.FirstLine != nil {
		first = o.FirstLine.String()
	}
	return fmt.Sprintf("%q", []any{o.Files, o.Format, o.Key, first, o.Time, o.MaxGap, o.From, o.To, o.Stamp, o.Restamp, o.Sample, o.Loop})
}

// replayed is the source of records that are replayed.
type replayed struct {
	*timer
	reader   *replay.Reader
	p        *template.Program // of tags and metadata, or nil
	metadata []byte
	made     []byte // metadata that p has made

	inFile  bool // times are those of the file, after what timing adds
	restamp bool // also in the body

	next  uint64 // number of the record after the last one that was appended
	stamp int64  // time of that record
}

func newReplayed(c *Config, timer *timer, log func(line string)) *replayed {
	s := &replayed{
		timer: timer, reader: c.replay.NewReader(log), p: c.Program,
		inFile: c.Replay.Stamp != option.StampNow, restamp: c.Replay.Restamp,
	}
	if len(c.metadata) > 0 && c.Given("metadata") {
		s.metadata = c.metadata[0]
	}
	return s
}

// RecordsPerTick implements Source.
func (s *replayed) RecordsPerTick() uint64 { return 1 }

// state reports whether record k is there. Only then it can be appended.
func (s *replayed) state(k uint64) replay.State { return s.reader.Seek(s.number(k)) }

// Append implements Source. It appends nothing if the replay has fewer than k+1 records.
func (s *replayed) Append(dst []byte, form event.Form, due int64, k uint64) []byte {
	if s.state(k) != replay.Ready {
		return dst
	}
	rec := s.reader.Current()
	if s.next = k + 1; s.inFile {
		s.stamp = min(max(rec.Time+s.Timing.Offset, 0), event.MaxTime)
	} else {
		s.stamp = s.timer.time(due, k)
	}
	dst = event.AppendHead(dst, form, s.stamp, s.metadataOf(rec, k))
	start := len(dst)
	dst = append(dst, rec.Body...)
	if s.restamp {
		rec.PutTime(dst[start:], s.stamp)
	}
	return dst
}

// metadataOf returns the metadata of record k: that of metadata_template, of metadata,
// or of the file.
func (s *replayed) metadataOf(rec *replay.Record, k uint64) []byte {
	switch {
	case s.p != nil && s.p.HasMetadataTemplate():
		s.p.SetFile(rec.File)
		s.made = s.p.AppendMetadata(s.made[:0], s.stamp, s.number(k))
		return s.made
	case s.metadata != nil:
		return s.metadata
	case rec.Metadata != nil:
		return rec.Metadata
	}
	return event.EmptyMap
}

// appendTag implements tagger.
func (s *replayed) appendTag(dst []byte, _ int64, k uint64) []byte {
	if s.state(k) != replay.Ready {
		return dst
	}
	s.p.SetFile(s.reader.Current().File)
	return s.p.AppendTag(dst, s.stamp, s.number(k))
}

// AppendMany implements bulkSource.
func (s *replayed) AppendMany(dst []byte, form event.Form, due *moments, k, n uint64, limit int) ([]byte, uint64) {
	done := uint64(0)
	for ; done < n && len(dst) < limit && s.state(k+done) == replay.Ready; done++ {
		dst = s.Append(dst, form, due.at(done), k+done)
	}
	return dst, done
}

// Refresh implements Source.
func (s *replayed) Refresh(uint64) { s.reader.Refresh() }

// shiftTo makes the record of the stream with the given number bear the time t.
func (s *replayed) shiftTo(t int64, number uint64) {
	if s.reader.Seek(number) == replay.Ready {
		s.Timing = Timing{Offset: t - s.reader.Current().Time}
	}
}

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
	if l.source.state(n-1) != replay.Ready {
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
