// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "renew the golden files and the pages in docs")

// The generated pages in docs are the output of `gdummy doc`. `make docs` renews them after
// a change to a table.
func TestDocs(t *testing.T) {
	for _, topic := range topics() {
		if !topic.page {
			continue
		}
		page := "../../docs/reference/" + topic.name + ".md"
		got, err := topic.print()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(page, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/reference/%s.md is not what `gdummy doc %s` prints; `make docs` renews it", topic.name, topic.name)
		}
	}
}
