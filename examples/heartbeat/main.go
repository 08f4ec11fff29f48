// SPDX-License-Identifier: Apache-2.0

// Command heartbeat is a complete Fluent Bit input: it emits a record at each interval.
//
//	go build -buildmode=c-shared -o heartbeat.so ./examples/heartbeat
//	fluent-bit -e ./heartbeat.so -i heartbeat -p interval=500ms -o stdout
package main

import (
	"os"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/tinylib/msgp/msgp"
)

var plugin = flb.Plugin{
	Name:        "heartbeat",
	Description: "A record at each interval",
	Options:     []flb.Option{{Name: "interval", Type: flb.Duration, Default: "1s", Min: "1ms", Help: "time between two records"}},
	New:         func() flb.Input { return new(heartbeat) },
}

type heartbeat struct {
	interval time.Duration
	next     time.Time
	host     string
	beats    int
}

func (h *heartbeat) Init(in *flb.Instance) (err error) {
	h.interval = in.Duration("interval")
	h.next = time.Now().Add(h.interval)
	h.host, err = os.Hostname()
	return err
}

func (h *heartbeat) Collect(e *flb.Emitter) error {
	for e.Wait(h.next) {
		h.beats++
		event := e.AppendEvent(e.Buffer(), h.next, nil)
		event = msgp.AppendMapHeader(event, 2)
		event = msgp.AppendString(msgp.AppendString(event, "host"), h.host)
		event = msgp.AppendInt(msgp.AppendString(event, "beat"), h.beats)
		e.Emit("", 1, event)
		h.next = h.next.Add(h.interval)
	}
	return nil
}

func init() { flb.Register(plugin) }

func main() {}
