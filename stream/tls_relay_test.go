package stream_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// tlsRelay is somebody between a client and a server of TLS, who passes on what they send, in the
// pieces that a test wants, or something else.
//
//	client ──▶ fromClient ─ ─ ▶ toServer ──▶ server
type tlsRelay struct {
	client, fromClient *stream.Conn
	toServer, server   *stream.Conn

	sniffed  *bytes.Buffer // what the server has sent, at least the beginning of it
	dropping *bool         // what the server sends is not passed on
}

// relayed returns a client and a server, both in memory, with somebody between them. What the
// server sends is passed on as it is.
func (p *tlsPlace) relayed() tlsRelay {
	p.Helper()
	r := tlsRelay{sniffed: &bytes.Buffer{}, dropping: new(bool)}
	r.client, r.fromClient = stream.Pipe(p.group.Task)
	r.toServer, r.server = stream.Pipe(p.group.Task)
	p.goes("relay to the client", func(*kettle.Task) error {
		chunk, err := r.toServer.Next()
		r.sniffed.Write(chunk)
		for err == nil { // until one of them is closed
			if !*r.dropping {
				_, err = r.fromClient.Write(chunk)
			}
			if err == nil {
				chunk, err = r.toServer.Next()
			}
		}
		_ = r.fromClient.CloseWrite()
		return nil
	})
	return r
}

// passes passes on what the client sends until f returns.
func (r tlsRelay) passes(p *tlsPlace, f func()) {
	p.Helper()
	var passing *kettle.Task
	var over kettle.Event
	p.goes("relay to the server", func(t *kettle.Task) error {
		defer over.Set()
		return t.WithCancel(func(t *kettle.Task) error {
			passing = t
			_, err := r.fromClient.WriteTo(r.toServer)
			if t.Cancelled(err) {
				err = nil
			}
			return err
		})
	})
	f()
	for range 3 { // what is under way arrives
		p.must(p.group.Yield())
	}
	passing.Cancel(nil)
	p.must(over.Wait(p.group.Task))
}

// secured is relayed with handshakes that succeed.
func (p *tlsPlace) securedRelay() tlsRelay {
	p.Helper()
	r := p.relayed()
	r.passes(p, func() { p.must(errors.Join(p.handshakes(r.client, r.server))) })
	return r
}

// takes returns what the client sends when what does it is done.
func (r tlsRelay) takes(p *tlsPlace, send func()) []byte {
	p.Helper()
	send()
	chunk, err := r.fromClient.Next()
	p.must(err)
	return append([]byte(nil), chunk...)
}

// ends aborts what is left of it all.
func (r tlsRelay) ends() {
	for _, c := range []*stream.Conn{r.client, r.fromClient, r.toServer, r.server} {
		c.Abort()
	}
}

func TestTLSReadsMayBeCancelledAtEveryByte(t *testing.T) {
	const text = "what is in the record"
	for turns := range 4 {
		onPipes(t, func(p *tlsPlace) {
			r := p.securedRelay()
			defer r.ends()
			record := r.takes(p, func() {
				p.writes(r.client, text[:10])
				p.writes(r.client, text[10:])
			})
			var got []byte
			for _, b := range record {
				_, err := r.toServer.Write([]byte{b})
				p.must(err)
				got = append(got, p.cancelledRead(r.server, turns)...)
			}
			if string(got) != text {
				p.Errorf("read %q", got)
			}
			p.writes(r.server, "an answer")
			p.reads(r.client, "an answer")
		})
	}
}

// cancelledRead reads, and cancels that after a number of turns.
func (p *tlsPlace) cancelledRead(c *stream.Conn, turns int) (got []byte) {
	p.Helper()
	var reading *kettle.Task
	var over kettle.Event
	p.goes("reader", func(t *kettle.Task) error {
		defer over.Set()
		return t.WithCancel(func(t *kettle.Task) error {
			reading = t
			for {
				chunk, err := c.Next()
				got = append(got, chunk...)
				if t.Cancelled(err) {
					return nil
				}
				if err != nil {
					return err
				}
			}
		})
	})
	for range turns {
		p.must(p.group.Yield())
	}
	if reading != nil {
		reading.Cancel(nil)
	} else {
		p.must(p.group.Yield())
		reading.Cancel(nil)
	}
	p.must(over.Wait(p.group.Task))
	return got
}

