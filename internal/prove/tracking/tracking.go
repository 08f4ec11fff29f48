// SPDX-License-Identifier: Apache-2.0

// Package tracking provides what a generator needs so that its records can be audited:
// the identities with which it marks them, and the ledger of the accepted ones.
//
// The normal path is [Start] with the configuration, an engine with [Proof.Mark],
// [Proof.Open] with its origin, [Proof.Update] about once a second, and [Proof.Close].
// A nil *Proof represents an instance without audit: all its methods do nothing.
package tracking

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Proof tracks the records of one instance in one run.
type Proof struct {
	mark   engine.MarkOptions
	open   func(engine.Origin) (*ledger.Writer, string, error) // the ledger; nil without one
	ledger *ledger.Writer                                      // nil without one, and before Open
	origin engine.Origin                                       // of the engine
	path   string                                              // of the ledger, absolute
	noted  uint64                                              // number of records in the ledger, from the first on
}

// Options holds the arguments of [Start] that the configuration does not have.
type Options struct {
	Name     string     // of the instance
	Tag      string     // of the records, unless they have tags of their own; "" if unknown
	Version  string     // of gdummy
	Metadata bool       // records have metadata
	Files    files.Path // where to search for the ledger

	Random io.Reader        // nil means crypto/rand
	Now    func() time.Time // nil means time.Now
}

// ErrNoMetadata reports that the host has no metadata for the identities.
var ErrNoMetadata = errors.New("option audit_in: this version of Fluent Bit has no metadata: use body, or Fluent Bit 2.1 or later")

// Start starts the tracking of a run. It returns nil if neither option audit nor option
// ledger is set.
func Start(c *option.Config, o Options) (*Proof, error) {
	if !c.Audit && c.Ledger == "" {
		return nil, nil
	}
	if c.AuditIn == option.AuditInMetadata && !o.Metadata {
		return nil, ErrNoMetadata
	}
	run, err := recordid.NewRun(o.Random)
	if err != nil {
		return nil, fmt.Errorf("option audit: %w", err)
	}
	p := &Proof{mark: engine.MarkOptions{
		Run: run, Instance: number(o.Name), Key: c.AuditKey,
		InMetadata: c.AuditIn == option.AuditInMetadata,
	}}
	if c.Ledger != "" {
		name := c.Ledger
		lo := ledger.Options{
			Run: run, Instance: p.mark.Instance, Name: o.Name, Key: c.AuditKey,
			Place: string(c.AuditIn), Version: o.Version, Now: o.Now,
		}
		p.open = func(origin engine.Origin) (*ledger.Writer, string, error) {
			lo.Origin = append(origin.Fields(), ledger.Field{"tag", o.Tag})
			return ledger.Open(name, o.Files, lo)
		}
	}
	return p, nil
}

// Open opens the ledger, if there is one, of an engine with an origin.
func (p *Proof) Open(origin engine.Origin) (err error) {
	if p == nil || p.open == nil {
		return nil
	}
	p.origin = origin
	p.ledger, p.path, err = p.open(origin)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("option ledger: %w; the directory must exist", err)
	case err != nil:
		return fmt.Errorf("option ledger: %w", err)
	}
	return nil
}

// number returns the number at the end of an instance's name, such as 2 for gdummy.2,
// or 0 if there is none.
func number(name string) uint16 {
	n, err := strconv.ParseUint(name[strings.LastIndexByte(name, '.')+1:], 10, 16)
	if err != nil || n > recordid.MaxInstance {
		return 0
	}
	return uint16(n)
}

// Run returns the run in the form that identities use.
func (p *Proof) Run() string {
	if p == nil {
		return ""
	}
	return p.mark.Run.String()
}

// Ledger returns the absolute path of the ledger, or "" if there is none.
func (p *Proof) Ledger() string {
	if p == nil {
		return ""
	}
	return p.path
}

// Mark returns how the engine must mark records; nil if it must not.
func (p *Proof) Mark() *engine.MarkOptions {
	if p == nil {
		return nil
	}
	return &p.mark
}

// Refusals calls f with each slice of records that the host has not accepted. nil
// means that there are none.
type Refusals func(f func(records int, events []byte))

// Update notes totals since the start: how many records were made, all of which but
// those in r were accepted by the host; how many the engine has ingested, or
// [ledger.Uncounted]; and the shortfall. Tracking continues after an error.
func (p *Proof) Update(made uint64, r Refusals, ingested, shortfall uint64) error {
	if p == nil || p.ledger == nil {
		return nil
	}
	if refused := p.refused(made, r); len(refused) > 0 {
		made = refused[0] // a later call notes the records after it
	}
	p.note(made, ingested, shortfall)
	return p.ledger.Tick()
}

// refused returns the numbers of the records in r, ascending. Records with their own
// tags are emitted tag by tag, so the refused ones need not be the last.
func (p *Proof) refused(made uint64, r Refusals) []uint64 {
	if r == nil {
		return nil
	}
	var numbers []uint64
	total := 0
	r(func(records int, events []byte) {
		total += records
		for {
			id, end := recordid.Find(events)
			if end < 0 {
				return
			}
			if id.Run == p.mark.Run && id.Instance == p.mark.Instance {
				numbers = append(numbers, p.record(id.Seq, made, numbers))
			}
			events = events[end:]
		}
	})
	slices.Sort(numbers)
	if numbers = slices.Compact(numbers); len(numbers) != total {
		// Some have no identity. Without tags, the refused records are the last.
		numbers = numbers[:0]
		for n := made - min(made, uint64(total)); n < made; n++ {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// record returns which of the records from p.noted to before made has the number of an
// identity, and is not in taken: with disorder on purpose, two may have it.
func (p *Proof) record(number, made uint64, taken []uint64) uint64 {
	if !p.origin.Moves() {
		return number
	}
	records, n := p.origin.Deliveries(number)
	for _, k := range records[:n] {
		if k >= p.noted && k < made && (n == 1 || !slices.Contains(taken, k)) {
			return k
		}
	}
	return number
}

func (p *Proof) note(accepted, ingested, shortfall uint64) {
	if accepted > p.noted {
		p.ledger.Accepted(p.noted, accepted-p.noted)
		p.noted = accepted
	}
	p.ledger.Totals(ingested, shortfall)
}

// Note writes a line for [ledger.Pause], [ledger.Resume] or [ledger.Reload].
func (p *Proof) Note(word string) error {
	if p == nil || p.ledger == nil {
		return nil
	}
	return p.ledger.Note(word)
}

// Change writes a line for a change of the pace.
func (p *Proof) Change(c engine.Change) error {
	if p == nil || p.ledger == nil {
		return nil
	}
	return p.ledger.Change(ledger.Change(c))
}

// Close completes the ledger. Its first arguments are those of Update; the host never
// accepted the records in r, and unsent were still to be made.
func (p *Proof) Close(made uint64, r Refusals, ingested, shortfall uint64, unsent engine.Unsent) error {
	if p == nil || p.ledger == nil {
		return nil
	}
	for _, n := range p.refused(made, r) {
		p.note(n, ingested, shortfall)
		p.ledger.Refused(n, 1)
		p.noted = n + 1
	}
	p.note(made, ingested, shortfall)
	err := p.ledger.Close(ledger.Unsent(unsent))
	p.ledger = nil
	return err
}
