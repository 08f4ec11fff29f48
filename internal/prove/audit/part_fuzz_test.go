// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/binary"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Any file is read as parts or refused, and what is read has a verdict. With sealed, the
// data is the two halves of a part of a valid frame, so that the fuzzer need not find
// checksums.
func FuzzParts(f *testing.F) {
	file := partOf(f, Options{}, Part{Sources: []Source{{"a", 1}}, Shard: 1, Shards: 2}, func(a *Auditor) {
		for k := range uint64(200) {
			a.Take(recordid.ID{Run: 1, Seq: k * 7 % 150, Time: 1e18 + int64(k)}, recordscan.State(1+k%4), 1e18+int64(k)*1e6)
		}
		a.Refuse(a.Refused("status=503", false, true, false), recordid.ID{Run: 2, Seq: 70000, Time: 5})
		a.Foreign(3)
	})
	f.Add(file, 0, false)
	f.Add(file[:len(file)-1], 0, false)
	about := int(binary.LittleEndian.Uint64(file[partHead-16:]))
	f.Add(file[partHead:len(file)-8], about, true)
	f.Fuzz(func(t *testing.T, data []byte, about int, sealed bool) {
		if sealed {
			about = max(0, min(about, len(data)))
			b := []byte(partName + partVersion)
			b = binary.LittleEndian.AppendUint64(b, uint64(about))
			b = binary.LittleEndian.AppendUint64(b, uint64(len(data)-about))
			b = append(b, data...)
			data = binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
		}
		v, err := merged(Options{Memory: 4 << 20}, data)
		if err != nil {
			return
		}
		if _, err := merged(Options{Memory: 4 << 20}, file, data); err != nil && !sealed {
			return
		}
		_ = Limits{}.Faults(v)
		_ = verdictJSON(t, v)
	})
}
