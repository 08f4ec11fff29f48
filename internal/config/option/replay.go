// SPDX-License-Identifier: Apache-2.0

package option

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
)

const secReplay = "Replay"

// Replay is the options of a replay.
type Replay struct {
	Files     string // names and patterns, separated by commas; empty means no replay
	Format    ReplayFormat
	Key       string         // of a line of text
	FirstLine *regexp.Regexp // of a record of several lines; nil if each line is one

	Time    string        // where records have their time
	Speed   PerSecond     // of the spacing of the records' times; Num 0 is not set
	MaxGap  time.Duration // from one record to the next; 0 means no limit
	From    int64         // time of the first record, in nanoseconds since 1970; 0 is not set
	To      int64         // the time before which the last record is; 0 is not set
	Stamp   Stamp         // the times of the events
	Restamp bool          // the times in the records are overwritten with those of the events

	Sample float64 // share of the records
	Loop   bool
	Follow bool
}

// ReplayFormat is what the files of a replay have.
type ReplayFormat string

// The formats of replayed files.
const (
	ReplayAuto    ReplayFormat = "auto"
	ReplayNDJSON  ReplayFormat = "ndjson"
	ReplayText    ReplayFormat = "text"
	ReplayCSV     ReplayFormat = "csv"
	ReplayMsgPack ReplayFormat = "msgpack"
)

// Stamp is which times the events of a replay have.
type Stamp string

// The times of events.
const (
	StampNow   Stamp = "now"   // when the record is due
	StampShift Stamp = "shift" // as in the file, moved so that the first one is now
	StampKeep  Stamp = "keep"  // as in the file
)

// What the examples of the rows need.
var (
	withReplay = []string{"replay=orders.ndjson"}
	withTimes  = append(withReplay, "replay_time=time")
	withText   = append(withReplay, "replay_format=text")
)

