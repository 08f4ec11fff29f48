// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"errors"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/config/diag"
)

// For any text, the parser returns either an error with a position or a profile
// whose Due and At agree.
func FuzzParseProfile(f *testing.F) {
	for i := range Kinds {
		f.Add(Kinds[i].Example)
	}
	for _, tt := range dueTests {
		f.Add(tt.spec)
	}
	for _, tt := range errorTests {
		if len(tt.spec) < 1000 {
			f.Add(tt.spec)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProfile(text)
		if err != nil {
			var syn *diag.Error
			if !errors.As(err, &syn) || syn.Offset < 0 || syn.Offset > len(text) || syn.Line < 1 || syn.Column < 1 {
				t.Fatalf("%#v has no position in the text", err)
			}
			_ = syn.Excerpt()
			return
		}
		normal := p.String()
		q, err := ParseProfile(normal)
		if err != nil {
			t.Fatalf("its normal form %q: %v", normal, err)
		}
		if q.String() != normal {
			t.Fatalf("the normal form of %q is %q", normal, q)
		}
		last := uint64(0)
		for _, at := range []int64{-1, 0, 1, 2, 1e6, 1e9, int64(day), 1e18, Never - 1} {
			n := p.Due(at)
			if n < last {
				t.Fatalf("Due(%d) = %d falls below %d", at, n, last)
			}
			last = n
			if first := p.At(n); first > max(at, 0) {
				t.Fatalf("Due(%d) = %d, but At(%d) = %d", at, n, n, first)
			}
			if next := p.At(n + 1); next <= at {
				t.Fatalf("Due(%d) = %d, but At(%d) = %d", at, n, n+1, next)
			}
			if at < 0 || at > 1e18 {
				continue
			}
			low, high := p.Bounds(at, at+int64(time.Hour))
			if r := p.RateAt(at); r < low || r > high {
				t.Fatalf("RateAt(%d) = %g is not from %g to %g", at, r, low, high)
			}
		}
	})
}
