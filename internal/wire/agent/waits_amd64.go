// SPDX-License-Identifier: Apache-2.0

package agent

import "golang.org/x/sys/unix"

// waits are the system calls in which a thread waits for events.
var waits = []int{unix.SYS_EPOLL_WAIT, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2, unix.SYS_POLL, unix.SYS_PPOLL, unix.SYS_SELECT, unix.SYS_PSELECT6}
