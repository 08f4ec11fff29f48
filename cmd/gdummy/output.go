// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// output is the standard output of a command. It keeps the first error, so that a command
// does not have to look at each.
type output struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// end returns the exit code of a command that ended with code. An error that the command has
// not reported is reported; a reader that closed the output has what it wanted.
func (o *output) end(s stream, code int) int {
	if o.err == nil || code == exitUsage || errors.Is(o.err, syscall.EPIPE) {
		return code
	}
	fmt.Fprintf(s.err, "gdummy: cannot write the output: %v\n", o.err)
	return exitUsage
}

// fileOf returns the file to which w writes, or nil.
func fileOf(w io.Writer) *os.File {
	if o, ok := w.(*output); ok {
		w = o.Writer
	}
	file, _ := w.(*os.File)
	return file
}
