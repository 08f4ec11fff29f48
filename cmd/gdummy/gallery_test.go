// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Each template of the gallery is in its index, and makes the records that the file
// beside it has.
func TestGallery(t *testing.T) {
	templates, err := filepath.Glob("../../examples/gallery/*.tmpl")
	if err != nil || len(templates) < 20 {
		t.Fatalf("%d templates, want 20 or more (%v)", len(templates), err)
	}
	index, err := os.ReadFile("../../examples/gallery/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range templates {
		name := strings.TrimSuffix(filepath.Base(file), ".tmpl")
		if !bytes.Contains(index, []byte("\n| ["+name+"]("+name+".tmpl) |")) {
			t.Errorf("the index does not have %s", name)
		}
		t.Run(name, func(t *testing.T) {
			first := []int{0}
			if name == "materialize-auctions" {
				first = []int{0, 75, 4075, 4150} // of each table
			}
			lines := bytes.SplitAfter(makeRecords(t, file, first[len(first)-1]+8).readable(t), []byte("\n"))
			var shown []byte
			for _, i := range first {
				shown = append(shown, bytes.Join(lines[i:i+8], nil)...)
			}
			compare(t, strings.TrimSuffix(file, ".tmpl")+".records.txt", shown)
		})
	}
}

// makeRecords makes the first n records of a template.
func makeRecords(t *testing.T, file string, n int) *collector {
	t.Helper()
	options := map[string]string{
		"template_file": filepath.Base(file), "seed": "1", "rate": "unlimited", "start_time": "2026-11-01T00:00:00Z", "max_records": strconv.Itoa(n),
	}
	configure := func() (*engine.Config, error) {
		c, _, err := engine.Configure(func(name string) (string, bool) {
			text, ok := options[name]
			return text, ok
		}, files.Beside(file))
		return c, err
	}
	c, err := configure()
	if err == nil && c.Program.Lives() == nil {
		options["time_step"] = "1s"
		c, err = configure()
	}
	if err != nil {
		t.Fatal(err)
	}
	h := new(collector)
	e := engine.New(c, engine.Options{Form: event.V2, Now: func() time.Time { return time.Unix(0, start) }})
	for !e.Finished() {
		e.Run(h)
	}
	return h
}

// The sensors are in turn, and each value is the one before plus -1 to 1.
func TestGallerySensors(t *testing.T) {
	values := map[string]float64{}
	var first float64
	lines := bytes.Split(bytes.TrimSpace(makeRecords(t, "../../examples/gallery/shadowtraffic-sensors.tmpl", 1000).readable(t)), []byte("\n"))
	for i, line := range lines {
		var r struct {
			SensorID  string
			Timestamp time.Time
			Value     float64
		}
		decodeRecord(t, line, &r)
		if want := fmt.Sprintf("sensor-%d", i%5); r.SensorID != want || r.Timestamp.Unix() != time.Date(2026, 11, 1, 0, 0, i, 0, time.UTC).Unix() {
			t.Fatalf("record %d is %s", i, line)
		}
		if i < 5 {
			first += r.Value / 5
		} else if math.Abs(r.Value-values[r.SensorID]) > 1 {
			t.Fatalf("record %d goes from %v to %v", i, values[r.SensorID], r.Value)
		}
		values[r.SensorID] = r.Value
	}
	if len(lines) != 1000 || math.Abs(first-50) > 5 {
		t.Errorf("%d records, that begin around %v", len(lines), first)
	}
}

// Each row of the three tables is there once. Then each auction is followed by its two to
// nine bids, of users that exist.
func TestGalleryAuctions(t *testing.T) {
	const organizations, users, auctions = 75, 4000, 80
	rows := map[string]int{} // by table
	bids := map[int]int{}    // auctions by how many they have
	var end time.Time
	lines := bytes.Split(bytes.TrimSpace(makeRecords(t, "../../examples/gallery/materialize-auctions.tmpl", 2*organizations+users+auctions/8*52).readable(t)), []byte("\n"))
	since := 0 // bids since the last auction
	for i, line := range lines {
		var r struct {
			Table, Name, Item string
			ID, Seller, Buyer int
			Balance, Amount   int
			OrgID             int       `json:"org_id"`
			AuctionID         int       `json:"auction_id"`
			EndTime           time.Time `json:"end_time"`
			BidTime           time.Time `json:"bid_time"`
		}
		decodeRecord(t, line, &r)
		rows[r.Table]++
		n, ok := rows[r.Table], false
		switch r.Table {
		case "organizations":
			ok = r.ID == n && i < organizations && r.Name != ""
		case "users":
			ok = r.ID == n && i < organizations+users && r.OrgID == (n-1)%organizations+1 && r.Name != ""
		case "accounts":
			ok = r.ID == n+42 && i < 2*organizations+users && r.OrgID == n && r.Balance == 10000
		case "auctions":
			ok = r.ID == n && r.Seller >= 1 && r.Seller <= users && r.Item != "" && (n == 1 || since >= 2)
			bids[since]++
			end, since = r.EndTime, 0
		case "bids":
			ok = r.AuctionID == rows["auctions"] && r.ID == 10*r.AuctionID+since && r.Buyer >= 1 && r.Buyer <= users &&
				r.Amount >= 1 && r.Amount <= 99 && r.BidTime.Add(10*time.Second).Equal(end.Add(time.Duration(since)*time.Second))
			since++
		}
		if !ok {
			t.Fatalf("record %d, row %d of its table, is %s", i, n, line)
		}
	}
	bids[since]++
	for n := 2; n <= 9; n++ {
		if bids[n] != auctions/8 {
			t.Errorf("of %d auctions, so many have 2 to 9 bids: %v", auctions, bids)
			break
		}
	}
	if want := map[string]int{"organizations": 75, "users": 4000, "accounts": 75, "auctions": auctions, "bids": auctions / 8 * 44}; !maps.Equal(rows, want) {
		t.Errorf("rows: %v, want %v", rows, want)
	}
}

// decodeRecord decodes the JSON of a readable record.
func decodeRecord(t *testing.T, line []byte, into any) {
	t.Helper()
	_, body, _ := bytes.Cut(line, []byte(" "))
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

// collector is a host that keeps what an engine makes.
type collector struct{ events []byte }

func (h *collector) Wait(time.Time) bool { return false }

func (h *collector) Buffer() []byte { return nil }

func (h *collector) Emit(_ string, _ int, events []byte) { h.events = append(h.events, events...) }

// readable returns a line for each record: its time and its body as JSON.
func (h *collector) readable(t *testing.T) []byte {
	t.Helper()
	var b []byte
	for len(h.events) > 0 {
		ev, rest, err := event.Decode(h.events)
		if err != nil {
			t.Fatal(err)
		}
		b = time.Unix(0, ev.Time).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000000Z ")
		b = append(value.OfRaw(ev.Body).AppendJSON(b), '\n')
		h.events = rest
	}
	return b
}
