// SPDX-License-Identifier: Apache-2.0

// Package expect checks whether records arrived as intended: parsed into the right
// fields, redacted, routed, dropped or kept.
//
// It stores no records. A [Maker] computes each record again from the ledger of its run
// and from its identity.
package expect
