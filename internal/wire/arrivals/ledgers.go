// SPDX-License-Identifier: Apache-2.0

package arrivals

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/wire/collect"
)

// Ledgers are the ledgers of what was sent, which may still grow.
type Ledgers struct {
	Names []string // files, directories and patterns
	Dir   string   // where a collector stores further ones, or ""
	Log   func(format string, args ...any)

	Paths   []string        // the files that Read has found
	foreign map[string]bool // other files in Dir that were logged
}

// names returns the names of all ledgers. It logs other files in Dir once.
func (l *Ledgers) names() ([]string, error) {
	if l.Dir == "" {
		return l.Names, nil
	}
	if l.foreign == nil {
		l.foreign = map[string]bool{}
	}
	collected, err := collect.Files(l.Dir, func(path string) {
		if !l.foreign[path] {
			l.foreign[path] = true
			l.Log("warning: skipped %s: not a ledger", path)
		}
	})
	return slices.Concat(l.Names, collected), err
}

// Read reads the ledgers. It returns them, and the names under which identities were sent.
// With early, ledgers may not exist yet, or have no lines. An error of a collector's
// directory must not end its audit: Last reports what remains.
func (l *Ledgers) Read(early bool) (ledgers []*ledger.Ledger, keys []string, err error) {
	defer func() {
		if early && (l.Dir != "" || errors.Is(err, fs.ErrNotExist) || errors.Is(err, source.ErrNoMatch) || errors.Is(err, ledger.ErrNoLedger)) {
			err = nil
		}
	}()
	names, err := l.names()
	if err != nil {
		return nil, nil, err
	}
	paths, err := source.ExpandLedgers(names)
	if err != nil {
		return nil, nil, err
	}
	l.Paths = paths
	for _, name := range l.Names {
		if found, err := source.ExpandLedgers([]string{name}); err == nil && len(found) == 0 && !early {
			return nil, nil, fmt.Errorf("--ledger %s: the directory has no ledger", name)
		}
	}
	return source.ReadLedgers(paths)
}

// Last reads the ledgers at the end of an audit, and returns a fault for each that cannot
// be read.
func (l *Ledgers) Last() (ledgers []*ledger.Ledger, faults []string) {
	names, err := l.names()
	if err != nil {
		faults = append(faults, fmt.Sprintf("cannot read the ledgers: %v", err))
	}
	for _, name := range names {
		paths, err := source.ExpandLedgers([]string{name})
		if err != nil {
			faults = append(faults, fmt.Sprintf("cannot read the ledger: %v", err))
		}
		for _, path := range paths {
			l, err := ledger.ReadFile(path)
			if err != nil {
				faults = append(faults, fmt.Sprintf("cannot read the ledger: %v", err))
				continue
			}
			ledgers = append(ledgers, l)
		}
	}
	return ledgers, faults
}

// replacedGrace is how long the rest of a ledger is awaited whose run was replaced by a
// later one of the same shard. It is twice the longest time between two tries of a pusher.
const replacedGrace = 10 * time.Second

// Await waits for the ledgers of a collector. It ends as w requires, with UntilComplete when
// all of them are complete. changed returns when the collector stored something last.
func (l *Ledgers) Await(ctx context.Context, w Wait, changed func() time.Time) error {
	look := func(time.Time) status { return status{last: changed()} }
	return w.run(ctx, l.Log, look, func() (bool, error) {
		ledgers, _, err := l.Read(true)
		if err != nil {
			return false, err
		}
		streams := ledger.Merge(ledgers)
		if !ledger.Settled(streams) || len(ledger.MissingShards(streams)) > 0 {
			return false, nil
		}
		whole := !slices.ContainsFunc(streams, func(st *ledger.Stream) bool { return !st.Whole() })
		return whole || time.Since(changed()) >= replacedGrace, nil
	})
}
