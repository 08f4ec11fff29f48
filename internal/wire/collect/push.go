// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PushOptions configures a [Pusher].
type PushOptions struct {
	To    string         // the address of the collector
	Token string         // of the collector
	Roots *x509.CertPool // that sign its certificate; nil means those of the system
	Name  string         // under which the ledgers are stored
	Paths []string       // files, and directories whose ledgers are pushed
	Every time.Duration  // interval of the search for new lines
	Log   func(line string)
}

// Sizes and times of a pusher.
const (
	chunk     = 256 << 10 // bytes of a request
	answerMax = 4 << 10   // bytes of an answer
	patience  = 30 * time.Second
	recheck   = 10 * time.Second       // interval of the question whether all is still stored
	firstWait = 100 * time.Millisecond // after a failure; it doubles
	lastWait  = 5 * time.Second
	graceWait = 500 * time.Millisecond // at most, when little time is left
)

// Pusher pushes ledgers to a collector. Its memory does not depend on their size.
type Pusher struct {
	o       PushOptions
	base    string
	client  *http.Client
	ledgers map[string]*pushed // by ID
	failed  string             // the last error that was logged; "" if the last push had none
	check   bool               // ask for each ledger, also if it has nothing new
	buf     []byte
}

// pushed is what the collector has confirmed of a ledger.
type pushed struct {
	size  int64
	sum   hash.Hash // of the file up to size
	cut   bool      // the collector has other bytes after size
	asked time.Time // when it answered last
}

// NewPusher returns a pusher.
func NewPusher(o PushOptions) (*Pusher, error) {
	u, err := parseAddress(o.To)
	if err != nil {
		return nil, err
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("invalid address %q: expected a host", o.To)
	}
	if err := CheckName(o.Name); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		MaxIdleConns: 1, IdleConnTimeout: time.Minute,
	}
	return &Pusher{
		o: o, base: u.Scheme + "://" + u.Host + route, ledgers: map[string]*pushed{}, buf: make([]byte, chunk),
		client: &http.Client{
			Timeout: patience, Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Run pushes what the ledgers have, and what is appended to them, until stop is closed.
// Then it pushes what they have at that moment, for at most grace. It returns an error if the
// collector has not confirmed all of it.
func (p *Pusher) Run(stop <-chan struct{}, grace time.Duration) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-stop
		cancel()
	}()
	_ = p.follow(ctx, false)
	p.check = true
	ctx, cancel = context.WithTimeout(context.Background(), grace)
	defer cancel()
	defer p.client.CloseIdleConnections()
	return p.follow(ctx, true)
}

// Confirmed returns how many ledgers have been pushed, and their size in bytes.
func (p *Pusher) Confirmed() (ledgers int, size int64) {
	for _, l := range p.ledgers {
		size += l.size
	}
	return len(p.ledgers), size
}

// follow pushes repeatedly until the context is done or, with once, until all is
// confirmed. After failures it waits longer each time, but with once not for long.
func (p *Pusher) follow(ctx context.Context, once bool) (failed error) {
	wait, longest := firstWait, lastWait
	if once {
		longest = graceWait
	}
	for {
		err := p.Push(ctx)
		if err == nil || ctx.Err() == nil || failed == nil {
			failed = err // not that the context is done
		}
		if err == nil && once {
			return nil
		}
		pause := p.o.Every
		if err == nil {
			wait = firstWait
		} else {
			pause = wait/2 + rand.N(wait/2)
			wait = min(2*wait, longest)
		}
		if ctx.Err() == nil {
			p.report(err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return failed
		}
	}
}

// report logs an error that differs from the one before, and its end.
func (p *Pusher) report(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == p.failed:
	case text == "":
		p.o.Log("everything is confirmed")
	default:
		p.o.Log(text)
	}
	p.failed = text
}

// Push pushes what the ledgers have now. It returns nil if all of it is confirmed.
func (p *Pusher) Push(ctx context.Context) error {
	paths, errs := p.find()
	for _, path := range paths {
		err := p.pushFile(ctx, path)
		if err == nil {
			continue
		}
		errs = append(errs, fmt.Errorf("%s: %w", path, err))
		if _, ok := errors.AsType[*url.Error](err); ok {
			break // it would fail for the others, too
		}
	}
	if len(errs) == 0 && len(p.ledgers) == 0 {
		errs = append(errs, fmt.Errorf("no ledger in %s yet", strings.Join(p.o.Paths, ", ")))
	}
	return errors.Join(errs...)
}

// find returns the files that are ledgers.
func (p *Pusher) find() (paths []string, errs []error) {
	for _, root := range p.o.Paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				paths = append(paths, path)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a ledger may not exist yet
			errs = append(errs, err)
		}
	}
	return paths, errs
}

// attempts is how often a ledger is resumed in one push.
const attempts = 3

