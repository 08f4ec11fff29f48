// SPDX-License-Identifier: Apache-2.0

package load

import (
	"github.com/gdummy/gdummy/internal/prove/capacity"
	"github.com/gdummy/gdummy/internal/wire/agent"
)

// leastLooks is the number of looks at a thread from which it is known how busy it is.
const leastLooks = 10

// evidence returns what was seen of the parts of the pipeline between two moments.
func (h *hold) evidence(a, b usage, p, q snapshot) capacity.Evidence {
	e := capacity.Evidence{CPUQuota: h.agent.Quota(), Headroom: h.m.Headroom}
	took := b.at.Sub(a.at).Seconds()
	if took > 0 {
		e.Threads = threadsOf(a, b, outputThreads(b.Threads, h.in.sending))
		e.CPU = (b.CPU - a.CPU).Seconds() / took
	}
	more := map[string]float64{}
	if n := len(h.pages); n > 0 { // q may be before the page that ended the trial
		more = h.dropped(snapshot{}, h.pages[n-1], 0)
	}
	for _, f := range h.in.filters {
		e.Filters = append(e.Filters, capacity.Filter{Name: f, Dropped: uint64(more[f])})
	}
	h.fullness(&e)
	for i, name := range h.in.outputs {
		o := capacity.Output{Name: name, Workers: h.in.workers[i],
			Retries: uint64(q.Of("output_retries_total", name)), GivenUp: uint64(q.Of("output_retries_failed_total", name))}
		if len(h.in.meters) == 0 {
			o.Busy = h.busy(name)
		} else if r, was := b.receivers[i], a.receiver(i); r.looks > was.looks {
			looks := float64(r.looks - was.looks)
			o.Busy = float64(r.busy-was.busy) / looks
			e.WorkersBusy = max(e.WorkersBusy, float64(r.full-was.full)/looks)
			e.ReceiverBusy = max(e.ReceiverBusy, (r.reading-was.reading).Seconds()/took)
		}
		e.Outputs = append(e.Outputs, o)
	}
	if h.m.Faults != nil {
		e.Workers = h.m.Faults.Workers
	}
	if h.m.Faults != nil && h.m.Faults.Rate > 0 {
		most := 0.0
		for _, share := range h.m.arriving {
			most = max(most, share)
		}
		e.ReceiverLimit = h.m.Faults.Rate / most
	}
	return e
}

// threadsOf returns what the threads did between two moments. labels are those of outputs,
// by the thread's identifier.
func threadsOf(a, b usage, labels map[string]string) (threads []capacity.Thread) {
	took := b.at.Sub(a.at).Seconds()
	before := map[string]agent.ThreadUsage{}
	for _, t := range a.Threads {
		before[t.ID] = t
	}
	for _, t := range b.Threads {
		role, name := roleOf(t.Name)
		if label := labels[t.ID]; label != "" {
			name = label
		}
		was := before[t.ID]
		of := capacity.Thread{Role: role, Name: name, CPU: (t.CPU - was.CPU).Seconds() / took, Waited: (t.Waited - was.Waited).Seconds() / took}
		if looks := t.Looks - was.Looks; looks >= leastLooks {
			of.Busy = 1 - float64(t.Waits-was.Waits)/float64(looks)
		}
		if role != capacity.OtherThread || of.CPU >= 0.005 {
			threads = append(threads, of)
		}
	}
	return threads
}

// fullness notes how full the memory of inputs and the storage of outputs were, and how
// often an input was paused.
func (h *hold) fullness(e *capacity.Evidence) {
	paused := false
	for _, page := range h.pages {
		now := page.Sum("input_ingestion_paused") > 0
		if now && !paused {
			e.Pauses++
		}
		paused = now
		for input, limit := range h.in.bufs {
			e.Memory = max(e.Memory, page.Of("input_storage_memory_bytes", input)/float64(limit))
		}
		for _, output := range h.in.capped {
			e.Storage = max(e.Storage, 1-page.Of("output_chunk_available_capacity_percent", output)/100)
		}
	}
}

// busy returns the share of the pages in which an output had a request that waits for its
// answer.
func (h *hold) busy(output string) (share float64) {
	for _, page := range h.pages {
		if page.Of("output_upstream_busy_connections", output) > 0 {
			share += 1 / float64(len(h.pages))
		}
	}
	return share
}
