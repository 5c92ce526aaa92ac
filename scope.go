package kettle

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/loop"
)

// Scopes nest like the functions that they are passed to, and like the tasks of groups in them:
//
//	Run ─ main ─ WithTimeout ─ Group ┬─ task ─ Shield
//	                                 ├─ task
//	                                 └─ task
//
// To cancel one cancels what is below it, but for shields and what is below those. A cancellation
// is a state and not an event: every wait in the scope fails, until the scope is left. So nobody
// has to catch it at the right moment, and nothing is left of it outside.

// extra is what most scopes do not have, such as a deadline, and values.
type extra struct {
	timer  loop.Timer
	scope  *Task
	span   time.Duration
	unix   atomic.Int64 // the deadline by the wall clock, in nanoseconds; 0 is never
	values context.Context
	shield bool   // what happens around it does not concern it
	job    *job   // that Blocking has done for the task, whose root this is
	group  *Group // whose scope this is
}

// shielded reports whether what happens to the scope around it does not concern it.
func (t *Task) shielded() bool {
	x := t.extra.Load()
	return x != nil && x.shield
}

// Run is called when the deadline has passed.
func (x *extra) Run() { x.scope.cancel(&ending{&TimeoutError{After: x.span}}) }

// wall returns the deadline by the wall clock, zero if there is none.
func (x *extra) wall() time.Time {
	if at := x.unix.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// set makes the deadline d from now.
func (x *extra) set(d time.Duration) {
	x.timer.Reset(d)
	x.unix.Store(x.scope.fiber.runtime.after(d))
}

// open puts the task into a scope inside of the one that it is in.
func (f *fiber) open(s *Task) {
	s.fiber, s.parent = f, f.scope
	s.parent.adopt(s)
	f.scope = s
}

// adopt makes s a scope inside of t: what has happened to t has happened to s, unless it is
// shielded. Nothing shields from the end of the loop.
func (t *Task) adopt(s *Task) {
	if e := t.end.Load(); e != nil && (!s.shielded() || s.fiber.fatal) {
		s.end.Store(e)
	}
	if s.next = t.first; s.next != nil {
		s.next.prev = s
	}
	t.first = s
}

// leave takes a scope, in which there is none any more, out of the one around it. It is done.
func (t *Task) leave() {
	if x := t.extra.Load(); x != nil {
		x.timer.Stop()
	}
	t.finish(t.fiber.runtime.over)
	switch {
	case t.prev != nil:
		t.prev.next = t.next
	case t.parent != nil:
		t.parent.first = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.next, t.prev = nil, nil
}

// cancel cancels the scope and what is below it, and ends the waits there. A task that has been
// given already what it waited for keeps it: its next wait fails.
func (t *Task) cancel(e *ending) {
	if t.end.Load() != nil {
		return
	}
	for s := t; s != nil; s = s.after(t) {
		s.finish(e)
	}
	for s := t; s != nil; s = s.after(t) {
		if f := s.fiber; f != nil && f.scope == s {
			f.interrupt(e.err)
		}
	}
}

// after returns the scope that comes after t on a walk through top and all below it that its end
// concerns; nil if t is the last one. Nothing may change during the walk.
func (t *Task) after(top *Task) *Task {
	s := t.first
	for {
		for ; s != nil; s = s.next {
			if !s.shielded() {
				return s
			}
		}
		if t == top {
			return nil
		}
		s, t = t.next, t.parent
	}
}

// finishAll makes the scope and all below it done, shields too, of a loop that cannot go on.
func (t *Task) finishAll(e *ending) {
	t.finish(e)
	for s := t.first; s != nil; s = s.next {
		s.finishAll(e)
	}
}

// within runs body in scope s, and leaves it however body ends.
func (t *Task) within(s *Task, body func(t *Task) error) error {
	f := t.fiber
	f.open(s)
	defer func() {
		f.scope = s.parent
		s.leave()
	}()
	return body(s)
}

// WithCancel runs body in a scope of its own, which can be cancelled through the Task that it
// passes. It returns what body returns.
func (t *Task) WithCancel(body func(t *Task) error) error {
	if err := t.check(); err != nil {
		return err
	}
	return t.within(&Task{}, body)
}

// WithTimeout runs body in a scope that is cancelled with a *TimeoutError when d has passed. It
// waits for body, and returns what body returns: where that is nil, the time was enough. A d of
// zero or less has passed already: body runs, and every wait in it fails.
func (t *Task) WithTimeout(d time.Duration, body func(t *Task) error) error {
	if err := t.check(); err != nil {
		return err
	}
	s := &Task{fiber: t.fiber}
	s.setLimit(d)
	return t.within(s, body)
}

// WithDeadline is WithTimeout for a time of the wall clock.
func (t *Task) WithDeadline(at time.Time, body func(t *Task) error) error {
	if err := t.check(); err != nil {
		return err
	}
	return t.WithTimeout(at.Sub(t.fiber.runtime.loop.Wall()), body)
}

// Shield runs body in a scope that no cancellation from outside concerns, for d at most: then it is
// cancelled with a *TimeoutError. It is for cleaning up: a Shield without an end could keep the
// whole program from ending.
func (t *Task) Shield(d time.Duration, body func(t *Task) error) error {
	if err := t.check(); err != nil {
		return err
	}
	s := &Task{fiber: t.fiber}
	s.setLimit(d)
	s.extra.Load().shield = true
	return t.within(s, body)
}

// setLimit gives the scope a deadline.
func (t *Task) setLimit(d time.Duration) {
	x := t.needExtra()
	x.span = max(d, 0)
	x.set(d)
	if d <= 0 {
		x.timer.Stop()
		t.end.Store(&ending{&TimeoutError{}})
	}
}

// setValues gives the scope values.
func (t *Task) setValues(values context.Context) {
	t.needExtra().values = values
}

// needExtra returns the extra, which it has from now on.
func (t *Task) needExtra() *extra {
	x := t.extra.Load()
	if x == nil {
		x = &extra{scope: t}
		x.timer.Init(t.fiber.runtime.loop, x)
		t.extra.Store(x)
	}
	return x
}

// SetTimeout moves the deadline of the scope that passed this Task to d from now, earlier or later,
// or gives it one. A scope that is cancelled, or has ended, stays so, and the error says by what.
// To move the deadline to a later time costs nothing but a look at the clock.
func (t *Task) SetTimeout(d time.Duration) error {
	if err := t.check(); err != nil {
		return err
	}
	if err := t.cause(); err != nil {
		return err
	}
	if d <= 0 {
		t.cancel(&ending{&TimeoutError{}})
	} else {
		t.setLimit(d)
	}
	return nil
}

// NoTimeout takes the deadline away from the scope that passed this Task. The errors are those of
// SetTimeout; and a Shield keeps its deadline.
func (t *Task) NoTimeout() error {
	if err := t.check(); err != nil {
		return err
	}
	if t.shielded() {
		return errors.New("kettle: take the deadline away from a Shield, which must have one")
	}
	if x := t.extra.Load(); x != nil {
		x.timer.Stop()
		x.unix.Store(0)
	}
	return t.cause()
}

// Cancel cancels the scope that passed this Task: every wait in it, and in the tasks of its groups,
// returns a *CancelError with the cause, until the scope is left. Only the first cancellation
// counts. It may be called from any goroutine, and does not suspend: on the loop it has happened
// when it returns, elsewhere it will soon.
func (t *Task) Cancel(cause error) {
	e := &ending{&CancelError{Cause: cause}}
	r := t.fiber.runtime
	if r.inside() {
		t.cancel(e)
		return
	}
	_ = r.loop.Post(func() { t.cancel(e) }) // a loop that is closed has no scopes
}

// WithValue runs body in a scope whose Value, and that of all scopes inside, returns value for key.
func (t *Task) WithValue(key, value any, body func(t *Task) error) error {
	if err := t.check(); err != nil {
		return err
	}
	s := &Task{fiber: t.fiber}
	s.setValues(context.WithValue(context.Background(), key, value))
	return t.within(s, body)
}

// Cancelled reports whether err is the end of the scope that passed this Task, or of one around it:
// what a wait in it returns once it is cancelled, or what it has as a context, which is what
// libraries return that heed it.
func (t *Task) Cancelled(err error) bool {
	cause := t.cause()
	return cause != nil && err != nil && only(err, cause, t.Err())
}

// only reports whether there is nothing in err but cause or plain, be it wrapped or joined with
// itself. A panic with it is more than that.
func only(err, cause, plain error) bool {
	if err == cause || err == plain {
		return true
	}
	switch e := err.(type) {
	case *PanicError:
		return false
	case interface{ Unwrap() error }:
		inner := e.Unwrap()
		return inner != nil && only(inner, cause, plain)
	case interface{ Unwrap() []error }:
		parts := e.Unwrap()
		return len(parts) > 0 && !slices.ContainsFunc(parts, func(err error) bool {
			return !only(err, cause, plain)
		})
	}
	return false
}
