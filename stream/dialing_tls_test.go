package stream_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// TestDialWithTLS shakes hands before anybody has the connection: with the host of the address, if
// the configuration does not say which.
func TestDialWithTLS(t *testing.T) {
	hello := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }
	server := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	known := x509.NewCertPool()
	known.AddCert(server.Certificate()) // it is for example.com
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	anyName := func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	for _, test := range []struct{ host, name, fails string }{
		{host: "example.com"},
		{host: "127.0.0.1"},
		{host: "kettle.example", name: "example.com"},
		{host: "kettle.example", fails: "kettle.example"},
	} {
		config := &tls.Config{RootCAs: known, ServerName: test.name}
		d := &stream.Dialer{TLS: config, LookUp: anyName, Timeout: time.Minute}
		err := kettle.Run(func(task *kettle.Task) error {
			c, err := d.Dial(task, "tcp", net.JoinHostPort(test.host, port))
			if test.fails != "" {
				var wrong x509.HostnameError
				if !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("%v, %v", c, err)
				}
				return nil
			}
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
				return err
			}
			page, err := io.ReadAll(c)
			if !strings.HasSuffix(string(page), "\r\n\r\nhello") {
				t.Errorf("the answer is %q", page)
			}
			return err
		})
		if err != nil || config.ServerName != test.name {
			t.Errorf("%v; the name in the configuration is %q", err, config.ServerName)
		}
	}
}

// TestTimeoutOfTheHandshake is Dial's: a server may accept and say nothing.
func TestTimeoutOfTheHandshake(t *testing.T) {
	clock, jumps := clockThatJumps()
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := listening(task, stream.ListenConfig{})
		if err != nil {
			return err
		}
		before := openDescriptors(t)
		d := &stream.Dialer{TLS: &tls.Config{InsecureSkipVerify: true}, Timeout: 2 * time.Second}
		var c *stream.Conn
		took := elapsed(clock, func() { c, err = d.Dial(task, "tcp", ln.Addr().String()) })
		if c != nil || took != d.Timeout {
			t.Errorf("%v after %v", c, took)
		}
		wantErrors(t, err, os.ErrDeadlineExceeded)
		if after := openDescriptors(t); after != before {
			t.Errorf("%d descriptors are open, and there were %d", after, before)
		}
		return nil
	}, jumps)
}
