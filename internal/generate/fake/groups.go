// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"slices"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

var groupNames = []string{"number", "index", "size", "last"}

// maxSizes is the maximum number of different sizes of groups: the order of a block with
// one group of each size is computed for any record of it.
const maxSizes = 1024

var groups = []Func{
	{
		Name: "group", Section: secState, Result: "row", Form: true,
		Example: `{{ $g := group 2 4 seq }}{"order": {{ $g.number }}, "line": {{ $g.index }}, "of": {{ $g.size }}}`,
		Doc: "The group that number N belongs to. The numbers from 0 on form groups of LOW to HIGH numbers in sequence, such as an order and its items, or an auction and its bids: " +
			"`group 2 4 seq` makes groups of two to four records. The row has `number` (of the group, from 0), `index` (of N in its group, from 0), `size`, and `last` (whether N is the last of its group). " +
			"All sizes are equally frequent: each block of HIGH-LOW+1 groups has one of each, in random order. A negative N belongs to no group, and the row is null.",
		Args: []Arg{{Name: "LOW", Type: Integer, Range: countable}, {Name: "HIGH", Type: Integer}, {Name: "N", Type: Integer, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			low, high, nth := c.int(0), c.int(1), c.Args[2].Gen
			if high < low || high >= low+maxSizes {
				return nil, argErr(1, "group: HIGH is %d, expected %d to %d", high, low, low+maxSizes-1)
			}
			c.Names = &groupNames
			sizes := high - low + 1
			records := sizes * (low + high) / 2 // of a block
			b := newBlock(slices.Repeat([]int{1}, int(sizes)))
			place := c.Place
			return func(r *Record) value.Value {
				n := nth(r).Int()
				if n < 0 {
					return value.Null
				}
				number := n / records
				b.order(seed.Combine(r.Stream+place, uint64(number)))
				number *= sizes
				n %= records
				size := int64(0)
				for _, item := range b.item {
					if size = low + int64(item); n < size {
						break
					}
					n -= size
					number++
				}
				start := len(r.Scratch)
				row := value.AppendInt(r.Scratch, number)
				row = value.AppendInt(value.AppendInt(row, n), size)
				r.Scratch = value.OfBool(n == size-1).Append(row)
				return r.row(start, &groupNames)
			}, nil
		},
	},
}
