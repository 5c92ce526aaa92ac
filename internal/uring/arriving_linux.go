package uring

import (
	"math/bits"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
)

// Arriving reports whether something has happened that a request waits for, and that the ring does
// not tell of yet: that comes by way of the thread that has made the request, which may have to run
// first. It asks the kernel for all requests that are under way, and is for who has to know, such
// as a clock that must not jump over it.
func (r *Ring) Arriving() bool {
	var fds []sys.PollFD
	for _, p := range r.table.pages {
		if p == nil {
			continue
		}
		for used := ^p.unset; used != 0; used &= used - 1 {
			s := &p.slots[bits.TrailingZeros64(used)]
			if s.flags&(cancelled|answered) != 0 {
				return true // it ends in a moment
			}
			if events := s.awaits(); events != 0 {
				fds = append(fds, sys.PollFD{Fd: s.fd, Events: events})
			}
		}
	}
	if n, _ := sys.Poll(fds, 0); n > 0 { // where it fails nobody can tell
		return true
	}
	// What another thread has just begun to put into the ring is in it when that thread gives back
	// the lock that every submission takes.
	r.push(&sqe{opcode: opNop, fd: -1, flags: sqeSkipSuccess}, nil)
	r.fail(r.submit())
	return r.Ready()
}

// awaits returns what a request waits for, as poll(2) has it.
func (s *slot) awaits() int16 {
	switch {
	case s.fd < 0:
		return 0
	case s.op == OpReceive, s.op == OpAccept:
		return unix.POLLIN
	case s.op == OpConnect:
		return unix.POLLOUT
	case s.op == OpPoll:
		return int16(s.arg &^ goesOn)
	}
	return 0
}
