//go:build unix

package sys_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

func wantKind(t *testing.T, fd int, want sys.Kind) {
	t.Helper()
	if got, err := sys.SocketKind(fd); got != want || err != nil {
		t.Errorf("the kind is %+v, %v, want %+v", got, err, want)
	}
}

func TestKindsOfSockets(t *testing.T) {
	stream := sys.Kind{Stream: true}
	client, server := connection(t, true)
	wantKind(t, client, stream)
	wantKind(t, server, stream)
	tcp, _ := listen(t, loopback(), true)
	wantKind(t, tcp, sys.Kind{Stream: true, Listening: true})
	path := filepath.Join(t.TempDir(), "socket")
	listener := listenUnix(t, path, 1)
	wantKind(t, listener, sys.Kind{Unix: true, Stream: true, Listening: true})
	client, server = connectUnix(t, listener, path)
	wantKind(t, client, sys.Kind{Unix: true, Stream: true})
	wantKind(t, server, sys.Kind{Unix: true, Stream: true})
	for family, want := range map[int]sys.Kind{
		unix.AF_INET: {}, unix.AF_INET6: {}, unix.AF_UNIX: {Unix: true},
	} {
		for _, form := range []int{unix.SOCK_DGRAM, unix.SOCK_STREAM} {
			fd, err := unix.Socket(family, form, 0)
			if err == unix.EAFNOSUPPORT {
				continue // a machine without IPv6
			}
			if err != nil {
				t.Fatal(err)
			}
			closeAtEnd(t, fd)
			want.Stream = form == unix.SOCK_STREAM
			wantKind(t, fd, want)
		}
	}
}

func TestKindOfAnIPv6Listener(t *testing.T) {
	testenv.Need(t, testenv.IPv6)
	fd, _ := listen(t, netip.MustParseAddrPort("[::1]:0"), true)
	wantKind(t, fd, sys.Kind{Stream: true, Listening: true})
}

func TestKindOfWhatIsNoSocket(t *testing.T) {
	w, err := sys.NewWaker()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	_, err = sys.SocketKind(w.FD())
	wantErrno(t, err, "getsockname", syscall.ENOTSOCK)
	const bad = -1
	_, err = sys.SocketKind(bad)
	wantErrno(t, err, "getsockname", syscall.EBADF)
}

// TestDuplicateOutlivesItsOriginal: the connection ends with the last descriptor.
func TestDuplicateOutlivesItsOriginal(t *testing.T) {
	a, b := socketPair(t)
	twin, err := sys.Duplicate(a)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, twin)
	if !flag(t, twin, syscall.F_GETFD, syscall.FD_CLOEXEC) {
		t.Error("the duplicate is inherited by processes")
	}
	if err := sys.Close(a); err != nil {
		t.Fatal(err)
	}
	if n, err := sys.TrySend(twin, []byte("x")); n != 1 || err != nil {
		t.Errorf("send: %d, %v", n, err)
	}
	buf := make([]byte, 2)
	if n, err := sys.TryRecv(b, buf); n != 1 || err != nil {
		t.Errorf("receive: %d, %v", n, err)
	}
	if err := sys.Close(twin); err != nil {
		t.Fatal(err)
	}
	if n, err := sys.TryRecv(b, buf); n != 0 || err != nil {
		t.Errorf("at the end of the stream: %d, %v", n, err)
	}
	_, err = sys.Duplicate(a)
	wantErrno(t, err, "fcntl F_DUPFD_CLOEXEC", syscall.EBADF)
}

func TestSetCloexec(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, fd)
	for range 2 {
		if err := sys.SetCloexec(fd); err != nil {
			t.Error(err)
		}
		if !flag(t, fd, syscall.F_GETFD, syscall.FD_CLOEXEC) {
			t.Error("the descriptor is inherited by processes")
		}
	}
	wantErrno(t, sys.SetCloexec(-1), "fcntl F_SETFD", syscall.EBADF)
}
