// Command in_gdummy is the Fluent Bit input plugin gdummy, built as a shared
// library:
//
//	go build -buildmode=c-shared -o gdummy.so ./cmd/in_gdummy
//	fluent-bit -e ./gdummy.so -i gdummy -o stdout
package main

import (
	"github.com/gdummy/gdummy/flb"
)

func init() {
	flb.Register(flb.Plugin{
		Name:        "gdummy",
		Description: "dummy Go!",
		Options:     options(),
		New:         func() flb.Input { return new(input) },
	})
}

func main() {}
