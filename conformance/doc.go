// SPDX-License-Identifier: Apache-2.0

// Package conformance tests that other projects' parsers read what gdummy writes: the
// log formats, JSON, MessagePack and OTLP.
//
// It is a module of its own, so that whoever uses package flb does not inherit the
// dependencies of these tests.
package conformance
