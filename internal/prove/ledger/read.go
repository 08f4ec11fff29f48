// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Ledger is the contents of a ledger file.
type Ledger struct {
	Streams []*Stream // in the order of their first lines
	Lines   int       // number of valid lines
	Bad     int       // number of complete lines that are not valid
	Torn    bool      // the last line is incomplete
}

// ReadFile reads the ledger at path.
func ReadFile(path string) (*Ledger, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// ErrNoLedger reports that no line of a file is a ledger's.
var ErrNoLedger = errors.New("not a ledger: no line has a valid checksum")

// Read reads a ledger. It counts damaged lines and ignores them otherwise.
func Read(r io.Reader) (*Ledger, error) {
	l := new(Ledger)
	byID := map[string]*Stream{}
	br := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := readLine(br)
		if err != nil && err != io.EOF {
			return nil, err
		}
		torn := err == io.EOF
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			switch {
			case l.line(line, byID):
				l.Lines++
			case torn:
				l.Torn = true
			default:
				l.Bad++
			}
		}
		if torn {
			break
		}
	}
	if l.Lines == 0 && l.Bad > 0 {
		return nil, ErrNoLedger
	}
	for _, s := range l.Streams {
		s.tidy()
	}
	return l, nil
}

// Is reports whether text is the beginning of a ledger: it has at least one valid
// line.
func Is(text []byte) bool {
	l, byID := new(Ledger), map[string]*Stream{}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if l.line(string(line), byID) {
			return true
		}
	}
	return false
}

// maxLine is the maximum size, in bytes, of a ledger's line.
const maxLine = 1 << 14

// readLine reads a line. It truncates one that is too long.
func readLine(br *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if len(line) <= maxLine {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return string(line), err
		}
	}
}

// line adds one line and reports whether it is valid.
func (l *Ledger) line(line string, byID map[string]*Stream) bool {
	i := strings.LastIndex(line, " #")
	if i < 0 || len(line)-i != 10 {
		return false
	}
	sum, err := strconv.ParseUint(line[i+2:], 16, 32)
	if err != nil || crc32.Checksum([]byte(line[:i]), castagnoli) != uint32(sum) {
		return false
	}
	f, ok := parseFields(line[:i])
	if !ok {
		return false
	}
	run, err := recordid.ParseRun(f.text["run"])
	instance := f.number("instance")
	if err != nil || f.err != nil || instance > recordid.MaxInstance {
		return false
	}
	id := fmt.Sprint(run, instance)
	s := byID[id]
	if s == nil {
		s = &Stream{Run: run, Instance: uint16(instance), First: f.time}
	}
	before := *s
	if !s.add(f) {
		*s = before
		return false
	}
	if byID[id] == nil {
		byID[id] = s
		l.Streams = append(l.Streams, s)
	}
	return true
}

// add adds a line of the stream, and reports whether it is valid.
func (s *Stream) add(f *fields) bool {
	s.Last = f.time
	switch f.word {
	case wordOpen:
		s.Name, s.Key, s.Place, s.Opened, s.Open = f.text["name"], f.text["key"], f.text["in"], f.time, f.text
		s.Events = append(s.Events, Event{Time: f.time, Word: wordOpen})
	case wordAccepted:
		if f.text["from"] != "" {
			e := Entry{Range: f.span(), Until: f.time}
			var err error
			if e.Since, err = time.Parse(time.RFC3339Nano, f.text["since"]); err != nil {
				return false
			}
			s.Accepted = append(s.Accepted, e)
		}
		s.totals(f)
	case wordRefused:
		s.Refused = append(s.Refused, f.span())
	case wordClose:
		s.Closed = f.time
		s.End = Totals{f.number("accepted"), f.number("refused")}
		s.totals(f)
		if text, ok := f.text["unsent"]; ok && text != unknown {
			s.Unsent = Unsent{Ends: true, Known: true, N: f.number("unsent")}
			if s.Unsent.N > recordid.MaxSeq {
				return false
			}
		} else {
			s.Unsent = Unsent{Ends: ok}
		}
		s.Events = append(s.Events, Event{Time: f.time, Word: wordClose})
	case wordControl:
		c := &Change{f.number("record"), f.number("scheduled"), f.text["state"]}
		s.Events = append(s.Events, Event{f.time, wordControl, c})
	default:
		s.Events = append(s.Events, Event{Time: f.time, Word: f.word})
	}
	return f.err == nil
}

// totals sets the totals from those of a line.
func (s *Stream) totals(f *fields) {
	s.Shortfall = f.number("shortfall")
	if _, ok := f.text["ingested"]; ok {
		s.Ingested, s.Counted = f.number("ingested"), true
	}
}

// fields are the parts of a line.
type fields struct {
	time time.Time
	word string
	text map[string]string
	err  error
}

func parseFields(line string) (*fields, bool) {
	at, rest, _ := strings.Cut(line, " ")
	word, rest, _ := strings.Cut(rest, " ")
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil || word == "" {
		return nil, false
	}
	f := &fields{time: t, word: word, text: map[string]string{}}
	for rest != "" {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, false
		}
		var value string
		if strings.HasPrefix(after, `"`) {
			quoted, err := strconv.QuotedPrefix(after)
			if err != nil {
				return nil, false
			}
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, false
			}
			rest = strings.TrimPrefix(after[len(quoted):], " ")
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		f.text[name] = value
	}
	return f, true
}

func (f *fields) number(name string) uint64 {
	n, err := strconv.ParseUint(f.text[name], 10, 64)
	if err != nil {
		f.err = err
	}
	return n
}

func (f *fields) span() Range {
	r := Range{f.number("from"), f.number("to")}
	if f.err == nil && (r.To < r.From || r.To > recordid.MaxSeq) {
		f.err = fmt.Errorf("invalid range %d to %d", r.From, r.To)
	}
	return r
}
