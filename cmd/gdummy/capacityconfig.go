// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// The values of --sink.
const (
	sinkReceiver   = "receiver"
	sinkNull       = "null"
	sinkConfigured = "configured"
)

var sinks = []string{sinkReceiver, sinkNull, sinkConfigured}

// measured is a configuration in a Fluent Bit whose capacity is measured. It implements
// capacity.Runner.
type measured struct {
	path       string
	binary     agent.Binary
	library    string // of the plugin; "" is the one that the configuration loads
	sink       string
	faults     *receive.Faults // of the receivers
	seed       uint64
	maxLatency time.Duration

	rendering
	headroom float64
	arriving map[string]float64 // share of the records that arrives at each output
	dropping map[string]float64 // share of its records that each filter drops
	leftOut  []string           // inputs
}

// instance is one copy of the configuration.
type instance struct {
	config  *render.Config
	dir     string
	main    string
	address string // of the HTTP server

	inputs  []drivenInput
	outputs []string // labels
	sending []sender // by output
	workers []int    // by output
	filters []string
	width   time.Duration // of a window
	meters  []*meter      // by output, with receivers
	bufs    map[string]int64
	capped  []string // outputs with a limit of storage
}

// drivenInput is a gdummy input and its share of the records.
type drivenInput struct {
	section *render.Section
	label   string
	share   float64
}

// load returns the pace of a driven input with the given share, as options.
type load func(share float64) [][2]string

// variant is what a copy of a configuration has.
type variant struct {
	bare    bool   // no filters, and null outputs
	without string // a filter that is left out
}

// prepare writes a copy of the configuration.
func (m *measured) prepare(l load, v variant) (*instance, error) {
	config, err := render.Read(m.path)
	if err != nil {
		return nil, err
	}
	in := &instance{config: config, filters: render.Labels(config.Filters), outputs: render.Labels(config.Outputs), bufs: map[string]int64{}, width: widthOf(config)}
	m.changes, m.leftOut = nil, nil
	if len(in.outputs) == 0 {
		return nil, fmt.Errorf("%s has no outputs: expected a pipeline of inputs and outputs", m.path)
	}
	if in.dir, err = workDirectory(config); err != nil {
		return nil, err
	}
	if err = m.fill(in, l, v); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (m *measured) fill(in *instance, l load, v variant) (err error) {
	if err := m.drive(in, l); err != nil {
		return err
	}
	for i, s := range in.config.Filters {
		switch label := in.filters[i]; {
		case v.bare || label == v.without:
			s.Drop()
		case s.Text("alias") == "":
			s.Set("alias", label) // its name, with or without the others
		}
	}
	in.filters = slices.DeleteFunc(in.filters, func(label string) bool { return v.bare || label == v.without })
	if v.bare { // a pause for mem_buf_limit is not a limit of gdummy
		for _, d := range in.inputs {
			d.section.Remove("mem_buf_limit")
		}
	}
	if err := m.outputs(in, v.bare); err != nil {
		return err
	}
	in.sending = senders(in.config.Outputs, in.outputs)
	if err := m.service(in); err != nil {
		return err
	}
	in.main, err = in.config.Write(in.dir)
	return err
}

// workDirectory makes the directory of a copy. If the configuration keeps chunks in files,
// it is on their file system, whose speed is a part of the answer.
func workDirectory(config *render.Config) (string, error) {
	const pattern = "gdummy-capacity-"
	for _, s := range config.Service {
		if path := s.Text("storage.path"); path != "" && !strings.Contains(path, "${") {
			if dir, err := os.MkdirTemp(filepath.Dir(filepath.Clean(path)), pattern); err == nil {
				return filepath.Abs(dir)
			}
		}
	}
	return os.MkdirTemp("", pattern)
}

// close removes everything that a copy left.
func (in *instance) close() {
	for _, r := range in.meters {
		if r.server != nil {
			r.server.Close()
		}
	}
	os.RemoveAll(in.dir)
}

// drive replaces the inputs that can be replaced, and sets the pace of all.
func (m *measured) drive(in *instance, l load) error {
	labels := render.Labels(in.config.Inputs)
	replacements := guessInputs(in.config, false)
	guessed := true
	if in.config.Test != "" {
		file, err := readTest(m.path)
		if err != nil {
			return err
		}
		replacements, guessed = file.Inputs, false
	}
	for _, r := range replacements {
		i := slices.Index(labels, r.Input)
		if i < 0 {
			return fmt.Errorf("inputs: no input %q in %s: expected one of %s", r.Input, m.path, strings.Join(labels, ", "))
		}
		s := in.config.Inputs[i]
		if s.Plugin() == "dummy" {
			s.Set("name", plugin)
			continue
		}
		m.replaceInput(s, labels[i], r)
		if guessed {
			m.change("input %s: the format of its records is a guess; name another in the file of gdummy_test", labels[i])
		}
	}
	total := 0.0
	for i, s := range in.config.Inputs {
		if s.Plugin() != plugin {
			s.Drop()
			m.leftOut = append(m.leftOut, labels[i])
			continue
		}
		in.inputs = append(in.inputs, drivenInput{section: s, label: labels[i]})
	}
	if len(in.inputs) == 0 {
		return fmt.Errorf("%s has no input that gdummy can drive: expected gdummy, dummy, or a file of gdummy_test whose `inputs:` replace others", m.path)
	}
	for i := range in.inputs {
		d := &in.inputs[i]
		d.share = 1
		if len(in.inputs) > 1 {
			var err error
			if d.share, err = weight(d); err != nil {
				return err
			}
		}
		total += d.share
	}
	for i := range in.inputs {
		d := &in.inputs[i]
		d.share /= total
		d.pace(l(d.share))
		if limit, err := units.ParseSize(d.section.Text("mem_buf_limit")); err == nil && limit > 0 {
			in.bufs[d.label] = limit
		}
		m.change("input %s: %.0f %% of the records, with an identity in the metadata", d.label, 100*d.share)
	}
	return nil
}

// pace sets when and how many records are due.
func (d *drivenInput) pace(options [][2]string) {
	s := d.section
	for _, name := range slices.Concat(paceOptions, []string{"copies", "max_records", "catch_up"}) {
		s.Remove(name)
	}
	for _, o := range options {
		s.Set(o[0], o[1])
	}
	s.Set("audit", "on")
	s.Set("audit_in", "metadata")
	s.Set("catch_up", "full") // nothing is given up: what is late is latency and backlog
	if s.Text("replay") != "" {
		s.Set("loop", "on")
	}
	if s.Text("alias") == "" {
		s.Set("alias", d.label)
	}
	if s.Text("max_memory") == "" {
		s.Set("max_memory", strconv.FormatInt(memoryLimit(), 10))
	}
}

// memoryLimit is how far a trial may make a process grow: a quarter of what is available.
func memoryLimit() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemAvailable:" {
			if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return max(kb<<10/4, 64<<20)
			}
		}
	}
	return 256 << 20
}

