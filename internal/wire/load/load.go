// SPDX-License-Identifier: Apache-2.0

// Package load measures a pipeline in a Fluent Bit under load: it runs trials at the rates
// that a search or a comparison of package capacity asks for.
//
// The normal path is [New], [Measurement.MeasureHeadroom], and a search that has the
// Measurement as its [capacity.Runner].
package load

import (
	"maps"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/prove/capacity"
	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// The values of Options.Sink: where outputs send.
const (
	SinkReceiver   = "receiver"   // to receivers of the measurement
	SinkNull       = "null"       // nowhere
	SinkConfigured = "configured" // where they send in production
)

// Sinks are all values of Options.Sink.
var Sinks = []string{SinkReceiver, SinkNull, SinkConfigured}

// Options are those of a measurement.
type Options struct {
	Binary     agent.Binary
	Library    string // of the plugin, as with --plugin
	Sink       string
	Faults     *receive.Faults // of the receivers, or nil
	MaxLatency time.Duration   // the 99th percentile up to which a rate holds
}

// Measurement is a configuration in a Fluent Bit whose capacity is measured.
type Measurement struct {
	Options
	Path     string   // of the configuration
	Changes  []string // what differs from it
	LeftOut  []string // inputs that nothing feeds
	Headroom float64  // records per second that gdummy can produce here; 0 before it is measured

	arriving map[string]float64 // share of the records that arrives at each output
	dropping map[string]float64 // share of its records that each filter drops
	rest     time.Duration      // the least that a trial needed to deliver the rest; 0 before one held
}

var _ capacity.Runner = (*Measurement)(nil)

// New returns a measurement of the configuration at path, or its errors. It starts nothing.
func New(path string, o Options) (*Measurement, error) {
	m := &Measurement{Options: o, Path: path}
	in, err := m.prepare(func(float64) [][2]string { return nil }, variant{})
	if err != nil {
		return nil, err
	}
	in.close()
	if err := o.Binary.RequireMetadata(); err != nil {
		return nil, err
	}
	m.Library, err = pipeline.Library(o.Library, path)
	return m, err
}

// Idle returns the outputs that got no records at a low rate, once it is known.
func (m *Measurement) Idle() (outputs []string) {
	for _, output := range slices.Sorted(maps.Keys(m.arriving)) {
		if m.arriving[output] == 0 {
			outputs = append(outputs, output)
		}
	}
	return outputs
}
