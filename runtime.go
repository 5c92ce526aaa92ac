package kettle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// runtime is one loop with its tasks.
type runtime struct {
	number   int
	config   *config
	loop     *loop.Loop
	current  *fiber // that runs, nil between two
	coros    coro.Pool
	sleepers sleepers
	ebb      ebb
	over     *ending      // of scopes that have ended without having been cancelled
	tasks    atomic.Int64 // that live
	observer func(f *fiber, woken bool)

	root    Group // of main, and of what is submitted
	origin  fiber // that root belongs to; it never runs
	stuck   error // nothing could run any more
	outcome error // of Run

	offering  bool // somebody outside has a Handle
	draining  atomic.Bool
	undrained waiters
}

// maxIdleCoroutines is how many coroutines a loop keeps for tasks to come.
const maxIdleCoroutines = 1024

func newRuntime(number int, c *config) (*runtime, error) {
	r := &runtime{number: number, config: c, observer: c.observer,
		coros: coro.Pool{Max: maxIdleCoroutines},
		over:  &ending{&CancelError{Cause: errors.New("the scope has ended")}}}
	settings := loop.Config{Order: c.order(number), Stall: c.stall, OnStall: c.onStall,
		OnIncident: r.onIncident}
	if c.clock != nil {
		settings.Clock = &deadEnd{c.clock(), r}
	}
	if c.selector != nil {
		settings.Selector = c.selector()
	}
	if c.backend != "" {
		selector, err := selectors.Prefer(c.backend)
		if err != nil {
			return nil, err
		}
		if why := selector.Instead(); why != nil && number == 0 {
			slog.Warn("kettle: another selector than was asked for", "asked", c.backend,
				"used", selector.Name(), "err", why)
		}
		settings.Selector = selector
	}
	var err error
	if r.loop, err = loop.New(settings); err != nil {
		return nil, err
	}
	r.origin = fiber{runtime: r, state: parked, masked: true, scope: &r.root.scope}
	r.root.init(&r.origin)
	r.root.scope.fiber = &r.origin
	// As contexts the scopes have causes of their own, and not that of the context.
	r.root.scope.setValues(context.WithoutCancel(c.context))
	r.root.done = r.loop.End
	r.ebb.init(r)
	return r, nil
}

// after returns the wall clock's time in d, in nanoseconds; at most the last that there is.
func (r *runtime) after(d time.Duration) int64 {
	now := r.loop.Wall().UnixNano()
	return now + min(int64(d), math.MaxInt64-now)
}

// run runs main and all that comes of it. It sets outcome: the error of main, or why the loop could
// not go on.
func (r *runtime) run(main func(*Task) error) {
	r.root.spawn("main", plain(func(t *Task) error {
		defer func() { r.end(nil) }() // also by a panic
		return main(t)
	}))
	stopCancel := context.AfterFunc(r.config.context, func() {
		cause := context.Cause(r.config.context)
		_ = r.loop.Post(func() { r.end(cause) })
	})
	defer stopCancel()
	if ctx := r.config.context; ctx.Err() != nil { // before main could begin
		r.end(context.Cause(ctx))
	}
	broken := error(ErrGoexit) // by a callback: then only what is deferred is still done
	defer func() { r.outcome = r.finish(broken) }()
	broken = r.loop.Run()
}

// finish ends what is left when the loop has, and returns the outcome.
func (r *runtime) finish(broken error) error {
	err := r.loop.Close() // nobody posts any more, and waits for an answer
	if broken != nil || r.root.n > 0 {
		r.abandon(cmp.Or(broken, r.stuck))
	}
	r.root.closed = true
	r.coros.Close()
	r.config.gone(r)
	result := r.root.result()
	if broken != nil && r.root.Task.Cancelled(result) {
		result = nil // that is broken again
	}
	if r.stuck != nil && !errors.Is(result, ErrStuck) {
		broken = joined(broken, r.stuck)
	}
	return joined(broken, result, err)
}

// end ends all tasks: there will be no others, as main has ended or must.
func (r *runtime) end(cause error) {
	e := r.over
	if cause != nil {
		e = &ending{&CancelError{Cause: cause}}
	}
	r.root.Task.cancel(e)
}

// abandon ends the tasks of a loop that cannot go on, by its own goroutine: every wait of theirs
// fails, until they have ended. The tasks of a group end before the one that waits for them.
//
// What Blocking runs may still use what is its task's, and may wait for other tasks. So a task in
// Blocking comes last, and when its function has returned.
func (r *runtime) abandon(broken error) {
	r.root.Task.finishAll(&ending{&CancelError{Cause: broken}})
	for {
		finished := r.config.executor.count()
		if r.origin.abandonBelow(r.root.Task) {
			return
		}
		r.config.executor.await(finished)
	}
}

// abandonBelow ends the tasks of the groups that a scope of f, or one inside of it, has. It reports
// whether all have ended.
func (f *fiber) abandonBelow(s *Task) bool {
	all := true
	for inner, next := s.first, (*Task)(nil); inner != nil; inner = next {
		next = inner.next
		switch g := inner.fiber; {
		case !g.abandonBelow(inner):
			all = false
		case g == f: // a scope of its own, left when it ends
		case g.busy():
			all = false
		default:
			g.stop()
		}
	}
	return all
}

// busy reports whether the task waits for Blocking.
func (f *fiber) busy() bool {
	x := f.root.extra.Load()
	return x != nil && x.job != nil && !x.job.finished.Load()
}

// stop ends a task at once: see fatal.
func (f *fiber) stop() {
	if f.co == nil { // its body will not run
		f.co, f.outcome = f.runtime.coros.New(f), f.scope.cause()
	}
	f.fatal, f.state = true, running
	f.runtime.loop.Mark(&f.label)
	f.runtime.current = f
	f.co.Stop()
	f.runtime.current = nil
	f.bury()
}

// observe is called at each moment of a wait: when a task begins it, when it parks, and when it is
// woken.
func (r *runtime) observe(f *fiber, woken bool) {
	if r.observer != nil {
		r.observer(f, woken)
	}
}

// inside reports whether the loop calls it. Where goroutines cannot be told apart it is false: to
// take another goroutine for the loop would do more harm.
func (r *runtime) inside() bool { return sys.Goroutine() != 0 && r.loop.Inside() }

// incident tells of something that nobody waits for.
func (r *runtime) incident(what string, err error) {
	in := loop.Incident{What: what, Err: err}
	var panicked *PanicError
	if errors.As(err, &panicked) {
		in.Stack = panicked.Stack
	}
	r.onIncident(in)
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

// Jump ends the tasks if nothing can happen any more, first by cancelling them. If they still wait
// then, they would for ever: the loop is stopped, and abandons them.
func (c *deadEnd) Jump(d time.Duration) bool {
	r := c.runtime
	if d != selectors.Forever || !r.loop.Idle() || r.config.shared.Load() ||
		len(r.config.running()) > 1 {
		return c.Clock.Jump(d)
	}
	if r.stuck != nil {
		r.loop.Stop()
		return true
	}
	r.stuck = fmt.Errorf("%w:\n%s", ErrStuck, r.dump())
	r.end(r.stuck)
	return true
}
