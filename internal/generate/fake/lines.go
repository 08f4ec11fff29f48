// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// maxLine is the maximum length of a line of NDJSON, in bytes.
const maxLine = 16 << 20

// lines calls use with each line that is not empty, without the white space around it.
func (f *textFile) lines(use func(line int, text []byte) error) error {
	s := bufio.NewScanner(withoutMark(f))
	s.Buffer(make([]byte, 0, 1<<16), maxLine)
	line := 1
	for ; s.Scan(); line++ {
		text := bytes.TrimSpace(s.Bytes())
		if len(text) == 0 {
			continue
		}
		if !utf8.Valid(text) {
			return fmt.Errorf("line %d: %w", line, errNotUTF8)
		}
		if err := use(line, text); err != nil {
			return err
		}
	}
	if s.Err() == bufio.ErrTooLong {
		return fmt.Errorf("line %d: longer than %d MiB", line, maxLine>>20)
	}
	return s.Err()
}

// readNDJSON reads a file with one JSON object a line.
func readNDJSON(f *textFile) (*table, error) {
	t := new(table)
	err := f.lines(func(line int, text []byte) error {
		bodies, err := jsonbody.ParseStrict(string(text))
		if syn, ok := errors.AsType[*diag.Error](err); ok {
			return fmt.Errorf("line %d, column %d: %s", line, syn.Column, syn.Problem)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		for _, b := range bodies {
			t.add(b)
		}
		return nil
	})
	return t, err
}

// maxList is the maximum total size of the texts of a list, in bytes.
const maxList = 1 << 30

// list returns a file with one text a line, which all calls share.
func (e *Env) list(path string) (*pool, error) {
	if p := e.lists[path]; p != nil {
		return p, nil
	}
	f, err := e.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := new(pool)
	err = f.lines(func(line int, text []byte) error {
		if len(p.all)+len(text) > maxList {
			return fmt.Errorf("line %d: the lines have more than %d MiB", line, maxList>>20)
		}
		p.add(value.OfBytes(text))
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q: %w", path, err)
	case len(p.span) == 0:
		return nil, fmt.Errorf("%q has no lines", path)
	}
	put(&e.lists, path, p.end())
	return p, nil
}
