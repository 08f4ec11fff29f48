package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/audit"
	"github.com/gdummy/gdummy/internal/decode"
	"github.com/gdummy/gdummy/internal/ledger"
	"github.com/gdummy/gdummy/internal/option"
	"github.com/gdummy/gdummy/internal/receive"
	"github.com/gdummy/gdummy/internal/report"
)

// auditFlags are what `gdummy audit` was told.
type auditFlags struct {
	ledgers []string
	sources []string
	path    string
	arrived string // path of the member with the time of arrival
	memory  int64
	json    bool
	html    string
	limits  audit.Limits
	live    listenFlags

	ledgerPaths []string // of the files that ledgers stands for
	keys        []string // under which identities were sent
}

func auditCommand(s stream, args []string) int {
	f := auditFlags{memory: audit.DefaultMemory, limits: audit.Limits{Reordered: -1, Foreign: -1, Unknown: -1}}
	fs := flags("audit", auditHelp)
	fs.Func("ledger", "a ledger of what was sent: `FILE` or pattern; may be repeated", func(v string) error {
		f.ledgers = append(f.ledgers, v)
		return nil
	})
	fs.Func("listen", "audit what arrives at `ADDRESS`: forward://HOST:PORT, http:// or tcp://; may be repeated", func(v string) error {
		f.live.addresses = append(f.live.addresses, v)
		return nil
	})
	fs.BoolVar(&f.live.untilComplete, "until-ledger-complete", false, "stop listening when all that the ledgers have has arrived")
	fs.DurationVar(&f.live.idle, "idle", 0, "stop listening when nothing has arrived for the time `D`")
	fs.Func("fault", "misbehave on purpose: `FAULTS`, such as\ndrop=1%, delay=2s@5%, status=503@10%, reset=1%, slow=1MB/s, outage=30s every 5m", func(v string) (err error) {
		f.live.faults, err = receive.ParseFaults(v)
		return err
	})
	fs.Uint64Var(&f.live.seed, "seed", 1, "the seed `N` of the faults")
	fs.StringVar(&f.live.cert, "tls-cert", "", "listen with TLS: the certificate, a PEM `FILE`")
	fs.StringVar(&f.live.key, "tls-key", "", "the key of the certificate, a PEM `FILE`")
	fs.StringVar(&f.live.sharedKey, "shared-key", "", "the shared `KEY` of the forward protocol")
	fs.StringVar(&f.path, "key", "", "identities count only at `PATH`: names of members joined by dots")
	fs.StringVar(&f.arrived, "arrived-at", "", "records in files say at `PATH` when they arrived: seconds, ms, us or ns since\n1970, or RFC 3339, written by what stands behind the pipeline; gives latency")
	fs.BoolVar(&f.json, "json", false, "print the verdict as JSON")
	fs.StringVar(&f.html, "html", "", "also write the verdict as a page to `FILE`")
	fs.Func("memory", "use at most about `SIZE` for what arrived (default 256M)", func(v string) (err error) {
		f.memory, err = option.ParseSize(v)
		if err == nil && f.memory < 1<<20 {
			err = errors.New("at least 1M")
		}
		return err
	})
	count := func(name, help string, set func(uint64)) {
		fs.Func("max-"+name, help, func(v string) error {
			n, err := option.ParseInteger(v, 0, math.MaxInt64)
			set(uint64(n))
			return err
		})
	}
	count("lost", "forgive up to `N` lost records (default 0)", func(n uint64) { f.limits.Lost = n })
	count("duplicates", "forgive up to `N` duplicates (default 0)", func(n uint64) { f.limits.Duplicates = n })
	count("damaged", "forgive up to `N` damaged records (default 0)", func(n uint64) { f.limits.Damaged = n })
	count("reordered", "more than `N` reordered records are a fault (default: none are)", func(n uint64) { f.limits.Reordered = int64(n) })
	count("foreign", "more than `N` foreign records are a fault (default: none are)", func(n uint64) { f.limits.Foreign = int64(n) })
	count("unknown", "more than `N` unknown records are a fault (default: none are)", func(n uint64) { f.limits.Unknown = int64(n) })
	fs.DurationVar(&f.limits.P99, "max-p99", 0, "a 99th percentile of the latency above `D` is a fault")

	// Flags may stand behind sources, too.
	for {
		if code, ok := parse(s, fs, args); !ok {
			return code
		}
		if fs.NArg() == 0 {
			break
		}
		f.sources = append(f.sources, fs.Arg(0))
		args = fs.Args()[1:]
	}
	switch live := len(f.live.addresses) > 0; {
	case len(f.sources) == 0 && !live:
		return misused(s, "audit", "it needs a source: files, directories, - for standard input, or --listen")
	case !live && (f.live.untilComplete || f.live.idle > 0 || f.live.faults != nil || f.live.cert != "" || f.live.sharedKey != ""):
		return misused(s, "audit", "--until-ledger-complete, --idle, --fault, --tls-cert and --shared-key need --listen")
	case live && f.arrived != "":
		return misused(s, "audit", "--arrived-at is for files: --listen sees itself when records arrive")
	case f.live.untilComplete && len(f.ledgers) == 0:
		return misused(s, "audit", "--until-ledger-complete needs --ledger")
	case (f.live.cert == "") != (f.live.key == ""):
		return misused(s, "audit", "--tls-cert and --tls-key need one another")
	}
	return f.run(s)
}

