// SPDX-License-Identifier: Apache-2.0

package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// work creates two directories, changes to the first, and returns both.
func work(t *testing.T) (here, conf string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here, conf = filepath.Join(dir, "here"), filepath.Join(dir, "conf")
	for _, d := range []string{here, conf} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(here)
	return here, conf
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The working directory comes first, then the configuration's.
func TestOpen(t *testing.T) {
	here, conf := work(t)
	write(t, filepath.Join(here, "both"), "here")
	write(t, filepath.Join(conf, "both"), "conf")
	write(t, filepath.Join(conf, "beside"), "conf")
	write(t, filepath.Join(conf, "data", "deep"), "conf")
	write(t, filepath.Join(conf, "dir"), "conf")
	if err := os.Mkdir(filepath.Join(here, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(conf, "fluent-bit.conf")
	for _, tt := range []struct {
		why, name, text, path string
		in                    Path
	}{
		{"both have it", "both", "here", "both", Beside(main)},
		{"beside the configuration", "beside", "conf", filepath.Join(conf, "beside"), Beside(main)},
		{"in a directory beside it", "data/deep", "conf", filepath.Join(conf, "data", "deep"), Beside(main)},
		{"a directory of that name is not the file", "dir", "conf", filepath.Join(conf, "dir"), Beside(main)},
		{"the configuration's path is relative", "beside", "conf", "../conf/beside", Beside("../conf/fluent-bit.conf")},
		{"an absolute name", filepath.Join(conf, "both"), "conf", filepath.Join(conf, "both"), Beside("fluent-bit.conf")},
		{"no configuration", "both", "here", "both", nil},
	} {
		text, path, err := tt.in.ReadFile(tt.name)
		if err != nil || string(text) != tt.text || path != tt.path {
			t.Errorf("%s: %q at %s, %v; want %q at %s", tt.why, text, path, err, tt.text, tt.path)
		}
		f, err := tt.in.Open(tt.name)
		if err != nil {
			t.Errorf("%s: %v", tt.why, err)
			continue
		}
		if text, err := io.ReadAll(f); err != nil || string(text) != tt.text {
			t.Errorf("%s: %q, %v", tt.why, text, err)
		}
		f.Close()
	}
}

// The error lists every path once, with the reason unless the file does not exist.
func TestError(t *testing.T) {
	here, conf := work(t)
	if err := os.Mkdir(filepath.Join(here, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(here, "file"), "")
	for _, tt := range []struct {
		why, name, want string
		in              Path
	}{
		{"nowhere", "x.tmpl", `cannot open "x.tmpl": tried HERE/x.tmpl, CONF/x.tmpl`, Beside("../conf/f.conf")},
		{"one directory", "x.tmpl", `cannot open "x.tmpl": tried HERE/x.tmpl`, Beside("f.conf")},
		{"the same directory by another name", "x.tmpl", `cannot open "x.tmpl": tried HERE/x.tmpl`, Beside("../here/f.conf")},
		{"no configuration", "x.tmpl", `cannot open "x.tmpl": tried HERE/x.tmpl`, nil},
		{"an absolute name", filepath.Join(conf, "x.tmpl"), `cannot open "CONF/x.tmpl": no such file or directory`, Beside("f.conf")},
		{"a directory", "dir", `cannot open "dir": tried HERE/dir (is a directory), CONF/dir`, Beside("../conf/f.conf")},
		{"below a file", "file/x", `cannot open "file/x": tried HERE/file/x (not a directory), CONF/file/x`, Beside("../conf/f.conf")},
	} {
		_, _, err := tt.in.ReadFile(tt.name)
		want := strings.NewReplacer("HERE", here, "CONF", conf).Replace(tt.want)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", tt.why, err, want)
		}
		if tt.why == "nowhere" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: it is not fs.ErrNotExist", tt.why)
		}
	}
}

// Append continues an existing file wherever it is found, and creates a new one in the
// working directory.
func TestAppend(t *testing.T) {
	here, conf := work(t)
	write(t, filepath.Join(conf, "beside"), "1")
	write(t, filepath.Join(conf, "both"), "1")
	write(t, filepath.Join(here, "both"), "1")
	in := Beside(filepath.Join(conf, "f.conf"))
	for name, want := range map[string]string{
		"beside": filepath.Join(conf, "beside"), "both": filepath.Join(here, "both"), "new": filepath.Join(here, "new"),
	} {
		before, _ := os.ReadFile(want)
		f, err := in.Append(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := f.WriteString("2"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f.Close()
		if text, err := os.ReadFile(want); err != nil || string(text) != string(before)+"2" {
			t.Errorf("%s: %s has %q, %v", name, want, text, err)
		}
	}
	_, err := in.Append("none/new")
	want := `cannot open "none/new": tried ` + filepath.Join(here, "none/new") + ", " + filepath.Join(conf, "none/new")
	if err == nil || err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v\nwant %s", err, want)
	}
}
