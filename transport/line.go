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
//
//	     a full buffer came: cancel ──▶ its end: look
//	receive ──────────────────────────────────────────▶ poll ──▶ look ──▶ poll ...
//	   ◀──────────────────────────────────────────── little was there, several times
//
// What a connection that nobody reads from can make it hold: the request is cancelled when the line
// holds maxHeld. Before that reaches the kernel, there can be what is in the ring already, which is
// no more than its buffers, 32 of 4 KiB or as many as connections receive, and what another thread
// receives at that moment, which gives way after 32 of them. With few connections that is 64 KiB
// and twice 128 KiB, and commonly less than 128 KiB in all. To send, it holds one block of 64 KiB.
type line struct {
	driver    *completion
	transport *Transport    // nil when it is closed
	receiving uring.Request // or polling; 0 if none is under way
	in        *buffer       // received in turns before this one, and not taken; nil if nothing is
	out       uring.Memory  // to be sent
	fd        int32
	arrived   int32  // in this turn: the number of its arrival, from 1 on; 0 if nothing has
	failed    uint16 // the errno of receiving; 0 if it has not failed
	broken    uint16 // the errno of sending

	watched selectors.Events
	little  uint8 // how many times in a row not much was received
	flags   lineFlags
}

// lineFlags are what is so of a line, or is not.
type lineFlags uint16

const (
	// Of receiving.
	inBulk     lineFlags = 1 << iota // much comes at a time
	polling                          // the request is a poll
	polled                           // the socket is to be looked at; then no request is under way
	cancelling                       // the request is to end
	inEnded                          // the peer has ended its side

	// Of sending.
	flying  // the kernel has out
	outFull // the socket has no room
	asking  // a poll is under way that tells when it has
	outEnds // our side ends after out

	// It is in the list of the driver that has this name.
	due
	noted
)

func (l *line) is(f lineFlags) bool { return l.flags&f != 0 }
func (l *line) set(f lineFlags)     { l.flags |= f }
func (l *line) clear(f lineFlags)   { l.flags &^= f }

// maxHeld is how much a line holds until it receives no more.
const maxHeld = 64 << 10

// maxLittle is after how many receives in a row that bring little a line is not polled any more.
// The last piece of what is large is small, and to change each time would cost more than it saves.
const maxLittle = 8

// newLine returns the line of a transport. From here on the socket is one that blocks: of one that
// does not the ring would only say so. Nothing that is called here waits all the same.
func newLine(d *completion, t *Transport) *line {
	if t.source == nil || t.is(unix) { // a listener accepts the others so
		_ = sys.SetNonblock(int(t.fd), false)
	}
	return &line{driver: d, transport: t, fd: t.fd}
}

// watch has the loop run the transport when it is ready for the event.
func (l *line) watch(event selectors.Events) {
	if l.watched == 0 {
		l.driver.station.loop.Watching(1)
	}
	l.watched |= event
	l.note()
}

// unwatch undoes watch. What is received until that reaches the kernel is kept.
func (l *line) unwatch(events selectors.Events) {
	if l.watched != 0 && l.watched&^events == 0 {
		l.driver.station.loop.Watching(-1)
	}
	l.watched &^= events
	if l.watched&selectors.Read == 0 {
		l.cancel()
	}
}

// ready returns what the line is ready for.
func (l *line) ready() selectors.Events {
	var events selectors.Events
	if l.in != nil || l.arrived > 0 || l.is(polled|inEnded) || l.failed != 0 {
		events |= selectors.Read
	}
	if l.out.None() && !l.is(outFull) {
		events |= selectors.Write
	}
	return events
}

// note has the line looked at before the loop waits, as something has changed.
func (l *line) note() {
	if !l.is(noted) {
		l.set(noted)
		l.driver.noted = append(l.driver.noted, l)
		l.driver.ring.Rouse()
	}
}

// update has the loop run the line if it is ready for what it is watched for.
func (l *line) update() {
	if l.watched&l.ready() != 0 {
		l.rouse()
	}
}

