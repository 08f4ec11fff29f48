// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// embedded measures the plugin in the embedded host.
func (b *bench) embedded() error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("embedded host, %s, %d CPUs (%s): no fluent-bit in PATH, nor in $FLUENT_BIT\n\n", runtime.Version(), runtime.NumCPU(), cpuModel())
	fmt.Printf("Median of %d runs of %s.\n\n", b.runs, b.seconds)
	fmt.Println("| input | M records/s | MB/s |")
	fmt.Println("|---|---|---|")
	for _, c := range []struct {
		name string
		in   []string
	}{
		{"`rate unlimited`", unlimited}, {"`rate unlimited`, 1 KB", unlimited1K}, {"`rate unlimited`, template of six fields", sixFields},
		{"`rate unlimited`, `format apache_combined`", apache}, {"`rate 1M`", million},
	} {
		var records, bytes []float64
		for range b.runs {
			report := filepath.Join(dir, "report.json")
			args := []string{"-q", "--seconds", fmt.Sprint(b.seconds.Seconds()), "--output", "null", "--report", report, b.plugin, "-i"}
			for _, p := range c.in[1:] {
				args = append(args, "-p", p)
			}
			if out, err := exec.Command(b.host, args...).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w\n%s", b.host, err, out)
			}
			data, err := os.ReadFile(report)
			if err != nil {
				return err
			}
			var r struct {
				Instances []struct{ Records, Bytes float64 }
			}
			if err := json.Unmarshal(data, &r); err != nil {
				return err
			}
			if len(r.Instances) != 1 {
				return fmt.Errorf("%s reports %d instances", b.host, len(r.Instances))
			}
			records = append(records, r.Instances[0].Records/b.seconds.Seconds())
			bytes = append(bytes, r.Instances[0].Bytes/b.seconds.Seconds())
		}
		fmt.Printf("| %s | %.2f | %.0f |\n", c.name, middle(records)/1e6, middle(bytes)/1e6)
	}
	return nil
}
