// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	ID     string
	Name   string // at most 15 bytes
	CPU    time.Duration
	Waited time.Duration // for a CPU; 0 if the kernel does not count it
	Looks  int           // calls of Look, and those in which it waited for events
	Waits  int
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
	sum, exact := time.Duration(0), true
	for _, task := range tasks {
		t := ThreadUsage{ID: task.Name()}
		if t.Name, t.CPU, err = readStat(filepath.Join(dir, "task", t.ID, "stat")); err != nil {
			continue // it has ended
		}
		if ran, waited, ok := readSchedstat(filepath.Join(dir, "task", t.ID, "schedstat")); ok {
			t.CPU, t.Waited = ran, waited
		} else {
			exact = false
		}
		sum += t.CPU
		t.Looks, t.Waits = a.seen[t.ID].looks, a.seen[t.ID].waits
		u.Threads = append(u.Threads, t)
	}
	// To a tick, stat has also what threads used that have ended.
	if exact && u.CPU-sum < time.Duration(len(tasks))*tick {
		u.CPU = sum
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

// readSchedstat reads how long a thread ran, and how long it was ready to run without a CPU,
// in nanoseconds. Not every kernel counts that.
func readSchedstat(path string) (ran, waited time.Duration, ok bool) {
	text, err := os.ReadFile(path)
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0, 0, false
	}
	a, err1 := strconv.ParseInt(string(fields[0]), 10, 64)
	b, err2 := strconv.ParseInt(string(fields[1]), 10, 64)
	return time.Duration(a), time.Duration(b), err1 == nil && err2 == nil
}

// Look notes what each thread does at this moment. Usage reports the sums.
func (a *Agent) Look() {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", a.cmd.Process.Pid))
	if err != nil {
		return
	}
	for _, task := range tasks {
		id := task.Name()
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/syscall", a.cmd.Process.Pid, id))
		if err != nil || len(waits) == 0 {
			continue
		}
		seen := a.seen[id]
		seen.looks++
		if isWait(string(text)) {
			seen.waits++
		}
		a.seen[id] = seen
	}
}

// seen is how often a thread was looked at, and how often it waited for events.
type seen struct{ looks, waits int }

// isWait reports whether a line of /proc/PID/task/TID/syscall is about a thread in a system
// call that waits for events. That of a thread that computes, or waits for a CPU, is
// "running"; that of a page fault begins with -1.
func isWait(line string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	n, err := strconv.Atoi(word)
	return err == nil && slices.Contains(waits, n)
}
