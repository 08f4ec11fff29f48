// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"os"
	"path/filepath"
	"strings"
)

// ConfigFile returns the absolute path of the configuration file that Fluent Bit was
// started with, and whether there is one. Call it in Init: later, the working directory
// may have changed, which a relative path on the command line depends on.
func ConfigFile() (path string, ok bool) {
	// os.Args is set in a shared library with glibc only.
	text, err := os.ReadFile("/proc/self/cmdline")
	if err != nil {
		return "", false
	}
	args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	if path = configFlag(args[1:]); path == "" {
		return "", false
	}
	path, err = filepath.Abs(path)
	return path, err == nil
}

// withArgument are Fluent Bit's short flags that have an argument, in all versions.
const withArgument = "bcCeFfiLlMmoPpRrsTtw"

// configFlag returns the value of the last -c or --config among the arguments, as
// getopt_long reads them; empty if there is none.
func configFlag(args []string) (file string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		long, isLong := strings.CutPrefix(arg, "--")
		switch {
		case arg == "--":
			return file
		case isLong:
			name, value, given := strings.Cut(long, "=")
			// A prefix is enough if no other flag begins with it.
			if len(name) < len("con") || !strings.HasPrefix("config", name) {
				continue
			}
			if !given {
				if i++; i == len(args) {
					return file
				}
				value = args[i]
			}
			file = value
		case strings.HasPrefix(arg, "-"):
			at := strings.IndexAny(arg[1:], withArgument)
			if at < 0 {
				continue
			}
			flag, value := arg[1+at], arg[2+at:]
			if value == "" {
				if i++; i == len(args) {
					return file
				}
				value = args[i]
			}
			if flag == 'c' {
				file = value
			}
		}
	}
	return file
}
