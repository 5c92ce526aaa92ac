package sys

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawLimit is the size up to which TryRecv and TrySend enter the kernel without telling Go's
// scheduler: copying this much takes a few microseconds, which is what a stop of the world
// may then have to wait. Those calls are package syscall's: the ones of the same name in x/sys
// are a detour to them, which costs tens of nanoseconds of each message.
const rawLimit = 64 << 10

// TryRecv receives up to len(p) bytes and never waits. n is 0 at the end of the stream; with
// nothing to receive the error is EAGAIN.
func TryRecv(fd int, p []byte) (int, error) {
	for {
		var n uintptr
		var errno syscall.Errno
		if len(p) > rawLimit {
			n, _, errno = unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd),
				uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
		} else {
			n, _, errno = syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
				uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
				unix.MSG_DONTWAIT, 0, 0)
		}
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// TrySend sends what the kernel takes of p and never waits: n may be less than len(p). With no room
// at all the error is EAGAIN. It raises no SIGPIPE.
func TrySend(fd int, p []byte) (int, error) {
	if len(p) == 0 || len(p) > rawLimit {
		return sendFlags(fd, p, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	}
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
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

// acceptInet accepts a connection of TCP. It leaves no garbage: a server that is connected to ten
// thousand times would have megabytes of addresses to collect.
func acceptInet(listener int, nonblock bool) (int, netip.AddrPort, error) {
	var addr unix.RawSockaddrInet6 // the larger one of the two
	size := uint32(unsafe.Sizeof(addr))
	flags := uintptr(unix.SOCK_CLOEXEC)
	if nonblock {
		flags |= unix.SOCK_NONBLOCK
	}
	fd, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(listener),
		uintptr(unsafe.Pointer(&addr)), uintptr(unsafe.Pointer(&size)), flags, 0, 0)
	if errno != 0 {
		return -1, netip.AddrPort{}, errno
	}
	return int(fd), inetAddr(&addr), nil
}

func inetAddr(addr *unix.RawSockaddrInet6) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&addr.Port))[:])
	if addr.Family == unix.AF_INET {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(addr))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), port)
	}
	ip := netip.AddrFrom16(addr.Addr).Unmap()
	if addr.Scope_id != 0 {
		ip = ip.WithZone(strconv.FormatUint(uint64(addr.Scope_id), 10))
	}
	return netip.AddrPortFrom(ip, port)
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
