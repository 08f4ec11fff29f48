// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// installed are the files of a package, with their modes, but for manual pages and for
// those whose place depends on the distribution.
const installed = `/usr/bin/gdummy -rwxr-xr-x
/usr/lib/fluent-bit/gdummy.so -rwxr-xr-x
/usr/share/bash-completion/completions/gdummy -rw-r--r--
/usr/share/doc/gdummy/BUILD.json -rw-r--r--
/usr/share/doc/gdummy/CHANGELOG.md -rw-r--r--
/usr/share/doc/gdummy/README.md -rw-r--r--
/usr/share/fish/vendor_completions.d/gdummy.fish -rw-r--r--
`

// wantFiles returns installed with manual pages and further files, in order.
func wantFiles(pages []string, more ...string) string {
	lines := strings.Split(strings.TrimSpace(installed), "\n")
	for _, name := range pages {
		more = append(more, "/usr/share/"+name)
	}
	for _, name := range more {
		lines = append(lines, name+" -rw-r--r--")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// manPages returns the manual pages that the source has, such as man/man1/gdummy.1.gz.
func manPages(t *testing.T, r *built) (pages []string) {
	t.Helper()
	list := exec.Command("go", "run", "./cmd/gdummy", "doc", "man-pages")
	list.Dir, list.Env = r.root, append(os.Environ(), "GOFLAGS=-mod=readonly", "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		pages = append(pages, "man/man"+filepath.Ext(name)[1:]+"/"+name+".gz")
	}
	if !slices.Contains(pages, "man/man1/gdummy-audit.1.gz") || !slices.Contains(pages, "man/man5/gdummy-options.5.gz") {
		t.Errorf("manual pages: %q", pages)
	}
	return pages
}

// The archive has one directory, and its times are that of the commit.
func testArchive(t *testing.T, r *built) {
	file := r.file(t, "*-linux-amd64.tar.gz")
	dir := strings.TrimSuffix(filepath.Base(file), ".tar.gz")
	want := []string{
		"-rwxr-xr-x gdummy.so", "-rwxr-xr-x gdummy",
		"-rw-r--r-- completions/gdummy.bash", "-rw-r--r-- completions/_gdummy", "-rw-r--r-- completions/gdummy.fish",
		"-rw-r--r-- LICENSE", "-rw-r--r-- THIRD_PARTY.md", "-rw-r--r-- README.md", "-rw-r--r-- CHANGELOG.md", "-rw-r--r-- BUILD.json",
	}
	for _, page := range manPages(t, r) {
		want = append(want, "-rw-r--r-- "+page)
	}
	var got []string
	for line := range strings.Lines(command(t, "tar", "--utc", "--full-time", "-tvzf", file)) {
		f := strings.Fields(line) // mode, owner, size, date, time, name
		if when := f[3] + " " + f[4]; f[1] != "root/root" || when != r.src.Time.Format("2006-01-02 15:04:05") {
			t.Errorf("%q: expected root and %v", line, r.src.Time)
		}
		got = append(got, f[0]+" "+strings.TrimPrefix(f[5], dir+"/"))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the archive has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// firstExample is the command that README shows for a package.
var firstExample = regexp.MustCompile(`(?m)^\$ (fluent-bit -e /usr/lib/fluent-bit/gdummy\.so .*) -o stdout$`)

// testDeb installs the package for Debian in an empty Debian 13, on which the images of
// Fluent Bit are based, and runs the first example of README there.
func testDeb(t *testing.T, r *built) {
	deb := r.file(t, "*_"+runtime.GOARCH+".deb")
	var got []string
	for line := range strings.Lines(command(t, "dpkg-deb", "--contents", deb)) {
		f := strings.Fields(line)
		if f[1] != "root/root" {
			t.Errorf("%q: expected root", line)
		}
		if !strings.HasPrefix(line, "d") {
			got = append(got, strings.TrimPrefix(f[5], ".")+" "+f[0])
		}
	}
	slices.Sort(got)
	const doc, zsh = "/usr/share/doc/gdummy/", "/usr/share/zsh/vendor-completions/_gdummy"
	if want := wantFiles(manPages(t, r), doc+"copyright", doc+"THIRD_PARTY.md", zsh); strings.Join(got, "\n") != want {
		t.Errorf("the package has\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}

	need(t, "debootstrap", "unshare", "chroot")
	if os.Getuid() != 0 {
		t.Skip("### SKIPPED: only root can install a Debian")
	}
	if testing.Short() {
		t.Skip("### SKIPPED with -short: an empty Debian takes minutes: THE PACKAGE WAS NOT INSTALLED")
	}
	example := firstExample.FindStringSubmatch(string(readFile(t, filepath.Join(r.root, "README.md"))))
	if example == nil {
		t.Fatal("README shows no command for a package")
	}
	debian := filepath.Join(t.TempDir(), "debian")
	// What is mounted is mounted for these commands alone.
	if out, err := exec.Command("unshare", "--mount", "debootstrap", "--variant=minbase", "trixie", debian).CombinedOutput(); err != nil {
		t.Skipf("### SKIPPED: debootstrap: %v\n%s", err, lastLines(string(out), 5))
	}
	in := func(script string) string {
		t.Helper()
		return command(t, "unshare", "--mount", "sh", "-ec", `mount -t proc proc "$0/proc"; exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -ec "$1"`, debian, script)
	}
	if err := copyFile(deb, filepath.Join(debian, "gdummy.deb")); err != nil {
		t.Fatal(err)
	}
	host := fluentBit(t, r, debian)
	before := in("find / -xdev -path /proc -prune -o -path /var -prune -o -print | sort")
	in("dpkg --install /gdummy.deb")
	if out := in("dpkg --verify gdummy"); out != "" {
		t.Errorf("dpkg --verify: %s", out)
	}
	if got, want := in("gdummy version"), fmt.Sprintf("gdummy %s (%s, linux/%s)\n", r.src.Version, runtime.Version(), runtime.GOARCH); got != want {
		t.Errorf("gdummy version: %q, want %q", got, want)
	}
	got10 := in(host(example[1]+" -p max_records=10 -p on_finish=exit") + " 2>&1")
	if n := strings.Count(got10, `"message"=>"dummy"`) + strings.Count(got10, `"message":"dummy"`); n != 10 {
		t.Errorf("%s: %d records, want 10\n%s", example[1], n, got10)
	}
	in("dpkg --purge gdummy")
	if after := in("find / -xdev -path /proc -prune -o -path /var -prune -o -print | sort"); after != before {
		t.Errorf("a purge leaves\n%s\nbefore there was\n%s", after, before)
	}
}

// fluentBit puts a Fluent Bit into a Debian, and returns what runs a command line of
// Fluent Bit there: the first one of $FLUENT_BIT with the libraries that it needs, or else
// the embedded host.
func fluentBit(t *testing.T, r *built, debian string) (line func(string) string) {
	const dir = "/opt/fluent-bit"
	if err := os.MkdirAll(debian+dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(path string) {
		t.Helper()
		to := filepath.Join(debian, dir, filepath.Base(path))
		if err := copyFile(path, to); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(to, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	binary, _, _ := strings.Cut(os.Getenv("FLUENT_BIT"), ":")
	if binary == "" {
		host := filepath.Join(t.TempDir(), "flbhost")
		files, err := filepath.Glob(filepath.Join(r.root, "flbhost/src/*.c"))
		if err != nil {
			t.Fatal(err)
		}
		command(t, "cc", append(append([]string{"-std=c11", "-O2", "-o", host, "-rdynamic"}, files...), "-ldl", "-lpthread")...)
		put(host)
		return func(text string) string {
			return dir + "/flbhost --output json " + strings.TrimPrefix(text, "fluent-bit -e ")
		}
	}
	put(binary)
	for line := range strings.Lines(command(t, "ldd", binary)) {
		f := strings.Fields(line)
		if len(f) > 2 && f[1] == "=>" && !regexp.MustCompile(`^lib(c|m|dl|rt|pthread|resolv)\.so`).MatchString(f[0]) {
			put(f[2])
		}
	}
	return func(text string) string {
		return "LD_LIBRARY_PATH=" + dir + " " + dir + "/" + text + " -o stdout"
	}
}

// rpm reads the package, finds its sums right, and installs the files that it lists.
func testRPM(t *testing.T, r *built) {
	need(t, "rpm")
	for _, arch := range []string{"x86_64", "aarch64"} {
		file := r.file(t, "*."+arch+".rpm")
		if out := command(t, "rpm", "--checksig", "--nosignature", file); !strings.HasSuffix(out, "digests OK\n") {
			t.Errorf("rpm --checksig: %s", out)
		}
		got := command(t, "rpm", "-qp", "--queryformat", "%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{OS} %{LICENSE} %{BUILDHOST} %{BUILDTIME}", file)
		want := fmt.Sprintf("gdummy %s 1 %s linux Apache-2.0 localhost %d", packageVersion(r.src.Version), arch, r.src.Time.Unix())
		if got != want {
			t.Errorf("the package is %s, want %s", got, want)
		}
		got = command(t, "rpm", "-qp", "--queryformat", "[%{FILENAMES} %{FILEMODES:perms}\n]", file)
		list := strings.Split(strings.TrimSpace(got), "\n")
		slices.Sort(list)
		const licences = "/usr/share/licenses/gdummy/"
		if want := wantFiles(manPages(t, r), licences+"LICENSE", licences+"THIRD_PARTY.md", "/usr/share/zsh/site-functions/_gdummy"); strings.Join(list, "\n") != want {
			t.Errorf("the package has\n%s\nwant\n%s", strings.Join(list, "\n"), want)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("### SKIPPED: only root can install a package")
	}
	root := t.TempDir()
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	// The dependencies are checked where there is a database of what is installed.
	command(t, "rpm", "--root", root, "--install", "--nodeps", r.file(t, "*."+arch+".rpm"))
	command(t, "rpm", "--root", root, "--verify", "--nodeps", "gdummy")
	if got, want := command(t, filepath.Join(root, "usr/bin/gdummy"), "version"), "gdummy "+r.src.Version+" "; !strings.HasPrefix(got, want) {
		t.Errorf("gdummy version: %q, want %q", got, want)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lastLines returns the last n lines of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
