//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// maxSendv is how many buffers TrySendv gathers in one call.
const maxSendv = 64

// sendvFlags leave out what Darwin's older kernels do not know; its sockets have SO_NOSIGPIPE.
// OpenBSD's have nothing else.
func sendvFlags() int {
	if runtime.GOOS == "darwin" {
		return unix.MSG_DONTWAIT
	}
	return unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
}

// TrySendv sends what the kernel takes of several buffers, one after the other, on a
// non-blocking socket, in one call that never waits. Empty buffers are skipped, and of the
// others the first 64 are looked at: n may be less than their total for either reason. With no
// room at all the error is EAGAIN; with nothing to send nothing is done. It raises no SIGPIPE.
// The error is a bare errno.
//
// The list that the kernel gets is allocated here, which it is not on Linux: x/sys makes it, as
// some of these systems allow no calls but those of their own library.
func TrySendv(fd int, bufs [][]byte) (int, error) {
	var list [maxSendv][]byte
	count := 0
	for _, b := range bufs {
		if len(b) == 0 {
			continue
		}
		if count == len(list) {
			break
		}
		list[count] = b
		count++
	}
	if count == 0 {
		return 0, nil
	}
	for {
		n, err := unix.SendmsgBuffers(fd, list[:count], nil, nil, sendvFlags())
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}
