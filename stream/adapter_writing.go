package stream

import (
	"math"
	"syscall"

	"github.com/kettle-go/kettle"
)

// What is written goes to the loop in batches. There is one that goroutines append to, and at most
// one that a writer has; between them and the kernel stand the marks of the connection. So what a
// peer that does not read can make it hold is bounded, and many small writes of one turn cost one
// post and one system call.

const (
	// outsideRoom is how many bytes may wait for the loop to take them. As many as the high-water
	// mark can be pending on the loop as well.
	outsideRoom = 64 << 10

	// maxMark is a water mark that nothing reaches.
	maxMark = math.MaxInt32
)

// Write writes p. It returns when all of it is copied, and waits while too much is pending.
func (o *outside) Write(p []byte) (n int, err error) {
	if err := mustNotWait(o.loop); err != nil {
		return 0, o.failure("write", err)
	}
	o.write.turn.Lock()
	defer o.write.turn.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		if err := o.writable(); err != nil {
			return n, err
		}
		n += o.put(p[n:])
		if n == len(p) {
			return n, nil
		}
		o.write.event.Wait()
	}
}

// put copies of p what there is room for. The lock is held.
func (o *outside) put(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	if o.out == nil {
		o.out = o.shared.batch()
	}
	n := min(len(p), outsideRoom-len(o.out.bytes))
	if n > 0 {
		o.out.bytes = append(o.out.bytes, p[:n]...)
		o.post()
	}
	return n
}

// writable returns why nothing can be written.
func (o *outside) writable() error {
	if err := o.usable("write"); err != nil {
		return err
	}
	switch {
	case o.write.err != nil:
		return o.write.err
	case o.state == outsideFinished:
		return o.failure("write", syscall.EPIPE)
	case o.write.limit.late:
		return o.failure("write", errLate)
	}
	return nil
}

// CloseWrite ends the sending side after what was written: the peer gets the end of the stream, and
// can go on sending. It does not wait.
func (o *outside) CloseWrite() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.usable("close"); err != nil {
		return err
	}
	if o.state == outsideFinished {
		return nil
	}
	o.state = outsideFinished
	o.write.event.Broadcast()
	o.post()
	return nil
}

// take returns what was written, nil if that is nothing, and makes room for more. If the state is
// not open, nothing more will be written.
func (o *outside) take() (b *batch, state outsideState) {
	o.mu.Lock()
	b, state = o.out, o.state
	o.out = nil
	o.mu.Unlock()
	o.write.event.Signal() // behind the lock: who is woken would only wait for that
	return b, state
}

// fail has every further Write fail. The lock is held.
func (o *outside) fail(err error) {
	if o.write.err == nil {
		o.write.err = o.failed("write", err)
	}
	o.out = nil
	o.write.event.Broadcast()
}

// send sends what was written: at once if it can be, or else by a task that lives as long as the
// peer is slow. Then it ends what is to be ended. Loop only.
func (o *outside) send() {
	o.mu.Lock()
	o.posted = false
	some, state := o.out != nil, o.state
	o.mu.Unlock()
	if state == outsideClosed { // nothing is to wait for the peer any more
		_ = o.conn.SetWriteMarks(maxMark, maxMark)
	}
	switch {
	case o.slow: // the writer does the rest
	case o.config == nil:
		o.sendAtOnce()
	case !some && state == outsideClosed:
		o.settle(state)
	default: // when the handshake is over
	}
}

// sendAtOnce is send where nothing is under way. The state is that of the moment in which the batch
// was taken: what is written, or closed, later has posted a visit of its own, so that nothing is
// closed that has still something to send.
func (o *outside) sendAtOnce() {
	b, state := o.take()
	if b != nil {
		err := o.conn.TryWrite(b.bytes)
		if err == ErrFull {
			err = o.group.Go("writer to "+o.remote.String(), func(t *kettle.Task) error {
				o.sendSlowly(t, b)
				return nil
			})
			if o.slow = err == nil; o.slow {
				return
			}
			o.conn.Abort() // the group has ended: not to pass off as all what is only a part
		}
		o.sent(b, err)
	}
	o.settle(state)
}

// sendSlowly is the writer, a task. Visits leave everything to it, and as there is no suspension
// between its last take and its end, what comes later finds it gone.
func (o *outside) sendSlowly(t *kettle.Task, b *batch) {
	state := outsideOpen
	for b != nil {
		_, err := o.conn.Write(b.bytes)
		if err != nil && t.Cause() != nil {
			return // the reader ends the connection, as one that was cut
		}
		o.sent(b, err)
		b, state = o.take()
	}
	o.slow = false
	o.settle(state)
}

// sent notes what came of a batch.
func (o *outside) sent(b *batch, err error) {
	o.shared.free(b)
	if err != nil {
		o.mu.Lock()
		o.fail(err)
		o.mu.Unlock()
	}
}

// settle ends what is to be ended, as everything is sent.
func (o *outside) settle(state outsideState) {
	switch state {
	case outsideFinished:
		_ = o.conn.CloseWrite() // a connection that is broken is told of by Next
	case outsideClosed:
		o.settled = true
		_ = o.conn.Close() // the reader learns of it where it waits in Next
		o.wanted.Wake(nil)
	}
}

// batch is what goes to the loop at a time.
type batch struct{ bytes []byte }

// batch returns an empty batch. It may be called from any goroutine.
func (s *outsiders) batch() *batch {
	if b, ok := s.batches.Get().(*batch); ok {
		return b
	}
	return &batch{make([]byte, 0, smallBatch)}
}

// smallBatch is how large the buffer of a batch begins: it grows with what is written.
const smallBatch = 4 << 10

// free takes a batch back.
func (s *outsiders) free(b *batch) {
	b.bytes = b.bytes[:0]
	s.batches.Put(b)
}
