// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"context"
	"testing"
)

// filtered is a plant whose engine thread works for two filters.
type filtered struct {
	*plant
	quick bool // the engine is not at its limit
	lossy bool // records are lost without grep.0
}

func (f *filtered) Trial(ctx context.Context, ask Ask) (Trial, error) {
	t, err := f.plant.Trial(ctx, ask)
	cpu := 1.0
	switch ask.Without {
	case "lua.0":
		cpu = 0.3
	case "grep.0":
		cpu = 0.9
		if f.lossy {
			t.Held, t.Reason = false, Lost
		}
	}
	cpu *= min(ask.Rate/f.capacity, 1)
	if f.quick {
		cpu /= 2
	}
	t.Evidence = Evidence{Threads: []Thread{{Role: EngineThread, Name: "flb-pipeline", CPU: cpu}, {Role: EngineThread, Name: "flb-pipeline", CPU: 0.01}},
		Filters: []Filter{{Name: "grep.0"}, {Name: "lua.0"}}}
	return t, err
}

// The filter that uses most of a thread at its limit is found by leaving it out. No filter
// is left out if no thread is at its limit, or no budget is left.
func TestParts(t *testing.T) {
	for _, tt := range []struct {
		name    string
		runner  filtered
		costs   []float64
		want    string
		without int
	}{
		{"engine", filtered{}, []float64{0.5, 0.75}, "engine thread at 100 %, 70 % of it in filter lua.0", 2},
		{"needed filter", filtered{lossy: true}, []float64{0.75}, "engine thread at 100 %, 70 % of it in filter lua.0", 2},
		{"idle engine", filtered{quick: true}, []float64{0.75}, "unknown: engine thread at 50 % is the busiest", 0},
		{"no costs", filtered{}, nil, "engine thread at 100 %", 0},
	} {
		p := machine(1)
		p.jitter, p.outliers, p.second = 0, 0, 0
		tt.runner.plant = p
		s := Search{Now: p.now, Budget: DefaultBudget * 3, Costs: tt.costs}
		r, err := s.Run(context.Background(), &tt.runner)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, trial := range r.Trials {
			if trial.Purpose == Part {
				n++
			}
		}
		if r.Culprit != tt.want || n != tt.without {
			t.Errorf("%s: %q after %d trials without a filter, want %q after %d", tt.name, r.Culprit, n, tt.want, tt.without)
		}
		if r.FirstBad() == nil || r.FirstBad().Purpose == Part || r.LastGood().Purpose == Part {
			t.Errorf("%s: a trial without a filter counts as one of the pipeline", tt.name)
		}
	}
}
