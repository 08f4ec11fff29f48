// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// chromium is a headless browser, controlled over two pipes: JSON messages, each with
// a zero byte at its end.
type chromium struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	id      int
	session string // of the only tab
}

// startChromium starts a browser, which the end of the test stops. It skips the test
// if there is none.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("### SKIPPED: the page was not tested in a browser: chromium is not in PATH (Debian: apt-get install chromium) ###")
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir())
	cmd.ExtraFiles = []*os.File{theirs, written} // 3 and 4
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	written.Close()
	stop := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	b := &chromium{t: t, in: ours, out: bufio.NewReader(answers)}
	t.Cleanup(func() {
		b.session = ""
		_ = b.send("Browser.close", nil) // ends all its processes
		ours.Close()
		_ = cmd.Wait() // the exit code does not matter
		answers.Close()
		stop.Stop()
	})
	var tab struct{ TargetID string }
	if err := b.try("Target.createTarget", map[string]any{"url": "about:blank"}, &tab); err != nil {
		t.Skipf("### SKIPPED: the page was not tested in a browser: chromium does not run here: %v\n%s ###", err, log.Bytes())
	}
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": tab.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.call("Page.enable", nil, nil)
	return b
}

func (b *chromium) send(method string, params map[string]any) error {
	b.id++
	if params == nil {
		params = map[string]any{}
	}
	msg := map[string]any{"id": b.id, "method": method, "params": params}
	if b.session != "" {
		msg["sessionId"] = b.session
	}
	data, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	_, err = b.in.Write(append(data, 0))
	return err
}

// message is a response or an event.
type message struct {
	ID     int
	Method string
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (b *chromium) next() (m message, err error) {
	data, err := b.out.ReadBytes(0)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(data[:len(data)-1], &m)
}

// try calls a method of the browser and decodes its result.
func (b *chromium) try(method string, params map[string]any, result any) error {
	if err := b.send(method, params); err != nil {
		return err
	}
	for {
		m, err := b.next()
		switch {
		case err != nil:
			return err
		case m.ID != b.id:
		case m.Error != nil:
			return errors.New(m.Error.Message)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(m.Result, result)
		}
	}
}

func (b *chromium) call(method string, params map[string]any, result any) {
	b.t.Helper()
	if err := b.try(method, params, result); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

// show opens a page as wide as width, in pixels; scheme is light or dark, media
// screen or print.
func (b *chromium) show(url string, width int, scheme, media string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": media,
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	if err := b.send("Page.navigate", map[string]any{"url": url}); err != nil {
		b.t.Fatal(err)
	}
	for {
		m, err := b.next()
		if err != nil {
			b.t.Fatal(err)
		}
		if m.Method == "Page.loadEventFired" {
			return
		}
	}
}

// run evaluates a script in the page and decodes its value.
func (b *chromium) run(script string, value any) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatal(r.ExceptionDetails.Exception.Description)
	}
	if err := json.Unmarshal(r.Result.Value, value); err != nil {
		b.t.Fatal(err)
	}
}

// file returns the base64 data that a method returns: an image or a document.
func (b *chromium) file(method string, params map[string]any) []byte {
	b.t.Helper()
	var r struct{ Data string }
	b.call(method, params, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.t.Fatal(fmt.Errorf("%s: %w", method, err))
	}
	return data
}
