package kettle

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/loop"
)

// Task is the hand that holds a task: who has it is in a coroutine on an event loop, and may wait.
// Every function that may suspend takes one. It also is a context.Context, so it goes wherever Go
// wants one.
//
// Each scope (a time-out, a group, a shield) passes its own Task to its function. They stand for
// the same task, and it does not matter which of them a wait is called with: it obeys the innermost
// scope that the task is in at that moment. As contexts they differ: each is done when its own
// scope is cancelled, or has ended.
//
// The methods of context.Context and AfterFunc may be called from any goroutine. All others are for
// the task's own function: on any other goroutine those that may suspend return
// ErrWrongGoroutine.
type Task struct {
	end    atomic.Pointer[ending] // nil until it is cancelled or has ended
	fiber  *fiber
	parent *Task // the scope around it; nil for that of a whole loop

	// The scopes inside of it: at most one of the same task, and those of tasks of its groups.
	first, next, prev *Task

	watched atomic.Pointer[watchers]
	extra   atomic.Pointer[extra]
}

// ending is how a scope came to be done.
type ending struct {
	err error // what waits return: a *CancelError or a *TimeoutError
}

// watchers are those on other goroutines who wait for the end of a scope.
type watchers struct {
	mu    sync.Mutex
	over  bool
	done  chan struct{}
	funcs map[*func()]struct{} // to be called in no order, each on its own goroutine
}

var _ context.Context = (*Task)(nil)

// cause returns the error that waits in this scope return, nil if they may wait. Loop only.
func (t *Task) cause() error {
	if e := t.end.Load(); e != nil {
		return e.err
	}
	return nil
}

// finish makes the scope done; only the first time counts. What it is done by is passed to the
// scopes inside by whoever calls it: see cancel.
func (t *Task) finish(e *ending) {
	if !t.end.CompareAndSwap(nil, e) {
		return
	}
	if w := t.watched.Load(); w != nil {
		w.tell()
	}
}

// tell tells the watchers that the scope is done.
func (w *watchers) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	w.over = true
	close(w.done)
	for f := range w.funcs {
		go (*f)()
	}
	w.funcs = nil
}

// watch returns the watchers. If the scope is done, they have been told.
func (t *Task) watch() *watchers {
	w := t.watched.Load()
	if w == nil {
		w = &watchers{done: make(chan struct{})}
		if !t.watched.CompareAndSwap(nil, w) {
			w = t.watched.Load()
		}
	}
	if t.end.Load() != nil { // perhaps before finish could see the watchers
		w.tell()
	}
	return w
}

// Done returns a channel that is closed when the scope is cancelled or has ended. It may be called
// from any goroutine. A task must not receive from it, which would block its whole loop; it need
// not, as each of its waits fails then.
func (t *Task) Done() <-chan struct{} { return t.watch().done }

// Err returns nil until Done is closed, then context.Canceled or context.DeadlineExceeded. It may
// be called from any goroutine.
func (t *Task) Err() error {
	e := t.end.Load()
	if e == nil {
		return nil
	}
	if _, late := e.err.(*TimeoutError); late {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// Cause returns why the scope is done: the error that waits in it return; nil until then. It may be
// called from any goroutine.
func (t *Task) Cause() error { return t.cause() }

// Deadline returns when the scope, or one around it that concerns it, times out. If the deadline is
// moved the next call returns the new one. It may be called from any goroutine.
func (t *Task) Deadline() (deadline time.Time, ok bool) {
	for s := t; s != nil; s = s.parent {
		if x := s.extra.Load(); x != nil {
			if at := x.wall(); !at.IsZero() && (!ok || at.Before(deadline)) {
				deadline, ok = at, true
			}
		}
		if s.shielded() {
			break
		}
	}
	return deadline, ok
}

// Value returns the value for the key of the innermost scope that has one, see WithValue, or else
// of Run's context, see Context. It may be called from any goroutine.
func (t *Task) Value(key any) any {
	for s := t; s != nil; s = s.parent {
		x := s.extra.Load()
		if x == nil || x.values == nil {
			continue
		}
		if v := x.values.Value(key); v != nil {
			return v
		}
	}
	return nil
}

// AfterFunc calls f on a goroutine of its own when the scope is done. Stop takes it back, and
// reports whether it was in time. Contexts that are derived from a Task use it, so that they need
// no goroutine. It may be called from any goroutine.
func (t *Task) AfterFunc(f func()) (stop func() bool) {
	w := t.watch()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		go f()
		return func() bool { return false }
	}
	if w.funcs == nil {
		w.funcs = make(map[*func()]struct{})
	}
	w.funcs[&f] = struct{}{}
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		_, waiting := w.funcs[&f]
		delete(w.funcs, &f)
		return waiting
	}
}

// Stats are what a task's loop stands on, its counts, and how many tasks it has.
type Stats struct {
	loop.Stats
	Tasks int // that have not ended
}

// Stats returns the counts of the task's loop. It may be called from any goroutine.
func (t *Task) Stats() Stats {
	r := t.fiber.runtime
	return Stats{r.loop.Stats(), int(r.tasks.Load())}
}

// Report tells of something that went wrong where nobody waits for an error: see OnIncident. What
// was being done comes first. It may be called from any goroutine.
func (t *Task) Report(what string, err error) { t.fiber.runtime.incident(what, err) }

// Name returns the name of the task.
func (t *Task) Name() string { return t.fiber.name() }

// Loop returns the number of the task's loop, from 0: see Loops.
func (t *Task) Loop() int { return t.fiber.runtime.number }
