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
	"time"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/arrivals"
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

// progressEvery is the time between two lines of progress if the output is not a terminal.
const progressEvery = 10 * time.Second

// listen audits what arrives until a flag or Ctrl-C ends it. changed returns when a ledger was
// collected last.
func (f *auditFlags) listen(ctx context.Context, s stream, a *audit.Auditor, changed func() time.Time) error {
	o := receive.Options{
		Keys: f.keys, Path: f.path, SharedKey: f.live.sharedKey,
		Faults: f.live.faults, Seed: f.live.seed,
		Log: s.log,
	}
	var err error
	if o.TLS, err = f.live.certificate(); err != nil {
		return err
	}
	f.live.reported = map[recordid.Run]bool{}
	auditor := arrivals.NewAuditor(a)
	if f.live.faults != nil {
		for _, name := range f.live.faults.Names() {
			a.Expect(name, receive.Drops(name))
		}
	}
	wait := arrivals.Wait{Idle: f.live.idle, First: f.live.first, Began: time.Now()}
	var servers []*receive.Server
	for _, address := range f.live.addresses {
		server, err := receive.Listen(address, auditor, o)
		if err != nil {
			return err
		}
		defer server.Close()
		servers = append(servers, server)
		s.logf("listening at %s", server)
	}

	over := isTerminal(s.err)
	if over {
		defer fmt.Fprintln(s.err)
	}
	next := time.Now().Add(progressEvery)
	var poll arrivals.Poll
	return arrivals.EachTick(ctx, func(now time.Time) (done bool, err error) {
		p, last, waits := auditor.Seen()
		if over || now.After(next) {
			next = now.Add(progressEvery)
			f.progress(s.err, p, over)
		}
		if t := changed(); t.After(last) {
			last = t
		}
		active := slices.ContainsFunc(servers, (*receive.Server).Active)
		if why := wait.Over(now, last, active); why != "" {
			s.log(why)
			return true, nil
		}
		if poll.Due(now, waits) && (f.live.untilComplete || waits > 0) {
			done, err = f.complete(auditor, s.logf)
			poll.Done(now, time.Now(), waits)
			if !f.live.untilComplete { // the next tick tries again
				return false, nil
			}
		}
		return done, err
	})
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
func (f *auditFlags) complete(auditor *arrivals.Auditor, log func(format string, args ...any)) (complete bool, err error) {
	ledgers, _, err := f.readLedgers(true)
	if err != nil || len(ledgers) < len(f.ledgers) {
		return false, err
	}
	streams := ledger.Merge(ledgers)
	complete = auditor.SetLedgers(ledgers)
	if f.collect.address != "" && len(ledger.MissingShards(streams)) > 0 {
		return false, nil
	}
	for _, st := range streams {
		if !st.Closed.IsZero() && !st.Whole() && !f.live.reported[st.Run] {
			f.live.reported[st.Run] = true
			log("the ledger of run %s lacks lines: it will never be complete; press Ctrl-C to stop", st.Run)
		}
	}
	return complete, nil
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
