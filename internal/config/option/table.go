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
	secChecks  = "Checks"
	secProof   = "Proof of delivery"
)

// Table has a row for every option.
var Table = slices.Concat(rows, templates)

// rows are those of the records and their pace. The rows down to flush_on_startup are those
// of Fluent Bit's dummy input, with its names, defaults and meaning.
var rows = []Option{
	{
		Name: "strict", Kind: Boolean, Default: "on", Example: "off", Section: secChecks,
		Help: "Refuse to start on any mistake in the configuration. Off forgives as the dummy input does: " +
			"a warning, and the default instead of what was wrong.",
		set: boolean(func(c *Config) *bool { return &c.Strict }),
	},
	{
		Name: "dummy", Kind: String, Default: `{"message":"dummy"}`, Example: `{"level":"info","code":200}`, Section: secRecords,
		Help: "The record, as a JSON object. Several objects behind one another give one record each. " +
			"The order of members, duplicate names and numbers are kept as written, and so are control characters in strings " +
			"and bytes that are not UTF-8, which outputs that write JSON escape or replace.",
		FollowsEnvironment: true, EmptyIsDefault: true,
		set: func(c *Config, text string) error { c.Dummy = text; return nil },
	},
	{
		Name: "metadata", Kind: String, Default: `{}`, Example: `{"source":"load-test"}`, Section: secRecords,
		Help:               "The metadata of every record, as one JSON object. Fluent Bit has metadata since 2.1; on older versions it is left out.",
		FollowsEnvironment: true, EmptyIsDefault: true,
		set: func(c *Config, text string) error { c.Metadata = text; return nil },
	},
	{
		Name: "copies", Kind: Integer, Default: "1", Example: "100", Section: secRecords,
		Help: "How many times a tick repeats the record. Each has a time of its own, 1 ns after the one before.",
		set:  integer(1, math.MaxInt32, func(c *Config) *int64 { return &c.Copies }),
	},
	{
		Name: "samples", Kind: Integer, Default: "0", Example: "250", Section: secPace,
		Help: "How many ticks to give in all, after which the input stays idle. 0 or less: without end.",
		set:  integer(math.MinInt32, math.MaxInt32, func(c *Config) *int64 { return &c.Samples }),
	},
	{
		Name: "rate", Kind: Rate, Default: "1", Example: "50k", Section: secPace,
		Help: "Ticks per second (50k, 0.1), per minute (30/m) or per hour (5/h), or unlimited, which is as fast as " +
			"Fluent Bit takes it. 0 is taken as 1, as the dummy input does.",
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
		Help: "How the rate of ticks moves, instead of one rate: constant, idle, ramp, steps, sine, bursts and poisson, " +
			"one behind the other. The run ends with the profile, unless it repeats.",
		set: func(c *Config, text string) error { c.LoadProfile = text; return nil },
	},
	{
		Name: "interval_sec", Kind: Integer, Default: "0", Example: "10", Section: secPace,
		Help: "Seconds between two ticks; overrides rate. A negative value sets both intervals aside.",
		set:  integer(math.MinInt32, math.MaxInt32, func(c *Config) *int64 { return &c.IntervalSec }),
	},
	{
		Name: "interval_nsec", Kind: Integer, Default: "0", Example: "500000000", Section: secPace,
		Help: "Nanoseconds between two ticks, in addition to interval_sec; overrides rate. A negative value sets both intervals aside.",
		set:  integer(math.MinInt32, int64(time.Second)-1, func(c *Config) *int64 { return &c.IntervalNsec }),
	},
	{
		Name: "max_records", Kind: Integer, Default: "0", Example: "1M", Section: secEnd,
		Help: "How many records to give in all. 0: without end.",
		set:  integer(0, math.MaxInt64, func(c *Config) *int64 { return &c.MaxRecords }),
	},
	{
		Name: "duration", Kind: Time, Default: "0", Example: "10m", Section: secEnd,
		Help: "For how long to give records. 0: without end. Of samples, max_records and duration, whichever comes first ends the run.",
		set:  span(func(c *Config) *time.Duration { return &c.Duration }),
	},
	{
		Name: "on_finish", Kind: Choice, Default: "idle", Example: "exit", Section: secEnd,
		Help: "What follows the end of a finite run: idle, or exit, which stops Fluent Bit once every input that asks for it has " +
			"finished and its records were taken in.",
		Choices: words(FinishIdle, FinishExit),
		set:     choice(func(c *Config) *OnFinish { return &c.OnFinish }),
	},
	{
		Name: "start_delay", Kind: Time, Default: "0", Example: "5s", Section: secPace,
		Help: "How long to wait before the clock of the ticks starts.",
		set:  span(func(c *Config) *time.Duration { return &c.StartDelay }),
	},
	{
		Name: "catch_up", Kind: Choice, Default: "limit", Example: "full", Section: secPace,
		Help: "What becomes of ticks that a stall or a pause has made late: full makes up all of them, limit those of the last second, " +
			"none gives them up. What is given up is counted as shortfall.",
		Choices: words(CatchUpLimit, CatchUpFull, CatchUpNone),
		set:     choice(func(c *Config) *CatchUp { return &c.CatchUp }),
	},
	{
		Name: "max_in_flight", Kind: Size, Default: "4M", Example: "1M", Section: secPace,
		Help: "How many bytes may be handed over to the engine without being taken in. Less costs speed, more costs memory " +
			"and keeps the engine from its other work.",
		set: sizeBetween(256_000, 64_000_000, func(c *Config) *int64 { return &c.MaxInFlight }),
	},
	{
		Name: "max_memory", Kind: Size, Default: "", DefaultText: "256M, or a quarter of the cgroup's memory limit if that is less", Example: "1G", Section: secPace,
		Help: "By how many bytes Fluent Bit's process may grow from the start of its inputs on, whatever its outputs do. While it has grown " +
			"by more, records wait, except for one slice a second; what is late by then is up to catch_up. The metric " +
			"fluentbit_gdummy_memory_wait_seconds_total is how long they have waited.",
		set: func(c *Config, text string) error {
			c.MaxMemory = 0
			if text == "" {
				return nil
			}
			return sizeBetween(1_000_000, math.MaxInt64, func(c *Config) *int64 { return &c.MaxMemory })(c, text)
		},
	},
	{
		Name: "start_time_sec", Kind: Integer, Default: "-1", Example: "1700000000", Section: secTime,
		Help: "The time at which the records' clock starts, in seconds since 1970; from there it runs on. Negative: now.",
		set:  integer(math.MinInt32, math.MaxUint32, func(c *Config) *int64 { return &c.StartTimeSec }),
	},
	{
		Name: "start_time_nsec", Kind: Integer, Default: "-1", Example: "500000000", Section: secTime,
		Help: "Nanoseconds of the time at which the records' clock starts. Negative: 0, if start_time_sec is given.",
		set:  integer(math.MinInt32, int64(time.Second)-1, func(c *Config) *int64 { return &c.StartTimeNsec }),
	},
	{
		Name: "fixed_timestamp", Kind: Boolean, Default: "off", Example: "on", Section: secTime,
		Help: "Give every record the same time: that of start_time_sec and start_time_nsec, or that of the start. " +
			"Without it no two records of an input have the same time.",
		set: boolean(func(c *Config) *bool { return &c.FixedTimestamp }),
	},
	{
		Name: "flush_on_startup", Kind: Boolean, Default: "off", Example: "on", Section: secPace,
		Help: "Give one tick at once, before the first one is due.",
		set:  boolean(func(c *Config) *bool { return &c.FlushOnStartup }),
	},
	{
		Name: "audit", Kind: Boolean, Default: "off", Example: "on", Section: secProof,
		Help: "Give every record an identity, by which `gdummy audit` finds what was lost, doubled, reordered or damaged on its way.",
		set:  boolean(func(c *Config) *bool { return &c.Audit }),
	},
	{
		Name: "audit_key", Kind: String, Default: "gdummy", Example: "trace", Section: secProof,
		Help: "The name of the member that holds the identity.",
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
		Help:    "Where the identity stands: in the body or in the metadata of the record.",
		Choices: words(AuditInBody, AuditInMetadata),
		set:     choice(func(c *Config) *AuditIn { return &c.AuditIn }),
	},
	{
		Name: "ledger", Kind: File, Default: "", Example: "/var/tmp/gdummy.ledger", Section: secProof,
		Help: "A file that is appended to, about once a second, with what the engine has taken; by it `gdummy audit` tells loss at the end " +
			"from an early end. It turns audit on. Several inputs may share one file. Of a relative name, a file that is in the working directory or beside the " +
			"configuration file that Fluent Bit was started with is continued, in this order; else it is created in the working directory.",
		set: func(c *Config, text string) error {
			c.Ledger = text
			return nil
		},
	},
}
