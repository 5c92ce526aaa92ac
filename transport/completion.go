package transport

import (
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// completion is the driver on a ring. The kernel receives and sends by itself, and what it has
// done is found in the ring without a system call: those of a whole turn are one.
//
//	phase 1   the ring has what was received and sent, or the loop waits for it
//	phase 3   the lines that something has come for run their transports
//	phase 5   tasks receive what has come, and send: it is gathered in memory of the ring
//	phase 6   what was gathered is submitted; the kernel sends, and receives what has come
//
// What is specific to one connection is its line.
type completion struct {
	station *station
	ring    *selectors.Completions

	due   []*line // are ready for what they are watched for
	now   []*line // of these, those of the present phase
	at    int     // the first of now that has not run
	ran   []*line // have run in this turn, and may still be ready
	again []*line // are to have a receive requested
	dirty []*line // have something to send
	spare []*outgoing
}

// bulk is the size from which on bytes go from and to the socket directly: to copy them twice
// costs more than the system call that it saves.
const bulk = 16 << 10

// newCompletion returns the driver of a loop that waits on a ring.
func newCompletion(s *station, ring *selectors.Completions) *completion {
	d := &completion{station: s, ring: ring}
	ring.Submit = d.submit
	s.loop.Source(d)
	return d
}

// line returns that of a transport. From the first one on the socket is one that blocks: of one
// that does not the ring would only say so. Nothing that is called here waits all the same.
func (d *completion) line(t *Transport) *line {
	if t.line == nil {
		if t.source == nil || t.is(unix) { // a listener accepts them as they are wanted
			_ = sys.SetNonblock(int(t.fd), false)
		}
		t.line = &line{driver: d, transport: t, fd: t.fd}
		d.station.loop.Watching(1)
	}
	return t.line
}

// Run is the beginning of the third phase.
func (d *completion) Run() {
	if d.at == len(d.now) {
		d.now, d.due, d.at = d.due, d.now[:0], 0
	}
	for d.at < len(d.now) {
		l := d.now[d.at]
		d.now[d.at] = nil
		d.at++
		l.run()
	}
}

// submitter is the driver as what runs in the sixth phase, if the turn has something to send.
type submitter completion

// Run submits it.
func (s *submitter) Run() { (*completion)(s).flush() }

// submit prepares what the turn has requested.
func (d *completion) submit() {
	for i, l := range d.ran {
		l.ran = false
		l.update()
		d.ran[i] = nil
	}
	for i, l := range d.again {
		l.queued = false
		l.request()
		d.again[i] = nil
	}
	for i, l := range d.dirty {
		l.dirty = false
		l.submit()
		d.dirty[i] = nil
	}
	d.ran, d.again, d.dirty = d.ran[:0], d.again[:0], d.dirty[:0]
	if len(d.due) > 0 || d.at < len(d.now) {
		d.ring.Rouse()
	}
}

// flush submits what there is.
func (d *completion) flush() {
	d.submit()
	_ = d.ring.Enter() // what fails now fails again in the wait
}

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

// give takes memory back.
func (d *completion) give(o *outgoing) {
	if o.memory.Reset(); o.memory.Room() > smallBuffer || len(d.spare) >= maxSmall {
		o.memory.Free()
		return
	}
	d.spare = append(d.spare, o)
}

func (d *completion) recv(t *Transport, p []byte) (int, error) { return d.line(t).recv(p) }
func (d *completion) send(t *Transport, p []byte) (int, error) { return d.line(t).send(p) }

func (d *completion) watch(t *Transport, event selectors.Events) error {
	l := d.line(t)
	l.watched |= event
	l.update()
	l.want()
	return nil
}

func (d *completion) unwatch(t *Transport, events selectors.Events) {
	l := d.line(t)
	l.watched &^= events
	if l.watched&selectors.Read == 0 {
		l.cancel()
	}
}

func (d *completion) end(t *Transport, how ending) error {
	if t.line == nil { // it was refused
		return readiness{}.end(t, how)
	}
	if how == sending {
		return t.line.shutdown()
	}
	l := t.line
	t.line = nil
	l.close(how == cut && !t.is(unix))
	return nil
}

func (d *completion) unsent(t *Transport) bool { return t.busy() || unacknowledged(t) }

var _ loop.Runner = (*completion)(nil)
var _ uring.Client = (*line)(nil)
