package transport

import (
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// driver is what moves the bytes of a transport: the only part of it that knows in which way its
// system waits.
//
//	readiness   the loop is told that a socket is ready; then it is received from, or sent to
//	completion  the kernel is asked to receive and to send, and tells when it has
//	memory      there is no kernel
//
// All of them look like a socket that does not block: what is received has come already, what is
// sent is copied before send returns, and EAGAIN says that there is nothing, or no room. The loop
// runs the transport as long as it is ready for what it is watched for. Nothing here waits. The
// errors of recv and send are bare errnos.
type driver interface {
	recv(t *Transport, p []byte) (int, error)
	send(t *Transport, p []byte) (int, error)
	watch(t *Transport, event selectors.Events) error
	unwatch(t *Transport, events selectors.Events)

	// end ends the sending side, or frees the descriptor.
	end(t *Transport, how ending) error

	// unsent reports whether a peer could still lose something if the descriptor were freed.
	unsent(t *Transport) bool
}

// ending is what ends.
type ending uint8

const (
	sending ending = iota // our side, after what was sent; the peer can go on
	all                   // everything; what was sent still arrives
	cut                   // everything, and the peer is told that something is missing
)

// driver returns that of the loop, if the connection is not in memory.
func (t *Transport) driver() driver {
	if t.is(inMemory) {
		return t.seldom.link
	}
	return t.station.driver
}

// direct reports whether the socket itself is received from and sent to.
func (t *Transport) direct() bool {
	_, direct := t.driver().(readiness)
	return direct
}

// The stack of a task that receives and sends should stay within the 2 KiB that Go begins with, of
// which it keeps 900 bytes for itself; and after each system call the CPU has forgotten which way
// calls and returns went. So the way of each message, from the loop or the task to where the bytes
// are, has few frames: what is called at one place is written out there, and what is done seldom
// has frames of its own.
//
// recv is the driver's.
func (t *Transport) recv(p []byte) (int, error) {
	if t.direct() {
		return sys.TryRecv(int(t.fd), p)
	}
	return t.driver().recv(t, p)
}

// send is the driver's.
func (t *Transport) send(p []byte) (int, error) {
	if t.direct() {
		return sys.TrySend(int(t.fd), p)
	}
	return t.driver().send(t, p)
}

// sendv is send of several pieces.
func (t *Transport) sendv(bufs [][]byte) (int, error) {
	if t.direct() {
		return sys.TrySendv(int(t.fd), bufs)
	}
	d, total := t.driver(), 0
	for _, p := range bufs {
		n, err := d.send(t, p)
		if total += n; n < len(p) || err != nil {
			if total > 0 {
				err = nil // of what comes after what was sent the next one tells
			}
			return total, err
		}
	}
	return total, nil
}

// release frees the descriptor. With reset the peer is told that something is missing.
func (t *Transport) release(reset bool) {
	how := all
	if reset {
		how = cut
	}
	_ = t.driver().end(t, how)
	t.fd = -1
}

// arm has the loop watch for an event. If it cannot, the connection ends.
func (t *Transport) arm(event selectors.Events, armed flags) error {
	if err := t.driver().watch(t, event); err != nil {
		t.clear(readArmed | writeArmed) // it is watched for nothing any more
		t.end(err)
		return err
	}
	t.set(armed)
	return nil
}

func (t *Transport) unwatch(events selectors.Events) { t.driver().unwatch(t, events) }

var (
	_ loop.Runner = (*reader)(nil)
	_ loop.Runner = (*writer)(nil)
)
