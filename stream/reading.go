package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net"
	"os"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/transport"
)

// Every read takes from what has arrived already, and waits for more only if that is not enough.
// One that fails, because it was cancelled, timed out, or has met its limit, leaves everything
// where it was: the next read finds it. The end of the stream comes after the last byte.

// costOf is what a chunk counts in the budget of a task: after 256 KiB it gives way.
func costOf(n int) int { return 1 + n>>11 }

// largeRead is from which size on a read goes to where it is wanted without a buffer between.
const largeRead = 4 << 10

// begin begins a read. With an error nothing can be read.
func (c *Conn) begin() error {
	if err := c.reading.Enter(); err != nil {
		return err
	}
	switch {
	case c.has(closed):
		return c.failure("read", net.ErrClosed)
	case c.has(suspended | busy):
		return c.failure("read", ErrBusy)
	case c.has(lateRead):
		return c.failure("read", os.ErrDeadlineExceeded)
	}
	return nil
}

// fill suspends the task until more has arrived than the keep bytes that are unread, and returns
// all of it. With an error they are still unread.
func (c *Conn) fill(keep int, what string) ([]byte, error) {
	if c.secure != nil {
		return c.secure.fill(c, keep, what)
	}
	for {
		if c.has(draining) {
			c.t.Recheck()
		}
		all, err := c.t.Receive(keep)
		if all != nil || keep == 0 { // a transport that is lost keeps nothing: it stays here
			c.unread = all
		}
		if !transport.WouldBlock(err) {
			return c.unread, err
		}
		// This is await, written out: see kettle.WaitQueue.Wait.
		if err = c.mayWait(); err == nil {
			c.marks |= suspended
			err = c.reading.Wait(what)
			c.marks &^= suspended
		}
		if err != nil {
			return c.unread, err
		}
	}
}

// await suspends the task until something may have arrived.
func (c *Conn) await(what string) error {
	err := c.mayWait()
	if err == nil {
		c.marks |= suspended
		err = c.reading.Wait(what)
		c.marks &^= suspended
	}
	return err
}

// mayWait returns why there is nothing to wait for. In a drain that nothing has arrived is the end.
func (c *Conn) mayWait() error {
	switch {
	case c.has(draining) && !c.t.Underway():
		return io.EOF
	case c.has(lateRead): // it has passed between the wake-up and the task's turn
		return c.failure("read", os.ErrDeadlineExceeded)
	}
	return nil
}

// pass ends a read that did not have to suspend. Should it give way, the read is still under way:
// another one would take the chunk from the task that has yet to get it.
func (c *Conn) pass(cost int) {
	c.marks |= suspended
	c.reading.Pass(cost)
	c.marks &^= suspended
}

// goOn stands between the receives of a read that takes several, of which the last one has got n
// bytes: where the peer is fast enough that nothing has to be waited for, others have their turn
// all the same, and the read can end.
func (c *Conn) goOn(n int) error {
	c.pass(costOf(n))
	if c.has(lateRead) {
		return c.failure("read", os.ErrDeadlineExceeded)
	}
	return c.reading.Enter()
}

// Next returns what has arrived, at least a byte, and suspends the task if nothing has. The chunk
// is the caller's, to change too, until the next read of this connection, whatever suspends in
// between. The error is io.EOF when the peer has ended its side.
func (c *Conn) Next() ([]byte, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	chunk := c.unread
	for len(chunk) == 0 { // this is fill, and await, written out: see kettle.WaitQueue.Wait
		var err error
		nothing := false
		switch {
		case c.secure != nil || c.has(draining):
			chunk, err = c.fill(0, "Conn.Next")
		case c.t.Exhausted():
			nothing = true
		default:
			chunk, err = c.t.Receive(0)
			nothing = transport.WouldBlock(err)
		}
		if nothing {
			if err = c.mayWait(); err == nil {
				c.marks |= suspended
				err = c.reading.Wait("Conn.Next")
				c.marks &^= suspended
			}
		}
		if err != nil {
			return nil, err
		}
	}
	c.unread = nil
	c.pass(costOf(len(chunk)))
	return chunk, nil
}

// Read reads what has arrived, at most len(p) bytes, and suspends the task if nothing has. The
// error is io.EOF when the peer has ended its side. Next does the same without copying.
func (c *Conn) Read(p []byte) (n int, err error) {
	if err := c.begin(); err != nil || len(p) == 0 {
		return 0, err
	}
	switch {
	case len(c.unread) > 0:
	case len(p) >= largeRead:
		if n, err = c.receiveInto(p, "Conn.Read"); err != nil {
			return 0, err
		}
		c.pass(costOf(n))
		return n, nil
	default:
		if _, err = c.fill(0, "Conn.Read"); err != nil {
			return 0, err
		}
	}
	n = c.take(p)
	c.pass(costOf(n))
	return n, nil
}

