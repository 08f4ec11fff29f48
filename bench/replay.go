// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// replayLines is how many lines the replayed files have.
const replayLines = 1_000_000

// replayFiles writes a file of NDJSON with lines of 380 bytes and a file of text with
// lines of 150 bytes, and a configuration with a JSON parser, into dir.
func replayFiles(dir string) (ndjson, text, parsers string, err error) {
	ndjson, text, parsers = filepath.Join(dir, "replay.ndjson"), filepath.Join(dir, "replay.log"), filepath.Join(dir, "parsers.conf")
	write := func(path string, line func(n int) string) {
		if err != nil {
			return
		}
		var f *os.File
		if f, err = os.Create(path); err != nil {
			return
		}
		defer f.Close()
		w := bufio.NewWriterSize(f, 1<<20)
		for n := range replayLines {
			w.WriteString(line(n))
		}
		err = w.Flush()
	}
	at := func(n int) string {
		return time.UnixMilli(1795867200_000 + int64(n)).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	write(ndjson, func(n int) string {
		return fmt.Sprintf(`{"timestamp":"%s","level":"info","logger":"http.server","msg":"request handled","method":"GET",`+
			`"path":"/api/v1/orders/%07d/items?page=2&sort=asc","status":200,"bytes":%d,"duration_ms":12.75,"remote":"203.0.113.77",`+
			`"user_agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0","trace_id":"4bf92f3577b34da6%016x","retry":false}`+"\n", at(n), n, 10_000+n%90_000, n)
	})
	write(text, func(n int) string {
		return fmt.Sprintf("%s INFO  [http-nio-8080-exec-%02d] c.e.shop.OrderController : order %07d of customer 4711 was placed: 3 items, 129.90 EUR, by card, in 12 ms\n", at(n), n%64, n)
	})
	if err == nil {
		err = os.WriteFile(parsers, []byte("[PARSER]\n    Name json\n    Format json\n"), 0o644)
	}
	return ndjson, text, parsers, err
}

// replay compares the replay of files with the tail input on the same files, from the
// start of the process until the engine has ingested all lines.
func (b *bench) replay() error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ndjson, text, parsers, err := replayFiles(dir)
	if err != nil {
		return err
	}
	tail := []string{"tail", "read_from_head=on", "refresh_interval=1", "buffer_chunk_size=256k", "buffer_max_size=256k", "threaded=on"}
	cases := []struct {
		name string
		in   []string
		base int // of the ratio
	}{
		{"gdummy, NDJSON", []string{"gdummy", "replay=" + ndjson, "rate=unlimited"}, 1},
		{"tail with a JSON parser, NDJSON", append(tail[:len(tail):len(tail)], "path="+ndjson, "parser=json"), 1},
		{"gdummy, text", []string{"gdummy", "replay=" + text, "rate=unlimited"}, 3},
		{"tail, text", append(tail[:len(tail):len(tail)], "path="+text), 3},
	}
	b.parsers = parsers
	defer func() { b.parsers = "" }()
	all := make([][]result, len(cases))
	for range b.runs {
		for i, c := range cases {
			r, err := b.untilIngested(c.in, replayLines)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			all[i] = append(all[i], r)
		}
	}
	size := func(path string) int64 { info, _ := os.Stat(path); return info.Size() / replayLines }
	fmt.Printf("%d lines of %d bytes of NDJSON, or of %d bytes of text, into null: whole process, median of %d paired runs.\n\n", replayLines, size(ndjson), size(text), b.runs)
	fmt.Println("| input | M lines/s of a core | M lines/s | µs of CPU a line | memory, MB | CPU, to tail |")
	fmt.Println("|---|---|---|---|---|---|")
	for i, c := range cases {
		cpu := median(all[i], cpuPerRecord)
		fmt.Printf("| %s | %.2f | %.2f | %.2f | %.0f | %.2f |\n", c.name, 1e3/cpu, median(all[i], perSecond)/1e6, cpu/1e3,
			median(all[i], func(r result) float64 { return r.rssMax }), ratio(all[i], all[c.base], cpuPerRecord, cpuPerRecord))
	}
	return nil
}

// untilIngested runs one input until the engine has ingested n records.
func (b *bench) untilIngested(in []string, n float64) (r result, err error) {
	p, err := b.start(in, "0.2")
	if err != nil {
		return r, err
	}
	defer p.cmd.Process.Kill()
	start := time.Now()
	for r.records < n {
		if time.Since(start) > 2*time.Minute {
			return r, fmt.Errorf("%.0f of %.0f records after two minutes (%v)", r.records, n, err)
		}
		time.Sleep(50 * time.Millisecond)
		r.records, r.bytes, err = p.ingested() // in the first second there may be no metrics
		r.rssMax = max(r.rssMax, p.rss())
	}
	r.cpu, r.seconds = p.cpu(), time.Since(start).Seconds()
	r.exit, err = p.stop()
	return r, err
}
