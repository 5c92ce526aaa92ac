//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import "os"

// Pipe returns the two ends of a pipe, from which Recv reads and waits. A child has them only if
// it is given them. Go's own poller knows nothing of it, as it does of one of os.Pipe: so a write
// wakes the reader and nobody else.
func Pipe() (read, write int, err error) {
	var p [2]int
	if err := pipeCloexec(&p); err != nil {
		return -1, -1, os.NewSyscallError("pipe", err)
	}
	for _, fd := range p {
		if err := SetNonblock(fd, false); err != nil {
			Close(p[0])
			Close(p[1])
			return -1, -1, err
		}
	}
	return p[0], p[1], nil
}
