package stream

import (
	"net"
	"os"

	"github.com/kettle-go/kettle"
)

// Write writes p, and suspends the task while the peer is slow: until no more than the high-water
// mark of it is left to be sent, of which it keeps a copy. P is the caller's again when it returns.
// What several tasks write is not mixed: one waits for the other.
//
// It returns how much was taken, which is less than all only with an error. When it returns without
// one, the rest has been handed to the system or will be without the task; Flush waits for that.
func (c *Conn) Write(p []byte) (n int, err error) {
	if err := c.beginWrite(); err != nil {
		return 0, err
	}
	if c.secure != nil {
		n, err = c.secure.write(c, p)
	} else {
		n, err = c.writeAll(p)
	}
	c.endWrite()
	if err == nil {
		c.reading.Pass(costOf(n))
	}
	return n, err
}

// writeAll writes p as room permits. It is this task's turn.
func (c *Conn) writeAll(p []byte) (n int, err error) {
	for {
		var some int
		some, err = c.t.WriteSome(p[n:])
		if n += some; n == len(p) || err != nil {
			return n, err
		}
		if c.has(lateWrite) { // it has passed between the wake-up and the task's turn
			return n, c.failure("write", os.ErrDeadlineExceeded)
		}
		if err = c.rare().room.Wait("Conn.Write"); err != nil {
			return n, err
		}
	}
}

// Writev is Write for several pieces, which go out in one system call if the kernel takes them. It
// changes neither the pieces nor the list.
func (c *Conn) Writev(pieces [][]byte) (n int64, err error) {
	if err := c.beginWrite(); err != nil {
		return 0, err
	}
	n, err = c.writePieces(pieces)
	c.endWrite()
	if err == nil {
		c.reading.Pass(costOf(int(n)))
	}
	return n, err
}

// writePieces writes the pieces: at once if everything can be kept, and else one by one, as room
// permits. It is this task's turn.
func (c *Conn) writePieces(pieces [][]byte) (n int64, err error) {
	var size int64
	for _, p := range pieces {
		size += int64(len(p))
	}
	high, _ := c.t.WriteMarks()
	if c.secure == nil && c.t.Pending() == 0 && size <= int64(high) {
		if err := c.t.Writev(pieces); err != nil {
			return 0, err
		}
		return size, nil
	}
	for _, p := range pieces {
		var some int
		if c.secure != nil {
			some, err = c.secure.write(c, p)
		} else {
			some, err = c.writeAll(p)
		}
		if n += int64(some); err != nil {
			return n, err
		}
	}
	return n, nil
}

// beginWrite begins a write: it waits for this task's turn.
func (c *Conn) beginWrite() error {
	if err := c.reading.Enter(); err != nil {
		return err
	}
	if c.has(lateWrite) {
		return c.failure("write", os.ErrDeadlineExceeded)
	}
	if !c.has(writing) {
		c.marks |= writing
		return nil
	}
	err := c.rare().turn.Wait("its turn to write") // handed over by endWrite
	if err == nil && c.has(lateWrite) {
		c.endWrite()
		return c.failure("write", os.ErrDeadlineExceeded)
	}
	return err
}

// endWrite hands the turn to the next.
func (c *Conn) endWrite() {
	if c.seldom == nil {
		c.marks &^= writing
		return
	}
	if !c.seldom.turn.Wake(nil) {
		c.marks &^= writing
		if c.t.Pending() == 0 {
			c.seldom.flushed.WakeAll(nil)
		}
	}
}

// TryWrite writes p, all of it or nothing, and never suspends: it is for pushing the same to many,
// of whom some are slow. If more than the high-water mark is pending already, or another task is in
// the midst of a write or a handshake, the error is ErrFull.
// Any task of the loop may call it, and any callback.
func (c *Conn) TryWrite(p []byte) error {
	switch {
	case !c.reading.Inside():
		return kettle.ErrWrongGoroutine
	case c.has(closed):
		return c.failure("write", net.ErrClosed)
	case c.has(lateWrite):
		return c.failure("write", os.ErrDeadlineExceeded)
	case c.t.Full() || c.has(writing):
		return ErrFull
	case c.secure != nil:
		return c.secure.tryWrite(c, p)
	}
	return c.t.Write(p)
}

// Flush suspends the task until nothing is pending: everything that was written is the system's.
// Where other tasks go on writing to a slow peer it waits for them as well.
func (c *Conn) Flush() error {
	if err := c.reading.Enter(); err != nil {
		return err
	}
	for c.t.Pending() > 0 || c.has(writing|closed) {
		switch {
		case c.has(closed):
			return c.failure("flush", net.ErrClosed)
		case c.has(lateWrite):
			return c.failure("flush", os.ErrDeadlineExceeded)
		}
		if err := c.rare().flushed.Wait("Conn.Flush"); err != nil {
			return err
		}
	}
	if err := c.t.Err(); err != nil {
		return err
	}
	c.reading.Pass(1)
	return nil
}

// CloseWrite ends the sending side, after what is pending: the peer gets the end of the stream, and
// can go on sending. It does not suspend.
func (c *Conn) CloseWrite() error {
	if !c.reading.Inside() {
		return kettle.ErrWrongGoroutine
	}
	if c.secure != nil && !c.has(closed) {
		c.secure.bye(c)
	}
	return c.t.CloseWrite()
}

// SetWriteMarks sets the high-water and the low-water mark of what is pending, in bytes: Write
// suspends above the one until below the other. The defaults are 64 and 16 KiB.
func (c *Conn) SetWriteMarks(high, low int) error {
	if !c.reading.Inside() {
		return kettle.ErrWrongGoroutine
	}
	return c.t.SetWriteMarks(high, low)
}

// Pending returns how many bytes were written that the system has not taken yet.
func (c *Conn) Pending() int { return c.t.Pending() }
