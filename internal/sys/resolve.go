package sys

import (
	"context"
	"net"
	"net/netip"
	"slices"
)

// Resolve returns the addresses that a HOST:PORT stands for, IPv4 first: a name may have several.
// The port may be a number or the name of a service. Without a host it is those of anywhere. It
// blocks where the host is a name.
func Resolve(ctx context.Context, addr string, anywhere ...netip.Addr) ([]netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return nil, err
	}
	ips := anywhere
	if host != "" {
		// An address in numbers is its own and only name.
		if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, err
		}
		slices.SortStableFunc(ips, func(a, b netip.Addr) int {
			return a.Unmap().BitLen() - b.Unmap().BitLen()
		})
	}
	var addrs []netip.AddrPort
	for _, ip := range ips {
		addrs = append(addrs, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return addrs, nil
}
