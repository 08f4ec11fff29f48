// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/wire/agent"
)

// books returns the runs of the ledger, as far as it is written.
func (t *trial) books(whole bool) (books []*ledger.Stream, truths []expect.Truth, err error) {
	for _, f := range t.feeds {
		books, truths = append(books, f.book), append(truths, t.fed[f.label])
	}
	l, err := ledger.ReadFile(filepath.Join(t.dir, "ledger"))
	if err != nil {
		return books, truths, nil // there is none, or none yet
	}
	for _, b := range ledger.Merge([]*ledger.Ledger{l}) {
		truth, ok := t.truths[b.Name]
		if !ok {
			return nil, nil, fmt.Errorf("the ledger has an input %q, which the configuration does not have", b.Name)
		}
		if !whole {
			// The plan, until the ledger has what was sent.
			b.Accepted = []ledger.Entry{{Range: ledger.Range{From: 0, To: t.file.Records - 1}}}
		}
		books, truths = append(books, b), append(truths, truth)
	}
	return books, truths, nil
}

// The times of a trial.
const (
	pollEvery = 20 * time.Millisecond
	quiet     = 350 * time.Millisecond // without arrivals, when all that is expected is here
	patience  = 3 * time.Second        // without arrivals, when something is missing

	multilineFlush = 4 * time.Second // of the multiline parsers that Fluent Bit has
)

// wait waits until everything has arrived, or nothing more does. Its error explains a
// missing verdict.
func (t *trial) wait(a *agent.Agent) error {
	t.judge.Resolve = func() ([]*ledger.Stream, []expect.Truth, error) { return t.books(false) }
	began := time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var full time.Time // since when nothing arrives
	for {
		select {
		case <-t.Stop:
			return fmt.Errorf("interrupted")
		case <-a.Done():
			return fmt.Errorf("the process of Fluent Bit %s ended", t.Binary.Version)
		case now := <-tick.C:
			if t.Progress != nil {
				t.Progress(t.judge.Arrived())
			}
			last := t.judge.Last()
			switch {
			case t.judge.Err() != nil:
				return nil
			case now.Sub(began) > t.Limit:
				return fmt.Errorf("no verdict within %v (--timeout)", t.Limit)
			case last.IsZero() && now.Sub(began) < t.patience()+2*time.Second, now.Sub(last) < quiet && !last.IsZero():
				full = time.Time{}
				continue
			}
			if full.IsZero() {
				full = now
				if t.judge.Refresh() == len(t.truths) && t.judge.Complete() {
					return nil
				}
			}
			if now.Sub(full) >= t.patience() && t.sent() {
				a.Stop(10 * time.Second)
				return t.final()
			}
		}
	}
}

// patience returns how long to wait without arrivals when something is missing. A
// multiline parser holds the last record back, in an input or in a filter.
func (t *trial) patience() time.Duration {
	if slices.ContainsFunc(t.feeds, func(f *feed) bool { return f.joins }) || t.config.HasFilter("multiline") {
		return patience + multilineFlush
	}
	return patience
}

// sent reports whether the engine has ingested all records, according to the ledger.
func (t *trial) sent() bool {
	books, _, err := t.books(true)
	if err != nil || len(books) < len(t.truths) {
		return false
	}
	for _, b := range books {
		if b.Listed().Accepted < t.file.Records {
			return false
		}
	}
	return true
}

// final passes the final state of the ledger to the judge.
func (t *trial) final() error {
	books, truths, err := t.books(true)
	for i := range books {
		if err == nil {
			err = t.judge.Add(books[i], truths[i])
		}
	}
	return err
}
