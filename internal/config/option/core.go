// SPDX-License-Identifier: Apache-2.0

package option

import "strings"

// Core are the properties of Fluent Bit itself, which are valid in every input and not
// passed to plugins: those in flb_input_set_property of 5.1.1, and those that the loader
// handles itself (name, routes, processors, telemetry) or ignores (active, condition).
var Core = []string{
	"name", "tag", "alias", "log_level", "log_suppress_interval", "routable", "routes",
	"processors", "telemetry", "active", "condition",
	"mem_buf_limit", "storage.type", "storage.pause_on_chunks_overlimit",
	"threaded", "thread.ring_buffer.capacity", "thread.ring_buffer.window",
	"rate_window", "rate_gate", "rate_gate.max_bytes", "rate_gate.max_records",
	"rate_gate.backpressure", "rate_gate.resume_ratio",
	"host", "port", "listen", "ipv6",
	"tls", "tls.verify", "tls.verify_client_cert", "tls.verify_hostname", "tls.debug", "tls.vhost",
	"tls.ca_path", "tls.ca_file", "tls.crt_file", "tls.key_file", "tls.key_passwd",
	"tls.min_version", "tls.max_version", "tls.ciphers",
}

// corePrefixes are prefixes of properties of Fluent Bit itself.
var corePrefixes = []string{"net.", "oauth2"}

// IsCore reports whether a property of that name belongs to Fluent Bit.
// Names are not case-sensitive.
func IsCore(name string) bool {
	name = strings.ToLower(name)
	for _, c := range Core {
		if name == c {
			return true
		}
	}
	for _, p := range corePrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
