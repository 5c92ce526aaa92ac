//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// KqueueEvent is what a kqueue reports: one filter (read or write) of one descriptor.
type KqueueEvent struct {
	FD    int
	Write bool
}

// Kqueue is a BSD kernel event queue, with the buffer that its events are received in.
type Kqueue struct {
	fd  int
	buf []unix.Kevent_t
}

// NewKqueue returns a new kqueue, closed on exec.
func NewKqueue() (*Kqueue, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	unix.CloseOnExec(fd)
	return &Kqueue{fd: fd}, nil
}

// FD returns the kqueue's own descriptor.
func (q *Kqueue) FD() int { return q.fd }

// Watch adds (or, with on false, deletes) the interest in one filter of fd.
func (q *Kqueue) Watch(fd int, write, on bool) error {
	filter, flags := unix.EVFILT_READ, unix.EV_ADD
	if write {
		filter = unix.EVFILT_WRITE
	}
	if !on {
		flags = unix.EV_DELETE
	}
	var change [1]unix.Kevent_t
	unix.SetKevent(&change[0], fd, filter, flags)
	for {
		_, err := unix.Kevent(q.fd, change[:], nil, nil)
		if err != unix.EINTR {
			return os.NewSyscallError("kevent", err)
		}
	}
}

// Wait waits for up to room events, or for timeout; a negative one means without end. It
// blocks the thread unless timeout is 0, and returns how many events there are, for Event.
func (q *Kqueue) Wait(room int, timeout time.Duration) (int, error) {
	if len(q.buf) < room {
		q.buf = make([]unix.Kevent_t, room)
	}
	var ts *unix.Timespec
	if timeout >= 0 {
		t := unix.NsecToTimespec(int64(min(timeout, maxTimeout)))
		ts = &t
	}
	n, err := unix.Kevent(q.fd, nil, q.buf, ts)
	if err == unix.EINTR {
		return 0, nil
	}
	return max(n, 0), os.NewSyscallError("kevent", err)
}

// Event returns event i of the last Wait.
func (q *Kqueue) Event(i int) KqueueEvent {
	return KqueueEvent{FD: int(q.buf[i].Ident), Write: q.buf[i].Filter == unix.EVFILT_WRITE}
}
