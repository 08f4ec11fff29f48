// SPDX-License-Identifier: Apache-2.0

package option

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
)

// The headings under which options are documented.
const (
	secRecords = "Records"
	secPace    = "Pace"
	secEnd     = "End"
	secTime    = "Time stamps"
	secOrder   = "Disorder on purpose"
	secChecks  = "Checks"
	secProof   = "Proof of delivery"
)

// Table has a row for each option.
var Table = slices.Concat(rows, templates, replays)

// rows are those of the records and their pace. Those of Fluent Bit's dummy input have its
// names, defaults and meaning.
var rows = []Option{
	{
		Name: "strict", Kind: Boolean, Default: "on", Example: "off", Section: secChecks,
		Help: "Refuse to start on any error in the configuration. With off, as in the dummy input, an error is a warning and " +
			"the default is used.",
		set: boolean(func(c *Config) *bool { return &c.Strict }),
	},
	{
		Name: "dummy", Kind: String, Default: `{"message":"dummy"}`, Example: `{"level":"info","code":200}`, Section: secRecords,
		Help: "The record, as a JSON object. Several objects in sequence produce one record each. " +
			"Members keep their order, duplicate names and the spelling of numbers; strings keep control characters and bytes " +
			"that are not UTF-8, which outputs that write JSON escape or replace.",
		FollowsEnvironment: true, EmptyIsDefault: true,
		set: func(c *Config, text string) error { c.Dummy = text; return nil },
	},
	{
		Name: "metadata", Kind: String, Default: `{}`, Example: `{"source":"load-test"}`, Section: secRecords,
		Help:               "The metadata of every record, as one JSON object. Fluent Bit before 2.1 has no metadata and ignores it.",
		FollowsEnvironment: true, EmptyIsDefault: true,
		set: func(c *Config, text string) error { c.Metadata = text; return nil },
	},
	{
		Name: "copies", Kind: Integer, Default: "1", Example: "100", Section: secRecords,
		Help: "How many times each tick repeats the record. Each copy is 1 ns later than the previous one.",
		set:  integer(1, math.MaxInt32, func(c *Config) *int64 { return &c.Copies }),
	},
	{
		Name: "samples", Kind: Integer, Default: "0", Example: "250", Section: secPace,
		Help: "How many ticks to produce before the run ends. 0 or less: no limit.",
		set:  integer(math.MinInt32, math.MaxInt32, func(c *Config) *int64 { return &c.Samples }),
	},
	{
		Name: "rate", Kind: Rate, Default: "1", Example: "50k", Section: secPace,
		Help: "Ticks per second (50k, 0.1), per minute (30/m) or per hour (5/h), or unlimited: as fast as " +
			"Fluent Bit accepts records. 0 means 1, as in the dummy input.",
		set: value(ParseRate, func(c *Config) *PerSecond { return &c.Rate }),
	},
	{
		Name: "bytes_rate", Kind: Size, Default: "0", Example: "10M", Section: secPace,
		Excludes: speeds[1:],
		Help:     "Bytes of MessagePack per second, instead of a rate of ticks.",
		set:      value(units.ParseByteRate, func(c *Config) *int64 { return &c.BytesRate }),
	},
	{
		Name: "load_profile", Kind: String, Default: "", Example: "ramp 0 to 1k for 2m; constant 1k for 10m; repeat", Section: secPace,
		Excludes: speeds[2:],
		Help: "How the rate of ticks changes over time: a sequence of constant, idle, ramp, steps, sine, bursts, poisson and daily. " +
			"The run ends with the profile, unless it repeats.",
		set: func(c *Config, text string) error { c.LoadProfile = text; return nil },
	},
	{
		Name: "control", Kind: File, Default: "", Example: "/var/tmp/gdummy.control", Section: secPace,
		Excludes: []string{"bytes_rate", "interval_sec", "interval_nsec", "time_step", "shuffle_within", "repeat", "late", "replay_speed", "max_gap"},
		Help: "A file that changes the pace while the input runs, looked at five times a second: each line has a command, rate 5k, scale 0.5, " +
			"load_profile ..., pause or resume. Everything else is as configured, and so is all without the file. After an error in it, the last good state " +
			"stays in force. A relative name is looked up in the working directory, then beside the configuration file. " +
			"`gdummy control` writes such files.",
		set: func(c *Config, text string) error { c.Control = text; return nil },
	},
	{
		Name: "interval_sec", Kind: Integer, Default: "0", Example: "10", Section: secPace,
		Help: "Seconds between two ticks; overrides rate. If it is negative, both intervals are ignored.",
		set:  integer(math.MinInt32, math.MaxInt32, func(c *Config) *int64 { return &c.IntervalSec }),
	},
	{
		Name: "interval_nsec", Kind: Integer, Default: "0", Example: "500000000", Section: secPace,
		Help: "Nanoseconds between two ticks, added to interval_sec; overrides rate. If it is negative, both intervals are ignored.",
		set:  integer(math.MinInt32, int64(time.Second)-1, func(c *Config) *int64 { return &c.IntervalNsec }),
	},
	{
		Name: "max_records", Kind: Integer, Default: "0", Example: "1M", Section: secEnd,
		Help: "How many records to produce before the run ends. 0: no limit.",
		set:  integer(0, math.MaxInt64, func(c *Config) *int64 { return &c.MaxRecords }),
	},
	{
		Name: "duration", Kind: Time, Default: "0", Example: "10m", Section: secEnd,
		Help: "How long to produce records. 0: no limit. The run ends at the first of samples, max_records and duration.",
		set:  span(func(c *Config) *time.Duration { return &c.Duration }),
	},
	{
		Name: "on_finish", Kind: Choice, Default: "idle", Example: "exit", Section: secEnd,
		Help: "What happens at the end of a finite run: idle keeps Fluent Bit running, exit stops it once all inputs with exit have " +
			"finished and it has ingested their records.",
		Choices: words(FinishIdle, FinishExit),
		set:     choice(func(c *Config) *OnFinish { return &c.OnFinish }),
	},
	{
		Name: "start_delay", Kind: Time, Default: "0", Example: "5s", Section: secPace,
		Help: "How long to wait before the first tick.",
		set:  span(func(c *Config) *time.Duration { return &c.StartDelay }),
	},
	{
		Name: "start_at", Kind: Moment, Example: "2026-11-01T09:00:00+01:00", Section: secPace,
		Excludes: []string{"start_delay"}, DefaultText: "now",
		Help: "When to begin, on the wall clock: inputs on several machines begin together. It equals a start_delay until then, which is computed at the start. " +
			"An input that starts later is late: catch_up decides what happens to the ticks since then, and duration counts from then. After a hot reload, a time in the past means now.",
		set: moment(func(c *Config) **units.Moment { return &c.StartAt }),
	},
	{
		Name: "catch_up", Kind: Choice, Default: "limit", Example: "full", Section: secPace,
		Help: "What happens to ticks delayed by a stall, a pause or a start after start_at: full delivers all of them, limit those of the last second, " +
			"none drops them. Dropped ticks are counted as shortfall.",
		Choices: words(CatchUpLimit, CatchUpFull, CatchUpNone),
		set:     choice(func(c *Config) *CatchUp { return &c.CatchUp }),
	},
	{
		Name: "max_in_flight", Kind: Size, Default: "4M", Example: "1M", Section: secPace,
		Help: "How many bytes may be in the queue of Fluent Bit's engine before it ingests them. Less is slower; more needs memory. " +
			"If the engine would take more than 100 ms to ingest them, the input keeps fewer in it.",
		set: sizeBetween(256_000, 64_000_000, func(c *Config) *int64 { return &c.MaxInFlight }),
	},
	{
		Name: "max_memory", Kind: Size, Default: "", DefaultText: "256M, or a quarter of the cgroup's memory limit if that is less", Example: "1G", Section: secPace,
		Help: "How many bytes Fluent Bit's process may grow by after its inputs have started, regardless of its outputs. Above that, " +
			"records wait, except for one slice a second; catch_up decides what happens to the delayed ones. The metric fluentbit_gdummy_memory_wait_seconds_total is the time they waited.",
		set: func(c *Config, text string) error {
			c.MaxMemory = 0
			if text == "" {
				return nil
			}
			return sizeBetween(1_000_000, math.MaxInt64, func(c *Config) *int64 { return &c.MaxMemory })(c, text)
		},
	},
	{
		Name: "start_time", Kind: Moment, Example: "2026-11-01T00:00:00+01:00", Section: secTime,
		Excludes: []string{"start_time_sec", "start_time_nsec"},
		Help: "The time at which the clock of the records starts: RFC 3339, relative to the start of the run (-24h) or in seconds since 1970. " +
			"It advances at the pace of the run, unless time_speed or time_step sets another.",
		DefaultText: "now",
		set:         moment(func(c *Config) **units.Moment { return &c.StartTime }),
	},
	{
		Name: "end_time", Kind: Moment, Example: "+1h", Section: secTime,
		Help:        "The time on the clock of the records at which the run ends. With start_time and max_records, the records are evenly spread from start_time to before end_time, and take as long as their output needs.",
		DefaultText: "none",
		set:         moment(func(c *Config) **units.Moment { return &c.EndTime }),
	},
	{
		Name: "time_step", Kind: Time, DefaultText: "none", Example: "10s", Section: secTime,
		Excludes: []string{"time_speed"},
		Help: "The time between two ticks on the clock of the records, at any rate: with rate unlimited, a day of records takes as long as its output. Record 0 of the stream has start_time. " +
			"Without it, the rate decides.",
		set: value(parseTimeStep, func(c *Config) *time.Duration { return &c.TimeStep }),
	},
	{
		Name: "time_speed", Kind: Factor, Default: "1", Example: "1440", Section: secTime,
		Help: "How much faster than the wall clock the clock of the records is: with 1440, a day takes a minute.",
		set:  value(parseTimeSpeed, func(c *Config) *Ratio { return &c.TimeSpeed }),
	},
	{
		Name: "start_time_sec", Kind: Integer, Default: "-1", Example: "1700000000", Section: secTime,
		Help: "As start_time, in seconds since 1970, as in the dummy input. Negative: now.",
		set:  integer(math.MinInt32, math.MaxUint32, func(c *Config) *int64 { return &c.StartTimeSec }),
	},
	{
		Name: "start_time_nsec", Kind: Integer, Default: "-1", Example: "500000000", Section: secTime,
		Help: "The nanoseconds of the time of the first record. Negative: 0, if start_time_sec is set.",
		set:  integer(math.MinInt32, int64(time.Second)-1, func(c *Config) *int64 { return &c.StartTimeNsec }),
	},
	{
		Name: "fixed_timestamp", Kind: Boolean, Default: "off", Example: "on", Section: secTime,
		Help: "Use the same time for every record: start_time, or the time of the start. " +
			"With off, no two records of an input have the same time, unless late, skew or repeat asks for it: a clock with fewer nanoseconds than records is an error.",
		set: boolean(func(c *Config) *bool { return &c.FixedTimestamp }),
	},
	{
		Name: "shuffle_within", Kind: Time, Default: "0", Example: "30s", Section: secOrder,
		Excludes: []string{"replay", "fixed_timestamp"},
		Help:     "Send the records of each block of time, of this length on the clock of the records, in a random order. It requires scheduled times: a rate, a load_profile or time_step. With a ledger, gdummy audit knows the order. Without start_time, the times are earlier by this length, so that none is in the future. 0: in order.",
		set:      span(func(c *Config) *time.Duration { return &c.ShuffleWithin }),
	},
	{
		Name: "repeat", Kind: String, Example: "1% within 1000", Section: secOrder,
		Excludes: []string{"replay", "fixed_timestamp"},
		Help:     "Send an earlier record again, byte for byte, in this share of the places (at most 20%). The earlier one is fewer than that many records back, and not a repeat itself. It replaces the record at its place. With a ledger, gdummy audit does not count repeats as duplicates. It requires a schedule, as shuffle_within does.",
		set:      func(c *Config, text string) error { c.Repeat = text; return nil },
	},
	{
		Name: "late", Kind: String, Example: "5% by 10s to 10m", Section: secOrder,
		Excludes: []string{"fixed_timestamp"},
		Help:     "Give this share of the records an earlier time, as if they had been delayed in transit: by a time (5% by 10s), a range (5% by 10s to 10m) or exponentially distributed times with a mean (5% by exponential 2m). Their places do not change. With rate unlimited, it requires time_step or start_time; with a replay, replay_stamp now.",
		set:      func(c *Config, text string) error { c.Late = text; return nil },
	},
	{
		Name: "skew", Kind: String, Example: "host within 5s", Section: secOrder, With: []string{`dummy={"host":"web-1"}`},
		Excludes: []string{"replay", "fixed_timestamp"},
		Help: "The clock of each host is wrong by a constant offset, at most this much, behind or ahead. It is off in the record, too. The host is the value of a field or, with $host, " +
			"of a variable of the template; it must not depend on the time. With rate unlimited, it requires time_step or start_time.",
		set: func(c *Config, text string) error { c.Skew = text; return nil },
	},
	{
		Name: "flush_on_startup", Kind: Boolean, Default: "off", Example: "on", Section: secPace,
		Help: "Produce one tick immediately, before the first one is due.",
		set:  boolean(func(c *Config) *bool { return &c.FlushOnStartup }),
	},
	{
		Name: "audit", Kind: Boolean, Default: "off", Example: "on", Section: secProof,
		Help: "Add an identity to every record, so that `gdummy audit` can report lost, duplicate, reordered and damaged records.",
		set:  boolean(func(c *Config) *bool { return &c.Audit }),
	},
	{
		Name: "audit_key", Kind: String, Default: "gdummy", Example: "trace", Section: secProof,
		Help: "The name of the field that holds the identity.",
		set: func(c *Config, text string) error {
			if text == "" || len(text) > 200 {
				return fmt.Errorf("expected a name of 1 to 200 bytes")
			}
			c.AuditKey = text
			return nil
		},
	},
	{
		Name: "audit_in", Kind: Choice, Default: "body", Example: "metadata", Section: secProof,
		Help:    "Which part of the record holds the identity: the body or the metadata.",
		Choices: words(AuditInBody, AuditInMetadata),
		set:     choice(func(c *Config) *AuditIn { return &c.AuditIn }),
	},
	{
		Name: "ledger", Kind: File, Default: "", Example: "/var/tmp/gdummy.ledger", Section: secProof,
		Help: "A file to which the input appends, about once a second, what the engine has accepted. It lets `gdummy audit` distinguish losses at the end " +
			"from an early stop, and turns audit on. Several inputs may share one file. An existing file of a relative name is looked up in the working directory, then beside " +
			"the configuration file that Fluent Bit was started with, and continued; otherwise the file is created in the working directory.",
		set: func(c *Config, text string) error {
			c.Ledger = text
			return nil
		},
	},
}
