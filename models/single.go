package models

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// single is what every single-threaded model has besides its way of waiting: the clients,
// the times at which something has to be done, and the drain. It needs no lock, as one
// goroutine does everything; the drain alone is told from outside, and ends a wait.
//
// A model's loop looks like this:
//
//	for !l.done() {
//		wait for what the connections want, for l.untilNext() at most
//		c.want = l.receive(c) or l.flush(c), for those who are ready
//		c.want = l.flush(c), for those that l.waits.take returns
//		l.forget(c), for those who want wantClose
//	}
type single struct {
	*server
	listener int     // -1 once the server drains
	ceiling  int     // the first descriptor that cannot be watched; 0 if there is none
	conns    []*conn // in no particular order
	buf      []byte  // where every chunk is received: nobody holds it from one visit to the next
	buffers  buffers
	waits    waits
	retry    time.Time // when to accept again after descriptors have run out
}

// newSingle listens and returns the state of a server without clients.
func (s *server) newSingle() (*single, error) {
	listener, err := s.listen(true)
	if err != nil {
		return nil, err
	}
	return s.singleOn(listener), nil
}

// singleOn returns the same for a socket that listens already.
func (s *server) singleOn(listener int) *single {
	return &single{server: s, listener: listener, buf: make([]byte, chunkSize)}
}

// accepting reports whether the listener is worth looking at.
func (l *single) accepting() bool {
	return !l.draining() && (l.retry.IsZero() || !time.Now().Before(l.retry))
}

// acceptBatch is how many clients are accepted before those who are connected have a turn.
const acceptBatch = 64

// accept takes the next client out of the backlog; nil if there is none, or if nothing can be
// accepted for now.
func (l *single) accept() *conn {
	for range acceptBatch {
		if !l.accepting() {
			return nil
		}
		fd, peer, err := sys.Accept(l.listener, true)
		switch {
		case sys.WouldBlock(err):
			l.retry = time.Time{}
			return nil
		case err != nil:
			l.retry = time.Now().Add(l.acceptFailed(err))
			return nil
		case l.ceiling > 0 && fd >= l.ceiling: // in C, a write past the end of select's set
			l.refuse("descriptor %d is too large for select, which ends at %d", fd, l.ceiling-1)
			sys.Close(fd)
			continue
		case !l.admitted(len(l.conns)):
			sys.Close(fd)
			continue
		}
		l.retry = time.Time{}
		l.connected(peer)
		c := &conn{fd: fd, peer: peer, place: len(l.conns)}
		l.conns = append(l.conns, c)
		return c
	}
	return nil
}

// forget closes the descriptor of a connection that is done and takes it out of the list. A
// model that has registered it anywhere has to unregister it first.
func (l *single) forget(c *conn) {
	last := l.conns[len(l.conns)-1]
	l.conns[c.place], last.place = last, c.place
	l.conns[len(l.conns)-1] = nil
	l.conns = l.conns[:len(l.conns)-1]
	sys.Close(c.fd)
	c.fd = -1
}

// done reports whether the server has drained: it has been told to, and every client has been
// answered, or the time for that is over and the rest is dropped. The first time that the
// drain is noticed it stops accepting.
func (l *single) done() bool {
	if !l.draining() {
		return false
	}
	if l.listener >= 0 {
		sys.Close(l.listener)
		l.listener = -1
	}
	if l.over.Err() != nil {
		for _, c := range slices.Clone(l.conns) {
			l.end(c, errGrace)
			l.forget(c)
		}
	}
	return len(l.conns) == 0
}

// finish frees what is left when the model ends by an error.
func (l *single) finish() {
	for len(l.conns) > 0 {
		l.forget(l.conns[0])
	}
	if l.listener >= 0 {
		sys.Close(l.listener)
	}
}

// untilNext returns how long the model may wait for I/O before something has to be done by
// the clock; negative means as long as it likes. During a drain a client that may have sent
// more is asked for it at once, as no readiness tells that there is nothing.
func (l *single) untilNext() time.Duration {
	if l.draining() && slices.ContainsFunc(l.conns, l.unasked) {
		return 0
	}
	next := l.waits.first()
	if next.IsZero() && l.retry.IsZero() {
		return -1
	}
	now := time.Now()
	if !l.draining() && l.retry.After(now) && (next.IsZero() || l.retry.Before(next)) {
		next = l.retry
	}
	if next.IsZero() {
		return -1
	}
	return max(0, next.Sub(now))
}

// unasked reports whether a drain has to receive from c although nobody has said that it is
// ready: either something has arrived, or the client is done.
func (l *single) unasked(c *conn) bool { return l.draining() && c.want == wantRead }

// onDrain calls wake, on another goroutine, when the drain begins and when its grace is over.
// The function that it returns puts an end to that, and waits for a call that is under way:
// what would be woken can then be closed.
func (l *single) onDrain(wake func() error) (stop func()) {
	var mu sync.Mutex
	stopped := false
	ring := func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		if err := wake(); err != nil {
			l.log.Printf("drain: %v", err)
		}
	}
	begun, over := context.AfterFunc(l.ctx, ring), context.AfterFunc(l.over, ring)
	return func() {
		begun()
		over()
		mu.Lock()
		defer mu.Unlock()
		stopped = true
	}
}

// waits are the connections whose answers wait for the simulated upstream call. All wait
// equally long, so the first in is the first out, and a queue is all it takes.
type waits struct {
	queue []*conn
	head  int
}

func (w *waits) add(c *conn, due time.Time) {
	if w.head > len(w.queue)/2 {
		w.queue = append(w.queue[:0], w.queue[w.head:]...)
		w.head = 0
	}
	c.due = due
	w.queue = append(w.queue, c)
}

// first returns when the first wait is over; zero if nobody waits.
func (w *waits) first() time.Time {
	if w.head == len(w.queue) {
		return time.Time{}
	}
	return w.queue[w.head].due
}

// take returns the next connection whose wait is over; nil if there is none. One that was
// closed in the meantime is passed over. Where nobody waits it does not look at the clock.
func (w *waits) take() *conn {
	for w.head < len(w.queue) && !time.Now().Before(w.queue[w.head].due) {
		c := w.queue[w.head]
		w.queue[w.head] = nil
		w.head++
		if c.fd >= 0 {
			return c
		}
	}
	return nil
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

func (b *buffers) give(buf []byte) {
	if len(b.free) < maxFree {
		b.free = append(b.free, buf)
	}
}
