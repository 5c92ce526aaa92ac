package kettle

import (
	"errors"
	"io"
	"iter"
	"strconv"
	"time"
)

// Gather runs the functions as tasks of a Group, all at once, and returns what they have returned,
// in the order of the arguments. The first that fails cancels the others; Gather waits for them,
// and its error is that of the Group: the *TaskError of each that failed has the name "Gather 0"
// for the first argument, and so on.
//
// After an error too, the slice has what each has returned: the others may have something that
// must be closed.
func Gather[T any](t *Task, fns ...func(t *Task) (T, error)) ([]T, error) {
	f, err := t.enter()
	if err != nil {
		return nil, err
	}
	if len(fns) == 0 {
		f.pass()
		return nil, nil
	}
	results := make([]T, len(fns))
	err = t.Group(func(g *Group) error {
		for i, fn := range fns {
			err := g.Go("Gather "+strconv.Itoa(i), func(t *Task) (err error) {
				results[i], err = fn(t)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return results, err
}

// The causes of the cancellation of functions whose results nobody wants any more.
var (
	errWon       = errors.New("another one has won the race")
	errBrokenOff = errors.New("the loop over their results was left")
)

// Race runs the functions as tasks until one succeeds, and returns what that has returned. They
// start one after the other, as attempts to connect to the addresses of a server do: the next when
// delay has passed, or at once when one has failed. A delay of zero or less starts all at once;
// one longer than any attempt lets each wait for the failure of the one before.
//
// The first success cancels the others in the same step. Race waits for them, so it leaves nothing
// behind. One of them may have what it wanted already, and succeed all the same: then its value is
// closed if it is an io.Closer, and dropped if not. (So they must not return the same one.) A
// function whose scope is not cancelled when it returns a value, with Cause still nil, is the one
// that wins. That one of the others panicked is an incident: see OnIncident.
//
// If all fail, the error joins theirs, each a *TaskError with the name "Race 0" for the first
// argument, and so on. Those that failed by the cancellation of the task share that as one error.
// With no functions there is nobody to win, which is an error too.
func Race[T any](t *Task, delay time.Duration, fns ...func(t *Task) (T, error)) (T, error) {
	var zero T
	f, err := t.enter()
	if err != nil {
		return zero, err
	}
	if len(fns) == 0 {
		f.pass()
		return zero, errors.New("kettle: a Race of no functions")
	}
	a := newAttempts("Race", fns)
	winner := -1
	_ = t.Group(func(g *Group) error { // no failure is the group's
		a.succeeded = func(i int) {
			if winner < 0 {
				winner = i
				g.Task.cancel(&ending{&CancelError{Cause: errWon}})
			}
		}
		a.stagger(g, f, delay)
		return nil
	})
	if winner < 0 {
		return zero, a.failure(f)
	}
	for _, i := range a.ended {
		if i != winner {
			a.discard(f, i)
		}
	}
	return a.results[winner].Result()
}

// AsCompleted runs the functions as tasks, all at once, and yields the result of each when it has
// ended, in that order: the index of the function, and a Future that has its result. A function
// that fails or panics concerns no other.
//
//	for i, result := range kettle.AsCompleted(t, fns...) {
//		v, err := result.Result()
//		...
//	}
//
// Between two results the task is suspended. If it is cancelled so are the functions, and what
// they return then is still yielded. To leave the loop early cancels those that have not ended,
// and waits for them; values that were not yielded are closed if they are io.Closers, and dropped
// if not.
//
// The body of the loop runs in a scope of its own. If the functions cannot be started, as the task
// is cancelled already, each has that as its result. Each loop runs the functions anew.
func AsCompleted[T any](t *Task, fns ...func(t *Task) (T, error)) iter.Seq2[int, *Future[T]] {
	return func(yield func(int, *Future[T]) bool) {
		f, err := t.enter()
		if err != nil {
			for i := range fns {
				result := new(Future[T])
				result.Reject(err)
				if !yield(i, result) {
					return
				}
			}
			return
		}
		if len(fns) == 0 {
			f.pass()
			return
		}
		a := newAttempts("AsCompleted", fns)
		seen := 0
		defer func() { // also if the body panics
			for _, i := range a.ended[seen:] {
				a.discard(f, i)
			}
		}()
		_ = t.Group(func(g *Group) error { // no failure is the group's
			for a.start(g) {
			}
			for seen < a.started && a.await(f, seen) {
				i := a.ended[seen]
				seen++
				if !yield(i, &a.results[i]) {
					g.Task.cancel(&ending{&CancelError{Cause: errBrokenOff}})
					break
				}
			}
			return nil
		})
	}
}

// attempts are tasks of a group whose failures are none of the group's: each reports how it ends
// here. Who started them waits for the next one to end, one task for all of them.
type attempts[T any] struct {
	name      string
	fns       []func(t *Task) (T, error)
	results   []Future[T]
	started   int         // the first of fns have been
	ended     []int       // in the order in which they did
	succeeded func(i int) // called in the same step; may be nil
	waiting   waiters     // for the next one to end
}

func newAttempts[T any](name string, fns []func(t *Task) (T, error)) *attempts[T] {
	return &attempts[T]{name: name, fns: fns, results: make([]Future[T], len(fns))}
}

// start starts the next function, and returns false if it was the last one or the group refuses
// it.
func (a *attempts[T]) start(g *Group) bool {
	i := a.started
	if i == len(a.fns) || g.refuses() != nil {
		return false
	}
	a.started++
	var v T
	g.spawn(a.name+" "+strconv.Itoa(i), &reporting{
		func(t *Task) (err error) {
			v, err = a.fns[i](t)
			return err
		},
		func(err error) { a.end(i, v, err) },
	})
	return true
}

// end notes how a function has ended, and tells who waits for that.
func (a *attempts[T]) end(i int, v T, err error) {
	a.ended = append(a.ended, i)
	if err != nil {
		a.results[i].Reject(err)
	} else if a.results[i].Resolve(v); a.succeeded != nil {
		a.succeeded(i)
	}
	a.waiting.handOver(nil)
}

// await suspends the task until more than seen functions have ended. A cancellation does not end
// that: it ends the functions. It returns false if the loop cannot go on.
func (a *attempts[T]) await(f *fiber, seen int) bool {
	for len(a.ended) <= seen && !f.fatal {
		_ = a.waiting.wait(f, a.name)
	}
	return len(a.ended) > seen
}

// stagger starts the functions one after the other, and returns when all have failed, or one has
// succeeded, or the task is cancelled. Each failure that it sees starts one more.
func (a *attempts[T]) stagger(g *Group, f *fiber, delay time.Duration) {
	next := func(*Task) error { return a.waiting.wait(f, a.name) }
	for seen := 0; seen < len(a.fns); {
		a.start(g)
		all := a.started == len(a.fns)
		switch {
		case g.Cause() != nil: // won, or cancelled from around
			return
		case len(a.ended) > seen: // more than one had ended when the task was woken
		case all:
			_ = next(nil)
		case delay > 0:
			_ = g.WithTimeout(delay, next)
		}
		if len(a.ended) > seen {
			seen++
		}
	}
}

// failure joins the errors of functions of which none has succeeded. Those that were not started
// were cancelled with the task.
func (a *attempts[T]) failure(f *fiber) error {
	var errs []error
	cancelled := a.started < len(a.fns)
	for _, i := range a.ended {
		_, err := a.results[i].Result()
		if f.scope.Cancelled(err) {
			cancelled = true
			continue
		}
		errs = append(errs, &TaskError{a.name + " " + strconv.Itoa(i), err})
	}
	if cancelled {
		errs = append(errs, f.scope.cause())
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// discard frees the value that nobody wants. An error was one of many attempts, and nobody asks
// for it; but a panic is never passed over.
func (a *attempts[T]) discard(f *fiber, i int) {
	v, err := a.results[i].Result()
	var panicked *PanicError
	switch {
	case err == nil:
		if c, ok := any(v).(io.Closer); ok {
			_ = c.Close()
		}
	case errors.As(err, &panicked):
		f.runtime.incident("run task "+a.name+" "+strconv.Itoa(i), err)
	}
}
