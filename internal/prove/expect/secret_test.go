// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"math"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// No form in base64 is shorter than the bound below which forms are skipped, and one has
// that length.
func TestLeastBase64(t *testing.T) {
	for n := shortSecret; n < 50; n++ {
		least := math.MaxInt
		for _, f := range new(speller).of([]byte(strings.Repeat("x", n)), math.MaxInt) {
			if f.encoding == "base64" {
				least = min(least, len(f.text))
			}
		}
		if got := leastBase64(n); got != least {
			t.Errorf("a secret of %d bytes: bound %d, shortest form %d", n, got, least)
		}
	}
}

// A secret is found wherever it is, and only there: what most bodies are spared does not
// hide it.
func TestFind(t *testing.T) {
	for _, tt := range []struct {
		secret value.Value
		body   string
		want   string // path and encoding, or ""
	}{
		{value.OfString("4242424242424242"), `{"a":{"b":[1,{"c":4242424242424242}]}}`, "a.b[].c "},
		{value.OfString("4242424242424242"), `{"a":-4242424242424242,"b":4242424242424241}`, ""},
		{value.OfString("12.5"), `{"a":12.5}`, "a "},
		{value.OfString("-7"), `{"a":7,"b":-7}`, "b "},
		{value.OfInt(123), `{"a":"pin 123"}`, "a "},
		{value.OfInt(123), `{"a":"pin 1234","n":123}`, "n "},
		{value.OfString("s3cr3t"), `{"a":"czNjcjN0"}`, "a base64"},
		{value.OfString("s3cr3t"), `{"s3cr3t":1}`, ""},
		{value.OfString("a/b c"), `{"a":"a%2Fb+c"}`, "a URL"},
		{value.OfString("none"), `{}`, ""},
	} {
		bodies, err := jsonbody.Parse(tt.body)
		if err != nil {
			t.Fatal(err)
		}
		var f finder
		f.begin(bodies[0])
		got := ""
		if l, ok := f.find(tt.secret, bodies[0], nil); ok {
			got = l.path + " " + l.encoding
		}
		if got != tt.want {
			t.Errorf("secret %s in %s: %q, want %q", tt.secret.AppendText(nil), tt.body, got, tt.want)
		}
	}
}
