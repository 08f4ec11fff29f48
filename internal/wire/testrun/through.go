// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/wire/receive"
	"github.com/gdummy/gdummy/internal/wire/selfsigned"
)

// throughPlugins are the outputs that can be kept: they send JSON, MessagePack or logs of
// OpenTelemetry over HTTP to a host and port.
var throughPlugins = []string{"es", "http", "loki", opentelemetry, "opensearch", "splunk"}

// opentelemetry is the output that sends the metadata of records, too, as attributes.
const opentelemetry = "opentelemetry"

// elsewhere are the properties of an output that choose another address.
var elsewhere = []string{
	"upstream", "proxy", "cloud_id", "cloud_auth", "aws_auth", "aws_region", "aws_sts_endpoint", "aws_role_arn", "aws_external_id",
	"aws_service_name", "aws_profile", "unix_path",
}

// inBody reports whether identities have to be in the body: whether a sink looks at what
// the plugin of its output sends, which has no metadata.
func (t *trial) inBody() bool {
	labels := render.Labels(t.config.Outputs)
	return slices.ContainsFunc(t.file.Sinks, func(s expect.Sink) bool {
		i := slices.Index(labels, s.Output)
		return s.Through && i >= 0 && t.config.Outputs[i].Plugin() != opentelemetry
	})
}

// throughOutput points the plugin of an output at a receiver. sinks are the numbers of
// those that look at it.
func (t *trial) throughOutput(s *render.Section, label string, sinks []int) error {
	if !slices.Contains(throughPlugins, s.Plugin()) {
		return fmt.Errorf("%ssink %s: through: output: the plugin %s is not supported: expected one of %s", t.file.Sinks[sinks[0]].Places.Of("through"), t.file.Sinks[sinks[0]].Name, s.Plugin(), strings.Join(throughPlugins, ", "))
	}
	for _, n := range sinks {
		if !t.file.Sinks[n].Through {
			return fmt.Errorf("%ssink %s: the output %s has another sink with through: output: expected it here, too", t.file.Sinks[n].Places.Of("output"), t.file.Sinks[n].Name, label)
		}
	}
	secure, err := t.secure(s, label)
	if err != nil {
		return err
	}
	server, err := receive.ListenDocuments(secure, func(doc []byte, arrival time.Time, err error) {
		for _, n := range sinks {
			if err != nil {
				t.judge.Others(n, 0, 1)
			} else {
				t.judge.Document(n, doc, arrival)
			}
		}
	})
	if err != nil {
		return err
	}
	t.servers = append(t.servers, server)
	for _, name := range s.Names() {
		if slices.Contains(elsewhere, name) || strings.HasPrefix(name, "oauth2.") {
			t.Remove(s, label, name)
		}
	}
	host, port, err := net.SplitHostPort(server.Addr().String())
	if err != nil {
		return err
	}
	s.Set("host", host)
	s.Set("port", port)
	s.SetDefault("alias", label)
	how := "without TLS, as configured"
	if secure != nil {
		how = "with TLS, to a certificate of the test"
	}
	t.Changef("output %s: %s sends to %s:%s %s", label, s.Plugin(), host, port, how)
	return nil
}

// secure returns the TLS of the receiver of an output: nil if the output has none. What the
// output verifies stays; it trusts a certificate of the test for the name that it expects.
func (t *trial) secure(s *render.Section, label string) (*tls.Config, error) {
	if !s.On("tls") {
		if strings.Contains(s.Text("tls"), "${") {
			t.Remove(s, label, "tls")
		}
		return nil, nil
	}
	name := s.Text("tls.vhost")
	if name == "" {
		if name = s.Text("host"); name == "" || net.ParseIP(name) != nil {
			name = "localhost"
		}
		s.Set("tls.vhost", name)
		t.Changef("output %s: tls.vhost %s", label, name)
	}
	cert, key, err := selfsigned.Pair(name)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(t.dir, label+".pem")
	if err := os.WriteFile(path, cert, 0o600); err != nil {
		return nil, err
	}
	t.Remove(s, label, "tls.ca_path")
	s.Set("tls.ca_file", path)
	t.Changef("output %s: tls.ca_file is a certificate of the test", label)
	own := []string{"tls.crt_file", "tls.key_file"}
	if slices.ContainsFunc(own, func(name string) bool { _, err := os.Stat(s.Text(name)); return err != nil }) {
		for _, name := range append(own, "tls.key_passwd") { // of a certificate that is not here
			t.Remove(s, label, name)
		}
	}
	pair, err := tls.X509KeyPair(cert, key)
	return &tls.Config{Certificates: []tls.Certificate{pair}}, err
}
