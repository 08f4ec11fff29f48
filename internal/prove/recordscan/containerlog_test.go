// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/recordid"
)

// cutInPieces splits text into pieces of n bytes, and makes a line of each.
func cutInPieces(text string, n int, line func(piece string, last bool) string) string {
	var b strings.Builder
	for len(text) > n {
		b.WriteString(line(text[:n], false))
		text = text[n:]
	}
	b.WriteString(line(text, true))
	return b.String()
}

// A long line is scanned as it was written, wherever the runtime split it, including
// within identities and at spaces.
func TestContainerPieces(t *testing.T) {
	const sent = `{"message":"a  b c"}`
	var records, want, enriched []string
	for i := range uint64(400) {
		records = append(records, fmt.Sprintf(`{"message":"a  b c", "gdummy":"%s"}`, id(t, i, sent)))
		want = append(want, fmt.Sprint(i, " intact"))
		enriched = append(enriched, fmt.Sprint(i, " enriched"))
	}
	array := "[" + strings.Join(records, ",") + "]"

	// Lines of stderr may occur between the pieces.
	got, broken := scan(Options{}, cutInPieces(array, 1001, func(piece string, last bool) string {
		tag := "P"
		if last {
			tag = "F"
		}
		return "2026-11-26T12:00:00.5Z stdout " + tag + " " + piece + "\n2026-11-26T12:00:00.5Z stderr F [info] a line\n"
	}))
	stderr := got[:0:0]
	kept := got[:0:0]
	for _, g := range got {
		if g == "foreign" {
			stderr = append(stderr, g)
		} else {
			kept = append(kept, g)
		}
	}
	if d := cmp.Diff(want, kept); d != "" || broken != 0 || len(stderr) != len(array)/1001+1 {
		t.Errorf("containerd: %d broken, %d of stderr\n%s", broken, len(stderr), d)
	}

	for _, end := range []string{"\n", ""} {
		got, broken = scan(Options{}, cutInPieces(array, cutAt, func(piece string, last bool) string {
			if last {
				piece += end
			}
			text, err := json.Marshal(piece)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf(`{"log":%s,"stream":"stdout","attrs":{"tag":"x"},"time":"2026-11-26T12:00:00.5Z"}`+"\n", text)
		}))
		if d := cmp.Diff(enriched, got); d != "" || broken != 0 {
			t.Errorf("docker, end %q: %d broken\n%s", end, broken, d)
		}
	}
}

// Endless pieces need no more memory than a record of the maximum size.
func TestContainerPiecesAreBounded(t *testing.T) {
	s := New(Options{MaxRecord: 1 << 16, Take: func(recordid.ID, State, int64) {}})
	s.Text([]byte(strings.Repeat("2026-11-26T12:00:00Z stdout P "+strings.Repeat("x", 1000)+"\n", 1000)))
	if n := s.Size(); n > 1<<18 {
		t.Errorf("%d bytes kept", n)
	}
	s.Trim()
	refused := 0
	s = New(Options{Take: func(recordid.ID, State, int64) {}, Reserve: func(int) bool { refused++; return false }})
	s.Text([]byte(strings.Repeat("2026-11-26T12:00:00Z stdout P "+strings.Repeat("x", 1000)+"\n", 1000)))
	if n := s.Size(); n > 1<<12 || refused == 0 {
		t.Errorf("%d bytes, refused %d times", n, refused)
	}
}
