// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"time"

	logs "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

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
// receives the body of each request, decompressed, or why it cannot be read, and is called
// concurrently.
func ListenDocuments(secure *tls.Config, take func(doc []byte, arrival time.Time, err error)) (*Documents, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &Documents{listener: l}
	d.server = &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			doc, err := readRequest(r)
			take(doc, time.Now(), err)
			if err != nil {
				http.Error(w, "the body cannot be read", http.StatusBadRequest)
				return
			}
			accept(w, r.Header.Get("Content-Type"))
		}),
	}
	d.server.Protocols = new(http.Protocols)
	d.server.Protocols.SetHTTP1(true)
	if secure == nil {
		d.server.Protocols.SetUnencryptedHTTP2(true)
		go d.server.Serve(l) //nolint:errcheck // Close ends it
		return d, nil
	}
	d.server.Protocols.SetHTTP2(true)
	d.server.TLSConfig = secure
	go d.server.ServeTLS(l, "", "") //nolint:errcheck // Close ends it
	return d, nil
}

// The types of bodies with logs of OpenTelemetry.
const (
	protobuf = "application/x-protobuf"
	grpc     = "application/grpc"
)

// grpcHeader is the size of the header of a message: whether it is compressed, and its size.
const grpcHeader = 5

// accept answers a request.
func accept(w http.ResponseWriter, kind string) {
	switch kind {
	case grpc:
		w.Header().Set("Content-Type", grpc)
		_, _ = w.Write(make([]byte, grpcHeader)) // an empty message
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	case protobuf:
		w.Header().Set("Content-Type", protobuf)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, accepted) // the client sends it again if it is gone
	}
}

// readRequest reads the body of a request. It returns logs of OpenTelemetry as JSON.
func readRequest(r *http.Request) ([]byte, error) {
	body, kind := io.Reader(r.Body), r.Header.Get("Content-Type")
	if kind == grpc {
		if _, err := io.CopyN(io.Discard, body, grpcHeader); err != nil {
			return nil, err
		}
	}
	doc, err := readDocument(body)
	if err != nil || kind != grpc && kind != protobuf {
		return doc, err
	}
	request := new(logs.ExportLogsServiceRequest)
	if err := proto.Unmarshal(doc, request); err != nil {
		return nil, err
	}
	if doc, err = (protojson.MarshalOptions{UseEnumNumbers: true}).Marshal(request); err != nil {
		return nil, err
	}
	return ids.ReplaceAllFunc(doc, hexOf), nil
}

// ids are the members that OpenTelemetry writes in hexadecimal, and protobuf in base64.
var ids = regexp.MustCompile(`"(?:traceId|spanId)":\s*"[^"]*"`)

func hexOf(member []byte) []byte {
	at := bytes.LastIndexByte(member[:len(member)-1], '"') + 1
	id, err := base64.StdEncoding.DecodeString(string(member[at : len(member)-1]))
	if err != nil {
		return member
	}
	return append(hex.AppendEncode(bytes.Clone(member[:at]), id), '"')
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
