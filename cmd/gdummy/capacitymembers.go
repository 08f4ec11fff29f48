// SPDX-License-Identifier: Apache-2.0

package main

// capacityMembers documents the members of capacityResult, except those of its trials.
var capacityMembers = [][2]string{
	{"config", "the configuration"},
	{"fluent_bit", "the executable"},
	{"version", "its version"},
	{"sink", "the value of --sink"},
	{"faults", "the faults of --fault; absent without any"},
	{"headroom", "records per second that gdummy can produce here; of a comparison, the lower of both"},
	{"left_out[]", "inputs that nothing feeds"},
	{"idle[]", "outputs that got no records"},
	{"changes[]", "what differs from the configuration, as text"},
	{"rate", "the answer, in records per second; 0 if unknown, or if no rate holds"},
	{"low", "the lower end of its interval"},
	{"high", "the upper end"},
	{"bytes", "bytes per second at the rate; absent if unknown"},
	{"confidence", "the probability that the interval contains the rate"},
	{"at_least", "gdummy, and not the pipeline, may be the limit"},
	{"noisy", "trials contradict each other more than --precision allows"},
	{"partial", "the search ended early, or the rate is not confirmed"},
	{"stopped", "what ended the search before --precision was reached: interrupted, budget or failed; else absent"},
	{"noise", "the estimated deviation between trials, as a share of the rate"},
	{"precision", "half the width of the interval that was asked for, as a share of the rate"},
	{"elapsed", "how long the search took, in nanoseconds"},
	{"ramp_low", "the highest rate with which the ramp kept up"},
	{"ramp_high", "the lowest rate with which it did not; 0 if there is none"},
	{"confirmed", "the index of the trial that confirmed 95 % of the rate, or -1"},
	{"culprit", "what limits the pipeline, as text; absent if no trial failed"},
}

// trialMembers documents the members of [capacity.Trial].
var trialMembers = [][2]string{
	{"rate", "records per second that were asked for"},
	{"held", "the rate held"},
	{"reason", "why not: exited, lost, given up, shortfall, latency or backlog; else absent"},
	{"detail", "a figure for the reason"},
	{"hold", "how long it was asked to hold, in nanoseconds"},
	{"duration", "how long it was measured, in nanoseconds; less than hold if it ended early"},
	{"whole", "it was not to end early; else absent"},
	{"without", "the filter that was left out; else absent"},
	{"achieved", "records that arrived per second"},
	{"bytes", "bytes that were generated per second"},
	{"p50", "the median latency, in nanoseconds; 0 if unknown"},
	{"p99", "the 99th percentile, in nanoseconds; 0 if unknown"},
	{"cpu", "CPU time of the process within duration, in nanoseconds"},
	{"memory", "its largest resident set, in bytes"},
	{"backlog", "records that were due and had not arrived at the end"},
	{"growth", "by how many records a second the backlog grew"},
	{"samples[].at", "the end of a window, since the end of the warm-up, in nanoseconds"},
	{"samples[].rate", "records per second that were generated in it"},
	{"samples[].achieved", "records per second that arrived"},
	{"samples[].p99", "the 99th percentile of their latency, in nanoseconds; 0 if unknown"},
	{"samples[].cpu", "cores that the process used"},
	{"samples[].memory", "its resident set, in bytes"},
	{"samples[].backlog", "records that were due and had not arrived"},
	{"evidence.threads[].role", "engine, input, output or other"},
	{"evidence.threads[].name", "the input or output that it serves, or its own name"},
	{"evidence.threads[].cpu", "share of a core that it used"},
	{"evidence.threads[].busy", "share of time in which it did not wait for events; absent if unknown"},
	{"evidence.threads[].waited", "share of time in which it waited for a CPU; absent if unknown"},
	{"evidence.filters[].name", "a filter"},
	{"evidence.filters[].time", "share of time that its thread spent in it; absent if it was not measured"},
	{"evidence.filters[].dropped", "records that it dropped, more than at a low rate"},
	{"evidence.outputs[].name", "an output"},
	{"evidence.outputs[].workers", "its workers, as configured"},
	{"evidence.outputs[].busy", "share of time in which a request waited for its answer"},
	{"evidence.outputs[].retries", "retries that were scheduled"},
	{"evidence.outputs[].given_up", "chunks that were given up"},
	{"evidence.pauses", "how often an input was paused"},
	{"evidence.storage", "the fullest storage.total_limit_size, as a share"},
	{"evidence.memory", "the fullest mem_buf_limit, as a share"},
	{"evidence.cpu_quota", "cores that the control group allows; absent without a limit"},
	{"evidence.cpu", "cores that the process used"},
	{"evidence.receiver_limit", "records per second that --fault rate allows"},
	{"evidence.receiver_busy", "share of time in which the receiver read records"},
	{"evidence.workers", "requests at the same time that --fault workers allows"},
	{"evidence.workers_busy", "share of time in which there were as many"},
	{"evidence.headroom", "records per second that gdummy can produce here"},
	{"purpose", "search, confirm, cost (at a share of the rate), part (without a filter) or pair (of a comparison)"},
	{"took", "how long it took with its start and its end, in nanoseconds"},
	{"contradicts", "it held above a failure, or failed below a success; else absent"},
}

// sideMembers documents the members of capacitySide.
var sideMembers = [][2]string{
	{"config", "the configuration"},
	{"fluent_bit", "the executable"},
	{"version", "its version"},
	{"left_out[]", "inputs that nothing feeds"},
	{"idle[]", "outputs that got no records"},
	{"changes[]", "what differs from the configuration, as text"},
}

// comparisonMembers documents the members of capacityComparison that are not described
// above.
var comparisonMembers = [][2]string{
	{"failed[]", "conditions of --fail-if that are met"},
	{"unknown[]", "conditions of --fail-if for which an interval is missing"},
	{"comparison.ratios[].metric", "throughput, cpu (CPU time a record) or latency (99th percentile)"},
	{"comparison.ratios[].rate", "records per second that were asked for"},
	{"comparison.ratios[].a", "the median of the trials of A: records per second, or nanoseconds"},
	{"comparison.ratios[].b", "that of the trials of B"},
	{"comparison.ratios[].pairs", "pairs of trials"},
	{"comparison.ratios[].ratio", "B to A: the median of the ratios of each trial of B to each of A; 0 without pairs"},
	{"comparison.ratios[].low", "the lower end of the interval of the ratio; 0 if there are too few pairs for one"},
	{"comparison.ratios[].high", "the upper end"},
	{"comparison.ratios[].confidence", "the confidence of the interval"},
	{"comparison.ratios[].significant", "the interval excludes 1"},
	{"comparison.confidence", "the confidence that no interval misses its ratio"},
	{"comparison.at_least", "gdummy may have limited the throughput of both"},
	{"comparison.partial", "the comparison ended early, or there are too few pairs for intervals"},
	{"comparison.stopped", "what ended it: interrupted, budget or failed; else absent"},
	{"comparison.elapsed", "how long it took, in nanoseconds"},
}

// within returns members within another.
func within(prefix string, members [][2]string) (all [][2]string) {
	for _, m := range members {
		all = append(all, [2]string{prefix + m[0], m[1]})
	}
	return all
}
