// SPDX-License-Identifier: Apache-2.0

// Package expect judges whether records arrived right: parsed into the right fields,
// redacted, routed, dropped and kept as intended.
//
// It stores nothing of what was sent. A [Maker] computes each record again from the
// ledger of its run and the identity that came with it.
package expect
