//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ListenOptions says what kind of listening socket Listen makes.
type ListenOptions struct {
	Backlog  int  // connections the kernel holds for accept; the system has a limit of its own
	Nonblock bool // accept returns EAGAIN instead of waiting

	// ReusePort lets several sockets listen on one port, and the kernel spreads connections
	// over them: see BalancesPorts. All of them must ask for it.
	ReusePort bool
}

// Listen returns the descriptor of a TCP socket that listens on addr, with SO_REUSEADDR so
// that a server can be started again at once. Port 0 lets the kernel choose: see LocalAddr. The
// address :: stands for those of IPv4 too, whatever the system's default, but on systems that
// never let one socket have both (OpenBSD, DragonFly).
func Listen(addr netip.AddrPort, o ListenOptions) (int, error) {
	fd, err := newSocket(addr.Addr(), o.Nonblock)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		Close(fd)
		return -1, os.NewSyscallError("setsockopt SO_REUSEADDR", err)
	}
	if o.ReusePort {
		if err := reusePort(fd); err != nil {
			Close(fd)
			return -1, err
		}
	}
	if ip := addr.Addr(); ip.Is6() && ip.IsUnspecified() {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0) // or never
	}
	if err := unix.Bind(fd, toSockaddr(addr)); err != nil {
		Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, o.Backlog); err != nil {
		Close(fd)
		return -1, os.NewSyscallError("listen", err)
	}
	return fd, nil
}

// Connect starts to connect a non-blocking TCP socket to addr. The connection stands, or has
// failed, when the descriptor is writable: SocketError says which.
func Connect(addr netip.AddrPort) (int, error) {
	fd, err := newSocket(addr.Addr(), true)
	if err != nil {
		return -1, err
	}
	err = unix.Connect(fd, toSockaddr(addr))
	if err != nil && err != unix.EINPROGRESS && err != unix.EINTR {
		Close(fd)
		return -1, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// Accept takes one connection from the backlog of a listening socket and returns its
// descriptor, with TCP_NODELAY set, and the peer's address. Connections that died in the
// backlog are skipped. It blocks if the listening socket does. The error is a bare errno.
func Accept(listener int, nonblock bool) (int, netip.AddrPort, error) {
	for {
		fd, peer, err := acceptInet(listener, nonblock)
		if err == nil {
			err = prepare(fd)
			if err == nil {
				return fd, peer, nil
			}
			Close(fd) // the peer has already reset it: no loss, and the next one counts
			continue
		}
		if !skipAccept(err) {
			return -1, netip.AddrPort{}, err
		}
	}
}

// prepare sets the options that every connection of kettle has.
func prepare(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	return noSigpipe(fd)
}

// Recv receives up to len(p) bytes, and waits for the first of them if the socket blocks.
// n is 0 at the end of the stream. The error is a bare errno.
func Recv(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// Shutdown ends one or both directions of a connection.
func Shutdown(fd int, how ShutdownHow) error {
	return os.NewSyscallError("shutdown", unix.Shutdown(fd, int(how)))
}

// ShutdownHow names the directions that Shutdown ends.
type ShutdownHow int

// The directions of a connection.
const (
	ShutdownRead  ShutdownHow = unix.SHUT_RD
	ShutdownWrite ShutdownHow = unix.SHUT_WR
	ShutdownBoth  ShutdownHow = unix.SHUT_RDWR
)

// InterruptAccept makes accept calls on a blocking listener, now and later, return an error.
// Linux does so when the listener is shut down; where that is refused, a connection of our
// own wakes one waiting call instead.
func InterruptAccept(listener int) {
	if unix.Shutdown(listener, unix.SHUT_RDWR) == nil {
		return
	}
	if addr, err := LocalAddr(listener); err == nil {
		if fd, err := Connect(addr); err == nil {
			Close(fd)
		}
	}
}

// Close closes a descriptor. It is not retried on EINTR: the descriptor is gone all the same
// (close(2) on Linux), and its number may be another socket's by now.
func Close(fd int) error {
	return os.NewSyscallError("close", unix.Close(fd))
}

// Reset closes a connection so that the peer gets RST: what is unsent is dropped.
func Reset(fd int) error {
	ResetOnClose(fd)
	return Close(fd)
}

// ResetOnClose has the peer get a reset when fd is closed.
func ResetOnClose(fd int) {
	linger := unix.Linger{Onoff: 1, Linger: 0}
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &linger)
}

// CheckOpen returns an error, EBADF, if fd is not an open descriptor.
func CheckOpen(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return os.NewSyscallError("fcntl F_GETFD", err)
}

// SetNonblock says whether calls on fd return EAGAIN instead of waiting.
func SetNonblock(fd int, nonblock bool) error {
	return os.NewSyscallError("fcntl O_NONBLOCK", unix.SetNonblock(fd, nonblock))
}

// SetRecvBuffer bounds the bytes that the kernel holds for fd until they are received.
func SetRecvBuffer(fd, bytes int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
	return os.NewSyscallError("setsockopt SO_RCVBUF", err)
}

// SocketError returns and clears the pending error of a socket: for one that connects,
// whether it has failed.
func SocketError(fd int) error {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt SO_ERROR", err)
	}
	if errno != 0 {
		return os.NewSyscallError("connect", unix.Errno(errno))
	}
	return nil
}

// Connected returns why a socket that was connecting is not connected; nil if it is. One that
// is connected to itself counts as refused: where nobody listens on a port of the range from
// which the system takes local ports, it may give a connecting socket that very port, and TCP
// then meets itself halfway (a simultaneous open). Whatever is sent would come back.
func Connected(fd int) error {
	if err := SocketError(fd); err != nil {
		return err
	}
	peer, err := PeerAddr(fd)
	if err != nil {
		return err
	}
	if local, err := LocalAddr(fd); err != nil || local != peer {
		return err
	}
	return os.NewSyscallError("connect", unix.ECONNREFUSED)
}

// LocalAddr returns the address that a socket is bound to.
func LocalAddr(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	return fromSockaddr(sa), nil
}

// PeerAddr returns the address of the other side of a connection.
func PeerAddr(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getpeername(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getpeername", err)
	}
	return fromSockaddr(sa), nil
}

// newSocket returns a TCP socket of the family of addr, closed on exec.
func newSocket(addr netip.Addr, nonblock bool) (int, error) {
	family := unix.AF_INET6
	switch {
	case addr.Is4() || addr.Is4In6():
		family = unix.AF_INET
	case !addr.IsValid():
		return -1, fmt.Errorf("socket: the address has no IP")
	}
	fd, err := socketCloexec(family, nonblock)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := prepare(fd); err != nil {
		Close(fd)
		return -1, os.NewSyscallError("setsockopt TCP_NODELAY", err)
	}
	return fd, nil
}

func toSockaddr(addr netip.AddrPort) unix.Sockaddr {
	ip := addr.Addr()
	if ip.Is4() || ip.Is4In6() {
		return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}
	}
	return &unix.SockaddrInet6{Port: int(addr.Port()), Addr: ip.As16(), ZoneId: zoneID(ip)}
}

func fromSockaddr(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(sa.ZoneId), 10))
		}
		return netip.AddrPortFrom(ip, uint16(sa.Port))
	}
	return netip.AddrPort{} // a socket without a name, as of a socket pair
}
