// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
)

// Kind is a kind of failure.
type Kind uint8

// The kinds of failures, in the order in which they are reported.
const (
	Nothing    Kind = iota + 1
	Missing         // it should have arrived
	Leaked          // it should not have
	Duplicate       // it arrived too often
	WrongShare      // too many or too few arrived
	NoMember        // a member is not there
	WrongType       // the value is right, its type is not
	WrongValue      // the value is not right
	Extra           // a member should not be there
	Secret          // a secret is in the record
	Late            // it took too long
	Unknown         // what was sent cannot be computed again
	Foreign         // it has no identity
	Broken          // it cannot be read
)

// kindTexts has the name of each kind, and what happened to the records, if the name does not
// say it.
var kindTexts = [...]struct{ name, about string }{
	Nothing:    {"nothing expected", "no record is expected here, so nothing was tested"},
	Missing:    {"missing", "did not arrive"},
	Leaked:     {"leaked", "arrived, and should not have"},
	Duplicate:  {"duplicate", "arrived too often"},
	WrongShare: {"wrong share", "too many or too few records arrived"},
	NoMember:   {name: "no member"},
	WrongType:  {name: "wrong type"},
	WrongValue: {name: "wrong value"},
	Extra:      {name: "extra member"},
	Secret:     {name: "secret found"},
	Late:       {name: "late"},
	Unknown:    {"unchecked", "could not be compared"},
	Foreign:    {"no identity", "arrived without an identity"},
	Broken:     {name: "unreadable"},
}

// String returns the name of the kind.
func (k Kind) String() string { return kindTexts[k].name }

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Example is one record that failed.
type Example struct {
	Input    string `json:"input,omitempty"`
	Seq      uint64 `json:"record"`
	Sent     string `json:"sent,omitempty"`    // JSON
	Arrived  string `json:"arrived,omitempty"` // JSON
	Want     string `json:"want,omitempty"`
	Got      string `json:"got,omitempty"`
	Where    string `json:"where,omitempty"`    // the path of a secret
	Encoding string `json:"encoding,omitempty"` // of a secret
}

// Failure is all failures of one kind and field.
type Failure struct {
	Kind     Kind      `json:"kind"`
	Field    string    `json:"field,omitempty"`
	Count    uint64    `json:"count"`
	Examples []Example `json:"examples,omitempty"` // the first few
}

// Result is the verdict of one sink.
type Result struct {
	Sink     string    `json:"sink"`
	Expected uint64    `json:"expected"` // records
	Arrived  uint64    `json:"arrived"`
	Failures []Failure `json:"failures"`
}

// OK reports whether nothing failed.
func (r *Result) OK() bool { return len(r.Failures) == 0 }

// Print prints the failures.
func (r *Result) Print(w io.Writer) {
	for _, f := range r.Failures {
		head := f.Kind.String()
		if f.Field != "" {
			head += " " + f.Field
		}
		what := kindTexts[f.Kind].about
		if f.Kind != Nothing && f.Kind != WrongShare { // these count sinks, not records
			what = strings.TrimSpace(units.Plural(f.Count, "record") + " " + what)
		}
		fmt.Fprintf(w, "    %s: %s\n", head, what)
		for _, e := range f.Examples {
			e.print(w)
		}
	}
}

func (e *Example) print(w io.Writer) {
	if e.Input != "" {
		fmt.Fprintf(w, "        record %d of %s\n", e.Seq, e.Input)
	}
	for _, line := range [][2]string{{"sent", e.Sent}, {"arrived", e.Arrived}, {"want", e.Want}, {"got", e.Got}} {
		if line[1] != "" {
			fmt.Fprintf(w, "            %-8s %s\n", line[0], line[1])
		}
	}
	if e.Where != "" {
		fmt.Fprintf(w, "            %-8s %s (%s)\n", "in", e.Where, cmp.Or(e.Encoding, "as it is"))
	}
}
