// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/expect"
)

// A copy keeps what belongs to Fluent Bit, sends nowhere but to its receivers, and has each
// change on a list without the values that it removed.
func TestEditor(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fluent-bit.conf")
	const text = `[SERVICE]
    log_file /var/log/fb.log
    storage.path /var/lib/fb
[INPUT]
    name tail
    tag kube.*
    path /var/log/containers/*.log
    mem_buf_limit 5M
[OUTPUT]
    name es
    match kube.*
    host es.example.com
    http_passwd secret
    retry_limit 3
[OUTPUT]
    name s3
    match *
    bucket logs
    workers 2
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := render.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var e Editor
	e.Isolate(c, "/tmp/copy")
	e.ReplaceInput(c.Inputs[0], "tail.0", expect.Input{Input: "tail.0", Options: [][2]string{{"format", "nginx"}}})
	e.ForwardOutput(c.Outputs[0], "es.0", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711})
	e.NullOutput(c.Outputs[1], "s3.0", ", since no sink looks at it")
	copied := filepath.Join(dir, "copy")
	if err := os.Mkdir(copied, 0o700); err != nil {
		t.Fatal(err)
	}
	name, err := c.Write(copied)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	tag := "kube.var.log.containers.gdummy_default_gdummy-" + strings.Repeat("0", 64) + ".log"
	want := `[SERVICE]
    storage.path /tmp/copy/storage
[INPUT]
    name gdummy
    tag ` + tag + `
    mem_buf_limit 5M
    alias tail.0
    format nginx
[OUTPUT]
    name forward
    match kube.*
    retry_limit 3
    alias es.0
    host 127.0.0.1
    port 4711
    require_ack_response on
    retain_metadata_in_forward_mode on
[OUTPUT]
    name null
    match *
    alias s3.0
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	changes := []string{
		"service: without log_file",
		"service: storage.path is a directory of its own",
		"input tail.0: tag " + tag + ", as of a file in the configured path",
		"input tail.0: without path",
		"input tail.0: tail is replaced by gdummy",
		"input tail.0: format nginx",
		"output es.0: without host",
		"output es.0: without http_passwd",
		"output es.0: es is replaced by forward to 127.0.0.1:4711",
		"output s3.0: without bucket",
		"output s3.0: without workers",
		"output s3.0: s3 is replaced by null, since no sink looks at it",
	}
	if diff := cmp.Diff(changes, e.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
