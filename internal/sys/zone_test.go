//go:build unix

package sys

import (
	"net"
	"net/netip"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestZones(t *testing.T) {
	const local = "fe80::1"
	cases := map[string]uint32{local: 0, local + "%7": 7, local + "%no-such": 0, local + "%-1": 0,
		local + "%99999999999": 0, "::1": 0}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Log(err)
	}
	for _, i := range interfaces {
		cases[local+"%"+i.Name] = uint32(i.Index)
	}
	for text, want := range cases {
		if got := zoneID(netip.MustParseAddr(text)); got != want {
			t.Errorf("the zone of %s is %d, want %d", text, got, want)
		}
	}
}

// TestZoneSurvives: without its zone nobody could connect to a link-local address.
func TestZoneSurvives(t *testing.T) {
	for id := range uint32(3) {
		want := netip.MustParseAddr("fe80::1")
		if id > 0 {
			want = want.WithZone(strconv.Itoa(int(id)))
		}
		addr := netip.AddrPortFrom(want, 80)
		sa := toSockaddr(addr)
		if got := sa.(*unix.SockaddrInet6).ZoneId; got != id {
			t.Errorf("the zone of %v is %d", addr, got)
		}
		if got := fromSockaddr(sa); got != addr {
			t.Errorf("%v came back as %v", addr, got)
		}
	}
	if got := fromSockaddr(&unix.SockaddrUnix{}); got.IsValid() {
		t.Errorf("a Unix socket is at %v", got)
	}
}

func TestAcceptSkipsOnlyConnectionsThatDied(t *testing.T) {
	for errno, want := range map[unix.Errno]bool{
		unix.EINTR: true, unix.ECONNABORTED: true, unix.EPROTO: true, unix.ENETDOWN: true,
		unix.EHOSTDOWN: true, unix.ENETUNREACH: true, unix.EAGAIN: false, unix.EMFILE: false,
		unix.ENOMEM: false, unix.EBADF: false, unix.EINVAL: false, unix.EPERM: false,
	} {
		if got := skipAccept(errno); got != want {
			t.Errorf("skipAccept(%v) is %v", errno, got)
		}
	}
}
