package kettle

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
)

// Blocking runs f on another goroutine, suspends the task until it has returned, and returns what
// it has. It is for what would block the loop: files, databases, resolvers, computations, and
// every library that knows nothing of loops. At most 64 run at a time, on all loops of a Run;
// others wait their turn.
//
// F gets the task's scope as a context. When that is cancelled, Blocking still waits until f
// returns, and returns what f has: nothing that f did is lost, and no goroutine left behind. So f
// should heed its context. Only if f has not begun, as it waits its turn, it never will. What the
// task owns, f may use meanwhile, as the task does not run. A panic in f is one of the task.
func Blocking[T any](t *Task, f func(ctx context.Context) (T, error)) (T, error) {
	fb, err := t.enter()
	if err != nil {
		var zero T
		return zero, err
	}
	j := &job{fiber: fb}
	var result T
	var failure error
	scope := fb.scope
	j.work = func() { result, failure = f(scope) }
	if err := fb.runtime.execute(j); err != nil {
		return result, err
	}
	if j.panicked != nil {
		panic(j.panicked)
	}
	return result, failure
}

// Blocking is the function of that name, for what has no result but its error.
func (t *Task) Blocking(f func(ctx context.Context) error) error {
	_, err := Blocking(t, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// job is work for another goroutine.
type job struct {
	fiber    *fiber
	work     func()
	panicked *PanicError
	finished atomic.Bool
	done     bool // the loop knows that it has finished
}

// execute has a job done and suspends its task until then. An error is the cancellation of the task
// before the job has begun. Where the loop cannot go on, the task is not ended before the job is
// done either: see abandon.
func (r *runtime) execute(j *job) error {
	f := j.fiber
	f.root.needExtra().job = j
	r.loop.Outside(1)
	defer func() {
		r.loop.Outside(-1)
		f.root.extra.Load().job = nil
	}()
	r.config.executor.add(j)
	if err := f.park("Blocking", j); err != nil && r.config.executor.remove(j) {
		return err
	}
	return f.mask(func() error {
		for !j.done && !f.fatal {
			_ = f.park("Blocking", j)
		}
		return nil
	})
}

func (j *job) abandon(*fiber) {}

// Run is called by the loop when the work is done.
func (j *job) Run() {
	j.done = true
	if j.fiber.state == parked {
		j.fiber.wake(nil)
	}
}

// do does the work, on a goroutine of the executor.
func (j *job) do() {
	returned := false
	defer func() {
		if !returned {
			j.panicked = &PanicError{Value: recover(), Stack: debug.Stack()}
			if j.panicked.Value == nil {
				j.panicked.Value = ErrGoexit
			}
		}
		j.finished.Store(true)
		_ = j.fiber.runtime.loop.PostRunner(j) // a loop that is closed has no task that waits
	}()
	j.work()
	returned = true
}

// executor runs jobs on goroutines, a bounded number at a time. It may be used from any goroutine.
type executor struct {
	run      func(work func()) // what runs the jobs instead; nil is what follows
	mu       sync.Mutex
	max      int
	n        int // goroutines
	queue    []*job
	finished int       // jobs
	more     sync.Cond // of them
	all      sync.WaitGroup
}

func (e *executor) init(most int) { e.max, e.more.L = most, &e.mu }

// add has a job done as soon as there is a goroutine for it.
func (e *executor) add(j *job) {
	if e.run != nil {
		e.all.Add(1)
		e.run(func() {
			defer e.all.Done()
			defer e.finish()
			j.do()
		})
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n == e.max {
		e.queue = append(e.queue, j)
		return
	}
	e.n++
	e.all.Add(1)
	go e.work(j)
}

// remove takes back a job that has not begun, and reports whether it could.
func (e *executor) remove(j *job) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.Index(e.queue, j)
	if i < 0 {
		return false
	}
	e.queue = slices.Delete(e.queue, i, i+1)
	return true
}

// work does a job, and those that wait then.
func (e *executor) work(j *job) {
	defer e.all.Done()
	for ; j != nil; j = e.next() {
		e.doSafely(j)
	}
}

// doSafely does a job on a goroutine that Goexit may take away.
func (e *executor) doSafely(j *job) {
	returned := false
	defer func() {
		if !returned {
			e.all.Add(1)
			go e.work(e.next()) // in place of this goroutine, which ends here
		}
	}()
	j.do()
	returned = true
}

// finish counts a job that is finished.
func (e *executor) finish() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finished++
	e.more.Broadcast()
}

// next is called when a job is finished. It returns the one that has waited longest; without one
// there is a goroutine less.
func (e *executor) next() *job {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finished++
	e.more.Broadcast()
	if len(e.queue) == 0 {
		e.n--
		return nil
	}
	j := e.queue[0]
	e.queue[0] = nil
	e.queue = e.queue[1:]
	return j
}

// count returns how many jobs have finished.
func (e *executor) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.finished
}

// await waits until more than n jobs have finished.
func (e *executor) await(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.finished <= n {
		e.more.Wait()
	}
}

// wait waits until all goroutines have ended.
func (e *executor) wait() { e.all.Wait() }
