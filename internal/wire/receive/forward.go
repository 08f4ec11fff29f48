// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// selfName is the receiver's host name in the handshake.
const selfName = "gdummy"

// errProtocol reports that a client does not speak the forward protocol.
var errProtocol = errors.New("not a message of the forward protocol")

// messages reads MessagePack values from a connection.
type messages struct {
	intake
	c     net.Conn
	l     limits
	begun func(bool) // called when a message begins (true), and when it is complete or failed
	given int        // size of the last message, at the beginning of buf
	any   bool       // a message was complete
}

// next returns the next value. It is valid until the next call.
func (m *messages) next() ([]byte, error) {
	f := msgpack.NewFrame()
	var since time.Time
	for {
		if m.n > m.given {
			if since.IsZero() {
				since = time.Now()
				m.begun(true)
				defer m.begun(false)
			}
			switch size, err := f.Next(m.buf[m.given:m.n], m.max); err {
			case nil:
				msg := m.buf[m.given : m.given+size]
				m.given += size
				m.any = true
				return msg, nil
			case msgpack.ErrShort:
			case msgpack.ErrTooLarge:
				return nil, errLarge
			default:
				return nil, errProtocol
			}
		}
		m.drop(m.given)
		m.given = 0
		if err := m.more(m.c, m.l, !m.any, since); err != nil {
			if err == io.EOF && m.n > 0 {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// forward serves a connection with the forward protocol.
func (s *Server) forward(c net.Conn) error {
	m := s.newMessages(c)
	defer m.close()
	if s.o.SharedKey != "" {
		if err := s.handshake(m); err != nil {
			return err
		}
	}
	for {
		msg, err := m.next()
		if err != nil {
			if r, ours := s.cause(guardOf(c), err); ours && m.n > m.given {
				s.sink.Refuse(r, identities(m.buf[m.given:m.n]))
			}
			return err
		}
		s.requests.Add(1)
		if msg[0] == 0xc0 {
			continue // a heartbeat
		}
		if more, err := s.answer(c, msg); err != nil || !more {
			return err
		}
	}
}

// answer processes a message and acknowledges it. more is false if a fault, or the end of
// the server, ends the connection.
func (s *Server) answer(c net.Conn, msg []byte) (more bool, err error) {
	s.active.Add(1)
	defer s.active.Add(-1)
	guard := guardOf(c)
	var chunk []byte
	f, err := s.handle(guard.gone, func(b *batch) (err error) {
		chunk, err = s.message(msg, b)
		return err
	})
	switch {
	case errors.Is(err, errGone):
		return false, nil
	case err != nil:
		s.sink.Refuse(Refusal{Why: whyUnreadable(err), Partly: true}, identities(msg))
		return false, err
	}
	guard.served.Store(true)
	switch {
	case f.reset || f.outage:
		guard.reset()
		return false, nil
	case f.status != 0:
		return false, nil // closed without an answer
	case chunk != nil:
		ack := msgp.AppendMapHeader(nil, 1)
		ack = msgp.AppendString(ack, "ack")
		ack = append(ack, chunk...)
		if err := c.SetWriteDeadline(time.Now().Add(s.l.silence)); err != nil {
			return false, err
		}
		if _, err := c.Write(ack); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (s *Server) newMessages(c net.Conn) *messages {
	return &messages{intake: intake{room: s.room, max: s.l.request}, c: c, l: s.l, begun: func(begun bool) {
		if begun {
			s.active.Add(1)
		} else {
			s.active.Add(-1)
		}
	}}
}

// message parses a message into b. It returns the chunk to acknowledge, in MessagePack, or
// nil if there is none.
//
//	Message        [tag, time, record, option?]
//	Forward        [tag, [[time, record], ...], option?]
//	PackedForward  [tag, events, option?]
func (s *Server) message(msg []byte, b *batch) (chunk []byte, err error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(msg)
	if err != nil || n < 2 || n > 4 {
		return nil, errProtocol
	}
	var tag []byte
	if tag, rest, err = msgp.ReadStringZC(rest); err != nil {
		return nil, errProtocol
	}
	b.tag = tag
	entries := rest
	if rest, err = msgpack.Skip(rest); err != nil {
		return nil, errProtocol
	}
	entries = entries[:len(entries)-len(rest)]
	used := uint32(2)
	var events []byte
	packed := false
	switch kind := msgp.NextType(entries); {
	case kind == msgp.BinType:
		packed = true
		events, _, err = msgp.ReadBytesZC(entries)
	case kind == msgp.StrType:
		packed = true
		events, _, err = msgp.ReadStringZC(entries)
	case kind == msgp.ArrayType && !isEventTime(entries):
		_, events, err = msgp.ReadArrayHeaderBytes(entries)
	default:
		// An event consists of the time, which may have metadata, and the record.
		record := rest
		rest, err = msgpack.Skip(rest)
		events = append(append([]byte{0x92}, entries...), record[:len(record)-len(rest)]...)
		used++
	}
	if err != nil || n < used {
		return nil, errProtocol
	}
	compressed := ""
	if n > used {
		if chunk, compressed, err = options(rest); err != nil {
			return nil, err
		}
	}
	if !packed {
		compressed = ""
	}
	return chunk, s.unpack(b, events, compressed)
}

// isEventTime reports whether an array is [time, metadata], not a list of events.
func isEventTime(entries []byte) bool {
	_, rest, err := msgp.ReadArrayHeaderBytes(entries)
	return err == nil && len(rest) > 0 && msgp.NextType(rest) != msgp.ArrayType
}

// options parses the options of a message.
func options(b []byte) (chunk []byte, compressed string, err error) {
	if msgp.NextType(b) == msgp.NilType {
		return nil, "", nil
	}
	n, rest, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, "", errProtocol
	}
	for range n {
		var name []byte
		if name, rest, err = msgp.ReadMapKeyZC(rest); err != nil {
			return nil, "", errProtocol
		}
		value := rest
		if rest, err = msgpack.Skip(rest); err != nil {
			return nil, "", errProtocol
		}
		value = value[:len(value)-len(rest)]
		switch string(name) {
		case "chunk":
			if len(value) > 1024 {
				return nil, "", errProtocol
			}
			chunk = bytes.Clone(value)
		case "compressed":
			if compressed, _, err = msgp.ReadStringBytes(value); err != nil {
				return nil, "", errProtocol
			}
		}
	}
	return chunk, compressed, nil
}

// unpack scans events, which may be compressed.
func (s *Server) unpack(b *batch, data []byte, compressed string) error {
	plain := compressed == "" || compressed == "text"
	switch {
	case s.o.Events != nil && plain:
		b.events = data
		return nil
	case s.o.Events != nil && s.o.Value == nil:
		return fmt.Errorf("compressed with %q, which is not expanded here", compressed)
	}
	switch compressed {
	case "", "text":
		return b.scan.Bytes(data)
	case "gzip", "zstd":
		if recordscan.IsCompressed(data) {
			return b.scan.Bytes(data)
		}
		return fmt.Errorf("declared as compressed with %q, but it is not", compressed)
	}
	return fmt.Errorf("compressed with %q, expected gzip or zstd", compressed)
}

// handshake verifies that the client knows the shared key.
func (s *Server) handshake(m *messages) error {
	nonce := make([]byte, 16)
	rand.Read(nonce)
	helo := msgp.AppendArrayHeader(nil, 2)
	helo = msgp.AppendString(helo, "HELO")
	helo = msgp.AppendMapHeader(helo, 3)
	helo = msgp.AppendString(helo, "nonce")
	helo = msgp.AppendBytes(helo, nonce)
	helo = msgp.AppendString(helo, "auth")
	helo = msgp.AppendString(helo, "")
	helo = msgp.AppendString(helo, "keepalive")
	helo = msgp.AppendBool(helo, true)
	// With TLS, the first bytes include its handshake.
	if err := m.c.SetDeadline(time.Now().Add(m.l.first)); err != nil {
		return err
	}
	if _, err := m.c.Write(helo); err != nil {
		return err
	}
	// ["PING", hostname, salt, digest, user, password]
	ping, err := m.next()
	if err != nil {
		return err
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(ping)
	if err != nil || n != 6 {
		return errProtocol
	}
	var parts [4][]byte
	for i := range parts {
		switch msgp.NextType(rest) {
		case msgp.StrType:
			parts[i], rest, err = msgp.ReadStringZC(rest)
		case msgp.BinType:
			parts[i], rest, err = msgp.ReadBytesZC(rest)
		default:
			return errProtocol
		}
		if err != nil {
			return errProtocol
		}
	}
	if string(parts[0]) != "PING" {
		return errProtocol
	}
	host, salt, digest := parts[1], parts[2], parts[3]
	want := keyDigest(salt, host, nonce, s.o.SharedKey)
	ok := subtle.ConstantTimeCompare([]byte(want), digest) == 1
	pong := msgp.AppendArrayHeader(nil, 5)
	pong = msgp.AppendString(pong, "PONG")
	pong = msgp.AppendBool(pong, ok)
	if ok {
		pong = msgp.AppendString(pong, "")
	} else {
		pong = msgp.AppendString(pong, "shared_key mismatch")
	}
	pong = msgp.AppendString(pong, selfName)
	pong = msgp.AppendString(pong, keyDigest(salt, []byte(selfName), nonce, s.o.SharedKey))
	if _, err := m.c.Write(pong); err != nil {
		return err
	}
	if !ok {
		s.sink.Refuse(Refusal{Why: whyKey, Partly: true}, nil)
		return errors.New("the client has a different shared key")
	}
	return nil
}

// keyDigest returns the digest that proves knowledge of the shared key.
func keyDigest(salt, host, nonce []byte, key string) string {
	h := sha512.New()
	h.Write(salt)
	h.Write(host)
	h.Write(nonce)
	io.WriteString(h, key)
	return hex.EncodeToString(h.Sum(nil))
}
