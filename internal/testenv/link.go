// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Link is a proxy of TCP whose connections are cut.
type Link struct {
	net.Listener
	to   string
	cuts atomic.Int64
	wg   sync.WaitGroup
}

// NewLink returns a link to an address. It calls cut for each connection, one after another:
// for how many bytes, to the address and from it, the connection lasts. A negative number
// has no limit.
func NewLink(to string, cut func() (up, down int64)) (*Link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &Link{Listener: l, to: to}
	k.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, down := cut()
			k.wg.Go(func() { k.connect(c, up, down) })
		}
	})
	return k, nil
}

// Cuts returns the number of connections that were cut.
func (k *Link) Cuts() int64 { return k.cuts.Load() }

// Close stops listening, and waits for the end of all connections.
func (k *Link) Close() error {
	err := k.Listener.Close()
	k.wg.Wait()
	return err
}

func (k *Link) connect(c net.Conn, up, down int64) {
	defer c.Close()
	s, err := net.Dial("tcp", k.to)
	if err != nil {
		return
	}
	defer s.Close()
	cut := make(chan bool, 2)
	pipe := func(to io.Writer, from io.Reader, most int64) {
		if most >= 0 {
			from = io.LimitReader(from, most)
		}
		n, _ := io.Copy(to, from)
		cut <- n == most
	}
	go pipe(s, c, up)
	go pipe(c, s, down)
	if <-cut {
		k.cuts.Add(1)
	}
}
