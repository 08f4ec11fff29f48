// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metrics are the counters and gauges of a Fluent Bit.
type Metrics []metric

type metric struct {
	name   string
	labels string // as in the text, such as `name="tail.0"`
	value  float64
}

// maxMetrics bounds the size of a page of metrics, in bytes.
const maxMetrics = 16 << 20

// Scrape reads the metrics from the HTTP server of a Fluent Bit at host:port.
func Scrape(ctx context.Context, address string) (Metrics, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/v2/metrics/prometheus", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMetrics))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the metrics of Fluent Bit: %s", resp.Status)
	}
	return parseMetrics(string(text)), err
}

// parseMetrics parses the text format of Prometheus. Lines that it does not know are
// skipped.
func parseMetrics(text string) (m Metrics) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || line[0] == '#' {
			continue
		}
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			continue
		}
		name, labels, _ := strings.Cut(line[:i], "{")
		m = append(m, metric{strings.TrimPrefix(name, "fluentbit_"), strings.TrimSuffix(labels, "}"), v})
	}
	return m
}

// Sum returns the sum of a metric over all labels. Names are without fluentbit_.
func (m Metrics) Sum(name string) (sum float64) {
	for _, x := range m {
		if x.name == name {
			sum += x.value
		}
	}
	return sum
}

// Of returns a metric of the input, filter or output with a name, or 0.
func (m Metrics) Of(name, of string) (sum float64) {
	label := `name="` + of + `"`
	for _, x := range m {
		if x.name == name && (x.labels == label || strings.HasPrefix(x.labels, label+",")) {
			sum += x.value
		}
	}
	return sum
}
