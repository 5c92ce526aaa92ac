package stream

import (
	"errors"
	"io"
)

// A chunk is not copied but for the one time into the caller's slice. That it stays valid is what
// Conn.Next promises: until the connection is read again, which the reader does when the chunk is
// used up. So what a connection can hold that nobody reads is one chunk.

// Read reads what has arrived, at most len(p) bytes, and waits if nothing has. Of several at a time
// one waits for bytes, and the others for their turn; a deadline that passes, and a Close, end them
// one after the other.
func (o *outside) Read(p []byte) (int, error) {
	if err := mustNotWait(o.loop); err != nil {
		return 0, o.failure("read", err)
	}
	o.read.turn.Lock()
	defer o.read.turn.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	n, done, err := o.readNow(p)
	if done {
		return n, err
	}
	// From here on the loop may write to p, with the lock held, for as long as into is set.
	o.into, o.got = p, 0
	for {
		o.read.event.Wait()
		if o.got > 0 { // before anything else: it is read, whatever has happened since
			return o.got, nil
		}
		if n, done, err = o.readNow(p); done {
			o.into = nil
			return n, err
		}
	}
}

// readNow reads without waiting, and reports whether that is all there is to do. The lock is held.
func (o *outside) readNow(p []byte) (n int, done bool, err error) {
	if err := o.usable("read"); err != nil {
		return 0, true, err
	}
	switch {
	case o.read.limit.late:
		return 0, true, o.failure("read", errLate)
	case len(p) == 0:
		return 0, true, nil
	case len(o.ahead) > 0:
		n = copy(p, o.ahead)
		if o.ahead = o.ahead[n:]; len(o.ahead) == 0 && o.read.err == nil {
			o.ahead = nil
			o.post() // so that the next chunk is there before the next Read, and this one is freed
		}
		return n, true, nil
	}
	return 0, o.read.err != nil, o.read.err
}

// deliver takes what Next has returned: it gives the Read that waits what it has room for, and
// keeps the rest, which is valid until the reader reads again. It reports whether that is to be at
// once. Loop only.
func (o *outside) deliver(chunk []byte, err error) (hungry bool) {
	o.mu.Lock()
	if o.into != nil && len(chunk) > 0 {
		o.got = copy(o.into, chunk)
		o.into, chunk = nil, chunk[o.got:]
	}
	o.ahead = chunk
	if err != nil && o.state != outsideClosed {
		o.read.err = o.failed("read", err)
		// That a peer has ended without a word of TLS is no more than the end of what it sends.
		cut := errors.Is(err, io.ErrUnexpectedEOF) && !o.conn.has(closed)
		if err != io.EOF && !cut { // the connection is broken
			o.fail(err)
		}
	}
	hungry = o.hungry()
	o.mu.Unlock()
	o.read.event.Signal()
	return hungry
}

// hungry reports whether the reader is to read: nothing is left, and somebody may want more. The
// lock is held.
func (o *outside) hungry() bool {
	return len(o.ahead) == 0 && o.read.err == nil && o.state != outsideClosed
}

func (o *outside) isHungry() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hungry()
}
