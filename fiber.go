package kettle

import (
	"errors"
	goruntime "runtime"
	"runtime/debug"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
)

// fiber is a task: its coroutine, and what it waits for. Tasks of different scopes point to it.
//
//	         spawn            resume             wake, interrupt
//	(new) ────────▶ ready ──────────▶ running ◀─────────────┐
//	                  ▲                 │  │                 │
//	                  │                 │  └──▶ ended        │
//	                  └───── parked ◀───┘ park               │
//	                            └────────── ready ───────────┘
//
// Only the loop resumes it. Whoever has what it waits for wakes it, which makes it ready: it runs
// in the fifth phase of the turn. Between the two it is not to be taken back: a value that was
// handed over is never lost to a cancellation that comes later.
type fiber struct {
	// What each switch touches stands together, in as few lines of the cache as possible.
	runtime *runtime
	co      *coro.Coro // nil before it first runs, and after it has ended
	scope   *Task      // the innermost one
	state   state
	masked  bool  // cancellation does not end the wait
	fatal   bool  // its coroutine was stopped: every wait fails at once
	turns   int32 // it may still pass before it gives way: see pass
	label   loop.Label
	waiting waiting
	outcome error // of the wait, and at last of body
	deaf    int32 // waits in a row that failed as the scope is cancelled
	slot    int32 // what it was handed, where that is a number
	root    Task  // the outermost scope

	what string // it waits for, for Dump

	before, behind *fiber // in the queue that it waits in

	body body
}

// body is what a task runs. One that is a Body is told how it ends, in place of the group.
type body interface{ Live(t *Task) error }

// plain is a function as a body.
type plain func(*Task) error

// Live calls f.
func (f plain) Live(t *Task) error { return f(t) }

// reporting is a function as a Body.
type reporting struct {
	plain
	report func(err error)
}

// Ended calls report.
func (r *reporting) Ended(err error) { r.report(err) }

// named is a body that knows its name, so that nobody has to keep it.
type named interface{ Name() string }

// name returns the name of the task. Any goroutine may call it.
func (f *fiber) name() string {
	if b, ok := f.body.(named); ok {
		return b.Name()
	}
	return f.label.Name
}

type state uint8

const (
	ready state = iota
	running
	parked
	ended
)

// waiting is what a parked fiber waits for.
type waiting interface {
	abandon(f *fiber) // f does not wait for it any more
}

const (
	// budget is how many waits a task may pass that are over at once, until it gives way: tasks
	// that always find what they want cannot keep out the others.
	budget = 128

	// deafness is how many waits of a task may fail in a row by its scope's cancellation until it
	// is told of: most likely it ignores the errors, and would never end.
	deafness = 1000

	// gone stands in place of a goroutine's number where the task has none: it has ended, or has
	// not begun.
	gone = 1
)

// Live is the coroutine.
func (f *fiber) Live(co *coro.Coro) {
	f.label.Goroutine.Store(co.Goroutine())
	f.outcome = f.body.Live(&f.root)
}

// Run lets the task run until it waits again, or ends. The loop calls it.
func (f *fiber) Run() {
	if f.state != ready {
		return
	}
	if f.co == nil {
		f.co = f.runtime.coros.New(f)
	}
	r := f.runtime
	r.loop.Mark(&f.label)
	f.state, f.turns, r.current = running, budget, f
	f.co.Switch()
	r.current = nil
	if f.co.Ended() {
		f.bury()
	}
}

// bury ends the task.
func (f *fiber) bury() {
	f.co.Settle()
	err := f.outcome
	if failure := f.co.Failure(); failure != nil {
		err = failed(failure)
	}
	f.label.Goroutine.Store(gone)
	f.state = ended
	f.runtime.coros.Put(f.co)
	f.co, f.outcome = nil, nil
	f.root.leave()
	group := f.root.parent.extra.Load().group
	if b, ok := f.body.(Body); ok {
		defer group.ended(f, nil) // also if b calls Goexit
		f.tell(b, err)
		return
	}
	group.ended(f, err)
}

