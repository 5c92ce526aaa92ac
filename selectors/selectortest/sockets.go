//go:build unix

package selectortest

import (
	"net/netip"
	"syscall"

	"github.com/kettle-go/kettle/internal/sys"
)

// failer is what a helper needs of a test: a *testing.T is one, and so is a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// end is one end of a connection, non-blocking. Like a connection of a server, it can be
// registered itself, and has no descriptor once it is closed.
type end struct {
	failer
	fd int
}

// FD returns the descriptor; -1 when the end is closed.
func (e *end) FD() int { return e.fd }

// pair returns the ends of a stream between two Unix sockets, closed at the test's end.
func (f *fixture) pair() (a, b *end) {
	f.Helper()
	a, b = newPair(f)
	f.Cleanup(a.close)
	f.Cleanup(b.close)
	return a, b
}

func newPair(t failer) (a, b *end) {
	t.Helper()
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatalf("socketpair: %v", err)
	}
	a, b = &end{t, fds[0]}, &end{t, fds[1]}
	for _, e := range []*end{a, b} {
		if err := sys.SetNonblock(e.fd, true); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return a, b
}

// listen returns a listening TCP socket and its address.
func (f *fixture) listen() (*end, netip.AddrPort) {
	f.Helper()
	local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	fd, err := sys.Listen(local, sys.ListenOptions{Backlog: 16, Nonblock: true})
	if err != nil {
		f.Fatalf("listen: %v", err)
	}
	listener := &end{f, fd}
	f.Cleanup(listener.close)
	addr, err := sys.LocalAddr(fd)
	if err != nil {
		f.Fatalf("listen: %v", err)
	}
	return listener, addr
}

// dial begins a TCP connection to addr.
func (f *fixture) dial(addr netip.AddrPort) *end {
	f.Helper()
	fd, err := sys.Connect(addr)
	if err != nil {
		f.Fatalf("connect: %v", err)
	}
	e := &end{f, fd}
	f.Cleanup(e.close)
	return e
}

// accept takes a connection that is in the backlog already.
func (f *fixture) accept(listener *end) *end {
	f.Helper()
	fd, _, err := sys.Accept(listener.fd, true)
	if err != nil {
		f.Fatalf("accept: %v", err)
	}
	e := &end{f, fd}
	f.Cleanup(e.close)
	return e
}

// tcp returns both ends of a TCP connection.
func (f *fixture) tcp() (client, server *end) {
	f.Helper()
	listener, addr := f.listen()
	client = f.dial(addr)
	server = f.accept(listener)
	listener.close()
	return client, server
}

// close closes the end; again is no error.
func (e *end) close() {
	if e.fd >= 0 {
		if err := sys.Close(e.fd); err != nil {
			e.Fatalf("close: %v", err)
		}
		e.fd = -1
	}
}

// send sends one short message, which must fit.
func (e *end) send(text string) {
	e.Helper()
	if n, err := sys.TrySend(e.fd, []byte(text)); err != nil || n != len(text) {
		e.Fatalf("send %q: %d, %v", text, n, err)
	}
}

// receive takes what is there, up to 64 KiB.
func (e *end) receive() string {
	e.Helper()
	buf := make([]byte, 64<<10)
	n, err := sys.TryRecv(e.fd, buf)
	if err != nil && !sys.WouldBlock(err) {
		e.Fatalf("receive: %v", err)
	}
	return string(buf[:n])
}

// drain receives until there is nothing more, and returns how much there was.
func (e *end) drain() (total int) {
	e.Helper()
	for {
		n := len(e.receive())
		if n == 0 {
			return total
		}
		total += n
	}
}

// fill sends until the kernel takes no more, and returns how much it took.
func (e *end) fill() (total int) {
	e.Helper()
	chunk := make([]byte, 16<<10)
	for {
		n, err := sys.TrySend(e.fd, chunk)
		if sys.WouldBlock(err) {
			return total
		}
		if err != nil {
			e.Fatalf("fill: %v", err)
		}
		total += n
	}
}

// replace returns an end whose descriptor has the number fd, which must be free: the lowest
// free number is given out first, so it comes within a few attempts. Its peer follows.
func (f *fixture) replace(fd int) (a, b *end) {
	f.Helper()
	for range 64 {
		a, b = f.pair()
		switch fd {
		case a.fd:
			return a, b
		case b.fd:
			return b, a
		}
	}
	f.Fatalf("descriptor %d was not given out again", fd)
	return nil, nil
}
