package stream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/transport"
)

// ListenConfig says how to listen. The zero value is an ordinary listener.
type ListenConfig struct {
	// Backlog is how many connections the system holds until they are accepted; 0 is 4096.
	Backlog int

	// Limit, if not nil, is how many connections there may be at once, of all listeners that have
	// it, on whatever loops. Beyond it clients wait in the backlog, or, with Refused, are accepted
	// and closed at once, and Refused is told of them.
	Limit   *transport.Limit
	Refused func(peer net.Addr)

	// ReusePort lets several listeners have the same port, one on each loop, and the system spread
	// the connections among them: see Reserve.
	ReusePort bool

	// TLS, if not nil, has every connection begin with a handshake.
	TLS *tls.Config
}

// Listener accepts connections for tasks of its loop.
type Listener struct {
	ln        *transport.Listener
	config    ListenConfig
	task      *kettle.Task     // for what nobody waits for
	accepting kettle.WaitQueue // tasks in Accept
	accepted  []*Conn          // for the next ones
	closed    bool
}

// Listen listens on an address of the network tcp, tcp4, tcp6 or unix, such as "127.0.0.1:8080",
// ":http" or "/run/x.sock". With port 0 the system chooses one: see Addr. It suspends where the
// address has a name in it. The listener is to be closed, which Serve does.
func Listen(t *kettle.Task, network, address string) (*Listener, error) {
	return (&ListenConfig{}).Listen(t, network, address)
}

// Listen is the function of that name, with this configuration.
func (c *ListenConfig) Listen(t *kettle.Task, network, address string) (*Listener, error) {
	addrs, err := resolve(t, network, address)
	if err != nil {
		return nil, fmt.Errorf("stream: listen on %s %s: %w", network, address, err)
	}
	for _, addr := range addrs {
		var ln *transport.Listener
		if ln, err = transport.Listen(t.EventLoop(), addr, c.below(t)); err == nil {
			return c.listener(t, ln), nil
		}
	}
	return nil, fmt.Errorf("stream: %w", err)
}

// below returns the configuration of the transport's listener.
func (c *ListenConfig) below(t *kettle.Task) transport.ListenConfig {
	return transport.ListenConfig{Backlog: c.Backlog, ReusePort: c.ReusePort, Limit: c.Limit,
		Refused: c.Refused}
}

func (c *ListenConfig) listener(t *kettle.Task, below *transport.Listener) *Listener {
	ln := &Listener{ln: below, config: *c, task: t}
	ln.accepting.Init(t)
	return ln
}

// resolve returns the addresses that address stands for.
func resolve(t *kettle.Task, network, address string) ([]net.Addr, error) {
	switch network {
	case "unix":
		if address == "" {
			return nil, fmt.Errorf("the name is empty: %w", os.ErrInvalid)
		}
		return []net.Addr{&net.UnixAddr{Name: address, Net: network}}, nil
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, net.UnknownNetworkError(network)
	}
	if ip, err := netip.ParseAddrPort(address); err == nil {
		return []net.Addr{net.TCPAddrFromAddrPort(ip)}, nil
	}
	ips, err := kettle.Blocking(t, func(ctx context.Context) ([]netip.AddrPort, error) {
		return sys.Resolve(ctx, address, netip.IPv6Unspecified(), netip.IPv4Unspecified())
	})
	var addrs []net.Addr
	for _, ip := range ips {
		if network == "tcp" || ip.Addr().Is4() == (network == "tcp4") {
			addrs = append(addrs, net.TCPAddrFromAddrPort(ip))
		}
	}
	if err == nil && len(addrs) == 0 {
		err = fmt.Errorf("there is no address of the network")
	}
	return addrs, err
}

// Addr returns the address, with the real port. Any goroutine may call it, also after Close.
func (ln *Listener) Addr() net.Addr { return ln.ln.Addr() }

// Close ends listening; clients that wait in the backlog are refused, tasks that wait in Accept get
// net.ErrClosed. To close again is no error.
func (ln *Listener) Close() error {
	if !ln.accepting.Inside() {
		return kettle.ErrWrongGoroutine
	}
	ln.ln.Close()
	ln.closed = true
	for _, c := range ln.accepted {
		c.Abort()
	}
	ln.accepted = nil
	ln.accepting.WakeAll(ln.failure(net.ErrClosed))
	return nil
}

func (ln *Listener) failure(err error) error {
	addr := ln.Addr()
	return &net.OpError{Op: "accept", Net: addr.Network(), Addr: addr, Err: err}
}