// rouse has the loop run the line.
func (l *line) rouse() {
	if !l.is(due) {
		l.set(due)
		l.driver.due = append(l.driver.due, l)
		l.driver.ring.Rouse()
	}
}

// run runs the transport. What was ready may be so no more, and whether it is afterwards is looked
// at when the tasks that this wakes have run.
func (l *line) run() {
	l.clear(due)
	t := l.transport
	if t == nil {
		return
	}
	l.note()
	if l.broken != 0 {
		t.end(t.failure("write", syscall.Errno(l.broken)))
		return
	}
	if l.watched&l.ready()&selectors.Read != 0 {
		(*reader)(t).Run()
	}
	if l.watched&l.ready()&selectors.Write != 0 {
		(*writer)(t).Run()
	}
}

// prepare requests what is to be done now, or sends it where the line is alone. While something
// that was received is not taken, no more is asked for.
func (l *line) prepare() {
	if l.transport == nil {
		return
	}
	ring, fd := l.driver.ring, int(l.fd)
	if !l.out.None() && !l.is(flying|outFull) {
		if l.driver.alone {
			l.sendNow()
		} else {
			l.set(flying)
			ring.Send(fd, l.out, l)
		}
	}
	if l.is(outFull) && !l.is(asking) {
		l.set(asking)
		ring.Poll(fd, false, true, l)
	}
	wanted := l.watched&selectors.Read != 0 && l.receiving == 0
	if wanted && l.ready()&selectors.Read == 0 {
		if l.is(inBulk) {
			l.set(polling)
			l.receiving = ring.Poll(fd, true, false, l)
		} else {
			l.clear(polling)
			l.receiving = ring.Receive(fd, l)
		}
	}
	l.update()
}

// Completed is called by the ring.
func (l *line) Completed(c uring.Completion) {
	switch {
	case c.More && c.N > 0 && l.transport != nil: // as most are
		l.arrive(c.Chunk)
		l.update()
	case c.Op == uring.OpSend:
		l.sent(c)
	case c.Request != l.receiving:
		l.roomy()
	default:
		l.received(c)
	}
}

// roomy goes on with what was cut when the socket had no room.
func (l *line) roomy() {
	l.clear(asking | outFull)
	if !l.out.None() {
		l.note()
	}
	l.update()
}

// received takes what has come.
func (l *line) received(c uring.Completion) {
	if !c.More {
		l.receiving = 0
		l.clear(cancelling)
	}
	if l.transport == nil {
		c.Chunk.Release()
		return
	}
	switch {
	case c.Errno == syscall.ECANCELED: // by us, or the thread that had requested it has ended
	case c.Op == uring.OpPoll:
		l.set(polled) // if it has failed, the next receive tells why
	case c.Errno != 0:
		l.failed = uint16(c.Errno)
	case c.N == 0:
		l.set(inEnded)
	default:
		l.arrive(c.Chunk)
	}
	if !c.More {
		if l.is(inBulk) && !l.is(polling) {
			l.set(polled)
		}
		l.note()
	}
	l.update()
}

// arrive takes what has come, and ends the request if there is much, or nobody takes it.
func (l *line) arrive(c uring.Chunk) {
	d, n, before := l.driver, len(c.Bytes), l.held()
	if before == 0 && l.watched&selectors.Read != 0 {
		d.arrivals = append(d.arrivals, arrival{l, c})
		l.arrived = int32(len(d.arrivals))
		d.atEnd()
	} else {
		l.keep()
		l.store(c)
	}
	if n >= smallBuffer {
		l.set(inBulk)
		l.little = 0
		l.cancel()
	}
	if before < maxHeld && before+n >= maxHeld {
		l.cancel()
		_ = d.ring.Enter() // at once, and what fails now fails again in the wait
	}
}

// keep copies what has arrived.
func (l *line) keep() {
	if l.arrived > 0 {
		l.store(l.take())
	}
}

