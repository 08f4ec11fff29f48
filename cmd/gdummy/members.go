// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/source"
)

// auditReport is the output of `audit --json`.
type auditReport struct {
	Clean  bool     `json:"clean"`
	Known  bool     `json:"known"` // the verdict covers everything
	Faults []string `json:"faults"`
	*audit.Verdict
}

// refusedReport is the output of `audit --json` for sources that it cannot read.
type refusedReport struct {
	Clean      bool                `json:"clean"`
	Known      bool                `json:"known"`
	Unreadable []source.Unreadable `json:"unreadable"`
}

// auditMembers documents the members of auditReport and refusedReport, except those of
// [audit.Counts].
var auditMembers = [][2]string{
	{"clean", "no faults; the exit code is 0"},
	{"known", "everything is known: no ledger is cut off or missing, and everything was read and compared"},
	{"faults[]", "each fault as text"},
	{"exact", "no count is affected by the limit of --memory"},
	{"cut_off", "the number of streams whose ledger has no close line"},
	{"without_ledger", "the number of streams without a ledger"},
	{"notes[]", "further explanations, as text"},
	{"other", "records of runs that --run excludes"},
	{"missing_shards[]", "with --merge: the shards whose parts are missing"},
	{"no_ledger_of[]", "the shards without a ledger, such as 3/8 or 4-7/8 of a stream, if others of their stream have one; not with --run ID, or if --ledger names one file"},
	{"streams[].run", "the run, 12 digits of base 32"},
	{"streams[].instance", "the number of the input"},
	{"streams[].name", "the name of the input, from the ledger"},
	{"streams[].ledger", "the stream is in a ledger"},
	{"streams[].closed", "the ledger has its close line"},
	{"streams[].first", "when the earliest record that arrived was due"},
	{"streams[].last", "when the latest record that arrived was due"},
	{"streams[].lost_ranges[].from", "the first record of a range of lost records; at most 1000 ranges are listed"},
	{"streams[].lost_ranges[].to", "the last record of the range"},
	{"streams[].lost_ranges[].count", "the number of lost records in the range"},
	{"streams[].lost_ranges[].since", "the earliest time they can have been sent"},
	{"streams[].lost_ranges[].until", "the latest time they can have been sent"},
	{"streams[].unknown_ranges[].from", "the same for unknown records"},
	{"streams[].unknown_ranges[].to", ""},
	{"streams[].unknown_ranges[].count", ""},
	{"streams[].unknown_ranges[].since", ""},
	{"streams[].unknown_ranges[].until", ""},
	{"streams[].more_ranges", "the number of ranges that are not listed"},
	{"streams[].events[].time", "when the ledger noted an event"},
	{"streams[].events[].word", "open, pause, resume, reload, control or close"},
	{"streams[].events[].name", "the name of the input"},
	{"streams[].events[].change.record", "of a control: the first record that was emitted after the change of the pace, from 0"},
	{"streams[].events[].change.scheduled", "how many records were due by then since the start"},
	{"streams[].events[].change.state", "what is in force since then, in the words of a control file"},
	{"streams[].latency", "like latency below, for this stream; absent if it is part of the total only"},
	{"streams[].timeline", "like timeline below, for this stream; absent if it is part of the total only"},
	{"streams[].broken_records", "as broken_records below, of this stream"},
	{"broken_records.kinds[].kind", "a kind of damage, with the same counts; the object is absent if no record was sent broken"},
	{"broken_records.sent", "records that were sent broken on purpose"},
	{"broken_records.as_sent", "those that arrived as they were sent"},
	{"broken_records.repaired", "those that arrived with another content"},
	{"broken_records.unchecked", "those whose body could not be compared"},
	{"broken_records.lost", "those that did not arrive"},
	{"broken_records.withheld", "those that our receiver acknowledged and discarded"},
	{"broken_records.unknown", "those of which it is unknown whether they were lost"},
	{"broken_records.took_neighbours", "those in whose run of lost and changed records there are others"},
	{"broken_records.neighbours", "these others"},
	{"latency.count", "arrivals whose time is known, duplicates included"},
	{"latency.mean", "the mean of their latencies, in nanoseconds"},
	{"latency.max", "the highest latency, in nanoseconds"},
	{"latency.percentiles[].percent", "50, 75, 90, 95, 99, 99.9 and 99.99"},
	{"latency.percentiles[].value", "the latency at that percentile, in nanoseconds"},
	{"latency.early", "records that arrived before they were sent, because clocks differ"},
	{"timeline.first", "the time of the first record: its arrival time if known, else the time at which it was due"},
	{"timeline.last", "the time of the last record"},
	{"timeline.start", "the time the first point begins"},
	{"timeline.width", "the duration of a point, in nanoseconds"},
	{"timeline.points[].arrived", "the number of arrivals in the point, duplicates included"},
	{"timeline.points[].max_latency", "their highest latency, in nanoseconds; absent if unknown"},
	{"timeline.points[].mean_latency", "the mean of their latencies, in nanoseconds; absent if unknown"},
	{"receiver.faults", "the faults of --fault; receiver is absent if there are none and nothing was refused"},
	{"receiver.seed", "the seed of the faults"},
	{"receiver.refused[].why", "a fault, or a limit of the receiver"},
	{"receiver.refused[].acknowledged", "the sender received an acknowledgement"},
	{"receiver.refused[].requests", "the number of requests, messages or connections that were refused"},
	{"receiver.refused[].partly_read", "the number of those that were not read completely"},
	{"receiver.refused[].records", "the number of records known to be in them"},
	{"receiver.refused[].lost", "the number of these records that were not acknowledged and never arrived"},
	{"receiver.refused[].withheld", "the number of these records that were acknowledged and never arrived"},
	{"receiver.at_least", "more of the lost records may have been refused: the limit of --memory was reached"},
	{"unreadable[].source", "a source that cannot be read; the only other members are clean and known"},
	{"unreadable[].entry", "the file in an archive"},
	{"unreadable[].format", "its apparent format"},
}

