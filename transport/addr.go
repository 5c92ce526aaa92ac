package transport

import (
	"net"
	"net/netip"

	"github.com/kettle-go/kettle/internal/sys"
)

// Network returns "tcp", "unix", or "pipe" for what is in memory.
func (t *Transport) Network() string {
	switch {
	case t.is(inMemory):
		return "pipe"
	case t.is(unix):
		return "unix"
	}
	return "tcp"
}

// RemoteAddr returns the address of the peer: a *net.TCPAddr or a *net.UnixAddr. It may be called
// after the connection is lost.
func (t *Transport) RemoteAddr() net.Addr {
	switch {
	case t.is(inMemory):
		return pipeAddr{}
	case t.is(unix):
		return unixAddr(sys.PeerUnixPath(int(t.fd)))
	}
	return net.TCPAddrFromAddrPort(t.Peer())
}

// Peer returns the peer's address of TCP, and no valid one of others. It allocates nothing.
func (t *Transport) Peer() netip.AddrPort {
	if t.port == 0 {
		return netip.AddrPort{}
	}
	addr := netip.AddrFrom16(t.peer).Unmap()
	if t.seldom != nil && t.seldom.zone != "" {
		addr = addr.WithZone(t.seldom.zone)
	}
	return netip.AddrPortFrom(addr, t.port)
}

func (t *Transport) setPeer(peer netip.AddrPort) {
	if !peer.IsValid() {
		return
	}
	t.peer, t.port = peer.Addr().As16(), peer.Port()
	if zone := peer.Addr().Zone(); zone != "" {
		t.rare().zone = zone
	}
}

// LocalAddr returns the address of this side. After the connection is lost it is that of the
// listener, if it is not known.
func (t *Transport) LocalAddr() net.Addr {
	switch {
	case t.is(inMemory):
		return pipeAddr{}
	case t.seldom != nil && t.seldom.local != nil:
		return t.seldom.local
	case t.fd < 0 && t.source != nil:
		return t.source.Addr()
	case t.is(unix):
		return unixAddr(sys.UnixPath(int(t.fd)))
	}
	local, err := sys.LocalAddr(int(t.fd))
	if err != nil {
		return &net.TCPAddr{}
	}
	t.rare().local = net.TCPAddrFromAddrPort(local)
	return t.seldom.local
}

func unixAddr(path string, _ error) *net.UnixAddr {
	return &net.UnixAddr{Name: path, Net: "unix"}
}

// pipeAddr is the address of both sides of what is in memory.
type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
