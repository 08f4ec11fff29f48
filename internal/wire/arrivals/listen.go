// SPDX-License-Identifier: Apache-2.0

package arrivals

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// ListenOptions are those of [Listen].
type ListenOptions struct {
	Addresses []string
	Receive   receive.Options
	Ledgers   *Ledgers
	Wait      Wait
	Progress  func(now time.Time, p audit.Progress) // called five times a second
	Collected func() time.Time                      // returns when a ledger was collected last, or zero
}

// Listen audits what arrives at addresses, until the context is done or Wait ends it.
func Listen(ctx context.Context, a *audit.Auditor, o ListenOptions) error {
	l := auditor{a: a}
	if o.Receive.Faults != nil {
		for _, name := range o.Receive.Faults.Names() {
			a.Expect(name, receive.Drops(name))
		}
	}
	var servers []*receive.Server
	for _, address := range o.Addresses {
		server, err := receive.Listen(address, &l, o.Receive)
		if err != nil {
			return err
		}
		defer server.Close()
		servers = append(servers, server)
		o.Ledgers.Log("listening at %s", server)
	}
	look := func(now time.Time) (s status) {
		p, last, waits := l.seen()
		o.Progress(now, p)
		if t := o.Collected(); t.After(last) {
			last = t
		}
		return status{last: last, waits: waits, active: slices.ContainsFunc(servers, (*receive.Server).Active)}
	}
	reported := map[recordid.Run]bool{} // runs whose ledger will never be complete
	return o.Wait.run(ctx, o.Ledgers.Log, look, func() (bool, error) { return l.complete(o.Ledgers, reported) })
}

// auditor is an audit for concurrent use by several receivers, and has no other user while
// anything arrives.
type auditor struct {
	mu   sync.Mutex
	a    *audit.Auditor
	last time.Time // time of the last arrival or refusal, or zero
}

// seen returns what has arrived, the time of the last arrival or refusal, or zero, and how
// many records of unknown runs wait for a ledger.
func (l *auditor) seen() (p audit.Progress, last time.Time, waits int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.a.Progress(), l.last, l.a.Waiting()
}

// complete reads the ledgers, and reports whether they are closed and all their records have
// arrived. A ledger that does not exist yet is not complete.
func (l *auditor) complete(from *Ledgers, reported map[recordid.Run]bool) (complete bool, err error) {
	ledgers, _, err := from.Read(true)
	if err != nil || len(ledgers) < len(from.Names) {
		return false, err
	}
	l.mu.Lock()
	l.a.SetLedgers(ledgers)
	complete = l.a.Complete(time.Now())
	l.mu.Unlock()
	streams := ledger.Merge(ledgers)
	if from.Dir != "" && len(ledger.MissingShards(streams)) > 0 {
		return false, nil
	}
	for _, st := range streams {
		if !st.Closed.IsZero() && !st.Whole() && !reported[st.Run] {
			reported[st.Run] = true
			from.Log("the ledger of run %s lacks lines: it will never be complete; press Ctrl-C to stop", st.Run)
		}
	}
	return complete, nil
}

// Take implements receive.Sink.
func (l *auditor) Take(found []receive.Finding, arrival int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	for _, f := range found {
		l.a.Take(f.ID, f.State, arrival)
	}
}

// Refuse implements receive.Sink.
func (l *auditor) Refuse(r receive.Refusal, found []receive.Finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	reason := l.a.Refused(r.Why, r.Dropped, r.Partly, r.More)
	for _, f := range found {
		l.a.Refuse(reason, f.ID)
	}
}

// Others implements receive.Sink.
func (l *auditor) Others(foreign, broken uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	l.a.Foreign(foreign)
	l.a.Broken(broken)
}
