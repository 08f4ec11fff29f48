// SPDX-License-Identifier: Apache-2.0

package recordid

// Appender makes the identities of the records of one instance. It keeps the text of
// the last identity and rewrites the parts that change, which is faster than
// [ID.Append].
type Appender struct {
	id   ID
	text [Size]byte
}

// NewAppender returns an appender for an instance of a run, from 0 to MaxInstance.
func NewAppender(run Run, instance uint16) *Appender {
	a := &Appender{id: ID{Run: run, Instance: instance & MaxInstance}}
	a.id.Append(a.text[:0])
	return a
}

// SetTime sets the moment at which the following records are due, in nanoseconds since
// 1970. A negative one becomes 0.
func (a *Appender) SetTime(t int64) {
	if t = max(t, 0); t != a.id.Time {
		a.id.Time = t
		put(a.text[30:43], uint64(t))
	}
}

// SetSum sets the sum of the body of the following records.
func (a *Appender) SetSum(s Sum) {
	a.id.Sum = s
	put(a.text[44:51], s.Hash)
	put(a.text[51:52], s.tail())
}

// Text returns the identity of the record with the given number, at most MaxSeq. It
// is valid until the next call.
func (a *Appender) Text(seq uint64) []byte {
	a.id.Seq = seq
	put(a.text[19:29], seq)
	put(a.text[52:55], a.id.check())
	return a.text[:]
}
