// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/recordid"
)

// partFlags are the flags for audits in parts.
type partFlags struct {
	file   string // --part
	merge  bool
	shard  uint64
	shards uint64 // 0 without --shard
	as     string
}

func (p *partFlags) table() []flagRow {
	return []flagRow{
		{section: "Parts", name: "part", arg: "FILE", help: "write what arrived as a part of an audit to FILE, instead of a verdict;\nwith --merge, write all parts to one file",
			example: "--part out.part out", set: setString(&p.file)},
		{name: "merge", help: "print the verdict of one audit of everything that the parts cover: the sources are\nfiles that --part wrote",
			example: "--merge --ledger run.ledger parts", set: setBool(&p.merge)},
		{name: "shard", arg: "I/N", help: "with --part: this is part I of N, from 0; it makes --merge report missing ones, and\nis the order of the parts", without: "the order of the\nnames of their first sources",
			example: "--part 3.part --shard 3/64 --ledger run.ledger out", set: p.setShard},
		{name: "as", arg: "NAME", help: "with --part: the name of the source, such as the address of a downloaded object;\nno two parts may have sources of the same name", without: "its path",
			example: "--part object.part --as s3://logs/2026/object out", set: setString(&p.as)},
	}
}

// setShard accepts I/N.
func (p *partFlags) setShard(text string) error {
	i, n, ok := strings.Cut(text, "/")
	shard, err1 := strconv.ParseUint(i, 10, 64)
	shards, err2 := strconv.ParseUint(n, 10, 64)
	if !ok || err1 != nil || err2 != nil || shard >= shards || shards > audit.MaxShards {
		return fmt.Errorf("expected I/N with 0 <= I < N <= %d", audit.MaxShards)
	}
	p.shard, p.shards = shard, shards
	return nil
}

// withParts checks that the other flags can be used with --part and --merge; it returns
// what is wrong, or "".
func (f *auditFlags) withParts() string {
	p := &f.parts
	judged := f.json || f.html != "" || len(f.runs) > 0 || f.last || !reflect.DeepEqual(f.limits, noLimits)
	switch {
	case p.merge && (len(f.live.addresses) > 0 || f.path != "" || f.arrived != "" || p.shards > 0 || p.as != "" || f.expect != ""):
		return "--merge: expected none of --listen, --key, --arrived-at, --shard, --as and --expect; they belong to --part"
	case (p.merge || p.file != "") && f.collect.address != "":
		return "--part and --merge: expected no --collect; --ledger reads the ledgers that it stored"
	case p.merge && p.file != "" && len(f.ledgers.Names) > 0:
		return "--merge with --part: expected no --ledger; the merge that prints the verdict has it"
	case p.file != "" && (judged || f.expect != ""):
		return "--part: expected none of --json, --html, --run, --expect and the limits; they belong to --merge"
	case p.file == "" && (p.shards > 0 || p.as != ""):
		return "--shard and --as require --part"
	case p.file != "" && !p.merge && p.as == "" && (slices.Contains(f.sources, "-") || len(f.live.addresses) > 0 && p.shards == 0):
		return "--part: standard input and listeners have no name of their own: expected --as NAME, or --shard for a listener"
	}
	return ""
}

// settings returns the flags that determine what is found in the sources.
func (f *auditFlags) settings() string {
	var all []string
	if f.path != "" {
		all = append(all, fmt.Sprintf("--key %q", f.path))
	}
	if f.arrived != "" {
		all = append(all, fmt.Sprintf("--arrived-at %q", f.arrived))
	}
	if keys := otherKeys(f.keys); len(keys) > 0 {
		all = append(all, "a ledger of identities in "+strings.Join(keys, ", "))
	}
	return strings.Join(all, ", ")
}

// otherKeys returns the names of identities other than the default one, quoted.
func otherKeys(keys []string) (quoted []string) {
	for _, key := range keys {
		if key != recordid.DefaultKey {
			quoted = append(quoted, strconv.Quote(key))
		}
	}
	slices.Sort(quoted)
	return quoted
}

