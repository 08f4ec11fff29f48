// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/gdummy/gdummy/internal/files"
	unpacking "github.com/gdummy/gdummy/internal/unpack"
)

// Documents is a server that takes whole requests over HTTP, on this machine only. It is
// for tests of a pipeline: unlike a [Server], it has no limits.
type Documents struct {
	listener net.Listener
	server   *http.Server
}

// accepted is the answer to all requests. Outputs for Elasticsearch, OpenSearch and Splunk
// look into it.
const accepted = `{"took":1,"errors":false,"items":[],"text":"Success","code":0}`

// ListenDocuments starts a server at a free port, with TLS if secure is not nil. take
// receives the body of each request, decompressed, and is called concurrently.
func ListenDocuments(secure *tls.Config, take func(doc []byte, arrival time.Time)) (*Documents, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	d := &Documents{listener: l}
	d.server = &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			doc, err := readDocument(r.Body)
			if err != nil {
				http.Error(w, "the body cannot be read", http.StatusBadRequest)
				return
			}
			take(doc, time.Now())
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, accepted) // the client sends it again if it is gone
		}),
	}
	go d.server.Serve(l) //nolint:errcheck // Close ends it
	return d, nil
}

// readDocument reads a body, and decompresses it.
func readDocument(body io.Reader) ([]byte, error) {
	doc, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	p := files.PackingOf(doc)
	if !unpacking.Supported(p) {
		return doc, nil
	}
	r, err := unpacking.New(p, bufio.NewReader(bytes.NewReader(doc)), unpacking.MaxDictionary)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Addr returns the address of the server.
func (d *Documents) Addr() net.Addr { return d.listener.Addr() }

// Close ends the server and its requests.
func (d *Documents) Close() error { return d.server.Close() }
