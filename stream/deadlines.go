package stream

import (
	"net"
	"os"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
)

// deadlines are the times after which reads and writes fail.
type deadlines struct{ read, write deadline }

// deadline is one of them. To move it back, as is done for each message, costs a look at the
// clock: see loop.Timer.
type deadline struct {
	conn  *Conn
	late  marks // is set when the time has passed
	timer loop.Timer
}

// SetDeadline sets both deadlines: see SetReadDeadline.
func (c *Conn) SetDeadline(at time.Time) error {
	if err := c.SetReadDeadline(at); err != nil {
		return err
	}
	return c.SetWriteDeadline(at)
}

// SetReadDeadline has reads fail from that time on, those that wait too, with
// os.ErrDeadlineExceeded, until another one is set; a zero time is none. What has arrived stays
// unread. Scopes do the same for everything that is done in a time: see kettle.Task.WithTimeout.
func (c *Conn) SetReadDeadline(at time.Time) error {
	d, err := c.deadline("read")
	if err == nil {
		d.read.set(at)
	}
	return err
}

// SetWriteDeadline is SetReadDeadline for writes and Flush. A write that has failed may have been
// taken in part.
func (c *Conn) SetWriteDeadline(at time.Time) error {
	d, err := c.deadline("write")
	if err == nil {
		d.write.set(at)
	}
	return err
}

// times returns the deadlines, nil while none was ever set.
func (c *Conn) times() *deadlines {
	if c.seldom == nil {
		return nil
	}
	return c.seldom.times
}

func (c *Conn) deadline(what string) (*deadlines, error) {
	switch {
	case !c.reading.Inside():
		return nil, kettle.ErrWrongGoroutine
	case c.has(closed):
		return nil, c.failure("set the deadline of a "+what, net.ErrClosed)
	case c.times() == nil:
		d := &deadlines{read: deadline{conn: c, late: lateRead},
			write: deadline{conn: c, late: lateWrite}}
		d.read.timer.Init(c.t.Loop(), &d.read)
		d.write.timer.Init(c.t.Loop(), &d.write)
		c.rare().times = d
	}
	return c.times(), nil
}

// set makes at the deadline.
func (d *deadline) set(at time.Time) {
	d.conn.marks &^= d.late
	if at.IsZero() {
		d.timer.Stop()
		return
	}
	left := at.Sub(d.conn.t.Loop().Wall())
	if left > 0 {
		d.timer.Reset(left)
		return
	}
	d.timer.Stop()
	d.Run()
}

// Run is called when the time has passed.
func (d *deadline) Run() {
	c := d.conn
	c.marks |= d.late
	if d.late == lateWrite {
		c.wakeWriters("write", os.ErrDeadlineExceeded)
		return
	}
	if !c.reading.Empty() {
		c.reading.WakeAll(c.failure("read", os.ErrDeadlineExceeded))
	}
}
