// SPDX-License-Identifier: Apache-2.0

package flbtest

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/flb/internal/host"
	"github.com/gdummy/gdummy/internal/event"
	"golang.org/x/sys/unix"
)

const (
	tickInterval = time.Second      // between two collects
	drainAfter   = time.Millisecond // the engine ingests what was emitted
	pollInterval = time.Millisecond // between two looks at watched file descriptors
)

// run is one instance and the host.Host that it runs on. Its goroutine is the
// instance's thread.
type run struct {
	h       *Host
	section Section
	facts   host.Facts
	calls   host.Calls

	tick   time.Time // of the next collect
	paused bool
	over   bool

	epoll   int // contains the watched file descriptors, as in Fluent Bit
	watched int // their number

	goroutines bool // RunsGoroutines was called

	maxInFlight int64
	drained     time.Time
	inFlight    int64  // bytes
	slices      int    // in flight
	records     uint64 // in flight
	taken       uint64 // records, before those in flight

	mu       sync.Mutex
	requests []func()
	notify   chan struct{} // there is a request
	woken    chan struct{}
}

func newRun(h *Host, s Section) *run {
	name := h.plugin.Name + ".0"
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		h.t.Fatal("flbtest: cannot create an epoll descriptor: ", err)
	}
	return &run{
		h: h, section: s, epoll: epoll,
		facts: host.Facts{
			Plugin: h.plugin.Name, Name: cmp.Or(s.Alias, name), Tag: cmp.Or(s.Tag, name), TagKnown: true,
			Metadata: !s.Legacy, Appends: !s.Buffered, OwnThread: !s.ThreadedOff, EmitsAhead: !s.Buffered && !s.ThreadedOff,
			CanRefuse: true,
		},
		notify: make(chan struct{}, 1),
		woken:  make(chan struct{}, 1),
	}
}

// serve is the instance's thread.
func (r *run) serve(lives chan<- bool) {
	defer unix.Close(r.epoll)
	r.calls = flb.Simulate(r.h.plugin, r)
	ok := r.calls.Init()
	lives <- ok
	if !ok {
		return
	}
	r.tick = time.Now().Add(tickInterval)
	r.calls.PreRun()
	for !r.over {
		if f := r.nextRequest(); f != nil {
			f()
			continue
		}
		d := time.Until(r.tick)
		switch {
		case r.paused:
			<-r.notify
		case d <= 0:
			for !r.tick.After(time.Now()) {
				r.tick = r.tick.Add(tickInterval)
			}
			if _, data := r.calls.Collect(); len(data) > 0 {
				r.h.add(r.facts.Tag, -1, data, r.section.Legacy)
			}
		default:
			r.sleep(d, false)
		}
	}
}

func (r *run) pause() {
	r.paused = true
	r.calls.Pause()
	r.calls.Pause() // Fluent Bit announces each pause twice
}

func (r *run) request(f func()) {
	r.mu.Lock()
	r.requests = append(r.requests, f)
	r.mu.Unlock()
	signal(r.notify)
}

func (r *run) nextRequest() (f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.requests) > 0 {
		f, r.requests = r.requests[0], r.requests[1:]
	}
	return f
}

func (r *run) requested() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.requests) > 0
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sleep waits for d, a request or, if wakeable, a Wake, and reports whether it was the
// last.
func (r *run) sleep(d time.Duration, wakeable bool) (woken bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var wake chan struct{}
	if wakeable {
		wake = r.woken
	}
	select {
	case <-timer.C:
	case <-r.notify:
	case <-wake:
		return true
	}
	return false
}

// Wait implements host.Host.
func (r *run) Wait(d time.Duration, wakeable bool) host.Outcome {
	until := time.Now().Add(d)
	for {
		if r.requested() || !time.Now().Before(r.tick) {
			return host.Wanted
		}
		full := r.full()
		if !full && wakeable && r.isWoken() {
			return host.Woken
		}
		if d = time.Until(until); d <= 0 && !full {
			return host.Passed
		}
		if r.section.ThreadedOff {
			return host.Wanted
		}
		if full {
			d = max(d, drainAfter)
		}
		d = min(d, time.Until(r.tick))
		if wakeable && r.watched > 0 || full {
			d = min(d, pollInterval)
		}
		if r.sleep(d, wakeable && !full) {
			return host.Woken
		}
	}
}

// isWoken consumes a Wake and checks the watched file descriptors.
func (r *run) isWoken() bool {
	select {
	case <-r.woken:
		return true
	default:
	}
	if r.watched == 0 {
		return false
	}
	n, err := unix.EpollWait(r.epoll, make([]unix.EpollEvent, 1), 0)
	return err == nil && n > 0
}

