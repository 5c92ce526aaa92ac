package transport

import (
	"syscall"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

// This is the half of a line that sends: see line.go.

// send takes p to be sent with what others send in this turn. A large one goes to the socket.
func (l *line) send(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case l.broken != 0:
		return 0, syscall.Errno(l.broken)
	case l.is(flying | outFull):
		return 0, syscall.EAGAIN
	case len(p) >= bulk || !l.driver.sends:
		return l.direct(p)
	case l.out.None():
		l.out = l.driver.ring.Memory(len(p))
	case l.out.Room() < len(p):
		l.widen(len(p))
	}
	n := l.out.Append(p)
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	l.gathered()
	return n, nil
}

// gathered has what is to be sent submitted at the end of the turn. It is not a part of send, as
// the stack of a task has the room for the variables of either.
//
//go:noinline
func (l *line) gathered() {
	l.note()
	l.driver.atEnd()
}

// widen sees to it that there is room for n more bytes, if that is possible.
func (l *line) widen(n int) {
	wider := l.driver.ring.Memory(l.out.Len() + n)
	if wider.Room() > l.out.Len()+l.out.Room() {
		wider.Append(l.out.Bytes())
		l.out, wider = wider, l.out
	}
	wider.Free()
}

// direct sends p, after what was to be sent before it. If the socket has no room the ring tells
// when it has.
func (l *line) direct(p []byte) (int, error) {
	if l.push(); !l.out.None() {
		return 0, syscall.EAGAIN
	}
	n, err := sys.TrySend(int(l.fd), p)
	if n < len(p) && (err == nil || sys.WouldBlock(err)) {
		l.set(outFull)
		l.note()
	}
	return n, err
}

// push sends what is not yet submitted at once.
func (l *line) push() {
	if l.out.None() || l.is(flying) {
		return
	}
	n, _ := sys.TrySend(int(l.fd), l.out.Bytes()) // an error is told of again
	if l.out.Drop(n); l.out.Len() == 0 {
		l.out.Free()
	}
}

// sent goes on when the kernel has taken something.
func (l *line) sent(c uring.Completion) {
	l.clear(flying)
	if l.transport == nil {
		delete(l.driver.parting, l)
		l.out.Free()
		return
	}
	switch {
	case c.Errno == 0:
		l.out.Free()
		if l.is(outEnds) {
			l.clear(outEnds)
			_ = sys.Shutdown(int(l.fd), sys.ShutdownWrite) // the peer may have gone
		}
		l.update()
	case sys.WouldBlock(c.Errno):
		l.out.Drop(c.N)
		l.set(outFull)
		l.note()
	default:
		l.out.Free()
		l.broken = uint16(c.Errno)
		l.rouse()
	}
}

// sendNow sends what there is without the ring.
func (l *line) sendNow() {
	n, err := sys.TrySend(int(l.fd), l.out.Bytes())
	errno, _ := err.(syscall.Errno)
	if err == nil && n < l.out.Len() {
		errno = syscall.EAGAIN
	}
	l.sent(uring.Completion{Op: uring.OpSend, N: n, Errno: errno})
}

// shutdown ends our side, after what is to be sent.
func (l *line) shutdown() error {
	if l.push(); !l.out.None() {
		l.set(outEnds)
		return nil
	}
	return sys.Shutdown(int(l.fd), sys.ShutdownWrite)
}
