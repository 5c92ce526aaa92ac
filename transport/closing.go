package transport

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// errPanic is why a connection is lost whose protocol panicked.
var errPanic = errors.New("transport: the protocol panicked")

const (
	// lingerUnsent is how long a transport that closes tries to send what is pending.
	lingerUnsent = 30 * time.Second

	// lingerSent is how long it then waits for the peer's system to acknowledge it.
	lingerSent = 5 * time.Second

	// lingerPause is how long it waits at first until it looks whether it has, as no event tells;
	// twice as long each time, up to maxLingerPause.
	lingerPause    = time.Millisecond
	maxLingerPause = 128 * time.Millisecond
)

// lingering is what a transport has while it closes and cannot be left to the kernel yet.
type lingering struct {
	transport *Transport
	timer     loop.Timer
	until     time.Duration // by the loop's clock
	pause     time.Duration // 0 while something is pending
}

// Close ends the connection when what is pending has been sent, and returns at once; nothing is
// received any more. See the documentation of the package for how it lingers. To close again is no
// error. Loop.End waits for it.
func (t *Transport) Close() {
	if t.state != open {
		return
	}
	t.state = closing
	t.in = nil // not given back: who has received it may not have done with it
	if t.line != nil {
		t.line.push()
	}
	if t.out != nil || t.busy() {
		t.hold(lingerUnsent)
		if !t.is(ended) && t.armReading() != nil { // see drop
			return
		}
	}
	switch {
	case t.out == nil:
		t.settle()
	case !t.is(writeArmed):
		t.flush()
	}
}

// Abort ends the connection at once; what is pending is dropped, and the peer is told so by a
// reset.
func (t *Transport) Abort() {
	if t.state != lost {
		t.terminate(nil, true)
	}
}

// hold keeps the loop from ending for a time.
func (t *Transport) hold(d time.Duration) {
	l := t.station.loop
	r := t.rare()
	if r.linger == nil {
		r.linger = &lingering{transport: t}
		r.linger.timer.Init(l, r.linger)
		l.Hold(1)
	}
	r.linger.until = l.Now() + d
	r.linger.timer.ResetAt(r.linger.until)
}

// Run is called by the timer.
func (g *lingering) Run() {
	t := g.transport
	late := t.station.loop.Now() >= g.until
	switch {
	case late && (t.out != nil || t.busy()):
		t.terminate(t.failure("close", errUnsent), true)
	case late:
		t.end(nil) // the kernel goes on without us
	default:
		t.settle()
	}
}

var errUnsent = errors.New("the peer did not take what was pending in time")

// settle closes the descriptor if nothing can be lost by that, and else waits for it: everything
// is sent, so what is left is that it arrives.
//
// What the peer goes on sending is dropped. That is not only for its end of stream to be seen: a
// descriptor that is closed with something unread sends a reset.
func (t *Transport) settle() {
	if t.busy() {
		_ = t.armWriting() // to be told when it is not; an error is the connection's end
		return
	}
	if t.is(ended) || t.finish() != nil {
		t.end(nil)
		return
	}
	over, more := t.discard()
	if over || !more && !t.driver().unsent(t) {
		t.end(nil)
		return
	}
	if g := t.rare().linger; g == nil || g.pause == 0 {
		t.hold(lingerSent)
		g = t.seldom.linger
		g.pause = lingerPause
	}
	if t.armReading() != nil {
		return
	}
	g := t.seldom.linger
	l := t.station.loop
	g.timer.ResetAt(min(g.until, l.Now()+g.pause))
	g.pause = min(2*g.pause, maxLingerPause)
}

// drop drops what the peer goes on sending while something is pending: it may be closing as well,
// and then each would wait for the other one to receive.
func (t *Transport) drop() {
	if t.out == nil && !t.busy() {
		t.settle()
		return
	}
	if over, _ := t.discard(); over {
		t.endOfStream() // also if it broke: that is told by what is sent next
	}
}

// busy reports whether the ring has yet to send something of what it was given.
func (t *Transport) busy() bool { return t.line != nil && !t.line.out.None() }

// discard drops what was received, and reports whether that was the last, or else whether there may
// be more already.
func (t *Transport) discard() (over, more bool) {
	b := t.station.buffers.take(largeBuffer)
	defer t.station.buffers.give(b)
	for range maxReceives {
		n, err := t.recv(b.room())
		if n == 0 {
			return !sys.WouldBlock(err), false
		}
	}
	return false, true
}

// end ends the connection, with why if it broke. Of one that nobody has heard of nothing is
// missing, so that its peer gets no reset: it is refused.
func (t *Transport) end(why error) { t.terminate(why, why != nil && !t.is(told)) }

func (t *Transport) terminate(why error, reset bool) {
	if t.state == lost {
		return
	}
	t.state = lost
	if t.flags&(readArmed|writeArmed) != 0 {
		t.unwatch(selectors.Read | selectors.Write)
		t.clear(readArmed | writeArmed)
	}
	t.release(reset)
	t.station.buffers.give(t.out)
	t.in, t.out = nil, nil
	if why != nil {
		t.rare().err = why
	}
	if t.seldom != nil && t.seldom.linger != nil {
		t.seldom.linger.timer.Stop()
		t.seldom.linger = nil
		t.station.loop.Hold(-1)
	}
	if t.source != nil {
		t.source.config.Limit.release()
	}
	t.station.loop.Ready((*loser)(t))
}

// loser is a Transport as what the loop runs after it is lost: Lost is not called in the midst of
// something that the protocol does.
type loser Transport

// Run is called by the loop.
func (o *loser) Run() {
	t := (*Transport)(o)
	t.station.remove(t)
	if !t.is(told) {
		t.set(told)
		t.protocol.Lost(t, t.Err())
	}
}

// refusal returns why nothing can be done with a connection that is closed, or whose sending side
// is.
func (t *Transport) refusal(op string) error {
	switch {
	case t.state == open:
		return t.failure(op, syscall.EPIPE)
	case t.Err() != nil && t.Err() != errPanic:
		return t.Err()
	}
	return t.failure(op, net.ErrClosed)
}

// failure returns an error as those of net are.
func (t *Transport) failure(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: t.Network(), Source: t.LocalAddr(), Addr: t.RemoteAddr(),
		Err: err}
}
