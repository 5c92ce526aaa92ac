package kettle

import "errors"

// errNoReason stands for the nil that a Future was rejected with: it has failed all the same.
var errNoReason = errors.New("kettle: the Future was rejected with a nil error")

// Future is a result that somebody will have: a value, or an error. Callbacks give it one with
// Resolve or Reject, and any number of tasks wait for that with Await. The zero Future has none
// yet. It must not be copied.
//
// A task that computes something needs no Future: see Group, Gather and Blocking. One is for what
// comes from elsewhere on the loop, as the answer to a question does that another task reads from
// the connection that they share.
//
// It belongs to the loop whose task awaits it first, and its methods are loop only. For a result
// from another goroutine there are Receive, Blocking and Submit: a Resolve from there is a data
// race, which panics if a task has waited already.
type Future[T any] struct {
	home    home
	done    bool
	value   T
	err     error
	waiting waiters
}

// Resolve gives the future its value, wakes all who await it, and returns true. If it has a result
// already, that stays, and Resolve returns false. It does not suspend.
func (f *Future[T]) Resolve(value T) bool {
	f.home.inside("resolve a Future")
	if f.done {
		return false
	}
	f.value = value
	f.finish()
	return true
}

// Reject is Resolve with an error in place of the value. A nil err is replaced by one that says
// so: nobody who awaits the future takes it for a value.
func (f *Future[T]) Reject(err error) bool {
	f.home.inside("reject a Future")
	if f.done {
		return false
	}
	if err == nil {
		err = errNoReason
	}
	f.err = err
	f.finish()
	return true
}

func (f *Future[T]) finish() {
	f.done = true
	f.waiting.handOverAll(nil)
}

// Done reports whether the future has a result.
func (f *Future[T]) Done() bool { return f.done }

// Result returns the result, the same each time: what Resolve or Reject was called with. Without
// one the error is ErrNotDone. It does not suspend.
func (f *Future[T]) Result() (T, error) {
	if !f.done {
		var zero T
		return zero, ErrNotDone
	}
	return f.value, f.err
}

// Await suspends the task until the future has a result, and returns that. If the task is
// cancelled first, the error is the cancellation, and the future is as it was: others still await
// it, and this one may again.
func (f *Future[T]) Await(t *Task) (T, error) {
	var zero T
	fb, err := f.home.enter(t)
	switch {
	case err != nil:
		return zero, err
	case f.done:
		fb.pass()
		return f.Result()
	}
	if err := f.waiting.wait(fb, "Future.Await"); err != nil {
		return zero, err
	}
	return f.Result()
}