// replays are the rows of a replay.
var replays = []Option{
	{
		Name: "replay", Kind: File, Example: `orders.ndjson`, Section: secReplay,
		Excludes: []string{"template", "template_file", "format", "dummy"},
		Help: "A file with the records, instead of dummy: a name or a pattern, such as /var/log/app/*.ndjson, or several of them separated by commas. " +
			"Files may be compressed with gzip, zstd, xz or bzip2. Records of several files are sent in the order of their times if they have any, else file by file. " +
			"A relative name is looked up in the working directory, then beside the configuration file that Fluent Bit was started with. The run ends with the files.",
		set: func(c *Config, text string) error { c.Replay.Files = text; return nil },
	},
	{
		Name: "replay_format", Kind: Choice, Default: "auto", Example: "ndjson", Section: secReplay, Requires: "replay", With: withReplay,
		Help: "What the files contain: ndjson, a JSON object per line; text, a record per line; csv, with the names of the fields in the first line; or msgpack, events or maps. " +
			"auto decides it for each file, by its name and its beginning.",
		Choices: words(ReplayAuto, ReplayNDJSON, ReplayText, ReplayCSV, ReplayMsgPack),
		set:     choice(func(c *Config) *ReplayFormat { return &c.Replay.Format }),
	},
	{
		Name: "replay_key", Kind: String, Default: "log", Example: "message", Section: secReplay, Requires: "replay", With: withReplay,
		Help: "The name of the field that holds a line of text.",
		set: func(c *Config, text string) error {
			if text == "" {
				return errors.New("expected a name")
			}
			c.Replay.Key = text
			return nil
		},
	},
	{
		Name: "replay_first_line", Kind: String, Default: "", Example: `^\d{4}-`, Section: secReplay, Requires: "replay", With: withText,
		Help: "A regular expression, in Go's syntax, that matches the first line of each record of text. The lines up to the next match belong to the record, such as those of a stack trace.",
		set: func(c *Config, text string) (err error) {
			c.Replay.FirstLine = nil
			if text != "" {
				c.Replay.FirstLine, err = regexp.Compile(text)
			}
			return err
		},
	},
	{
		Name: "replay_time", Kind: String, Default: "", Example: "time", Section: secReplay, Requires: "replay", With: withReplay,
		Help: "Where records have their time: the name of a field, with dots between the names of nested ones, optionally followed by a layout of strftime, such as `time %d/%b/%Y:%H:%M:%S %z`; " +
			"for text, the layout alone, which is searched for in each line, or one of the names iso, apache and syslog. Without a layout, the time is a text as in ISO 8601 and RFC 3339 or a number of seconds, " +
			"milliseconds, microseconds or nanoseconds since 1970. Without an offset, it is in UTC; without a year, in the year before the file was written. MessagePack events have a time without this option. " +
			"Unless an option sets another pace, records keep the spacing of their times.",
		set: func(c *Config, text string) error { c.Replay.Time = text; return nil },
	},
	{
		Name: "replay_speed", Kind: Factor, Default: "", DefaultText: "1", Example: "10", Section: secReplay, Requires: "replay", With: withTimes,
		Excludes: append(speeds[:len(speeds):len(speeds)], "copies", "flush_on_startup"),
		Help:     "How much faster than the spacing of their times records are sent, or unlimited. Late records are not dropped, regardless of catch_up.",
		set:      value(parseSpeed, func(c *Config) *PerSecond { return &c.Replay.Speed }),
	},
	{
		Name: "max_gap", Kind: Time, Default: "0", Example: "5s", Section: secReplay, Requires: "replay", With: withTimes,
		Excludes: speeds,
		Help:     "The longest time between two records at the spacing of their times, before replay_speed. 0: no limit.",
		set:      span(func(c *Config) *time.Duration { return &c.Replay.MaxGap }),
	},
	{
		Name: "replay_stamp", Kind: Choice, Default: "now", Example: "keep", Section: secReplay, Requires: "replay", With: withTimes,
		Excludes: []string{"fixed_timestamp", "time_step", "time_speed", "end_time"},
		Help:     "The times of the events: now, the moment at which the record is sent; keep, as in the file; or shift, as in the file but moved so that the first record has the current time, or start_time.",
		Choices:  words(StampNow, StampShift, StampKeep),
		set:      choice(func(c *Config) *Stamp { return &c.Replay.Stamp }),
	},
	{
		Name: "replay_restamp", Kind: Boolean, Default: "off", Example: "on", Section: secReplay, Requires: "replay_time", With: withTimes,
		Help: "Overwrite the time in each record with that of its event, in the same layout, with the same offset from UTC and the same width.",
		set:  boolean(func(c *Config) *bool { return &c.Replay.Restamp }),
	},
	{
		Name: "replay_from", Kind: String, Default: "", Example: "2026-11-01T08:00:00Z", Section: secReplay, Requires: "replay", With: withTimes,
		Help: "Replay only records whose time is this or later: a date, or a date and time as in RFC 3339.",
		set:  value(parseMoment, func(c *Config) *int64 { return &c.Replay.From }),
	},
	{
		Name: "replay_to", Kind: String, Default: "", Example: "2026-11-02", Section: secReplay, Requires: "replay", With: withTimes,
		Help: "Replay only records whose time is before this.",
		set:  value(parseMoment, func(c *Config) *int64 { return &c.Replay.To }),
	},
	{
		Name: "replay_sample", Kind: String, Default: "100%", Example: "10%", Section: secReplay, Requires: "replay", With: withReplay,
		Help: "The share of the records to replay, from 0% to 100%. Seed and stream_id decide which.",
		set:  value(units.ParseShare, func(c *Config) *float64 { return &c.Replay.Sample }),
	},
	{
		Name: "loop", Kind: Boolean, Default: "off", Example: "on", Section: secReplay, Requires: "replay", With: append(withReplay, "max_records=10"),
		Excludes: []string{"follow"},
		Help:     "Start again at the end of the files. Times continue: the first record follows the last one at the mean distance of two records.",
		set:      boolean(func(c *Config) *bool { return &c.Replay.Loop }),
	},
	{
		Name: "follow", Kind: Boolean, Default: "off", Example: "on", Section: secReplay, Requires: "replay", With: append(withReplay, "max_records=1"),
		Help: "Wait for more lines at the end of the file, and continue with the file that replaces it, as tail -F does. Without it, a file that changes during the replay is an error.",
		set:  boolean(func(c *Config) *bool { return &c.Replay.Follow }),
	},
}

// parseMoment reads a date or a time, in nanoseconds since 1970. It is 0 for an empty
// text.
func parseMoment(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 2106 {
			return t.UnixNano(), nil
		}
	}
	return 0, fmt.Errorf("invalid value %q: expected a date or a time from 1970 to 2105, such as 2026-11-01T08:00:00Z", text)
}

// parseSpeed reads a factor, or the word unlimited.
func parseSpeed(text string) (PerSecond, error) {
	if text == "" {
		return PerSecond{}, nil
	}
	speed, err := ParseRate(text)
	var e *units.Error
	switch {
	case errors.As(err, &e):
		if strings.Contains(e.Expected, "per second") {
			e.Expected = "a factor, such as 10 or 0.5, or unlimited"
		}
		return PerSecond{}, e
	case strings.ContainsRune(text, '/'), !speed.Unlimited && strings.Trim(text, "0.") == "":
		return PerSecond{}, fmt.Errorf("invalid value %q: expected a factor, such as 10 or 0.5, or unlimited", text)
	}
	return speed, nil
}
