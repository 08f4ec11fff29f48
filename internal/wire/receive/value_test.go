// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// Value receives each value of a request as it was sent, and the sink what has none: an
// identity in text, lines of others and broken input. A request that cannot be read is
// refused as a whole.
func TestValues(t *testing.T) {
	data, each := events(t, event.V2, 0, 3)
	text := lines(each)
	rows := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	message := func(packed []byte, options ...string) []byte {
		b := msgp.AppendArrayHeader(nil, 2+uint32(len(options)/2))
		b = msgp.AppendBytes(msgp.AppendString(b, "tag"), packed)
		for i := 0; i < len(options); i += 2 {
			b = msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(b, 1), options[i]), options[i+1])
		}
		return b
	}
	id := bytes.Split(rows[2], []byte(`"`))
	inText := append([]byte("id="), id[len(id)-2]...)
	for _, tt := range []struct {
		why, kind string
		body      []byte
		want      [][]byte
		others    string // unchecked, foreign and broken
	}{
		{"lines", "http", text, rows, "0 0 0"},
		{"an array", "http", fmt.Appendf(nil, "[%s,\n%s]", rows[0], rows[1]), rows[:2], "0 0 0"},
		{"compressed", "http", gz(text), rows, "0 0 0"},
		{"MessagePack", "http", data, each, "0 0 0"},
		{"a line of others", "http", fmt.Appendf(nil, "%s\nhello\n", rows[0]), rows[:1], "0 1 0"},
		{"an identity in text", "http", fmt.Appendf(nil, "%s\n%s\n", rows[0], inText), rows[:1], "1 0 0"},
		{"a cut line", "http", append(append([]byte{}, rows[0]...), "\n{\"a\":1,\n"...), rows[:1], "0 0 1"},
		{"cut", "http", gz(text)[:40], nil, "0 0 0"},
		{"lines over TCP", "tcp", text, rows, "0 0 0"},
		{"forward, compressed", "forward", message(gz(data), "compressed", "gzip"), each, "0 0 0"},
		{"forward", "forward", message(data), each, "0 0 0"},
	} {
		var mu sync.Mutex
		var got [][]byte
		k := newSink()
		s := listen(t, tt.kind, k, Options{Value: func(v []byte, arrival time.Time) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, bytes.Clone(v))
		}})
		if tt.kind == "http" {
			if _, err := post(t, s, tt.body); err != nil {
				t.Fatal(err)
			}
		} else {
			c := dial(t, s)
			if _, err := c.Write(tt.body); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
				mu.Lock()
				n := len(got)
				mu.Unlock()
				if n >= len(tt.want) {
					break
				}
			}
		}
		s.Close()
		mu.Lock()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", tt.why, diff)
		}
		mu.Unlock()
		if others := fmt.Sprint(k.count(recordscan.Unchecked), k.count(recordscan.Foreign), k.broken); others != tt.others {
			t.Errorf("%s: others %s, want %s", tt.why, others, tt.others)
		}
	}
}
