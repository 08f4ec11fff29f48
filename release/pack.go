// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"compress/gzip"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // packagers register themselves
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// item is a file of the archive and of the packages.
type item struct {
	from    string      // its path here
	archive string      // its path in the archive; empty if it is not there
	deb     string      // in a package for Debian; empty if it is not there
	rpm     string      // in one for rpm; empty if it is not there
	mode    fs.FileMode // 0 is that of a text
}

// items is the table of what a release contains.
func (b *builder) items(t target) ([]item, error) {
	both := func(from, archive, installed string, mode fs.FileMode) item {
		return item{from, archive, installed, installed, mode}
	}
	work := func(name string) string { return filepath.Join(b.work, name) }
	root := func(name string) string { return filepath.Join(b.root, name) }
	if err := os.WriteFile(work("copyright"), []byte(copyright), 0o666); err != nil {
		return nil, err
	}
	const doc = "/usr/share/doc/gdummy/"
	list := []item{
		both(b.path(t, "gdummy.so"), "gdummy.so", "/usr/lib/fluent-bit/gdummy.so", 0o755),
		both(b.path(t, "gdummy"), "gdummy", "/usr/bin/gdummy", 0o755),
		both(work("gdummy.bash"), "completions/gdummy.bash", "/usr/share/bash-completion/completions/gdummy", 0),
		{from: work("gdummy.zsh"), archive: "completions/_gdummy", deb: "/usr/share/zsh/vendor-completions/_gdummy", rpm: "/usr/share/zsh/site-functions/_gdummy"},
		both(work("gdummy.fish"), "completions/gdummy.fish", "/usr/share/fish/vendor_completions.d/gdummy.fish", 0),
		{from: root("LICENSE"), archive: "LICENSE", rpm: "/usr/share/licenses/gdummy/LICENSE"},
		{from: work("copyright"), deb: doc + "copyright"},
		{from: root("THIRD_PARTY.md"), archive: "THIRD_PARTY.md", deb: doc + "THIRD_PARTY.md", rpm: "/usr/share/licenses/gdummy/THIRD_PARTY.md"},
		both(root("README.md"), "README.md", doc+"README.md", 0),
		both(root("CHANGELOG.md"), "CHANGELOG.md", doc+"CHANGELOG.md", 0),
		both(work(buildInfo), buildInfo, doc+buildInfo, 0),
	}
	pages, err := os.ReadDir(work("man"))
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		name := page.Name() // such as gdummy-run.1.gz
		section := path.Ext(strings.TrimSuffix(name, ".gz"))[1:]
		list = append(list, both(filepath.Join(work("man"), name), "man/man"+section+"/"+name, "/usr/share/man/man"+section+"/"+name, 0))
	}
	for i := range list {
		if list[i].mode == 0 {
			list[i].mode = 0o644
		}
	}
	return list, nil
}

// copyright refers to the text of the licence in Debian, which Debian requires instead of a copy.
const copyright = `Copyright: the gdummy authors
License: Apache-2.0

On Debian systems the text of the licence is in /usr/share/common-licenses/Apache-2.0.
THIRD_PARTY.md in this directory has the licences of what gdummy contains.
`

// packageVersion returns a version as Debian and rpm order them: "~" sorts before the end.
func packageVersion(version string) string {
	return strings.ReplaceAll(strings.TrimPrefix(version, "v"), "-", "~")
}

// pack writes the archive and the packages of one architecture.
func (b *builder) pack(t target, out string) error {
	items, err := b.items(t)
	if err != nil {
		return err
	}
	if err := b.writeArchive(items, "gdummy-"+b.src.Version+"-linux-"+t.arch, out); err != nil {
		return err
	}
	for _, format := range []string{"deb", "rpm"} {
		if err := b.writePackage(items, t, format, out); err != nil {
			return err
		}
	}
	return nil
}

// writeArchive writes a tar.gz of one directory.
func (b *builder) writeArchive(items []item, name, out string) (err error) {
	f, err := os.Create(filepath.Join(out, name+".tar.gz"))
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	for _, it := range items {
		if it.archive == "" {
			continue
		}
		text, err := os.ReadFile(it.from)
		if err != nil {
			return err
		}
		head := &tar.Header{Name: name + "/" + it.archive, Mode: int64(it.mode), Size: int64(len(text)), ModTime: b.src.Time, Typeflag: tar.TypeReg, Uname: "root", Gname: "root"}
		if err := w.WriteHeader(head); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}

// writePackage writes a package of the format deb or rpm.
func (b *builder) writePackage(items []item, t target, format, out string) error {
	info := &nfpm.Info{
		Name: "gdummy", Arch: t.arch, Platform: "linux", Version: packageVersion(b.src.Version), VersionSchema: "none", Release: "1", MTime: b.src.Time,
		Section: "admin", Priority: "optional",
		Maintainer: "The gdummy authors <gdummy@users.noreply.github.com>", Vendor: "gdummy",
		Homepage: "https://github.com/gdummy/gdummy", License: "Apache-2.0",
		Description: "Realistic log records in Fluent Bit, with proof of delivery\n" +
			"gdummy is an input plugin of Fluent Bit that generates realistic log records\n" +
			"at an exact rate, and a command that proves which of them arrived.",
		DisableGlobbing: true,
	}
	info.RPM = nfpm.RPM{Summary: "Realistic log records in Fluent Bit, with proof of delivery", BuildHost: "localhost", Group: "System Environment/Daemons"}
	// Fluent Bit is not required: the command works without, and the plugin in one that
	// no package has installed.
	switch format {
	case "deb":
		info.Depends, info.Suggests = []string{"libc6 (>= 2.28)"}, []string{"fluent-bit"}
	case "rpm":
		info.Depends, info.Suggests = []string{"glibc >= 2.28"}, []string{"fluent-bit"}
	}
	for _, it := range items {
		to := map[string]string{"deb": it.deb, "rpm": it.rpm}[format]
		if to == "" {
			continue
		}
		info.Contents = append(info.Contents, &files.Content{Source: it.from, Destination: to,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: it.mode, MTime: b.src.Time}})
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(out, packager.ConventionalFileName(info)))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := packager.Package(info, f); err != nil {
		return err
	}
	return f.Close()
}
