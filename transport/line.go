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
// holds maxHeld. Before that reaches the kernel, there can be what is in the ring already, no more
// than all of its small buffers, 256 of 4 KiB, and what another thread receives at that moment,
// which gives way after 32 of them: 64 KiB + 1 MiB + 128 KiB, and commonly less than 128 KiB. To
// send, it holds one block of 64 KiB.
type line struct {
	driver    *completion
	transport *Transport    // nil when it is closed
	receiving uring.Request // or polling; 0 if none is under way
	in        *buffer       // received, and not taken; nil if there is nothing
	out       *outgoing     // to be sent; nil if there is nothing
	fd        int32
	failed    uint16 // the errno of receiving; 0 if it has not failed
	broken    uint16 // the errno of sending

	watched selectors.Events

	// Of receiving.
	bulk      bool  // much comes at a time
	little    uint8 // how many times in a row not much has
	polling   bool  // the request is a poll
	polled    bool  // the socket is to be looked at; then no request is under way
	cancelled bool  // the request is to end
	ended     bool  // the peer has ended its side

	// Of sending.
	flying    bool // the kernel has out
	full      bool // the socket has no room
	asking    bool // a poll is under way that tells when it has
	finishing bool // our side ends after out

	// It is in the list of the driver that has this name.
	due, noted bool
}

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
	if l.in != nil || l.polled || l.ended || l.failed != 0 {
		events |= selectors.Read
	}
	if l.out == nil && !l.full {
		events |= selectors.Write
	}
	return events
}

// note has the line looked at before the loop waits, as something has changed.
func (l *line) note() {
	if !l.noted {
		l.noted = true
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
	if !l.due {
		l.due = true
		l.driver.due = append(l.driver.due, l)
		l.driver.ring.Rouse()
	}
}

// run runs the transport. What was ready may be so no more, and whether it is afterwards is looked
// at when the tasks that this wakes have run.
func (l *line) run() {
	l.due = false
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

// prepare requests what is to be done now. While something that was received is not taken, no more
// is asked for.
func (l *line) prepare() {
	if l.transport == nil {
		return
	}
	ring, fd := l.driver.ring, int(l.fd)
	if l.out != nil && !l.flying {
		l.flying = true
		ring.Send(fd, l.out.memory, l)
	}
	if l.full && !l.asking {
		l.asking = true
		ring.Poll(fd, false, true, l)
	}
	wanted := l.watched&selectors.Read != 0 && l.receiving == 0
	if wanted && l.ready()&selectors.Read == 0 {
		if l.polling = l.bulk; l.polling {
			l.receiving = ring.Poll(fd, true, false, l)
		} else {
			l.receiving = ring.Receive(fd, false, l)
		}
	}
	l.update()
}

// Completed is called by the ring.
func (l *line) Completed(c uring.Completion) {
	switch {
	case c.Op == uring.OpSend:
		l.sent(c)
	case c.Request != l.receiving:
		l.asking, l.full = false, false
		l.update()
	default:
		l.received(c)
	}
}

// received takes what has come.
func (l *line) received(c uring.Completion) {
	if !c.More {
		l.receiving, l.cancelled = 0, false
	}
	if l.transport == nil {
		c.Chunk.Release()
		return
	}
	switch {
	case c.Errno == syscall.ECANCELED: // by us, or the thread that had requested it has ended
	case c.Op == uring.OpPoll:
		l.polled = true // if it has failed, the next receive tells why
	case c.Errno != 0:
		l.failed = uint16(c.Errno)
	case c.N == 0:
		l.ended = true
	default:
		l.keep(c.Chunk.Bytes)
	}
	c.Chunk.Release()
	if !c.More {
		l.polled = l.polled || l.bulk && !l.polling
		l.note()
	}
	l.update()
}

// keep keeps what has come, and ends the request if there is much, or nobody takes it.
func (l *line) keep(p []byte) {
	before := l.held()
	pool := &l.driver.station.buffers
	if l.in == nil {
		l.in = pool.take(len(p))
	}
	l.in = pool.widen(l.in, len(p))
	l.in.bytes = append(l.in.bytes, p...)
	if len(p) >= smallBuffer {
		l.bulk, l.little = true, 0
		l.cancel()
	}
	if before < maxHeld && l.held() >= maxHeld {
		l.cancel()
		_ = l.driver.ring.Enter() // at once, and what fails now fails again in the wait
	}
}

// held returns how much was received and not taken.
func (l *line) held() int {
	if l.in == nil {
		return 0
	}
	return len(l.in.rest())
}

// cancel ends the request to receive. What it has received until then is kept.
func (l *line) cancel() {
	if l.underway() && !l.cancelled {
		l.cancelled = true
		l.driver.ring.Cancel(l.receiving)
	}
}

// underway reports whether the kernel receives by itself.
func (l *line) underway() bool { return l.receiving != 0 && !l.polling }

// recheck sees to it that soon the socket itself can be looked at.
func (l *line) recheck() {
	if l.underway() {
		l.bulk, l.little = true, 0
		l.cancel()
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
			l.note()
		}
		return n, nil
	case l.failed != 0:
		return 0, syscall.Errno(l.failed)
	case l.ended:
		return 0, nil
	case l.underway() && l.transport.state == open: // else they are dropped
		return 0, syscall.EAGAIN
	}
	n, err := sys.TryRecv(int(l.fd), p)
	if n < len(p) {
		l.polled = false
		l.note()
	}
	switch {
	case n >= smallBuffer:
		l.little = 0
	case n > 0 && l.bulk:
		l.little++
		l.bulk = l.little < maxLittle
	}
	return n, err
}

// drop gives the buffer back.
func (l *line) drop() {
	l.driver.station.buffers.give(l.in)
	l.in = nil
}

// send takes p to be sent with what others send in this turn. A large one goes to the socket.
func (l *line) send(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case l.broken != 0:
		return 0, syscall.Errno(l.broken)
	case l.flying || l.full:
		return 0, syscall.EAGAIN
	case len(p) >= bulk:
		return l.direct(p)
	case l.out == nil:
		l.out = l.driver.outgoing(len(p))
	default:
		l.driver.widen(l.out, len(p))
	}
	n := l.out.memory.Append(p)
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	l.note()
	if d := l.driver; !d.flushes {
		d.flushes = true
		d.station.loop.Last((*submitter)(d))
	}
	return n, nil
}

