// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the version of a release, which is set by the build:
//
//	go build -ldflags '-X main.version=v1.2.3' ./cmd/gdummy
var version string

// current returns the version of this build: that of the release, else that of the module
// as fetched by `go install`, else the commit.
func current() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

func showVersion(s stream, args []string) int {
	if len(args) > 0 {
		return s.usageError("unexpected argument %q", args[0])
	}
	fmt.Fprintf(s.out, "gdummy %s (%s, %s/%s)\n", current(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitFine
}
