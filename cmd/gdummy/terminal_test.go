// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudoterminal: output to tty can be read from pty.
func openTerminal(t *testing.T) (pty, tty *os.File) {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("### SKIPPED: no pseudoterminal (mount devpts at /dev/pts): %v", err)
	}
	t.Cleanup(func() { pty.Close() })
	fd := int(pty.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return pty, tty
}

// The default rate is one record per second on a terminal, unless the run has an end.
// Elsewhere it is as fast as the output. The times of the records show which it was: a
// record that is due each second has the time of its second.
func TestRunWithoutRate(t *testing.T) {
	const second, unlimited = "one a second", "unlimited"
	for _, tt := range []struct {
		args, want string
		terminal   bool
	}{
		{"", second, true},
		{"-p copies=2", second, true},
		{"--records 3", unlimited, true},
		{"--duration 1h", unlimited, true},
		{"-p samples=3", unlimited, true},
		{"--max-records 3", unlimited, true},
		{"-p rate=1 --records 2", second, true},
		{"", unlimited, false},
		{"--records 3", unlimited, false},
		{"--rate 1", second, false},
		{"--interval-sec 1 --records 3", second, false},
		{"-p bytes_rate=1", second, false},
		{"-p load_profile=1", second, false},
	} {
		t.Run(fmt.Sprintf("terminal %v/%s", tt.terminal, tt.args), func(t *testing.T) {
			t.Parallel()
			var out io.Reader
			var in *os.File
			if tt.terminal {
				out, in = openTerminal(t)
			} else {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				out, in = r, w
			}
			cmd := exec.Command("gdummy", append([]string{"run", "-p", "start_time_sec=0"}, strings.Fields(tt.args)...)...)
			cmd.Stdout, cmd.Stderr = in, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			in.Close()
			line, err := bufio.NewReader(out).ReadString('\n')
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if err != nil {
				t.Fatal(err)
			}
			got := unlimited
			if !strings.HasPrefix(line, "[0] gdummy.0: [[0.") {
				got = second
			}
			if got != tt.want {
				t.Errorf("%s, expected %s; the first record is %s", got, tt.want, line)
			}
		})
	}
}
