package kettle

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/loop"
)

// Handle is a loop as other goroutines see it: see Submit. Its methods may be called from any
// goroutine, also after the loop has ended.
type Handle struct{ runtime *runtime }

// Handle returns the task's loop for use by other goroutines.
func (t *Task) Handle() Handle {
	r := t.fiber.runtime
	r.config.shared.Store(true)
	if r.inside() && !r.offering {
		r.offering = true
		r.loop.Offer(1) // from now on others may have something for it at any time
	}
	return Handle{r}
}

// Drain begins the drain of all loops of the Run: see Task.Drain.
func (h Handle) Drain(grace time.Duration) { h.runtime.config.drain(grace) }

// Submit runs f as a task on the loop, from any other goroutine, and blocks that goroutine until
// the task has ended; it returns what f returns. If ctx is cancelled so is the task, and Submit
// waits for its end. If the loop has ended, or ends before the task has begun, the error is
// ErrClosed. A task of any loop of the same Run must not call it, as it would block its loop: it is
// ErrWrongGoroutine. Between loops it belongs into Blocking.
func Submit[T any](ctx context.Context, h Handle, name string,
	f func(t *Task) (T, error)) (T, error) {
	var result T
	err := h.Submit(ctx, name, func(t *Task) (err error) {
		result, err = f(t)
		return err
	})
	return result, err
}

// Submit is the function of that name, for what has no result but its error.
func (h Handle) Submit(ctx context.Context, name string, f func(t *Task) error) error {
	r := h.runtime
	select {
	case <-r.loop.Closed(): // its goroutine may be another loop's by now
		return fmt.Errorf("submit task %s: %w", name, ErrClosed)
	default:
	}
	for _, other := range r.config.running() {
		if other.inside() {
			return fmt.Errorf("submit task %s from a loop: %w", name, ErrWrongGoroutine)
		}
	}
	outcome := make(chan error, 1)
	var taken atomic.Bool // by the loop, or back
	err := r.loop.Post(func() {
		if taken.CompareAndSwap(false, true) {
			r.submitted(ctx, name, f, outcome)
		}
	})
	if err == nil {
		select {
		case err := <-outcome:
			return err
		case <-r.loop.Closed():
			err = ErrClosed
		}
	}
	if taken.CompareAndSwap(false, true) {
		if errors.Is(err, loop.ErrClosed) {
			err = ErrClosed
		}
		return fmt.Errorf("submit task %s: %w", name, err)
	}
	return <-outcome
}

// submitted starts a task whose error, and panic, is for who has submitted it, and not the loop's.
func (r *runtime) submitted(ctx context.Context, name string, body func(*Task) error,
	outcome chan<- error) {
	began := false
	report := func(err error) {
		if !began {
			err = fmt.Errorf("submit task %s: %w: %w", name, ErrClosed, err)
		}
		outcome <- err
	}
	if err := r.root.refuses(); err != nil {
		report(err)
		return
	}
	r.root.spawn(name, &reporting{func(t *Task) error {
		began = true
		if ctx.Err() != nil { // then it has not to wait for the loop to be told
			t.Cancel(context.Cause(ctx))
		}
		stop := context.AfterFunc(ctx, func() { t.Cancel(context.Cause(ctx)) })
		defer stop()
		return body(t)
	}, report})
}
