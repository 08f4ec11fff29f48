// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"testing"
	"testing/fstest"
)

// root makes a root directory from the text of its files.
func root(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

const (
	mountV2 = "25 1 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	mountV1 = "30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n" +
		"31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:1 master:2 - cgroup cgroup rw,cpu\n" +
		"34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	noneV1 = "9223372036854771712\n"
)

func TestMemoryLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no proc", map[string]string{}, 0},
		{"no mounts", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "1000\n"}, 0},
		{"v2, own group", map[string]string{
			"proc/self/cgroup": "0::/app.slice/fluent-bit.service\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/app.slice/fluent-bit.service/memory.max": "536870912\n",
			"sys/fs/cgroup/app.slice/memory.max":                    "max\n",
		}, 536870912},
		{"v2, a parent is lower", map[string]string{
			"proc/self/cgroup": "0::/a/b/c\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/a/memory.max": "100000000\n", "sys/fs/cgroup/a/b/memory.max": "400000000\n", "sys/fs/cgroup/a/b/c/memory.max": "max\n",
		}, 100000000},
		{"v2, without a limit", map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": mountV2, "sys/fs/cgroup/a/memory.max": "max\n",
		}, 0},
		{"v2, in a namespace: the group is the root", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mountV2, "sys/fs/cgroup/memory.max": "64000000\n",
		}, 64000000},
		{"v2, a group with a colon and a space", map[string]string{
			"proc/self/cgroup": "0::/a:b c\n", "proc/self/mountinfo": "25 1 0:22 / /sys/fs/c\\040group rw - cgroup2 cgroup2 rw\n",
			"sys/fs/c group/a:b c/memory.max": "12345678\n",
		}, 12345678},
		{"v1, own group", map[string]string{
			"proc/self/cgroup": "9:name=systemd:/\n4:memory:/box/one\n1:cpu:/\n0::/\n", "proc/self/mountinfo": mountV1,
			"sys/fs/cgroup/memory/box/one/memory.limit_in_bytes": "268435456\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":         noneV1,
		}, 268435456},
		{"v1, a parent is lower", map[string]string{
			"proc/self/cgroup": "4:cpu,memory:/box/one\n", "proc/self/mountinfo": mountV1,
			"sys/fs/cgroup/memory/box/one/memory.limit_in_bytes": noneV1,
			"sys/fs/cgroup/memory/box/memory.limit_in_bytes":     "99999744\n",
		}, 99999744},
		{"v1, in a container that has its own group mounted", map[string]string{
			"proc/self/cgroup":                           "4:memory:/docker/abc\n",
			"proc/self/mountinfo":                        "34 30 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "512000000\n",
		}, 512000000},
		{"v1, in a container, in a group below its own", map[string]string{
			"proc/self/cgroup":                                 "4:memory:/docker/abc/inner\n",
			"proc/self/mountinfo":                              "34 30 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":       "512000000\n",
			"sys/fs/cgroup/memory/inner/memory.limit_in_bytes": "128000000\n",
		}, 128000000},
		{"v1, a group that only begins like the mounted one", map[string]string{
			"proc/self/cgroup":                           "4:memory:/docker/abcdef\n",
			"proc/self/mountinfo":                        "34 30 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "7000000\n",
		}, 7000000},
		{"v1 has the controller, v2 is mounted beside it", map[string]string{
			"proc/self/cgroup":                             "4:memory:/a\n0::/b\n",
			"proc/self/mountinfo":                          mountV1 + "37 30 0:40 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "300000000\n",
		}, 300000000},
		{"nothing that is a number", map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": mountV2, "sys/fs/cgroup/a/memory.max": "lots\n",
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := MemoryLimit(root(c.files))
			if got != c.want || ok != (c.want > 0) {
				t.Errorf("the limit is %d, %v; expected %d", got, ok, c.want)
			}
		})
	}
}

func FuzzMemoryLimit(f *testing.F) {
	f.Add("0::/a/b\n", mountV2, "536870912\n")
	f.Add("4:cpu,memory:/docker/abc\n", mountV1, noneV1)
	f.Add("4:memory:/../x\n0::/\n", mountV1+mountV2, "max\n")
	f.Add("0::", `25 1 0:22 /\134 /\0 rw - cgroup2 a b`, "-1")
	f.Fuzz(func(t *testing.T, groups, mounts, limit string) {
		fsys := root(map[string]string{
			"proc/self/cgroup": groups, "proc/self/mountinfo": mounts,
			"sys/fs/cgroup/memory.max": limit, "sys/fs/cgroup/a/memory.max": limit,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": limit,
		})
		if n, ok := MemoryLimit(fsys); ok != (n > 0) || n >= noLimit {
			t.Errorf("the limit is %d, %v", n, ok)
		}
	})
}
