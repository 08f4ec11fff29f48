// SPDX-License-Identifier: Apache-2.0

// Package cgroup reads the memory limit of the control group of a process, in versions
// 1 and 2.
//
// The normal path is [MemoryLimit] with the root directory as a file system. The limits
// of a group's parents apply as well, so that the lowest of all limits counts. A process
// without /proc, or without a mounted hierarchy, has no limit.
package cgroup

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// noLimit is the size, in bytes, from which on a limit of version 1 means "unlimited": the
// kernel shows the largest number of whole pages instead of a word.
const noLimit = 1 << 62

// MemoryLimit returns the limit, in bytes, on the memory of this process's groups,
// and whether there is one. root is the root directory, os.DirFS("/").
func MemoryLimit(root fs.FS) (limit int64, ok bool) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return 0, false
	}
	for _, m := range memoryMounts(mounts) {
		dir, ok := m.directory(groups)
		if !ok {
			continue
		}
		for ; ; dir = path.Dir(dir) {
			if n, ok := readLimit(root, path.Join(m.point, dir, m.file)); ok && (limit == 0 || n < limit) {
				limit = n
			}
			if dir == "." {
				break
			}
		}
	}
	return limit, limit > 0
}

// readLimit reads one file with a limit.
func readLimit(root fs.FS, name string) (limit int64, ok bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is none
	return n, err == nil && n > 0 && n < noLimit
}

// mount is a mounted hierarchy with a memory controller, or one that may have it.
type mount struct {
	version int
	top     string // the group that is mounted, as in /proc/self/cgroup
	point   string // where, without the leading slash
	file    string // the file with a limit
}

// memoryMounts returns the mounts in the text of /proc/self/mountinfo.
func memoryMounts(text []byte) []mount {
	var mounts []mount
	for line := range strings.Lines(string(text)) {
		// 31 30 0:28 ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER
		before, after, found := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !found || len(f) < 6 || len(g) < 3 {
			continue
		}
		m := mount{top: escapes.Replace(f[3]), point: relative(escapes.Replace(f[4]))}
		switch {
		case g[0] == "cgroup2":
			m.version, m.file = 2, "memory.max"
		case g[0] == "cgroup" && hasWord(g[2], "memory"):
			m.version, m.file = 1, "memory.limit_in_bytes"
		default:
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// directory returns the path of the process's group in the mount, "." for the mounted
// group itself, from the text of /proc/self/cgroup.
func (m mount) directory(groups []byte) (dir string, ok bool) {
	for line := range strings.Lines(string(groups)) {
		// 4:memory:/a/b, or 0::/a/b in version 2
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) < 3 {
			continue
		}
		mine := m.version == 1 && hasWord(f[1], "memory") || m.version == 2 && f[0] == "0" && f[1] == ""
		if !mine {
			continue
		}
		group, top := path.Clean("/"+f[2]), path.Clean("/"+m.top)
		if rest, under := strings.CutPrefix(group+"/", strings.TrimSuffix(top, "/")+"/"); under {
			return path.Clean(relative(rest)), true
		}
		// In a container its own group is mounted, sometimes under another name.
		return ".", true
	}
	return "", false
}

// relative returns a path without its leading slash; for the root, an empty one.
func relative(p string) string {
	return strings.TrimPrefix(path.Clean("/"+p), "/")
}

// hasWord reports whether a comma-separated list contains a word.
func hasWord(list, word string) bool { return slices.Contains(strings.Split(list, ","), word) }

// escapes replaces what mountinfo escapes.
var escapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\043`, "#", `\134`, `\`)
