package kettle

import (
	"errors"
	"fmt"
)

// Group is a scope that tasks can be started in. It ends when all of them have: no task is ever
// left behind, and no error is lost. The first failure, of a task or of the function that the
// group was passed to, cancels the others.
//
// It is a Task as well: the one of its scope.
type Group struct {
	*Task
	scope   Task
	own     extra // of the scope
	n       int   // of its tasks live
	errs    []error
	joining *fiber // waits for the others to end
	closed  bool
	done    func() // called when the last one has ended; nil but for a loop's own group
}

// Group runs body and waits for the tasks that it starts in the group, and for those that they
// start in it. It returns the errors of all that failed, as errors.Join does if there is more than
// one; a task's is a *TaskError. That they were cancelled by the failure is no failure of the
// others. If the group is cancelled from around it, and nobody failed for another reason, it
// returns that cancellation, provided that somebody was kept from ending by it.
func (t *Task) Group(body func(g *Group) error) error {
	if err := t.check(); err != nil {
		return err
	}
	g := &Group{}
	f := t.fiber
	g.init(f)
	f.open(g.Task)
	defer func() { // also if body panics
		f.scope = g.Task.parent
		g.Task.leave()
	}()
	returned := false
	defer func() {
		if !returned {
			g.Task.cancel(&ending{&CancelError{Cause: errNotReturned}})
			g.join(f)
			g.tell()
		}
	}()
	err := body(g)
	returned = true
	if err != nil {
		g.fail(err)
	}
	g.join(f)
	return g.result()
}

// init makes it a group of the fiber's. The tasks in it know it by its scope.
func (g *Group) init(f *fiber) {
	g.Task = &g.scope
	g.own.scope, g.own.group = g.Task, g
	g.own.timer.Init(f.runtime.loop, &g.own)
	g.scope.extra.Store(&g.own)
}

// errNotReturned is why the tasks of a group are cancelled whose function panics, or calls Goexit.
var errNotReturned = errors.New("the group's function panicked, or called runtime.Goexit")

// tell tells of the failures of a group that nobody will be returned.
func (g *Group) tell() {
	for _, err := range g.errs {
		if err != nil {
			g.Task.fiber.runtime.incident("run tasks of a group whose function did not return", err)
		}
	}
}

// Go starts a task in the group. It does not run before the caller suspends. The name is for
// people: it is in errors, in Dump, and in the reports of stalls. If the group is cancelled, or
// has ended, the task is not started, and the error says why. It may be called by any task of the
// loop.
func (g *Group) Go(name string, body func(t *Task) error) error {
	return g.start(name, plain(body))
}

// Body is what a task runs whose end is its own affair: see Spawn.
type Body interface {
	// Live is the task's function.
	Live(t *Task) error

	// Ended is called by the loop when the task has ended: with what Live has returned, with a
	// *PanicError or ErrGoexit if it has not, or with the cancellation of a task that could not
	// begin. It must not wait.
	Ended(err error)
}

// Spawn is Go for a task whose failure is no failure of the group: its body is told how it ends,
// in place of the group, which waits for it as for any other. It is for servers, where one of many
// must not harm the others; and a body that exists already costs no allocation, as a closure does.
// If it has a method Name() string, which any goroutine may call, that is the task's name; the one
// that is passed stands in reports of stalls.
func (g *Group) Spawn(name string, body Body) error { return g.start(name, body) }

func (g *Group) start(name string, b body) error {
	if !g.Task.fiber.runtime.loop.Inside() {
		return fmt.Errorf("start task %s: %w", name, ErrWrongGoroutine)
	}
	if err := g.refuses(); err != nil {
		return fmt.Errorf("start task %s: %w", name, err)
	}
	g.spawn(name, b)
	return nil
}

// refuses returns why no task can be started.
func (g *Group) refuses() error {
	if g.closed {
		return fmt.Errorf("the group has ended: %w", ErrClosed)
	}
	return g.Task.cause()
}

func (g *Group) spawn(name string, body body) *fiber {
	r := g.Task.fiber.runtime
	f := &fiber{runtime: r, body: body}
	f.label.Name = name
	f.label.Goroutine.Store(gone)
	f.root.fiber, f.root.parent = f, g.Task
	f.scope = &f.root
	g.Task.adopt(&f.root)
	g.n++
	r.ebb.rise(r.tasks.Add(1))
	r.loop.Ready(f)
	return f
}

