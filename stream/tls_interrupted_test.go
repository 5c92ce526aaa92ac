package stream_test

import (
	"crypto/tls"
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

// waitingCache has the client wait when the server's ticket is to be kept, in the midst of a read.
type waitingCache struct {
	tls.ClientSessionCache
	wait func()
}

func (w *waitingCache) Put(key string, state *tls.ClientSessionState) {
	w.wait()
	w.ClientSessionCache.Put(key, state)
}

// Others write as ever meanwhile, however much: it is not what the read makes TLS say.
func TestTLSWritesWhileACallbackOfAReadWaits(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		var reader *kettle.Task
		var waits, goOn, read, taken kettle.Event
		cache := &waitingCache{tls.NewLRUClientSessionCache(1), func() {
			waits.Set()
			p.must(goOn.Wait(reader))
		}}
		p.client.ClientSessionCache = cache
		client, server := stream.Pipe(p.group.Task)
		p.must(errors.Join(p.handshakes(client, server)))
		p.writes(server, "tea")
		p.goes("reader", func(t *kettle.Task) error {
			defer read.Set()
			reader = t
			p.reads(client, "tea")
			return nil
		})
		p.must(waits.Wait(p.group.Task))
		const much = 1 << 20
		p.goes("server", func(t *kettle.Task) error {
			if err := t.Yield(); err != nil { // too much is pending by then
				return err
			}
			_, err := server.Discard(much)
			taken.Set()
			return err
		})
		if n, err := client.Write(make([]byte, much)); n != much || err != nil {
			p.Errorf("wrote %d bytes, %v", n, err)
		}
		goOn.Set()
		p.must(errors.Join(read.Wait(p.group.Task), taken.Wait(p.group.Task)))
		client.Abort()
		server.Abort()
	})
}
