// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Quota returns how many cores the control group of the process allows, or 0 without a
// limit.
func (a *Agent) Quota() float64 {
	return quotaOf("/sys/fs/cgroup", fmt.Sprintf("/proc/%d/cgroup", a.cmd.Process.Pid))
}

// quotaOf returns the smallest quota of the groups in a file such as /proc/PID/cgroup and
// of those above them. root has the hierarchies: that of version 2, and, in a directory
// each, those of version 1.
func quotaOf(root, file string) (least float64) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		hierarchy, read := root, quotaV2
		if controllers := fields[1]; controllers != "" {
			if !slices.Contains(strings.Split(controllers, ","), "cpu") {
				continue
			}
			hierarchy, read = filepath.Join(root, controllers), quotaV1
		}
		for dir := filepath.Clean("/" + fields[2]); ; dir = filepath.Dir(dir) {
			if q := read(filepath.Join(hierarchy, dir)); q > 0 && (least == 0 || q < least) {
				least = q
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// quotaV2 reads "QUOTA PERIOD" in cpu.max, in microseconds; QUOTA may be max.
func quotaV2(dir string) float64 {
	text, _ := os.ReadFile(filepath.Join(dir, "cpu.max"))
	fields := strings.Fields(string(text))
	if len(fields) != 2 {
		return 0
	}
	return share(fields[0], fields[1])
}

// quotaV1 reads two files, in microseconds; the quota may be -1.
func quotaV1(dir string) float64 {
	quota, _ := os.ReadFile(filepath.Join(dir, "cpu.cfs_quota_us"))
	period, _ := os.ReadFile(filepath.Join(dir, "cpu.cfs_period_us"))
	return share(strings.TrimSpace(string(quota)), strings.TrimSpace(string(period)))
}

func share(quota, period string) float64 {
	q, err1 := strconv.ParseFloat(quota, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}
