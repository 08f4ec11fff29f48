// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The expectations of a test hold for what arrives from a pipeline that runs by itself, at
// listeners and in files, and find what is planted there.
func TestAuditExpect(t *testing.T) {
	const template = `{{- $event := weighted "order" 3 "view" 7 -}}{{- $card := credit_card -}}
{"event": {{ $event }}, "log": "{{ seq }} paid", "card": {{ $card }}}`
	const expectations = `pipeline: fluent-bit.conf
sinks:
  - name: orders
    arrive: eq $event "order"
    fields: {event: $event, n: seq}
    absent: [$card]
    only: [event, n]
    within: 1m
  - name: views
    arrive: ne $event "order"
    fields: {n: seq}
    absent: [$card]
  - name: file
    arrive: eq $event "order"
    fields: {event: $event, n: seq}
    absent: [$card]
    only: [event, n, date]
`
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		for _, tt := range []struct {
			why, old, new string
			want          []string
		}{
			{"as it should be", "", "", nil},
			{"types missing", "n:integer", "n:string", []string{"file: wrong type n", "orders: wrong type n", "views: wrong type n"}},
			{"a secret", "remove card", "rename card pan", []string{
				"file: extra member pan", "file: secret found $card", "orders: extra member pan", "orders: secret found $card", "views: secret found $card",
			}},
		} {
			t.Run(tt.why, func(t *testing.T) {
				dir := t.TempDir()
				ports := []int{freePort(t), freePort(t)}
				forward := func(match string, port int) string {
					return strings.Replace(toForward(port, "retain_metadata_in_forward_mode on"), "match *", "match "+match, 1)
				}
				config := service + "    parsers_file parsers.conf\n" +
					input("name gdummy", "tag shop", "rate 2k", "max_records 3000", "seed 7", "template_file shop.tmpl", "audit_in metadata", "ledger ledger") + `
[FILTER]
    name parser
    match shop
    key_name log
    parser n
    reserve_data on
[FILTER]
    name modify
    match shop
    remove card
[FILTER]
    name rewrite_tag
    match shop
    rule $event ^order$ orders false
` + forward("orders", ports[0]) + forward("shop", ports[1]) + `
[OUTPUT]
    name file
    match orders
    file orders.mp
    format msgpack
`
				parsers := "[PARSER]\n    Name n\n    Format regex\n    Regex ^(?<n>\\d+) paid$\n    Types n:integer\n"
				for name, text := range map[string]string{"shop.tmpl": template, "all.test.yaml": expectations, "parsers.conf": parsers, "fluent-bit.conf": config} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, tt.old+"\n", tt.new+"\n")), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				ledger, tests := filepath.Join(dir, "ledger"), filepath.Join(dir, "all.test.yaml")
				a := startAudit(t, "--expect", tests, "--ledger", ledger, "--until-ledger-complete", "--idle", "10s",
					"--listen", fmt.Sprintf("orders=forward://127.0.0.1:%d", ports[0]), "--listen", fmt.Sprintf("views=forward://127.0.0.1:%d", ports[1]))
				p := h.start(t, launch{dir: dir, args: []string{"-c", "fluent-bit.conf"}})
				p.awaitDelivered()
				p.send(syscall.SIGTERM)
				p.awaitExit(lifetime)
				got := a.failures()
				files := startAudit(t, "--expect", tests, "--ledger", ledger, "file="+filepath.Join(dir, "orders.mp"))
				got = append(files.failures(), got...)
				slices.Sort(got)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	})
}

// failures waits for the exit, and returns what failed as found does.
func (a *auditing) failures() []string {
	a.t.Helper()
	err := a.cmd.Wait()
	var r contentResult
	if wrong := json.Unmarshal(a.out.Bytes(), &r); wrong != nil {
		a.t.Fatalf("%v: %v: %s%s", err, wrong, a.out.String(), a.err.String())
	}
	return r.found(a.t)
}

// What outputs send over HTTP, TCP and forward, compressed or not, is compared as it
// arrives.
func TestAuditExpectListeners(t *testing.T) {
	outputs := []struct{ sink, scheme, properties string }{
		{"bulk", "http", "name es\n    index a\n    suppress_type_name on"},
		{"array", "http", "name http\n    format json\n    compress gzip"},
		{"msgpack", "http", "name http\n    format msgpack"},
		{"lines", "tcp", "name tcp\n    format json_lines"},
		{"packed", "forward", "name forward\n    compress gzip"},
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		for _, filter := range []string{"remove card", "rename card pan"} {
			t.Run(filter, func(t *testing.T) {
				dir := t.TempDir()
				config := service + input("name gdummy", "tag shop", "rate 2k", "max_records 2000", "seed 7", "template_file shop.tmpl", "ledger ledger") +
					"\n[FILTER]\n    name modify\n    match shop\n    " + filter + "\n"
				expectations := "pipeline: fluent-bit.conf\nsinks:\n"
				var listen, want []string
				for _, o := range outputs {
					port := freePort(t)
					config += fmt.Sprintf("\n[OUTPUT]\n    %s\n    match *\n    host 127.0.0.1\n    port %d\n", o.properties, port)
					expectations += "  - {name: " + o.sink + ", fields: {n: seq, event: $event}, absent: [$card], only: [n, event, date, '@timestamp'], within: 1m}\n"
					listen = append(listen, "--listen", fmt.Sprintf("%s=%s://127.0.0.1:%d", o.sink, o.scheme, port))
					if filter != "remove card" {
						want = append(want, o.sink+": extra member pan", o.sink+": secret found $card")
					}
				}
				const template = `{{- $event := weighted "order" 3 "view" 7 -}}{{- $card := credit_card -}}
{"event": {{ $event }}, "n": {{ seq }}, "card": {{ $card }}}`
				for name, text := range map[string]string{"shop.tmpl": template, "all.test.yaml": expectations, "fluent-bit.conf": config} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				a := startAudit(t, append(listen, "--expect", filepath.Join(dir, "all.test.yaml"), "--ledger", filepath.Join(dir, "ledger"), "--until-ledger-complete", "--idle", "10s")...)
				p := h.start(t, launch{dir: dir, args: []string{"-c", "fluent-bit.conf"}})
				p.awaitDelivered()
				p.send(syscall.SIGTERM)
				p.awaitExit(lifetime)
				got := a.failures()
				slices.Sort(want)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s\n%s", diff, a.err.String())
				}
			})
		}
	})
}
