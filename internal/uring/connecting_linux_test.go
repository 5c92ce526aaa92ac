package uring_test

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/uring"
)

func TestAcceptGoesOn(t *testing.T) {
	r := open(t, uring.Config{})
	listener, addr := listen(t)
	c := &client{}
	q := r.Accept(listener, c)
	for i := range 10 {
		peer, err := sys.Connect(addr)
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, peer)
		drive(t, r, "the connection comes", func() bool { return len(c.all) == i+1 })
		fd := c.last().N
		closeAtEnd(t, fd)
		want(t, c, uring.OpAccept, nil, fd, true)
		status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || status&unix.O_NONBLOCK == 0 {
			t.Errorf("the descriptor blocks: %#x, %v", status, err)
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("the descriptor goes to children: %#x, %v", flags, err)
		}
		if local, err := sys.LocalAddr(peer); err != nil {
			t.Error(err)
		} else if remote, err := sys.PeerAddr(fd); err != nil || remote != local {
			t.Errorf("the connection is with %v, want %v: %v", remote, local, err)
		}
	}
	r.Cancel(q)
	drive(t, r, "the accept ends", func() bool { return c.ended == 1 })
	want(t, c, uring.OpAccept, syscall.ECANCELED, 0, false)
}

// TestAcceptGoesOnAfterOneThatDied in the backlog, and after the kernel has ended it.
func TestAcceptGoesOnAfterOneThatDied(t *testing.T) {
	r := open(t, uring.Config{})
	listener, addr := listen(t)
	c := &client{}
	q := r.Accept(listener, c)
	settle(t, r)
	for _, errno := range []syscall.Errno{syscall.ECONNABORTED, syscall.EPROTO} {
		r.Pretend(q, 0, errno, -1)
	}
	if len(c.all) != 0 {
		t.Errorf("the client was told %s", tell(c.last()))
	}
	peer, err := sys.Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, peer)
	drive(t, r, "the connection comes", func() bool { return len(c.all) == 1 })
	closeAtEnd(t, c.last().N)
	if !c.last().More {
		t.Error("the accept has ended")
	}
}

func TestAcceptWithoutDescriptorsIsTold(t *testing.T) {
	r := open(t, uring.Config{})
	listener, _ := listen(t)
	c := &client{}
	q := r.Accept(listener, c)
	r.Pretend(q, 0, syscall.EMFILE, -1)
	want(t, c, uring.OpAccept, syscall.EMFILE, 0, false)
}

// TestConnectionThatNobodyWantsIsClosed: its peer sees the end.
func TestConnectionThatNobodyWantsIsClosed(t *testing.T) {
	r := open(t, uring.Config{})
	listener, addr := listen(t)
	r.Accept(listener, nil)
	peer, err := sys.Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, peer)
	drive(t, r, "the peer sees the end", func() bool { return tryReceive(t, peer) == nil })
}

// connects makes a socket, has it connected, and returns it with what came of it.
func connects(t *testing.T, r *uring.Ring, family int,
	connect func(fd int, c uring.Client) uring.Request) (int, *client) {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, fd)
	c := &client{}
	connect(fd, c)
	drive(t, r, "it is connected, or not", func() bool { return c.ended == 1 })
	return fd, c
}

func TestConnectOverTCP(t *testing.T) {
	connectsTo(t, netip.MustParseAddrPort("127.0.0.1:0"))
}

func TestConnectOverIPv6(t *testing.T) {
	testenv.Need(t, testenv.IPv6)
	connectsTo(t, netip.MustParseAddrPort("[::1]:0"))
}

func connectsTo(t *testing.T, host netip.AddrPort) {
	r := open(t, uring.Config{})
	listener, err := sys.Listen(host,
		sys.ListenOptions{Backlog: 16, Nonblock: true})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, listener)
	addr, err := sys.LocalAddr(listener)
	if err != nil {
		t.Fatal(err)
	}
	family := unix.AF_INET
	if addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, c := connects(t, r, family, func(fd int, c uring.Client) uring.Request {
		return r.Connect(fd, addr, c)
	})
	want(t, c, uring.OpConnect, nil, 0, false)
	if got, err := sys.PeerAddr(fd); err != nil || got != addr {
		t.Errorf("connected with %v, want %v: %v", got, addr, err)
	}
	if err := sys.Close(listener); err != nil {
		t.Error(err)
	}
	_, c = connects(t, r, family, func(fd int, c uring.Client) uring.Request {
		return r.Connect(fd, addr, c)
	})
	want(t, c, uring.OpConnect, syscall.ECONNREFUSED, 0, false)
}

func TestConnectOverUnixSockets(t *testing.T) {
	r := open(t, uring.Config{})
	long := strings.Repeat("n", 107)
	for _, path := range []string{filepath.Join(t.TempDir(), "socket"), "@kettle-" + t.Name(),
		long} {
		if path == long {
			t.Chdir(t.TempDir())
		}
		listener, err := sys.ListenUnix(path, sys.ListenOptions{Backlog: 16, Nonblock: true})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, listener)
		fd, c := connects(t, r, unix.AF_UNIX, func(fd int, c uring.Client) uring.Request {
			return r.ConnectUnix(fd, path, c)
		})
		want(t, c, uring.OpConnect, nil, 0, false)
		if got, err := sys.PeerUnixPath(fd); err != nil || got != path {
			t.Errorf("connected with %q, want %q: %v", got, path, err)
		}
	}
	for path, errno := range map[string]syscall.Errno{
		filepath.Join(t.TempDir(), "nobody"): syscall.ENOENT,
		long + "n":                           syscall.EINVAL,
		strings.Repeat("n", 5000):            syscall.EINVAL,
	} {
		_, c := connects(t, r, unix.AF_UNIX, func(fd int, c uring.Client) uring.Request {
			return r.ConnectUnix(fd, path, c)
		})
		want(t, c, uring.OpConnect, errno, 0, false)
	}
}

// TestAddressesOfOneTurnAreKeptApart: each submission has an argument of its own.
func TestAddressesOfOneTurnAreKeptApart(t *testing.T) {
	r := open(t, uring.Config{Entries: 4})
	var want, got []netip.AddrPort
	var clients []*client
	var fds []int
	for range 20 { // more than there are places
		_, addr := listen(t)
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, fd)
		c := &client{}
		r.Connect(fd, addr, c)
		want, fds, clients = append(want, addr), append(fds, fd), append(clients, c)
	}
	for i, c := range clients {
		drive(t, r, "all are connected", func() bool { return c.ended == 1 })
		addr, err := sys.PeerAddr(fds[i])
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, addr)
	}
	if !slices.Equal(got, want) {
		t.Errorf("connected with %v, want %v", got, want)
	}
}
