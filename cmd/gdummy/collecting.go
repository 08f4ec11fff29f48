// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/wire/arrivals"
	"github.com/gdummy/gdummy/internal/wire/collect"
)

// collectFlags are the flags of `gdummy audit` that collect ledgers.
type collectFlags struct {
	address   string
	dir       string
	tokenFile string

	foreign map[string]bool // other files in dir that were logged
	log     func(format string, args ...any)
}

func (f *collectFlags) table() []flagRow {
	return []flagRow{
		{section: "Collecting ledgers", name: "collect", arg: "ADDRESS", help: "store the ledgers that gdummy ledger push sends to ADDRESS, https://HOST:PORT, or\nhttp:// on this machine, and use them; SOURCE is read after that",
			example: "--collect http://:9443 --collect-dir ledgers --token-file token --listen forward://:24224", set: setOnce(&f.address)},
		{name: "collect-dir", arg: "DIR", help: "where to store them; those that are there already count, too",
			example: "--collect-dir ledgers --collect https://:9443 --token-file token --tls-cert cert.pem --tls-key key.pem", set: setOnce(&f.dir)},
		{name: "token-file", arg: "FILE", help: "a file with the token that gdummy ledger push has", without: "the environment variable\n" + collect.TokenVariable,
			example: "--token-file token --collect http://:9443 --collect-dir ledgers", set: setString(&f.tokenFile)},
	}
}

// withCollect returns what is wrong with the flags, or "".
func (f *auditFlags) withCollect() string {
	collects := f.collect.address != ""
	switch {
	case collects != (f.collect.dir != ""):
		return "--collect and --collect-dir require each other"
	case !collects && f.collect.tokenFile != "":
		return "--token-file requires --collect"
	case !collects:
		return ""
	case f.expect != "":
		return "--collect and --expect are mutually exclusive"
	case f.parts.merge:
		return "--collect and --merge are mutually exclusive: collect first, then merge with --ledger DIR"
	case slices.Contains(f.sources, "-"):
		return "--collect and - are mutually exclusive: standard input is read to its end first"
	case len(f.sources) == 0 && len(f.live.addresses) == 0 && (f.json || f.html != "" || f.parts.file != ""):
		return "--json, --html and --part require a source or --listen: nothing is audited"
	case strings.HasPrefix(f.collect.address, "https:") && f.live.cert == "":
		return "--collect https:// requires --tls-cert and --tls-key"
	}
	return ""
}

// startCollecting starts to collect ledgers.
func (f *auditFlags) startCollecting(s stream) (*collect.Server, error) {
	o := collect.Options{Dir: f.collect.dir, Log: s.log}
	f.collect.foreign = map[string]bool{}
	f.collect.log = s.logf
	var err error
	if o.Token, err = collect.Token(f.collect.tokenFile); err != nil {
		return nil, err
	}
	if o.TLS, err = f.live.certificate(); err != nil {
		return nil, err
	}
	c, err := collect.Listen(f.collect.address, o)
	if err != nil {
		return nil, err
	}
	s.logf("collecting ledgers at %s", c)
	return c, nil
}

// replacedGrace is how long the rest of a ledger is awaited whose run was replaced by a
// later one of the same shard. It is twice the longest time between two tries of a pusher.
const replacedGrace = 10 * time.Second

// ledgerNames returns the names of ledgers, and the ledgers that were collected. It logs
// other files among these once.
func (f *auditFlags) ledgerNames() ([]string, error) {
	if f.collect.address == "" {
		return f.ledgers, nil
	}
	collected, err := collect.Files(f.collect.dir, func(path string) {
		if !f.collect.foreign[path] {
			f.collect.foreign[path] = true
			f.collect.log("warning: skipped %s: not a ledger", path)
		}
	})
	return slices.Concat(f.ledgers, collected), err
}

// awaitLedgers collects ledgers, without listening for records, until a flag or Ctrl-C ends
// it.
func (f *auditFlags) awaitLedgers(ctx context.Context, s stream, c *collect.Server) error {
	wait := arrivals.Wait{Idle: f.live.idle, First: f.live.first, Began: time.Now()}
	var poll arrivals.Poll
	return arrivals.EachTick(ctx, func(now time.Time) (done bool, err error) {
		if why := wait.Over(now, c.Changed(), false); why != "" {
			s.log(why)
			return true, nil
		}
		if !f.live.untilComplete || !poll.Due(now, 0) {
			return false, nil
		}
		ledgers, _, err := f.readLedgers(true)
		if err != nil {
			return false, err
		}
		streams := ledger.Merge(ledgers)
		poll.Done(now, time.Now(), 0)
		if !ledger.Settled(streams) || len(ledger.MissingShards(streams)) > 0 {
			return false, nil
		}
		whole := !slices.ContainsFunc(streams, func(st *ledger.Stream) bool { return !st.Whole() })
		return whole || now.Sub(c.Changed()) >= replacedGrace, nil
	})
}

// missing returns a fault for each shard without a ledger, if ledgers are collected: then
// they are those of a whole run.
func (f *auditFlags) missing(ledgers []*ledger.Ledger) (faults []string) {
	if f.collect.address == "" {
		return nil
	}
	for _, shard := range ledger.MissingShards(ledger.Merge(ledgers)) {
		faults = append(faults, "no ledger of shard "+shard)
	}
	return faults
}

// noLedgerOf returns the shards without a ledger that may be missing by mistake. Without
// --collect that is not a fault: some shards may be audited on purpose. With --run ID or the
// name of one ledger, they are.
func (f *auditFlags) noLedgerOf(ledgers []*ledger.Ledger) []string {
	one := len(f.ledgers) == 1 && slices.Equal(f.ledgers, f.ledgerPaths)
	if one || len(f.runs) > 0 || f.collect.address != "" {
		return nil
	}
	return ledger.MissingShards(ledger.Merge(ledgers))
}

// reportCollected prints what was collected, without records to compare it with, and returns
// the exit code.
func (f *auditFlags) reportCollected(s stream) int {
	ledgers, faults := f.lastLedgers()
	streams := ledger.Merge(ledgers)
	whole := 0
	for _, st := range streams {
		if st.Whole() {
			whole++
		}
	}
	faults = append(faults, f.missing(ledgers)...)
	if len(streams) == 0 {
		faults = append(faults, "no ledger")
	}
	start, code := "", exitFine
	if len(faults) > 0 {
		start, code = "FAULTS: "+strings.Join(faults, ", ")+"; ", exitFound
	}
	fmt.Fprintf(s.out, "%scollected %s in %s, %d of them complete; %s has them\n", start, plural(len(streams), "run"), plural(len(ledgers), "ledger"), whole, f.collect.dir)
	return code
}
