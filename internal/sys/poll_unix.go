//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// PollFD is one descriptor of poll(2): what is asked of it and what it answers.
type PollFD = unix.PollFd

// The events of poll(2) that can be asked for. Errors, hang-ups and descriptors that are not
// open are reported, as other bits, without being asked for.
const (
	PollIn  = unix.POLLIN
	PollOut = unix.POLLOUT
)

// Poll waits until a descriptor of fds is ready, or for timeout, rounded up to milliseconds;
// a negative one means without end. It blocks the thread and returns how many are ready; an
// interruption counts as none.
func Poll(fds []PollFD, timeout time.Duration) (int, error) {
	n, err := unix.Poll(fds, timeoutMS(timeout))
	if err == unix.EINTR {
		return 0, nil
	}
	return max(n, 0), os.NewSyscallError("poll", err)
}

// FDSet is a set of descriptors below FDSetSize, for Select.
type FDSet struct{ bits unix.FdSet }

// FDSetSize is the number of the first descriptor that select(2) cannot watch.
const FDSetSize = unix.FD_SETSIZE

// Set adds fd, Clear takes it away, Has reports whether it is in the set. A descriptor from
// FDSetSize on would be a write past the end of the set in C; here it is a panic, so callers
// refuse such descriptors first.
func (s *FDSet) Set(fd int) { s.bits.Set(fd) }

// Clear takes fd out of the set.
func (s *FDSet) Clear(fd int) { s.bits.Clear(fd) }

// Has reports whether fd is in the set.
func (s *FDSet) Has(fd int) bool { return s.bits.IsSet(fd) }

// Select waits until a descriptor below n of one of the sets is ready, or for timeout; a
// negative one means without end. It blocks the thread, leaves the ready descriptors in the
// sets and returns how many there are. After an interruption the sets are empty.
func Select(n int, read, write *FDSet, timeout time.Duration) (int, error) {
	var tv *unix.Timeval
	if timeout >= 0 {
		// Rounded up, as a wait that ends early makes its caller wait again for nothing.
		t := unix.NsecToTimeval(int64(min(timeout, maxTimeout) + 999*time.Nanosecond))
		tv = &t
	}
	count, err := unix.Select(n, &read.bits, &write.bits, nil, tv)
	if err == nil {
		return count, nil
	}
	read.bits.Zero()
	write.bits.Zero()
	if err == unix.EINTR {
		return 0, nil
	}
	return 0, os.NewSyscallError("select", err)
}

// maxTimeout is the longest wait handed to the kernel: some refuse more than 100 million
// seconds. Callers see an early return with nothing ready, as after an interruption.
const maxTimeout = 24 * time.Hour

// timeoutMS turns a time-out into the milliseconds of poll and epoll, rounded up, so that a
// wait never ends before its time; a negative one becomes -1, without end.
func timeoutMS(d time.Duration) int {
	if d < 0 {
		return -1
	}
	ms := (min(d, maxTimeout) + time.Millisecond - 1) / time.Millisecond
	return int(min(ms, math.MaxInt32))
}
