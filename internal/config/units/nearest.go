// SPDX-License-Identifier: Apache-2.0

package units

import "strings"

// Nearest returns the most similar of names, or "" if none is similar. It ignores the
// case of given.
func Nearest(given string, names []string) string {
	given = strings.ToLower(given)
	best, bestDistance := "", len(given)/3+2
	for _, n := range names {
		if d := distance(given, n); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// Hint returns the end of an error about an unknown name: the nearest of the names, or
// else expected.
func Hint(name string, names []string, expected string) string {
	switch near := Nearest(name, names); {
	case near != "":
		return "; did you mean " + near + "?"
	case expected != "":
		return ": expected " + expected
	}
	return ""
}

// distance returns the number of insertions, deletions, substitutions and swaps of
// neighbours that change a to b (optimal string alignment).
func distance(a, b string) int {
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur := make([]int, len(b)+1)
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev = prev, cur
	}
	return prev[len(b)]
}
