// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/gdummy/gdummy/internal/prove/audit"

// noLimits are the default limits.
var noLimits = audit.Limits{Reordered: -1, Foreign: -1, Unknown: -1, Unchecked: -1, Unsent: -1, Broken: -1, BrokenLost: -1, Repaired: -1}

// limitTable returns the flags of the limits.
func limitTable(l *audit.Limits) []flagRow {
	const none = "no limit"
	return []flagRow{
		{section: "What is a fault", name: "max-lost", arg: "N", help: "allow up to N lost records", without: "0",
			example: "--max-lost 100 --ledger run.ledger cut", set: setCount(&l.Lost, 0)},
		{name: "max-withheld", arg: "N", help: "allow up to N records that --fault drop acknowledged and discarded", without: "0",
			example: "--listen http://:9880 --fault drop=50% --max-withheld 1000 --ledger run.ledger", set: setCount(&l.Withheld, 0)},
		{name: "max-duplicates", arg: "N", help: "allow up to N duplicates", without: "0",
			example: "--max-duplicates 1000 --ledger run.ledger out copy", set: setCount(&l.Duplicates, 0)},
		{name: "max-damaged", arg: "N", help: "allow up to N damaged records", without: "0",
			example: "--max-damaged 1000 --ledger run.ledger renamed", set: setCount(&l.Damaged, 0)},
		{name: "max-shortfall", arg: "N", help: "allow up to N records that were scheduled and never sent, because the rate was missed", without: "0",
			example: "--max-shortfall 100 --ledger short.ledger short", set: setCount(&l.Shortfall, 0)},
		{name: "max-unsent", arg: "N", help: "allow up to N records that runs were still to send when they were stopped before\ntheir ends, and no run of which the number is unknown, as after a kill", without: none,
			example: "--max-unsent 0 --ledger run.ledger out", set: setCount(&l.Unsent, 0)},
		{name: "max-reordered", arg: "N", help: "allow up to N reordered records", without: none,
			example: "--max-reordered 0 --ledger run.ledger backwards", set: setCount(&l.Reordered, 0)},
		{name: "max-foreign", arg: "N", help: "allow up to N foreign records", without: none,
			example: "--max-foreign 0 --ledger run.ledger out others", set: setCount(&l.Foreign, 0)},
		{name: "max-unknown", arg: "N", help: "allow up to N unknown records, and no unknown end: no truncated ledger and no\nrun without a ledger", without: none,
			example: "--max-unknown 0 --ledger run.ledger out", set: setCount(&l.Unknown, 0)},
		{name: "max-unchecked", arg: "N", help: "allow up to N records whose body could not be checked", without: none,
			example: "--max-unchecked 0 --ledger run.ledger csv", set: setCount(&l.Unchecked, 0)},
		{name: "max-broken", arg: "N", help: "allow up to N pieces that could not be read", without: "0, or no limit if\nthe ledgers prove that all arrived",
			example: "--max-broken 0 --ledger run.ledger out garbage", set: setCount(&l.Broken, 0)},
		{name: "max-broken-lost", arg: "N", help: "allow up to N lost records among those sent broken on purpose", without: none,
			example: "--max-broken-lost 0 --ledger run.ledger out", set: setCount(&l.BrokenLost, 0)},
		{name: "max-repaired", arg: "N", help: "allow up to N of them that arrived with other content", without: none,
			example: "--max-repaired 0 --ledger run.ledger out", set: setCount(&l.Repaired, 0)},
		{name: "max-p99", arg: "D", help: "allow a 99th percentile of the latency of up to D", without: none,
			example: "--max-p99 500ms --arrived-at event.ingested --ledger run.ledger ingested", set: setSpan(&l.P99)},
	}
}
