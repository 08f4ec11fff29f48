// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Files beside the configuration are found wherever Fluent Bit is started and however the
// configuration is named. Those in the working directory have priority.
func TestFilesAreFound(t *testing.T) {
	const config = service + `
[INPUT]
    name          gdummy
    tag           main
    template_file shop.tmpl
    seed          1
    rate          50
    ledger        old.ledger
@INCLUDE inputs/*.conf
` + toFiles
	onEachHost(t, func(t *testing.T, h host) {
		for _, tt := range []struct {
			name string
			args []string
			here string // a value in the working directory
		}{
			{"-c FILE", []string{"-c", "../conf/fluent-bit.conf"}, ""},
			{"-cFILE", []string{"-c../conf/fluent-bit.conf"}, ""},
			{"--config=FILE", []string{"--config=../conf/fluent-bit.conf"}, ""},
			{"--config FILE, and a file in the working directory", []string{"--config", "../conf/fluent-bit.conf"}, "here"},
			{"-w DIRECTORY", []string{"-w", "../conf", "-c", "fluent-bit.conf"}, ""},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				here, conf := configuration(t, config)
				value := "beside"
				if tt.here != "" {
					value = tt.here
					write(t, here, "values.csv", "v\n"+value+"\n")
				}
				p := h.start(t, launch{dir: here, args: tt.args})
				out := p.out()
				if tt.args[0] == "-w" {
					out = filepath.Join(conf, "out")
				}
				p.awaitLog("ledger: "+filepath.Join(conf, "old.ledger"), 10*time.Second)
				for _, tag := range []string{"main", "included"} {
					path := filepath.Join(out, tag)
					p.await("records of "+tag, 10*time.Second, func() bool { info, err := os.Stat(path); return err == nil && info.Size() > 0 })
				}
				p.stop()
				if tt.args[0] == "-w" {
					return // the records are in another directory
				}
				p.allBodies("included", `{"v": "`+value+`"}`)
			})
		}
		t.Run("nowhere", func(t *testing.T) {
			t.Parallel()
			here, conf := configuration(t, service+input("name gdummy", "tag a", "template_file none.tmpl")+toFiles)
			p := h.start(t, launch{dir: here, args: []string{"-c", "../conf/fluent-bit.conf"}})
			p.awaitError("template_file", `cannot open "none.tmpl": tried `+filepath.Join(here, "none.tmpl")+", "+filepath.Join(conf, "none.tmpl"))
			p.awaitRefusal()
		})
	})
}

// configuration creates a working directory, and a configuration with its files in another.
func configuration(t *testing.T, config string) (here, conf string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here, conf = filepath.Join(dir, "here"), filepath.Join(dir, "conf")
	for _, d := range []string{here, filepath.Join(conf, "inputs"), filepath.Join(conf, "out")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, conf, "fluent-bit.conf", config)
	write(t, filepath.Join(conf, "inputs"), "one.conf", input("name gdummy", "tag included", "template_file shop.tmpl", "rate 50"))
	write(t, conf, "shop.tmpl", `{"v": {{ (row "values.csv").v }}}`)
	write(t, conf, "values.csv", "v\nbeside\n")
	write(t, conf, "old.ledger", "")
	return here, conf
}
