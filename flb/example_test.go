// SPDX-License-Identifier: Apache-2.0

package flb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/flb/flbtest"
	"github.com/tinylib/msgp/msgp"
)

// counter emits a number at each interval.
type counter struct {
	interval time.Duration
	next     time.Time
	n        int
}

func (c *counter) Init(in *flb.Instance) error {
	c.interval = in.Duration("interval")
	c.n = in.Int("first")
	c.next = time.Now().Add(c.interval)
	return nil
}

func (c *counter) Collect(e *flb.Emitter) error {
	for e.Wait(c.next) {
		event := e.AppendEvent(e.Buffer(), c.next, nil)
		event = msgp.AppendMapHeader(event, 1)
		event = msgp.AppendString(event, "n")
		event = msgp.AppendInt(event, c.n)
		e.Emit("", 1, event)
		c.n++
		c.next = c.next.Add(c.interval)
	}
	return nil
}

var counterPlugin = flb.Plugin{
	Name:        "counter",
	Description: "A number at each interval",
	Options: []flb.Option{
		{Name: "interval", Type: flb.Duration, Default: "1s", Min: "1ms", Help: "time between two records"},
		{Name: "first", Type: flb.Integer, Default: "1", Help: "the first number"},
	},
	New: func() flb.Input { return new(counter) },
}

// A plugin with two options. A plugin's package main passes it to Register in its init
// function; here, a Host of package flbtest runs it.
func Example() {
	h := flbtest.New(nil, counterPlugin)
	defer h.Stop()
	if err := h.Start(flbtest.Section{Properties: map[string]string{"interval": "5ms", "first": "7"}}); err != nil {
		fmt.Println(err)
	}
	for _, e := range h.Await(3)[:3] {
		fmt.Println(e.Tag, e.Body)
	}
	// Output:
	// counter.0 map[n:7]
	// counter.0 map[n:8]
	// counter.0 map[n:9]
}

// All errors of a section are reported at once, before Init is called.
func ExampleOption() {
	h := flbtest.New(nil, counterPlugin)
	fmt.Println(h.Start(flbtest.Section{Properties: map[string]string{"interval": "0", "first": "one"}}))
	// Output:
	// option interval: invalid value "0": expected at least 1ms
	// option first: invalid value "one": expected a whole number, such as 5000, 10k or 2M
}

// An Input that waits for a channel. The goroutine passes on what arrives and wakes
// Collect; while the input is paused, the channel fills, and the goroutine waits.
func ExampleInstance_Go() {
	arrivals := []string{"one", "two", "three"}
	queue := make(chan string, 10)
	input := &script{
		init: func(in *flb.Instance) error {
			in.Go(func(ctx context.Context) error {
				for _, text := range arrivals {
					select {
					case queue <- text:
						in.Wake()
					case <-ctx.Done():
						return nil
					}
				}
				return errors.New("nothing arrives any more")
			})
			return nil
		},
		collect: func(e *flb.Emitter) error {
			for e.Wait(flb.Never) {
				for len(queue) > 0 {
					event := msgp.AppendMapHeader(e.AppendEvent(e.Buffer(), time.Now(), nil), 1)
					event = msgp.AppendString(msgp.AppendString(event, "text"), <-queue)
					e.Emit("", 1, event)
				}
			}
			return nil
		},
	}
	h := flbtest.New(nil, scripted(input))
	if err := h.Start(flbtest.Section{}); err != nil {
		fmt.Println(err)
	}
	for _, e := range h.Await(3) {
		fmt.Println(e.Body["text"])
	}
	h.Stop()
	fmt.Println(h.Log())
	// Output:
	// one
	// two
	// three
	// [[error] nothing arrives any more]
}

// An Input that waits for a file descriptor needs no goroutine.
func ExampleInstance_Watch() {
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	defer w.Close()
	input := &script{
		init: func(in *flb.Instance) error { return in.Watch(int(r.Fd())) },
		collect: func(e *flb.Emitter) error {
			buf := make([]byte, 100)
			for e.Wait(flb.Never) {
				n, err := r.Read(buf)
				if err != nil {
					return err
				}
				event := msgp.AppendMapHeader(e.AppendEvent(e.Buffer(), time.Now(), nil), 1)
				event = msgp.AppendString(msgp.AppendString(event, "text"), string(buf[:n]))
				e.Emit("", 1, event)
			}
			return nil
		},
	}
	h := flbtest.New(nil, scripted(input))
	defer h.Stop()
	if err := h.Start(flbtest.Section{}); err != nil {
		fmt.Println(err)
	}
	fmt.Fprint(w, "from a pipe")
	fmt.Println(h.Await(1)[0].Body)
	// Output:
	// map[text:from a pipe]
}

// Metadata travels beside a record's body, on hosts from 2.1 on.
func ExampleEmitter_AppendEvent() {
	input := &script{collect: func(e *flb.Emitter) error {
		metadata := msgp.AppendMapHeader(nil, 1)
		metadata = msgp.AppendString(msgp.AppendString(metadata, "source"), "example")
		event := e.AppendEvent(e.Buffer(), time.Unix(1700000000, 0), metadata)
		event = msgp.AppendMapHeader(event, 1)
		event = msgp.AppendString(msgp.AppendString(event, "message"), "hello")
		e.Emit("my.tag", 1, event)
		return nil
	}}
	for _, legacy := range []bool{false, true} {
		h := flbtest.New(nil, scripted(input))
		if err := h.Start(flbtest.Section{Legacy: legacy}); err != nil {
			fmt.Println(err)
		}
		e := h.Await(1)[0]
		fmt.Println(e.Tag, e.Time.Unix(), e.Metadata, e.Body)
		h.Stop()
	}
	// Output:
	// my.tag 1700000000 map[source:example] map[message:hello]
	// my.tag 1700000000 map[] map[message:hello]
}
