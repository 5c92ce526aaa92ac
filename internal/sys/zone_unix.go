//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"net"
	"net/netip"
	"strconv"
)

// zoneID returns the index of the interface that the zone of a link-local address names,
// either by its name (fe80::1%eth0) or by its number (fe80::1%2); 0 when there is none.
func zoneID(ip netip.Addr) uint32 {
	zone := ip.Zone()
	if zone == "" {
		return 0
	}
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index)
	}
	n, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}
