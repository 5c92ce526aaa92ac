package transport

import (
	"fmt"
	"math"
	"os"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

// gatherLimit is up to which size writes of one turn are gathered: to copy more than that costs as
// much as the system call that it saves.
const gatherLimit = 16 << 10

// Write sends p, at once if nothing is pending, and keeps a copy of what the kernel does not take:
// p is the caller's again when it returns. It never waits, and takes all of p; the high-water mark
// is for the caller to heed. It returns an error if the connection was closed, or breaks.
func (t *Transport) Write(p []byte) error {
	_, err := t.write(p, math.MaxInt)
	return err
}

// WriteSome is Write for who can wait: it keeps no more than the high-water mark allows, and
// returns how many bytes it has taken. If that is less than all, ResumeWriting is called when it
// is worth to go on.
func (t *Transport) WriteSome(p []byte) (int, error) { return t.write(p, asMarked) }

// asMarked stands for the high-water mark.
const asMarked = -1

func (t *Transport) write(p []byte, most int) (int, error) {
	if t.state != open || t.is(finishing) {
		if err := t.writable(); err != nil {
			return 0, err
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	if most == asMarked {
		most = t.high()
	}
	n := 0
	// The first write of a turn does not wait for others; a ring gathers by itself.
	first := t.turn != uint16(t.station.loop.Turn()) || t.line != nil && t.line.driver.sends
	if t.out == nil && (first || len(p) >= min(gatherLimit, most)) {
		var err error
		switch { // see driver.go
		case t.line != nil:
			n, err = t.line.send(p)
		case t.direct():
			n, err = sys.TrySend(int(t.fd), p)
		default:
			n, err = t.driver().send(t, p)
		}
		t.turn = uint16(t.station.loop.Turn())
		switch {
		case n == len(p):
			return n, nil
		case err != nil && !sys.WouldBlock(err):
			err = t.failure("write", err)
			t.end(err)
			return n, err
		}
		if err := t.armWriting(); err != nil {
			return n, err
		}
	}
	return t.keep(p, n, most)
}

// Writev is Write for several pieces, in one system call if the kernel takes them. It changes
// neither the pieces nor the list of them.
func (t *Transport) Writev(pieces [][]byte) error {
	if err := t.writable(); err != nil {
		return err
	}
	n := 0
	if t.out == nil && len(pieces) > 0 {
		var err error
		n, err = t.sendv(pieces)
		t.turn = uint16(t.station.loop.Turn())
		if err != nil && !sys.WouldBlock(err) {
			err = t.failure("write", err)
			t.end(err)
			return err
		}
	}
	for _, p := range pieces {
		sent := min(n, len(p))
		n -= sent
		t.store(p[sent:])
	}
	// The protocol is told when all of it is there: it may close.
	t.hasten()
	if t.state == lost {
		return t.closedWithin(false)
	}
	if t.Pending() > t.high() {
		t.fill()
	}
	return nil
}

// keep keeps a copy of p from n on, of as much as most allows to be pending, and sees to it that
// it is sent. It returns how much of p is taken.
func (t *Transport) keep(p []byte, n, most int) (int, error) {
	kept := min(len(p)-n, max(0, most-t.Pending()))
	t.store(p[n : n+kept])
	n += kept
	t.hasten()
	if t.state == lost {
		return n, t.closedWithin(n < len(p))
	}
	if t.out == nil && kept > 0 && n < len(p) { // there is room again, and nobody will tell
		more, err := t.write(p[n:], most)
		return n + more, err
	}
	if n < len(p) || t.Pending() > t.high() {
		t.fill()
	}
	return n, nil
}

// closedWithin returns what a write returns in whose midst the connection was lost. It is no error
// if one of its callbacks has closed it, and everything was sent before.
func (t *Transport) closedWithin(short bool) error {
	if short || t.Err() != nil {
		return t.refusal("write")
	}
	return nil
}

// store keeps a copy of p.
func (t *Transport) store(p []byte) {
	if len(p) == 0 {
		return
	}
	if t.out == nil {
		t.out = t.station.buffers.take(len(p))
	}
	t.out = t.station.buffers.widen(t.out, len(p))
	t.out.bytes = append(t.out.bytes, p...)
}

// hasten has what is pending sent when there is room, at the end of the turn, or, if it is enough
// for that, at once.
func (t *Transport) hasten() {
	if t.out == nil || t.is(writeArmed) {
		return
	}
	if !t.is(gathered) {
		t.set(gathered)
		t.station.loop.Last((*gatherer)(t))
	}
	if t.Pending() >= gatherLimit {
		t.flush()
	}
}

// fill calls PauseWriting if it was not called already.
func (t *Transport) fill() {
	if !t.is(full) {
		t.set(full)
		t.guarded(func() { t.protocol.PauseWriting(t) })
	}
}

// writable returns why nothing can be written.
func (t *Transport) writable() error {
	switch {
	case t.is(finishing): // to try would break it, and what is on its way would be lost
	case t.state == open:
		return nil
	case t.state == closing && t.is(resuming): // it has waited for that since before the Close
		return nil
	}
	return t.refusal("write")
}

// Pending returns how many bytes are kept until the kernel takes them.
func (t *Transport) Pending() int {
	if t.out == nil {
		return 0
	}
	return len(t.out.bytes) - t.out.head
}

// Full reports whether PauseWriting was called, and ResumeWriting not yet.
func (t *Transport) Full() bool { return t.is(full) }

// SetWriteMarks sets the high-water and the low-water mark, in bytes; the defaults are HighWater
// and LowWater. High must be at least low, and low not negative. With a high of 0 whatever is
// pending is too much. It takes effect at once.
func (t *Transport) SetWriteMarks(high, low int) error {
	if low < 0 || high < low || high > math.MaxInt32 {
		return fmt.Errorf("transport: set the water marks: high %d, low %d: %w: high must be at "+
			"least low, and low not negative", high, low, os.ErrInvalid)
	}
	r := t.rare()
	r.high, r.low, r.marked = int32(high), int32(low), true
	if t.state == open && t.Pending() > high {
		t.fill()
	}
	t.resume()
	return nil
}

// WriteMarks returns the high-water and the low-water mark.
func (t *Transport) WriteMarks() (high, low int) {
	if t.seldom == nil || !t.seldom.marked {
		return HighWater, LowWater
	}
	return int(t.seldom.high), int(t.seldom.low)
}

func (t *Transport) high() int {
	high, _ := t.WriteMarks()
	return high
}

// CloseWrite ends the sending side when what is pending has been sent: the peer gets the end of
// the stream, and can go on sending. What is written after that is refused. To call it again is
// no error.
func (t *Transport) CloseWrite() error {
	switch {
	case t.state != open:
		return t.refusal("close")
	case t.is(finishing):
		return nil
	}
	t.set(finishing)
	if t.is(gathered) && !t.is(writeArmed) {
		t.flush()
	}
	switch {
	case t.state == lost: // it broke just now
		return t.refusal("close")
	case t.out == nil && t.state == open:
		return t.finish()
	}
	return nil
}

// finish ends the sending side.
func (t *Transport) finish() error {
	if t.is(finished) {
		return nil
	}
	t.set(finished | finishing)
	if err := t.driver().end(t, sending); err != nil {
		err = t.failure("close", err)
		t.end(err)
		return err
	}
	return nil
}

// writer is a Transport as what the loop runs when its descriptor is writable.
type writer Transport

// Run is called by the loop.
func (w *writer) Run() { (*gatherer)(w).flush() }

// gatherer is a Transport as what the loop runs at the end of a turn in which it has gathered
// something.
type gatherer Transport

// Run is called by the loop.
func (g *gatherer) Run() {
	t := (*Transport)(g)
	t.clear(gathered)
	if t.out != nil && !t.is(writeArmed) {
		g.flush()
	}
}

func (g *gatherer) flush() {
	t := (*Transport)(g)
	returned := false
	defer func() {
		if !returned {
			t.end(errPanic)
		}
	}()
	t.flush()
	returned = true
}

// flush sends what the kernel takes of what is pending. There may be nothing: with a high-water
// mark of 0 nothing is kept, and who waits is told when there is room.
func (t *Transport) flush() {
	if t.state == lost {
		return
	}
	if t.out != nil {
		n, err := t.send(t.out.rest())
		t.turn = uint16(t.station.loop.Turn())
		if err != nil && !sys.WouldBlock(err) {
			t.end(t.failure("write", err))
			return
		}
		if t.out.head += n; t.Pending() > 0 {
			if t.armWriting() == nil {
				t.resume()
			}
			return
		}
		t.station.buffers.give(t.out)
		t.out = nil
	}
	t.resume()
	if t.out != nil || t.is(full) || t.state == lost { // the protocol had more
		return
	}
	t.disarmWriting()
	t.flushed()
}

// flushed goes on where nothing is pending any more.
func (t *Transport) flushed() {
	if t.is(finishing) && t.finish() != nil {
		return
	}
	if t.state == closing {
		t.settle()
	} else if f, ok := t.protocol.(Flushed); ok {
		t.guarded(func() { f.Flushed(t) })
	}
}

// resume calls ResumeWriting if it is time to.
func (t *Transport) resume() {
	_, low := t.WriteMarks()
	if t.is(full) && t.Pending() <= low && t.state != lost {
		t.clear(full)
		outer := t.is(resuming) // what it writes can make it full, and be sent at once
		t.set(resuming)
		t.guarded(func() { t.protocol.ResumeWriting(t) })
		if !outer {
			t.clear(resuming)
		}
	}
}

// armWriting has the loop watch the descriptor. If it cannot, the connection ends.
func (t *Transport) armWriting() error {
	if t.is(writeArmed) {
		return nil
	}
	return t.arm(selectors.Write, writeArmed)
}

func (t *Transport) disarmWriting() {
	if t.is(writeArmed) {
		t.clear(writeArmed)
		t.unwatch(selectors.Write)
	}
}
