package option

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "renew the golden files")

// The page in the repository is what the command prints: whoever changes the
// table renews it with `go test ./internal/option -update`.
func TestMarkdownPage(t *testing.T) {
	const page = "../../docs/options.md"
	got := Markdown()
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
		t.Errorf("%s is not what the table gives; `go test ./internal/option -update` renews it", page)
	}
}
