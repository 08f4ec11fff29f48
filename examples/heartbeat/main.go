// Command heartbeat is a whole Fluent Bit input: a record at each full interval.
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

type heartbeat struct {
	interval time.Duration
	next     time.Time
	host     string
	beats    int
}

func (h *heartbeat) Init(in *flb.Instance) (err error) {
	h.interval = time.Second
	if text, ok := in.Property("interval"); ok {
		if h.interval, err = time.ParseDuration(text); err != nil {
			return err
		}
	}
	h.host, err = os.Hostname()
	h.next = time.Now().Add(h.interval)
	return err
}

func (h *heartbeat) Collect(e *flb.Emitter) error {
	for e.Wait(h.next) {
		h.beats++
		event := e.AppendEvent(e.Buffer(), h.next)
		event = msgp.AppendMapHeader(event, 2)
		event = msgp.AppendString(msgp.AppendString(event, "host"), h.host)
		event = msgp.AppendInt(msgp.AppendString(event, "beat"), h.beats)
		e.Emit("", 1, event)
		h.next = h.next.Add(h.interval)
	}
	return nil
}

func init() {
	flb.Register(flb.Plugin{
		Name:        "heartbeat",
		Description: "a record at each interval",
		Options:     []flb.Option{{Name: "interval", Default: "1s", Help: "time between two records"}},
		New:         func() flb.Input { return new(heartbeat) },
	})
}

func main() {}
