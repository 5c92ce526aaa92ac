package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxSendv is how many buffers TrySendv gathers in one call. The kernel would take more, but
// their list is on the stack, and a sender that has so many pieces is past saving calls.
const maxSendv = 64

// TrySendv sends what the kernel takes of several buffers, one after the other, on a
// non-blocking socket, in one call that never waits. Empty buffers are skipped, and of the
// others the first 64 are looked at: n may be less than their total for either reason. With no
// room at all the error is EAGAIN; with nothing to send nothing is done. It raises no SIGPIPE
// and allocates nothing. The error is a bare errno.
func TrySendv(fd int, bufs [][]byte) (int, error) {
	var list [maxSendv]unix.Iovec
	count, total := 0, 0
	for _, b := range bufs {
		if len(b) == 0 {
			continue
		}
		if count == len(list) {
			break
		}
		list[count].Base = &b[0]
		list[count].SetLen(len(b))
		count++
		total += len(b)
	}
	if count == 0 {
		return 0, nil
	}
	msg := unix.Msghdr{Iov: &list[0]}
	msg.SetIovlen(count)
	for {
		n, errno := sendmsg(fd, &msg, total)
		if errno == 0 {
			return n, nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// sendmsg enters the kernel as TrySend does: without telling Go's scheduler if the copy is short.
// The conversions stand in the calls' own lists of arguments, as the rules of unsafe demand.
func sendmsg(fd int, msg *unix.Msghdr, total int) (int, unix.Errno) {
	const flags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	if total <= rawLimit {
		n, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd),
			uintptr(unsafe.Pointer(msg)), flags)
		return int(n), errno
	}
	n, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd),
		uintptr(unsafe.Pointer(msg)), flags)
	return int(n), errno
}
