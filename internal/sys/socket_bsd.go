//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// TryRecv receives up to len(p) bytes from a non-blocking socket and never waits. n is 0 at
// the end of the stream; with nothing to receive the error is EAGAIN.
func TryRecv(fd int, p []byte) (int, error) { return Recv(fd, p) }

// TrySend sends what the kernel takes of p on a non-blocking socket and never waits: n may
// be less than len(p). With no room at all the error is EAGAIN. It raises no SIGPIPE.
func TrySend(fd int, p []byte) (int, error) { return Send(fd, p) }

// Send sends bytes of p, and waits for room if the socket blocks; n may be less than len(p)
// all the same. It raises no SIGPIPE. The error is a bare errno.
func Send(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Write(fd, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// acceptCloexec accepts and then sets close-on-exec, which not every BSD can do in one call. A
// blocking accept must not hold the fork lock while it waits: descriptors that a child inherits
// in the gap are the lesser evil, and net does the same.
func acceptCloexec(listener int, nonblock bool) (int, unix.Sockaddr, error) {
	fd, sa, err := unix.Accept(listener)
	if err != nil {
		return -1, nil, err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, nonblock); err != nil {
		unix.Close(fd)
		return -1, nil, err
	}
	return fd, sa, nil
}

func acceptInet(listener int, nonblock bool) (int, netip.AddrPort, error) {
	fd, sa, err := acceptCloexec(listener, nonblock)
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	return fd, fromSockaddr(sa), nil
}

func socketCloexec(family int, nonblock bool) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if err := unix.SetNonblock(fd, nonblock); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
