// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"

	"github.com/gdummy/gdummy/internal/prove/audit"
)

// auditReport is what `audit --json` prints.
type auditReport struct {
	Clean  bool     `json:"clean"`
	Known  bool     `json:"known"` // nothing may hide a fault
	Faults []string `json:"faults"`
	*audit.Verdict
}

// refusedReport is what `audit --json` prints of sources that it cannot read.
type refusedReport struct {
	Clean      bool         `json:"clean"`
	Known      bool         `json:"known"`
	Unreadable []unreadable `json:"unreadable"`
}

// auditMembers document the members of an auditReport and of a refusedReport. Those of
// [audit.Counts] are in countMembers.
var auditMembers = [][2]string{
	{"clean", "there are no faults; the exit code is 0"},
	{"known", "everything is known: no ledger is cut off or missing, and everything was read and compared"},
	{"faults[]", "each fault, in words"},
	{"exact", "nothing that matters was forgotten to stay within --memory"},
	{"cut_off", "the number of streams whose ledger has no close line"},
	{"without_ledger", "the number of streams without a ledger"},
	{"notes[]", "what a reader should know besides"},
	{"other", "records of runs that --run leaves out"},
	{"streams[].run", "the run, 12 digits of base 32"},
	{"streams[].instance", "the number of the input"},
	{"streams[].name", "the name of the input, from the ledger"},
	{"streams[].ledger", "a ledger has this stream"},
	{"streams[].closed", "and its close line"},
	{"streams[].first", "when the first of the records that arrived was due"},
	{"streams[].last", "when the last of them was due"},
	{"streams[].lost_ranges[].from", "the first record of a range of lost ones; at most 1000 ranges"},
	{"streams[].lost_ranges[].to", "the last one"},
	{"streams[].lost_ranges[].count", "how many of them are lost"},
	{"streams[].lost_ranges[].since", "the earliest time at which they can have been sent"},
	{"streams[].lost_ranges[].until", "the latest"},
	{"streams[].unknown_ranges[].from", "the same for records of which it is unknown whether they were lost"},
	{"streams[].unknown_ranges[].to", ""},
	{"streams[].unknown_ranges[].count", ""},
	{"streams[].unknown_ranges[].since", ""},
	{"streams[].unknown_ranges[].until", ""},
	{"streams[].more_ranges", "the number of ranges that are not listed"},
	{"streams[].events[].time", "when the ledger noted an event"},
	{"streams[].events[].word", "open, pause, resume, reload or close"},
	{"streams[].events[].name", "the name of the input"},
	{"streams[].latency", "as latency below, of this stream; absent if it has none of its own"},
	{"streams[].timeline", "as timeline below, of this stream; absent if it has none of its own"},
	{"latency.count", "records whose arrival time is known"},
	{"latency.mean", "the mean of their latencies, in nanoseconds"},
	{"latency.max", "the highest latency, in nanoseconds"},
	{"latency.percentiles[].percent", "50, 75, 90, 95, 99, 99.9 and 99.99"},
	{"latency.percentiles[].value", "the latency at that percentile, in nanoseconds"},
	{"latency.early", "records that arrived before they were sent, because clocks differ"},
	{"timeline.first", "the time of the first record: of its arrival if that is known, else when it was due"},
	{"timeline.last", "that of the last one"},
	{"timeline.start", "when the first point begins"},
	{"timeline.width", "the time that a point covers, in nanoseconds"},
	{"timeline.points[].arrived", "the records of a point"},
	{"timeline.points[].max_latency", "their highest latency, in nanoseconds; absent if unknown"},
	{"timeline.points[].mean_latency", "the mean of their latencies, in nanoseconds; absent if unknown"},
	{"receiver.faults", "the faults of --fault; the object is absent without any, if nothing was refused"},
	{"receiver.seed", "the seed of the faults"},
	{"receiver.refused[].why", "a fault, or a limit of the receiver"},
	{"receiver.refused[].acknowledged", "the sender got an acknowledgement"},
	{"receiver.refused[].requests", "how many requests, messages or connections were refused"},
	{"receiver.refused[].partly_read", "how many of them were not read to the end"},
	{"receiver.refused[].records", "the records that are known to have been in them"},
	{"receiver.refused[].lost", "those of them that never arrived, without an acknowledgement"},
	{"receiver.refused[].withheld", "those of them that never arrived, with one"},
	{"receiver.at_least", "more of the lost may have been refused: --memory did not suffice to tell"},
	{"unreadable[].source", "a source that cannot be read; then only clean and known are beside it"},
	{"unreadable[].entry", "the file of an archive"},
	{"unreadable[].format", "what it looks like"},
}

// countMembers document the members of [audit.Counts]: the totals, and those of each
// stream.
var countMembers = [][2]string{
	{"sent", "records that were numbered"},
	{"accepted", "records that the engine accepted; absent without a ledger"},
	{"ingested", "records that the engine counts as the input's; absent without a ledger that has it"},
	{"arrived", "records that arrived, each counted once"},
	{"lost", "records that were accepted and did not arrive"},
	{"duplicates", "arrivals beyond the first of a record"},
	{"repeated", "arrivals of records that were repeated on purpose"},
	{"reordered", "records that arrived after a later one"},
	{"damaged", "records whose body is not what was sent"},
	{"enriched", "records to which fields were added"},
	{"foreign", "records without an identity"},
	{"unknown", "records of which it is unknown whether they were lost"},
	{"unchecked", "records whose body could not be compared"},
	{"withheld", "records that our receiver acknowledged and discarded"},
	{"refused", "records that the engine did not accept; absent without a ledger"},
	{"shortfall", "records that were due and never made; absent without a ledger"},
	{"broken", "pieces that could not be read"},
	{"lost_by_receiver", "those of lost that our receiver refused"},
	{"max_distance", "how many records lie between a reordered one and the latest before it, at most"},
}

// membersPage returns the page on the output of --json.
func membersPage() []byte {
	w := new(bytes.Buffer)
	fmt.Fprint(w, `# JSON output

<!-- `+"`make docs`"+` renews this page. -->

A member whose value is unknown is absent; 0 is a count. Times are RFC 3339 in UTC. More members may be added in later versions.

The JSON Schema of each object is beside this page: [audit.schema.json](audit.schema.json) and [check.schema.json](check.schema.json).

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
	fmt.Fprint(w, "\n## gdummy check --json\n\n| member | |\n|---|---|\n")
	rows(checkMembers)
	return w.Bytes()
}
