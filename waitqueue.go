package kettle

import "github.com/kettle-go/kettle/loop"

// WaitQueue is where tasks wait for what callbacks of their loop bring about: it is how something
// made of callbacks becomes something to wait for. Package stream is made of it, and so can be what
// stands on a protocol of package transport, or on the loop itself.
//
//	q.Init(t)
//	l.OnReadable(fd, func() { q.Wake(nil) })
//	...
//	func (x *thing) Await() error { // has no Task: it is that of the task that calls it
//		if err := x.q.Enter(); err != nil {
//			return err
//		}
//		if x.isReady() {
//			x.q.Pass(1)
//			return nil
//		}
//		return x.q.Wait("thing.Await")
//	}
//
// Who waits is woken first in, first out; one that is cancelled leaves the queue in the same step.
// But for Init its methods are loop only.
type WaitQueue struct {
	home    home
	waiting waiters
}

// EventLoop returns the loop that the task runs on, for callbacks and timers. What they do must not
// wait; a WaitQueue lets tasks wait for it. It may be called from any goroutine.
func (t *Task) EventLoop() *loop.Loop { return t.fiber.runtime.loop }

// Init gives the queue its loop, which is that of the task. It may be called from any goroutine,
// before the queue is used.
func (q *WaitQueue) Init(t *Task) { q.home.runtime = t.fiber.runtime }

// Sibling returns another queue of the same loop.
func (q *WaitQueue) Sibling() WaitQueue { return WaitQueue{home: q.home} }

// Enter begins a function that may suspend, in the name of the task that calls it. It returns what
// the function has to return: ErrWrongGoroutine if no task of this loop calls it, and the error of
// its scope if that is cancelled.
func (q *WaitQueue) Enter() error {
	if !q.home.runtime.loop.Marked() {
		return ErrWrongGoroutine
	}
	f := q.home.runtime.current
	if f == nil { // a callback that has a Label of its own
		return ErrWrongGoroutine
	}
	f.runtime.observe(f, false)
	if e := f.scope.end.Load(); e != nil && !f.masked {
		f.heard(e.err)
		return e.err
	}
	f.deaf = 0
	return nil
}

// Inside reports whether the queue's loop calls: one of its tasks, or a callback. It begins a
// function that does not suspend.
func (q *WaitQueue) Inside() bool { return q.home.runtime.loop.Inside() }

// Wait suspends the task that calls it, which has entered, until it is woken, and returns what it
// is woken with, or its cancellation. What it waits for is for Dump.
//
// It is fiber.park, written out: after a switch the CPU predicts each return wrongly, and this is
// the way of every message.
func (q *WaitQueue) Wait(what string) error {
	f := q.home.runtime.current
	if e := f.scope.end.Load(); e != nil && !f.masked { // since it was woken, if it waits again
		f.heard(e.err)
		return e.err
	}
	q.waiting.add(f)
	f.rest(what, &q.waiting)
	if !f.co.Yield() {
		return f.stopped()
	}
	return f.outcome
}

// Pass ends a function that did not have to suspend. Now and then it suspends all the same, so that
// others have their turn: after 128 that cost 1. One that has done much costs more.
func (q *WaitQueue) Pass(cost int) {
	f := q.home.runtime.current
	if f.turns -= int32(cost); f.turns <= 0 {
		f.giveWay()
	}
}

// Wake ends the wait of the task that has waited longest, and reports whether there is one. The
// task runs later in this turn of the loop, or in the next one.
func (q *WaitQueue) Wake(outcome error) bool { return q.waiting.handOver(outcome) }

// WakeAll ends the waits of all.
func (q *WaitQueue) WakeAll(outcome error) { q.waiting.handOverAll(outcome) }

// Empty reports whether no task waits.
func (q *WaitQueue) Empty() bool { return q.waiting.first == nil }

// Len counts the tasks that wait, one by one.
func (q *WaitQueue) Len() int { return q.waiting.len() }
