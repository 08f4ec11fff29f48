// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"time"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/wire/arrivals"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// listenFlags holds the flags that require --listen.
type listenFlags struct {
	addresses []string
	wait      arrivals.Wait
	faults    *receive.Faults
	seed      uint64
	seedText  string
	seeded    bool // --seed is set
	cert, key string
	sharedKey string
}

func (f *listenFlags) table() []flagRow {
	return []flagRow{
		{section: "Listening", name: "listen", arg: "ADDRESS", help: "audit what arrives at ADDRESS: forward://HOST:PORT, http:// or tcp://; may be repeated",
			example: "--listen forward://:24224 --ledger run.ledger", set: appendTo(&f.addresses)},
		{name: "until-ledger-complete", help: "stop listening when all records of the ledgers have arrived",
			example: "--listen http://:9880 --ledger run.ledger --until-ledger-complete", set: setBool(&f.wait.UntilComplete)},
		{name: "idle", arg: "D", help: "stop listening when nothing has arrived for D since the last arrival", without: "until Ctrl-C",
			example: "--listen tcp://:5170 --ledger run.ledger --idle 2s", set: setSpan(&f.wait.Idle)},
		{name: "first-within", arg: "D", help: "stop listening when nothing at all has arrived within D", without: "5m with --idle, or\nthe time of --idle if that is longer; otherwise until Ctrl-C",
			example: "--listen tcp://:5170 --ledger run.ledger --first-within 10m --idle 2s", set: setSpan(&f.wait.First)},
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
	secure, err := f.live.certificate()
	if err != nil {
		return err
	}
	over, shown := isTerminal(s.err), false
	defer func() {
		if over && shown {
			fmt.Fprintln(s.err)
		}
	}()
	next := time.Now().Add(progressEvery)
	return arrivals.Listen(ctx, a, arrivals.ListenOptions{
		Addresses: f.live.addresses, Ledgers: &f.ledgers, Wait: f.live.wait, Collected: changed,
		Receive: receive.Options{
			Keys: f.keys, Path: f.path, SharedKey: f.live.sharedKey, TLS: secure,
			Faults: f.live.faults, Seed: f.live.seed, Log: s.log,
		},
		Progress: func(now time.Time, p audit.Progress) {
			if over || now.After(next) {
				next, shown = now.Add(progressEvery), true
				printProgress(s.err, p, over)
			}
		},
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

// printProgress prints what has arrived, on a terminal over the last line.
func printProgress(w io.Writer, p audit.Progress, over bool) {
	start, end := "gdummy audit: ", "\n"
	if over {
		start, end = "\r", "\x1b[K"
	}
	fmt.Fprintf(w, "%s%s arrived, %s duplicates, %s damaged, %s foreign%s",
		start, audit.Grouped(p.Arrived), audit.Grouped(p.Duplicates), audit.Grouped(p.Damaged), audit.Grouped(p.Foreign), end)
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
