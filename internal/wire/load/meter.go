// SPDX-License-Identifier: Apache-2.0

package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// meter is the receiver of one output. It counts what arrives, and when.
type meter struct {
	server *receive.Server
	width  time.Duration // of a window

	mu      sync.Mutex
	audit   *audit.Auditor
	origin  time.Time // when the first record was due; zero before it arrived
	last    int64     // when the last record arrived, in nanoseconds since 1970
	windows []window  // since origin

	looks, busy, full int // observations, those with a message that waits for its answer, and those without a free worker
}

// window is what arrived in a period.
type window struct {
	records uint64
	latency time.Duration // sum
	moment  float64       // sum of when they arrived, in seconds since the origin
	spread  *hdrhistogram.Histogram
}

const (
	spreadUnit = 100 * time.Microsecond
	spreadMax  = int64(time.Hour / spreadUnit)
)

func newMeter(faults *receive.Faults, width time.Duration) (m *meter, err error) {
	m = &meter{width: width, audit: audit.New(audit.Options{})}
	m.server, err = receive.Listen("forward://127.0.0.1:0", m, receive.Options{Faults: faults, Seed: 1})
	return m, err
}

// Take implements receive.Sink.
func (m *meter) Take(found []receive.Finding, arrival int64) {
	if len(found) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.origin.IsZero() {
		m.origin = time.Unix(0, startOf(found))
	}
	m.last = max(m.last, arrival)
	i := int(max(arrival-m.origin.UnixNano(), 0) / int64(m.width))
	for len(m.windows) <= i {
		m.windows = append(m.windows, window{spread: hdrhistogram.New(1, spreadMax, 2)})
	}
	w := &m.windows[i]
	w.moment += float64(len(found)) * time.Duration(arrival-m.origin.UnixNano()).Seconds()
	for _, f := range found {
		m.audit.Take(f.ID, f.State, arrival)
		latency := max(time.Duration(arrival-f.ID.Time), 0)
		w.records++
		w.latency += latency
		_ = w.spread.RecordValue(min(int64(latency/spreadUnit), spreadMax)) // always within the range
	}
}

// startOf returns when the first record of a run was due, in nanoseconds since 1970. Fluent
// Bit may send later chunks first: the time follows from the numbers of the records and the
// time between them.
func startOf(found []receive.Finding) int64 {
	first, last := found[0].ID, found[0].ID
	for _, f := range found {
		switch {
		case f.ID.Run != first.Run:
		case f.ID.Seq < first.Seq:
			first = f.ID
		case f.ID.Seq > last.Seq:
			last = f.ID
		}
	}
	start := first.Time
	if last.Seq > first.Seq {
		start -= int64(float64(last.Time-first.Time) / float64(last.Seq-first.Seq) * float64(first.Seq))
	}
	return start
}

// rest returns how long after a moment since the origin records arrived.
func (m *meter) rest(from time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(time.Unix(0, m.last).Sub(m.origin.Add(from)), 0)
}

// Refuse implements receive.Sink. What is sent again arrives; the rest is missing.
func (m *meter) Refuse(receive.Refusal, []receive.Finding) {}

// Others implements receive.Sink.
func (m *meter) Others(uint64, uint64) {}

// distinct returns the number of records that arrived, each counted once.
func (m *meter) distinct() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.audit.Progress().Arrived
}

// began returns when the first record was due, or zero.
func (m *meter) began() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.origin
}

// look observes whether a message waits for its answer.
func (m *meter) look() {
	m.looks++
	if m.server.Active() {
		m.busy++
	}
	if m.server.Full() {
		m.full++
	}
}

// receiverUse is what was observed of a receiver since its start.
type receiverUse struct {
	looks, busy, full int
	reading           time.Duration
}

func (m *meter) use() receiverUse {
	return receiverUse{m.looks, m.busy, m.full, m.server.Reading()}
}

// lags returns the mean latency of what arrived in each window from one moment to another
// since the origin. Where nothing arrived, it grows with the clock.
func (m *meter) lags(from, to time.Duration) (lags []time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := time.Duration(0)
	for i := range int(to / m.width) {
		last += m.width
		if i < len(m.windows) && m.windows[i].records > 0 {
			last = m.windows[i].latency / time.Duration(m.windows[i].records)
		}
		if time.Duration(i)*m.width >= from {
			lags = append(lags, last)
		}
	}
	return lags
}

// arrived returns how many records arrived from one moment to another since the origin, to
// whole windows, and their latencies.
func (m *meter) arrived(from, to time.Duration) (records uint64, spread *hdrhistogram.Histogram) {
	spread = hdrhistogram.New(1, spreadMax, 2)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, w := range m.windows {
		if at := time.Duration(i) * m.width; at >= from && at+m.width <= to {
			records += w.records
			spread.Merge(w.spread)
		}
	}
	return records, spread
}

// rate returns how many records per second arrived from one moment to another since the
// origin. It counts from the mean moment of the first window in which any arrived to that
// of the last: chunks that take longer than a window would otherwise count once more or
// less by chance. Where nothing arrived for longer than usual at an end, such as in a stall,
// that time counts.
func (m *meter) rate(from, to time.Duration) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	records, first, last, busy := 0.0, 0.0, 0.0, 0.0
	var edges [2]float64 // records of the first window and the last
	for i, w := range m.windows {
		if at := time.Duration(i) * m.width; at < from || at+m.width > to || w.records == 0 {
			continue
		}
		n := float64(w.records)
		last, edges[1] = w.moment/n, n
		if records == 0 {
			first, edges[0] = last, n
		}
		records += n
		busy++
	}
	usual := 1.5 * max((last-first)/max(busy-1, 1), m.width.Seconds()) // between two windows with arrivals
	if last > first && first-from.Seconds() <= usual && to.Seconds()-last <= usual {
		return (records - edges[0]/2 - edges[1]/2) / (last - first)
	}
	return records / (to - from).Seconds()
}

// start sets when the first record was due, so that all meters have the same windows.
func (m *meter) start(origin time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.origin.IsZero() {
		m.origin = origin
	}
}
