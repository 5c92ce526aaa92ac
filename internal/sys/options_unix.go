//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// BalancesPorts reports whether sockets that listen on one port with ReusePort share its
// connections here. Systems that only hand the port to the last or the first of them do not
// count: there ReusePort is refused. A kernel older than the option refuses it in Listen.
func BalancesPorts() bool { return reusePortOption != 0 }

// Bind returns a TCP socket that has the port of addr and does not listen. It reserves the
// port: sockets with ReusePort, and no others, can listen on it. Port 0 lets the kernel choose
// one that nobody has. It has no SO_REUSEADDR, with which any server could take the port that
// nobody listens on yet; so a port that was in use a moment ago can be refused for a minute.
func Bind(addr netip.AddrPort) (int, error) {
	fd, err := newSocket(addr.Addr(), true)
	if err != nil {
		return -1, err
	}
	if err := reusePort(fd); err != nil {
		Close(fd)
		return -1, err
	}
	if ip := addr.Addr(); ip.Is6() && ip.IsUnspecified() {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0) // as Listen does
	}
	if err := unix.Bind(fd, toSockaddr(addr)); err != nil {
		Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

// reusePort lets other sockets have the port of fd, and a share of its connections.
func reusePort(fd int) error {
	if reusePortOption == 0 {
		return unsupported("setsockopt SO_REUSEPORT")
	}
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, reusePortOption, 1)
	if err == unix.ENOPROTOOPT {
		return unsupported("setsockopt SO_REUSEPORT")
	}
	return os.NewSyscallError("setsockopt SO_REUSEPORT", err)
}

// Kind says what a descriptor is that was made elsewhere, as an inherited one.
type Kind struct {
	Unix      bool // of the unix family; if not, of IPv4 or IPv6
	Stream    bool // a byte stream, not datagrams
	Listening bool // it accepts connections
}

// SocketKind returns what fd is. The error is ENOTSOCK for a descriptor that is no socket, and
// EAFNOSUPPORT for a socket of another family than those of Kind.
//
// OpenBSD and Darwin do not tell whether a socket listens. There one counts as listening that
// has a name and no peer, which one that is only bound has too.
func SocketKind(fd int) (Kind, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return Kind{}, os.NewSyscallError("getsockname", err)
	}
	var kind Kind
	named := false
	switch sa := sa.(type) {
	case *unix.SockaddrUnix:
		kind.Unix, named = true, sa.Name != ""
	case *unix.SockaddrInet4:
		named = sa.Port != 0
	case *unix.SockaddrInet6:
		named = sa.Port != 0
	default:
		return Kind{}, os.NewSyscallError("getsockname", unix.EAFNOSUPPORT)
	}
	form, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return Kind{}, os.NewSyscallError("getsockopt SO_TYPE", err)
	}
	kind.Stream = form == unix.SOCK_STREAM
	kind.Listening, err = listens(fd, named && kind.Stream)
	return kind, err
}

// listens reports whether a socket accepts connections; likely says that it could.
func listens(fd int, likely bool) (bool, error) {
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	switch err {
	case nil:
		return listening != 0, nil // FreeBSD returns the bit of the option, which is 2
	case unix.ENOPROTOOPT, unix.EINVAL:
		_, err := unix.Getpeername(fd)
		return likely && err == unix.ENOTCONN, nil
	}
	return false, os.NewSyscallError("getsockopt SO_ACCEPTCONN", err)
}

// Duplicate returns another descriptor of what fd is open on, closed on exec. The two have one
// mode between them: SetNonblock on either is for both.
func Duplicate(fd int) (int, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
	}
	return n, nil
}

// SetCloexec keeps programs that are started from inheriting fd.
func SetCloexec(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
	return os.NewSyscallError("fcntl F_SETFD", err)
}

// SetNoDelay says whether a TCP connection sends small segments at once, as all of kettle's do,
// rather than wait for the acknowledgement of those before (Nagle's algorithm).
func SetNoDelay(fd int, on bool) error {
	value := 0
	if on {
		value = 1
	}
	err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, value)
	return os.NewSyscallError("setsockopt TCP_NODELAY", err)
}

// SetKeepAlive has the kernel probe a TCP connection that has been silent for idle, then every
// interval, and break it with ETIMEDOUT after count probes without an answer. Times are rounded
// up to seconds. A zero leaves the value as it is, the system's if it was never set. An idle
// below 0 turns probing off.
//
// OpenBSD has one setting for all connections: there anything but zeros is an error that
// matches errors.ErrUnsupported, and probing is on all the same.
func SetKeepAlive(fd int, idle, interval time.Duration, count int) error {
	on := 1
	if idle < 0 {
		on = 0
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, on); err != nil {
		return os.NewSyscallError("setsockopt SO_KEEPALIVE", err)
	}
	if on == 0 {
		return nil
	}
	for _, o := range [...]struct {
		name          string
		option, value int
	}{
		{"setsockopt TCP_KEEPIDLE", keepIdleOption, wholeSeconds(idle)},
		{"setsockopt TCP_KEEPINTVL", keepIntervalOption, wholeSeconds(interval)},
		{"setsockopt TCP_KEEPCNT", keepCountOption, count},
	} {
		switch {
		case o.value == 0:
		case o.option == 0:
			return unsupported(o.name)
		default:
			err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, o.option, o.value)
			if err != nil {
				return os.NewSyscallError(o.name, err)
			}
		}
	}
	return nil
}

// wholeSeconds rounds up, so that a short time does not become 0, which is no time at all.
func wholeSeconds(d time.Duration) int {
	seconds := d / time.Second
	if d%time.Second > 0 {
		seconds++
	}
	return int(min(seconds, 1<<31-1))
}

// SetSendBuffer bounds the bytes that the kernel holds for fd until the peer has them. Linux
// doubles the number, for its own bookkeeping.
func SetSendBuffer(fd, bytes int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, bytes)
	return os.NewSyscallError("setsockopt SO_SNDBUF", err)
}

// unsupported returns the error of a call that does not exist here.
func unsupported(call string) error { return os.NewSyscallError(call, errors.ErrUnsupported) }
