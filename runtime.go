package kettle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// runtime is one loop with its tasks.
type runtime struct {
	number int
	config *config
	loop   *loop.Loop
	coros  coro.Pool
	begun  time.Time // when the loop's clock stood at zero
	over   *ending   // of scopes that have ended without having been cancelled
	tasks  int       // that live

	root   Group // of main, and of what is submitted
	origin fiber // that root belongs to; it never runs
	main   error // what it has returned
	stuck  bool  // nothing could run any more

	draining  bool
	undrained waiters
}

// maxIdleCoroutines is how many coroutines a loop keeps for tasks to come.
const maxIdleCoroutines = 1024

func newRuntime(number int, c *config) (*runtime, error) {
	r := &runtime{number: number, config: c, coros: coro.Pool{Max: maxIdleCoroutines},
		over: &ending{&CancelError{Cause: errors.New("the scope has ended")}}}
	settings := loop.Config{Order: c.order(number), Stall: c.stall, OnStall: c.onStall,
		OnIncident: r.onIncident}
	if c.clock != nil {
		settings.Clock = &deadEnd{c.clock(), r}
	}
	if c.backend != "" {
		selector, err := selectors.Open(c.backend)
		if err != nil {
			return nil, err
		}
		settings.Selector = selector
	}
	var err error
	if r.loop, err = loop.New(settings); err != nil {
		return nil, err
	}
	r.begun = time.Now().Add(-r.loop.Now())
	r.origin = fiber{runtime: r, state: parked, masked: true, scope: &r.root.scope}
	r.root.Task = &r.root.scope
	r.root.scope.fiber = &r.origin
	r.root.scope.setValues(c.context)
	r.root.done = r.loop.Stop
	return r, nil
}

// wall returns a time of the loop's clock as one of the wall clock, in nanoseconds.
func (r *runtime) wall(at time.Duration) int64 { return r.begun.Add(at).UnixNano() }

// run runs main and all that comes of it, and returns the error of main, or why the loop could not
// go on.
func (r *runtime) run(main func(*Task) error) (err error) {
	r.root.spawn("main", func(t *Task) error {
		defer func() { r.end(nil) }() // also by a panic
		return main(t)
	})
	stopCancel := context.AfterFunc(r.config.context, func() {
		cause := context.Cause(r.config.context)
		_ = r.loop.Post(func() { r.end(cause) })
	})
	defer stopCancel()
	if broken := r.loop.Run(); broken != nil {
		r.abandon(broken)
		err = broken
	}
	r.root.closed = true
	r.coros.Close()
	r.config.gone(r)
	return errors.Join(err, r.root.result(), r.loop.Close())
}

// end ends all tasks: there will be no others, as main has ended or must.
func (r *runtime) end(cause error) {
	e := r.over
	if cause != nil {
		e = &ending{&CancelError{Cause: cause}}
	}
	r.root.Task.cancel(e)
}

// abandon ends the tasks of a loop that cannot go on. Each has its waits fail until it has ended,
// the tasks of a group before the one that waits for them.
func (r *runtime) abandon(broken error) {
	r.end(broken)
	r.origin.abandonBelow(r.root.Task)
}

// abandonBelow ends the tasks of the groups that a scope of f, or one inside of it, has.
func (f *fiber) abandonBelow(s *Task) {
	for inner := s.first; inner != nil; inner = s.first {
		if inner.fiber == f {
			f.abandonBelow(inner)
			return // it is f's own, and left when f has ended
		}
		inner.fiber.abandonBelow(inner)
		inner.fiber.stop()
	}
}

// stop ends a task at once: see fatal.
func (f *fiber) stop() {
	if f.co == nil {
		f.co = f.runtime.coros.New(f)
	}
	f.fatal, f.state = true, running
	f.co.Stop()
	f.bury()
}

// incident tells of something that nobody waits for.
func (r *runtime) incident(what string, err error) {
	r.onIncident(loop.Incident{What: what, Err: err})
}

func (r *runtime) onIncident(in loop.Incident) {
	if r.config.onIncident != nil {
		r.config.onIncident(in)
		return
	}
	slog.Error("kettle: "+in.What, "err", in.Err, "stack", string(in.Stack))
}

// deadEnd is a clock that can jump, and notices when there is nothing to jump to: no timer is set,
// and nobody outside knows of the loop.
type deadEnd struct {
	loop.Clock
	runtime *runtime
}

// Jump ends the tasks if nothing can happen any more.
func (c *deadEnd) Jump(d time.Duration) bool {
	r := c.runtime
	if d != selectors.Forever || r.stuck || !r.loop.Idle() || r.config.shared.Load() {
		return c.Clock.Jump(d)
	}
	r.stuck = true
	r.end(fmt.Errorf("%w:\n%s", ErrStuck, r.dump()))
	return true
}
