// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The configuration file is found on the command line as getopt_long finds it there.
func TestConfigFlag(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", ""},
		{"-c a.conf", "a.conf"},
		{"-ca.conf", "a.conf"},
		{"--config a.conf", "a.conf"},
		{"--config=a.conf", "a.conf"},
		{"--conf a.conf", "a.conf"},
		{"--con=a.conf", "a.conf"},
		{"--co=a.conf", ""}, // --coro_stack_size as well
		{"--configs=a.conf", ""},
		{"-qc a.conf", "a.conf"},
		{"-vvca.conf", "a.conf"},
		{"-c a.conf -c b.conf", "b.conf"},
		{"-c a.conf --config=b.conf", "b.conf"},
		{"-e gdummy.so -c a.conf -q", "a.conf"},
		{"-i gdummy -p -c -o null", ""},
		{"-p dummy=-c -i x", ""},
		{"-pc a.conf", ""}, // a property
		{"-t c -f 1", ""},
		{"-C calyptia -c a.conf", "a.conf"},
		{"stray -c a.conf", "a.conf"},
		{"-c a.conf -- -c b.conf", "a.conf"},
		{"-c", ""},
		{"--config", ""},
		{"-q -", ""},
	} {
		if got := configFlag(strings.Fields(tt.args)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.args, got, tt.want)
		}
	}
}

// ConfigFile reads the process's own command line, whose relative paths begin at the
// working directory.
func TestConfigFile(t *testing.T) {
	if os.Getenv("CONFIG_FILE_CHILD") != "" {
		path, ok := ConfigFile()
		if ok {
			os.Stdout.WriteString(path)
		}
		os.Exit(0)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"--config=sub/a.conf": filepath.Join(dir, "sub", "a.conf"), "-c/etc/a b.conf": "/etc/a b.conf", "-q": "",
	} {
		// The test's own flags end at the first argument that is none.
		cmd := exec.Command(os.Args[0], "-test.run=^TestConfigFile$", "stray", arg)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CONFIG_FILE_CHILD=1")
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%s: %q, %v; want %q", arg, out, err, want)
		}
	}
}

func FuzzConfigFlag(f *testing.F) {
	f.Add("-c\x00a.conf\x00--config=b.conf")
	f.Add("-qc\x00--\x00-")
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\x00")
		got := configFlag(args)
		if got == "" {
			return
		}
		for _, arg := range args {
			if strings.HasSuffix(arg, got) {
				return
			}
		}
		t.Errorf("%q is neither an argument nor the end of one in %q", got, args)
	})
}
