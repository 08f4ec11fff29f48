package fake

import "testing"

// What others call otherwise leads to functions that there are, and hides none.
func TestElsewhere(t *testing.T) {
	for name, ours := range elsewhere {
		if Find(ours) == nil {
			t.Errorf("%s leads to %s, which does not exist", name, ours)
		}
		if Find(name) != nil {
			t.Errorf("%s is a function of ours", name)
		}
	}
	for name, want := range map[string]string{"toJson": "json", "emial": "email", "hasPrefix": "hasprefix", "xyzzyxyzzy": ""} {
		if got := Nearest(name); got != want {
			t.Errorf("the nearest to %s is %q, want %q", name, got, want)
		}
	}
}