// writePart writes what an audit of the sources found to a file, and returns the exit
// code.
func (f *auditFlags) writePart(s stream, a *audit.Auditor, sources []audit.Source) int {
	p := audit.Part{Sources: sources, Shard: f.parts.shard, Shards: f.parts.shards, Settings: f.settings()}
	for _, address := range f.live.addresses {
		name := address
		if f.parts.shards > 0 {
			name = fmt.Sprintf("%s of shard %d", address, f.parts.shard)
		}
		p.Sources = append(p.Sources, audit.Source{Name: name})
	}
	if f.parts.as != "" {
		if len(p.Sources) > 1 {
			return s.fail(fmt.Errorf("--as %s: expected one source, found %d", f.parts.as, len(p.Sources)))
		}
		if len(p.Sources) == 0 { // an empty directory
			p.Sources = []audit.Source{{}}
		}
		p.Sources[0].Name = f.parts.as
	}
	part, err := a.Part(p)
	if err == nil {
		err = audit.WriteParts(f.parts.file, []*audit.Part{part})
	}
	if err != nil {
		return s.fail(fmt.Errorf("cannot write the part: %w", err))
	}
	return exitFine
}

// checkPart returns an error if a part cannot be written, or would overwrite one of the files
// that are read, or any other file but a part.
func checkPart(path string, read ...string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("cannot write the part: %w", err)
	case info.IsDir():
		return fmt.Errorf("cannot write the part: %s is a directory", path)
	case overwrites(path, read):
		return fmt.Errorf("--part %s: the part would overwrite a source or a ledger", path)
	case !info.Mode().IsRegular() || info.Size() > 0 && !audit.IsPart(source.Beginning(path)):
		return fmt.Errorf("--part %s: the part would overwrite a file that is not a part", path)
	}
	if err := audit.CanWriteParts(path); err != nil {
		return fmt.Errorf("cannot write the part: %w", err)
	}
	return nil
}

// mergeParts prints the verdict on parts, or writes them to one file, and returns the exit
// code.
func (f *auditFlags) mergeParts(s stream) int {
	paths, err := source.ExpandLedgers(f.sources)
	if err != nil {
		return s.fail(err)
	}
	if len(paths) == 0 {
		return s.fail(fmt.Errorf("%s: no parts", strings.Join(f.sources, ", ")))
	}
	if f.parts.file != "" {
		if err := checkPart(f.parts.file); err != nil {
			return s.fail(err)
		}
	}
	var parts []*audit.Part
	for _, path := range paths {
		more, err := audit.OpenParts(path)
		if err != nil {
			return s.fail(fmt.Errorf("cannot read %s: %w", path, err))
		}
		parts = append(parts, more...)
	}
	if err := audit.Sort(parts); err != nil {
		return s.fail(fmt.Errorf("cannot merge: %w", err))
	}
	if f.parts.file != "" {
		if err := audit.WriteParts(f.parts.file, parts); err != nil {
			return s.fail(fmt.Errorf("cannot write the part: %w", err))
		}
		return exitFine
	}
	ledgers, keys, err := f.ledgers.Read(false)
	if err != nil {
		return s.fail(err)
	}
	for _, key := range otherKeys(keys) {
		if !strings.Contains(parts[0].Settings, key) {
			return s.fail(fmt.Errorf("a ledger has identities in the field %s, and the parts were made without it: make them again with --ledger", key))
		}
	}
	if f.html != "" {
		if err := checkPage(f.html, "a part or a ledger", slices.Concat(paths, f.ledgers.Paths)...); err != nil {
			return s.fail(err)
		}
	}
	a, err := audit.Merge(audit.Options{Ledgers: ledgers, Memory: f.memory, Runs: f.runs, Last: f.last}, parts)
	if err != nil {
		return s.fail(fmt.Errorf("cannot merge: %w", err))
	}
	v := a.Verdict()
	v.NoLedgerOf = f.noLedgerOf(ledgers)
	return f.conclude(s, v, f.limits.Faults(v))
}
