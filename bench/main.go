// SPDX-License-Identifier: Apache-2.0

// Command bench measures the plugin in a real Fluent Bit, beside the built-in
// dummy input, and prints figures and ratios as Markdown.
//
//	make bench                        everything but the long runs
//	go run ./bench -only throughput   one table
//	go run ./bench -long              also the runs of a minute and more
//
// Compared inputs run alternately, A B A B, and the tables show medians, because the
// speed of a machine drifts. Throughput is the difference of two readings of the
// engine's own counters, divided by the time between them. CPU time and memory are
// those of the whole process, from /proc.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// scenario is one table.
type scenario struct {
	name string
	long bool // takes minutes
	run  func(*bench) error
}

var scenarios = []scenario{
	{"throughput", false, (*bench).throughput},
	{"cpu", false, (*bench).cpu},
	{"bytes", false, (*bench).bytes},
	{"memory", false, (*bench).memory},
	{"templates", false, (*bench).templates},
	{"rates", false, (*bench).rates},
	{"inputs", false, (*bench).manyInputs},
	{"replay", false, (*bench).replay},
	{"idle", true, (*bench).idle},
	{"steady", true, (*bench).steady},
	{"unlimited", true, (*bench).unlimited},
	{"versions", true, (*bench).versions},
}

type bench struct {
	fluentBit string
	host      string
	plugin    string
	command   string
	pipelines string
	runs      int
	seconds   time.Duration
	long      bool
	inputs    int    // alike, in one process; 0 is 1
	parsers   string // a file with parsers, or empty
}

