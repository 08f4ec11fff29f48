// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/generate/replay"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// arrivals passes what arrives at one sink from one source to a judge. It implements
// receive.Sink, for what has no members.
type arrivals struct {
	a      *auditExpect
	sink   int
	source string
}

// value passes a value that may have records.
func (r *arrivals) value(v []byte, arrival time.Time) { r.a.judge.Value(r.sink, v, arrival) }

// Take implements receive.Sink. An identity without members ends the audit.
func (r *arrivals) Take(found []receive.Finding, _ int64) {
	for _, f := range found {
		r.without(f.ID, f.State, 0)
	}
}

// without takes an identity or a line without members.
func (r *arrivals) without(id recordid.ID, st recordscan.State, _ int64) {
	switch st {
	case recordscan.Foreign:
		r.a.judge.Others(r.sink, 1, 0)
	case recordscan.Unchecked:
		r.a.judge.Refuse(fmt.Errorf("%s: the members of record %d are unknown: it is text; expected JSON or MessagePack, or a file *.csv with a line of names", r.source, id.Seq))
	}
}

// Refuse implements receive.Sink.
func (r *arrivals) Refuse(why receive.Refusal, _ []receive.Finding) {
	r.a.log("warning: %s: refused: %s", r.source, why.Why)
}

// Others implements receive.Sink.
func (r *arrivals) Others(foreign, broken uint64) { r.a.judge.Others(r.sink, foreign, broken) }

// readAll passes the records in the sources of a sink to the judge.
func (a *auditExpect) readAll(n int, names []string) error {
	sources, err := expandSources(names, a.ledgerPaths, "", a.log)
	if err != nil {
		return err
	}
	if list := unreadableOf(sources); len(list) > 0 {
		return fmt.Errorf("cannot read %s: %w", list[0].Source, &recordscan.FormatError{Format: list[0].Format})
	}
	bar := newProgress(a.s.err, sizeOf(sources), a.judge.Arrived)
	defer bar.hide()
	if slices.Contains(sources, "-") {
		bar.bar = nil // the writer of the pipe may write to the terminal, too
		finishPipe(a.log)
	}
	for _, name := range sources {
		if isCSV(name) {
			err = a.readCSV(n, name)
		} else {
			err = a.readFile(n, name, bar)
		}
		if err == nil {
			err = a.judge.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readFile passes the records in a source of JSON or MessagePack to the judge.
func (a *auditExpect) readFile(n int, name string, bar *progress) error {
	r := arrivals{a, n, nameOf(name)}
	scan := recordscan.New(recordscan.Options{Take: r.without, Value: func(v []byte) { r.value(v, time.Time{}) }})
	err := readSource(a.s, scan, name, bar.reader)
	broken := scan.Broken()
	if errors.Is(err, errCut) {
		var format *recordscan.FormatError
		if errors.As(err, &format) {
			return fmt.Errorf("cannot read %s: %w", r.source, format)
		}
		a.log("warning: %v", err)
		err = nil
		broken++
	}
	a.judge.Others(n, 0, broken)
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
func (a *auditExpect) readCSV(n int, name string) error {
	set, err := replay.Open(replay.Options{Files: []string{name}, Format: replay.CSV, Sample: 1})
	if err != nil {
		return err
	}
	r := set.NewReader(func(line string) {
		a.log("warning: %s", line)
		a.judge.Others(n, 0, 1)
	})
	defer r.Close()
	for k := uint64(0); r.Seek(k) == replay.Ready; k++ {
		body := r.Current().Body
		if k == 0 && expect.NamesIdentity(body) {
			return fmt.Errorf("%s: the first line is a record: expected the names of its members", name)
		}
		a.judge.Value(n, body, time.Time{})
	}
	return r.Err()
}

// receive passes what arrives at the addresses of the sinks, until a flag or
// Ctrl-C ends it.
func (a *auditExpect) receive(addresses [][]string) error {
	pair, err := a.live.certificate()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var servers []*receive.Server
	for n, list := range addresses {
		for _, address := range list {
			r := &arrivals{a, n, address}
			server, err := receive.Listen(address, r, receive.Options{
				SharedKey: a.live.sharedKey, TLS: pair, Value: r.value,
				Log:    func(line string) { a.log("%s", line) },
				Events: func(_ string, events []byte, arrival time.Time) { a.judge.Arrive(n, events, arrival) },
			})
			if err != nil {
				return err
			}
			defer server.Close()
			servers = append(servers, server)
			a.log("listening at %s", server)
		}
	}
	wait := waiting{idle: a.live.idle, first: a.live.first, began: time.Now()}
	var poll ledgerPoll
	return eachTick(ctx, func(now time.Time) (done bool, err error) {
		if a.judge.Err() != nil {
			return true, nil
		}
		if why := wait.over(now, a.judge.Last(), slices.ContainsFunc(servers, (*receive.Server).Active)); why != "" {
			a.log("%s", why)
			return true, nil
		}
		if a.live.untilComplete && poll.due(now, 0) {
			done, err = a.complete()
			poll.done(now, time.Now(), 0)
		}
		return done, err
	})
}
