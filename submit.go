package kettle

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Handle is a loop as other goroutines see it: see Submit. It may be used from any goroutine, also
// after the loop has ended.
type Handle struct{ runtime *runtime }

// Handle returns the task's loop for use by other goroutines.
func (t *Task) Handle() Handle {
	t.fiber.runtime.config.shared.Store(true)
	return Handle{t.fiber.runtime}
}

// Submit runs f as a task on the loop, from any other goroutine, and blocks that goroutine until the
// task has ended; it returns what f returns. If ctx is cancelled so is the task, and Submit waits
// for its end. If the loop has ended, or ends before the task has begun, the error is ErrClosed. A
// task of the loop itself must not call it, which would wait for itself: it is ErrWrongGoroutine.
func Submit[T any](ctx context.Context, h Handle, name string, f func(t *Task) (T, error)) (T, error) {
	var result T
	err := h.submit(ctx, name, func(t *Task) (err error) {
		result, err = f(t)
		return err
	})
	return result, err
}

func (h Handle) submit(ctx context.Context, name string, body func(*Task) error) error {
	r := h.runtime
	if r.loop.Inside() {
		return fmt.Errorf("submit task %s on its own loop: %w", name, ErrWrongGoroutine)
	}
	outcome := make(chan error, 1)
	err := r.loop.Post(func() {
		if err := r.root.refuses(); err != nil {
			outcome <- fmt.Errorf("submit task %s: %w: %w", name, ErrClosed, err)
			return
		}
		r.submitted(ctx, name, body, outcome)
	})
	if err != nil {
		return fmt.Errorf("submit task %s: %w", name, err)
	}
	select {
	case err = <-outcome:
	case <-r.loop.Closed():
		select {
		case err = <-outcome:
		default:
			err = fmt.Errorf("submit task %s: %w", name, ErrClosed)
		}
	}
	return err
}

// submitted starts a task whose error, and panic, is for who has submitted it, and not the loop's.
func (r *runtime) submitted(ctx context.Context, name string, body func(*Task) error,
	outcome chan<- error) {
	f := r.root.spawn(name, func(t *Task) error {
		stop := context.AfterFunc(ctx, func() { t.Cancel(context.Cause(ctx)) })
		defer stop()
		err := ErrGoexit
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{v, debug.Stack()}
			}
			outcome <- err
		}()
		err = body(t)
		return nil
	})
	f.excused = true
}
