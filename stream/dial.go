package stream

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/kettle-go/kettle"
)

// Dialer says how to connect. The zero value is an ordinary Dialer; it may be used by any number of
// tasks, on any loops.
type Dialer struct {
	// Timeout is how long all of it may take, from the name to the TLS handshake; 0 is no limit but
	// the scope's, and the system's for each address.
	Timeout time.Duration

	// FallbackDelay is how long the connection to one address may take until the next is tried
	// beside it; 0 is 250 ms, as RFC 8305 has it. Below 0 they are tried one after the other.
	FallbackDelay time.Duration

	// LookUp finds the addresses of a host, where the network is ip, ip4 or ip6; it is called on
	// another goroutine, and must heed its context, as Dial waits for it even when time is over.
	// LookupNetIP of a net.Resolver is one, and of net.DefaultResolver if it is nil. Addresses in
	// numbers are not looked up.
	LookUp func(ctx context.Context, network, host string) ([]netip.Addr, error)

	// KeepAlive, if it is enabled, has the system find out that a peer has gone without a word: see
	// Conn.SetKeepAlive. It is for TCP.
	KeepAlive net.KeepAliveConfig

	// TLS, if not nil, has the connection begin with a handshake as the client. Without a
	// ServerName it is that of the address.
	TLS *tls.Config
}

// Dial connects to an address of the network tcp, tcp4, tcp6 or unix, such as "kettle.example:80",
// "[::1]:http" or "/run/x.sock"; a TCP address without a host is this machine. It suspends the task
// until the connection stands. The connection is the caller's to close.
func Dial(t *kettle.Task, network, address string) (*Conn, error) {
	return Dialer{}.Dial(t, network, address)
}

// Dial is the function of that name, with this configuration.
//
// If a name has several addresses all of them are tried, IPv6 and IPv4 in turns: the next one when
// one has failed, or has not succeeded for the FallbackDelay. The first that succeeds is it, and
// the others are given up. The error is that of all attempts, each a *net.OpError with what the
// system said. If the time is over one of them is os.ErrDeadlineExceeded. If the task is cancelled
// the error is the cancellation. In no case is anything left behind.
func (d Dialer) Dial(t *kettle.Task, network, address string) (*Conn, error) {
	g := &dialing{Dialer: d, network: network, address: address}
	g.done.Init(t)
	if d.Timeout <= 0 {
		return g.dial(t)
	}
	var c *Conn
	// The outer scope tells whether it was this time-out or something around it.
	failure := t.WithCancel(func(outer *kettle.Task) error {
		return outer.WithTimeout(d.Timeout, func(t *kettle.Task) (err error) {
			if c, err = g.dial(t); err != nil && t.Cancelled(err) && outer.Cause() == nil {
				return g.late(t.Cause())
			}
			return err
		})
	})
	return c, failure
}
