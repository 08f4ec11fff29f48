// SPDX-License-Identifier: Apache-2.0

// Package tracking joins what a generator needs for an audit of its records: the
// identities that it marks them with, and the ledger of those it handed over.
//
// The normal path is [Start] with the configuration, the engine made with
// [Proof.Mark], [Proof.Update] about once a second, and [Proof.Close]. A nil
// *Proof is that of an instance without audit: all its methods do nothing.
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

// Proof is that of one instance in one run.
type Proof struct {
	mark   engine.MarkOptions
	ledger *ledger.Writer // nil without one
	path   string         // of the ledger, absolute
	taken  uint64         // records, from the first on, that the ledger has
}

// Options are what a proof needs beyond the configuration.
type Options struct {
	Name     string     // of the instance
	Version  string     // of gdummy
	Metadata bool       // records have metadata
	Files    files.Path // where the ledger is looked for

	Random io.Reader        // nil is the system's
	Now    func() time.Time // nil is time.Now
}

// ErrNoMetadata reports that identities were asked for where there is no place for
// them.
var ErrNoMetadata = errors.New("option audit_in: this version of Fluent Bit has no metadata: use body, or Fluent Bit 2.1 or later")

// Start begins the proof of a run, or returns nil if none was asked for. It
// opens the ledger.
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
		InMetadata: c.AuditIn == option.AuditInMetadata, Now: o.Now,
	}}
	if c.Ledger == "" {
		return p, nil
	}
	p.ledger, p.path, err = ledger.Open(c.Ledger, o.Files, ledger.Options{
		Run: run, Instance: p.mark.Instance, Name: o.Name, Key: c.AuditKey,
		Place: string(c.AuditIn), Version: o.Version, Now: o.Now,
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("option ledger: %w; the directory must exist", err)
	case err != nil:
		return nil, fmt.Errorf("option ledger: %w", err)
	}
	return p, nil
}

// number is the one at the end of an instance's name, such as 2 of gdummy.2; 0
// if there is none.
func number(name string) uint16 {
	n, err := strconv.ParseUint(name[strings.LastIndexByte(name, '.')+1:], 10, 16)
	if err != nil || n > recordid.MaxInstance {
		return 0
	}
	return uint16(n)
}

// Run returns the run, as identities spell it.
func (p *Proof) Run() string {
	if p == nil {
		return ""
	}
	return p.mark.Run.String()
}

// Ledger returns the absolute path of the ledger; empty if there is none.
func (p *Proof) Ledger() string {
	if p == nil {
		return ""
	}
	return p.path
}

// Mark returns how records are marked; nil if they are not.
func (p *Proof) Mark() *engine.MarkOptions {
	if p == nil {
		return nil
	}
	return &p.mark
}

// Refusals are slices of records that the host has not taken: it calls f with
// each. nil is none.
type Refusals func(f func(records int, events []byte))

// Update notes totals since the start: how many records were made and, but for
// those of refusals, taken by the host; how many the engine has ingested, or ledger.Uncounted; how
// many were given up. Errors do not end the ledger.
func (p *Proof) Update(made uint64, r Refusals, ingested, shortfall uint64) error {
	if p == nil || p.ledger == nil {
		return nil
	}
	if refused := p.refused(made, r); len(refused) > 0 {
		made = refused[0] // what is behind the first of them is told later
	}
	p.note(made, ingested, shortfall)
	return p.ledger.Tick()
}

// refused returns the numbers of the records in refusals, ascending. Records
// with tags of their own are handed over tag by tag, so that they need not be
// the last ones.
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
				numbers = append(numbers, id.Seq)
			}
			events = events[end:]
		}
	})
	slices.Sort(numbers)
	if numbers = slices.Compact(numbers); len(numbers) != total {
		// Some have no identity. Without tags, they are the last ones.
		numbers = numbers[:0]
		for n := made - min(made, uint64(total)); n < made; n++ {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func (p *Proof) note(taken, ingested, shortfall uint64) {
	if taken > p.taken {
		p.ledger.Accepted(p.taken, taken-p.taken)
		p.taken = taken
	}
	p.ledger.Totals(ingested, shortfall)
}

// Note writes down a pause, a resume or a reload: a word of package ledger.
func (p *Proof) Note(word string) error {
	if p == nil || p.ledger == nil {
		return nil
	}
	return p.ledger.Note(word)
}

// Close ends the ledger in order. What is among the refusals now, the host never
// took.
func (p *Proof) Close(made uint64, r Refusals, ingested, shortfall uint64) error {
	if p == nil || p.ledger == nil {
		return nil
	}
	for _, n := range p.refused(made, r) {
		p.note(n, ingested, shortfall)
		p.ledger.Refused(n, 1)
		p.taken = n + 1
	}
	p.note(made, ingested, shortfall)
	err := p.ledger.Close()
	p.ledger = nil
	return err
}
