// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/wire/collect"
)

// collectFlags are the flags of `gdummy audit` that collect ledgers.
type collectFlags struct {
	address   string
	tokenFile string
}

// table returns the flags. dir is that of --collect-dir.
func (f *collectFlags) table(dir *string) []flagRow {
	return []flagRow{
		{section: "Collecting ledgers", name: "collect", arg: "ADDRESS", help: "store the ledgers that gdummy ledger push sends to ADDRESS, https://HOST:PORT, or\nhttp:// on this machine, and use them; SOURCE is read after that",
			example: "--collect http://:9443 --collect-dir ledgers --token-file token --listen forward://:24224", set: setOnce(&f.address)},
		{name: "collect-dir", arg: "DIR", help: "where to store them; those that are there already count, too",
			example: "--collect-dir ledgers --collect https://:9443 --token-file token --tls-cert cert.pem --tls-key key.pem", set: setOnce(dir)},
		{name: "token-file", arg: "FILE", help: "a file with the token that gdummy ledger push has", without: "the environment variable\n" + collect.TokenVariable,
			example: "--token-file token --collect http://:9443 --collect-dir ledgers", set: setString(&f.tokenFile)},
	}
}

// withCollect returns what is wrong with the flags, or "".
func (f *auditFlags) withCollect() string {
	collects := f.collect.address != ""
	switch {
	case collects != (f.ledgers.Dir != ""):
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
	o := collect.Options{Dir: f.ledgers.Dir, Log: s.log}
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
	one := len(f.ledgers.Names) == 1 && slices.Equal(f.ledgers.Names, f.ledgers.Paths)
	if one || len(f.runs) > 0 || f.collect.address != "" {
		return nil
	}
	return ledger.MissingShards(ledger.Merge(ledgers))
}

// reportCollected prints what was collected, without records to compare it with, and returns
// the exit code.
func (f *auditFlags) reportCollected(s stream) int {
	ledgers, faults := f.ledgers.Last()
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
	fmt.Fprintf(s.out, "%scollected %s in %s, %d of them complete; %s has them\n", start, plural(len(streams), "run"), plural(len(ledgers), "ledger"), whole, f.ledgers.Dir)
	return code
}
