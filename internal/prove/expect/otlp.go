// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// appendPlain appends a value with each list of keys and values of OpenTelemetry's JSON
// as the map that it represents: [{"key":"a","value":{"intValue":"1"}}] is {"a":1}.
func appendPlain(dst, v []byte) []byte {
	h := msgpack.Read(v)
	switch h.Kind {
	case msgpack.Map:
		all := appendMembers(nil, v)
		if len(all) == 1 {
			if plain, ok := appendAny(dst, string(all[0].name), all[0].value); ok {
				return plain
			}
		}
		dst = msgp.AppendMapHeader(dst, uint32(len(all)))
		for _, m := range all {
			dst = appendPlain(msgp.AppendStringFromBytes(dst, m.name), m.value)
		}
		return dst
	case msgpack.Array:
		elements := appendElements(nil, v)
		if pairs, ok := appendPairs(dst, elements); ok {
			return pairs
		}
		dst = msgp.AppendArrayHeader(dst, uint32(len(elements)))
		for _, e := range elements {
			dst = appendPlain(dst, e)
		}
		return dst
	}
	return append(dst, v...)
}

// appendAny appends an AnyValue, {"intValue":"1"}, and reports whether it is one.
func appendAny(dst []byte, kind string, v []byte) ([]byte, bool) {
	h := msgpack.Read(v)
	switch kind {
	case "stringValue", "bytesValue", "boolValue", "doubleValue":
		return append(dst, v...), true
	case "intValue":
		if h.Kind != msgpack.String {
			return append(dst, v...), true
		}
		n, err := strconv.ParseInt(string(v[h.Size:]), 10, 64)
		return value.AppendInt(dst, n), err == nil
	case "kvlistValue":
		list, _ := field(v, "values")
		if elements := appendElements(nil, list); len(elements) > 0 {
			return appendPairs(dst, elements)
		}
		return msgp.AppendMapHeader(dst, 0), h.Kind == msgpack.Map
	case "arrayValue":
		list, _ := field(v, "values")
		elements := appendElements(nil, list)
		dst = msgp.AppendArrayHeader(dst, uint32(len(elements)))
		for _, e := range elements {
			dst = appendPlain(dst, e)
		}
		return dst, h.Kind == msgpack.Map
	}
	return dst, false
}

// timeOfOTLP returns the time of a log record.
func timeOfOTLP(record []byte) int64 {
	v, _ := field(record, "timeUnixNano")
	text, ok := scalar(v, msgpack.Read(v))
	n, err := strconv.ParseInt(string(text), 10, 64)
	if !ok || err != nil {
		return noTime
	}
	return n
}

// appendPairs appends a list of keys and values as a map, and reports whether it is one.
func appendPairs(dst []byte, elements [][]byte) ([]byte, bool) {
	if len(elements) == 0 {
		return dst, false
	}
	dst = msgp.AppendMapHeader(dst, uint32(len(elements)))
	for _, e := range elements {
		pair := appendMembers(nil, e)
		key, ok := pair.field("key")
		if !ok || len(pair) > 2 || msgpack.Read(key).Kind != msgpack.String {
			return dst, false
		}
		v, ok := pair.field("value")
		if !ok {
			v = []byte{0xc0} // a value that is not set
		}
		dst = appendPlain(append(dst, key...), v)
	}
	return dst, true
}
