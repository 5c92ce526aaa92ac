package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// DuplicateFrom copies descriptor fd of process pid into this process, close-on-exec. As with
// dup, the two share their offset, so writing to a file appends to what the other process has
// written. The kernel demands the same permission as for tracing that process.
func DuplicateFrom(pid, fd int) (int, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(process)
	copied, err := unix.PidfdGetfd(process, fd, 0)
	if err != nil {
		return -1, os.NewSyscallError("pidfd_getfd", err)
	}
	return copied, nil
}
