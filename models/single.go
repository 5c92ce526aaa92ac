package models

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/trace"
)

// single is what every single-threaded model has besides its way of waiting: the clients,
// the times at which something has to be done, and the drain. It needs no lock, as one
// goroutine does everything; the drain alone is told from outside, and ends a wait.
//
// A model's loop looks like this:
//
//	for l.turn() {
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
	reply    reply   // to whoever has sent it
	waits    waits
	retry    time.Time // when to accept again after descriptors have run out
	stage    stage     // of the server's end, as the present turn has found it
	share    *share    // of a limit, for a worker of prefork that has one

	lingering []int // descriptors that a drain has yet to close
}

// stage is how far the end of the server has come.
type stage uint8

const (
	serving stage = iota
	draining
	dropping // the grace of the drain is over
)

// look looks how far the end of the server has come. A loop looks once, as its turn begins: a
// turn in which that changed would do half of it, such as to close what it has yet to take out
// of its selector. What changes later ends the turn's wait.
func (l *single) look() {
	switch {
	case l.over.Err() != nil:
		l.stage = dropping
	case l.ctx.Err() != nil:
		l.stage = draining
	}
}

// draining reports whether the turn is one of a server that has been told to end.
func (l *single) draining() bool { return l.stage >= draining }

// turn begins a turn of the loop, and reports whether there is one: the server has not drained.
func (l *single) turn() bool {
	l.look()
	return !l.done()
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
	l := &single{server: s, listener: listener, buf: make([]byte, chunkSize),
		reply: s.newReply()}
	l.recordSleeps()
	return l
}

// accepting reports whether the listener is worth looking at. A pause that is over is over from
// here on, so that untilNext, asked later, cannot take another view of the clock.
func (l *single) accepting() bool {
	if !l.retry.IsZero() && !time.Now().Before(l.retry) {
		l.retry = time.Time{}
	}
	return !l.draining() && l.retry.IsZero() && l.share.hasRoom(len(l.conns))
}

// acceptBatch is how many clients are accepted before those who are connected have a turn.
const acceptBatch = 64

// newcomers goes through the clients in the backlog, the next batch of them at most, and accepts
// them; those who cannot be served are turned away.
func (l *single) newcomers() iter.Seq[*conn] {
	return func(yield func(*conn) bool) {
		for range acceptBatch {
			if !l.accepting() {
				return
			}
			began := l.trace.Now()
			fd, peer, err := sys.Accept(l.listener, true)
			if l.did(trace.Accept, "accept", peer, began, 0, err); sys.WouldBlock(err) {
				return
			}
			if err != nil {
				l.retry = time.Now().Add(l.acceptFailed(err))
				return
			}
			if l.ceiling > 0 && fd >= l.ceiling { // in C, a write past the end of select's set
				l.refuse("descriptor %d is too large for select, which ends at %d", fd,
					l.ceiling-1)
				sys.Close(fd)
				continue
			}
			if !l.admitted(len(l.conns)) {
				sys.Close(fd)
				continue
			}
			l.connected(peer)
			c := &conn{fd: fd, peer: peer, place: len(l.conns)}
			l.conns = append(l.conns, c)
			if !yield(c) {
				return
			}
		}
	}
}

// forget closes the descriptor of a connection that is done and takes it out of the list. A
// model that has registered it anywhere has to unregister it first. During a drain the
// connection lingers, as server.linger explains, but nobody waits for it, and the client has its
// end of the stream at once.
func (l *single) forget(c *conn) {
	last := l.conns[len(l.conns)-1]
	l.conns[c.place], last.place = last, c.place
	l.conns[len(l.conns)-1] = nil
	l.conns = l.conns[:len(l.conns)-1]
	if l.stage == draining && sys.Shutdown(c.fd, sys.ShutdownWrite) == nil {
		l.lingering = append(l.lingering, c.fd)
	} else {
		sys.Close(c.fd)
	}
	c.fd = -1
}

// done reports whether the server has drained: it has been told to, and every client has been
// answered and has got it, or the time for that is over and the rest is dropped. The first
// time that the drain is noticed it stops accepting.
func (l *single) done() bool {
	if !l.draining() {
		return false
	}
	if l.listener >= 0 {
		sys.Close(l.listener)
		l.listener = -1
	}
	if l.stage == dropping {
		for len(l.conns) > 0 {
			l.end(l.conns[0], errGrace)
			l.forget(l.conns[0])
		}
	}
	l.lingering = slices.DeleteFunc(l.lingering, func(fd int) bool {
		if l.stage == draining && undelivered(fd) {
			return false
		}
		sys.Close(fd)
		return true
	})
	return len(l.conns) == 0 && len(l.lingering) == 0
}

// finish frees what is left when the model ends by an error.
func (l *single) finish() {
	for _, c := range l.conns {
		sys.Close(c.fd)
	}
	for _, fd := range l.lingering {
		sys.Close(fd)
	}
	l.conns, l.lingering = nil, nil
	if l.listener >= 0 {
		sys.Close(l.listener)
		l.listener = -1
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
	if !l.draining() && !l.retry.IsZero() && (next.IsZero() || l.retry.Before(next)) {
		next = l.retry
	}
	wait := time.Duration(-1)
	if !next.IsZero() {
		wait = max(0, time.Until(next))
	}
	if len(l.lingering) > 0 && (wait < 0 || wait > lingerPause) {
		wait = lingerPause
	}
	return wait
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
	over  func(*conn) // called when a wait is over; may be nil
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
			if w.over != nil {
				w.over(c)
			}
			return c
		}
	}
	return nil
}
