// SPDX-License-Identifier: Apache-2.0

package arrivals

import (
	"sync"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// Auditor is an audit for concurrent use by several receivers.
type Auditor struct {
	mu   sync.Mutex
	a    *audit.Auditor
	last time.Time // time of the last arrival or refusal, or zero
}

// NewAuditor returns an Auditor of an audit, which has no other user while anything arrives.
func NewAuditor(a *audit.Auditor) *Auditor { return &Auditor{a: a} }

// Seen returns what has arrived, the time of the last arrival or refusal, or zero, and how
// many records of unknown runs wait for a ledger.
func (l *Auditor) Seen() (p audit.Progress, last time.Time, waits int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.a.Progress(), l.last, l.a.Waiting()
}

// SetLedgers replaces the ledgers, and reports whether all that they have has arrived.
func (l *Auditor) SetLedgers(ledgers []*ledger.Ledger) (complete bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.a.SetLedgers(ledgers)
	return l.a.Complete(time.Now())
}

// Take implements receive.Sink.
func (l *Auditor) Take(found []receive.Finding, arrival int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	for _, f := range found {
		l.a.Take(f.ID, f.State, arrival)
	}
}

// Refuse implements receive.Sink.
func (l *Auditor) Refuse(r receive.Refusal, found []receive.Finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	reason := l.a.Refused(r.Why, r.Dropped, r.Partly, r.More)
	for _, f := range found {
		l.a.Refuse(reason, f.ID)
	}
}

// Others implements receive.Sink.
func (l *Auditor) Others(foreign, broken uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	l.a.Foreign(foreign)
	l.a.Broken(broken)
}