// Start starts a task in the group and suspends until the task says that it is ready, by calling
// ready, or has ended. An error is the task's, who has failed before it was ready, or that it ended
// without a word (ErrClosed); it is not the group's. If the caller is cancelled meanwhile, so is
// the task, and Start waits for it as before. Only the task that the group belongs to may call it;
// ready may be called from any goroutine, such as the one of Blocking, and more than once.
func (g *Group) Start(name string, body func(t *Task, ready func()) error) error {
	f, err := g.Task.enter()
	if err == nil {
		err = g.refuses()
	}
	if err != nil {
		return fmt.Errorf("start task %s: %w", name, err)
	}
	var waiting waiters
	isReady, over := false, false
	child := g.spawn(name, plain(func(t *Task) error {
		defer func() { // also by a panic, which is the group's then
			over = true
			waiting.handOver(nil)
		}()
		failure := body(t, g.onLoop(func() {
			isReady = isReady || !over
			waiting.handOver(nil)
		}))
		if isReady {
			return failure
		}
		err = failure
		return nil
	}))
	what := "the start of task " + name
	cancelled := waiting.wait(f, what)
	if cancelled != nil {
		child.root.cancel(f.scope.end.Load())
		_ = f.mask(func() error {
			for !isReady && !over && !f.fatal {
				_ = waiting.wait(f, what)
			}
			return nil
		})
	}
	switch {
	case isReady:
		return nil
	case err != nil:
		return err
	case cancelled != nil:
		return cancelled
	}
	return fmt.Errorf("start task %s: it ended before it was ready: %w", name, ErrClosed)
}

// onLoop returns f as a function that any goroutine may call: on the loop it runs f, elsewhere it
// has the loop run it.
func (g *Group) onLoop(f func()) func() {
	r := g.Task.fiber.runtime
	return func() {
		if r.inside() {
			f()
			return
		}
		_ = r.loop.Post(f) // nobody waits on a loop that is closed
	}
}

// fail notes a failure and cancels the group.
func (g *Group) fail(err error) {
	if g.Task.Cancelled(err) {
		if len(g.errs) == 0 {
			g.errs = append(g.errs, nil) // somebody was kept from ending
		}
		return
	}
	g.errs = append(g.errs, err)
	g.Task.cancel(&ending{&CancelError{Cause: err}})
}

// ended is called when a task of the group has.
func (g *Group) ended(f *fiber, err error) {
	g.n--
	f.runtime.ebb.fall(f.runtime.tasks.Add(-1))
	if err != nil {
		g.fail(g.named(f, err))
	}
	if g.n > 0 {
		return
	}
	if g.joining != nil {
		g.joining.wake(nil)
		g.joining = nil
	}
	if g.done != nil {
		g.done()
	}
}

func (g *Group) named(f *fiber, err error) error {
	if g.done != nil || g.Task.Cancelled(err) {
		return err
	}
	return &TaskError{f.name(), err}
}

// join waits for the tasks. A cancellation does not end that: it ends the tasks. Where there are
// none it is a wait that is over at once, or fails at once.
func (g *Group) join(f *fiber) {
	around := g.Task.parent.cause()
	switch { // others may start tasks meanwhile
	case g.n > 0:
	case around != nil && !f.masked:
		f.heard(around)
	default:
		f.pass()
	}
	if g.n > 0 {
		_ = f.mask(func() error {
			for g.n > 0 && !f.fatal {
				g.joining = f
				_ = f.park("tasks of a group", g)
			}
			return nil
		})
	}
	g.closed = true
}

func (g *Group) abandon(*fiber) { g.joining = nil }

// result returns the group's error.
func (g *Group) result() error {
	kept := false
	var errs []error
	for _, err := range g.errs {
		if err == nil {
			kept = true
		} else {
			errs = append(errs, err)
		}
	}
	switch {
	case len(errs) == 1:
		return errs[0]
	case len(errs) > 1:
		return errors.Join(errs...)
	case kept:
		return g.Task.cause()
	}
	return nil
}
