// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
)

// Faults configures the faults that a receiver injects.
type Faults struct {
	Drop    float64 // probability that a request is acknowledged and discarded
	Delay   time.Duration
	Delayed float64       // probability of Delay before the answer
	Status  int           // HTTP status; other receivers do not answer
	Refused float64       // probability of Status
	Reset   float64       // probability that the connection is reset instead of an answer
	Slow    int64         // bytes per second read from each connection; 0 means no limit
	Rate    float64       // records per second taken over all connections; 0 means no limit
	Workers int           // requests handled at the same time over all connections; 0 means no limit
	Outage  time.Duration // how long connections are reset
	Every   time.Duration // period with an outage at its end; 0 means one outage at the start
}

// The names of faults, in the order in which a request meets them.
const (
	faultOutage  = "outage"
	faultReset   = "reset"
	faultStatus  = "status"
	faultWorkers = "workers"
	faultDelay   = "delay"
	faultSlow    = "slow"
	faultRate    = "rate"
	faultDrop    = "drop"
)

var faultNames = []string{faultOutage, faultReset, faultStatus, faultWorkers, faultDelay, faultSlow, faultRate, faultDrop}

// Refusal describes why a request was refused, entirely or in part: an HTTP request, a
// message of the forward protocol, or a connection.
type Refusal struct {
	Why     string // a fault, in the form of Faults.Name, or a limit
	Dropped bool   // it was acknowledged
	Partly  bool   // it was not read completely: it may have more records
	More    bool   // it is the request of an earlier Refusal
}

// Reasons of refusals other than faults.
const (
	whyLarge    = "a request larger than the limits"
	whyEncoding = "an unknown Content-Encoding"
	whyBody     = "a body that cannot be read"
	whyBusy     = "too many large requests at once"
	whyLate     = "a request slower than the limits"
	whyConns    = "too many connections"
	whyKey      = "a wrong shared key"
)

// Name returns a fault in the syntax of ParseFaults, such as status=503@40%, or "" if it
// never happens.
func (f *Faults) Name(fault string) string {
	chance := func(p float64) string { return strconv.FormatFloat(100*p, 'g', 10, 64) + "%" }
	at := func(p float64) string {
		if p == 1 {
			return ""
		}
		return "@" + chance(p)
	}
	switch {
	case fault == faultOutage && f.Outage > 0 && f.Every > 0:
		return "outage=" + units.FormatDuration(f.Outage) + " every " + units.FormatDuration(f.Every)
	case fault == faultOutage && f.Outage > 0:
		return "outage=" + units.FormatDuration(f.Outage)
	case fault == faultReset && f.Reset > 0:
		return "reset=" + chance(f.Reset)
	case fault == faultStatus && f.Refused > 0:
		return fmt.Sprintf("status=%d%s", f.Status, at(f.Refused))
	case fault == faultDelay && f.Delayed > 0 && f.Delay > 0:
		return "delay=" + units.FormatDuration(f.Delay) + at(f.Delayed)
	case fault == faultSlow && f.Slow > 0:
		return fmt.Sprintf("slow=%dB/s", f.Slow)
	case fault == faultRate && f.Rate > 0:
		return "rate=" + strconv.FormatFloat(math.Round(f.Rate*1e8)/1e8, 'f', -1, 64) + "/s" // the precision of units.Rate
	case fault == faultWorkers && f.Workers > 0:
		return "workers=" + strconv.Itoa(f.Workers)
	case fault == faultDrop && f.Drop > 0:
		return "drop=" + chance(f.Drop)
	}
	return ""
}

