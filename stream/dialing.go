package stream

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/transport"
)

// Happy Eyeballs (RFC 8305): a machine may have addresses of IPv6 and of IPv4, and one of the two
// families may lead nowhere, without an error for minutes. So the addresses are tried side by side,
// each a little after the one before, and the first connection that stands is taken:
//
//	address 1 (IPv6)  ├──────────────── ... no answer ──────┤ given up
//	address 2 (IPv4)  │    250 ms  ├──────┤ refused         │
//	address 3 (IPv6)  │                   ├────────────────┤ stands: this one
//	                                      └ at once, as one has failed
//
// One task waits for all of that; what happens to the attempts are callbacks.

// defaultFallbackDelay is the delay that the RFC recommends.
const defaultFallbackDelay = 250 * time.Millisecond

// dialing is one call of Dial.
type dialing struct {
	Dialer
	network, address string

	loop     *loop.Loop
	untried  []net.Addr
	attempts []*transport.Connecting // under way
	failures []error                 // of those that have failed, in that order
	next     loop.Timer              // when another one is begun
	done     kettle.WaitQueue        // the task
	conn     *Conn
}

// dial makes the connection.
func (g *dialing) dial(t *kettle.Task) (*Conn, error) {
	if err := g.done.Enter(); err != nil {
		return nil, err
	}
	host, err := g.find(t)
	if err != nil {
		if cancelled := g.done.Enter(); cancelled != nil {
			return nil, cancelled // whatever the resolver calls it
		}
		return nil, &net.OpError{Op: "dial", Net: g.network, Err: err}
	}
	if err := g.done.Enter(); err != nil {
		return nil, err
	}
	if err := g.connect(t); err != nil {
		return nil, err
	}
	if err := g.prepare(host); err != nil {
		g.conn.Abort()
		return nil, err
	}
	return g.conn, nil
}

// find finds the addresses, and the host that they are of.
func (g *dialing) find(t *kettle.Task) (host string, err error) {
	if g.network == "unix" {
		addr, err := unixPlace(g.address)
		g.untried = []net.Addr{addr}
		return "", err
	}
	p, err := parsePlace(g.network, g.address)
	if err != nil {
		return "", err
	}
	four, six := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()
	if ip, err := netip.ParseAddr(p.host); err == nil && ip.IsUnspecified() {
		// What a listener of all addresses has as its own: it is on this machine.
		if p.host = ""; ip.Is6() {
			four, six = six, four
		}
	}
	addrs, err := p.find(t, g.LookUp, []netip.Addr{four, six})
	g.untried = interleave(addrs)
	return p.host, err
}

// interleave puts addresses of the two families in turns, beginning with that of the first, and
// leaves the order within each as the resolver has it.
func interleave(addrs []net.Addr) []net.Addr {
	if len(addrs) < 3 {
		return addrs
	}
	var families [2][]net.Addr
	for _, addr := range addrs {
		i := 0
		if isIPv4(addr) != isIPv4(addrs[0]) {
			i = 1
		}
		families[i] = append(families[i], addr)
	}
	var mixed []net.Addr
	for i := range addrs {
		for _, family := range families {
			if i < len(family) {
				mixed = append(mixed, family[i])
			}
		}
	}
	return mixed
}

func isIPv4(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.To4() != nil
}

// connect waits for the first connection that stands, and leaves no other.
func (g *dialing) connect(t *kettle.Task) error {
	g.loop = t.EventLoop()
	g.next.Init(g.loop, loop.Func(g.begin))
	defer g.giveUp() // also if the task is ended where it waits
	g.begin()
	err := g.done.Wait("Dial")
	if err != nil && g.conn != nil { // it stood after the task was cancelled: nobody has it
		g.conn.Abort()
	}
	return err
}

// begin begins the next attempt.
func (g *dialing) begin() {
	g.next.Stop() // it is set where another one has failed before the delay was over
	addr := g.untried[0]
	g.untried = g.untried[1:]
	var c *transport.Connecting
	failed := func(err error) { g.failed(c, err) }
	c = transport.Connect(g.loop, addr, &connected{dialing: g}, failed)
	g.attempts = append(g.attempts, c)
	if len(g.untried) > 0 && g.FallbackDelay >= 0 {
		delay := g.FallbackDelay
		if delay == 0 {
			delay = defaultFallbackDelay
		}
		g.next.Reset(delay)
	}
}

// failed is called when an attempt has failed: it is the turn of the next one. If there is none,
// and none under way, that was it.
func (g *dialing) failed(c *transport.Connecting, err error) {
	g.attempts = slices.DeleteFunc(g.attempts, func(a *transport.Connecting) bool { return a == c })
	g.failures = append(g.failures, err)
	switch {
	case len(g.untried) > 0:
		g.begin()
	case len(g.attempts) == 0:
		g.done.Wake(joined(g.failures))
	}
}

// giveUp ends what is under way.
func (g *dialing) giveUp() {
	g.next.Stop()
	g.untried = nil
	for _, c := range g.attempts {
		c.Cancel()
	}
	g.attempts = nil
}

// late returns the error of a time-out, with those of the attempts that had failed before.
func (g *dialing) late(cause error) error {
	err := &net.OpError{Op: "dial", Net: g.network, Addr: dialled(g.address), Err: cause}
	return joined(append([]error{err}, g.failures...))
}

// dialled is an address as it was given to Dial, for errors.
type dialled string

// Network returns nothing: the network stands beside it.
func (dialled) Network() string  { return "" }
func (a dialled) String() string { return string(a) }

// prepare does what is to be done with the connection before anybody has it.
func (g *dialing) prepare(host string) error {
	if g.KeepAlive.Enable && g.network != "unix" {
		if err := g.conn.SetKeepAlive(g.KeepAlive); err != nil {
			return err
		}
	}
	if g.TLS != nil {
		return g.conn.startClient(g.TLS, host)
	}
	return nil
}

// connected is the protocol of an attempt until it has succeeded.
type connected struct {
	transport.Base
	dialing *dialing
}

// Made is called when the connection stands.
func (p *connected) Made(t *transport.Transport) {
	g := p.dialing
	g.conn = connOn(t, &g.done)
	g.giveUp()
	g.done.Wake(nil)
}
