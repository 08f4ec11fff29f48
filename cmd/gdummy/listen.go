// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// listenFlags holds the flags that require --listen.
type listenFlags struct {
	addresses     []string
	untilComplete bool
	idle          time.Duration
	first         time.Duration // --first-within; 0 means the default
	faults        *receive.Faults
	seed          uint64
	seedText      string
	seeded        bool // --seed is set
	cert, key     string
	sharedKey     string

	reported map[recordid.Run]bool // runs whose ledger will never be complete
}

func (f *listenFlags) table() []flagRow {
	return []flagRow{
		{section: "Listening", name: "listen", arg: "ADDRESS", help: "audit what arrives at ADDRESS: forward://HOST:PORT, http:// or tcp://; may be repeated",
			example: "--listen forward://:24224 --ledger run.ledger", set: appendTo(&f.addresses)},
		{name: "until-ledger-complete", help: "stop listening when all records of the ledgers have arrived",
			example: "--listen http://:9880 --ledger run.ledger --until-ledger-complete", set: setBool(&f.untilComplete)},
		{name: "idle", arg: "D", help: "stop listening when nothing has arrived for D since the last arrival", without: "until Ctrl-C",
			example: "--listen tcp://:5170 --ledger run.ledger --idle 2s", set: setSpan(&f.idle)},
		{name: "first-within", arg: "D", help: "stop listening when nothing at all has arrived within D", without: "5m with --idle, or\nthe time of --idle if that is longer; otherwise until Ctrl-C",
			example: "--listen tcp://:5170 --ledger run.ledger --first-within 10m --idle 2s", set: setSpan(&f.first)},
		{name: "fault", arg: "FAULTS", help: "inject faults and report their effect: FAULTS, such as\ndrop=1%, delay=2s@5%, status=503@10%, reset=1%, slow=1MB/s, rate=5000/s, workers=4, outage=30s every 5m",
			example: "--listen http://:9880 --fault 'status=503@10%, delay=100ms' --ledger run.ledger", set: func(text string) (err error) {
				f.faults, err = receive.ParseFaults(text)
				return err
			}},
		{name: "seed", arg: "N", help: "the seed of the faults, a number or a text, as in the option seed", without: "1",
			example: "--listen http://:9880 --fault drop=50% --seed 7 --ledger run.ledger", set: func(text string) error {
				f.seeded, f.seed, f.seedText = true, seed.Parse(text), text
				return nil
			}},
		{name: "tls-cert", arg: "FILE", help: "the certificate to listen with TLS, a PEM file",
			example: "--listen forward://:24224 --tls-cert cert.pem --tls-key key.pem --ledger run.ledger", set: setString(&f.cert)},
		{name: "tls-key", arg: "FILE", help: "the key of the certificate, a PEM file",
			example: "--listen http://:9880 --tls-cert cert.pem --tls-key key.pem --ledger run.ledger", set: setString(&f.key)},
		{name: "shared-key", arg: "KEY", help: "the shared key of the forward protocol",
			example: "--listen forward://:24224 --shared-key secret --ledger run.ledger", set: setString(&f.sharedKey)},
	}
}

// lockedAudit is an audit for concurrent use by several receivers.
type lockedAudit struct {
	mu   sync.Mutex
	a    *audit.Auditor
	last time.Time // time of the last arrival or refusal, or zero
	log  func(format string, args ...any)
}

// Take implements receive.Sink.
func (l *lockedAudit) Take(found []receive.Finding, arrival int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	for _, f := range found {
		l.a.Take(f.ID, f.State, arrival)
	}
}

// Refuse implements receive.Sink.
func (l *lockedAudit) Refuse(r receive.Refusal, found []receive.Finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	reason := l.a.Refused(r.Why, r.Dropped, r.Partly, r.More)
	for _, f := range found {
		l.a.Refuse(reason, f.ID)
	}
}

// Others implements receive.Sink.
func (l *lockedAudit) Others(foreign, broken uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	l.a.Foreign(foreign)
	l.a.Broken(broken)
}

// progressEvery is the time between two lines of progress if the output is not a terminal.
const progressEvery = 10 * time.Second

// listen audits what arrives until a flag or Ctrl-C ends it. changed returns when a ledger was
// collected last.
func (f *auditFlags) listen(ctx context.Context, s stream, a *audit.Auditor, changed func() time.Time) error {
	o := receive.Options{
		Keys: f.keys, Path: f.path, SharedKey: f.live.sharedKey,
		Faults: f.live.faults, Seed: f.live.seed,
		Log: func(line string) { fmt.Fprintf(s.err, "gdummy audit: %s\n", line) },
	}
	var err error
	if o.TLS, err = f.live.certificate(); err != nil {
		return err
	}
	f.live.reported = map[recordid.Run]bool{}
	locked := &lockedAudit{a: a, log: func(format string, args ...any) {
		fmt.Fprintf(s.err, "gdummy audit: "+format+"\n", args...)
	}}
	if f.live.faults != nil {
		for _, name := range f.live.faults.Names() {
			a.Expect(name, receive.Drops(name))
		}
	}
	wait := waiting{idle: f.live.idle, first: f.live.first, began: time.Now()}
	var servers []*receive.Server
	for _, address := range f.live.addresses {
		server, err := receive.Listen(address, locked, o)
		if err != nil {
			return err
		}
		defer server.Close()
		servers = append(servers, server)
		fmt.Fprintf(s.err, "gdummy audit: listening at %s\n", server)
	}

	over := isTerminal(s.err)
	if over {
		defer fmt.Fprintln(s.err)
	}
	next := time.Now().Add(progressEvery)
	var poll ledgerPoll
	return eachTick(ctx, func(now time.Time) (done bool, err error) {
		locked.mu.Lock()
		p, last, waits := a.Progress(), locked.last, a.Waiting()
		locked.mu.Unlock()
		if over || now.After(next) {
			next = now.Add(progressEvery)
			f.progress(s.err, p, over)
		}
		if t := changed(); t.After(last) {
			last = t
		}
		active := slices.ContainsFunc(servers, (*receive.Server).Active)
		if why := wait.over(now, last, active); why != "" {
			locked.log("%s", why)
			return true, nil
		}
		if poll.due(now, waits) && (f.live.untilComplete || waits > 0) {
			done, err = f.complete(locked)
			poll.done(now, time.Now(), waits)
			if !f.live.untilComplete { // the next tick tries again
				return false, nil
			}
		}
		return done, err
	})
}

