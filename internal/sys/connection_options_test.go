//go:build unix

package sys_test

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
)

// option returns the value of a socket's option.
func option(t *testing.T, fd, level, name int) int {
	t.Helper()
	value, err := unix.GetsockoptInt(fd, level, name)
	if err != nil {
		t.Fatalf("getsockopt: %v", err)
	}
	return value
}

func TestNoDelayCanBeTurnedOffAndOn(t *testing.T) {
	client, _ := connection(t, true)
	for _, on := range []bool{false, true} {
		if err := sys.SetNoDelay(client, on); err != nil {
			t.Error(err)
		}
		if got := option(t, client, unix.IPPROTO_TCP, unix.TCP_NODELAY) != 0; got != on {
			t.Errorf("TCP_NODELAY is %v, want %v", got, on)
		}
	}
	wantErrno(t, sys.SetNoDelay(-1, true), "setsockopt TCP_NODELAY", syscall.EBADF)
}

func TestKeepAlive(t *testing.T) {
	client, _ := connection(t, true)
	probing := func() bool {
		return option(t, client, unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 0
	}
	if err := sys.SetKeepAlive(client, 0, 0, 0); err != nil || !probing() {
		t.Errorf("with the system's values: %v, %v", probing(), err)
	}
	if err := sys.SetKeepAlive(client, -1, time.Second, 1); err != nil || probing() {
		t.Errorf("turned off: %v, %v", probing(), err)
	}
	wantErrno(t, sys.SetKeepAlive(-1, 0, 0, 0), "setsockopt SO_KEEPALIVE", syscall.EBADF)
}

func TestSendBufferBoundsWhatTheKernelTakes(t *testing.T) {
	a, _ := socketPair(t)
	if err := sys.SetSendBuffer(a, 16<<10); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for chunk := make([]byte, 1<<20); ; {
		n, err := sys.TrySend(a, chunk)
		if err != nil {
			if err != syscall.EAGAIN {
				t.Error(err)
			}
			break
		}
		sent += n
	}
	if sent == 0 || sent > 64<<10 {
		t.Errorf("the kernel took %d bytes", sent)
	}
	wantErrno(t, sys.SetSendBuffer(-1, 1), "setsockopt SO_SNDBUF", syscall.EBADF)
}