// countMembers documents the members of [audit.Counts], in total and for each stream.
var countMembers = [][2]string{
	{"sent", "records that were numbered"},
	{"accepted", "records that the engine accepted; absent without a ledger"},
	{"ingested", "records of the input that the engine counted; absent if no ledger has the count"},
	{"arrived", "records that arrived, each counted once"},
	{"lost", "records that were accepted and did not arrive"},
	{"duplicates", "arrivals beyond the first of a record"},
	{"repeated", "arrivals of records that were repeated on purpose"},
	{"reordered", "records that arrived after a later one"},
	{"damaged", "records whose body is not what was sent"},
	{"enriched", "records to which fields were added"},
	{"foreign", "records without an identity"},
	{"unknown", "records that may or may not have been lost"},
	{"unchecked", "records whose body could not be checked"},
	{"withheld", "records that our receiver acknowledged and discarded"},
	{"refused", "records that the engine did not accept; absent without a ledger"},
	{"shortfall", "records that were due and never made; absent without a ledger"},
	{"broken", "parts of the input that could not be read"},
	{"lost_by_receiver", "lost records that our receiver refused"},
	{"max_distance", "the largest distance, in records, of a reordered record from its place"},
}

// membersPage returns the page on --json.
func membersPage() []byte {
	w := new(bytes.Buffer)
	fmt.Fprint(w, `# JSON output

<!-- `+"`make docs`"+` renews this page. -->

A member whose value is unknown is absent; 0 is a count. Times are RFC 3339 in UTC. More members may be added in later versions.

The JSON Schema of each object is beside this page: [audit.schema.json](audit.schema.json), [capacity.schema.json](capacity.schema.json) and [check.schema.json](check.schema.json).

## gdummy audit --json

| member | |
|---|---|
`)
	rows := func(members [][2]string) {
		for _, m := range members {
			fmt.Fprintf(w, "| `%s` | %s |\n", m[0], m[1])
		}
	}
	rows(auditMembers)
	fmt.Fprint(w, "\nThe counts, in total and of each element of `streams`:\n\n| member | |\n|---|---|\n")
	rows(countMembers)
	fmt.Fprint(w, "\n## gdummy capacity --json\n\nAn answer about one configuration:\n\n| member | |\n|---|---|\n")
	rows(capacityMembers)
	fmt.Fprint(w, "\nA trial, an element of `trials`, and of `comparison.a` and `comparison.b`, whose elements with the same index are a pair:\n\n| member | |\n|---|---|\n")
	rows(trialMembers)
	fmt.Fprint(w, "\nA comparison has `sink`, `headroom`, and:\n\n| member | |\n|---|---|\n")
	rows(within("a.", sideMembers))
	fmt.Fprint(w, "| `b` | the same of the other |\n")
	rows(comparisonMembers)
	fmt.Fprint(w, "\n## gdummy check --json\n\n| member | |\n|---|---|\n")
	rows(checkMembers)
	return w.Bytes()
}