// pushFile pushes the rest of a file, if it is a ledger.
func (p *Pusher) pushFile(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) { // renamed since it was found
			return nil
		}
		return err
	}
	defer f.Close()
	head := p.buf[:maxFirst]
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	id, ok := identify(head[:n])
	if !ok {
		return nil
	}
	for range attempts {
		l := p.ledgers[id]
		if l == nil {
			if l, err = p.resume(ctx, f, id); err != nil {
				return err
			}
			p.ledgers[id] = l
		}
		if err = p.pushRest(ctx, f, id, l); !errors.Is(err, errDiffers) {
			return err
		}
		delete(p.ledgers, id)
	}
	return err
}

// pushRest pushes a file from where its ledger is confirmed. It returns errDiffers if the
// collector has something else.
func (p *Pusher) pushRest(ctx context.Context, f *os.File, id string, l *pushed) error {
	for {
		n, err := f.ReadAt(p.buf, l.size)
		switch {
		case err != nil && err != io.EOF:
			return err
		case n == 0:
			return p.recheck(ctx, f, id, l)
		}
		data := p.buf[:n]
		got, err := p.put(ctx, id, l, data)
		if err != nil {
			return err
		}
		l.cut = false
		l.sum.Write(data)
		l.size += int64(n)
		if got != l.state() {
			return errDiffers
		}
		l.asked = time.Now()
	}
}

// recheck asks from time to time whether the collector still has what it has confirmed: its
// directory may be a new one.
func (p *Pusher) recheck(ctx context.Context, f *os.File, id string, l *pushed) error {
	if info, err := f.Stat(); err != nil || info.Size() < l.size {
		return errors.Join(err, errDiffers)
	}
	if !p.check && time.Since(l.asked) < recheck {
		return nil
	}
	got, err := p.get(ctx, id, l.size)
	var transport *url.Error
	switch {
	case p.check && errors.As(err, &transport):
		return nil // an audit that is complete ends before its pushers
	case err == nil && got != l.state():
		return errDiffers
	case err == nil:
		l.asked = time.Now()
	}
	return err
}

// state returns what the collector should have.
func (l *pushed) state() stored { return stored{l.size, hex.EncodeToString(l.sum.Sum(nil))} }

// resume asks what the collector has of a ledger, and returns the longest prefix of the file
// that is the same.
func (p *Pusher) resume(ctx context.Context, f *os.File, id string) (*pushed, error) {
	got, err := p.get(ctx, id, -1)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	same, different := int64(0), min(got.Size, info.Size())+1
	for next := different - 1; same < different-1; next = same + (different-same)/2 {
		theirs, err := p.get(ctx, id, next)
		if err != nil {
			return nil, err
		}
		ours, err := prefix(f, next)
		switch {
		case err != nil:
			return nil, err
		case ours.state() == theirs:
			same = next
		default:
			different = next
		}
	}
	l, err := prefix(f, same)
	if err != nil {
		return nil, err
	}
	l.asked = time.Now()
	if l.cut = same < min(got.Size, info.Size()); l.cut {
		p.o.Log(fmt.Sprintf("%s: the collector has other bytes after %d: they are replaced", f.Name(), same))
	} else if same > 0 && same < info.Size() {
		p.o.Log(fmt.Sprintf("%s: continues after %d bytes", f.Name(), same))
	}
	return l, nil
}

// prefix returns the state of the first bytes of a file.
func prefix(f *os.File, size int64) (*pushed, error) {
	l := &pushed{sum: sha256.New()}
	n, err := io.Copy(l.sum, io.NewSectionReader(f, 0, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	l.size = n
	return l, err
}

// get asks what the collector has of a ledger, of its first size bytes if size is not
// negative.
func (p *Pusher) get(ctx context.Context, id string, size int64) (stored, error) {
	address := p.base + id
	if size >= 0 {
		address += fmt.Sprintf("?size=%d", size)
	}
	return p.do(ctx, http.MethodGet, address, nil)
}

// put appends data to a ledger. It returns errDiffers if the offset is not the stored size.
func (p *Pusher) put(ctx context.Context, id string, l *pushed, data []byte) (stored, error) {
	address := fmt.Sprintf("%s%s?name=%s&offset=%d", p.base, id, url.QueryEscape(p.o.Name), l.size)
	if l.cut {
		address += "&cut=1"
	}
	return p.do(ctx, http.MethodPut, address, data)
}

func (p *Pusher) do(ctx context.Context, method, address string, data []byte) (got stored, err error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(data))
	if err != nil {
		return got, err
	}
	r.Header.Set("Authorization", "Bearer "+p.o.Token)
	sum := sha256.Sum256(data)
	r.Header.Set(sumHeader, hex.EncodeToString(sum[:]))
	resp, err := p.client.Do(r)
	if err != nil {
		var transport *url.Error
		if errors.As(err, &transport) { // without its long address
			transport.Op, transport.URL = "collector", p.o.To
		}
		return got, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	switch {
	case err != nil:
		return got, &url.Error{Op: "collector", URL: p.o.To, Err: err}
	case resp.StatusCode == http.StatusConflict:
		return got, errDiffers
	case resp.StatusCode != http.StatusOK:
		return got, fmt.Errorf("collector %s: %s: %s", p.o.To, resp.Status, strings.TrimSpace(string(answer)))
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return got, fmt.Errorf("collector %s: unexpected answer: %w", p.o.To, err)
	}
	return got, nil
}
