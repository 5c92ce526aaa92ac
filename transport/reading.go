package transport

import (
	"io"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

// ErrWouldBlock is what Receive returns when nothing has arrived yet. See WouldBlock.
var ErrWouldBlock error = wouldBlock{}

type wouldBlock struct{}

func (wouldBlock) Error() string { return "transport: nothing has arrived yet" }

// WouldBlock reports whether err is ErrWouldBlock. It looks at the type alone, which costs less
// than to compare the two, and is asked for each message.
func WouldBlock(err error) bool {
	_, is := err.(wouldBlock)
	return is
}

// maxReceives is how many times a connection is received from, a large buffer at a time, until the
// others have their turn: 256 KiB.
const maxReceives = 4

// reader is a Transport as what the loop runs when its descriptor is readable.
type reader Transport

// Run is called by the loop.
func (r *reader) Run() {
	t := (*Transport)(r)
	t.clear(empty)
	returned := false
	defer func() {
		if !returned {
			t.end(errPanic)
		}
	}()
	switch {
	case t.state == closing:
		t.drop()
	case t.is(pulls):
		t.announce()
	case t.is(readPaused):
		t.disarmReading()
	default:
		t.deliver()
	}
	returned = true
}

// Drained is for the loop, so that it need not ask whether there is more before it waits.
func (r *reader) Drained() bool { return r.state == open && (*Transport)(r).is(empty) }

// short notes that a receive has got n bytes, and had room for more.
func (t *Transport) short(n int) {
	if n == 0 || !t.is(unix) { // a unix socket ends a receive behind descriptors that are passed
		t.set(empty)
	}
}

// announce tells a Puller that there is something. If it has not received since it was last told,
// nobody wants it at present: to be told in every turn would burn the CPU, so the descriptor is
// not watched until it does.
func (t *Transport) announce() {
	if !t.is(drained) {
		t.disarmReading()
		return
	}
	t.clear(drained)
	t.protocol.(Puller).Readable(t)
}

// deliver receives and calls Data, until there is nothing more or others are to have their turn.
// All connections of the loop use the same buffer.
func (t *Transport) deliver() {
	b := t.station.buffers.take(largeBuffer)
	for range maxReceives {
		room := b.room()
		var n int
		var err error
		if t.direct() { // this is recv, written out: see driver.go
			n, err = sys.TryRecv(int(t.fd), room)
		} else {
			n, err = t.driver().recv(t, room)
		}
		if n < len(room) {
			t.short(n)
		}
		if n > 0 {
			t.protocol.Data(t, room[:n])
		}
		switch {
		case err != nil && !sys.WouldBlock(err):
			t.end(t.failure("read", err))
		case n == 0 && err == nil:
			t.endOfStream()
			t.protocol.EOF(t)
		}
		if n < len(room) || t.state != open || t.flags&(readPaused|pulls) != 0 {
			break
		}
	}
	t.station.buffers.give(b)
}

// endOfStream notes that the peer has ended its side. The descriptor is readable for ever then.
func (t *Transport) endOfStream() {
	t.set(ended)
	t.disarmReading()
}

// Receive is for a Puller: it returns what has arrived, and never waits. Of what it has returned
// the last time, the last keep bytes stay, and stand before the new ones; everything else of that
// is gone, and the slice invalid. What it returns stays valid, and may be changed, until the next
// call of Receive or ReceiveInto.
//
// The error is ErrWouldBlock if there is nothing new: Readable is called when there is. It is
// io.EOF after all that the peer has sent, and net.ErrClosed after Close; any other error ends the
// connection.
func (t *Transport) Receive(keep int) ([]byte, error) {
	if t.in != nil {
		t.in.head = len(t.in.bytes) - keep
		if keep == 0 {
			t.in.bytes, t.in.head = t.in.bytes[:0], 0
		}
	}
	if err := t.receivable(); err != nil {
		return t.kept(keep), err
	}
	b := t.prepare()
	room := b.room()
	var n int
	var err error
	if t.line != nil { // this is recv, written out: see driver.go
		n, err = t.line.recv(room)
	} else {
		n, err = t.recv(room)
	}
	b.extend(n)
	if n < len(room) {
		t.set(drained)
		t.short(n)
		if n <= smallBuffer {
			t.clear(greedy)
		}
	} else {
		t.set(greedy)
	}
	if n > 0 {
		return b.rest(), nil
	}
	if err = t.nothing(err); t.state == lost {
		return b.rest(), err // nobody else gets this buffer
	}
	return t.kept(keep), err
}

// Exhausted reports whether Receive(0) would return ErrWouldBlock at once, as nothing has come
// since the last one. If so it has done what that would have done.
func (t *Transport) Exhausted() bool {
	if t.flags&(drained|readArmed|ended) != drained|readArmed || t.state != open {
		return false
	}
	if t.in != nil {
		t.in.bytes, t.in.head = t.in.bytes[:0], 0
		t.kept(0)
	}
	return true
}

// ReceiveInto is Receive into p, which is not empty; it keeps nothing.
func (t *Transport) ReceiveInto(p []byte) (int, error) {
	t.kept(0)
	if err := t.receivable(); err != nil {
		return 0, err
	}
	n, err := t.recv(p)
	if n < len(p) {
		t.set(drained)
		t.short(n)
	}
	if n > 0 {
		return n, nil
	}
	return 0, t.nothing(err)
}

// Recheck has the next Receive ask the kernel whether something has arrived, though nobody has
// said so: where nothing must be overlooked, such as in a drain. See Underway.
func (t *Transport) Recheck() {
	t.clear(drained)
	if t.line != nil {
		t.line.recheck()
	}
}

// Underway reports whether a Receive that has returned ErrWouldBlock may have overlooked something
// in spite of Recheck: where the kernel receives by itself, what has arrived may still be on its
// way. Readable is called when that is known, in a moment, also if nothing was.
func (t *Transport) Underway() bool { return t.state == open && t.line != nil && t.line.underway() }

// Restore undoes a receive: what the next Receive returns begins with p, of which it keeps a copy,
// if that keeps len(p). Only what ReceiveInto has returned last can be restored.
func (t *Transport) Restore(p []byte) []byte {
	t.kept(0)
	t.in = t.station.buffers.take(len(p))
	t.in.bytes = append(t.in.bytes, p...)
	return t.in.rest()
}

// Ended reports whether the peer has ended its side, and everything was received.
func (t *Transport) Ended() bool { return t.is(ended) }

// receivable returns why there is nothing to receive, without asking the kernel. A receive that
// has got less than there was room for has taken everything: until the loop says that there is
// more, there is not.
func (t *Transport) receivable() error {
	switch {
	case t.state != open:
		return t.refusal("read")
	case t.is(ended):
		return io.EOF
	case t.is(drained):
		return t.await()
	}
	return nil
}

// nothing returns the error of a receive that has got nothing.
func (t *Transport) nothing(err error) error {
	switch {
	case err == nil:
		t.endOfStream()
		return io.EOF
	case sys.WouldBlock(err):
		return t.await()
	}
	err = t.failure("read", err)
	t.end(err)
	return err
}

// await sees to it that the loop tells when there is something.
func (t *Transport) await() error {
	if err := t.armReading(); err != nil {
		return err
	}
	return ErrWouldBlock
}

// prepare returns the buffer to receive into, with room in it.
func (t *Transport) prepare() *buffer {
	pool := &t.station.buffers
	size := smallBuffer
	if t.is(greedy) {
		size = largeBuffer
	}
	switch {
	case t.in == nil:
		t.in = pool.take(size)
	case len(t.in.bytes) == 0 && cap(t.in.bytes) < size:
		pool.give(t.in)
		t.in = pool.take(size)
	default:
		t.in = pool.widen(t.in, 0)
	}
	return t.in
}

// kept returns what stays of the buffer, and gives the buffer back if that is nothing.
func (t *Transport) kept(keep int) []byte {
	switch {
	case t.in == nil:
		return nil
	case keep > 0:
		return t.in.rest()
	}
	t.station.buffers.give(t.in)
	t.in = nil
	return nil
}

// PauseReading has Data not be called until ResumeReading is. The peer can send no more than what
// the kernel's buffers hold. To pause again is no error, nor to pause what is closed.
func (t *Transport) PauseReading() { t.set(readPaused) } // the first unwanted event disarms

// ResumeReading undoes PauseReading.
func (t *Transport) ResumeReading() {
	t.clear(readPaused)
	if !t.is(pulls) { // a Puller resumes with Receive
		t.rearm()
	}
}

// rearm has the loop watch the descriptor if the protocol can be told of something.
func (t *Transport) rearm() {
	if t.state == open && !t.is(ended) && (t.is(pulls) || !t.is(readPaused)) {
		_ = t.armReading() // an error is the connection's end
	}
}

// Reading reports whether Data is called when something arrives.
func (t *Transport) Reading() bool {
	return t.state == open && !t.is(ended) && !t.is(readPaused)
}

// armReading has the loop watch the descriptor. If it cannot, the connection ends.
func (t *Transport) armReading() error {
	if t.is(readArmed) {
		return nil
	}
	return t.arm(selectors.Read, readArmed)
}

func (t *Transport) disarmReading() {
	if t.is(readArmed) {
		t.clear(readArmed)
		t.unwatch(selectors.Read)
	}
}
