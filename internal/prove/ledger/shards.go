// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// MissingShards returns the shards of which no run is among the streams, each as "i/n of
// stream ID", or "i-j/n of stream ID" for a range, while other shards of the same stream are.
func MissingShards(streams []*Stream) (missing []string) {
	type key struct{ seed, stream, shards string }
	seen := map[key]map[uint64]bool{}
	var order []key
	for _, s := range streams {
		text, shards, ok := strings.Cut(s.Open["shard"], "/")
		i, err := strconv.ParseUint(text, 10, 32)
		if !ok || err != nil {
			continue // a damaged line, or an older version
		}
		k := key{s.Open["seed"], s.Open["stream"], shards}
		if seen[k] == nil {
			seen[k] = map[uint64]bool{}
			order = append(order, k)
		}
		seen[k][i] = true
	}
	for _, k := range order {
		n, err := strconv.ParseUint(k.shards, 10, 32)
		if err != nil {
			continue
		}
		next := uint64(0)
		for _, i := range append(slices.Sorted(maps.Keys(seen[k])), n) {
			switch {
			case i > n || i < next:
				continue
			case i == next+1:
				missing = append(missing, fmt.Sprintf("%d/%d of stream %s", next, n, k.stream))
			case i > next:
				missing = append(missing, fmt.Sprintf("%d-%d/%d of stream %s", next, i-1, n, k.stream))
			}
			next = i + 1
		}
	}
	return missing
}

// Settled reports whether nothing is expected to follow in any of the streams: each is
// whole, or a later run of the same shard took its place. There is at least one.
func Settled(streams []*Stream) bool {
	for _, s := range streams {
		if s.Whole() && !s.Reloaded() {
			continue
		}
		if !slices.ContainsFunc(streams, s.FollowedBy) {
			return false
		}
	}
	return len(streams) > 0
}

// CompletedBy reports whether another run sent all that this one, which was stopped early,
// was to send: the same records, up to their end. After a reload, any later run of the input
// takes its place.
func (s *Stream) CompletedBy(other *Stream) bool {
	if other.Run == s.Run {
		return false
	}
	if s.Reloaded() && s.FollowedBy(other) {
		return true
	}
	for _, field := range []string{"first", "step", "copies", "seed", "stream", "shard", "template", "files", "disorder", "irregular", "broken"} {
		if s.Open[field] != other.Open[field] {
			return false
		}
	}
	return s.Open != nil && s.Name == other.Name && other.AtEnd() && other.Given()+other.Shortfall >= s.Given()+s.Shortfall+s.Unsent.N
}

// FollowedBy reports whether another run is a later one of the same shard of the same
// stream.
func (s *Stream) FollowedBy(next *Stream) bool {
	return next.Run != s.Run && next.Name == s.Name && !next.Opened.Before(s.Last) &&
		next.Open["stream"] == s.Open["stream"] && next.Open["shard"] == s.Open["shard"]
}
