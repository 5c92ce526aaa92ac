package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func pipeCloexec(p *[2]int) error {
	return unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK)
}

// WritePipe writes p to a pipe that has room for it. As it does not wait then, it does not tell
// Go's scheduler of itself. The error is a bare errno.
func WritePipe(fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
