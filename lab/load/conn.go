package load

import (
	"bytes"

	"github.com/kettle-go/kettle/internal/sys"
)

// state is what has become of a connection.
type state uint8

const (
	unborn     state = iota
	connecting       // connect(2) is under way
	alive            // connected
	failed           // never was connected
	lost             // was connected, and has been closed or broken by the server
)

// kind says what a connection sends.
type kind uint8

const (
	ordinary kind = iota
	heavy         // requests that begin with the marker
	deaf          // the same as ordinary ones, and reads nothing
	kinds
)

// conn is one connection and its two streams, what it sends and what comes back.
//
//	0 ......... received ......... sent ......... asked      positions in both streams
//	  answered          under way        not sent yet
//
// asked runs ahead of sent while the socket takes no more, and by any amount: what is not
// sent yet is bytes of the payload, and costs no memory.
type conn struct {
	asked, sent, received int64

	fd       int32
	sendAt   int32 // sent, as a place in the payload
	answerAt int32 // received, as a place in the payload
	partial  int32 // bytes received of an answer that is not complete
	slot     int32 // its number among those that take part in the phase
	head     int16 // closed loop: where its oldest request's time is in its ring
	again    int16 // closed loop: answers that the next requests have yet to follow
	done     int64 // paced: requests answered in this phase

	state    state
	kind     kind
	interest interest
	active   bool // takes part in the phase
	silent   bool // owed an answer when a drain ended, and has not given it since
	served   bool // has been answered in this window
}

// owing reports whether the server has something to answer.
func (c *conn) owing() bool { return c.received != c.asked }

// watch changes what the connection is watched for.
func (l *Load) watch(i int, c *conn, want interest) {
	if c.interest == want {
		return
	}
	if err := l.poller.watch(i, int(c.fd), c.interest, want); err != nil {
		l.fail(err)
		return
	}
	c.interest = want
}

// burst is the most that pump sends at once, so that one connection with much to send does
// not keep the others waiting.
const burst = 16 * maxChunk

// pump sends what the connection has been asked to, as far as the socket takes it, and has
// the rest sent once it takes more.
func (l *Load) pump(i int, c *conn) {
	payload := &l.payloads[c.kind]
	for end := c.sent + burst; c.sent < min(c.asked, end); {
		n := int(min(c.asked-c.sent, maxChunk))
		text := payload.requests[c.sendAt:][:n]
		if l.topic != nil {
			text = l.topic.from(c.sent, n)
		}
		n, err := sys.TrySend(int(c.fd), text)
		if err != nil {
			if !sys.WouldBlock(err) {
				l.lose(i, c, err)
				return
			}
			break
		}
		c.sent += int64(n)
		c.sendAt = payload.advance(c.sendAt, n)
	}
	if c.sent < c.asked {
		l.watch(i, c, reading|writing)
	} else if c.interest != reading {
		l.watch(i, c, reading)
	}
}

// receive takes and checks what has come back, at most maxChunk bytes: readiness is
// level-triggered, so the rest is reported again.
func (l *Load) receive(i int, c *conn, p plan) {
	n, err := sys.TryRecv(int(c.fd), l.buf)
	switch {
	case err != nil:
		if !sys.WouldBlock(err) {
			l.lose(i, c, err)
		}
		return
	case n == 0:
		l.lose(i, c, closedEarly(c.asked-c.received))
		return
	}
	l.heard++
	// The server can have answered what was sent, and no more than that.
	got := l.buf[:n]
	if l.numbers != nil {
		l.receiveNumbers(i, c, got, p)
		return
	}
	if l.topic != nil {
		l.receivePublished(i, c, got, p)
		return
	}
	known := got[:min(int64(n), c.sent-c.received)]
	payload := &l.payloads[c.kind]
	if want := payload.answers[c.answerAt:][:len(known)]; !bytes.Equal(known, want) {
		l.fail(wrongByte(i, c.received, known, want))
		return
	}
	if len(known) < n {
		l.fail(extraBytes(i, c.sent, got[len(known):]))
		return
	}
	c.received += int64(n)
	c.answerAt = payload.advance(c.answerAt, n)
	if l.window.open {
		l.window.bytes += int64(n)
	}
	l.complete(i, c, n, p)
}

// complete counts the answers that n more bytes have completed.
func (l *Load) complete(i int, c *conn, n int, p plan) {
	size := int32(l.config.Size)
	c.partial += int32(n)
	if c.partial < size {
		return
	}
	answers := 1
	if c.partial == size { // the usual case, without a division
		c.partial = 0
	} else {
		answers = int(c.partial / size)
		c.partial %= size
	}
	l.count(i, c, answers, p)
}

// count counts so many answers.
func (l *Load) count(i int, c *conn, answers int, p plan) {
	if !c.owing() {
		c.silent = false // from the next phase on it takes part again
	}
	if !c.active {
		return // a late answer to a request of an earlier phase
	}
	if l.window.open {
		l.window.requests[c.kind] += int64(answers)
		if !c.served {
			c.served = true
			l.window.served++
		}
	}
	p.answered(i, c, answers)
}

// lose gives up a connection that the server has closed or broken. What it still owed will
// never come; who counts requests finds out by the connection's state.
func (l *Load) lose(i int, c *conn, err error) {
	l.drop(i, c, lost, err)
	l.stats.Lost++
	if c.received > 0 {
		l.stats.Dropped++
		if l.stats.FirstDropped == nil {
			l.stats.FirstDropped = connError{i, err}
		}
	}
	if c.active {
		l.active--
		l.lost++
	}
}

// drop closes a connection's descriptor and remembers why, if it is the first to go.
func (l *Load) drop(i int, c *conn, to state, err error) {
	if l.stats.First == nil {
		l.stats.First = connError{i, err}
	}
	if c.fd >= 0 {
		l.watch(i, c, 0)
		sys.Close(int(c.fd))
	}
	c.fd, c.state, c.silent = -1, to, false
}
