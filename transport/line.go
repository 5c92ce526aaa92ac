package transport

import (
	"syscall"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
	"github.com/kettle-go/kettle/selectors"
)

// line is one connection as the ring has it. It stands where the buffers of a socket do: what the
// kernel has received is in it until the transport takes it, and what the transport sends is in it
// until the kernel has taken that.
//
// A connection that has small messages has one request to receive under way, which goes on for as
// long as somebody wants to receive: nothing need be asked for each message. One that moves much at
// a time is only polled, and received from directly: then nothing is copied twice, and nothing is
// received that nobody has asked for.
type line struct {
	driver    *completion
	transport *Transport    // nil when it is closed
	receiving uring.Request // or polling; 0 if none is under way
	in        *buffer       // received, and not taken; nil if there is nothing
	out       *outgoing     // to be sent; nil if there is nothing
	fd        int32
	failed    uint16 // the errno of receiving; 0 if it has not failed
	broken    uint16 // the errno of sending

	watched   selectors.Events
	polling   bool // the request is a poll
	polled    bool // and has found the socket ready
	cancelled bool // the request is to end
	ended     bool // the peer has ended its side
	flying    bool // the kernel has out
	finishing bool // our side ends after out

	// It is in the list of the driver that has this name.
	due, ran, queued, dirty bool
}

// outgoing is what is to be sent.
type outgoing struct{ memory uring.Memory }

// ready returns what the line is ready for.
func (l *line) ready() selectors.Events {
	var events selectors.Events
	if l.in != nil || l.polled || l.ended || l.failed != 0 {
		events |= selectors.Read
	}
	if l.out == nil {
		events |= selectors.Write
	}
	return events
}

// update has the loop run the line if it is ready for what it is watched for.
func (l *line) update() {
	if l.watched&l.ready() != 0 {
		l.rouse()
	}
}

// rouse has the loop run the line.
func (l *line) rouse() {
	if !l.due {
		l.due = true
		l.driver.due = append(l.driver.due, l)
		l.driver.ring.Rouse()
	}
}

// run runs the transport. What was ready may be so no more. Whether it still is is looked at when
// the tasks that this wakes have run.
func (l *line) run() {
	l.due = false
	if l.transport == nil {
		return
	}
	if !l.ran {
		l.ran = true
		l.driver.ran = append(l.driver.ran, l)
	}
	t := l.transport
	if l.broken != 0 {
		t.end(t.failure("write", syscall.Errno(l.broken)))
		return
	}
	settles := t.state == closing && t.out == nil
	if l.watched&l.ready()&selectors.Read != 0 || settles {
		(*reader)(t).Run()
	}
	if l.watched&l.ready()&selectors.Write != 0 {
		(*writer)(t).Run()
	}
}

// want has a receive requested before the next wait, if there is a reason to.
func (l *line) want() {
	if !l.queued && l.receiving == 0 && l.watched&selectors.Read != 0 {
		l.queued = true
		l.driver.again = append(l.driver.again, l)
	}
}

// request requests to receive, or to poll.
func (l *line) request() {
	if l.receiving != 0 || l.watched&selectors.Read == 0 || l.ended || l.failed != 0 {
		return
	}
	if l.polling = l.transport.is(greedy); l.polling {
		l.receiving = l.driver.ring.Poll(int(l.fd), true, false, l)
	} else {
		l.receiving = l.driver.ring.Receive(int(l.fd), false, l)
	}
}

// cancel ends the request to receive. What it has received until then is kept.
func (l *line) cancel() {
	if l.receiving != 0 && !l.polling && !l.cancelled {
		l.cancelled = true
		l.driver.ring.Cancel(l.receiving)
	}
}

// recv takes what was received. While the kernel receives by itself, nobody else may: the bytes
// would be out of order.
func (l *line) recv(p []byte) (int, error) {
	switch {
	case l.in != nil:
		n := copy(p, l.in.rest())
		if l.in.head += n; l.in.head == len(l.in.bytes) {
			l.drop()
		}
		return n, nil
	case l.failed != 0:
		return 0, syscall.Errno(l.failed)
	case l.ended:
		return 0, nil
	case l.receiving != 0 && !l.polling && l.transport.state == open: // else they are dropped
		return 0, syscall.EAGAIN
	}
	n, err := sys.TryRecv(int(l.fd), p)
	if n < len(p) {
		l.polled = false
	}
	return n, err
}

func (l *line) drop() {
	l.driver.station.buffers.give(l.in)
	l.in = nil
}