// tell tells a body that its task has ended. If it panics that harms nobody, also where the loop is
// over that would go on after it.
func (f *fiber) tell(b Body, err error) {
	defer func() {
		if v := recover(); v != nil {
			f.runtime.incident("tell task "+f.name()+" of its end",
				&PanicError{v, debug.Stack()})
		}
	}()
	b.Ended(err)
}

// failed returns the error of a task that did not end by returning.
func failed(failure *coro.Failure) error {
	if failure.Goexit() {
		return ErrGoexit
	}
	if elsewhere, ok := failure.Value.(*PanicError); ok {
		return elsewhere // in Blocking, with the stack that matters
	}
	return &PanicError{failure.Value, failure.Stack}
}

// check returns ErrWrongGoroutine unless the task's own function calls it.
func (t *Task) check() error {
	if sys.Goroutine() != t.fiber.label.Goroutine.Load() {
		return ErrWrongGoroutine
	}
	return nil
}

// enter begins every function that may suspend: it is called by the task's own function, and its
// scope is not cancelled.
func (t *Task) enter() (*fiber, error) {
	f := t.fiber
	if sys.Goroutine() != f.label.Goroutine.Load() {
		return nil, ErrWrongGoroutine
	}
	f.runtime.observe(f, false)
	if e := f.scope.end.Load(); e != nil && !f.masked {
		f.heard(e.err)
		return nil, e.err
	}
	f.deaf = 0
	return f, nil
}

// heard counts the waits that fail by a cancellation. A task that goes on as if nothing had
// happened would hold the loop for ever: it gives way now and then, and is told of once. Where the
// loop cannot go on, there is nobody to give way to: the task is ended where it is.
func (f *fiber) heard(cause error) {
	if f.deaf++; f.deaf%deafness != 0 {
		return
	}
	if f.deaf == deafness {
		f.runtime.incident("cancel task "+f.name(), errors.Join(
			errors.New("it goes on, although its waits fail"), cause))
	}
	if f.fatal {
		goruntime.Goexit()
	}
	f.giveWay()
}

// park suspends the task until it is woken, and returns what with. It has been entered.
func (f *fiber) park(what string, w waiting) error {
	f.rest(what, w)
	if !f.co.Yield() {
		return f.stopped()
	}
	return f.outcome
}

// rest notes what the task waits for from here on.
func (f *fiber) rest(what string, w waiting) {
	f.what, f.waiting, f.state = what, w, parked
	f.runtime.observe(f, false)
}

// stopped is the end of every wait of a task whose loop cannot go on.
func (f *fiber) stopped() error {
	f.fatal, f.state = true, running
	if f.waiting == nil { // it was woken before: what it was handed it has
		return f.outcome
	}
	f.waiting.abandon(f)
	f.waiting = nil
	return f.scope.cause()
}

// wake ends the wait of a parked task.
func (f *fiber) wake(outcome error) {
	f.waiting, f.outcome, f.state = nil, outcome, ready
	f.runtime.observe(f, true)
	f.runtime.loop.Ready(f)
}

// interrupt ends the wait by a cancellation, if there is one that can be ended.
func (f *fiber) interrupt(cause error) {
	if f.state != parked || f.masked {
		return
	}
	f.waiting.abandon(f)
	f.wake(cause)
}

// giveWay suspends the task until everybody else who is ready has had a turn.
func (f *fiber) giveWay() {
	f.wake(nil)
	if !f.co.Yield() {
		f.fatal, f.state = true, running
	}
}

// pass is called where a wait is over at once. Now and then it gives way.
func (f *fiber) pass() {
	if f.turns--; f.turns <= 0 {
		f.giveWay()
	}
}

// mask runs wait, which may suspend, so that no cancellation ends it.
func (f *fiber) mask(wait func() error) error {
	before := f.masked
	f.masked = true
	defer func() { f.masked = before }()
	return wait()
}
