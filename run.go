package kettle

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/loop"
)

// Run runs main as a task on an event loop, and returns when main, and every task that came of it,
// has ended. It returns main's error, a panic included. It blocks the goroutine that calls it, and
// does not use it: the loop has one of its own.
//
// When main returns, what others have submitted is cancelled.
func Run(main func(t *Task) error, options ...Option) error {
	c := &config{context: context.Background(), loops: 1, stall: defaultStall,
		giveBack: giveBack}
	for _, option := range options {
		option(c)
	}
	var all []*runtime
	for i := range max(1, c.loops) {
		r, err := newRuntime(i, c)
		if err != nil {
			for _, r := range all {
				err = errors.Join(err, r.loop.Close())
			}
			return err
		}
		all = append(all, r)
	}
	return c.run(all, main)
}

// run runs main on all loops. Where it fails on one the others are cancelled.
func (c *config) run(all []*runtime, main func(t *Task) error) error {
	ctx, cancel := context.WithCancelCause(c.context)
	defer cancel(nil)
	c.context = ctx
	c.executor.init(maxBlocking)
	c.all = slices.Clone(all)
	stop := c.signals()
	defer stop()
	var wg sync.WaitGroup
	for _, r := range all {
		wg.Go(func() {
			defer func() { // also if a callback calls Goexit
				if r.outcome != nil {
					cancel(r.outcome)
				}
			}()
			r.run(main)
		})
	}
	wg.Wait()
	c.executor.wait()
	return outcome(all)
}

// outcome returns the errors of the loops. Those that have done nothing but end as they were
// cancelled, by the failure of another or from outside, count as one, and only if nobody failed.
func outcome(all []*runtime) error {
	var cancelled error
	var failures []error
	for _, r := range all {
		switch err := r.outcome; {
		case err == nil:
		case err != r.root.Task.cause():
			failures = append(failures, err)
		case cancelled == nil:
			cancelled = err
		}
	}
	if len(failures) == 0 {
		return cancelled
	}
	return joined(failures...)
}

// joined is errors.Join, but that an error that is alone stays what it is.
func joined(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// config is what the options say, and what the loops of a Run share.
type config struct {
	context    context.Context
	loops      int
	backend    string
	clock      func() loop.Clock
	seed       *uint64
	stall      time.Duration
	onStall    func(loop.Stall)
	onIncident func(loop.Incident)
	drainOn    []os.Signal
	grace      time.Duration
	dumpOn     []os.Signal

	shared   atomic.Bool // somebody outside can reach the tasks
	drained  atomic.Bool // Drain was called
	executor executor

	// For tests.
	observer func(f *fiber, woken bool) // of each moment of a wait: see observe
	selector func() loop.Selector
	giveBack func() // memory

	mu  sync.Mutex
	all []*runtime // that run
}

// gone takes a loop out of those that run.
func (c *config) gone(r *runtime) {
	c.mu.Lock()
	for i := range c.all {
		if c.all[i] == r {
			c.all[i] = nil
		}
	}
	c.mu.Unlock()
	for _, other := range c.running() {
		_ = other.loop.Post(func() {}) // perhaps it waits for nobody now: see deadEnd
	}
}

// running returns the loops that run.
func (c *config) running() []*runtime {
	c.mu.Lock()
	defer c.mu.Unlock()
	var some []*runtime
	for _, r := range c.all {
		if r != nil {
			some = append(some, r)
		}
	}
	return some
}

// order returns the source of the order of loop i, nil for the order in which things became due.
func (c *config) order(i int) *rand.Rand {
	if c.seed == nil {
		return nil
	}
	return rand.New(rand.NewPCG(*c.seed, uint64(i)))
}

const (
	// defaultStall is how long a turn may take until it is told of: what people notice.
	defaultStall = 100 * time.Millisecond

	// maxBlocking is how many functions Blocking runs at a time: enough to keep slow disks and
	// databases busy, and few enough not to bury them.
	maxBlocking = 64
)

// Option is an option of Run.
type Option func(*config)

// Context has Run end its tasks when ctx is cancelled, with its cause, and Task.Value look there.
func Context(ctx context.Context) Option { return func(c *config) { c.context = ctx } }

// Loops has main run on n loops, each on a goroutine of its own, with nothing in common. Which one
// it is on, main learns from Task.Loop. If it fails on one it is cancelled on the others; Run
// returns when all have ended.
func Loops(n int) Option { return func(c *config) { c.loops = n } }

// Backend has the loops wait with the selector of that name: see selectors.Candidates. Without it
// they wait with selectors.Default. Where there can be no "io_uring" they do so too: a line in the
// log, with log/slog, and Stats say why.
func Backend(name string) Option { return func(c *config) { c.backend = name } }

// Clock has each loop go by a clock that clock returns. With one that can jump, as looptest's does,
// a Run of one loop ends with ErrStuck where it would wait for ever, unless somebody outside has a
// Handle, or there is DrainOn. Such a clock stands still while Blocking is under way: what that
// waits for, be it a task that it has submitted, must not wait for the time.
func Clock(clock func() loop.Clock) Option { return func(c *config) { c.clock = clock } }

// Seed has the tasks that are ready at once run in an order that is shuffled, and the same for the
// same seed: for tests of what must not depend on the order.
func Seed(seed uint64) Option { return func(c *config) { c.seed = &seed } }

// Executor has run called with each function that Blocking is to run, in place of a goroutine of
// the pool. It is called on the loop, and must see to it that work is called once, on whatever
// goroutine, now or later; how many run at a time is its affair. For tests: with one that calls
// work at once, a Seed orders all that there is.
func Executor(run func(work func())) Option {
	return func(c *config) { c.executor.run = run }
}

// OnStall has f called, on another goroutine, when a turn of a loop has lasted longer than limit,
// while it still does. Without it, a turn of more than 100 ms is logged with log/slog. A limit of 0
// turns that off.
func OnStall(limit time.Duration, f func(loop.Stall)) Option {
	return func(c *config) { c.stall, c.onStall = limit, f }
}

// OnIncident has f called with what goes wrong where nobody waits for an error: on a loop, but if
// it is that a loop could not be woken, or comes of Task.Report, on the goroutine that tells of it.
// Without it that is logged with log/slog.
func OnIncident(f func(loop.Incident)) Option { return func(c *config) { c.onIncident = f } }
