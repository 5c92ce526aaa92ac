package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawLimit is the size up to which TryRecv and TrySend enter the kernel without telling Go's
// scheduler: copying this much takes a few microseconds, which is what a stop of the world
// may then have to wait.
const rawLimit = 64 << 10

// TryRecv receives up to len(p) bytes from a non-blocking socket and never waits. n is 0 at
// the end of the stream; with nothing to receive the error is EAGAIN.
func TryRecv(fd int, p []byte) (int, error) {
	if len(p) == 0 || len(p) > rawLimit {
		return Recv(fd, p)
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
			uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// TrySend sends what the kernel takes of p on a non-blocking socket and never waits: n may
// be less than len(p). With no room at all the error is EAGAIN. It raises no SIGPIPE.
func TrySend(fd int, p []byte) (int, error) {
	if len(p) == 0 || len(p) > rawLimit {
		return sendFlags(fd, p, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// Send sends bytes of p, and waits for room if the socket blocks; n may be less than len(p)
// all the same. It raises no SIGPIPE. The error is a bare errno.
func Send(fd int, p []byte) (int, error) {
	return sendFlags(fd, p, unix.MSG_NOSIGNAL)
}

func sendFlags(fd int, p []byte, flags int) (int, error) {
	for {
		n, err := unix.SendmsgN(fd, p, nil, nil, flags)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

func acceptCloexec(listener int, nonblock bool) (int, unix.Sockaddr, error) {
	flags := unix.SOCK_CLOEXEC
	if nonblock {
		flags |= unix.SOCK_NONBLOCK
	}
	return unix.Accept4(listener, flags)
}

func socketCloexec(family int, nonblock bool) (int, error) {
	kind := unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	if nonblock {
		kind |= unix.SOCK_NONBLOCK
	}
	return unix.Socket(family, kind, 0)
}

// noSigpipe does nothing here: MSG_NOSIGNAL does the work for each send.
func noSigpipe(int) error { return nil }
