package uring

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is the three system calls of io_uring(7). Tests put another one in its place, which
// refuses, or lacks what this machine's has.
type kernel interface {
	// setup makes a ring with room for entries submissions, and returns its descriptor.
	setup(entries uint32, p *params) (int, syscall.Errno)
	// enter hands over what was prepared, and returns how much of it.
	enter(fd int, e entry) (int, syscall.Errno)
	register(fd int, op uint32, arg unsafe.Pointer, n uint32) syscall.Errno
}

// entry is why the kernel is entered.
type entry struct {
	submit    uint32 // how many it is to take
	wait      uint32 // how many completions to wait for
	flags     uint32
	arg, size uintptr // outside of Go's heap, or 0
}

// system is the kernel that there is.
type system struct{}

func (system) setup(entries uint32, p *params) (int, syscall.Errno) {
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries),
		uintptr(unsafe.Pointer(p)), 0)
	return int(fd), errno
}

// enter tells Go's scheduler about itself only if it waits. What Go's monitor sees in a call for
// more than 20 µs, as a few sends may take, has its processor taken away, and goes on later, maybe
// on another thread. Our requests are the thread's that has made them, which would then be woken
// for each completion, only for the kernel to run it there. At 1,000 messages per second that is
// half as much CPU again per message, under load a sixth.
func (system) enter(fd int, e entry) (int, syscall.Errno) {
	if e.wait == 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(fd), uintptr(e.submit),
			uintptr(e.wait), uintptr(e.flags), e.arg, e.size)
		return int(n), errno
	}
	n, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(fd), uintptr(e.submit),
		uintptr(e.wait), uintptr(e.flags), e.arg, e.size)
	return int(n), errno
}

func (system) register(fd int, op uint32, arg unsafe.Pointer, n uint32) syscall.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(fd), uintptr(op),
		uintptr(arg), uintptr(n), 0, 0)
	return errno
}

// The flags of setup.
const (
	setupCQSize      = 1 << 3
	setupClamp       = 1 << 4
	setupSubmitAll   = 1 << 7
	setupCoopTaskrun = 1 << 8
	setupTaskrunFlag = 1 << 9
)

// The features that setup tells of.
const (
	featSingleMmap   = 1 << 0
	featNoDrop       = 1 << 1
	featSubmitStable = 1 << 2
	featFastPoll     = 1 << 5
	featExtArg       = 1 << 8
	featCQESkip      = 1 << 11
)

// The flags of enter, of the ring of submissions, and the operations of register.
const (
	enterGetEvents = 1 << 0
	enterExtArg    = 1 << 3

	sqOverflow = 1 << 1 // completions wait for room: the next enter hands them over
	sqTaskrun  = 1 << 2 // something was put off until the next enter

	registerProbe   = 8
	registerBuffers = 22 // IORING_REGISTER_PBUF_RING
	forgetBuffers   = 23 // IORING_UNREGISTER_PBUF_RING
)

// What can be requested, and how.
const (
	opNop         = 0
	opPollAdd     = 6
	opTimeout     = 11
	opAccept      = 13
	opAsyncCancel = 14
	opConnect     = 16
	opClose       = 19
	opSend        = 26
	opRecv        = 27
	opSendZC      = 47
	opSendmsgZC   = 48

	sqeBufferSelect = 1 << 5
	sqeSkipSuccess  = 1 << 6 // no completion unless it fails

	recvPollFirst   = 1 << 0
	recvMultishot   = 1 << 1
	acceptMultishot = 1 << 0
	pollMultishot   = 1 << 0
	cancelAll       = 1 << 0
	cancelAny       = 1 << 2

	cqeBuffer      = 1 << 0
	cqeMore        = 1 << 1
	cqeBufferShift = 16
)

// sqe is a submission.
type sqe struct {
	opcode   uint8
	flags    uint8
	ioprio   uint16
	fd       int32
	off      uint64
	addr     uint64
	len      uint32
	opFlags  uint32
	userData uint64
	group    uint16
	_        [22]byte
}

// cqe is a completion.
type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

// params is what setup is told and tells.
type params struct {
	sqEntries, cqEntries, flags uint32
	_                           [2]uint32
	features                    uint32
	_                           [4]uint32
	sq                          struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

// Where the memory of a ring is found behind its descriptor.
const (
	offRings = 0
	offSQEs  = 0x10000000
)

// bufferRing tells register about a ring of buffers.
type bufferRing struct {
	addr    uint64
	entries uint32
	group   uint16
	_       uint16
	_       [3]uint64
}

// bufferEntry is a buffer in its ring. In the first one, rest is the tail of the ring.
type bufferEntry struct {
	addr uint64
	len  uint32
	id   uint16
	rest uint16
}

// probe is what register tells of the kernel's operations.
type probe struct {
	last, len uint8
	_         [14]byte
	ops       [256]struct {
		op, _ uint8
		flags uint16 // 1: there is one
		_     uint32
	}
}

// waitArg is the argument of an enter that waits for a limited time.
type waitArg struct {
	sigmask     uint64
	sigmaskSize uint32
	_           uint32
	timespec    uint64 // its address
}

// timespec is the kernel's own, which is the same on all processors.
type timespec struct{ sec, nsec int64 }
