// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gdummy/gdummy/internal/prove/capacity"
	"github.com/gdummy/gdummy/internal/wire/load"
)

// capacityComparison is what --json prints of a comparison.
type capacityComparison struct {
	A        capacitySide `json:"a"`
	B        capacitySide `json:"b"`
	Sink     string       `json:"sink"`
	Headroom float64      `json:"headroom"` // records per second that gdummy produces here, of both the lower
	Failed   []string     `json:"failed"`   // conditions of --fail-if that are met
	Unknown  []string     `json:"unknown"`  // conditions of --fail-if that lack an interval

	Comparison capacity.Comparison `json:"comparison"`
}

// capacitySide is one of the two that are compared.
type capacitySide struct {
	Config    string   `json:"config"`
	FluentBit string   `json:"fluent_bit"`
	Version   string   `json:"version"`
	LeftOut   []string `json:"left_out,omitempty"`
	Idle      []string `json:"idle,omitempty"` // outputs that got no records
	Changes   []string `json:"changes"`
}

// sideOf describes a measured configuration.
func sideOf(m *load.Measurement) capacitySide {
	return capacitySide{Config: m.Path, FluentBit: m.Binary.Path, Version: m.Binary.Version, LeftOut: m.LeftOut, Idle: m.Idle(), Changes: m.Changes}
}

// compare compares two and prints the result. It returns the exit code.
func (f *capacityFlags) compare(ctx context.Context, s stream, a, b *load.Measurement) int {
	show := newSteps(s.err, f.budget)
	defer show.hide()
	start := time.Now()
	result := capacityComparison{Sink: f.sink, Failed: []string{}, Unknown: []string{}}
	for _, m := range []*load.Measurement{a, b} {
		if code, ok := f.headroom(ctx, s, show, m); !ok {
			return code
		}
		if result.Headroom == 0 || m.Headroom < result.Headroom {
			result.Headroom = m.Headroom
		}
	}
	c, err := capacity.Compare(ctx, a, b, capacity.CompareOptions{Hold: f.hold, Budget: f.left(start), Headroom: result.Headroom,
		Margin: f.precision, Pairs: f.repeat, Progress: show.step})
	show.hide()
	if err != nil {
		return s.fail(err)
	}
	result.A, result.B, result.Comparison = sideOf(a), sideOf(b), c
	code := result.judge(f.failIf)
	if f.json {
		return f.printJSON(s, result, code)
	}
	s.out.Write(c.Text())
	fmt.Fprintln(s.out)
	for i, m := range []*load.Measurement{a, b} {
		fmt.Fprintf(s.out, "%c: %s in Fluent Bit %s\n", 'A'+i, m.Path, m.Binary.Version)
		printChanges(s.out, m, f.verbose)
	}
	for _, condition := range result.Failed {
		fmt.Fprintf(s.out, "failed: B is %s\n", condition)
	}
	for _, condition := range result.Unknown {
		fmt.Fprintf(s.out, "unknown: whether B is %s: expected an interval, which takes a longer --budget or a shorter --hold\n", condition)
	}
	return code
}

// judge sorts the conditions into those that are met and those that are unknown. It returns
// the exit code: a condition that is met is certain, whatever else is unknown. Without
// conditions, the question is that of the throughput.
func (r *capacityComparison) judge(conditions []capacity.Condition) int {
	ratios := r.Comparison.Ratios
	for _, c := range conditions {
		switch met, known := c.Met(ratios); {
		case met:
			r.Failed = append(r.Failed, c.String())
		case !known:
			r.Unknown = append(r.Unknown, c.String())
		}
	}
	switch {
	case len(r.Failed) > 0:
		return exitFound
	case len(r.Unknown) > 0, len(conditions) == 0 && (len(ratios) == 0 || !ratios[0].Known()):
		return exitUsage
	}
	return exitFine
}
