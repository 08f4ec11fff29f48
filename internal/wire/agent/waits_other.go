// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package agent

// waits is empty: it is unknown which threads wait for events.
var waits []int
