// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// A path has the values that an audit looks at, too: names may have dots, lists have no
// names, and texts may be JSON.
func TestEachAt(t *testing.T) {
	for path, want := range map[string]string{
		"a":       `1`,
		"b":       ``,
		"b.c":     `"x" "y"`,
		"b.c.d":   ``,
		"k8s.a":   `1`,
		"k8s.a.b": `2`,
		"l":       `1 2 3`,
		"m.n":     `4 5`,
		"log":     `"{\"n\":{\"x\":6}}"`,
		"log.n.x": `6`,
		"log.n":   ``,
		"":        ``,
		"ab":      ``,
		"a.":      ``,
		"none":    `null`,
	} {
		maps, err := jsonbody.Parse(`{"a":1,"b":{"c":["x","y"]},"k8s.a":1,"k8s":{"a":{"b":2}},"l":[1,[2,3]],"m":[{"n":4},{"n":5}],"log":"{\"n\":{\"x\":6}}","none":null}`)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		eachAt(maps[0], path, func(v []byte) bool {
			first, _ := value.First(string(v))
			got = append(got, string(first.AppendJSON(nil)))
			return true
		})
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", path, diff)
		}
	}
}

// A path continues below a member only after its whole name.
func TestPlaceBelow(t *testing.T) {
	for _, c := range []struct{ path, name, want string }{
		{"a.time", "a", "time"}, {"a.b.time", "a.b", "time"}, {"a.b.time", "a", "b.time"},
		{"atime.x", "a", ""}, {"a", "a", ""}, {"a.", "a", ""}, {"b.time", "a", ""},
	} {
		at, _ := place{key: c.path, arrivedAt: c.path}.below([]byte(c.name))
		if diff := cmp.Diff([]string{c.want, c.want}, []string{at.key, at.arrivedAt}); diff != "" {
			t.Errorf("%s below %s (-want +got):\n%s", c.path, c.name, diff)
		}
	}
}
