// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// limits holds the limits for clients. Tests use smaller ones.
type limits struct {
	request  int   // bytes of a request or message as sent
	expanded int64 // bytes of a request or message after decompression
	line     int   // bytes of a line over TCP
	conns    int   // connections
	pending  int64 // bytes of all incomplete requests
	parsed   int   // requests that are parsed concurrently

	first   time.Duration // until the first byte of a connection
	idle    time.Duration // until a byte of the next request
	silence time.Duration // between two bytes of a request
	whole   time.Duration // from the first to the last byte of a request
}

var defaultLimits = limits{
	request: MaxRequest, expanded: MaxExpanded, line: MaxLine, conns: MaxConns, pending: MaxPending, parsed: 4,
	first: 30 * time.Second, idle: 5 * time.Minute, silence: 10 * time.Second, whole: time.Minute,
}

// slowed extends the time limits for clients that are read at the given speed, in bytes per
// second, because of the fault slow.
func (l limits) slowed(speed int64) limits {
	if speed > 0 {
		more := time.Duration(float64(l.request) / float64(speed) * float64(time.Second))
		l.silence += more
		l.whole += more
	}
	return l
}

// small is the maximum size, in bytes, of a request that is not charged to limits.pending.
const small = 64 << 10

// intake buffers one request at a time. A request larger than small is charged to room,
// which all connections share.
type intake struct {
	room *semaphore.Weighted
	max  int // bytes of a request

	buf    []byte
	n      int // bytes in buf
	charge int64
}

// errLarge reports that a request is too large, errBusy that other requests use all the
// room.
var (
	errLarge = errors.New("the request is too large")
	errBusy  = errors.New("too many large requests are in progress")
)

// grow enlarges the buffer. It waits for room until the deadline.
func (i *intake) grow(deadline time.Time) error {
	size := min(max(2*len(i.buf), 4<<10), i.max+1)
	if size <= len(i.buf) {
		return errLarge
	}
	if size > small {
		more := int64(size) - i.charge
		if !i.room.TryAcquire(more) {
			ctx, cancel := context.WithDeadline(context.Background(), deadline)
			defer cancel()
			if i.room.Acquire(ctx, more) != nil {
				return errBusy
			}
		}
		i.charge = int64(size)
	}
	i.buf = append(i.buf, make([]byte, size-len(i.buf))...)
	return nil
}

// drop removes the first n bytes. It releases a large buffer once the rest fits in a small
// one.
func (i *intake) drop(n int) {
	i.n = copy(i.buf, i.buf[n:i.n])
	if i.charge > 0 && i.n <= small {
		i.buf = append(make([]byte, 0, small), i.buf[:i.n]...)[:small]
		i.close()
	}
}

// close releases the room.
func (i *intake) close() {
	i.room.Release(i.charge)
	i.charge = 0
}

