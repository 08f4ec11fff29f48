package fake

import (
	"strings"
	"testing"
)

// What is no CSV is named for what it is.
func TestNoCSV(t *testing.T) {
	for text, want := range map[string]string{
		"\x1f\x8b\x08\x00":             "it is compressed with gzip; gunzip unpacks it",
		"name,age\rAda,36\rGrace,85\r": "its lines end in CR alone, expected LF or CRLF",
	} {
		if _, err := readCSV(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, expected %s", text, err, want)
		}
	}
	if _, err := readCSV(strings.NewReader("name,age\r\nAda,36\r\n")); err != nil {
		t.Error(err)
	}
}
