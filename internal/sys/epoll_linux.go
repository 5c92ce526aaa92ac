package sys

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// EpollEvent is what epoll reports: the events of one descriptor and the token, in Fd (its
// low half) and Pad (its high half), that it was registered with.
type EpollEvent = unix.EpollEvent

// The events of epoll that can be asked for. Errors and hang-ups are reported, as other bits,
// without being asked for.
const (
	EpollIn    = unix.EPOLLIN
	EpollOut   = unix.EPOLLOUT
	EpollRdHup = unix.EPOLLRDHUP // the peer has ended its side
	EpollPri   = unix.EPOLLPRI   // there is urgent data
)

// EpollOp says what EpollCtl does.
type EpollOp int

// The operations of EpollCtl.
const (
	EpollAdd EpollOp = unix.EPOLL_CTL_ADD
	EpollMod EpollOp = unix.EPOLL_CTL_MOD
	EpollDel EpollOp = unix.EPOLL_CTL_DEL
)

// EpollCreate returns a new epoll descriptor, closed on exec.
func EpollCreate() (int, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return fd, os.NewSyscallError("epoll_create1", err)
}

// EpollCtl adds, changes or deletes the interest of epfd in fd. The kernel gives token back
// with each event of fd and never looks at it.
func EpollCtl(epfd int, op EpollOp, fd int, events uint32, token uint64) error {
	ev := EpollEvent{Events: events, Fd: int32(token), Pad: int32(token >> 32)}
	_, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epfd), uintptr(op),
		uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("epoll_ctl", errno)
	}
	return nil
}

// Token returns the token that the event's descriptor was registered with.
func Token(ev *EpollEvent) uint64 {
	return uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32
}

// EpollTryWait collects what is ready now and never waits: it does not enter the scheduler.
// An interruption counts as nothing ready.
func EpollTryWait(epfd int, events []EpollEvent) (int, error) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	return epollResult(int(n), errno)
}

// EpollWait waits until something is ready, or for timeout (to the nanosecond where the
// kernel has epoll_pwait2, since 5.11, else rounded up to a millisecond); a negative one
// means without end. It blocks the thread.
func EpollWait(epfd int, events []EpollEvent, timeout time.Duration) (int, error) {
	var ts *kernelTimespec
	if timeout >= 0 {
		ts = &kernelTimespec{int64(timeout / time.Second), int64(timeout % time.Second)}
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epfd),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)),
		uintptr(unsafe.Pointer(ts)), 0, 0)
	if errno == unix.ENOSYS || errno == unix.EPERM {
		count, err := unix.EpollWait(epfd, events, timeoutMS(timeout))
		errno, _ = err.(unix.Errno)
		return epollResult(max(count, 0), errno)
	}
	return epollResult(int(n), errno)
}

// kernelTimespec is the kernel's own timespec, which is the same on 32-bit systems: theirs of
// the C library has smaller fields.
type kernelTimespec struct{ sec, nsec int64 }

func epollResult(n int, errno unix.Errno) (int, error) {
	switch errno {
	case 0:
		return n, nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, os.NewSyscallError("epoll_wait", errno)
}