// direct sends p, after what was to be sent before it. If the socket has no room the ring tells
// when it has.
func (l *line) direct(p []byte) (int, error) {
	if l.push(); l.out != nil {
		return 0, syscall.EAGAIN
	}
	n, err := sys.TrySend(int(l.fd), p)
	if n < len(p) && (err == nil || sys.WouldBlock(err)) {
		l.full = true
		l.note()
	}
	return n, err
}

// push sends what is not yet submitted at once.
func (l *line) push() {
	if l.out == nil || l.flying {
		return
	}
	n, _ := sys.TrySend(int(l.fd), l.out.memory.Bytes()) // an error is told of again
	if l.out.memory.Drop(n); l.out.memory.Len() == 0 {
		l.free()
	}
}

// sent goes on when the kernel has taken something.
func (l *line) sent(c uring.Completion) {
	l.flying = false
	if l.transport == nil {
		delete(l.driver.parting, l)
		l.free()
		return
	}
	l.out.memory.Drop(c.N)
	switch {
	case c.Errno != 0 && c.Errno != syscall.ECANCELED:
		l.free()
		l.broken = uint16(c.Errno)
		l.rouse()
	case l.out.memory.Len() > 0: // the thread that had submitted it has ended
		l.note()
	default:
		l.free()
		if l.finishing {
			l.finishing = false
			_ = sys.Shutdown(int(l.fd), sys.ShutdownWrite) // the peer may have gone
		}
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
	if l.push(); l.out != nil {
		l.finishing = true
		return nil
	}
	return sys.Shutdown(int(l.fd), sys.ShutdownWrite)
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
	case l.flying:
		d.parting[l] = struct{}{} // the memory is the kernel's until it tells
	case l.out != nil:
		l.free()
	}
	if l.receiving == 0 && !l.flying && !l.asking {
		_ = sys.Close(int(l.fd))
		return
	}
	d.ring.CloseFD(int(l.fd))
	_ = d.ring.Enter() // should it fail, the next one tells
}
