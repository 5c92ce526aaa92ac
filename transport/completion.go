package transport

import (
	"fmt"

	"github.com/kettle-go/kettle/internal/uring"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// completion is the driver on a ring. The kernel receives and sends by itself, and what it has
// done is found in the ring without a system call: those of a whole turn are one.
//
//	phase 1   what the turn before has changed is requested; the loop waits, and each line is
//	          told what was received and sent: it notes it, and calls nobody
//	phase 3   the lines that are ready run their transports
//	phase 5   tasks receive what has come, and send: it is gathered in memory of the ring
//	phase 6   what was gathered is submitted; the kernel sends, and receives what has come
//
// What is specific to one connection is its line.
type completion struct {
	station *station
	ring    *selectors.Completions
	closed  bool // the loop is

	due     []*line // are ready for what they are watched for
	now     []*line // of these, those of the present phase
	at      int     // the first of now that has not run
	noted   []*line // are to be looked at before the next wait
	flushes bool    // the sixth phase of this turn submits

	spare   []*outgoing        // with a small block each
	parting map[*line]struct{} // are closed, and the kernel still has what they send
}

// bulk is the size from which on bytes go to the socket directly: to copy them twice costs more
// than the system call that it saves.
const bulk = 16 << 10

// maxLines is how many lines run in a turn: as with descriptors, when thousands become ready at
// once, timers and posts have their turn in between.
const maxLines = 1024

// newCompletion returns the driver of a loop that waits on a ring.
func newCompletion(s *station, ring *selectors.Completions) *completion {
	d := &completion{station: s, ring: ring, parting: map[*line]struct{}{}}
	ring.Submit, ring.Closed = d.submit, d.freeAll
	s.loop.Source(d)
	return d
}

// Run is the beginning of the third phase. After a panic it is called again, and goes on.
func (d *completion) Run() {
	if d.at == len(d.now) {
		d.now, d.due, d.at = d.due, emptied(d.now), 0
		if order := d.station.loop.Order(); order != nil {
			order.Shuffle(len(d.now), func(i, j int) { d.now[i], d.now[j] = d.now[j], d.now[i] })
		}
	}
	for left := maxLines; left > 0 && d.at < len(d.now); left-- {
		l := d.now[d.at]
		d.now[d.at] = nil
		d.at++
		l.run()
	}
}

// emptied returns the list without what was in it.
func emptied(list []*line) []*line {
	if cap(list) > 4096 { // a burst is over
		return nil
	}
	return list[:0]
}

// submit prepares what is to be requested, and sees to it that lines that are ready are not waited
// for.
func (d *completion) submit() {
	for i, l := range d.noted {
		d.noted[i] = nil
		l.noted = false
		l.prepare()
	}
	d.noted = emptied(d.noted)
	if d.at < len(d.now) || len(d.due) > 0 {
		d.ring.Rouse()
	}
}

// flush submits what there is.
func (d *completion) flush() {
	d.submit()
	_ = d.ring.Enter() // what fails now fails again in the wait
}

// submitter is the driver as what runs in the sixth phase, if the turn has something to send.
type submitter completion

// Run submits it.
func (s *submitter) Run() {
	s.flushes = false
	(*completion)(s).flush()
}

// outgoing is what one line has to send.
type outgoing struct{ memory uring.Memory }

// outgoing returns memory to send n bytes from, or the beginning of them. A task calls it, whose
// stack is to stay small: what takes a deep one is done for few.
func (d *completion) outgoing(n int) *outgoing {
	last := len(d.spare) - 1
	if last < 0 || n > smallBuffer {
		return d.allocate(n)
	}
	o := d.spare[last]
	d.spare[last], d.spare = nil, d.spare[:last]
	return o
}

//go:noinline
func (d *completion) allocate(n int) *outgoing {
	return &outgoing{d.ring.Memory(min(n, largeBuffer))}
}

// widen sees to it that there is room for n more bytes, if that is possible. It is not while the
// kernel has it.
//
//go:noinline
func (d *completion) widen(o *outgoing, n int) {
	m := &o.memory
	if m.Room() >= n || m.Len()+m.Room() > smallBuffer {
		return
	}
	wider := d.ring.Memory(largeBuffer)
	wider.Append(m.Bytes())
	m.Free()
	o.memory = wider
}

// give takes memory back.
func (d *completion) give(o *outgoing) {
	if o.memory.Reset(); o.memory.Room() > smallBuffer || len(d.spare) >= maxSmall {
		o.memory.Free()
		return
	}
	d.spare = append(d.spare, o)
}

// freeAll is called when the ring is closed: the kernel has nothing any more, and no line is told
// so.
func (d *completion) freeAll() {
	for l := range d.parting { // in no order, and nobody is called
		l.free()
	}
	for _, o := range d.spare {
		o.memory.Free()
	}
	clear(d.parting)
	d.spare = nil
}

// line returns that of a transport.
func (d *completion) line(t *Transport) *line {
	if t.line == nil {
		t.line = newLine(d, t)
	}
	return t.line
}

func (d *completion) recv(t *Transport, p []byte) (int, error) { return d.line(t).recv(p) }
func (d *completion) send(t *Transport, p []byte) (int, error) { return d.line(t).send(p) }

func (d *completion) watch(t *Transport, event selectors.Events) error {
	if d.closed {
		return fmt.Errorf("transport: watch descriptor %d: %w", t.fd, loop.ErrClosed)
	}
	d.line(t).watch(event)
	return nil
}

func (d *completion) unwatch(t *Transport, events selectors.Events) { t.line.unwatch(events) }

func (d *completion) end(t *Transport, how ending) error {
	l := t.line
	switch {
	case l == nil: // it was refused
		return readiness{}.end(t, how)
	case how == sending:
		return l.shutdown()
	}
	t.line = nil
	l.close(how == cut && !t.is(unix))
	return nil
}

func (d *completion) unsent(t *Transport) bool { return unacknowledged(t) }

var (
	_ driver       = (*completion)(nil)
	_ loop.Runner  = (*completion)(nil)
	_ uring.Client = (*line)(nil)
)
