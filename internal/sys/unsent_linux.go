package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Unsent returns how many bytes of a connection, the end of the stream counted as one, the
// other side has not acknowledged yet. Until it is 0 a close can lose them: should the peer send
// anything after it, the kernel answers with RST and drops what it still has.
func Unsent(fd int) (int, error) {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	return n, os.NewSyscallError("ioctl SIOCOUTQ", err)
}