func auditHelp(w io.Writer) {
	fmt.Fprint(w, `
Sources are files, patterns and directories, or - for standard input, with what
an output of Fluent Bit wrote: JSON of any shape or MessagePack, also in gzip or
zstd. Records carry identities if the input has the option audit; what it says
with the option ledger tells loss at the end from an early end.

Latency needs to know when records arrived: --listen sees it; files do not say it,
unless something behind the pipeline wrote it into the records (--arrived-at). The
date that Fluent Bit's outputs write is when a record was due, not when it arrived.

With --listen, point an output of Fluent Bit at the address. What --fault makes
it refuse is counted apart and never called lost. It ends at Ctrl-C, too. Without
a host in the address only this machine can reach it.

Exit codes: 0 clean, 1 faults found (lost, duplicate or damaged records beyond
what the limits forgive), 2 wrong usage, unreadable files, or a verdict that
could not be written.
`)
}

func (f *auditFlags) run(s stream) int {
	// A closed pipe comes back from Write, instead of ending the process.
	signal.Ignore(syscall.SIGPIPE)
	fail := func(err error) int {
		fmt.Fprintf(s.err, "gdummy audit: %v\n", err)
		return exitUsage
	}
	live := len(f.live.addresses) > 0
	ledgers, keys, err := f.readLedgers(live)
	if err != nil {
		return fail(err)
	}
	f.keys = keys
	sources, err := expandSources(f.sources, f.ledgerPaths)
	if err != nil {
		return fail(err)
	}
	o := audit.Options{Ledgers: ledgers, Memory: f.memory}
	if live {
		o.Since = time.Now()
	}
	a := audit.New(o)
	scan := decode.New(decode.Options{
		Keys: keys, Path: f.path, Arrival: f.arrived, Take: a.Take,
	})
	for _, name := range sources {
		if err := readSource(s, scan, name); err != nil {
			if !errors.Is(err, errCut) {
				return fail(err)
			}
			fmt.Fprintf(s.err, "gdummy audit: warning: %v\n", err)
			a.Broken(1)
		}
	}
	a.Broken(scan.Broken())
	if live {
		if err := f.listen(s, a); err != nil {
			return fail(err)
		}
		// They have grown.
		if ledgers, _, err = f.readLedgers(false); err != nil {
			return fail(err)
		}
		a.SetLedgers(ledgers)
	}
	return f.conclude(s, a.Verdict())
}

// conclude prints the verdict and returns the exit code.
func (f *auditFlags) conclude(s stream, v *audit.Verdict) int {
	faults := f.limits.Faults(v)
	if f.html != "" {
		if err := f.writeHTML(v, faults); err != nil {
			fmt.Fprintf(s.err, "gdummy audit: %v\n", err)
			return exitUsage
		}
	}
	var b bytes.Buffer
	if f.json {
		printJSON(&b, v, faults)
	} else {
		printVerdict(&b, v, faults)
	}
	if _, err := s.out.Write(b.Bytes()); err != nil {
		fmt.Fprintf(s.err, "gdummy audit: the verdict could not be written: %v\n", err)
		return exitUsage
	}
	if len(faults) > 0 {
		return exitFound
	}
	return exitFine
}

// writeHTML writes the report.
func (f *auditFlags) writeHTML(v *audit.Verdict, faults []string) error {
	file, err := os.Create(f.html)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	err = report.Write(w, report.Page{Verdict: v, Faults: faults, Made: time.Now(), Version: current()})
	if err == nil {
		err = w.Flush()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("the page could not be written: %w", err)
	}
	return nil
}

// errCut says that a source ended where it should not have. What stood before
// was read.
var errCut = errors.New("cut or damaged")

// readSource reads one source.
func readSource(s stream, scan *decode.Scanner, name string) error {
	if name == "-" {
		if err := scan.Read(s.in); err != nil {
			return fmt.Errorf("standard input: %w: %w", errCut, err)
		}
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := scan.Read(file); err != nil {
		return fmt.Errorf("%s: %w: %w", name, errCut, err)
	}
	return nil
}

var errNoMatch = errors.New("no file matches")

// expandSources makes files out of names, patterns and directories, without
// those of skip.
func expandSources(names, skip []string) ([]string, error) {
	var files []string
	isSkipped := func(path string) bool {
		return slices.ContainsFunc(skip, func(other string) bool {
			a, err1 := os.Stat(path)
			b, err2 := os.Stat(other)
			return err1 == nil && err2 == nil && os.SameFile(a, b)
		})
	}
	for _, name := range names {
		if name == "-" {
			files = append(files, name)
			continue
		}
		matches := []string{name}
		if _, err := os.Stat(name); err != nil && strings.ContainsAny(name, "*?[") {
			if matches, err = filepath.Glob(name); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if len(matches) == 0 {
				return nil, fmt.Errorf("%s: %w", name, errNoMatch)
			}
		}
		for _, m := range matches {
			err := filepath.WalkDir(m, func(path string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				if !d.IsDir() && (path == m || d.Type().IsRegular()) && !isSkipped(path) {
					files = append(files, path)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// readLedgers reads ledgers, and returns under which names they say that
// identities were sent.
func readLedgers(paths []string) (ledgers []*ledger.Ledger, keys []string, err error) {
	for _, path := range paths {
		l, err := ledger.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		ledgers = append(ledgers, l)
		for _, st := range l.Streams {
			if st.Key != "" && !slices.Contains(keys, st.Key) {
				keys = append(keys, st.Key)
			}
		}
	}
	return ledgers, keys, nil
}
