// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Maker makes the records of one run again, from its ledger and their identities.
// It is not for use by several goroutines at once.
type Maker struct {
	config *engine.Config
	source engine.Source
	buf    []byte
	last   body // of buf
}

// body is the MessagePack of a body.
type body []byte

// Truth is the known origin of the records of a run.
type Truth struct {
	Options option.Lookup // of the input
	Files   files.Path    // where its files are looked for
	Version string        // of gdummy; "" is a development version
}

// RefusedError reports that the records of a run cannot be made again, because what
// made them has changed.
type RefusedError struct {
	Name   string // of the input
	Reason string
}

// Error returns one line.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the records of %s cannot be computed again: %s", e.Name, e.Reason)
}

// NewMaker returns the maker of the records of a run. It returns a [*RefusedError] if
// the version, the template or a file is not what made them.
//
// Expressions have the syntax of templates, and the variables of the template; see
// [Maker.Value]. An error in one is an [option.Errors].
func NewMaker(run *ledger.Stream, truth Truth, expressions ...template.Text) (*Maker, error) {
	refuse := func(format string, args ...any) (*Maker, error) {
		return nil, &RefusedError{run.Name, fmt.Sprintf(format, args...)}
	}
	if run.Opened.IsZero() {
		return refuse("the ledger has no line open of the run %s", run.Run)
	}
	origin, err := engine.ParseOrigin(run.Open)
	if err != nil {
		return refuse("the line open of the ledger: %v", err)
	}
	if sent := run.Open["version"]; !sameVersion(sent, truth.Version) {
		return refuse("version %s of gdummy sent them, this is %s", cmp.Or(sent, "devel"), cmp.Or(truth.Version, "devel"))
	}
	config, _, err := engine.ConfigureWith(func(name string) (string, bool) {
		switch name {
		case "seed":
			return origin.Seed, true
		case "stream_id":
			return origin.Stream, true
		case "ledger", "audit":
			return "", false
		}
		return truth.Options(name)
	}, truth.Files, expressions)
	if err != nil {
		return nil, err
	}
	now := config.Origin()
	if now.Template != origin.Template {
		return refuse("the template or the options of the input have changed since")
	}
	for _, name := range slices.Sorted(maps.Keys(origin.Files)) {
		if now.Files[name] != origin.Files[name] {
			return refuse("the file %s has changed since", name)
		}
	}
	if len(expressions) > 0 && config.Program == nil {
		return refuse("the records of a replay have no variables, which the expectations use")
	}
	return &Maker{config: config, source: config.Source(origin)}, nil
}

// sameVersion reports whether two versions make the same records, as far as is known:
// all development versions count as the same one, because they have no number.
func sameVersion(a, b string) bool { return a == b || isDevel(a) && isDevel(b) }

func isDevel(version string) bool {
	return version == "" || strings.HasPrefix(version, "devel") || strings.HasPrefix(version, "v0.0.0-")
}

// Event makes the record of an identity again, without the identity, and reports
// whether it is the one that was sent: whether its body has the sum in the identity.
// It is not if the environment changed an option while records were made. The event is
// valid until the next call.
func (m *Maker) Event(form event.Form, id recordid.ID) (ev []byte, ok bool) {
	m.buf = m.source.Append(m.buf[:0], form, id.Time, id.Seq)
	_, b, err := event.Split(m.buf, form)
	if m.last = b; err != nil {
		return m.buf, false
	}
	sum, err := recordid.SumBody(b)
	return m.buf, err == nil && sum == id.Sum
}

// Value returns the value of an expression for the record that Event has made last.
// The dot of the expression is the body that arrived. The value is valid until the
// next call of Event.
func (m *Maker) Value(i int, arrived []byte) value.Value {
	return m.config.Program.Expression(i, value.OfRaw(arrived))
}
