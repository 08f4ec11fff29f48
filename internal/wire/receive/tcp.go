// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// refuseAfter is how long a connection that is to be reset is read: what comes
// in that time is known to have been refused.
const refuseAfter = 200 * time.Millisecond

// tcp reads records in sequence, of which none has an answer. A client
// sends nothing again: what is under way when a connection is reset is lost.
func (s *Server) tcp(c net.Conn) error {
	s.requests.Add(1)
	f := s.injector.draw()
	charge := int64(0)
	defer func() { s.room.Release(charge) }()
	b := s.newBatch(recordscan.Options{MaxRecord: s.l.line, Plain: true, Reserve: func(n int) bool {
		if !s.room.TryAcquire(int64(n)) {
			return false
		}
		charge += int64(n)
		return true
	}})
	if !s.pause(f.delay) {
		r := s.refusal(faultDelay)
		r.Partly = true
		s.sink.Refuse(r, nil)
		return nil
	}
	r := &flushing{s: s, c: c, b: b, fault: f}
	if f.reset || f.status != 0 {
		time.AfterFunc(refuseAfter, func() { reset(c) })
	}
	s.workers.places <- struct{}{}
	err := b.scan.Read(r)
	r.fault.outage = wasCut(c) // what came after the outage began was read, too
	r.hand()
	switch slow := s.o.Faults != nil && s.o.Faults.Slow > 0; {
	case r.reported:
	case errors.Is(err, recordscan.ErrTooLarge):
		s.sink.Refuse(Refusal{Why: whyLarge, Partly: true}, nil)
	case slow && errors.Is(err, syscall.ECONNRESET):
		s.sink.Refuse(Refusal{Why: s.o.Faults.Name(faultSlow), Partly: true}, nil)
	}
	<-s.workers.places
	return err
}

// flushing hands over what was found before it waits for more. While it waits,
// others may take their records apart.
type flushing struct {
	s        *Server
	c        net.Conn
	b        *batch
	fault    injectedFault
	reported bool      // that the connection was refused
	last     time.Time // when there was a record
}

// hand gives what was found to the sink.
func (r *flushing) hand() {
	fault := r.fault.fault()
	if fault == "" {
		r.s.deliver(r.b)
		return
	}
	why := r.s.refusal(fault)
	why.More, r.reported = r.reported, true
	why.Partly = fault != faultDrop // who is reset may have more under way
	r.s.sink.Refuse(why, r.b.found)
	r.s.forget(r.b)
}

// Read implements io.Reader.
func (r *flushing) Read(p []byte) (int, error) {
	limit := r.s.l.idle
	switch {
	case len(r.b.found) > 0 || r.b.foreign > 0:
		if len(r.b.found) > 0 {
			served(r.c)
		}
		r.hand()
		r.last = time.Now()
	case r.last.IsZero():
		limit = r.s.l.first
		r.last = time.Now()
	}
	if cap(r.b.found) > maxKept {
		r.b.found = nil
	}
	r.b.scan.Trim()
	<-r.s.workers.places
	defer func() { r.s.workers.places <- struct{}{} }()
	if err := r.c.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return 0, err
	}
	return r.c.Read(p)
}