// weight returns the records per second that an input is configured for.
func weight(d *drivenInput) (float64, error) {
	s := d.section
	for _, name := range []string{"load_profile", "bytes_rate"} {
		if text, ok := s.Get(name); ok {
			return 0, fmt.Errorf("input %s: option %s: invalid value %q: expected rate instead, since several inputs are driven in proportion to their rates", d.label, name, text)
		}
	}
	number := func(name string) float64 {
		v, err := strconv.ParseFloat(s.Text(name), 64)
		if err != nil {
			return 0
		}
		return v
	}
	copies := max(number("copies"), 1)
	if every := number("interval_sec") + number("interval_nsec")/1e9; every > 0 {
		return copies / every, nil
	}
	text, ok := s.Get("rate")
	if !ok {
		return copies, nil
	}
	rate, err := units.ParseRate(text)
	if err == nil && rate == 0 {
		rate = units.PerSecond // as dummy does
	}
	if err != nil {
		return 0, fmt.Errorf("input %s: option rate: invalid value %q: expected records per second, such as 50k, since several inputs are driven in proportion to their rates", d.label, text)
	}
	return copies * rate.Float(), nil
}

// outputs points the outputs at receivers or at nothing, or leaves them.
func (m *measured) outputs(in *instance, bare bool) error {
	in.workers = make([]int, len(in.outputs))
	for i, s := range in.config.Outputs {
		label := in.outputs[i]
		in.workers[i], _ = strconv.Atoi(s.Text("workers"))
		if s.Text("storage.total_limit_size") != "" {
			in.capped = append(in.capped, label)
		}
		switch {
		case bare || m.sink == sinkNull:
			m.nullOutput(s, label, "")
		case m.sink == sinkConfigured:
			if s.Text("alias") == "" {
				s.Set("alias", label)
			}
		default:
			r, err := newMeter(m.faults, m.seed, in.width)
			if err != nil {
				return err
			}
			in.meters = append(in.meters, r)
			m.forwardOutput(s, label, r.server)
		}
	}
	return nil
}

// widthOf returns the time over which arrivals are counted: whole seconds, and a flush at
// the least, so that each window has as many flushes as the others.
func widthOf(config *render.Config) time.Duration {
	flush := 1.0
	for _, s := range config.Service {
		if v, err := strconv.ParseFloat(s.Text("flush"), 64); err == nil && v > 0 {
			flush = v
		}
	}
	return time.Duration(math.Ceil(flush)) * time.Second
}

// service keeps a trial apart from what else runs on the machine, and lets it be observed.
func (m *measured) service(in *instance) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	in.address = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(in.address)
	m.isolate(in.config, in.dir)
	for _, p := range [][2]string{{"http_server", "on"}, {"http_listen", "127.0.0.1"}, {"http_port", port}, {"storage.metrics", "on"}} {
		in.config.SetService(p[0], p[1])
	}
	m.change("service: http_server on 127.0.0.1 and storage.metrics on, to observe it")
	return nil
}

// check reports errors of a configuration before anything is started.
func (m *measured) check() error {
	in, err := m.prepare(func(float64) [][2]string { return nil }, variant{})
	if err != nil {
		return err
	}
	in.close()
	if !m.binary.HasMetadata() {
		return noMetadata(m.binary)
	}
	return nil
}
