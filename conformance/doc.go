// SPDX-License-Identifier: Apache-2.0

// Package conformance tests that other projects' parsers read what gdummy writes: the
// log formats, JSON, MessagePack and OTLP.
//
// It is a module of its own, so that users of package flb do not inherit the
// dependencies of these tests.
package conformance
