// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// warmUp is how long a process runs before it is measured.
const warmUp = 2 * time.Second

// options of one run.
type options struct {
	flush   string
	seconds time.Duration
	quiet   bool          // do not query it during the run
	sample  time.Duration // how often memory is read; 0 is every half a second
}

// result of one run.
type result struct {
	seconds        float64
	records, bytes float64 // that the engine took in
	cpu            float64 // seconds
	rssMax         float64 // MB, as the next two
	rssStart       float64 // soon after the start
	rssFirst       float64 // at most in the first half
	rssSecond      float64
	slowest        float64 // seconds until the metrics answered
	exit           float64 // seconds from SIGTERM to the end
}

// process is a running Fluent Bit.
type process struct {
	cmd  *exec.Cmd
	port string
	done chan error
}

func (b *bench) start(in []string, flush string, more ...string) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	args := []string{"-q", "-H", "-P", port, "-f", flush}
	if in[0] == "gdummy" {
		args = append(args, "-e", b.plugin)
	}
	if b.parsers != "" {
		args = append(args, "-R", b.parsers)
	}
	for range max(b.inputs, 1) {
		args = append(args, "-i", in[0])
		for _, p := range append(in[1:len(in):len(in)], more...) {
			args = append(args, "-p", p)
		}
	}
	p := &process{cmd: exec.Command(b.fluentBit, append(args, "-o", "null")...), port: port, done: make(chan error, 1)}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p, nil
}

func (p *process) get(path string) ([]byte, error) {
	c := http.Client{Timeout: 10 * time.Second}
	deadline := time.Now().Add(10 * time.Second)
	for {
		resp, err := c.Get("http://127.0.0.1:" + p.port + path)
		if err == nil {
			defer resp.Body.Close()
			return io.ReadAll(resp.Body)
		}
		if time.Now().After(deadline) {
			return nil, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// ingested reads the engine's counters, of all inputs together.
func (p *process) ingested() (records, bytes float64, err error) {
	data, err := p.get("/api/v1/metrics")
	if err != nil {
		return 0, 0, err
	}
	var m struct {
		Input map[string]struct{ Records, Bytes float64 }
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return 0, 0, err
	}
	if len(m.Input) == 0 {
		return 0, 0, errors.New("no input among the metrics")
	}
	for _, in := range m.Input {
		records += in.Records
		bytes += in.Bytes
	}
	return records, bytes, nil
}

func (p *process) cpu() float64 {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	f := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	sys, _ := strconv.ParseFloat(f[12], 64)
	return (user + sys) / 100 // USER_HZ
}

func (p *process) rss() float64 {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	f := strings.Fields(string(data))
	pages, _ := strconv.ParseFloat(f[1], 64)
	return pages * float64(os.Getpagesize()) / 1e6
}

// peak waits for d and returns the highest memory use, read at the interval every; 0
// means never.
func (p *process) peak(d, every time.Duration) (most float64) {
	if every == 0 {
		time.Sleep(d)
		return 0
	}
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(every) {
		most = max(most, p.rss())
	}
	return most
}

// stop terminates the process with SIGTERM and returns how long that took.
func (p *process) stop() (float64, error) {
	start := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		return time.Since(start).Seconds(), err
	case <-time.After(30 * time.Second):
		p.cmd.Process.Kill()
		return 0, errors.New("no end within 30 s of SIGTERM")
	}
}

// measure runs one input for a while.
func (b *bench) measure(in []string, o options) (r result, err error) {
	p, err := b.start(in, o.flush)
	if err != nil {
		return r, err
	}
	defer p.cmd.Process.Kill()
	const idle = 700 * time.Millisecond
	time.Sleep(idle)
	r.rssStart = p.rss()
	r.rssMax = p.peak(warmUp-idle, o.sample)
	records, bytes, err := p.ingested()
	if err != nil && !o.quiet {
		return r, err
	}
	cpu := p.cpu()
	start := time.Now()
	for elapsed := time.Duration(0); elapsed < o.seconds; elapsed = time.Since(start) {
		peak := p.peak(min(500*time.Millisecond, o.seconds-elapsed), o.sample)
		if o.quiet {
			continue
		}
		asked := time.Now()
		if _, _, err := p.ingested(); err != nil {
			return r, err
		}
		r.slowest = max(r.slowest, time.Since(asked).Seconds())
		rss := max(p.rss(), peak)
		r.rssMax = max(r.rssMax, rss)
		if elapsed < o.seconds/2 {
			r.rssFirst = max(r.rssFirst, rss)
		} else {
			r.rssSecond = max(r.rssSecond, rss)
		}
	}
	r.cpu = p.cpu() - cpu
	r.seconds = time.Since(start).Seconds()
	if !o.quiet {
		last, lastBytes, err := p.ingested()
		if err != nil {
			return r, err
		}
		r.seconds = time.Since(start).Seconds()
		r.records, r.bytes = last-records, lastBytes-bytes
	}
	r.exit, err = p.stop()
	return r, err
}

// finite runs the plugin until it has finished and returns its own counters.
func (b *bench) finite(props ...string) (map[string]float64, error) {
	p, err := b.start(append([]string{"gdummy"}, props...), "1")
	if err != nil {
		return nil, err
	}
	defer p.cmd.Process.Kill()
	time.Sleep(12 * time.Second)
	data, err := p.get("/api/v2/metrics/prometheus")
	if err != nil {
		return nil, err
	}
	m := map[string]float64{}
	for l := range strings.SplitSeq(string(data), "\n") {
		name, ok := strings.CutPrefix(l, "fluentbit_gdummy_")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, "_")
		m[name], _ = strconv.ParseFloat(l[strings.LastIndexByte(l, ' ')+1:], 64)
	}
	if len(m) == 0 {
		return nil, errors.New("no counters of the plugin among the metrics")
	}
	_, err = p.stop()
	return m, err
}