// take moves what is unread to p.
func (c *Conn) take(p []byte) int {
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n
}

// receiveInto is fill to where it is wanted; nothing is unread.
func (c *Conn) receiveInto(p []byte, what string) (int, error) {
	if c.secure != nil {
		return c.secure.fillInto(c, p, what)
	}
	for {
		if c.has(draining) {
			c.t.Recheck()
		}
		n, err := c.t.ReceiveInto(p)
		if !transport.WouldBlock(err) {
			return n, err
		}
		if err := c.await(what); err != nil {
			return 0, err
		}
	}
}

// ReadFull fills p, and suspends the task until it can. If the stream ends before, it returns how
// much there was, and an *IncompleteReadError, or io.EOF if there was nothing. With any other
// error everything stays unread.
func (c *Conn) ReadFull(p []byte) (n int, err error) {
	if err := c.begin(); err != nil || len(p) == 0 {
		return 0, err
	}
	if len(p) > largeRead {
		n, err = c.readLarge(p)
	} else {
		for err == nil && len(c.unread) < len(p) {
			_, err = c.fill(len(c.unread), "Conn.ReadFull")
		}
		if err == nil || err == io.EOF {
			n = c.take(p)
		}
	}
	switch {
	case err == nil:
		c.pass(costOf(n))
	case err == io.EOF && n > 0:
		err = &IncompleteReadError{Partial: bytes.Clone(p[:n]), Expected: len(p)}
	}
	return n, err
}

// readLarge is ReadFull without a buffer between.
func (c *Conn) readLarge(p []byte) (n int, err error) {
	n = c.take(p)
	for m := 0; err == nil && n < len(p); n += m {
		if m > 0 {
			if err = c.goOn(m); err != nil {
				break
			}
		}
		m, err = c.receiveInto(p[n:], "Conn.ReadFull")
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	if n > 0 && !c.has(closed) {
		c.unread = c.restore(p[:n])
	}
	return 0, err
}

// restore has what is unread begin with p again.
func (c *Conn) restore(p []byte) []byte {
	if c.secure != nil {
		return c.secure.restore(p)
	}
	return c.t.Restore(p)
}

// Peek returns the next n bytes without reading them, and suspends the task until there are so
// many. They are valid until the next read. If the stream ends before, it returns what there is,
// and io.EOF. More than the limit cannot be asked for: see SetLimit.
func (c *Conn) Peek(n int) ([]byte, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	if n < 0 || n > int(c.limit) {
		return nil, fmt.Errorf("stream: peek at %d bytes: %w: it must be between 0 and the limit "+
			"of %d", n, os.ErrInvalid, c.limit)
	}
	for more := 0; len(c.unread) < n; {
		if more > 0 {
			if err := c.goOn(more); err != nil {
				return c.unread, err
			}
		}
		before := len(c.unread)
		if all, err := c.fill(before, "Conn.Peek"); err != nil {
			return all, err
		}
		more = len(c.unread) - before
	}
	chunk := c.unread[:n:n]
	c.pass(1) // it may be closed meanwhile
	return chunk, nil
}

// Discard reads n bytes, and drops them. It returns how many it has, which is less only with an
// error.
func (c *Conn) Discard(n int) (dropped int, err error) {
	if err := c.begin(); err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, fmt.Errorf("stream: discard %d bytes: %w", n, os.ErrInvalid)
	}
	for {
		some := min(n-dropped, len(c.unread))
		c.unread = c.unread[some:]
		if dropped += some; dropped == n {
			c.pass(costOf(some))
			return dropped, nil
		}
		if some > 0 {
			if err := c.goOn(some); err != nil {
				return dropped, err
			}
		}
		if _, err := c.fill(0, "Conn.Discard"); err != nil {
			return dropped, err
		}
	}
}

// SetLimit sets how long what ReadUntil and ReadLine return may be, in bytes, without the
// separator; also the most that Peek returns. The default is DefaultLimit.
func (c *Conn) SetLimit(n int) error {
	if !c.reading.Inside() {
		return kettle.ErrWrongGoroutine
	}
	if n <= 0 || n > math.MaxInt32 {
		return fmt.Errorf("stream: set the limit to %d: %w: it must be above 0", n, os.ErrInvalid)
	}
	c.limit = int32(n)
	return nil
}

