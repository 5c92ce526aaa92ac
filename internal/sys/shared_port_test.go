//go:build unix

package sys_test

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
)

// TestConnectionsOfOnePortAreSpread over the sockets that listen on it.
func TestConnectionsOfOnePortAreSpread(t *testing.T) {
	options := sys.ListenOptions{Backlog: 128, Nonblock: true, ReusePort: true}
	if !sys.BalancesPorts() {
		if _, err := sys.Listen(loopback(), options); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("the error is %v, want one that is unsupported", err)
		}
		return
	}
	shared := func(addr netip.AddrPort) int {
		fd, err := sys.Listen(addr, options)
		if err != nil {
			t.Fatalf("listen: %v", err)
		}
		closeAtEnd(t, fd)
		return fd
	}
	first := shared(loopback())
	addr, err := sys.LocalAddr(first)
	if err != nil {
		t.Fatal(err)
	}
	listeners := []int{first, shared(addr)}
	_, err = sys.Listen(addr, sys.ListenOptions{}) // one that does not ask for it
	wantErrno(t, err, "bind", syscall.EADDRINUSE)

	const clients = 64 // all on one of two sockets: once in 2^63 runs
	for range clients {
		fd := connect(t, addr)
		await(t, fd, sys.PollOut)
	}
	all := 0
	for _, listener := range listeners {
		got := 0
		for ; ; got++ {
			fd, _, err := sys.Accept(listener, true)
			if err == syscall.EAGAIN {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			closeAtEnd(t, fd)
		}
		if got == 0 {
			t.Error("one of the sockets has no connections")
		}
		all += got
	}
	if all != clients {
		t.Errorf("%d connections of %d", all, clients)
	}
}

// TestReservedPort can be had by sockets that share it and by no others, gets no connections
// itself, and is free when it is closed.
func TestReservedPort(t *testing.T) {
	if !sys.BalancesPorts() {
		if _, err := sys.Bind(loopback()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("the error is %v, want one that is unsupported", err)
		}
		return
	}
	reserved, err := sys.Bind(loopback())
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, reserved)
	addr, err := sys.LocalAddr(reserved)
	if err != nil || addr.Port() == 0 {
		t.Fatalf("the port is that of %v, %v", addr, err)
	}
	_, err = sys.Listen(addr, sys.ListenOptions{})
	wantErrno(t, err, "bind", syscall.EADDRINUSE)
	options := sys.ListenOptions{Backlog: 128, Nonblock: true, ReusePort: true}
	listener, err := sys.Listen(addr, options)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, listener)
	for range 16 {
		connect(t, addr)
		await(t, listener, sys.PollIn)
		fd, _, err := sys.Accept(listener, true)
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, fd)
	}
	if _, err := sys.Bind(netip.AddrPort{}); err == nil {
		t.Error("bound without an address")
	}
}
