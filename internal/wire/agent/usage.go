// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has used since its start.
type Usage struct {
	CPU     time.Duration
	Memory  int64 // resident set, in bytes
	Threads []ThreadUsage
}

// ThreadUsage is what a thread has used.
type ThreadUsage struct {
	ID   string
	Name string // at most 15 bytes
	CPU  time.Duration
}

// tick is the unit of CPU times in /proc, on all architectures of Linux.
const tick = 10 * time.Millisecond

// Usage reads what the process has used from /proc. It requires Linux.
func (a *Agent) Usage() (u Usage, err error) {
	dir := fmt.Sprintf("/proc/%d", a.cmd.Process.Pid)
	if _, u.CPU, err = readStat(filepath.Join(dir, "stat")); err != nil {
		return u, err
	}
	statm, err := os.ReadFile(filepath.Join(dir, "statm"))
	if err != nil {
		return u, err
	}
	if fields := bytes.Fields(statm); len(fields) > 1 {
		pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		u.Memory = pages * int64(os.Getpagesize())
	}
	tasks, err := os.ReadDir(filepath.Join(dir, "task"))
	if err != nil {
		return u, err
	}
	for _, task := range tasks {
		t := ThreadUsage{ID: task.Name()}
		if t.Name, t.CPU, err = readStat(filepath.Join(dir, "task", t.ID, "stat")); err == nil {
			u.Threads = append(u.Threads, t) // others have ended
		}
	}
	return u, nil
}

// readStat returns the name and the CPU time of a process or thread.
func readStat(path string) (name string, cpu time.Duration, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", 0, err
	}
	return parseStat(string(text))
}

// parseStat parses a line such as "12 (flb-pipeline) S 1 …": fields 14 and 15 are the
// times in user and in kernel mode. A name may contain any byte.
func parseStat(text string) (name string, cpu time.Duration, err error) {
	from, to := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return "", 0, fmt.Errorf("%q: expected a line of /proc/PID/stat", text)
	}
	fields := strings.Fields(text[to+1:])
	if len(fields) < 13 {
		return "", 0, fmt.Errorf("%q: expected a line of /proc/PID/stat", text)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	kernel, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return "", 0, fmt.Errorf("%q: expected a line of /proc/PID/stat", text)
	}
	return text[from+1 : to], time.Duration(user+kernel) * tick, nil
}

// Quota returns how many cores the cgroup of the process allows, or 0 without a limit.
func (a *Agent) Quota() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", a.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, path, ok := strings.Cut(strings.TrimSpace(string(text)), "0::")
	if !ok {
		return 0 // cgroup v1
	}
	least := 0.0
	for dir := path; ; dir = filepath.Dir(dir) {
		max, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", dir, "cpu.max"))
		if fields := strings.Fields(string(max)); err == nil && len(fields) == 2 {
			quota, err1 := strconv.ParseFloat(fields[0], 64)
			period, err2 := strconv.ParseFloat(fields[1], 64)
			if err1 == nil && err2 == nil && period > 0 && (least == 0 || quota/period < least) {
				least = quota / period
			}
		}
		if dir == "/" || dir == "." {
			return least
		}
	}
}
