package stream_test

import (
	"crypto/tls"
	"net"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// What is promised of a net.Conn holds whichever side is on a loop, with TLS too.
func TestConnOfGoroutinesIsNetConn(t *testing.T) {
	sides := newTLSSides(t)
	plain, secure := stream.ListenConfig{}, stream.ListenConfig{TLS: sides.server}
	withTLS := stream.Dialer{TLS: sides.client}
	outsideOnEverySelector(t, func(t *testing.T, backend kettle.Option) {
		for _, c := range []struct {
			name   string
			config stream.ListenConfig
			dial   func(o *outside, address string) (net.Conn, error)
			both   bool // sides are on a loop
		}{
			{"accepted", plain, func(o *outside, address string) (net.Conn, error) {
				return net.Dial("tcp", address)
			}, false},
			{"both", plain, func(o *outside, address string) (net.Conn, error) {
				return o.dial(t.Context(), &stream.Dialer{}, address)
			}, true},
			{"accepted with TLS", secure, func(o *outside, address string) (net.Conn, error) {
				return tls.Dial("tcp", address, sides.client)
			}, false},
			{"both with TLS", secure, func(o *outside, address string) (net.Conn, error) {
				return o.dial(t.Context(), &withTLS, address)
			}, true},
		} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel() // most of it waits for deadlines
				o := newOutside(t, c.config, backend)
				conform(t, o, c.dial, c.both)
			})
		}
	})
}

// conform looks at connections from the side that has accepted them, and if both are on a loop from
// the other one too: a tls.Conn does not promise what is asked there, as a Write of it that times
// out is its last one.
func conform(t *testing.T, o *outside, dial func(o *outside, address string) (net.Conn, error),
	both bool) {
	pair := func() (accepted, dialed net.Conn, stop func(), err error) {
		connected := make(chan error, 1)
		go func() { // with TLS one needs the other
			var err error
			dialed, err = dial(o, o.Addr().String())
			connected <- err
		}()
		accepted, err = o.Accept()
		if failure := <-connected; err == nil {
			err = failure
		}
		return accepted, dialed, func() { accepted.Close(); dialed.Close() }, err
	}
	nettest.TestConn(t, pair)
	if both {
		nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
			c2, c1, stop, err = pair()
			return c1, c2, stop, err
		})
	}
}
