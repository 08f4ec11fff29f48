// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

var start = time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)

// verdict returns the verdict on a run with losses, a reload and a name with HTML in
// it.
func verdict(seconds int) *audit.Verdict {
	when := func(k int) time.Time { return start.Add(time.Duration(k) * 10 * time.Millisecond) }
	n := seconds * 100
	st := &ledger.Stream{Run: 77, Name: `<script>alert("x")</script>`, Closed: when(n), Ingested: uint64(n),
		Events: []ledger.Event{{Time: when(n / 2), Word: "reload"}, {Time: when(n / 3), Word: "pause"}}}
	st.Accepted = []ledger.Entry{{Range: ledger.Range{From: 0, To: uint64(n - 1)}, Since: when(0), Until: when(n)}}
	a := audit.New(audit.Options{Ledgers: []*ledger.Ledger{{Streams: []*ledger.Stream{st}}}})
	for k := range n / 2 { // another instance
		a.Take(recordid.ID{Run: 77, Instance: 3, Seq: uint64(k), Time: when(k).UnixNano()}, recordscan.Intact, when(k+5).UnixNano())
	}
	for k := range n {
		if k%997 > 990 || k > n/2 && k < n/2+n/20 {
			continue
		}
		latency := time.Duration(3+k%50+k*k%997) * time.Millisecond
		a.Take(recordid.ID{Run: 77, Seq: uint64(k), Time: when(k).UnixNano()}, recordscan.Intact, when(k).Add(latency).UnixNano())
	}
	return a.Verdict()
}

// The page is well-formed and self-contained, and escapes its input.
func TestWrite(t *testing.T) {
	for _, v := range []*audit.Verdict{verdict(120), verdict(1), audit.New(audit.Options{}).Verdict(), made(8000, 1, all), made(3000, 50, none)} {
		var b strings.Builder
		if err := Write(&b, Page{Verdict: v, Faults: audit.Limits{}.Faults(v), Made: start, Version: "1.0"}); err != nil {
			t.Fatal(err)
		}
		wellFormed(t, b.String())
	}
}

// wellFormed checks that a page is well-formed and needs nothing else.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	for _, bad := range []string{"<script", "http://", "https://", "NaN", "Inf", "ZgotmplZ", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
	_, body, _ := strings.Cut(page, "</head>")
	d := xml.NewDecoder(strings.NewReader("<html>" + body))
	d.Strict = true
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
	}
}

// The page lists the injected faults and the effect of each.
func TestRefusals(t *testing.T) {
	a := audit.New(audit.Options{Faults: "status=503@40%, drop=1%", Seed: "<7>"})
	a.Expect("status=503@40%", false)
	a.Expect("drop=1%", true)
	for k := range uint64(2000) {
		id := recordid.ID{Run: 1, Seq: k, Time: start.UnixNano()}
		if k < 1500 {
			a.Refuse(a.Refused("status=503@40%", false, false, k%100 > 0), id)
		}
		if k >= 1200 && k < 1202 {
			a.Refuse(a.Refused("drop=1%", true, true, false), id)
		}
		if k > 1300 {
			a.Take(id, recordscan.Intact, 0)
		}
	}
	v := a.Verdict()
	var b strings.Builder
	if err := Write(&b, Page{Verdict: v, Faults: audit.Limits{Unknown: -1}.Faults(v), Made: start}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<h1 class="bad">Faults: 1,299 lost, 2 withheld</h1>`, `; the receiver refused all of the lost, for status=503@40%; `,
		`injected faults: <code>status=503@40%, drop=1%</code>, seed <code>&lt;7&gt;</code>`,
		`<tr><td>status=503@40%</td><td>15</td><td>0</td><td>1,500</td><td class="bad">1,299</td><td>0</td></tr>`,
		`<tr><td>drop=1%</td><td>2</td><td>2</td><td>2</td><td>0</td><td class="bad">2</td></tr>`,
		`<small>accepted, but did not arrive; the receiver refused 1,299</small>`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// A run of less than a second has no rate, neither in the text nor in a chart.
func TestBrief(t *testing.T) {
	for _, c := range []struct {
		n, streams int
		lost       func(int) bool
		rate       bool
	}{{900, 1, none, false}, {900, 3, some, false}, {1000, 1, none, false}, {1002, 1, none, true}, {3000, 2, some, true}, {8000, 1, but1, true}} {
		v := made(c.n, c.streams, c.lost)
		var b strings.Builder
		if err := Write(&b, Page{Verdict: v, Made: start}); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		for _, x := range []struct {
			text string
			has  bool
		}{
			{`<h2>Records per second</h2>`, c.rate}, {`aria-label="records per second over time"`, c.rate}, {`records per second: `, c.rate && c.streams > 1},
			{`<h2>Records</h2>`, !c.rate}, {`aria-label="records over time"`, !c.rate},
		} {
			if strings.Contains(page, x.text) != x.has {
				t.Errorf("%d records in each of %d streams: contains %s: got %v, want %v", c.n, c.streams, x.text, !x.has, x.has)
			}
		}
	}
}

// The headline does not claim more than is known.
func TestHeadline(t *testing.T) {
	open := audit.New(audit.Options{})
	open.Take(recordid.ID{Run: 1, Time: start.UnixNano()}, recordscan.Intact, 0)
	for want, v := range map[string]*audit.Verdict{
		`<h1 class="good">Clean</h1>`:                              made(3000, 2, none),
		`<h1 class="open">Clean, as far as is known</h1>`:          open.Verdict(),
		`<h1 class="bad">Faults: 75 lost</h1>`:                     made(3000, 1, some),
		`; a run has no ledger, so losses at its end are unknown.`: open.Verdict(),
	} {
		var b strings.Builder
		if err := Write(&b, Page{Verdict: v, Faults: audit.Limits{Unknown: -1}.Faults(v), Made: start}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s: %s", want, regexp.MustCompile(`(?s)<h1.*?</p>`).FindString(b.String()))
		}
	}
}