// all reads r to its end.
func (i *intake) all(r io.Reader, deadline time.Time) error {
	for {
		if i.n == len(i.buf) {
			if err := i.grow(deadline); err != nil {
				return err
			}
		}
		got, err := r.Read(i.buf[i.n:])
		if i.n += got; i.n > i.max {
			return errLarge
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// more reads some bytes from a connection. since is the time at which the request began, or
// zero if it has not.
func (i *intake) more(c net.Conn, l limits, first bool, since time.Time) error {
	now := time.Now()
	deadline := now.Add(l.idle)
	switch {
	case !since.IsZero():
		deadline = now.Add(l.silence)
		if end := since.Add(l.whole); end.Before(deadline) {
			deadline = end
		}
	case first:
		deadline = now.Add(l.first)
	}
	if i.n == len(i.buf) {
		if err := i.grow(deadline); err != nil {
			return err
		}
	}
	if err := c.SetReadDeadline(deadline); err != nil {
		return err
	}
	got, err := c.Read(i.buf[i.n:])
	i.n += got
	if got > 0 {
		return nil
	}
	return err
}

// batch collects the records of a request.
type batch struct {
	found   []Finding
	foreign uint64 // number of records
	scan    *recordscan.Scanner
	seen    uint64 // value of scan.Broken at the last report

	tag    []byte // of events
	events []byte // for Options.Events; nil if they were scanned
	values []byte // for Options.Value, in sequence
	ends   []int  // of each of values
}

func (s *Server) newBatch(o recordscan.Options) *batch {
	b := new(batch)
	o.Keys, o.Path = s.o.Keys, s.o.Path
	o.Take = func(id recordid.ID, st recordscan.State, _ int64) {
		if st == recordscan.Foreign {
			b.foreign++ // there may be very many, so they are only counted
			return
		}
		b.found = append(b.found, Finding{id, st})
	}
	if s.o.Value != nil {
		o.Value = func(v []byte) {
			b.values = append(b.values, v...)
			b.ends = append(b.ends, len(b.values))
		}
	}
	b.scan = recordscan.New(o)
	return b
}

// workers limits how many requests are parsed concurrently, and thereby the memory that
// parsing needs.
type workers struct {
	places chan struct{}
	mu     sync.Mutex
	idle   []*batch
}

// maxKept is the maximum capacity of findings in a batch kept for reuse.
const maxKept = 1 << 14

// take waits for a worker and returns a batch, or nil if the client or the server is gone
// before that.
func (s *Server) take(gone <-chan struct{}) *batch {
	if !s.occupy(s.workers.places, gone) {
		return nil
	}
	return s.batch()
}

// occupy takes one of places. It returns false if there is none before the client or the
// server is gone. A free place comes first: net/http also reports a client as gone that
// closed only its own direction after the request, and waits for the answer.
func (s *Server) occupy(places chan<- struct{}, gone <-chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
	}
	select {
	case places <- struct{}{}:
		return true
	case <-gone:
	case <-s.closing:
	}
	return false
}

// batch returns an empty batch.
func (s *Server) batch() *batch {
	s.workers.mu.Lock()
	defer s.workers.mu.Unlock()
	if n := len(s.workers.idle); n > 0 {
		b := s.workers.idle[n-1]
		s.workers.idle = s.workers.idle[:n-1]
		return b
	}
	return s.newBatch(recordscan.Options{MaxRecord: s.l.request, MaxBytes: s.l.expanded})
}

// give returns the worker and the batch.
func (s *Server) give(b *batch) {
	// The records of a request that failed do not count: the client sends it again.
	s.forget(b)
	b.scan.Trim()
	s.workers.mu.Lock()
	if cap(b.found) <= maxKept && b.scan.Size()+cap(b.values) <= 1<<20 {
		s.workers.idle = append(s.workers.idle, b)
	}
	s.workers.mu.Unlock()
	<-s.workers.places
}

// handle parses a complete request and passes its records to the sink, with the faults that
// it draws for it. gone is closed when nobody waits for the answer. It returns errGone for a
// request without an answer: gone or the server is closed.
func (s *Server) handle(gone <-chan struct{}, parse func(*batch) error) (f injectedFault, err error) {
	f = s.injector.draw()
	if !s.enlist(gone) {
		s.reject(s.refusal(faultWorkers), parse)
		return f, errGone
	}
	defer s.leave()
	if !s.pause(f.delay, gone) {
		s.reject(s.refusal(faultDelay), parse)
		return f, errGone
	}
	f.outage = s.down()
	b := s.take(gone)
	if b == nil {
		return f, errGone
	}
	return f, s.accept(b, f, gone, parse)
}

// accept parses a request into b and passes its records to the sink.
func (s *Server) accept(b *batch, f injectedFault, gone <-chan struct{}, parse func(*batch) error) error {
	defer s.give(b)
	s.reading.start()
	err := parse(b)
	s.reading.stop()
	if err == nil && f.fault() == "" {
		err = s.limit(b, gone)
	}
	if err == nil {
		s.reading.start()
		s.hand(b, f)
		s.reading.stop()
	}
	return err
}

// reject parses a request that is refused, and reports its records.
func (s *Server) reject(r Refusal, parse func(*batch) error) {
	s.workers.places <- struct{}{}
	b := s.batch()
	defer s.give(b)
	r.Partly = parse(b) != nil
	s.sink.Refuse(r, b.found)
}

// whyUnreadable returns the reason to refuse a request that cannot be parsed.
func whyUnreadable(err error) string {
	if errors.Is(err, errLarge) || errors.Is(err, recordscan.ErrTooLarge) {
		return whyLarge
	}
	return whyBody
}

// hand passes a batch to the sink, as taken or as refused by a fault.
func (s *Server) hand(b *batch, f injectedFault) {
	if fault := f.fault(); fault != "" {
		s.sink.Refuse(s.refusal(fault), b.found)
		s.forget(b)
		return
	}
	s.deliver(b)
}

// deliver passes a batch to the sink as taken.
func (s *Server) deliver(b *batch) {
	if b.events != nil {
		s.o.Events(string(b.tag), b.events, s.o.Now())
		s.forget(b)
		return
	}
	from := 0
	for _, end := range b.ends {
		s.o.Value(b.values[from:end], s.o.Now())
		from = end
	}
	s.sink.Take(b.found, s.o.Now().UnixNano())
	if n := b.scan.Broken(); n > b.seen || b.foreign > 0 {
		s.sink.Others(b.foreign, n-b.seen)
	}
	s.forget(b)
}

// forget empties a batch.
func (s *Server) forget(b *batch) {
	b.seen = b.scan.Broken()
	b.found, b.foreign = b.found[:0], 0
	b.events, b.values, b.ends = nil, b.values[:0], b.ends[:0]
}

// cause returns why a request is incomplete. ours reports that a fault or a limit of the
// server is the reason, and not the client.
func (s *Server) cause(c *guardedConn, err error) (r Refusal, ours bool) {
	r.Partly = true
	var timeout net.Error
	switch {
	case errors.Is(err, errLarge):
		r.Why = whyLarge
	case errors.Is(err, errBusy):
		r.Why = whyBusy
	case c.cut.Load():
		r.Why, r.More = s.o.Faults.Name(faultOutage), true
	case s.o.Faults != nil && s.o.Faults.Slow > 0:
		r.Why = s.o.Faults.Name(faultSlow)
	case errors.As(err, &timeout) && timeout.Timeout():
		r.Why = whyLate
	default:
		return r, false
	}
	return r, true
}

// identities returns the identities in part of a request that is not compressed.
func identities(text []byte) (found []Finding) {
	for {
		id, end := recordid.Find(text)
		if end < 0 {
			return found
		}
		found = append(found, Finding{id, recordscan.Unchecked})
		text = text[end:]
	}
}
