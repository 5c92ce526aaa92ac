package stream_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// A client of TLS that goes without a word of it has gone, and is no failure of its handler.
func TestTLSClientThatIsCutOffIsNotToldOf(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			config := stream.ListenConfig{TLS: p.server}
			ln, err := config.Listen(p.group.Task, "tcp", "127.0.0.1:0")
			p.must(err)
			server := &stream.Server{Handler: upperLines,
				OnError: func(_ *stream.Conn, err error) { p.Errorf("told of: %v", err) }}
			p.goes("server", func(t *kettle.Task) error { return server.Serve(t, ln) })
			p.must(p.group.Blocking(func(context.Context) error {
				below, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					return err
				}
				defer below.Close()
				return tls.Client(below, p.client).Handshake()
			}))
			for server.Stats().Accepted == 0 || server.Stats().Handlers > 0 {
				p.must(p.group.Yield())
			}
			server.Drain(time.Second)
		})
	})
}
