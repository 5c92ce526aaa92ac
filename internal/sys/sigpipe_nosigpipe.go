//go:build darwin || freebsd || netbsd || dragonfly

package sys

import "golang.org/x/sys/unix"

// noSigpipe makes writes to a broken connection return EPIPE and raise no signal.
func noSigpipe(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NOSIGPIPE, 1)
}