// ReadUntil reads up to the first of the separators, and returns it with what is before it: of
// several that match, the one that ends first. It suspends the task until there is one. What it
// returns is the caller's until the next read.
//
// If the stream ends before, the rest is in an *IncompleteReadError; io.EOF says that there was
// none. If more than the limit comes before a separator the error is a *LimitError, and
// everything stays unread: it can be read with Next, in pieces, or with a higher limit.
func (c *Conn) ReadUntil(separators ...[]byte) ([]byte, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	shortest, longest := math.MaxInt, 0
	for _, s := range separators {
		shortest, longest = min(shortest, len(s)), max(longest, len(s))
	}
	switch {
	case len(separators) == 0:
		return nil, fmt.Errorf("stream: read until a separator: %w: there is none",
			os.ErrInvalid)
	case shortest == 0:
		return nil, fmt.Errorf("stream: read until a separator: %w: one of the %d is empty",
			os.ErrInvalid, len(separators))
	}
	start, end, err := c.find(separators, shortest, longest)
	switch {
	case err == io.EOF && len(c.unread) > 0:
		partial := bytes.Clone(c.unread)
		c.unread = nil
		return nil, &IncompleteReadError{Partial: partial}
	case err != nil:
		return nil, err
	case start > int(c.limit):
		return nil, &LimitError{Limit: int(c.limit), Consumed: start, Found: true}
	}
	chunk := c.unread[:end:end]
	c.unread = c.unread[end:]
	c.pass(costOf(end))
	return chunk, nil
}

// find returns where in what is unread the first separator begins and ends, and reads until there
// is one. What was searched is not searched again, but for as much of its end as could be the
// beginning of the longest one.
func (c *Conn) find(separators [][]byte, shortest, longest int) (start, end int, err error) {
	from, more := 0, 0
	for {
		if len(c.unread)-from >= shortest {
			start, end = first(c.unread, from, separators)
			if end > 0 {
				return start, end, nil
			}
			if from = max(0, len(c.unread)+1-longest); from > int(c.limit) {
				return 0, 0, &LimitError{Limit: int(c.limit), Consumed: from}
			}
		}
		if more > 0 {
			if err = c.goOn(more); err != nil {
				return 0, 0, err
			}
		}
		before := len(c.unread)
		if _, err = c.fill(before, "Conn.ReadUntil"); err != nil {
			return 0, 0, err
		}
		more = len(c.unread) - before
	}
}

// first returns where the first of the separators begins and ends, 0 and 0 if there is none. Of
// those that end at the same place it is the shortest, in whatever order they are given.
func first(p []byte, from int, separators [][]byte) (start, end int) {
	for _, s := range separators {
		var i int
		if len(s) == 1 {
			i = bytes.IndexByte(p[from:], s[0])
		} else {
			i = bytes.Index(p[from:], s)
		}
		if i < 0 {
			continue
		}
		i += from
		if j := i + len(s); end == 0 || j < end || j == end && i > start {
			start, end = i, j
		}
	}
	return start, end
}

// newline is what a line ends with.
var newline = [][]byte{{'\n'}}

// ReadLine reads a line, and returns it without its end, which is \n or \r\n. It suspends the task
// until there is one. The last line of a stream may have no end; after it the error is io.EOF. In a
// drain, where the rest of a line may be under way, what has come of it is no line: it is in an
// *IncompleteReadError. A line that is longer than the limit is a *LimitError, and stays unread:
// see ReadUntil. What it returns is the caller's until the next read.
func (c *Conn) ReadLine() ([]byte, error) {
	line, err := c.ReadUntil(newline...)
	if err != nil {
		var incomplete *IncompleteReadError
		if errors.As(err, &incomplete) && c.AtEOF() {
			return incomplete.Partial, nil
		}
		return nil, err
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}

// Lines goes through the lines of the stream, as ReadLine returns them. It ends when the stream
// has; any other error is passed with the last turn.
func (c *Conn) Lines() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			line, err := c.ReadLine()
			if err == io.EOF || !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// WriteTo writes to w what arrives, until the stream ends: io.Copy uses it, so that nothing is
// copied on the way. If w fails, what it has not taken stays unread.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		chunk, err := c.Next()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := c.handOn(w, chunk)
		total += int64(n)
		if err != nil {
			if !c.has(closed) {
				c.unread = chunk[n:]
			}
			return total, err
		}
	}
}

// handOn writes a chunk to w, which has it until it returns: nobody reads meanwhile.
func (c *Conn) handOn(w io.Writer, chunk []byte) (n int, err error) {
	c.marks |= suspended
	defer func() { c.marks &^= suspended }()
	n, err = w.Write(chunk)
	n = max(0, min(n, len(chunk)))
	if err == nil && n < len(chunk) {
		err = io.ErrShortWrite
	}
	return n, err
}

// Buffered returns how many bytes have been received and not read.
func (c *Conn) Buffered() int { return len(c.unread) }

// AtEOF reports whether the peer has ended its side and everything was read. It is found out by a
// read.
func (c *Conn) AtEOF() bool {
	if c.secure != nil {
		return c.secure.ended() && len(c.unread) == 0
	}
	return c.t.Ended() && len(c.unread) == 0
}
