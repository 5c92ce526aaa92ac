//go:build unix

package sys_test

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

func loopback() netip.AddrPort { return netip.MustParseAddrPort("127.0.0.1:0") }

// listen returns a listening socket and its address.
func listen(t *testing.T, addr netip.AddrPort, nonblock bool) (int, netip.AddrPort) {
	t.Helper()
	fd, err := sys.Listen(addr, sys.ListenOptions{Backlog: 16, Nonblock: nonblock})
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	closeAtEnd(t, fd)
	addr, err = sys.LocalAddr(fd)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	return fd, addr
}

// connect returns a non-blocking client that has connected, or is about to.
func connect(t *testing.T, addr netip.AddrPort) int {
	t.Helper()
	fd, err := sys.Connect(addr)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	closeAtEnd(t, fd)
	return fd
}

// connection returns both ends of a TCP connection, the client's non-blocking.
func connection(t *testing.T, nonblock bool) (client, server int) {
	t.Helper()
	listener, addr := listen(t, loopback(), false)
	client = connect(t, addr)
	server, _, err := sys.Accept(listener, nonblock)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	closeAtEnd(t, server)
	return client, server
}

// closeAtEnd closes a descriptor that the test has not closed itself.
func closeAtEnd(t *testing.T, fd int) {
	t.Cleanup(func() {
		if err := sys.Close(fd); err != nil && !sys.BadDescriptor(err) {
			t.Error(err)
		}
	})
}

// await waits until fd is ready for events, or has an error.
func await(t *testing.T, fd int, events int16) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		fds := []sys.PollFD{{Fd: int32(fd), Events: events}}
		if n, err := sys.Poll(fds, time.Second); err != nil {
			t.Fatal(err)
		} else if n > 0 {
			return
		}
	}
	t.Fatalf("descriptor %d is not ready for %#x", fd, events)
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
		_, _ = sys.Poll(nil, time.Millisecond)
	}
}

// wantErrno fails unless err is the errno of the named system call, in an *os.SyscallError.
func wantErrno(t *testing.T, err error, call string, errno syscall.Errno) {
	t.Helper()
	var failed *os.SyscallError
	if !errors.As(err, &failed) || failed.Err != errno || !strings.HasPrefix(failed.Syscall, call) {
		t.Errorf("the error is %v, want %s: %v", err, call, errno)
	}
}

// childVariable tells the process of a test that it is a child of that test.
const childVariable = "KETTLE_SYS_TEST_CHILD"

func inChild() bool { return os.Getenv(childVariable) != "" }

// child returns the command that runs this test, and nothing else, in a process of its own,
// and what that will have printed.
func child(t *testing.T) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	child := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	child.Env = append(os.Environ(), childVariable+"=1")
	child.Stdout, child.Stderr = &output, &output
	return child, &output
}

// peerGone reports whether err says that the other side has broken the connection.
func peerGone(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNABORTED)
}
