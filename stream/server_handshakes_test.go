package stream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// certified returns a configuration with a certificate for the name "server", and one that trusts
// it.
func certified(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"server"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der},
		PrivateKey: key}}}
	return server, &tls.Config{RootCAs: roots, ServerName: "server"}
}

// inSafeHouse is inHouse with TLS, and gives the test what its clients need.
func inSafeHouse(t *testing.T, server *stream.Server, test func(h *house, client *tls.Config)) {
	config, client := certified(t)
	inHouseOf(t, server, stream.ListenConfig{TLS: config}, func(h *house) { test(h, client) })
}

// TestHandshakeComesFirst: the handler has a connection that is encrypted.
func TestHandshakeComesFirst(t *testing.T) {
	inSafeHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		if _, is := c.ConnectionState(); !is {
			return errors.New("the handler was called before the handshake")
		}
		return upper(task, c)
	}}, func(h *house, client *tls.Config) {
		c := h.dial()
		h.must(c.StartTLS(client))
		h.say(c, "secret")
		h.hear(c, "SECRET")
		h.server.Drain(time.Minute)
		h.ends(c, io.EOF)
		h.returned(nil)
	})
}

// TestHandshakesFail at the will of strangers: the handler is not called, and one incident tells of
// all of them.
func TestHandshakesFail(t *testing.T) {
	inSafeHouse(t, &stream.Server{Handler: func(*kettle.Task, *stream.Conn) error {
		return errors.New("the handler was called")
	}}, func(h *house, client *tls.Config) {
		for range 3 {
			c := h.dial()
			h.say(c, "GET / HTTP/1.0\r\n\r\n")
			c.Abort()
			h.settle()
		}
		silent := h.dial() // which leaves
		h.must(silent.Close())
		h.settle()
		in := h.incident()
		failure := new(stream.HandshakeError)
		if !errors.As(in.Err, &failure) || !strings.Contains(in.Err.Error(), "handshake") {
			h.Errorf("the incident is %v", in.Err)
		}
		h.equal("the counts", h.server.Stats(), stream.ServerStats{Accepted: 4, Handshakes: 4})
		c := h.dial() // and a client who means it is served
		if err := c.StartTLS(client); err != nil {
			h.Error(err)
		}
		_, _ = c.Next()
		h.must(c.Close())
		h.settle()
		if in := h.incident(); !strings.Contains(in.Err.Error(), "was called") {
			h.Errorf("the incident is %v", in.Err)
		}
	})
}

// TestOnErrorIsToldOfHandshakes, of each.
func TestOnErrorIsToldOfHandshakes(t *testing.T) {
	told := 0
	inSafeHouse(t, &stream.Server{Handler: upper, OnError: func(_ *stream.Conn, err error) {
		if errors.As(err, new(*stream.HandshakeError)) {
			told++
		}
	}}, func(h *house, _ *tls.Config) {
		told = 0
		for range 3 {
			c := h.dial()
			h.say(c, "no handshake\n")
			c.Abort()
			h.settle()
		}
		h.equal("told", told, 3)
	})
}

// TestSilentHandshakes keep nobody out, and end: by their time, by a drain, and by Close.
func TestSilentHandshakes(t *testing.T) {
	for name, end := range map[string]func(h *house){
		"time":  func(h *house) { h.must(h.Sleep(time.Hour)) },
		"drain": func(h *house) { h.server.Drain(time.Hour) },
		"close": func(h *house) { h.server.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			inSafeHouse(t, &stream.Server{Handler: upper, OnError: func(*stream.Conn, error) {}},
				func(h *house, client *tls.Config) {
					silent := h.dial()
					other := h.dial()
					h.must(other.StartTLS(client))
					h.say(other, "x")
					h.hear(other, "X")
					h.must(other.Close())
					end(h)
					h.must(h.Sleep(time.Minute)) // an alert may linger
					h.equal("open", h.server.Stats().Open, 0)
					failures := map[string]uint64{"time": 1}[name]
					h.equal("failed handshakes", h.server.Stats().Handshakes, failures)
					silent.Abort()
				})
		})
	}
}
