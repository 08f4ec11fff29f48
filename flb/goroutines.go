// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// maxQueuedLines is how many log lines of goroutines wait for the instance's thread.
const maxQueuedLines = 1000

// goroutines are those of one instance, and the lines that they log: the host's logger
// must be called on the instance's thread.
type goroutines struct {
	ctx       context.Context // nil if none has started, or those of a failed Init have ended
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	announced bool // the host knows of them

	mu      sync.Mutex
	lines   []logLine
	dropped int // lines that found no place
}

type logLine struct {
	level Level
	text  string
}

// Go runs f on a goroutine of its own, for an Input that waits for something that
// Emitter.Wait cannot wait for, such as a connection.
//
// The context is cancelled when the instance ends. Close is called once all goroutines
// have returned, so that f must return soon after: it must not block on anything that
// the context does not interrupt. After a hot reload the new instance starts its own.
//
// A panic in f is recovered, logged with its stack and counted in the metric
// fluentbit_plugin_panics_total; an error that f returns is logged and counted as one
// of Collect. In both cases f is not run again. An error that follows the
// cancellation is not reported.
//
// f must not use the Emitter. It passes its records to Collect, for example through a
// channel of limited size, and calls Wake: while the input is paused, Collect is not
// called, the channel fills, and f blocks. Go itself may be called on the instance's
// thread and by functions that Go runs.
func (in *Instance) Go(f func(ctx context.Context) error) {
	g := &in.goroutines
	if g.ctx == nil {
		g.ctx, g.cancel = context.WithCancel(context.Background())
		if in.host != nil && !g.announced {
			g.announced = true
			in.host.RunsGoroutines()
		}
	}
	g.wg.Go(func() {
		defer in.recoveredElsewhere()
		if err := f(g.ctx); err != nil && g.ctx.Err() == nil {
			in.failedElsewhere.Add(1)
			in.logFailure(err.Error(), errorLines(err))
		}
	})
}

// recoveredElsewhere is deferred in each goroutine: a panic would end Fluent Bit.
func (in *Instance) recoveredElsewhere() {
	r := recover()
	if r == nil {
		return
	}
	in.panics.Add(1)
	in.failedElsewhere.Add(1)
	lines := panicLines(fmt.Sprintf("panic in a goroutine: %v; it has ended, the instance continues", r))
	in.logFailure(lines[0], lines)
}

// panicLines returns a line and the stack of the panic that is being recovered.
func panicLines(line string) []string {
	lines := []string{line}
	for l := range strings.SplitSeq(strings.TrimRight(string(debug.Stack()), "\n"), "\n") {
		lines = append(lines, "  "+strings.ReplaceAll(l, "\t", "    "))
	}
	return lines
}

func (in *Instance) logLines(lines []string) {
	for _, line := range lines {
		in.Log(Error, line)
	}
}

// joinInterval is how often a join that lasts is logged.
const joinInterval = 5 * time.Second

// join ends the instance's goroutines and waits for them.
func (in *Instance) join() {
	g := &in.goroutines
	if g.ctx == nil {
		return
	}
	g.cancel()
	done := make(chan struct{})
	go func() {
		g.wg.Wait()
		close(done)
	}()
	since := time.Now()
	tick := time.NewTicker(joinInterval)
	defer tick.Stop()
	for {
		select {
		case <-done:
			in.flushLog()
			return
		case now := <-tick.C:
			in.flushLog()
			in.Logf(Error, "a goroutine of this input has not returned %v after its context was cancelled: the input cannot end before",
				now.Sub(since).Round(time.Second))
		}
	}
}

// log queues a line for the instance's thread.
func (g *goroutines) log(level Level, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines) == maxQueuedLines {
		g.dropped++
		return
	}
	g.lines = append(g.lines, logLine{level, text})
}

// flushLog logs the queued lines. It is called on the instance's thread.
func (in *Instance) flushLog() {
	g := &in.goroutines
	g.mu.Lock()
	lines, dropped := g.lines, g.dropped
	g.lines, g.dropped = nil, 0
	g.mu.Unlock()
	for _, l := range lines {
		in.host.Log(int(l.level), l.text)
	}
	if dropped > 0 {
		in.host.Log(int(Warn), fmt.Sprintf("%d log lines of goroutines were dropped", dropped))
	}
}
