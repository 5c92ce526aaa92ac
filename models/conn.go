package models

import (
	"net/netip"
	"slices"
	"time"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/trace"
)

// conn is a client of a single-threaded model. Such a model may never wait for one client, so
// what has to be remembered between two visits, which a blocking model keeps on the stack of
// the thread that waits, is here.
//
//	          receive                    all sent
//	┌──▶ reading ──▶ [waiting] ──▶ sending ──┐
//	│       └─ end of stream, error ─▶ done  │
//	└────────────────────────────────────────┘
//
// While an answer is pending the client is not read from. So the most that a client who does
// not read can make the server hold is one chunk, and the answer to a part of it: the rest stays
// in the kernel's buffers, and when those are full, with the client itself. That is all there is to
// back-pressure. It also means that answers cannot overtake each other, and that the end of the
// stream is seen only when everything before it has been answered.
type conn struct {
	fd      int
	peer    netip.AddrPort
	want    want
	pending []byte    // the part of the answer that is not sent yet
	rest    []byte    // the part of the chunk that is not answered yet
	due     time.Time // when its wait is over
	place   int       // in single.conns

	watched want       // what a selector watches it for: nothing if it is not registered
	co      *coro.Coro // its code in the coroutines model, nil in the others
}

// FD returns the descriptor, so that a conn can be registered with a selector.
func (c *conn) FD() int { return c.fd }

// want is what a connection waits for.
type want uint8

const (
	wantNothing want = iota // of the socket: its wait is not over
	wantRead                // to be readable
	wantWrite               // to be writable
	wantClose               // to be forgotten: it is done
	wantBoth                // to be readable or writable: see publish.go
)

// receive takes one chunk from the client and begins to answer it. It never waits.
func (l *single) receive(c *conn) want {
	n, err := l.tryRecv(c, l.buf)
	switch {
	case sys.WouldBlock(err):
		return wantRead
	case n == 0 || err != nil:
		return l.end(c, err)
	}
	chunk := l.buf[:n]
	l.request(c.peer, chunk)
	l.compute(chunk)
	if l.Wait > 0 {
		c.rest = slices.Clone(chunk)
		l.waits.add(c, time.Now().Add(l.Wait))
		return wantNothing
	}
	return l.answer(c, chunk)
}

// tryRecv is sys.TryRecv, but that in a drain the stream ends where everything that has arrived is
// received.
func (l *single) tryRecv(c *conn, buf []byte) (int, error) {
	began := l.trace.Now()
	n, err := sys.TryRecv(c.fd, buf)
	l.did(trace.Read, "recv", c.peer, began, n, err)
	if sys.WouldBlock(err) && l.draining() {
		return 0, nil
	}
	return n, err
}

// trySend is sys.TrySend.
func (l *single) trySend(c *conn, p []byte) (int, error) {
	began := l.trace.Now()
	n, err := sys.TrySend(c.fd, p)
	l.did(trace.Write, "send", c.peer, began, n, err)
	return n, err
}

// answer answers a chunk, as far as the kernel takes that, and remembers copies of the rest, as the
// next client's bytes will come into the same buffer. It never waits.
func (l *single) answer(c *conn, chunk []byte) want {
	for len(chunk) > 0 {
		var answer []byte
		answer, chunk = l.reply(chunk)
		n, err := l.trySend(c, answer)
		switch {
		case err != nil && !sys.WouldBlock(err):
			return l.end(c, err)
		case n < len(answer):
			c.pending, c.rest = slices.Clone(answer[n:]), slices.Clone(chunk)
			return wantWrite
		}
	}
	return wantRead
}

// flush goes on with the pending answer, and with what has yet to be answered. It never waits.
func (l *single) flush(c *conn) want {
	if len(c.pending) > 0 {
		n, err := l.trySend(c, c.pending)
		switch {
		case err != nil && !sys.WouldBlock(err):
			return l.end(c, err)
		case n < len(c.pending):
			c.pending = c.pending[n:]
			return wantWrite
		}
	}
	chunk := c.rest
	c.pending, c.rest = nil, nil
	return l.answer(c, chunk)
}

// end says why the connection is done. The model then forgets it.
func (l *single) end(c *conn, why error) want {
	l.lost(c.peer, why)
	c.pending, c.rest = nil, nil
	return wantClose
}
