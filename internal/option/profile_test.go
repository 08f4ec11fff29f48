package option

import (
	"testing"

	"github.com/gdummy/gdummy/internal/pace"
)

// The times in a load profile are those of the other options, as far as they are
// exact: a user learns one spelling. (Here because this package imports pace.)
func TestTimesInProfiles(t *testing.T) {
	for _, text := range []string{"1", "10", "0.5", "500ms", "1.5h", "2d", "0.5d", "1h30m", "1m0.5s", "7ns", "3us", "3µs", "1H", "1M"} {
		want, err := ParseDuration(text)
		if err != nil {
			t.Fatalf("ParseDuration(%q): %v", text, err)
		}
		p, err := pace.ParseProfile("idle for " + text)
		if err != nil {
			t.Errorf("idle for %s: %v", text, err)
			continue
		}
		if end, ok := p.End(); !ok || end != int64(want) {
			t.Errorf("idle for %s ends at %d, %v, want %d", text, end, ok, want)
		}
	}
}
