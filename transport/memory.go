package transport

import (
	"syscall"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// pipeSize is how many bytes one side of a connection in memory can be ahead of the other, as the
// buffers of a socket are: what is more than that stays pending.
const pipeSize = 64 << 10

// memory is one side of a connection in memory. It stands where a descriptor does, and behaves as
// that of a stream socket: what it does to the other side shows there as an event, and never as a
// call in the midst of something.
//
//	a.send ──▶ b.in ──▶ b.recv        b.send ──▶ a.in ──▶ a.recv
//
// The kernel would find out which side is ready when the loop asks it. Here each side knows, as
// whatever makes it ready is done by the other one: it is due while it is ready for what it is
// watched for, and is not while it is not. So a loop whose connections all wait has nothing to do.
type memory struct {
	transport *Transport
	peer      *memory
	in        *buffer // what the peer has sent; nil if there is nothing
	watched   selectors.Events
	due       bool // the loop is to run it
	ending    bool // this side sends no more
	closed    bool
	reset     bool // the peer was aborted: it ends this side after what it has in
}

// Pipe returns the two sides of a connection in memory, on one loop. They behave as those of a
// socket do: up to 64 KiB are under way in each direction, so that who does not read lets the other
// one's writes pend; each side can be ended by itself; and Abort is a reset. No descriptor is used,
// and what waits on it waits on nothing but the loop, so that a virtual clock goes ahead. Made is
// called of a, then of b.
func Pipe(l *loop.Loop, a, b Protocol) (*Transport, *Transport) {
	s := stationOf(l)
	ta, tb := s.connected(-1, false, a), s.connected(-1, false, b)
	ma, mb := &memory{transport: ta}, &memory{transport: tb}
	ma.peer, mb.peer = mb, ma
	ta.rare().link, tb.rare().link = ma, mb
	ta.set(inMemory)
	tb.set(inMemory)
	_ = ta.begin() // there is nothing that the loop could refuse to watch
	_ = tb.begin()
	return ta, tb
}

// ready returns what the side is ready for. A side that has failed is ready for everything, as a
// socket is. To be told of every byte of room would make a sender that waits send byte by byte.
func (m *memory) ready() selectors.Events {
	if m.reset {
		return selectors.Read | selectors.Write
	}
	var events selectors.Events
	if m.in != nil || m.peer.ending {
		events |= selectors.Read
	}
	if m.peer.closed || m.peer.room() >= pipeSize/2 {
		events |= selectors.Write
	}
	return events
}

// room returns how many bytes the side can be sent.
func (m *memory) room() int {
	if m.in == nil {
		return pipeSize
	}
	return pipeSize - len(m.in.rest())
}

// update has the loop run the side if it is ready for what it is watched for.
func (m *memory) update() {
	if !m.due && m.watched&m.ready() != 0 {
		m.due = true
		m.transport.station.loop.Ready(m)
	}
}

// Run is called by the loop. What was ready when it became due may be so no more.
func (m *memory) Run() {
	m.due = false
	if m.watched&m.ready()&selectors.Read != 0 {
		(*reader)(m.transport).Run()
	}
	if m.watched&m.ready()&selectors.Write != 0 {
		(*writer)(m.transport).Run()
	}
	m.update()
}

func (m *memory) watch(_ *Transport, event selectors.Events) error {
	m.watched |= event
	m.update()
	return nil
}

func (m *memory) unwatch(_ *Transport, events selectors.Events) { m.watched &^= events }

func (m *memory) recv(_ *Transport, p []byte) (int, error) {
	if m.in == nil {
		switch {
		case m.reset:
			return 0, syscall.ECONNRESET
		case m.peer.ending || len(p) == 0:
			return 0, nil
		}
		return 0, syscall.EAGAIN
	}
	n := copy(p, m.in.rest())
	if m.in.head += n; m.in.head == len(m.in.bytes) {
		m.drop()
	}
	m.peer.update()
	return n, nil
}

func (m *memory) send(_ *Transport, p []byte) (int, error) {
	switch {
	case m.reset:
		return 0, syscall.ECONNRESET
	case m.ending || m.peer.closed:
		return 0, syscall.EPIPE
	case len(p) == 0:
		return 0, nil
	}
	n := min(len(p), m.peer.room())
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	m.peer.store(p[:n])
	m.peer.update()
	return n, nil
}

// store puts p, for which there is room, behind what the side has in.
func (m *memory) store(p []byte) {
	pool := &m.transport.station.buffers
	if m.in == nil {
		m.in = pool.take(len(p))
	}
	switch b := m.in; {
	case len(b.room()) >= len(p):
	case len(b.rest())+len(p) <= cap(b.bytes):
		b.bytes, b.head = append(b.bytes[:0], b.rest()...), 0
	default:
		m.in = pool.take(pipeSize)
		m.in.bytes = append(m.in.bytes, b.rest()...)
		pool.give(b)
	}
	m.in.bytes = append(m.in.bytes, p...)
}

// drop gives back the buffer of what the side has in.
func (m *memory) drop() {
	m.transport.station.buffers.give(m.in)
	m.in = nil
}

// end ends the side that sends, or frees what the side holds. What it has sent the peer still
// receives, and then the end of the stream, or a reset.
func (m *memory) end(_ *Transport, how ending) error {
	m.ending = true
	if how != sending {
		m.closed, m.watched = true, 0
		m.drop()
	}
	if how == cut && !m.peer.closed {
		m.peer.reset = true
	}
	m.peer.update()
	return nil
}

// unsent reports false: nothing is ever lost.
func (m *memory) unsent(*Transport) bool { return false }

var _ loop.Runner = (*memory)(nil)
