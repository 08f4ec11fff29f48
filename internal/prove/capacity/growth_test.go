// SPDX-License-Identifier: Apache-2.0

package capacity

import "testing"

// Only a floor that rises is growth.
func TestFloorGrowth(t *testing.T) {
	for _, tt := range []struct {
		name    string
		backlog []float64
		want    float64
	}{
		{"too short", []float64{0, 9, 18, 27, 36}, 0},
		{"empty", make([]float64, 9), 0},
		{"steady", []float64{5, 5, 5, 5, 5, 5, 5, 5, 5}, 0},
		{"grows by 3", []float64{0, 3, 6, 9, 12, 15, 18, 21, 24}, 3},
		{"drains", []float64{24, 21, 18, 15, 12, 9, 6, 3, 0}, -3},
		{"bursts", []float64{0, 50, 90, 0, 50, 90, 0, 50, 90}, 0},
		{"bursts that grow by 2", []float64{0, 52, 94, 6, 58, 100, 12, 64, 106}, 2},
		{"fills once", []float64{0, 50, 100, 100, 100, 100, 100, 100, 100}, 100.0 / 6},
	} {
		if got := FloorGrowth(tt.backlog); got != tt.want {
			t.Errorf("%s: FloorGrowth(%v): got %v, want %v", tt.name, tt.backlog, got, tt.want)
		}
	}
}
