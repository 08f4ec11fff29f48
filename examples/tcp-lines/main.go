// SPDX-License-Identifier: Apache-2.0

// Command tcp-lines is a Fluent Bit input that receives lines over TCP. While it is paused, senders wait.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/tinylib/msgp/msgp"
)

var plugin = flb.Plugin{Name: "tcp_lines", Description: "Lines received over TCP", Options: []flb.Option{
	{Name: "address", Default: "127.0.0.1:5170", Help: "address and port to listen on"},
}, New: func() flb.Input { return new(receiver) }}

type line struct{ from, text string }

// queues has the queue of each instance, by name. It outlives a hot reload.
var queues sync.Map

type receiver struct {
	in    *flb.Instance
	lines chan line
}

func (r *receiver) Init(in *flb.Instance) error {
	listener, err := net.Listen("tcp", in.String("address"))
	if err != nil {
		return err
	}
	queue, _ := queues.LoadOrStore(in.Name(), make(chan line, 1000))
	r.in, r.lines = in, queue.(chan line)
	in.Logf(flb.Info, "listening on %v", listener.Addr())
	in.Go(func(ctx context.Context) error { return r.accept(ctx, listener) })
	in.Wake() // for what is in the queue
	return nil
}

func (r *receiver) accept(ctx context.Context, listener net.Listener) error {
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	for {
		conn, err := listener.Accept()
		if err == nil {
			r.in.Go(func(ctx context.Context) error { return r.read(ctx, conn) })
		} else if ctx.Err() != nil {
			return nil
		} else {
			r.in.Logf(flb.Warn, "%v", err) // such as too many open files
			time.Sleep(time.Second)
		}
	}
}

func (r *receiver) read(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for buf, from := bufio.NewReaderSize(conn, 64<<10), conn.RemoteAddr().String(); ; {
		text, err := buf.ReadSlice('\n')
		if len(text) > 0 && (err == nil || err == io.EOF) {
			select {
			case r.lines <- line{from, string(bytes.TrimRight(text, "\r\n"))}:
				r.in.Wake()
			case <-ctx.Done():
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil { // not logged once ctx is cancelled
			return fmt.Errorf("connection from %s: %w", from, err)
		}
	}
}

func (r *receiver) Collect(e *flb.Emitter) error {
	for e.Wait(flb.Never) {
		events, records := e.Buffer(), 0
		for ; len(events) < flb.SliceSize && len(r.lines) > 0; records++ {
			l := <-r.lines
			events = msgp.AppendMapHeader(e.AppendEvent(events, time.Now(), nil), 2)
			events = msgp.AppendString(msgp.AppendString(events, "from"), l.from)
			events = msgp.AppendString(msgp.AppendString(events, "line"), l.text)
		}
		if e.Emit("", records, events); len(r.lines) > 0 {
			r.in.Wake() // the next Wait returns true
		}
	}
	return nil
}

func init() { flb.Register(plugin) }

func main() {}
