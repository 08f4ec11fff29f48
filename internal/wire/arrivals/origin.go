// SPDX-License-Identifier: Apache-2.0

package arrivals

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/generate/replay"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// origin passes what arrives from one source or address to a judge. It implements
// receive.Sink, for what has no members.
type origin struct {
	c     *comparison
	name  string
	sinks []int
}

// value passes a value that may have records.
func (r *origin) value(v []byte, arrival time.Time) {
	for _, n := range r.sinks {
		r.c.judge.Value(n, v, arrival)
	}
}

// events passes events.
func (r *origin) events(_ string, events []byte, arrival time.Time) {
	for _, n := range r.sinks {
		r.c.judge.Arrive(n, events, arrival)
	}
}

// Take implements receive.Sink. An identity without members ends the audit.
func (r *origin) Take(found []receive.Finding, _ int64) {
	for _, f := range found {
		r.without(f.ID, f.State, 0)
	}
}

// without takes an identity or a line without members.
func (r *origin) without(id recordid.ID, st recordscan.State, _ int64) {
	switch st {
	case recordscan.Foreign:
		r.Others(1, 0)
	case recordscan.Unchecked:
		r.c.judge.Refuse(fmt.Errorf("%s: the members of record %d are unknown: it is text; expected JSON or MessagePack, or a file *.csv with a line of names", r.name, id.Seq))
	}
}

// Refuse implements receive.Sink.
func (r *origin) Refuse(why receive.Refusal, _ []receive.Finding) {
	r.c.Log("warning: %s: refused: %s", r.name, why.Why)
}

// Others implements receive.Sink.
func (r *origin) Others(foreign, broken uint64) {
	for _, n := range r.sinks {
		r.c.judge.Others(n, foreign, broken)
	}
}

// readAll passes the records in the sources of some sinks to the judge.
func (c *comparison) readAll(p sinkPlaces) error {
	sources, err := source.Expand(p.names, c.Ledgers.Paths, "", c.Log)
	if err != nil {
		return err
	}
	if list := source.UnreadableOf(sources); len(list) > 0 {
		return fmt.Errorf("cannot read %s: %w", list[0].Source, &recordscan.FormatError{Format: list[0].Format})
	}
	wrap, ended := c.Reading(sources, c.judge.Arrived)
	defer ended()
	for _, name := range sources {
		r := &origin{c, source.Name(name), p.sinks}
		if isCSV(name) {
			err = r.readCSV(name)
		} else {
			err = r.readFile(name, wrap)
		}
		if err == nil {
			err = c.judge.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readFile passes the records in a file of JSON or MessagePack to the judge.
func (r *origin) readFile(name string, wrap func(io.Reader) io.Reader) error {
	scan := recordscan.New(recordscan.Options{Take: r.without, Value: func(v []byte) { r.value(v, time.Time{}) }})
	err := source.Read(r.c.Stdin, scan, name, wrap)
	broken := scan.Broken()
	if errors.Is(err, source.ErrCut) {
		var format *recordscan.FormatError
		if errors.As(err, &format) {
			return fmt.Errorf("cannot read %s: %w", r.name, format)
		}
		r.c.Log("warning: %v", err)
		err = nil
		broken++
	}
	r.Others(0, broken)
	return err
}

// isCSV reports whether a file has rows, by its name.
func isCSV(name string) bool {
	for range 2 {
		switch ext := strings.ToLower(filepath.Ext(name)); ext {
		case ".csv", ".tsv":
			return true
		case ".gz", ".zst", ".xz", ".bz2":
			name = strings.TrimSuffix(name, filepath.Ext(name))
		}
	}
	return false
}

// readCSV passes the rows of a file to the judge, as records whose members are text. Its
// first line has their names.
func (r *origin) readCSV(name string) error {
	set, err := replay.Open(replay.Options{Files: []string{name}, Format: replay.CSV, Sample: 1})
	if err != nil {
		return err
	}
	rows := set.NewReader(func(line string) {
		r.c.Log("warning: %s", line)
		r.Others(0, 1)
	})
	defer rows.Close()
	for k := uint64(0); rows.Seek(k) == replay.Ready; k++ {
		body := rows.Current().Body
		if k == 0 && expect.NamesIdentity(body) {
			return fmt.Errorf("%s: the first line is a record: expected the names of its members", name)
		}
		r.value(body, time.Time{})
	}
	return rows.Err()
}

// receive passes what arrives at the addresses of the sinks, until a flag or
// Ctrl-C ends it.
func (c *comparison) receive(addresses []sinkPlaces) error {
	ctx, stop := c.Listening()
	defer stop()
	var servers []*receive.Server
	for _, p := range addresses {
		for _, address := range p.names {
			r := &origin{c, address, p.sinks}
			server, err := receive.Listen(address, r, receive.Options{
				SharedKey: c.SharedKey, TLS: c.TLS, Value: r.value, Events: r.events,
				Log: func(line string) { c.Log("%s", line) },
			})
			if err != nil {
				return err
			}
			defer server.Close()
			servers = append(servers, server)
			c.Log("listening at %s", server)
		}
	}
	look := func(time.Time) status {
		active := slices.ContainsFunc(servers, (*receive.Server).Active)
		return status{last: c.judge.Last(), active: active, failed: c.judge.Err() != nil}
	}
	return c.Wait.run(ctx, c.Log, look, c.complete)
}