// take returns what has arrived, which is no more the line's then.
func (l *line) take() uring.Chunk {
	a := &l.driver.arrivals[l.arrived-1]
	c := a.chunk
	l.arrived, *a = 0, arrival{}
	return c
}

// store copies a chunk, and gives it back.
func (l *line) store(c uring.Chunk) {
	pool := &l.driver.station.buffers
	if l.in == nil {
		l.in = pool.take(len(c.Bytes))
	}
	l.in = pool.widen(l.in, len(c.Bytes))
	l.in.bytes = append(l.in.bytes, c.Bytes...)
	c.Release()
}

// held returns how much was received and not taken.
func (l *line) held() int {
	switch {
	case l.in != nil:
		return len(l.in.rest())
	case l.arrived > 0:
		return len(l.driver.arrivals[l.arrived-1].chunk.Bytes)
	}
	return 0
}

// cancel ends the request to receive. What it has received until then is kept.
func (l *line) cancel() {
	if l.underway() && !l.is(cancelling) {
		l.set(cancelling)
		l.driver.ring.Cancel(l.receiving)
	}
}

// underway reports whether the kernel receives by itself.
func (l *line) underway() bool { return l.receiving != 0 && !l.is(polling) }

// recheck sees to it that soon the socket itself can be looked at.
func (l *line) recheck() {
	if l.underway() {
		l.set(inBulk)
		l.little = 0
		l.cancel()
	}
}

// recv takes what was received. While the kernel receives by itself, nobody else may: the bytes
// would be out of order.
func (l *line) recv(p []byte) (int, error) {
	if l.arrived > 0 { // as nearly always
		return l.consume(p), nil
	}
	return l.look(p)
}

// look takes what was received in turns before this one, or looks at the socket.
//
//go:noinline
func (l *line) look(p []byte) (int, error) {
	switch {
	case l.in != nil:
		n := copy(p, l.in.rest())
		if l.in.head += n; l.in.head == len(l.in.bytes) {
			l.drop()
			l.note()
		}
		return n, nil
	case l.failed != 0:
		return 0, syscall.Errno(l.failed)
	case l.is(inEnded):
		return 0, nil
	case l.underway() && l.transport.state == open: // else they are dropped
		return 0, syscall.EAGAIN
	}
	n, err := sys.TryRecv(int(l.fd), p)
	if n < len(p) {
		l.clear(polled)
		l.note()
	}
	switch {
	case n >= smallBuffer:
		l.little = 0
	case n > 0 && l.is(inBulk):
		if l.little++; l.little >= maxLittle {
			l.clear(inBulk)
		}
	}
	return n, err
}

// consume takes from what has arrived.
func (l *line) consume(p []byte) int {
	a := &l.driver.arrivals[l.arrived-1]
	n := copy(p, a.chunk.Bytes)
	if n < len(a.chunk.Bytes) {
		a.chunk.Bytes = a.chunk.Bytes[n:]
		return n
	}
	a.line, l.arrived = nil, 0
	a.chunk.Release()
	if l.receiving == 0 {
		l.note()
	}
	return n
}

// drop gives back what was received.
func (l *line) drop() {
	if l.arrived > 0 {
		c := l.take()
		c.Release()
	}
	l.driver.station.buffers.give(l.in)
	l.in = nil
}

// close frees the descriptor. What is under way holds it open in the kernel, and is ended first.
// This does not wait for the end of the turn: that the descriptor is free is promised.
func (l *line) close(reset bool) {
	if reset {
		sys.ResetOnClose(int(l.fd))
	}
	l.unwatch(selectors.Read | selectors.Write)
	l.transport = nil
	l.drop()
	d := l.driver
	switch {
	case l.is(flying):
		d.parting[l] = struct{}{} // the memory is the kernel's until it tells
	default:
		l.out.Free()
	}
	if l.receiving == 0 && !l.is(flying|asking) {
		_ = sys.Close(int(l.fd))
		return
	}
	d.ring.CloseFD(int(l.fd))
	_ = d.ring.Enter() // should it fail, the next one tells
}
