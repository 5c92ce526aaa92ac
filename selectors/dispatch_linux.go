package selectors

import (
	"errors"
	"os"
)

var _ dispatcher = (*epoll)(nil)

// cut is beside the Read of an event where a receive may get less than there was room for and leave
// something all the same: the end of the stream has come already, or there is urgent data, which a
// receive stops at. What is behind that has happened, and is no event to come.
const cut Events = 1 << 7

// maxAsked is of how many descriptors Dispatch asks whether they are drained. Where more were ready
// at once, a system call is a small part of what it costs to serve them.
const maxAsked = 8

// atOnce is how many events Dispatch asks for at a time. The kernel goes round those that are
// ready, and puts those it has told of behind the others. So where thousands are busy, each has its
// turn once in a round, and its peer the time of a round to send again. Were all of them asked for
// at once, those served last would have nothing yet when the next ask comes, right after, and would
// wait through all that it has found: twice as long as the others. And what a turn touches for so
// few is still in the cache when it is touched again. ping-5000 of make peers shows both.
const atOnce = 256

// dispatch is one Dispatch on epoll: a wait in Go's poller that goes on through all turns.
//
//	        readable         nothing, nor due
//	   ┌───────────────▶ ask ───────────────┐
//	   │                 │ ▲                │
//	parked               │ │ otherwise      │
//	   ▲ all is drained  ▼ │                │
//	   ├───────────── turns.Next            │
//	   └────────────────────────────────────┘
//
// What has to be right is that nothing is ready, and not known to be, when it parks. Go's poller is
// edge-triggered: it tells of whatever has happened since the last ask, but not of what was ready
// before and still is. That is what the ask has found. If all of it is drained since, there is no
// such thing. To register a descriptor that is ready is an event by itself; to modify one need not
// be, as epoll keeps what it has told of in its list until it is asked again, and wakes nobody for
// what is in there. A wait in Go's poller that begins forgets what it was to tell, so the first
// thing in it is an ask.
type dispatch struct {
	*epoll
	selector *Selector
	turns    Turns
	due      bool // Next is to be called even if nothing is ready
	over     bool
}

func (e *epoll) dispatch(s *Selector, turns Turns) error {
	d := &dispatch{epoll: e, selector: s, turns: turns}
	e.err = nil
	d.next(0)
	for run := d.run; !d.over; {
		err := e.parker.raw.Read(run)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			e.parker.answerWake()
			e.parker.dirty, d.due = true, true
			d.run(e.parker.fd) // Read refuses to, while its deadline has passed
		case err != nil:
			return err
		}
	}
	return e.err
}

// run is called by Go's poller when a wait begins, and whenever the descriptor has become readable.
// It returns false to go on waiting.
func (d *dispatch) run(fd uintptr) bool {
	for {
		found := d.ask(int(fd))
		if found == 0 && !d.due && !d.over {
			break
		}
		if !d.over {
			d.next(found)
		}
		if d.over {
			return true
		}
		if !d.due && d.drained() {
			break
		}
	}
	return false
}

// ask asks the kernel what is ready, or some of it. There may be events of registrations that are
// gone.
func (d *dispatch) ask(fd int) (found int) {
	s := d.selector
	d.batch, d.modified = s.batch[:0], false
	d.take(d.epoll.ask(fd, d.events[:atOnce]))
	s.batch, s.next, d.batch = d.batch, 0, nil
	d.over = d.err != nil
	return len(s.batch)
}

// next calls Next, and sets the deadline of the wait that follows: then looks whether it was woken,
// as park does.
func (d *dispatch) next(found int) {
	timeout, more := d.turns.Next(found)
	d.err = nil
	if more {
		d.err = d.parker.setDeadline(timeout)
	}
	if more && d.selector.closed {
		d.err = ErrClosed
	}
	d.busy++
	d.over = !more || d.err != nil
	d.due = timeout <= 0 || d.parker.answerWake()
}

// drained reports whether nothing is left of what the last ask has found, and nothing else can be
// ready that was so before.
func (d *dispatch) drained() bool {
	batch := d.selector.batch
	if d.modified || len(batch) > maxAsked {
		return false
	}
	for _, ev := range batch {
		if d.selector.live(ev) == nil {
			continue // nobody can be told of it
		}
		if ev.events != Read || !d.turns.Drained(ev.token.fd()) {
			return false
		}
	}
	return true
}
