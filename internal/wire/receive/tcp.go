// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// refuseAfter is how long a connection is read before it is reset. The records that arrive
// in that time are known to be refused.
const refuseAfter = 200 * time.Millisecond

// tcp serves a connection with records in sequence, which are not answered. Clients do not
// send them again: records in transit are lost when the connection is reset.
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
	late := ""
	switch {
	case !s.enlist(guardOf(c).gone):
		late = faultWorkers
	default:
		defer s.leave()
		if !s.pause(f.delay, nil) {
			late = faultDelay
		}
	}
	if late != "" {
		r := s.refusal(late)
		r.Partly = true
		s.sink.Refuse(r, nil)
		return nil
	}
	r := &flushing{s: s, c: c, b: b, fault: f}
	if f.reset || f.status != 0 {
		time.AfterFunc(refuseAfter, guardOf(c).reset)
	}
	s.workers.places <- struct{}{}
	err := b.scan.Read(r)
	r.fault.outage = guardOf(c).cut.Load() // records that arrived after the outage began are refused
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

// flushing is a reader that passes the records found so far to the sink before it waits for
// input. While it waits, it releases its worker.
type flushing struct {
	s        *Server
	c        net.Conn
	b        *batch
	fault    injectedFault
	reported bool      // the connection was reported as refused
	last     time.Time // time of the last record
}

// hand passes the records found to the sink.
func (r *flushing) hand() {
	fault := r.fault.fault()
	if fault == "" {
		if r.s.limit(r.b, guardOf(r.c).gone) == nil {
			r.s.deliver(r.b)
		}
		return
	}
	why := r.s.refusal(fault)
	why.More, r.reported = r.reported, true
	why.Partly = fault != faultDrop // more records may be in transit
	r.s.sink.Refuse(why, r.b.found)
	r.s.forget(r.b)
}

// Read implements io.Reader.
func (r *flushing) Read(p []byte) (int, error) {
	limit := r.s.l.idle
	switch {
	case len(r.b.found)+len(r.b.ends) > 0 || r.b.foreign > 0:
		if len(r.b.found)+len(r.b.ends) > 0 {
			guardOf(r.c).served.Store(true)
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
	if cap(r.b.values) > small {
		r.b.values = nil
	}
	r.b.scan.Trim()
	<-r.s.workers.places
	defer func() { r.s.workers.places <- struct{}{} }()
	if err := r.c.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return 0, err
	}
	return r.c.Read(p)
}