func (r *run) Wake() error {
	signal(r.woken)
	return nil
}

func (r *run) Watch(fd int) error {
	if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		return fmt.Errorf("cannot wait for file descriptor %d: %w", fd, err)
	}
	r.watched++
	return nil
}

func (r *run) Unwatch(fd int) error {
	if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_DEL, fd, nil); err != nil {
		return fmt.Errorf("cannot stop waiting for file descriptor %d: %w", fd, err)
	}
	r.watched--
	return nil
}

// drain lets the engine ingest what was emitted some time ago.
func (r *run) drain() {
	if now := time.Now(); now.Sub(r.drained) >= drainAfter {
		r.drained = now
		r.taken += r.records
		r.inFlight, r.slices, r.records = 0, 0, 0
	}
}

// full reports whether too much is in flight.
func (r *run) full() bool {
	r.drain()
	return r.maxInFlight > 0 && r.inFlight >= r.maxInFlight
}

func (r *run) Append(tag string, records int, events []byte) bool {
	r.h.mu.Lock()
	refuse := r.h.refuse
	r.h.mu.Unlock()
	if refuse {
		return false
	}
	r.drain()
	r.inFlight += int64(len(events))
	r.slices++
	r.records += uint64(records)
	r.h.add(cmp.Or(tag, r.facts.Tag), records, slices.Clone(events), r.section.Legacy)
	return true
}

func (r *run) EmitAt(events []byte, list []event.Slice) int {
	start, from := time.Now(), 0
	for i := range list {
		s := &list[i]
		if r.Wait(time.Until(start.Add(s.Due)), false) != host.Passed || !r.Append("", s.Records, events[from:s.End]) {
			return i
		}
		s.Emitted = time.Since(start)
		from = s.End
	}
	return len(list)
}

func (r *run) Pending() int {
	r.drain()
	return r.slices
}

func (r *run) Taken() uint64 {
	r.drain()
	return r.taken
}

func (r *run) Ingested() (records uint64, ok bool) { return r.Taken(), true }

func (r *run) SliceSize() int { return flb.SliceSize }

func (r *run) SetMaxInFlight(bytes int64) { r.maxInFlight = bytes }

func (r *run) Facts() host.Facts      { return r.facts }
func (r *run) History() *host.History { return &r.h.history }
func (r *run) Rename(name string)     { r.facts.Name = name }

func (r *run) Property(name string) (value string, ok bool) {
	for key, v := range r.section.Properties {
		if strings.EqualFold(key, name) && v != "" {
			return v, true
		}
	}
	return "", false
}

func (r *run) Properties() []host.Listed {
	var list []host.Listed
	for name, v := range r.section.Properties {
		list = append(list, host.Listed{Name: name, Empty: v == ""})
	}
	slices.SortFunc(list, func(a, b host.Listed) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (r *run) Expand(text string) (expanded string, ok bool) { return os.ExpandEnv(text), true }

func (r *run) LogEnabled(int) bool { return true }

func (r *run) Log(level int, line string) {
	line = fmt.Sprintf("[%v] %s", flb.Level(level), line)
	r.h.t.Log(line)
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	r.h.lines = append(r.h.lines, line)
}

// OnThread is true everywhere: Log may be called from any goroutine.
func (r *run) OnThread() bool { return true }

// metric is a counter or a gauge.
type metric struct {
	h    *Host
	name string
}

func (m metric) Add(value float64) {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	m.h.metrics[m.name] += value
}

func (m metric) Set(value float64) {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	m.h.metrics[m.name] = value
}

func (r *run) Counter(subsystem, name, _ string) host.Counter {
	m := metric{r.h, subsystem + "_" + name}
	m.Add(0)
	return m
}

func (r *run) Gauge(subsystem, name, _ string) host.Gauge {
	return metric{r.h, subsystem + "_" + name}
}

func (r *run) RunsGoroutines() {
	if r.goroutines {
		r.h.t.Error("flbtest: package flb announces the goroutines of an instance twice")
	}
	r.goroutines = true
}

func (r *run) Grow(buf []byte, size int) []byte {
	grown := make([]byte, size)
	copy(grown, buf)
	return grown
}

func (r *run) Free([]byte)              {}
func (r *run) MemoryBegan()             {}
func (r *run) MemoryGrowth(int64) int64 { return 0 }
func (r *run) MemoryAppended(int)       {}
func (r *run) LosesRoutes() bool        { return false }
func (r *run) Changed()                 {}
