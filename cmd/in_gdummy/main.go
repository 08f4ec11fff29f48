// SPDX-License-Identifier: Apache-2.0

// Command in_gdummy is the Fluent Bit input plugin gdummy, built as a shared
// library:
//
//	go build -buildmode=c-shared -o gdummy.so ./cmd/in_gdummy
//	fluent-bit -e ./gdummy.so -i gdummy -o stdout
package main

import (
	"github.com/gdummy/gdummy/flb"
)

// version is the version of a release, which is set by the build:
//
//	go build -ldflags '-X main.version=v1.2.3' ./cmd/in_gdummy
var version string

var plugin = flb.Plugin{
	Name:        "gdummy",
	Description: "dummy Go! Synthetic records at an exact rate, with proof of delivery",
	Options:     options(),
	New:         func() flb.Input { return new(input) },
}

func init() { flb.Register(plugin) }

func main() {}
