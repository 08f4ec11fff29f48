// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"strings"
	"testing"
)

// Files are read as other programs write them. Errors have the line.
func TestFiles(t *testing.T) {
	for _, tt := range []struct{ why, name, text, want string }{
		{"names in quotes behind a byte order mark", "f.csv", "\ufeff\"name\",\"age:int\"\n\"Ada\",36\n", `{"name":"Ada","age":36}`},
		{"CRLF, quotes, commas and line feeds in cells", "f.csv", "a,b\r\n\"x, \"\"y\"\"\",\"1\n2\"\r\n", `{"a":"x, \"y\"","b":"1\n2"}`},
		{"spaces around names and types", "f.csv", " a , n : int \nx,1\n", `{"a":"x","n":1}`},
		{"a colon in a name", "f.csv", "a:b:string\nx\n", `{"a:b":"x"}`},
		{"a name that is empty", "f.csv", ",a\n0,x\n", `{"":"0","a":"x"}`},
		{"cells of all types", "f.csv", "i:int,f:float,b:bool,j:json,s:string\n-1,2.5,true,[1],\n", `{"i":-1,"f":2.5,"b":true,"j":[1],"s":""}`},
		{"empty cells that have a type", "f.csv", "i:int,j:json,s\n,,x\n", `{"i":null,"j":null,"s":"x"}`},
		{"a byte order mark before NDJSON", "f.ndjson", "\ufeff{\"a\":1}\r\n\n", `{"a":1}`},

		{"a type that does not exist", "f.csv", "name,age:integer\nx,1\n", `row: "f.csv": line 1: column "age": unknown type "integer"; did you mean int?`},
		{"a type that is misspelt", "f.csv", "age:flaot\n1\n", `row: "f.csv": line 1: column "age": unknown type "flaot"; did you mean float?`},
		{"a type that is like none", "f.csv", "age:decimal128\n1\n", `row: "f.csv": line 1: column "age": unknown type "decimal128": expected int, float, bool, json, string`},
		{"a name twice", "f.csv", "a,b,a:int\n1,2,3\n", `row: "f.csv": line 1: columns 1 and 3 are both named "a"`},
		{"semicolons", "f.csv", "name;age\nAda;36\n", `row: "f.csv": line 1: one column, "name;age": names and cells are separated by commas`},
		{"Latin-1", "f.csv", "name\nAda\nZo\xeb\n", "row: \"f.csv\": line 3, column name: not UTF-8; `iconv -f latin1 -t utf-8` converts a file from Latin-1"},
		{"UTF-16", "f.csv", "\xff\xfea\x00\n\x00", "row: \"f.csv\": it is UTF-16, expected UTF-8; `iconv -f UTF-16 -t utf-8` converts it"},
		{"Latin-1 in NDJSON", "f.ndjson", "{\"a\":1}\n{\"a\":\"Zo\xeb\"}\n", "row: \"f.ndjson\": line 2: not UTF-8; `iconv -f latin1 -t utf-8` converts a file from Latin-1"},
		{"a cell too many", "f.csv", "a,b\n1,2\n1,2,3\n", `row: "f.csv": line 3: expected 2 cells, one for each name in line 1, found 3`},
		{"a quotation mark within a cell", "f.csv", "a,b\n1,say \"hi\"\n", `row: "f.csv": line 2, column 7: quotation mark in a cell: quote the whole cell, and double its quotation marks`},
		{"a cell that is not closed", "f.csv", "a,b\n1,2\n\"1,2\n3,4\n", `row: "f.csv": line 4: the quoted cell that begins on line 3 is not closed, or text follows its closing quote`},
		{"no integer", "f.csv", "a:int\n1\n2.0\n", `row: "f.csv": line 3, column a: expected an integer, found "2.0"`},
		{"no rows", "f.csv", "a,b\n", `row: "f.csv" has no rows`},
		{"nothing", "f.csv", "", `row: "f.csv": the file is empty: expected a line with the names of the columns`},
		{"an array", "f.json", "[{\"a\":1}]", `row: "f.json": line 1, column 1: expected a JSON object, found an array`},
		{"a line without an end", "f.ndjson", "{\"a\":1}\n" + strings.Repeat("x", 17<<20), `row: "f.ndjson": line 2: longer than 16 MiB`},
		{"another file", "g.csv", "", `row: cannot open "f.csv": file does not exist`},
	} {
		name := tt.name
		if name == "g.csv" {
			name = "f.csv"
		}
		p, err := compileWith(`{"r": {{ row "`+name+`" }}}`, files{tt.name: tt.text})
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "template: line 1, column 14: ")
		} else {
			got = strings.TrimSuffix(strings.TrimPrefix(record(p, 0), `{"r":`), "}")
		}
		if got != tt.want {
			t.Errorf("%s: row of %q:\ngot\n%s\nwant\n%s", tt.why, tt.text[:min(len(tt.text), 80)], got, tt.want)
		}
	}
}

// A list has the lines of a file that are not empty, in the order of the file.
func TestLists(t *testing.T) {
	got := ""
	for _, v := range values(t, `line_cycle "towns.txt"`, 5) {
		got += v.S() + ","
	}
	if got != "Berlin,Lisbon,Nairobi,Osaka,Berlin," {
		t.Errorf("the lines are %s", got)
	}
	counts := map[string]int{}
	for _, v := range values(t, `line "towns.txt"`, 4000) {
		counts[v.S()]++
	}
	if len(counts) != 4 || min(counts["Berlin"], counts["Lisbon"], counts["Nairobi"], counts["Osaka"]) < 860 {
		t.Errorf("the lines came so often: %v", counts)
	}
	for text, want := range map[string]string{
		" \n\r\n":     `line: "l" has no lines`,
		"a\nZo\xeb\n": "line: \"l\": line 2: not UTF-8; `iconv -f latin1 -t utf-8` converts a file from Latin-1",
		"a\rb\rc":     `line: "l": its lines end in CR alone, expected LF or CRLF`,
	} {
		if _, err := compileWith(`{"r": {{ line "l" }}}`, files{"l": text}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
}
