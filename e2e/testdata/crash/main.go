// SPDX-License-Identifier: Apache-2.0

// Command crash is an input plugin for the tests. Each time Fluent Bit calls it, it emits
// {"n": N}, and after every second record it panics. With the property `at init` it panics in
// Init.
package main

import (
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/tinylib/msgp/msgp"
)

func init() {
	flb.Register(flb.Plugin{
		Name:        "crash",
		Description: "dereferences nil",
		New:         func() flb.Input { return new(crash) },
	})
}

type crash struct {
	n       int
	nothing *crash // always nil
}

func (c *crash) Init(in *flb.Instance) error {
	if at, _ := in.Property("at"); at == "init" {
		c.nothing.n++
	}
	return nil
}

func (c *crash) Collect(e *flb.Emitter) error {
	c.n++
	event := e.AppendEvent(e.Buffer(), time.Now(), nil)
	event = msgp.AppendMapHeader(event, 1)
	event = msgp.AppendInt(msgp.AppendString(event, "n"), c.n)
	e.Emit("", 1, event)
	if c.n%2 == 0 {
		c.nothing.n++
	}
	return nil
}

func main() {}
