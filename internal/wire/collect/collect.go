// SPDX-License-Identifier: Apache-2.0

// Package collect copies growing ledgers from the machines that write them to the one
// that audits them, over HTTP.
//
// The normal path is [Listen] on one side, and [NewPusher] with [Pusher.Run] on the
// other. A ledger arrives byte for byte. Each request is idempotent: a request, or its
// answer, may be lost or cut anywhere, and either side may stop and start again.
//
// # The protocol
//
// A ledger is identified by the hash of its first line, which has a random run, so that
// it stays the same ledger when its file is renamed. Requests have the token as
// "Authorization: Bearer TOKEN".
//
//	GET /v1/ledgers/ID            what is stored: {"size":N,"sum":"SHA-256 of it"}
//	GET /v1/ledgers/ID?size=N     the same of the first N bytes, or fewer
//	PUT /v1/ledgers/ID?name=NAME&offset=N
//	                              append the body, whose SHA-256 is the header
//	                              Gdummy-Sum; the answer is that of GET
//	PUT ...&cut=1                 first cut what is stored to N bytes
//
// The collector answers once the bytes are synced to its disk. If the offset is not the
// stored size, it answers 409 and with what it has. The pusher compares each answer with
// the sum of its own file, and continues after the longest prefix that is the same.
package collect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// Limits of a collector.
const (
	MaxBody    = 1 << 20 // bytes of a request
	MaxLedgers = 100_000
	MinToken   = 16 // bytes
	MaxConns   = 4096
	maxActive  = 64 // requests whose body is in memory
)

// maxFirst is the maximum size of the first line of a ledger, in bytes.
const maxFirst = 1 << 15

// TokenVariable is the environment variable with the token, if no file has it.
const TokenVariable = "GDUMMY_TOKEN"

const (
	route     = "/v1/ledgers/"
	sumHeader = "Gdummy-Sum"
)

// stored is what a collector has of a ledger.
type stored struct {
	Size int64  `json:"size"`
	Sum  string `json:"sum"` // of SHA-256, in hexadecimal
}

// identify returns the ID of a ledger that begins with text. ok is false if text has no
// complete first line, or if that is not one of a ledger.
func identify(text []byte) (id string, ok bool) {
	line, _, complete := bytes.Cut(text, []byte("\n"))
	if !complete || !ledger.Is(line) {
		return "", false
	}
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:16]), true
}

var (
	validID   = regexp.MustCompile(`^[0-9a-f]{32}$`)
	validName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)
	fileName  = regexp.MustCompile(`^.+\.([0-9a-f]{32})\.ledger$`)
)

// CheckName returns an error if ledgers cannot be stored under a name.
func CheckName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("invalid name %q: expected up to 100 letters, digits, dashes, dots and underscores", name)
	}
	return nil
}

// Token returns the token in a file or, without one, in the environment.
func Token(file string) (string, error) {
	text, from := os.Getenv(TokenVariable), "environment variable "+TokenVariable
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		text, from = string(data), file
	}
	token := strings.TrimSpace(text)
	switch {
	case token == "" && file == "":
		return "", fmt.Errorf("no token: expected --token-file or the %s", from)
	case len(token) < MinToken:
		return "", fmt.Errorf("the token of %s has %d bytes: expected at least %d", from, len(token), MinToken)
	case strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "", fmt.Errorf("the token of %s has spaces or special characters: expected visible ASCII characters", from)
	}
	return token, nil
}

// parseAddress checks an address such as https://collector:9443. An address of http is
// one of this machine, because the token would be readable on any other way.
func parseAddress(address string) (u *url.URL, err error) {
	u, err = url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Port() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil:
		return nil, fmt.Errorf("invalid address %q: expected https://HOST:PORT, or http://HOST:PORT on this machine", address)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("invalid address %q: http shows the token to the network: expected https, or an address of this machine", address)
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || ip != nil && ip.IsLoopback()
}

// errDiffers reports that a file is not the ledger that was identified.
var errDiffers = errors.New("the ledger has changed")