// send takes p to be sent with what others send in this turn. A large one goes to the socket, if
// nothing is before it.
func (l *line) send(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case l.broken != 0:
		return 0, syscall.Errno(l.broken)
	case l.flying:
		return 0, syscall.EAGAIN
	case l.out == nil && len(p) >= bulk:
		return sys.TrySend(int(l.fd), p)
	case l.out == nil:
		l.out = l.driver.outgoing(len(p))
	}
	n := l.out.memory.Append(p)
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	l.soil()
	return n, nil
}

// soil has what is to be sent submitted at the end of the turn.
func (l *line) soil() {
	if l.dirty {
		return
	}
	l.dirty = true
	if d := l.driver; len(d.dirty) == 0 {
		d.station.loop.Last((*submitter)(d))
	}
	l.driver.dirty = append(l.driver.dirty, l)
}

// submit gives what is to be sent to the kernel.
func (l *line) submit() {
	if l.out != nil && !l.flying {
		l.flying = true
		l.driver.ring.Send(int(l.fd), l.out.memory, l)
	}
}

// Completed is called by the ring.
func (l *line) Completed(c uring.Completion) {
	if c.Op == uring.OpSend {
		l.sent(c)
		return
	}
	l.received(c)
	if !c.More {
		l.receiving, l.cancelled = 0, false
	}
	if l.transport == nil {
		return
	}
	l.update()
	l.want()
	if l.queued { // it is to be requested in the wait that follows
		l.driver.ring.Rouse()
	}
}

// received takes what has come.
func (l *line) received(c uring.Completion) {
	if l.transport == nil {
		c.Chunk.Release()
		return
	}
	switch {
	case c.Op == uring.OpPoll:
		l.polled = c.Errno != syscall.ECANCELED
	case c.Errno == syscall.ECANCELED: // by us, or the thread that had requested it has ended
	case c.Errno != 0:
		l.failed = uint16(c.Errno)
	case c.N == 0:
		l.ended = true
	default:
		l.store(c.Chunk.Bytes)
		if len(c.Chunk.Bytes) >= smallBuffer { // there is much: it is to be polled
			l.transport.set(greedy)
			l.cancel()
		}
	}
	c.Chunk.Release()
}

// store puts p behind what was received.
func (l *line) store(p []byte) {
	pool := &l.driver.station.buffers
	if l.in == nil {
		l.in = pool.take(len(p))
	}
	l.in = pool.widen(l.in, len(p))
	l.in.bytes = append(l.in.bytes, p...)
}

// sent goes on when the kernel has taken something.
func (l *line) sent(c uring.Completion) {
	l.flying = false
	l.out.memory.Drop(c.N)
	switch t := l.transport; {
	case t == nil:
		l.free()
	case c.Errno == syscall.ECANCELED || c.Errno == 0 && l.out.memory.Len() > 0:
		l.soil()
		l.driver.ring.Rouse()
	case c.Errno != 0:
		l.free()
		l.broken = uint16(c.Errno)
		l.rouse()
	default:
		l.free()
		if l.finishing {
			l.finishing = false
			_ = sys.Shutdown(int(l.fd), sys.ShutdownWrite) // the peer may have gone
		}
		if t.state == closing { // it has waited for this
			l.rouse()
		}
		l.update()
	}
}

// push sends what is not yet submitted at once.
func (l *line) push() {
	if l.out == nil || l.flying {
		return
	}
	n, _ := sys.TrySend(int(l.fd), l.out.memory.Bytes()) // an error is told of again
	if l.out.memory.Drop(n); l.out.memory.Len() == 0 {
		l.free()
		l.update()
	}
}

// free gives back the memory of what was sent.
func (l *line) free() {
	l.driver.give(l.out)
	l.out = nil
}

// shutdown ends our side, after what is to be sent.
func (l *line) shutdown() error {
	l.push()
	if l.out != nil {
		l.finishing = true
		return nil
	}
	return sys.Shutdown(int(l.fd), sys.ShutdownWrite)
}

// close frees the descriptor. What is under way holds it open in the kernel, and is ended first. This
// does not wait for the end of the turn: that the descriptor is free is promised.
func (l *line) close(reset bool) {
	if reset {
		sys.ResetOnClose(int(l.fd))
	} else {
		l.push()
	}
	l.transport, l.watched = nil, 0
	l.drop()
	if l.out != nil && !l.flying {
		l.free()
	}
	d := l.driver
	d.station.loop.Watching(-1)
	if l.receiving == 0 && !l.flying {
		_ = sys.Close(int(l.fd))
		return
	}
	d.ring.CancelFD(int(l.fd))
	d.ring.CloseFD(int(l.fd))
	_ = d.ring.Enter() // should it fail, the next one tells
}
