// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gdummy/gdummy/internal/wire/collect"
)

// ledgerFlags are the flags of `gdummy ledger push`.
type ledgerFlags struct {
	to        string
	tokenFile string
	roots     string
	name      string
	every     time.Duration
	once      bool
	grace     time.Duration
}

func (f *ledgerFlags) table() []flagRow {
	return []flagRow{
		{name: "to", arg: "ADDRESS", help: "the collector, https://HOST:PORT, or http:// on this machine",
			example: "push --to http://127.0.0.1:9443 --token-file token --once run.ledger", set: setString(&f.to)},
		{name: "token-file", arg: "FILE", help: "a file with the token of the collector", without: "the environment variable\n" + collect.TokenVariable,
			example: "push --token-file token --to http://127.0.0.1:9443 --once run.ledger", set: setString(&f.tokenFile)},
		{name: "tls-ca", arg: "FILE", help: "the certificates that the collector's is verified against, a PEM file", without: "those of\nthe system",
			example: "push --tls-ca cert.pem --to http://127.0.0.1:9443 --token-file token --once run.ledger", set: setString(&f.roots)},
		{name: "name", arg: "NAME", help: "the name under which the collector stores the ledgers", without: "the name of this machine",
			example: "push --name shard-3 --to http://127.0.0.1:9443 --token-file token --once run.ledger", set: func(text string) error {
				f.name = text
				return collect.CheckName(text)
			}},
		{name: "every", arg: "D", help: "look for new lines each D", without: "1s",
			example: "push --every 5s --to http://127.0.0.1:9443 --token-file token --once run.ledger", set: setSpan(&f.every)},
		{name: "once", help: "push what there is, and exit",
			example: "push --once --to http://127.0.0.1:9443 --token-file token run.ledger", set: setBool(&f.once)},
		{name: "give-up", arg: "D", help: "after SIGTERM, or with --once, try for at most D", without: "20s",
			example: "push --give-up 10s --to http://127.0.0.1:9443 --token-file token --once run.ledger", set: setSpan(&f.grace)},
	}
}

func ledgerHelp(w io.Writer) {
	fmt.Fprint(w, `
push copies ledgers to a collector, gdummy audit --collect, and follows them while they
grow. PATH is a ledger, which may not exist yet, or a directory, of which all ledgers are
pushed. A ledger that is renamed or rotated is the same one. After a failure of the
collector, the network or this command, it continues after what the collector has.

It ends with SIGTERM or Ctrl-C, after a last push.

Exit codes: 0 the collector has everything; 1 something is not confirmed, or there is no
ledger; 2 wrong usage.
`)
}

func ledgerWords(before []string) []string {
	if len(before) == 0 {
		return []string{"push"}
	}
	return []string{fileNames}
}

func ledgerCommand() ([]flagRow, runner) {
	f := ledgerFlags{every: time.Second, grace: 20 * time.Second}
	return f.table(), f.push
}

func (f *ledgerFlags) push(s stream, args []string) int {
	switch {
	case len(args) == 0 || args[0] != "push":
		return s.usageError("expected push, such as gdummy ledger push --to https://collector:9443 run.ledger")
	case len(args) == 1:
		return s.usageError("expected a ledger or a directory")
	case f.to == "":
		return s.usageError("expected --to, the address of a collector")
	}
	o, err := f.options()
	if err != nil {
		return s.fail(err)
	}
	o.Paths = args[1:]
	o.Log = s.log
	p, err := collect.NewPusher(o)
	if err != nil {
		return s.fail(err)
	}
	stop := interrupted()
	if f.once {
		now := make(chan struct{})
		close(now)
		stop = now
	}
	if err := p.Run(stop, f.grace); err != nil {
		s.logf("not everything is confirmed: %v", err)
		return exitFound
	}
	count, size := p.Confirmed()
	s.logf("the collector has all of %s, %d bytes", plural(count, "ledger"), size)
	return exitFine
}

// options returns the options of a pusher, without paths.
func (f *ledgerFlags) options() (o collect.PushOptions, err error) {
	o = collect.PushOptions{To: f.to, Name: f.name, Every: f.every}
	if o.Token, err = collect.Token(f.tokenFile); err != nil {
		return o, err
	}
	if f.roots != "" {
		text, err := os.ReadFile(f.roots)
		if err != nil {
			return o, err
		}
		if o.Roots = x509.NewCertPool(); !o.Roots.AppendCertsFromPEM(text) {
			return o, fmt.Errorf("--tls-ca %s: expected certificates in PEM", f.roots)
		}
	}
	if o.Name == "" {
		if o.Name, err = os.Hostname(); err == nil {
			err = collect.CheckName(o.Name)
		}
		if err != nil {
			return o, fmt.Errorf("%w; --name sets one", err)
		}
	}
	return o, nil
}
