// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"regexp"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// At most one error in the JSON is reported for each object: later ones may be
// consequences of the first. After an error the compiler is lost: until the next
// object it checks only the actions.

// fail reports an error in the JSON and abandons the rest of the object.
func (c *compiler) fail(at int, format string, args ...any) {
	c.errorAt(at, format, args...)
	c.lost = true
}

// boundary matches the end of an object and the start of the next one. Elements of an
// array do not match: they are separated by commas.
var boundary = regexp.MustCompile(`\}[ \t\r]*\n\s*\{`)

// outermost reports whether the compiler is in the body and outside of fragments, ifs
// and loops. Only there a top-level object can begin after an error.
func (c *compiler) outermost() bool {
	return c.depth == 0 && c.fragments == 0 && c.in.Name == c.conf.Body.Name && !c.in.unbalanced && len(c.prog.code) < MaxCode
}

// resume looks for the next top-level object after an error. It returns its index in
// text, or the length of text.
func (c *compiler) resume(text string) int {
	if !c.outermost() {
		return len(text)
	}
	next := boundary.FindStringIndex(text)
	if next == nil {
		return len(text)
	}
	c.abandon()
	return next[1] - 1
}

// abandon ends an object that is incomplete because of an error.
func (c *compiler) abandon() {
	c.st = state{}
	c.lost = false
	c.endShape()
}

// where returns the line and column of an offset as text.
func (c *compiler) where(offset int) string {
	e := diag.Errorf(c.in.Text, offset, "")
	return fmt.Sprintf("line %d, column %d", e.Line, e.Column)
}

// standIn recovers from an error in an action by appending null where a value is
// expected.
func (c *compiler) standIn() {
	switch {
	case c.lost || c.st.inString() || c.st.place == inText:
	case c.st.wants():
		c.member()
		c.emitValue(constant(value.Null))
	default:
		c.lost = true
	}
}

// wants reports whether an action here must append a value.
func (s *state) wants() bool {
	return s.inString() || s.place == inText || s.place == atValue || s.place == atElem && s.comma != after
}
