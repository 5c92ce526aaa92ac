package models

import (
	"fmt"

	"github.com/kettle-go/kettle/internal/sys"
)

// Select: one thread, which asks the kernel to wait for all clients at once.
//
//	sets of bits: who is to be read, who is to be written?
//	     │                                     ▲
//	     ▼                                     │
//	select(2) waits until one of them is ready, and leaves the ready ones in the sets
//	     │
//	     ▼
//	recv 2, send 5: none of these calls waits, as they are known to be ready
//
// The thread waits in one place, for everybody, and uses no CPU while it does. What is watched
// must be right at every moment: a client with a pending answer for writing and not for
// reading, every other one for reading and never for writing, since a socket with room to send
// is always ready, and the loop would turn without a pause.
//
// Its limits are in the interface: the sets are built, copied in and out and searched for every
// wait, however few are ready, and a set has room for descriptors below 1,024.
//
// Good for: a few dozen descriptors, on any system there is.
//
// What is Go's and not the model's: a thread that waits in a system call looks idle to Go's
// monitor, which takes its processor away. At low rates the processor has to be given back for
// each message, which takes about three switches of threads where C has one. The selectors
// model shows what a wait costs that Go knows about.
func selectModel() Model {
	return Model{
		Name:        "select",
		Summary:     "one thread, select(2) over everybody",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 thread",
		Waits:       "the thread, in select, for all",
		Limits:      "descriptors below 1,024; pays for all that are watched",
		Section:     "4.6",
		files:       []string{"select.go", "conn.go", "single.go"},
		dispatch:    "selected",
		maxConns:    func() int { return 1000 },
		serve:       serveSelect,
	}
}

func serveSelect(s *server) error {
	l, err := s.newSingle()
	if err != nil {
		return err
	}
	defer l.finish()
	l.ceiling = sys.FDSetSize
	waker, err := sys.NewWaker()
	if err != nil {
		return err
	}
	defer waker.Close()
	defer l.onDrain(waker.Wake)()
	for _, fd := range []int{l.listener, waker.FD()} {
		if fd >= l.ceiling { // so many files were open already
			return fmt.Errorf("descriptor %d is too large for select, which ends at %d", fd,
				l.ceiling-1)
		}
	}
	if err := l.announce(l.listener); err != nil {
		return err
	}
	for l.turn() {
		read, write := l.interest()
		read.Set(waker.FD())
		began := l.trace.Now()
		n, err := sys.Select(sys.FDSetSize, &read, &write, l.untilNext())
		if l.waited("select", began, n); err != nil {
			return err
		}
		if read.Has(waker.FD()) {
			waker.Drain()
		}
		l.selected(&read, &write)
	}
	return nil
}

// interest returns whom to watch for what.
func (l *single) interest() (read, write sys.FDSet) {
	if l.accepting() {
		read.Set(l.listener)
	}
	for _, c := range l.conns {
		switch c.want {
		case wantRead:
			read.Set(c.fd)
		case wantWrite:
			write.Set(c.fd)
		}
	}
	return read, write
}

// selected does what the sets say can be done without waiting.
func (l *single) selected(read, write *sys.FDSet) {
	for c := l.waits.take(); c != nil; c = l.waits.take() {
		c.want = l.flush(c)
	}
	for i := len(l.conns) - 1; i >= 0; i-- { // backwards, as forget moves the last one
		c := l.conns[i]
		switch {
		case c.want == wantRead && (read.Has(c.fd) || l.unasked(c)):
			c.want = l.receive(c)
		case c.want == wantWrite && write.Has(c.fd):
			c.want = l.flush(c)
		}
		if c.want == wantClose {
			l.forget(c)
		}
	}
	if l.listener >= 0 && read.Has(l.listener) {
		for c := range l.newcomers() {
			c.want = wantRead
		}
	}
}
