package stream_test

import (
	"errors"
	"net"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func TestTLSIsNotStartedWhereAnotherTaskReads(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		var over kettle.Event
		p.goes("reader", func(*kettle.Task) error {
			p.reads(client, "plaintext")
			over.Set()
			return nil
		})
		p.must(p.group.Yield())
		p.is(client.StartTLS(p.client), stream.ErrBusy)
		p.writes(server, "plaintext") // the connection is as it was
		p.must(over.Wait(p.group.Task))
		p.must(errors.Join(p.handshakes(client, server)))
		client.Abort()
		server.Abort()
	})
}

func TestTLSHandshakeEndsWithTheConnection(t *testing.T) {
	ends := map[string]func(c *stream.Conn){
		"Close": func(c *stream.Conn) { _ = c.Close() },
		"Abort": (*stream.Conn).Abort,
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			onPipes(t, func(p *tlsPlace) {
				client, server := stream.Pipe(p.group.Task)
				p.goes("reader", func(t *kettle.Task) error {
					p.must(t.Yield())
					p.ends(client, net.ErrClosed)
					return nil
				})
				p.goes("end", func(t *kettle.Task) error {
					for range 3 {
						p.must(t.Yield())
					}
					end(client)
					return nil
				})
				p.is(client.StartTLS(p.client), net.ErrClosed)
				p.is(client.TryWrite([]byte("more")), net.ErrClosed)
				server.Abort()
			})
		})
	}
}

func TestTLSReadEndsWhenTheOtherSideIsGone(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			client, server := p.secured()
			p.goes("end", func(t *kettle.Task) error {
				p.must(t.Yield())
				server.Abort()
				return nil
			})
			large := make([]byte, 10_000)
			_, err := client.Read(large)
			var op *net.OpError
			if !errors.As(err, &op) {
				p.Errorf("the read returns %v", err)
			}
			if _, err := client.Write(large); !errors.As(err, &op) {
				p.Errorf("the write returns %v", err)
			}
			p.must(client.Close())
		})
	})
}
