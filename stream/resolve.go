package stream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"github.com/kettle-go/kettle"
)

// lookup finds the addresses of a host; the network is ip, ip4 or ip6.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// place is what an address of TCP stands for: a host that may have to be looked up, and a port.
type place struct {
	network string // tcp, tcp4 or tcp6
	host    string // "" is whatever the caller takes it for
	service string // the port: a number, or a name
}

// parsePlace takes a HOST:PORT apart.
func parsePlace(network, address string) (place, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return place{}, net.UnknownNetworkError(network)
	}
	host, service, err := net.SplitHostPort(address)
	return place{network, host, service}, err
}

// unixPlace returns the address of a unix socket.
func unixPlace(address string) (*net.UnixAddr, error) {
	if address == "" {
		return nil, fmt.Errorf("the name of the unix socket is empty: %w", os.ErrInvalid)
	}
	return &net.UnixAddr{Name: address, Net: "unix"}, nil
}

// fits reports whether an address is of the network.
func (p place) fits(ip netip.Addr) bool {
	return p.network == "tcp" || ip.Is4() == (p.network == "tcp4")
}

// number returns the port, if it is given as a number.
func (p place) number() (port uint16, ok bool) {
	n, err := strconv.ParseUint(p.service, 10, 16)
	return uint16(n), err == nil
}

// find returns the addresses, in the order in which they are to be used. It suspends the task only
// if there is a name to look up, which another goroutine does meanwhile. Without a host they are
// those of nobody.
func (p place) find(t *kettle.Task, look lookup, nobody []netip.Addr) ([]net.Addr, error) {
	port, numeric := p.number()
	ips := nobody
	if p.host != "" {
		ip, err := netip.ParseAddr(p.host)
		numeric = numeric && err == nil
		ips = []netip.Addr{ip}
	}
	if !numeric {
		found, err := kettle.Blocking(t, func(ctx context.Context) (addrs, error) {
			return p.lookUp(ctx, look, nobody)
		})
		if err != nil {
			return nil, err
		}
		ips, port = found.ips, found.port
	}
	return p.choose(ips, port)
}

// addrs are addresses with the same port.
type addrs struct {
	ips  []netip.Addr
	port uint16
}

// lookUp is what blocks of find.
func (p place) lookUp(ctx context.Context, look lookup, nobody []netip.Addr) (addrs, error) {
	port, ok := p.number()
	if !ok {
		n, err := net.DefaultResolver.LookupPort(ctx, p.network, p.service)
		if err != nil {
			return addrs{}, err
		}
		port = uint16(n)
	}
	if p.host == "" {
		return addrs{nobody, port}, nil
	}
	if ip, err := netip.ParseAddr(p.host); err == nil {
		return addrs{[]netip.Addr{ip}, port}, nil
	}
	if look == nil {
		look = net.DefaultResolver.LookupNetIP
	}
	ips, err := look(ctx, "ip"+p.network[len("tcp"):], p.host)
	return addrs{ips, port}, err
}

// choose returns the addresses that are of the network, each once.
func (p place) choose(ips []netip.Addr, port uint16) ([]net.Addr, error) {
	var chosen []net.Addr
	for i, ip := range ips {
		ip = ip.Unmap()
		known := func(other netip.Addr) bool { return other.Unmap() == ip }
		if p.fits(ip) && !slices.ContainsFunc(ips[:i], known) {
			chosen = append(chosen, net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, port)))
		}
	}
	if len(chosen) == 0 {
		return nil, &net.AddrError{Err: "no address of this network", Addr: p.host}
	}
	return chosen, nil
}

// findListening returns the addresses to listen on: of those of a name IPv4 first, as package net
// does; without a host that of anywhere.
func findListening(t *kettle.Task, network, address string) ([]net.Addr, error) {
	if network == "unix" {
		addr, err := unixPlace(address)
		return []net.Addr{addr}, err
	}
	p, err := parsePlace(network, address)
	if err != nil {
		return nil, err
	}
	return p.find(t, lookUpListening, anywhere())
}

// anywhere is where a listener without a host listens. The first one is all addresses, on most
// systems; the second those of IPv4, where the first is not to be had.
func anywhere() []netip.Addr {
	return []netip.Addr{netip.IPv6Unspecified(), netip.IPv4Unspecified()}
}

// lookUpListening looks up the addresses of a name, IPv4 first.
func lookUpListening(ctx context.Context, network, host string) ([]netip.Addr, error) {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	slices.SortStableFunc(ips, func(a, b netip.Addr) int {
		return a.Unmap().BitLen() - b.Unmap().BitLen()
	})
	return ips, err
}
