package conf

import "testing"

// Fluent Bit does not skip a byte order mark; what follows is read all the same.
func TestByteOrderMark(t *testing.T) {
	c := Parse("a.conf", []byte("\ufeff[INPUT]\n    name gdummy\n"), Classic, Disk)
	want := "a.conf:1:1: the file begins with a byte order mark, which Fluent Bit does not skip"
	if len(c.Mistakes) != 1 || c.Mistakes[0].Error() != want || len(c.Inputs) != 1 {
		t.Errorf("%v, %d inputs, expected %s", c.Mistakes, len(c.Inputs), want)
	}
}
