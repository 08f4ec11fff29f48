// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/gdummy/gdummy/internal/prove/capacity"
)

// capacityComparison is what --json prints of a comparison.
type capacityComparison struct {
	A        capacitySide `json:"a"`
	B        capacitySide `json:"b"`
	Sink     string       `json:"sink"`
	Headroom float64      `json:"headroom"` // records per second that gdummy produces here, of both the lower
	Failed   []string     `json:"failed"`   // conditions of --fail-if that are met

	Comparison capacity.Comparison `json:"comparison"`
}

// capacitySide is one of the two that are compared.
type capacitySide struct {
	Config    string   `json:"config"`
	FluentBit string   `json:"fluent_bit"`
	Version   string   `json:"version"`
	LeftOut   []string `json:"left_out,omitempty"`
	Changes   []string `json:"changes"`
}

// side describes a measured configuration.
func (m *measured) side() capacitySide {
	return capacitySide{Config: m.path, FluentBit: m.binary.Path, Version: m.binary.Version, LeftOut: m.leftOut, Changes: m.changes}
}

// compare compares two and prints the result. It returns the exit code.
func (f *capacityFlags) compare(ctx context.Context, s stream, a, b *measured) int {
	show := newSteps(s.err)
	defer show.hide()
	result := capacityComparison{Sink: f.sink, Failed: []string{}}
	for _, m := range []*measured{a, b} {
		if code, ok := f.headroom(ctx, s, show, m); !ok {
			return code
		}
		if result.Headroom == 0 || m.headroom < result.Headroom {
			result.Headroom = m.headroom
		}
	}
	c, err := capacity.Compare(ctx, a, b, capacity.CompareOptions{Hold: f.hold, Budget: f.budget, Headroom: result.Headroom,
		Margin: f.precision, Progress: show.step})
	show.hide()
	if err != nil {
		fmt.Fprintf(s.err, "gdummy capacity: %v\n", err)
		return exitUsage
	}
	result.A, result.B, result.Comparison = a.side(), b.side(), c
	code := exitFine
	for _, condition := range f.failIf {
		if _, met := condition.Met(c.Ratios); met {
			result.Failed = append(result.Failed, condition.String())
			code = exitFound
		}
	}
	if f.json {
		return f.printJSON(s, result, code)
	}
	s.out.Write(c.Text())
	fmt.Fprintln(s.out)
	for i, m := range []*measured{a, b} {
		fmt.Fprintf(s.out, "%c: %s in Fluent Bit %s\n", 'A'+i, m.path, m.binary.Version)
		m.printChanges(s.out, f.verbose)
	}
	for _, condition := range result.Failed {
		fmt.Fprintf(s.out, "failed: B is %s\n", condition)
	}
	if code == exitFine && len(c.Ratios) == 0 {
		return exitUsage
	}
	return code
}
