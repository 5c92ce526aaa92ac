package models

import (
	"fmt"
	"iter"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

// What the models on a selector share, but for the loop itself: that is run, in selectors.go.

// eventLoop is a single with its selector. Each descriptor is registered with a callback.
type eventLoop struct {
	*single
	sel        *selectors.Selector
	listening  bool // the listener is registered
	stopWaking func()
	buffers    buffers // for clients who hold what they have sent while they wait
}

// callback is called when its descriptor is ready.
type callback func()

// newEventLoop listens, and returns a loop for that.
func (s *server) newEventLoop() (*eventLoop, error) {
	l, err := s.newSingle()
	if err != nil {
		return nil, err
	}
	return l.onSelector()
}

// onSelector opens the selector that the configuration names, and says that the server serves.
// If it cannot, it frees l.
func (l *single) onSelector() (*eventLoop, error) {
	sel, err := selectors.Prefer(l.backend())
	if err != nil {
		l.finish()
		return nil, err
	}
	if sel.Name() == "select" {
		l.ceiling = sys.FDSetSize
	}
	loop := &eventLoop{single: l, sel: sel, stopWaking: l.onDrain(sel.Wake)}
	if err := l.announce(l.listener); err != nil {
		loop.close()
		return nil, err
	}
	return loop, nil
}

// close frees the loop with all that it has.
func (l *eventLoop) close() {
	l.stopCoroutines()
	l.stopWaking()
	l.sel.Close()
	l.finish()
}

// watchListener registers the listener, or takes it out, as accepting has become possible or
// impossible.
func (l *eventLoop) watchListener(accept callback) (err error) {
	if accepting := l.accepting(); accepting != l.listening {
		l.listening = accepting
		if accepting {
			_, err = l.sel.Register(l.listener, selectors.Read, accept)
		} else {
			_, err = l.sel.Unregister(l.listener)
		}
	}
	return err
}

// watchFor has the selector call ready, from now on, when c is ready for what it wants. Where
// the selector watches c for that already, or nothing is wanted, there is nothing to be said.
func (l *eventLoop) watchFor(c *conn, what want, ready callback) (err error) {
	switch {
	case what.events() == 0 || what == c.watched:
		return nil
	case c.watched == wantNothing:
		_, err = l.sel.Register(c, what.events(), ready)
	default:
		_, err = l.sel.Modify(c, what.events(), ready)
	}
	if c.watched = what; err != nil {
		c.watched = wantNothing
	}
	return err
}

// unwatch takes c out of the selector.
func (l *eventLoop) unwatch(c *conn) {
	if c.watched != wantNothing {
		l.sel.Unregister(c)
		c.watched = wantNothing
	}
}

// forget is that of single, for a connection that the selector may watch.
func (l *eventLoop) forget(c *conn) {
	l.unwatch(c)
	l.single.forget(c)
}

// done is that of single, for connections whose code is in the middle of something.
func (l *eventLoop) done() bool {
	if l.stage == dropping {
		l.stopCoroutines()
	}
	return l.single.done()
}

// overdue goes through the connections that have to go on although no selector says so: those
// whose wait is over, and those that a drain has yet to ask for more. Each may be forgotten
// meanwhile.
func (l *eventLoop) overdue() iter.Seq[*conn] {
	return func(yield func(*conn) bool) {
		for c := l.waits.take(); c != nil; c = l.waits.take() {
			if !yield(c) {
				return
			}
		}
		for i := len(l.conns) - 1; i >= 0 && l.draining(); i-- {
			if c := l.conns[i]; l.unasked(c) && !yield(c) {
				return
			}
		}
	}
}

// timeout is untilNext as the selector wants it.
func (l *eventLoop) timeout() time.Duration {
	if d := l.untilNext(); d >= 0 {
		return d
	}
	return selectors.Forever
}

// events returns what a selector has to watch for.
func (w want) events() selectors.Events {
	switch w {
	case wantRead:
		return selectors.Read
	case wantWrite:
		return selectors.Write
	case wantBoth:
		return selectors.Read | selectors.Write
	}
	return 0
}

// takeChunk receives from c into a buffer that is taken only now, so that a client who is silent
// holds none. Who gets it gives it back. No bytes and no error are the end of the stream.
func (l *eventLoop) takeChunk(c *conn) ([]byte, error) {
	buf := l.buffers.take()
	n, err := l.tryRecv(c, buf)
	if n == 0 {
		l.buffers.give(buf)
	}
	return buf[:n], err
}

// stopCoroutines ends the coroutines that are left, each where it waits. One that was not ended
// would never be collected.
func (l *eventLoop) stopCoroutines() {
	for len(l.conns) > 0 && l.conns[0].co != nil {
		c := l.conns[0]
		c.co.Stop()
		l.ended(c)
	}
}

// ended forgets a client whose coroutine has ended. A panic is a mistake of the program, and ends
// the program as in the other models, although it was on a stack of its own.
func (l *eventLoop) ended(c *conn) {
	l.forget(c)
	if failure := c.co.Failure(); failure != nil {
		panic(fmt.Sprintf("client %v: %v\n\n%s", c.peer, failure, failure.Stack))
	}
}

// buffers are receive buffers that nobody holds at present.
type buffers struct{ free [][]byte }

// maxFree is how many are kept: more are in use only while many clients do not read.
const maxFree = 64

func (b *buffers) take() []byte {
	last := len(b.free) - 1
	if last < 0 {
		return make([]byte, chunkSize)
	}
	buf := b.free[last]
	b.free = b.free[:last]
	return buf
}

// give takes back a buffer, or the beginning of one.
func (b *buffers) give(buf []byte) {
	if len(b.free) < maxFree {
		b.free = append(b.free, buf[:cap(buf)])
	}
}
