// SPDX-License-Identifier: Apache-2.0

package files

import (
	"os"
	"path/filepath"
	"testing"
)

// Files are the same by whatever path, also one that does not exist yet. Devices are not.
func TestSame(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "file", "absolute": at("file"), "dangling": "sub/../new", "loop": "loop", "folder": "sub"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{at("file"), at("sub/../file"), true},
		{at("file"), at("link"), true},
		{at("link"), at("absolute"), true},
		{at("file"), at("new"), false},
		{at("new"), at("dangling"), true},
		{at("sub/new"), at("folder/new"), true},
		{at("new"), at("other"), false},
		{at("missing/new"), at("missing/new"), false},
		{at("loop"), at("new"), false},
		{at("sub"), at("sub"), false},
		{os.DevNull, os.DevNull, false},
	} {
		if got := Identify(tt.a).Same(Identify(tt.b)); got != tt.want {
			t.Errorf("%s and %s: %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
	f, err := os.Open(at("link"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !IdentifyOpen(f).Same(Identify(at("file"))) {
		t.Error("an open file is not the same as its path")
	}
}