func main() {
	b := new(bench)
	flag.StringVar(&b.fluentBit, "fluent-bit", defaultFluentBit(), "the Fluent Bit `binary`")
	flag.StringVar(&b.host, "host", "build/flbhost", "the embedded host's `binary`, for machines without Fluent Bit")
	flag.StringVar(&b.plugin, "plugin", "build/gdummy.so", "the plugin's `file`")
	flag.StringVar(&b.command, "command", "build/gdummy", "the command's `file`, for the table of versions")
	flag.StringVar(&b.pipelines, "pipelines", pipelines, "the `names` of those in the table of versions")
	flag.IntVar(&b.runs, "runs", 5, "paired runs")
	flag.DurationVar(&b.seconds, "time", 6*time.Second, "measured time of a run, after a warm-up")
	flag.BoolVar(&b.long, "long", false, "also the runs of a minute and more")
	only := flag.String("only", "", "run only the table with this `name`")
	flag.Parse()
	run := func() error { return b.main(*only) }
	if b.fluentBit == "" {
		run = b.embedded
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func defaultFluentBit() string {
	if f, _, _ := strings.Cut(os.Getenv("FLUENT_BIT"), ":"); f != "" {
		return f
	}
	f, _ := exec.LookPath("fluent-bit")
	return f
}

func (b *bench) main(only string) error {
	out, err := exec.Command(b.fluentBit, "--version").Output()
	if err != nil {
		return err
	}
	version, _, _ := strings.Cut(string(out), "\n")
	fmt.Printf("%s, %s, %d CPUs (%s), %s\n", version, runtime.Version(), runtime.NumCPU(), cpuModel(), time.Now().UTC().Format("2006-01-02"))
	found := false
	for _, s := range scenarios {
		if only != "" && s.name != only || only == "" && s.long && !b.long {
			continue
		}
		found = true
		fmt.Printf("\n### %s\n\n", s.name)
		if err := s.run(b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if !found {
		return fmt.Errorf("unknown table %q", only)
	}
	return nil
}

func cpuModel() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for l := range strings.SplitSeq(string(data), "\n") {
		if _, model, ok := strings.Cut(l, ": "); ok && strings.HasPrefix(l, "model name") {
			return model
		}
	}
	return "unknown"
}

// The inputs that are measured.
var (
	// dummySaturated is the dummy input at its fastest with a time for each
	// record.
	dummySaturated = []string{"dummy", "copies=10000", "interval_nsec=1000000"}
	// dummyReplay emits one prepared buffer repeatedly.
	dummyReplay = []string{"dummy", "copies=10000", "interval_nsec=1000000", "fixed_timestamp=on", "samples=2000000000"}

	unlimited = []string{"gdummy", "rate=unlimited"}
	million   = []string{"gdummy", "rate=1M"}

	kilobyte       = `dummy={"message":"` + strings.Repeat("x", 1000) + `"}`
	dummyReplay1K  = []string{"dummy", "copies=1000", "interval_nsec=1000000", "fixed_timestamp=on", "samples=2000000000", kilobyte}
	dummyFastest1K = []string{"dummy", "copies=1000", "interval_nsec=1000000", kilobyte}
	unlimited1K    = []string{"gdummy", "rate=unlimited", kilobyte}

	sixFields = []string{"gdummy", "rate=unlimited", `template={"ts": {{ now "rfc3339" }}, "user": "{{ $u := name }}{{ $u }}", ` +
		`"mail": "{{ lower $u }}@example.org", "status": {{ weighted 200 90 404 8 500 2 }}, "bytes": {{ lognormal 8.5 1.2 }}, "id": "{{ uuid }}"}`}
	apache = []string{"gdummy", "rate=unlimited", "format=apache_combined"}
	// dummySix has one fixed record of the same six fields and the same size.
	dummySix = []string{"dummy", "copies=10000", "interval_nsec=1000000", `dummy={"ts": "2023-11-14T22:13:20Z", "user": "Grace Hopper", ` +
		`"mail": "grace hopper@example.org", "status": 200, "bytes": 4914.768840299134, "id": "0d3a9c2e-5d7b-4a61-8f0e-2b1c3d4e5f60"}`}
)

// withMemory returns the input with a limit of memory that it does not reach, like
// dummy, which has none. What the default limit allows is in the table of memory.
func withMemory(input []string) []string {
	return append(input[:len(input):len(input)], "max_memory=4G")
}

// paired runs the inputs in turn and returns the results of each.
func (b *bench) paired(inputs ...[]string) ([][]result, error) {
	all := make([][]result, len(inputs))
	for range b.runs {
		for i, in := range inputs {
			r, err := b.measure(in, options{flush: "0.2", seconds: b.seconds})
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], r)
		}
	}
	return all, nil
}

func median(rs []result, f func(result) float64) float64 {
	v := make([]float64, len(rs))
	for i, r := range rs {
		v[i] = f(r)
	}
	return middle(v)
}

// ratio is the median of the ratios pair by pair.
func ratio(a, b []result, fa, fb func(result) float64) float64 {
	v := make([]float64, len(a))
	for i := range a {
		v[i] = fa(a[i]) / fb(b[i])
	}
	return middle(v)
}

func perSecond(r result) float64    { return r.records / r.seconds }
func bytesRate(r result) float64    { return r.bytes / r.seconds }
func cpuPerRecord(r result) float64 { return r.cpu / r.records * 1e9 }

func (b *bench) throughput() error {
	rs, err := b.paired(withMemory(unlimited), dummySaturated, dummyReplay)
	if err != nil {
		return err
	}
	fmt.Printf("Records of 28 bytes into null, median of %d paired runs.\n\n", b.runs)
	fmt.Println("| input | M records/s | ns of CPU a record | gdummy / it |")
	fmt.Println("|---|---|---|---|")
	for i, name := range []string{"gdummy, `rate unlimited`", "dummy, a time for each record", "dummy, replay of one buffer"} {
		fmt.Printf("| %s | %.2f | %.0f | %.2f |\n", name, median(rs[i], perSecond)/1e6, median(rs[i], cpuPerRecord), ratio(rs[0], rs[i], perSecond, perSecond))
	}
	return nil
}

func (b *bench) cpu() error {
	rs, err := b.paired(million, dummySaturated)
	if err != nil {
		return err
	}
	fmt.Printf("CPU time of the whole process, median of %d paired runs.\n\n", b.runs)
	fmt.Println("| input | M records/s | ns of CPU a record | memory, MB | gdummy / it |")
	fmt.Println("|---|---|---|---|---|")
	for i, name := range []string{"gdummy, `rate 1M`", "dummy, saturated"} {
		fmt.Printf("| %s | %.2f | %.0f | %.0f | %.3f |\n", name, median(rs[i], perSecond)/1e6, median(rs[i], cpuPerRecord),
			median(rs[i], func(r result) float64 { return r.rssMax }), ratio(rs[0], rs[i], cpuPerRecord, cpuPerRecord))
	}
	return nil
}

func (b *bench) bytes() error {
	rs, err := b.paired(withMemory(unlimited1K), dummyReplay1K, dummyFastest1K)
	if err != nil {
		return err
	}
	fmt.Printf("Records of 1 KB into null, median of %d paired runs, and the slowest and fastest.\n\n", b.runs)
	fmt.Println("| input | MB/s | slowest | fastest | gdummy / it |")
	fmt.Println("|---|---|---|---|---|")
	for i, name := range []string{"gdummy, `rate unlimited`", "dummy, replay of one buffer", "dummy, a time for each record"} {
		lo, hi := bytesRate(rs[i][0]), bytesRate(rs[i][0])
		for _, r := range rs[i] {
			lo, hi = min(lo, bytesRate(r)), max(hi, bytesRate(r))
		}
		fmt.Printf("| %s | %.0f | %.0f | %.0f | %.2f |\n", name, median(rs[i], bytesRate)/1e6, lo/1e6, hi/1e6, ratio(rs[0], rs[i], bytesRate, bytesRate))
	}
	return nil
}

// memory measures how much the process grows at an unlimited rate, and how much of
// max_memory each flush uses.
func (b *bench) memory() error {
	fmt.Printf("`rate unlimited` into null, median of %d runs. Growth is the peak memory minus that at the start; use is the bytes of a flush divided by max_memory.\n\n", b.runs)
	fmt.Println("| records | flush | max_memory | M records/s | MB/s | growth, MB | use of max_memory |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, c := range []struct {
		name  string
		in    []string
		flush float64
		limit float64 // MB
	}{
		{"28 bytes", unlimited, 0.2, 256}, {"28 bytes", unlimited, 1, 256}, {"28 bytes", unlimited, 1, 64}, {"1 KB", unlimited1K, 1, 256}, {"1 KB", unlimited1K, 1, 64},
	} {
		in := append(c.in[:len(c.in):len(c.in)], "start_delay=1", fmt.Sprintf("max_memory=%.0fM", c.limit))
		var rs []result
		for range b.runs {
			r, err := b.measure(in, options{flush: fmt.Sprint(c.flush), seconds: b.seconds, sample: 5 * time.Millisecond})
			if err != nil {
				return err
			}
			rs = append(rs, r)
		}
		fmt.Printf("| %s | %v | %.0fM | %.2f | %.0f | %.0f | %.0f %% |\n", c.name, c.flush, c.limit, median(rs, perSecond)/1e6, median(rs, bytesRate)/1e6,
			median(rs, func(r result) float64 { return r.rssMax - r.rssStart }), 100*median(rs, bytesRate)*c.flush/1e6/c.limit)
	}
	return nil
}

// templates compares records that all differ with the equal records of dummy.
func (b *bench) templates() error {
	rs, err := b.paired(sixFields, apache, dummySix, dummySaturated)
	if err != nil {
		return err
	}
	fmt.Printf("Into null, median of %d paired runs.\n\n", b.runs)
	fmt.Println("| input | M records/s | MB/s | ns of CPU a record | records/s, to dummy with six fixed fields | to dummy with its 28 bytes |")
	fmt.Println("|---|---|---|---|---|---|")
	for i, name := range []string{"gdummy, template of six fields", "gdummy, `format apache_combined`", "dummy, six fixed fields", "dummy, its own record of 28 bytes"} {
		fmt.Printf("| %s | %.2f | %.0f | %.0f | %.2f | %.2f |\n", name, median(rs[i], perSecond)/1e6, median(rs[i], bytesRate)/1e6, median(rs[i], cpuPerRecord),
			ratio(rs[i], rs[2], perSecond, perSecond), ratio(rs[i], rs[3], perSecond, perSecond))
	}
	return nil
}

// rates reports the plugin's own counters of a finite run: records scheduled,
// delivered and late.
func (b *bench) rates() error {
	fmt.Println("Ten seconds each. Late records were emitted more than 20 ms after they were due.")
	fmt.Println()
	fmt.Println("| rate | scheduled | delivered | shortfall | late |")
	fmt.Println("|---|---|---|---|---|")
	for _, rate := range []string{"0.5", "10", "333", "10k", "100k", "1M"} {
		r, err := b.finite("rate="+rate, "duration=10")
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %.0f | %.0f | %.0f | %.2f %% |\n", rate, r["scheduled"], r["records"], r["shortfall"], 100*r["late"]/max(r["records"], 1))
	}
	return nil
}

// manyInputs compares the cost of many inputs at a low rate, each on its own thread.
// The table also shows the share of records delivered: on a busy machine, a lower
// cost may only mean fewer records.
func (b *bench) manyInputs() error {
	defer func() { b.inputs = 0 }()
	fmt.Printf("100 records a second for each input, `threaded on`, into null: CPU time of the whole process, median of %d paired runs.\n\n", b.runs)
	fmt.Println("| inputs | gdummy, % of a core | dummy, % of a core | gdummy / dummy | gdummy, records of those due | dummy |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, n := range []int{1, 32, 128} {
		b.inputs = n
		rs, err := b.paired([]string{"gdummy", "rate=100", "threaded=on"}, []string{"dummy", "rate=100", "threaded=on"})
		if err != nil {
			return err
		}
		cpu := func(r result) float64 { return 100 * r.cpu / r.seconds }
		came := func(r result) float64 { return 100 * perSecond(r) / float64(100*n) }
		fmt.Printf("| %d | %.2f | %.2f | %.2f | %.0f %% | %.0f %% |\n", n, median(rs[0], cpu), median(rs[1], cpu), ratio(rs[0], rs[1], cpu, cpu),
			median(rs[0], came), median(rs[1], came))
	}
	return nil
}

func (b *bench) idle() error {
	fmt.Println("One tick an hour, 60 seconds, without an output's work.")
	fmt.Println()
	fmt.Println("| input | % of a core |")
	fmt.Println("|---|---|")
	for _, in := range [][]string{{"gdummy", "interval_sec=3600"}, {"dummy", "interval_sec=3600"}} {
		r, err := b.measure(in, options{flush: "1", seconds: time.Minute, quiet: true})
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %.3f |\n", in[0], 100*r.cpu/r.seconds)
	}
	return nil
}

func (b *bench) steady() error {
	r, err := b.measure(million, options{flush: "0.2", seconds: 5 * time.Minute})
	if err != nil {
		return err
	}
	fmt.Printf("`rate 1M`, flush 0.2, 5 minutes: memory %.0f MB at most, %.0f MB in the first half, %.0f MB in the second; slowest answer of the metrics %.0f ms.\n",
		r.rssMax, r.rssFirst, r.rssSecond, r.slowest*1000)
	return nil
}

func (b *bench) unlimited() error {
	fmt.Println("A minute each.")
	fmt.Println()
	fmt.Println("| records | flush | MB/s | memory, MB, at most | first half | second half | slowest metrics, ms | exit, s |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, c := range []struct {
		name  string
		in    []string
		flush string
	}{
		{"28 bytes", unlimited, "0.2"}, {"1 KB", unlimited1K, "0.2"}, {"28 bytes", unlimited, "1"}, {"1 KB", unlimited1K, "1"},
	} {
		r, err := b.measure(c.in, options{flush: c.flush, seconds: time.Minute})
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %s | %.0f | %.0f | %.0f | %.0f | %.0f | %.1f |\n", c.name, c.flush, bytesRate(r)/1e6, r.rssMax, r.rssFirst, r.rssSecond, r.slowest*1000, r.exit)
	}
	return nil
}
