// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// throughPlugins are the outputs that can be kept: they send JSON or MessagePack over HTTP
// to a host and port.
var throughPlugins = []string{"es", "http", "loki", "opensearch", "splunk"}

// elsewhere are the properties of an output that choose another address.
var elsewhere = []string{
	"upstream", "proxy", "cloud_id", "cloud_auth", "aws_auth", "aws_region", "aws_sts_endpoint", "aws_role_arn", "aws_external_id",
	"aws_service_name", "aws_profile", "unix_path",
}

// through reports whether a sink looks at what the plugin of its output sends.
func (t *trial) through() bool {
	return slices.ContainsFunc(t.file.Sinks, func(s expect.Sink) bool { return s.Through })
}

// throughOutput points the plugin of an output at a receiver. sinks are the numbers of
// those that look at it.
func (t *trial) throughOutput(s *render.Section, label string, sinks []int) error {
	if !slices.Contains(throughPlugins, s.Plugin()) {
		return fmt.Errorf("sink %s: through: output: the plugin %s is not supported: expected one of %s", t.file.Sinks[sinks[0]].Name, s.Plugin(), strings.Join(throughPlugins, ", "))
	}
	for _, n := range sinks {
		if !t.file.Sinks[n].Through {
			return fmt.Errorf("sink %s: the output %s has another sink with through: output: expected it here, too", t.file.Sinks[n].Name, label)
		}
	}
	server, err := receive.ListenDocuments(func(doc []byte, arrival time.Time) {
		for _, n := range sinks {
			t.judge.Document(n, doc, arrival)
		}
	})
	if err != nil {
		return err
	}
	t.servers = append(t.servers, server)
	for _, name := range s.Names() {
		if slices.Contains(elsewhere, name) || name == "tls" || strings.HasPrefix(name, "tls.") {
			t.remove(s, label, name)
		}
	}
	host, port, err := net.SplitHostPort(server.Addr().String())
	if err != nil {
		return err
	}
	s.Set("host", host)
	s.Set("port", port)
	if s.Text("alias") == "" {
		s.Set("alias", label)
	}
	t.change("output %s: %s sends to %s:%s without TLS", label, s.Plugin(), host, port)
	return nil
}
