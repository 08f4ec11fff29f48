// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// All that differs from the configuration is listed, but no value that may be a secret.
func TestContentChanges(t *testing.T) {
	files := map[string]string{
		pipelineFile: `[SERVICE]
    flush 5
    http_server on
    storage.path /var/lib/fluent-bit
[INPUT]
    name gdummy
    tag a
    rate 10
    shuffle_within 5s
    repeat 1%
    late 1% by 2s
[INPUT]
    name http
    tag b
    port 9880
    tls on
    tls.key_passwd hunter2
[INPUT]
    name cpu
    tag c
[OUTPUT]
    name es
    match a
    host es.example.com
    http_passwd hunter2
[OUTPUT]
    name http
    alias other
    match b
    workers 4
    host other.example.com
`,
		"app.test.yaml": `pipeline: fluent-bit.conf
records: 100
inputs: [{input: http.0, format: nginx, seed: 7}]
sinks: [{output: es.0, from: gdummy.0}]
`,
	}
	want := []string{
		"input http.0: without port",
		"input http.0: without tls",
		"input http.0: without tls.key_passwd",
		"input http.0: http is replaced by gdummy",
		"input http.0: format nginx",
		"input http.0: seed 7",
		"input gdummy.0: without rate",
		"input gdummy.0: without shuffle_within",
		"input gdummy.0: without repeat",
		"input gdummy.0: without late",
		"input gdummy.0: 100 records as fast as possible, with an identity in the metadata",
		"input gdummy.0: seed 1",
		"input http.0: 100 records as fast as possible, with an identity in the metadata",
		"input cpu.0 is left out: nothing feeds it",
		"output es.0: without host",
		"output es.0: without http_passwd",
		"output es.0: es is replaced by forward to 127.0.0.1:PORT",
		"output other: without host",
		"output other: without workers",
		"output other: http is replaced by null, since no sink looks at it",
		"service: flush 0.1",
		"service: without http_server",
		"service: storage.path is a directory of its own",
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := testContent(t, h, dir, "app.test.yaml")
		if got := r.found(t); len(got) > 0 {
			t.Errorf("failures: %q", got)
		}
		if diff := cmp.Diff([]string{"cpu.0"}, r.Tests[0].LeftOut); diff != "" {
			t.Errorf("left out: (-want +got):\n%s", diff)
		}
		got := r.Tests[0].Changes
		for i := range got {
			got[i] = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(got[i], "127.0.0.1:PORT")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
