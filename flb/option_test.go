// SPDX-License-Identifier: Apache-2.0

package flb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/flb/flbtest"
	"github.com/google/go-cmp/cmp"
)

var everyType = []flb.Option{
	{Name: "count", Type: flb.Integer, Default: "10k", Min: "1", Max: "2M"},
	{Name: "ratio", Type: flb.Double, Default: "0.5", Max: "1"},
	{Name: "wait", Type: flb.Duration, Default: "1m30s", Min: "1ms"},
	{Name: "room", Type: flb.Size, Default: "64KiB"},
	{Name: "loud", Type: flb.Boolean, Default: "on"},
	{Name: "path", Type: flb.String, Default: "/var/log"},
	{Name: "mode", Type: flb.String, Default: "fast", OneOf: []string{"fast", "slow"}},
	{Name: "keys", Type: flb.Strings, Default: "a, b"},
	{Name: "own", Type: flb.Integer, Unchecked: true},
	{Name: "unset", Type: flb.Integer},
}

// Options have the values of the section or their defaults, in the zero Instance too.
func TestOptions(t *testing.T) {
	read := func(in *flb.Instance) string {
		return fmt.Sprintln(in.Int("count"), in.Float("Ratio"), in.Duration("wait"), in.Size("room"), in.Bool("loud"),
			in.String("path"), in.String("mode"), in.Strings("keys"), in.Int("unset"))
	}
	for _, tt := range []struct {
		set  map[string]string
		want string
	}{
		{nil, "10000 0.5 1m30s 65536 true /var/log fast [a b] 0"},
		{map[string]string{"COUNT": "2M", "ratio": "1e-3", "wait": "5", "room": "1M", "loud": "no", "path": "x", "mode": "slow", "keys": "c,,d", "unset": "-3", "own": "what"},
			"2000000 0.001 5s 1000000 false x slow [c d] -3"},
		{map[string]string{"path": "", "keys": ""}, "10000 0.5 1m30s 65536 true  fast [] 0"}, // set, to nothing
	} {
		got := ""
		start(t, &script{init: func(in *flb.Instance) error { got = read(in); return nil }}, flbtest.Section{Properties: tt.set}, everyType...)
		if got != tt.want+"\n" {
			t.Errorf("%v: %s, want %s", tt.set, got, tt.want)
		}
	}
}

// All errors of a section are reported at once, each with its option, and Init is not called.
func TestOptionErrors(t *testing.T) {
	s := &script{init: func(*flb.Instance) error { t.Error("Init is called"); return nil }}
	options := append([]flb.Option{{Name: "need", Required: true}}, everyType...)
	options = append(options, flb.Option{Name: "none", OneOf: []string{"gzip", "zstd"}}) // an empty value is none of them
	h := flbtest.New(t, scripted(s, options...))
	err := h.Start(flbtest.Section{Properties: map[string]string{
		"count": "0", "ratio": "nan", "wait": "soon", "room": "1X", "loud": "maybe", "mode": "fats", "keys": "z", "unset": "", "none": "",
	}})
	want := []string{
		`option need: a value is required`,
		`option count: invalid value "0": expected 1 to 2M`,
		`option ratio: invalid value "nan": expected a number, such as 0.5`,
		`option wait: invalid value "soon": expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d`,
		`option room: invalid value "1X": unknown unit "X": expected a size in bytes, such as 64k, 4M or 1GiB`,
		`option loud: invalid value "maybe": expected on or off`,
		`option mode: invalid value "fats": expected fast or slow; did you mean fast?`,
		`option unset: the value is empty`,
		`option none: invalid value "": expected gzip or zstd`,
	}
	if err == nil {
		t.Fatal("the start succeeds")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// Errors of the plugin's author are found by the first start, or by Register.
func TestAuthorErrors(t *testing.T) {
	h := flbtest.New(t, scripted(&script{init: func(in *flb.Instance) error { in.Int("path"); return nil }}, everyType...))
	if err := h.Start(flbtest.Section{}); err == nil || !strings.Contains(err.Error(), "panic in Init: flb: option path has type String") {
		t.Errorf("the wrong type: %v", err)
	}
	for want, o := range map[string]flb.Option{
		"option a: Default: invalid value":               {Name: "a", Type: flb.Integer, Default: "x"},
		"option b: Min: invalid value":                   {Name: "b", Type: flb.Duration, Min: "x"},
		"option c: Min and Max do not apply":             {Name: "c", Max: "3"},
		"option d: OneOf does not apply":                 {Name: "d", Type: flb.Size, OneOf: []string{"1"}},
		`option "": a name must not be empty`:            {},
		"option Port: Fluent Bit keeps properties of":    {Name: "Port"},
		"option net.x: Fluent Bit keeps properties of":   {Name: "net.x"},
		"option e: unknown type 99":                      {Name: "e", Type: 99},
		`option f: Default: invalid value "4": expected`: {Name: "f", Type: flb.Integer, Default: "4", Max: "3"},
		`option g: Default: invalid value "1": expected`: {Name: "g", Type: flb.Boolean, Default: "1"}, // Fluent Bit would not start
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("Register(%+v) panics with %q, want %q", o, got, want)
				}
			}()
			flb.Register(scripted(&script{}, o))
		}()
	}
}

// An Init accepts the zero Instance: it has no host, and does not crash.
func TestZeroInstance(t *testing.T) {
	var in flb.Instance
	if _, ok := in.Property("x"); ok || in.Properties() != nil || in.HasMetadata() || in.Streams() || in.Renamed() || in.Name() != "" {
		t.Error("the zero Instance has properties of a host")
	}
	in.Counter("x_total", "help").Add(3)
	in.SetMaxInFlight(1)
	in.SetMaxMemory(1)
	in.Keep(1)
	in.Wake()
	in.Logf(flb.Debug, "a line of %s", "the zero Instance")
	if text, ok := in.Expand("${HOME}"); text != "${HOME}" || ok {
		t.Errorf("Expand returns %q, %v", text, ok)
	}
	if err := errors.Join(in.Watch(0), in.Unwatch(0)); err != nil {
		t.Error(err)
	}
	done := make(chan bool)
	in.Go(func(context.Context) error { close(done); return nil })
	<-done
}
