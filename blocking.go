package kettle

import (
	"context"
	"runtime/debug"
	"sync"
)

// Blocking runs f on another goroutine, suspends the task until it has returned, and returns what it
// has. It is for what would block the loop: files, databases, resolvers, computations, and every
// library that knows nothing of loops. At most 64 run at a time, on all loops of a Run; others
// wait their turn.
//
// F gets the task's scope as a context. When that is cancelled, Blocking still waits until f returns,
// and returns what f has: nothing that f did is lost, and no goroutine left behind. So f should
// heed its context. What the task owns, f may use meanwhile, as the task does not run. A panic in
// f is one of the task.
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
	fb.runtime.execute(j)
	if j.panicked != nil {
		panic(j.panicked)
	}
	if j.err != nil {
		return result, j.err
	}
	return result, failure
}

// job is work for another goroutine.
type job struct {
	fiber    *fiber
	work     func()
	panicked *PanicError
	err      error // it never ran
	done     bool
}

// execute has a job done and suspends its task until then.
func (r *runtime) execute(j *job) {
	r.loop.Outside(1)
	r.config.executor.add(j)
	_ = j.fiber.mask(func() error {
		for !j.done && !j.fiber.fatal {
			_ = j.fiber.park("Blocking", j)
		}
		return nil
	})
	r.loop.Outside(-1)
	if !j.done { // the loop cannot go on, and will never hear of the end
		j.err = r.over.err
	}
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
		_ = j.fiber.runtime.loop.PostRunner(j) // a loop that is closed has no task that waits
	}()
	j.work()
	returned = true
}

// executor runs jobs on goroutines, a bounded number at a time. It may be used from any goroutine.
type executor struct {
	mu    sync.Mutex
	max   int
	n     int // goroutines
	queue []*job
	all   sync.WaitGroup
}

// add has a job done as soon as there is a goroutine for it.
func (e *executor) add(j *job) {
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

// next returns the job that has waited longest; without one there is a goroutine less.
func (e *executor) next() *job {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		e.n--
		return nil
	}
	j := e.queue[0]
	e.queue[0] = nil
	e.queue = e.queue[1:]
	return j
}

// wait waits until all goroutines have ended.
func (e *executor) wait() { e.all.Wait() }
