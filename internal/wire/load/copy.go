// SPDX-License-Identifier: Apache-2.0

package load

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

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
)

// instance is one copy of the configuration.
type instance struct {
	pipeline.Editor
	config  *render.Config
	dir     string
	main    string
	address string // of the HTTP server

	inputs  []drivenInput
	outputs []string // labels
	sending []sender // by output
	workers []int    // by output
	filters []string
	leftOut []string      // inputs that nothing feeds
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

// pacing returns the pace of a driven input with the given share, as options.
type pacing func(share float64) [][2]string

// variant is what a copy of a configuration has.
type variant struct {
	bare    bool   // no filters, and null outputs
	without string // a filter that is left out
}

// prepare writes a copy of the configuration.
func (m *Measurement) prepare(p pacing, v variant) (*instance, error) {
	config, err := render.Read(m.Path)
	if err != nil {
		return nil, err
	}
	in := &instance{config: config, filters: render.Labels(config.Filters), outputs: render.Labels(config.Outputs), bufs: map[string]int64{}, width: widthOf(config)}
	if len(in.outputs) == 0 {
		return nil, fmt.Errorf("%s has no outputs: expected a pipeline of inputs and outputs", m.Path)
	}
	if in.dir, err = workDirectory(config); err != nil {
		return nil, err
	}
	if err = in.fill(m, p, v); err != nil {
		in.close()
		return nil, err
	}
	m.Changes, m.LeftOut = in.Changes, in.leftOut
	return in, nil
}

// fill edits the copy and writes it.
func (in *instance) fill(m *Measurement, p pacing, v variant) (err error) {
	if err := in.replace(m.Path); err != nil {
		return err
	}
	if err := in.drive(p); err != nil {
		return err
	}
	for i, s := range in.config.Filters {
		if label := in.filters[i]; v.bare || label == v.without {
			s.Drop()
		} else {
			s.SetDefault("alias", label) // its name, with or without the others
		}
	}
	in.filters = slices.DeleteFunc(in.filters, func(label string) bool { return v.bare || label == v.without })
	if v.bare { // a pause for mem_buf_limit is not a limit of gdummy
		for _, d := range in.inputs {
			d.section.Remove("mem_buf_limit")
		}
	}
	if err := in.redirect(m, v.bare); err != nil {
		return err
	}
	in.sending = senders(in.config.Outputs, in.outputs)
	if err := in.observe(); err != nil {
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

// replace makes gdummy inputs of those that can be replaced, and leaves out others.
func (in *instance) replace(path string) error {
	labels := render.Labels(in.config.Inputs)
	replacements := pipeline.GuessInputs(in.config, false)
	guessed := true
	if in.config.Test != "" {
		file, err := pipeline.ReadTest(path)
		if err != nil {
			return err
		}
		replacements, guessed = file.Inputs, false
	}
	for _, r := range replacements {
		i := slices.Index(labels, r.Input)
		if i < 0 {
			return fmt.Errorf("inputs: no input %q in %s: expected one of %s", r.Input, path, strings.Join(labels, ", "))
		}
		s := in.config.Inputs[i]
		if s.Plugin() == "dummy" {
			s.Set("name", option.Plugin)
			continue
		}
		in.ReplaceInput(s, labels[i], r)
		if guessed {
			in.Changef("input %s: the format of its records is a guess; name another in the file of gdummy_test", labels[i])
		}
	}
	for i, s := range in.config.Inputs {
		if s.Plugin() != option.Plugin {
			s.Drop()
			in.leftOut = append(in.leftOut, labels[i])
			continue
		}
		in.inputs = append(in.inputs, drivenInput{section: s, label: labels[i]})
	}
	if len(in.inputs) == 0 {
		return fmt.Errorf("%s has no input that gdummy can drive: expected gdummy, dummy, or a file of gdummy_test whose `inputs:` replace others", path)
	}
	return nil
}

// drive sets the pace of all inputs.
func (in *instance) drive(p pacing) error {
	total := 0.0
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
		d.pace(p(d.share))
		if limit, err := units.ParseSize(d.section.Text("mem_buf_limit")); err == nil && limit > 0 {
			in.bufs[d.label] = limit
		}
		in.Changef("input %s: %.0f %% of the records, with an identity in the metadata", d.label, 100*d.share)
	}
	return nil
}

// pace sets when and how many records are due.
func (d *drivenInput) pace(options [][2]string) {
	s := d.section
	for _, name := range slices.Concat(pipeline.PaceOptions, []string{"copies", "max_records", "catch_up"}) {
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
	s.SetDefault("alias", d.label)
	s.SetDefault("max_memory", strconv.FormatInt(memoryLimit(), 10))
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

// redirect points the outputs at receivers or at nothing, or leaves them.
func (in *instance) redirect(m *Measurement, bare bool) error {
	in.workers = make([]int, len(in.outputs))
	for i, s := range in.config.Outputs {
		label := in.outputs[i]
		in.workers[i], _ = strconv.Atoi(s.Text("workers"))
		if s.Text("storage.total_limit_size") != "" {
			in.capped = append(in.capped, label)
		}
		switch {
		case bare || m.Sink == SinkNull:
			in.NullOutput(s, label, "")
		case m.Sink == SinkConfigured:
			s.SetDefault("alias", label)
		default:
			r, err := newMeter(m.Faults, in.width)
			if err != nil {
				return err
			}
			in.meters = append(in.meters, r)
			in.ForwardOutput(s, label, r.server.Addr())
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

// observe keeps a trial apart from what else runs on the machine, and lets it be observed.
func (in *instance) observe() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	in.address = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(in.address)
	in.Isolate(in.config, in.dir)
	for _, p := range [][2]string{{"http_server", "on"}, {"http_listen", "127.0.0.1"}, {"http_port", port}, {"storage.metrics", "on"}} {
		in.config.SetService(p[0], p[1])
	}
	in.Changef("service: http_server on 127.0.0.1 and storage.metrics on, to observe it")
	return nil
}
