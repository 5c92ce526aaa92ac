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
// What one line sends while the others have nothing to be submitted goes to its socket without the
// ring. A message that comes alone is so: that is one system call either way, and this one does
// less. A line in bulk asks again for what is to come, which is a second one, and still costs less.
//
// What is specific to one connection is its line.
type completion struct {
	station *station
	ring    *selectors.Completions
	closed  bool // the loop is
	sends   bool // the ring does
	lone    bool // what one line sends alone goes without the ring

	due     []*line // are ready for what they are watched for
	now     []*line // of these, those of the present phase
	at      int     // the first of now that has not run
	noted   []*line // are to be looked at before the next wait
	alone   bool    // none but one line has something to submit: see submit
	flushes bool    // the sixth phase of this turn does what is left to do

	arrivals []arrival          // in this turn
	parting  map[*line]struct{} // are closed, and the kernel still has what they send
}

// arrival is what the kernel has received for a line, in a buffer of the ring. Who reads takes it
// from there, commonly in the same turn. At the end of the turn the rest is copied, as the buffers
// of the ring are everybody's: nobody keeps one who does not read.
type arrival struct {
	line  *line // nil: it was taken
	chunk uring.Chunk
}

// bulk is the size from which on bytes go to the socket directly: to copy them twice costs more
// than the system call that it saves.
const bulk = 16 << 10

// maxLines is how many lines run in a turn: as with descriptors, when thousands become ready at
// once, timers and posts have their turn in between. It is no less than what a wait brings.
const maxLines = 2048

// newCompletion returns the driver of a loop that waits on a ring.
func newCompletion(s *station, ring *selectors.Completions) *completion {
	d := &completion{station: s, ring: ring, sends: ring.Sends(), lone: true,
		parting: map[*line]struct{}{}}
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
func emptied[T any](list []T) []T {
	if cap(list) > 4*len(list) && cap(list) > maxLines { // a burst is over
		return nil
	}
	return list[:0]
}

// submit prepares what is to be requested, and sees to it that lines that are ready are not waited
// for.
func (d *completion) submit() {
	d.alone = d.lone && len(d.noted) == 1 && !d.ring.Awaited()
	for i := 0; i < len(d.noted); i++ { // one that finds no room is noted again
		l := d.noted[i]
		d.noted[i] = nil
		l.clear(noted)
		l.prepare()
	}
	d.noted = emptied(d.noted)
	if d.at < len(d.now) || len(d.due) > 0 {
		d.ring.Rouse()
	}
}

// flush gives back what has arrived, and submits what there is.
func (d *completion) flush() {
	for i := range d.arrivals {
		if l := d.arrivals[i].line; l != nil {
			l.keep()
		}
	}
	d.arrivals = emptied(d.arrivals)
	d.submit()
	_ = d.ring.Enter() // what fails now fails again in the wait
}

// atEnd has flush called at the end of the turn.
func (d *completion) atEnd() {
	if !d.flushes {
		d.flushes = true
		d.station.loop.Last((*flusher)(d))
	}
}

// flusher is the driver as what runs in the sixth phase, if there is something to be done.
type flusher completion

// Run does it.
func (f *flusher) Run() {
	f.flushes = false
	(*completion)(f).flush()
}

// freeAll is called when the ring is closed: the kernel has nothing any more, and no line is told
// so.
func (d *completion) freeAll() {
	for l := range d.parting { // in no order, and nobody is called
		l.out.Free()
	}
	clear(d.parting)
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
