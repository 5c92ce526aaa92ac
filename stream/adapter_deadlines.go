package stream

import (
	"os"
	"sync"
	"time"
)

// errLate is what is wrong when a deadline has passed.
var errLate = os.ErrDeadlineExceeded

// outsideDeadline is the time after which Reads, or Writes, of goroutines fail. It is no affair of
// the loop's: a Read that gives up leaves the reader where it is, and what arrives is kept for the
// next one.
type outsideDeadline struct {
	owner *outside
	event *sync.Cond
	at    time.Time   // zero if there is none to come
	timer *time.Timer // nil while none was ever set that was to come
	late  bool
}

// SetDeadline sets both deadlines: see SetReadDeadline.
func (o *outside) SetDeadline(at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.setDeadline(at, &o.read.limit, &o.write.limit)
}

// SetReadDeadline has Reads fail from that time on, those that wait too, with
// os.ErrDeadlineExceeded, until another one is set; a zero time is none.
func (o *outside) SetReadDeadline(at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.setDeadline(at, &o.read.limit)
}

// SetWriteDeadline is SetReadDeadline for Writes. One that has failed may have been taken in part.
func (o *outside) SetWriteDeadline(at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.setDeadline(at, &o.write.limit)
}

func (o *outside) setDeadline(at time.Time, limits ...*outsideDeadline) error {
	if err := o.usable("set the deadline"); err != nil {
		return err
	}
	for _, d := range limits {
		d.set(at)
	}
	return nil
}

// set makes at the deadline. The lock is held.
func (d *outsideDeadline) set(at time.Time) {
	d.stop()
	d.late = false
	if at.IsZero() {
		return
	}
	d.at = at
	d.look()
}

// look ends what waits if the time has passed, and else sees to it that it looks again then. The
// lock is held.
func (d *outsideDeadline) look() {
	left := time.Until(d.at)
	switch {
	case left <= 0:
		d.at, d.late = time.Time{}, true
		d.event.Broadcast()
	case d.timer == nil:
		d.timer = time.AfterFunc(left, d.due)
	default:
		d.timer.Reset(left)
	}
}

// due is called by the timer, on a goroutine of its own; perhaps late, and for a deadline that is
// another one by now.
func (d *outsideDeadline) due() {
	d.owner.mu.Lock()
	defer d.owner.mu.Unlock()
	if !d.at.IsZero() {
		d.look()
	}
}

// stop takes the deadline back. The lock is held.
func (d *outsideDeadline) stop() {
	d.at = time.Time{}
	if d.timer != nil {
		d.timer.Stop()
	}
}
