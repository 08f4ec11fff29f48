// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"testing"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/testenv"
)

var moving = []string{
	"constant 1M",
	"ramp 0 to 1M for 1h",
	"ramp 1M to 0 for 1h",
	"steps 100k to 1M by 1k every 10ms; repeat",
	"sine 0 to 1M every 24h",
	"bursts 1M on 1ms off 9ms",
	"poisson 1M",
	"500k for 10ms; ramp 0 to 1M for 10ms; idle for 1ms; poisson 1M for 10ms; repeat",
}

// At and Due are called for every record.
func TestAllocations(t *testing.T) {
	for _, spec := range moving {
		p := mustParse(t, spec)
		n, at := uint64(0), int64(0)
		if a := testenv.AllocsPerRun(10000, func() { n++; p.At(n); at += 1700; p.Due(at) }); a != 0 {
			t.Errorf("%s: %v allocations", spec, a)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	for _, spec := range moving {
		b.Run(spec, func(b *testing.B) {
			p := mustParse(b, spec)
			n := uint64(0)
			for b.Loop() {
				n++
				p.At(n)
			}
		})
	}
}

func BenchmarkDue(b *testing.B) {
	for _, spec := range moving {
		b.Run(spec, func(b *testing.B) {
			p := mustParse(b, spec)
			t := int64(0)
			for b.Loop() {
				t += 1000
				p.Due(t)
			}
		})
	}
}

// A jump to any other time: the cost of a long pause.
func BenchmarkJump(b *testing.B) {
	for _, spec := range moving {
		b.Run(spec, func(b *testing.B) {
			p := mustParse(b, spec)
			r := rng{seed.At(1, 0)}
			for b.Loop() {
				p.At(p.Due(int64(r.Uint64()>>11)) + 1)
			}
		})
	}
}
