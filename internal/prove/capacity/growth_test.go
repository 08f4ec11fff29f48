// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"testing"
	"time"
)

// A lag grows if it does so beyond its own noise: a rate 5 % above the capacity shows, and
// a single stall does not.
func TestGrowth(t *testing.T) {
	ms := func(values ...int) (lags []time.Duration) {
		for _, v := range values {
			lags = append(lags, time.Duration(v)*time.Millisecond)
		}
		return lags
	}
	for name, c := range map[string]struct {
		lags  []time.Duration
		grows bool
	}{
		"none":                    {nil, false},
		"two":                     {ms(500, 5000), false},
		"level":                   {ms(900, 910, 890, 905, 900), false},
		"5 % over":                {ms(900, 950, 1000, 1050, 1100), true},
		"5 % over, noisy":         {ms(910, 940, 1010, 1040, 1110), true},
		"1 % over":                {ms(900, 910, 920, 930, 940), false},
		"5 % over, after a stall": {ms(2578, 1653, 1716, 1784, 1852), true},
		"5 % over, with a stall":  {ms(900, 950, 2000, 1050, 1100), true},
		"one stall":               {ms(900, 900, 2900, 900, 900), false},
		"recovers":                {ms(2900, 1900, 1200, 900, 900), false},
		"noise":                   {ms(500, 1000, 600, 950, 700), false},
	} {
		if slope, grows := Growth(c.lags, time.Second); grows != c.grows {
			t.Errorf("%s: Growth(%v) = %.3f, %v; want %v", name, c.lags, slope, grows, c.grows)
		}
	}
}
