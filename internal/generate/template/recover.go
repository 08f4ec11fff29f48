// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"regexp"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// An object of the JSON has one error at most, its first: what follows it in the
// object may be a consequence. Until the next object the compiler is lost, and
// checks the actions alone.

// fail reports an error in the JSON. The rest of the object is not followed.
func (c *compiler) fail(at int, format string, args ...any) {
	c.errorAt(at, format, args...)
	c.lost = true
}

// boundary matches the end of an object and the start of the next one. In an
// array they would have a comma between them.
var boundary = regexp.MustCompile(`\}[ \t\r]*\n\s*\{`)

// outermost reports whether the compiler is in the body, outside of fragments,
// ifs and loops: only there an object can begin.
func (c *compiler) outermost() bool {
	return c.depth == 0 && c.fragments == 0 && c.in.Name == c.conf.Body.Name && !c.in.unbalanced && len(c.prog.code) < MaxCode
}

// resume returns where the next object begins in a text in which the compiler is
// lost, or the text's length.
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

// abandon leaves an object that is not complete because of an error.
func (c *compiler) abandon() {
	c.st = state{}
	c.lost = false
	c.endShape()
}

// where names a place in the text.
func (c *compiler) where(offset int) string {
	e := diag.Errorf(c.in.Text, offset, "")
	return fmt.Sprintf("line %d, column %d", e.Line, e.Column)
}

// standIn continues after an action with an error as if it had appended a value.
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
