// SPDX-License-Identifier: Apache-2.0

// Command crash is an input plugin for the tests. Each time Fluent Bit calls it, it emits
// {"n": N}, and after every second record it panics. With the property `at` it panics
// elsewhere, once: in init, pause, resume, close, goroutine, or in restore, after a reload in
// which its Init fails.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/tinylib/msgp/msgp"
)

func init() {
	flb.Register(flb.Plugin{
		Name:        "crash",
		Description: "dereferences nil",
		New:         func() flb.Input { return &crash{at: "collect"} },
	})
}

type crash struct {
	at      string
	n       int
	nothing *crash // always nil
}

func (c *crash) crash(at string) {
	if c.at == at {
		c.nothing.n++
	}
}

func (c *crash) Init(in *flb.Instance) error {
	if at, ok := in.Property("at"); ok {
		c.at = at
	}
	c.crash("init")
	if c.at == "restore" {
		return errors.New("this section has an error")
	}
	in.Keep(c.at)
	if c.at == "goroutine" {
		in.Go(func(context.Context) error {
			c.crash("goroutine")
			return nil
		})
	}
	return nil
}

// Restore panics if the section that has the error wants it.
func (c *crash) Restore(in *flb.Instance, kept any) error {
	if c.at, _ = in.Property("at"); c.at != "restore" {
		c.at = kept.(string)
	}
	c.crash("restore")
	return nil
}

func (c *crash) Collect(e *flb.Emitter) error {
	c.n++
	event := e.AppendEvent(e.Buffer(), time.Now(), nil)
	event = msgp.AppendMapHeader(event, 1)
	event = msgp.AppendInt(msgp.AppendString(event, "n"), c.n)
	e.Emit("", 1, event)
	if c.n%2 == 0 {
		c.crash("collect")
	}
	return nil
}

func (c *crash) Pause()  { c.crash("pause") }
func (c *crash) Resume() { c.crash("resume") }

func (c *crash) Close(bool) error {
	c.crash("close")
	return nil
}

func main() {}
