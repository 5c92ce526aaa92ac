//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Waker makes a descriptor readable, so that a thread that waits in poll or select for that
// descriptor among others returns. It is a pipe to oneself, used as a flag and not as a
// queue: any number of calls of Wake before a Drain are one. Wake may be called from any
// goroutine, even while the others are; Close may not run beside Wake.
type Waker struct {
	read, write int
	flag        [1]byte  // what Wake writes
	sink        [64]byte // where Drain puts it
}

// NewWaker returns a waker that nobody has woken yet.
func NewWaker() (*Waker, error) {
	var p [2]int
	if err := pipeCloexec(&p); err != nil {
		return nil, os.NewSyscallError("pipe", err)
	}
	return &Waker{read: p[0], write: p[1]}, nil
}

// FD returns the descriptor that is readable once Wake has been called.
func (w *Waker) FD() int { return w.read }

// Wake makes the descriptor readable. A full pipe is readable already.
func (w *Waker) Wake() error {
	for {
		_, err := unix.Write(w.write, w.flag[:])
		switch err {
		case nil, unix.EAGAIN:
			return nil
		case unix.EINTR:
		default:
			return os.NewSyscallError("write to the wake-up pipe", err)
		}
	}
}

// Drain makes the descriptor unreadable again.
func (w *Waker) Drain() {
	for {
		n, err := unix.Read(w.read, w.sink[:])
		if err != unix.EINTR && n < len(w.sink) {
			return
		}
	}
}

// Close frees both ends.
func (w *Waker) Close() {
	unix.Close(w.read)
	unix.Close(w.write)
}
