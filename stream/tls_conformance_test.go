package stream_test

import (
	"errors"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/streamtest"
)

// tlsOver returns what makes connections of TLS out of those that connect makes.
func tlsOver(t *testing.T, connect streamtest.Make) streamtest.Make {
	sides := newTLSSides(t)
	return func(t *kettle.Task) (client, server *stream.Conn, err error) {
		if client, server, err = connect(t); err != nil {
			return nil, nil, err
		}
		var ofServer error
		err = t.Group(func(g *kettle.Group) error {
			if err := g.Go("server's handshake", func(*kettle.Task) error {
				ofServer = server.StartTLSServer(sides.server)
				return nil
			}); err != nil {
				return err
			}
			return client.StartTLS(sides.client)
		})
		return client, server, errors.Join(err, ofServer)
	}
}

func TestTLSKeepsThePromisesOfStreams(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		streamtest.Run(t, tlsOver(t, func(t *kettle.Task) (a, b *stream.Conn, err error) {
			ln, err := stream.Listen(t, "tcp", "127.0.0.1:0")
			if err != nil {
				return nil, nil, err
			}
			defer ln.Close()
			if a, err = stream.Dial(t, "tcp", ln.Addr().String()); err != nil {
				return nil, nil, err
			}
			b, err = ln.Accept()
			return a, b, err
		}), backend)
	})
}

func TestTLSInMemoryKeepsThePromisesOfStreams(t *testing.T) {
	streamtest.Run(t, tlsOver(t, func(t *kettle.Task) (a, b *stream.Conn, err error) {
		a, b = stream.Pipe(t)
		return a, b, nil
	}), kettle.Clock(virtualClock))
}