// Names returns the faults that may happen, in the form of Name.
func (f *Faults) Names() []string {
	var all []string
	for _, fault := range faultNames {
		if name := f.Name(fault); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// Drops reports whether a fault of Names acknowledges the requests that it discards.
func Drops(name string) bool { return strings.HasPrefix(name, faultDrop+"=") }

// String returns the faults in the syntax of ParseFaults.
func (f *Faults) String() string { return strings.Join(f.Names(), ", ") }

// ParseFaults parses faults such as
//
//	drop=1%, delay=2s@5%, status=503@10%, reset=1%, slow=1MB/s, rate=5000/s, workers=4, outage=30s every 5m
//
// The default probability of delay and status is 100%.
func ParseFaults(text string) (*Faults, error) {
	f := new(Faults)
	seen := map[string]bool{}
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		name, value, ok := strings.Cut(item, "=")
		if !ok {
			return nil, fmt.Errorf("fault %q: expected NAME=VALUE, such as drop=1%%", item)
		}
		name = strings.TrimSpace(name)
		if err := f.set(name, strings.TrimSpace(value)); err != nil {
			return nil, fmt.Errorf("fault %s: %w", name, err)
		}
		if seen[name] {
			return nil, fmt.Errorf("fault %s is set twice in %q", name, text)
		}
		seen[name] = true
	}
	return f, nil
}

func (f *Faults) set(name, value string) (err error) {
	what, chance, with := strings.Cut(value, "@")
	share := 1.0
	if with {
		if share, err = units.ParseShare(chance); err != nil {
			return err
		}
	}
	switch name {
	case "drop":
		f.Drop, err = units.ParseShare(value)
	case "reset":
		f.Reset, err = units.ParseShare(value)
	case "delay":
		f.Delayed = share
		f.Delay, err = units.ParseDuration(what)
	case "status":
		f.Refused = share
		if f.Status, err = strconv.Atoi(what); err != nil || f.Status < 300 || f.Status > 599 {
			return fmt.Errorf("expected a status from 300 to 599, found %q", what)
		}
	case "slow":
		if f.Slow, err = units.ParseByteRate(value); err == nil && f.Slow < 1 {
			err = fmt.Errorf("invalid value %q: expected bytes per second above 0, such as 1MB/s", value)
		}
	case "rate":
		var rate units.Rate
		if rate, err = units.ParseRate(value); err == nil {
			f.Rate = rate.Float()
		}
		if err == nil && f.Rate == 0 {
			err = fmt.Errorf("invalid value %q: expected records per second above 0, such as 5000/s", value)
		}
	case "workers":
		if f.Workers, err = strconv.Atoi(value); err != nil || f.Workers < 1 {
			return fmt.Errorf("invalid value %q: expected requests at the same time, 1 or more", value)
		}
	case "outage":
		long, every, periodic := strings.Cut(value, " every ")
		if f.Outage, err = units.ParseDuration(strings.TrimSpace(long)); err != nil {
			return err
		}
		if periodic {
			if f.Every, err = units.ParseDuration(strings.TrimSpace(every)); err == nil && f.Every <= f.Outage {
				err = fmt.Errorf("an outage of %v every %v never ends", f.Outage, f.Every)
			}
		}
	default:
		return fmt.Errorf("unknown fault: expected drop, delay, status, reset, slow, rate, workers or outage")
	}
	return err
}

// down reports whether there is an outage at the given time since the start.
func (f *Faults) down(since time.Duration) bool {
	if f.Every > 0 {
		return since%f.Every >= f.Every-f.Outage
	}
	return since < f.Outage
}

// injectedFault holds the faults of one request.
type injectedFault struct {
	delay  time.Duration
	drop   bool
	status int // 0 means none
	reset  bool
	outage bool
}

// fault returns the fault for which the records of the request do not count as arrived,
// or "".
func (f injectedFault) fault() string {
	switch {
	case f.outage:
		return faultOutage
	case f.reset:
		return faultReset
	case f.status != 0:
		return faultStatus
	case f.drop:
		return faultDrop
	}
	return ""
}

// refusal returns the Refusal of a fault.
func (s *Server) refusal(fault string) Refusal {
	return Refusal{Why: s.o.Faults.Name(fault), Dropped: fault == faultDrop}
}

// rateLimit spaces what all connections of a server deliver. Idle time is not made up.
type rateLimit struct {
	mu   sync.Mutex
	next time.Time // when the records of the last reservation are taken
}

// reserve returns when a receiver with the given rate has taken n more records.
func (l *rateLimit) reserve(now time.Time, n uint64, rate float64) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next.Before(now) {
		l.next = now
	}
	l.next = l.next.Add(time.Duration(float64(n) / rate * float64(time.Second)))
	return l.next
}

// enlist waits until fewer requests than the fault workers allows are handled, and takes
// one of their places. It returns false if the client or the server is gone before that.
func (s *Server) enlist(gone <-chan struct{}) bool {
	return s.places == nil || s.occupy(s.places, gone)
}

// leave returns the place of a request.
func (s *Server) leave() {
	if s.places != nil {
		<-s.places
	}
}

// errGone reports that a request has no answer, since the client or the server ended.
var errGone = errors.New("the connection ended")

// limit waits until the records of a batch are taken, because of the fault rate. It
// returns errGone if gone or the server is closed before that: they are refused.
func (s *Server) limit(b *batch, gone <-chan struct{}) error {
	if s.o.Faults == nil || s.o.Faults.Rate == 0 {
		return nil
	}
	now := time.Now()
	if s.pause(s.rate.reserve(now, uint64(len(b.found))+b.foreign, s.o.Faults.Rate).Sub(now), gone) {
		return nil
	}
	s.sink.Refuse(s.refusal(faultRate), b.found)
	s.forget(b)
	return errGone
}

// faultInjector draws faults.
type faultInjector struct {
	faults *Faults // nil means none
	mu     sync.Mutex
	rng    *rand.Rand
}

func (d *faultInjector) draw() (f injectedFault) {
	if d.faults == nil {
		return f
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// All are always drawn, so that one probability does not affect the other draws.
	delayed, refused := d.rng.Float64() < d.faults.Delayed, d.rng.Float64() < d.faults.Refused
	f.reset = d.rng.Float64() < d.faults.Reset
	f.drop = d.rng.Float64() < d.faults.Drop
	if delayed {
		f.delay = d.faults.Delay
	}
	if refused {
		f.status = d.faults.Status
	}
	return f
}