// eachTick calls f five times a second, until it returns true or an error, or the context
// is done.
func eachTick(ctx context.Context, f func(now time.Time) (done bool, err error)) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if done, err := f(now); done || err != nil {
				return err
			}
		}
	}
}

// certificate returns the configuration of TLS, or nil without --tls-cert.
func (f *listenFlags) certificate() (*tls.Config, error) {
	if f.cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// defaultFirst is the default of --first-within, with --idle.
const defaultFirst = 5 * time.Minute

// waiting decides when an audit stops listening.
type waiting struct {
	idle  time.Duration // 0 means no limit
	first time.Duration // limit of the first arrival; 0 means defaultFirst, or no limit without idle
	began time.Time
}

// over returns the reason to stop waiting, or "". last is the time of the last arrival,
// zero if there was none; active reports whether a request is being received.
func (w *waiting) over(now, last time.Time, active bool) string {
	first := w.first
	if first == 0 && w.idle > 0 {
		first = max(defaultFirst, w.idle)
	}
	switch {
	case active:
	case last.IsZero() && first > 0 && now.Sub(w.began) >= first:
		return fmt.Sprintf("no arrival within %v (--first-within)", first)
	case !last.IsZero() && w.idle > 0 && now.Sub(last) >= w.idle:
		return fmt.Sprintf("no arrival for %v (--idle)", w.idle)
	}
	return ""
}

// ledgerPoll schedules the reading of ledgers. After a day they are so long that reading
// them continuously would occupy a core.
type ledgerPoll struct {
	next  time.Time
	waits int
}

// due reports whether to read. It does not wait if many more records of unknown runs have
// arrived.
func (l *ledgerPoll) due(now time.Time, waits int) bool {
	return !now.Before(l.next) || waits >= l.waits+audit.MaxWaiting/8
}

// done notes when a read began and ended. Reading takes at most a twentieth of the time.
func (l *ledgerPoll) done(began, ended time.Time, waits int) {
	l.next, l.waits = ended.Add(19*ended.Sub(began)), waits
}

func (f *auditFlags) progress(w io.Writer, p audit.Progress, over bool) {
	start, end := "gdummy audit: ", "\n"
	if over {
		start, end = "\r", "\x1b[K"
	}
	fmt.Fprintf(w, "%s%s arrived, %s duplicates, %s damaged, %s foreign%s",
		start, audit.Grouped(p.Arrived), audit.Grouped(p.Duplicates), audit.Grouped(p.Damaged), audit.Grouped(p.Foreign), end)
}

// complete reports whether the ledgers are closed and all their records have arrived.
// A ledger that does not exist yet is not complete.
func (f *auditFlags) complete(l *lockedAudit) (bool, error) {
	ledgers, _, err := f.readLedgers(true)
	if err != nil || len(ledgers) < len(f.ledgers) {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.a.SetLedgers(ledgers)
	streams := ledger.Merge(ledgers)
	if f.collect.address != "" && len(ledger.MissingShards(streams)) > 0 {
		return false, nil
	}
	for _, st := range streams {
		if !st.Closed.IsZero() && !st.Whole() && !f.live.reported[st.Run] {
			f.live.reported[st.Run] = true
			l.log("the ledger of run %s lacks lines: it will never be complete; press Ctrl-C to stop", st.Run)
		}
	}
	return l.a.Complete(time.Now()), nil
}

// readLedgers reads the ledgers. With early, ledgers may not exist yet, or have no lines. An
// error of a collector's directory must not end its audit: lastLedgers reports what remains.
func (f *auditFlags) readLedgers(early bool) (ledgers []*ledger.Ledger, keys []string, err error) {
	defer func() {
		if early && (f.collect.address != "" || errors.Is(err, fs.ErrNotExist) || errors.Is(err, source.ErrNoMatch) || errors.Is(err, ledger.ErrNoLedger)) {
			err = nil
		}
	}()
	names, err := f.ledgerNames()
	if err != nil {
		return nil, nil, err
	}
	paths, err := source.ExpandLedgers(names)
	if err != nil {
		return nil, nil, err
	}
	f.ledgerPaths = paths
	for _, name := range f.ledgers {
		if found, err := source.ExpandLedgers([]string{name}); err == nil && len(found) == 0 && !early {
			return nil, nil, fmt.Errorf("--ledger %s: the directory has no ledger", name)
		}
	}
	return source.ReadLedgers(paths)
}

// lastLedgers reads the ledgers at the end of an audit, and returns a fault for each
// that cannot be read.
func (f *auditFlags) lastLedgers() (ledgers []*ledger.Ledger, faults []string) {
	names, err := f.ledgerNames()
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

// finishPipe reads standard input to its end after Ctrl-C, which interrupts all commands of
// a pipeline: the writer finishes, the input ends, and a verdict follows.
func finishPipe(log func(format string, args ...any)) {
	stop := interrupted()
	go func() {
		<-stop
		log("reading standard input to its end; press Ctrl-C again to stop now")
	}()
}
