package sys_test

import (
	"net/netip"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

// TestWildcardTakesBothFamilies lets a process have a network of its own, in which sockets of
// IPv6 do not take IPv4 unless told to.
func TestWildcardTakesBothFamilies(t *testing.T) {
	if !inChild() {
		testenv.Need(t, testenv.IPv6, testenv.OwnNetwork)
		child, output := child(t)
		child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
		if err := child.Run(); err != nil {
			t.Errorf("in a network of its own: %v\n%s", err, output)
		}
		return
	}
	if err := os.WriteFile("/proc/sys/net/ipv6/bindv6only", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	wildcard := netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	fd, err := sys.Listen(wildcard, sys.ListenOptions{Backlog: 1})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, fd)
	only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
	if err != nil || only != 0 {
		t.Errorf("IPV6_V6ONLY is %d, %v", only, err)
	}
}
