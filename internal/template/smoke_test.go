package template

import (
	"fmt"
	"testing"
	"github.com/gdummy/gdummy/internal/value"
)

func TestSmoke(t *testing.T) {
	for _, s := range []string{sixFields,
		`{"a": 1, "b": [{{range int 1 3}}{{word}}{{end}}], {{if bool 0.5}}"c": true,{{end}} "d": {{if bool}}{{omit}}{{else}}"x{{int 1 6}}y"{{end}}, "{{word}}": {"x": {{(list 1 2.5 (dict "q" nil))}} } }`,
		`{{define "l"}}{"m":"{{method}}","n":{{.}}}{{end}}{"log":"{{json (fragment "l" 7)}}", "p": {{pad 80}}}`,
		`{{weight 1}}{"a":1}{{weight 3}}{"b":{{ (states 5 "created: paid 9, cancelled 1; paid: shipped; shipped: delivered") }}}`,
		`{"a": {{nme}}, "b": {{ int 5 }}, "c": {{ $x }} "d": 1, "e": {{ foo`,
		`{"a": {{nme}}, "b": {{ int 5 }}, "c": {{ $x }} "d": 1, "e": {{ "a" }} }`,
	} {
		p, err := Compile(Config{Body: Text{"template", s}, Seed: 1})
		if err != nil {
			fmt.Println(err)
			continue
		}
		for k := range uint64(3) {
			fmt.Println(string(value.OfRaw(p.AppendBody(nil, 1700000000e9, k)).AppendJSON(nil)))
		}
	}
}
