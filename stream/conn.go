package stream

import (
	"net"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/transport"
)

// Conn is a connection for tasks. It has the methods of net.Conn, so that what takes an io.Reader,
// an io.Writer or a net.Conn, and has no lock around them, works on it.
//
// Its methods suspend the task that calls them; it must be one of the loop that the connection was
// made on. One task at a time may read (another one gets ErrBusy); any number may write, one after
// the other. A read and a write do not wait for each other. All methods are loop only.
type Conn struct {
	t *transport.Transport

	unread  []byte           // received, and not read: the end of what the transport has returned
	reading kettle.WaitQueue // the task that waits for more

	server *serving // whose handler it has
	secure *secure  // TLS
	seldom *seldom
	limit  int32 // of ReadUntil
	marks  marks
}

// seldom is what most connections never have: deadlines, and tasks that wait to write.
type seldom struct {
	times *deadlines // nil while none was ever set

	room    kettle.WaitQueue // the task that writes, and waits for room
	turn    kettle.WaitQueue // to write
	flushed kettle.WaitQueue // for nothing to be pending
}

// marks are what is so of a Conn, or is not.
type marks uint8

const (
	closed    marks = 1 << iota // by Close or Abort
	draining                    // when nothing has arrived that is the end
	writing                     // a task writes, and may be suspended
	busy                        // a task reads by way of TLS
	suspended                   // a task is in the midst of a read, and others run
	lateRead                    // the read deadline has passed
	lateWrite                   // the write deadline has passed
)

// DefaultLimit is how long what ReadUntil and ReadLine return may be, in bytes.
const DefaultLimit = 64 << 10

// newConn returns a connection that is about to be made, on the loop of home.
func newConn(home *kettle.WaitQueue) *Conn {
	return &Conn{limit: DefaultLimit, reading: home.Sibling()}
}

// connOn returns the connection of a transport that stands, and has had another protocol so far.
func connOn(t *transport.Transport, home *kettle.WaitQueue) *Conn {
	c := newConn(home)
	c.t = t
	t.SetProtocol((*protocol)(c))
	return c
}

func (c *Conn) rare() *seldom {
	if c.seldom == nil {
		c.seldom = &seldom{room: c.reading.Sibling(), turn: c.reading.Sibling(),
			flushed: c.reading.Sibling()}
	}
	return c.seldom
}

// LocalAddr returns the address of this side.
func (c *Conn) LocalAddr() net.Addr { return c.t.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.t.RemoteAddr() }

// Close ends the connection, and does not wait: what was written is sent first, without the task,
// and the descriptor is freed in any case (package transport has how). Reads and writes that wait
// return net.ErrClosed. So it works in a scope that is cancelled, too. To close again is no error.
func (c *Conn) Close() error {
	if !c.reading.Inside() {
		return kettle.ErrWrongGoroutine
	}
	if c.has(closed) {
		return nil
	}
	c.shut()
	if c.secure != nil {
		c.secure.bye(c)
	}
	c.t.Close()
	return nil
}

// Abort ends the connection at once: what is pending is dropped, and the peer gets a reset. To call
// it of one that is closed drops what that still has to send.
func (c *Conn) Abort() {
	if c.reading.Inside() {
		c.shut()
		c.t.Abort()
	}
}

// shut ends what waits for the connection.
func (c *Conn) shut() {
	c.marks |= closed
	c.unread = nil
	if times := c.times(); times != nil {
		times.read.timer.Stop()
		times.write.timer.Stop()
	}
	if !c.reading.Empty() {
		c.reading.WakeAll(c.failure("read", net.ErrClosed))
	}
	c.wakeWriters("write", net.ErrClosed)
}

// wakeWriters ends the waits of all that write, or wait for what was written.
func (c *Conn) wakeWriters(op string, err error) {
	if c.seldom == nil {
		return
	}
	if op != "" {
		err = c.failure(op, err)
	}
	c.seldom.room.WakeAll(err)
	c.seldom.turn.WakeAll(err)
	c.seldom.flushed.WakeAll(err)
}

func (c *Conn) has(m marks) bool { return c.marks&m != 0 }

// failure returns an error as those of package net are.
func (c *Conn) failure(op string, err error) error {
	return &net.OpError{Op: op, Net: c.t.Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(),
		Err: err}
}

// What follows makes a Conn the protocol of its transport.
type protocol Conn

// Made is called when the connection stands.
func (p *protocol) Made(t *transport.Transport) {
	c := (*Conn)(p)
	c.t = t
	if c.server != nil {
		c.server.made(c)
	}
}

// Readable is called when there may be something to receive.
func (p *protocol) Readable(*transport.Transport) { p.reading.Wake(nil) }

// Data is never called.
func (p *protocol) Data(*transport.Transport, []byte) {}

// EOF is never called.
func (p *protocol) EOF(*transport.Transport) {}

// PauseWriting is called when too much is pending. Who writes learns it from the transport.
func (p *protocol) PauseWriting(*transport.Transport) {}

// ResumeWriting is called when there is room again.
func (p *protocol) ResumeWriting(*transport.Transport) {
	if p.seldom != nil {
		p.seldom.room.Wake(nil)
	}
}

// Flushed is called when nothing is pending any more.
func (p *protocol) Flushed(*transport.Transport) {
	if p.seldom != nil {
		p.seldom.flushed.WakeAll(nil)
	}
}

// Lost is called when the connection is gone. It may have been closed by way of its transport: see
// transport.Each.
func (p *protocol) Lost(_ *transport.Transport, err error) {
	c := (*Conn)(p)
	switch {
	case err != nil:
		c.reading.WakeAll(err)
		c.wakeWriters("", err)
	case !c.has(closed):
		c.shut()
	}
	if c.server != nil {
		c.server.lost(c)
	}
}

var (
	_ net.Conn          = (*Conn)(nil)
	_ transport.Puller  = (*protocol)(nil)
	_ transport.Flushed = (*protocol)(nil)
)
