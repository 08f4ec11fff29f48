// SPDX-License-Identifier: Apache-2.0

package option

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
)

const secReplay = "Replay"

// Replay is the options of a replay.
type Replay struct {
	Files  string // names and patterns, separated by commas; empty is no replay
	Format ReplayFormat
	Key    string        // of a line of text
	Time   string        // where records have their time
	Speed  PerSecond     // of the spacing of the records' times; the zero value is not set
	MaxGap time.Duration // from one record to the next; 0 is no limit
}

// ReplayFormat is what the files of a replay have.
type ReplayFormat string

// The formats of replayed files.
const (
	ReplayAuto   ReplayFormat = "auto"
	ReplayNDJSON ReplayFormat = "ndjson"
	ReplayText   ReplayFormat = "text"
)

// What the examples of the rows need.
var (
	withReplay = []string{"replay=orders.ndjson"}
	withTimes  = append(withReplay, "replay_time=time")
)

// replays are the rows of a replay.
var replays = []Option{
	{
		Name: "replay", Kind: File, Example: `orders.ndjson`, Section: secReplay,
		Excludes: []string{"template", "template_file", "format", "dummy", "metadata_template", "tag_template"},
		Help: "A file with the records, one a line, instead of dummy: a name or a pattern, such as /var/log/app/*.ndjson, or several of them separated by commas. " +
			"A relative name is looked up in the working directory, then beside the configuration file that Fluent Bit was started with. The run ends with the files.",
		set: func(c *Config, text string) error { c.Replay.Files = text; return nil },
	},
	{
		Name: "replay_format", Kind: Choice, Default: "auto", Example: "ndjson", Section: secReplay, Requires: "replay", With: withReplay,
		Help:    "What the files have: a JSON object a line, or text. auto decides it for each file, by its name and its beginning.",
		Choices: words(ReplayAuto, ReplayNDJSON, ReplayText),
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
		Name: "replay_time", Kind: String, Example: "time", Section: secReplay, Requires: "replay", With: withReplay,
		Help: "Where records have their time: the name of a field, with dots between the names of nested ones. The time is a text as in ISO 8601 and RFC 3339, " +
			"in UTC if it has no offset, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970. Without a rate, records then come at the spacing of their times.",
		set: func(c *Config, text string) error { c.Replay.Time = text; return nil },
	},
	{
		Name: "replay_speed", Kind: Rate, Default: "", DefaultText: "1", Example: "10", Section: secReplay, Requires: "replay", With: withTimes,
		Excludes: append(speeds[:len(speeds):len(speeds)], "copies", "flush_on_startup"),
		Help: "How much faster than by the spacing of their times records come, or unlimited. It needs replay_time. " +
			"No record is dropped: catch_up is full.",
		set: value(parseSpeed, func(c *Config) *PerSecond { return &c.Replay.Speed }),
	},
	{
		Name: "max_gap", Kind: Time, Default: "0", Example: "5s", Section: secReplay, Requires: "replay", With: withTimes,
		Excludes: speeds,
		Help:     "The longest time between two records at the spacing of their times, before replay_speed. 0: no limit.",
		set:      span(func(c *Config) *time.Duration { return &c.Replay.MaxGap }),
	},
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