func TestTLSLargeReadsMayBeCancelled(t *testing.T) {
	text := noise(9, 40_000)
	onPipes(t, func(p *tlsPlace) {
		r := p.securedRelay()
		defer r.ends()
		p.goes("client", func(*kettle.Task) error {
			_, err := r.client.Write(text)
			return errors.Join(err, r.client.CloseWrite())
		})
		all, err := io.ReadAll(r.fromClient)
		p.must(err)
		whole := make([]byte, len(text))
		var n int
		for {
			piece := all[:min(len(all), 3001)]
			_, err := r.toServer.Write(piece)
			p.must(err)
			if all = all[len(piece):]; len(all) < 3001 { // its end may be close_notify alone
				break
			}
			err = p.group.WithTimeout(1, func(*kettle.Task) (err error) {
				n, err = r.server.ReadFull(whole)
				return err
			})
			if n > 0 || err == nil {
				p.Fatalf("read %d, %v", n, err)
			}
		}
		_, err = r.toServer.Write(all)
		p.must(err)
		n, err = r.server.ReadFull(whole)
		if err != nil || string(whole[:n]) != string(text) {
			p.Errorf("read %d bytes, or others, %v", n, err)
		}
	})
}

func TestTLSWritesMayBeCancelled(t *testing.T) {
	text := noise(5, 1<<20)
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		p.must(errors.Join(p.handshakes(client, server)))
		sent, cancelled := 0, 0
		p.goes("writer", func(t *kettle.Task) error {
			for sent < len(text) {
				err := t.WithTimeout(1, func(*kettle.Task) error {
					n, err := client.Write(text[sent:])
					sent += n
					return err
				})
				if err != nil {
					cancelled++
				}
				if client.Pending() > 150_000 {
					p.Errorf("%d bytes are pending", client.Pending())
				}
			}
			return client.Close()
		})
		var got []byte
		for len(got) < len(text) {
			p.must(p.group.Sleep(10))
			chunk, err := server.Next()
			p.must(err)
			got = append(got, chunk...)
		}
		if string(got) != string(text) || cancelled < 3 {
			p.Errorf("other bytes have come; %d writes were cancelled", cancelled)
		}
		p.must(server.Close())
	})
}

func TestTLSHandshakeMayBeCancelledAnywhere(t *testing.T) {
	for n := 0; ; n += 61 {
		stood := false
		onPipes(t, func(p *tlsPlace) {
			r := p.relayed()
			defer r.ends()
			p.goes("client", func(*kettle.Task) error {
				if err := r.client.StartTLS(p.client); err == nil {
					_, _ = r.client.Next()
				}
				return nil
			})
			var shaking *kettle.Task
			var over kettle.Event
			var err error
			p.goes("server", func(t *kettle.Task) error {
				defer over.Set()
				return t.WithCancel(func(t *kettle.Task) error {
					shaking = t
					err = r.server.StartTLSServer(p.server)
					return nil
				})
			})
			p.must(p.group.Yield())
			for left := n; left > 0 && !over.IsSet(); {
				chunk, err := r.fromClient.Peek(1)
				p.must(err)
				piece := make([]byte, min(left, max(len(chunk), r.fromClient.Buffered())))
				_, err = r.fromClient.ReadFull(piece)
				p.must(err)
				_, err = r.toServer.Write(piece)
				p.must(err)
				left -= len(piece)
				for range 4 {
					p.must(p.group.Yield())
				}
			}
			shaking.Cancel(errTLSTest)
			p.must(over.Wait(p.group.Task))
			if stood = err == nil; stood {
				return
			}
			p.is(err, errTLSTest)
			p.ends(r.server, net.ErrClosed)
		})
		if stood || t.Failed() {
			return
		}
	}
}

var errTLSTest = errors.New("the test cancels it")
