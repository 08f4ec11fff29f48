// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// pipelines are the configurations of the table of versions, in bench/pipelines.
const pipelines = "plain,parsing,lua,outputs"

// comparison is what gdummy capacity --json prints of two Fluent Bits.
type comparison struct {
	A, B struct {
		FluentBit string `json:"fluent_bit"`
		Version   string
	}
	Comparison struct {
		AtLeast bool `json:"at_least"`
		Ratios  []struct {
			Metric           string
			Rate, A, B       float64
			Ratio, Low, High float64
			Significant      bool
			Pairs            int
		}
		A, B []struct{ Rate, CPU, Achieved, Duration float64 }
	}
}

// versions compares each Fluent Bit of $FLUENT_BIT with the first, with gdummy capacity.
func (b *bench) versions() error {
	paths := filepath.SplitList(os.Getenv("FLUENT_BIT"))
	if len(paths) < 2 {
		return errors.New("$FLUENT_BIT: expected two or more, separated by colons, of which the first is compared with the others")
	}
	fmt.Println("Pipelines of bench/pipelines with `--sink null`: records per second above the capacity, relative to the first version,")
	fmt.Println("with the interval; CPU time of the whole process a record there, median of all trials.")
	for pipeline := range strings.SplitSeq(b.pipelines, ",") {
		fmt.Printf("\n| %s | records/s | relative | CPU a record | relative |\n|---|---|---|---|---|\n", pipeline)
		var results []comparison
		for _, path := range paths[1:] {
			c, err := b.compareVersions(pipeline, paths[0], path)
			if err != nil {
				return err
			}
			results = append(results, c)
		}
		// The first version has as many medians as there are others.
		var rates, cpus []float64
		for _, c := range results {
			rates, cpus = append(rates, c.Comparison.Ratios[0].A), append(cpus, c.cpu(c.Comparison.A))
		}
		fmt.Printf("| %s | %s | 1 | %.0f ns | 1 |\n", results[0].A.Version, thousands(middle(rates)), middle(cpus))
		for _, c := range results {
			r := c.Comparison.Ratios[0]
			relative := fmt.Sprintf("%.2f (%.2f to %.2f)", r.Ratio, r.Low, r.High)
			switch {
			case r.Low == 0:
				relative = fmt.Sprintf("%.2f (unknown)", r.Ratio)
			case c.Comparison.AtLeast:
				relative += ", gdummy may be the limit"
			}
			cpu := c.cpu(c.Comparison.B)
			fmt.Printf("| %s | %s | %s | %.0f ns | %.2f |\n", c.B.Version, thousands(r.B), relative, cpu, cpu/c.cpu(c.Comparison.A))
		}
	}
	return nil
}

func (b *bench) compareVersions(pipeline, first, second string) (c comparison, err error) {
	cmd := exec.Command(b.command, "capacity", filepath.Join("bench", "pipelines", pipeline+".yaml"), "--plugin", b.plugin,
		"--fluent-bit", first, "--fluent-bit", second, "--sink", "null", "--hold", "5s", "--budget", "3m", "--json")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if len(out) > 0 { // an interval that is unknown is exit code 2, and an answer
		err = json.Unmarshal(out, &c)
	}
	if err == nil && len(c.Comparison.Ratios) == 0 {
		err = errors.New("no ratio")
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		return c, fmt.Errorf("%s in %s and %s: %w\n%s", pipeline, first, second, err, lines[len(lines)-1])
	}
	return c, nil
}

// cpu returns the median CPU time a record of the trials above capacity, in nanoseconds.
func (c *comparison) cpu(trials []struct{ Rate, CPU, Achieved, Duration float64 }) float64 {
	var all []float64
	for _, t := range trials {
		if n := t.Achieved * t.Duration / 1e9; t.Rate == c.Comparison.Ratios[0].Rate && n > 0 {
			all = append(all, t.CPU/n)
		}
	}
	return middle(all)
}

// middle returns the median, or 0 for none.
func middle(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func thousands(rate float64) string { return fmt.Sprintf("%.0fk", rate/1e3) }
