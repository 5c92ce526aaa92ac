//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxUnixPath is how long the name of a unix socket may be: its field in the address, without
// the NUL at the end. It is 107 on Linux and 103 elsewhere.
const maxUnixPath = len(unix.RawSockaddrUnix{}.Path) - 1

// ListenUnix returns the descriptor of a unix stream socket that listens on path. On Linux
// "@name" is a name that is in no file system and goes with the socket; elsewhere the error
// matches errors.ErrUnsupported, as it does for o.ReusePort: the kernel balances TCP only.
//
// Nothing is unlinked, neither a file that is in the way, for which the error is EADDRINUSE, nor
// the socket's own when it is closed: see FileID.
func ListenUnix(path string, o ListenOptions) (int, error) {
	if o.ReusePort {
		return -1, unsupported("setsockopt SO_REUSEPORT of a unix socket")
	}
	addr, err := unixAddress("bind", path)
	if err != nil {
		return -1, err
	}
	fd, err := newUnixSocket(o.Nonblock)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, addr); err != nil {
		Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, o.Backlog); err != nil {
		Close(fd)
		return -1, os.NewSyscallError("listen", err)
	}
	return fd, nil
}

// ConnectUnix connects a non-blocking unix stream socket to the one that listens on path. It
// stands at once, if it succeeds: nobody need have accepted it. While the backlog of the
// listening socket is full the error is EAGAIN on Linux, and no readiness tells when it has
// room again; elsewhere it is ECONNREFUSED, as if nobody listened.
func ConnectUnix(path string) (int, error) {
	addr, err := unixAddress("connect", path)
	if err != nil {
		return -1, err
	}
	fd, err := newUnixSocket(true)
	if err != nil {
		return -1, err
	}
	for {
		err = unix.Connect(fd, addr)
		if err == nil || err == unix.EINPROGRESS {
			return fd, nil
		}
		if err != unix.EINTR {
			Close(fd)
			return -1, os.NewSyscallError("connect", err)
		}
	}
}

// AcceptUnix takes one connection from the backlog of a listening unix socket and returns its
// non-blocking descriptor. Connections that died in the backlog are skipped. It blocks if the
// listening socket does. The error is a bare errno.
func AcceptUnix(listener int) (int, error) {
	for {
		fd, _, err := acceptCloexec(listener, true)
		if err == nil {
			// A connection whose peer has closed it refuses the option on some systems. What
			// that peer sent is there all the same, so this is no reason to drop it.
			_ = noSigpipe(fd)
			return fd, nil
		}
		if !skipAccept(err) {
			return -1, err
		}
	}
}

// UnixPath returns the name that a unix socket is bound to: "" if it has none, as that of a
// client, and "@name" if it is in no file system. The error is EAFNOSUPPORT for other sockets.
func UnixPath(fd int) (string, error) {
	sa, err := unix.Getsockname(fd)
	return unixName("getsockname", sa, err)
}

// PeerUnixPath returns the name of the other side of a connection between unix sockets, as
// UnixPath does.
func PeerUnixPath(fd int) (string, error) {
	sa, err := unix.Getpeername(fd)
	return unixName("getpeername", sa, err)
}

// SocketPair returns two unix stream sockets, non-blocking, that are connected to each other
// and have no names.
func SocketPair() (a, b int, err error) {
	p, err := pairCloexec()
	if err != nil {
		return -1, -1, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range p {
		if err := noSigpipe(fd); err != nil {
			Close(p[0])
			Close(p[1])
			return -1, -1, os.NewSyscallError("setsockopt SO_NOSIGPIPE", err)
		}
	}
	return p[0], p[1], nil
}

// FileID returns what tells a file from all others while it exists: its device, and its number
// there. Whoever listens on a path compares the ID of then with that of now before unlinking
// it, since another server may have put its own socket there. Links are not followed.
func FileID(path string) (dev, ino uint64, err error) {
	for {
		var st unix.Stat_t
		err = unix.Lstat(path, &st)
		if err == nil {
			return uint64(st.Dev), uint64(st.Ino), nil
		}
		if err != unix.EINTR {
			return 0, 0, &os.PathError{Op: "lstat", Path: path, Err: err}
		}
	}
}

// newUnixSocket returns a unix stream socket, closed on exec.
func newUnixSocket(nonblock bool) (int, error) {
	fd, err := socketCloexec(unix.AF_UNIX, nonblock)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := noSigpipe(fd); err != nil {
		Close(fd)
		return -1, os.NewSyscallError("setsockopt SO_NOSIGPIPE", err)
	}
	return fd, nil
}

// unixAddress checks what the kernel would refuse without saying why, or would not refuse: a
// path with a NUL in it ends there, and Linux makes up a name for the empty path.
func unixAddress(call, path string) (*unix.SockaddrUnix, error) {
	switch {
	case path == "" || path == "@":
		return nil, fmt.Errorf("%s: a unix socket without a name: %w", call, unix.EINVAL)
	case len(path) > maxUnixPath:
		return nil, fmt.Errorf("%s: the name of a unix socket has at most %d bytes, not %d: %q: %w",
			call, maxUnixPath, len(path), path, unix.ENAMETOOLONG)
	case strings.IndexByte(path, 0) >= 0:
		return nil, fmt.Errorf("%s: the name of a unix socket has a NUL in it: %q: %w",
			call, path, unix.EINVAL)
	case path[0] == '@' && !abstractNames:
		return nil, fmt.Errorf("%s: the name of a unix socket that is in no file system: %q: %w",
			call, path, errors.ErrUnsupported)
	}
	return &unix.SockaddrUnix{Name: path}, nil
}

// unixName returns the name in the address of a unix socket.
func unixName(call string, sa unix.Sockaddr, err error) (string, error) {
	if err != nil {
		return "", os.NewSyscallError(call, err)
	}
	addr, ok := sa.(*unix.SockaddrUnix)
	switch {
	case !ok:
		return "", os.NewSyscallError(call, unix.EAFNOSUPPORT)
	case addr.Name == "@": // on Linux, where this is how an address without a name is read
		return "", nil
	}
	return addr.Name, nil
}
