package kettle_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// submit is Submit for tasks whose name does not matter.
func submit(ctx context.Context, h kettle.Handle, f func(t *kettle.Task) error) error {
	return h.Submit(ctx, "submitted", f)
}

// serve runs a loop that others submit to while outside runs, and returns what Run does.
func serve(outside func(h kettle.Handle), options ...kettle.Option) error {
	return kettle.Run(func(task *kettle.Task) error {
		h := task.Handle()
		return task.Blocking(func(context.Context) error { outside(h); return nil })
	}, options...)
}

// TestSubmitFromManyGoroutines: each gets its own result, and what the tasks share needs no lock.
func TestSubmitFromManyGoroutines(t *testing.T) {
	shared := 0
	err := serve(func(h kettle.Handle) {
		var others sync.WaitGroup
		for i := range 8 {
			others.Go(func() {
				for j := range 100 {
					got, err := kettle.Submit(t.Context(), h, "adder",
						func(task *kettle.Task) (int, error) {
							shared++
							return 100*i + j, task.Yield()
						})
					if got != 100*i+j || err != nil {
						t.Errorf("the result is %d, %v, want %d", got, err, 100*i+j)
					}
				}
			})
		}
		others.Wait()
	})
	if shared != 800 || err != nil {
		t.Errorf("%d of 800 have run: %v", shared, err)
	}
}

// TestSubmittedFailures are for who has submitted, and nobody else.
func TestSubmittedFailures(t *testing.T) {
	err := serve(func(h kettle.Handle) {
		for _, c := range []struct {
			body func(*kettle.Task) error
			want error
			text string
		}{
			{fail(1, errOne), errOne, "one"},
			{func(*kettle.Task) error { return explode(errOne) }, errOne, "kettle_test.explode"},
			{func(*kettle.Task) error { runtime.Goexit(); return nil }, kettle.ErrGoexit, "Goexit"},
			{func(task *kettle.Task) error {
				return task.Group(func(g *kettle.Group) error { return start(g, fail(1, errOne)) })
			}, errOne, "a: one"},
		} {
			err := submit(t.Context(), h, c.body)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("the error is %v, want %v", err, c.want)
			}
		}
		var none context.Context
		if err := submit(none, h, func(*kettle.Task) error { return nil }); err == nil {
			t.Error("a nil context is accepted")
		}
	})
	if err != nil {
		t.Errorf("Run returns %v", err)
	}
}

// TestSubmitAfterTheEnd is ErrClosed, also on the goroutine that was the loop's, or its tasks'.
func TestSubmitAfterTheEnd(t *testing.T) {
	for range 50 {
		var h kettle.Handle
		if err := kettle.Run(func(task *kettle.Task) error {
			h = task.Handle()
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		elsewhere(func() {
			err := submit(t.Context(), h, func(*kettle.Task) error {
				t.Error("it runs")
				return nil
			})
			if !errors.Is(err, kettle.ErrClosed) || errors.Is(err, kettle.ErrWrongGoroutine) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestSubmitWithAContext: its cancellation is the task's, before it begins and while it waits;
// Submit returns when the task has ended.
func TestSubmitWithAContext(t *testing.T) {
	err := serve(func(h kettle.Handle) {
		for _, before := range []bool{true, false} {
			ctx, cancel := context.WithCancelCause(t.Context())
			if before {
				cancel(errStop)
			}
			ended := false
			err := submit(ctx, h, func(task *kettle.Task) error {
				if !before {
					go cancel(errStop)
				} else if !closed(task.Done()) {
					t.Error("it begins as if its context were not cancelled")
				}
				err := task.Sleep(24 * time.Hour)
				_ = task.Shield(time.Hour, (*kettle.Task).Yield)
				ended = true
				return err
			})
			if !errors.Is(err, errStop) || !errors.Is(err, context.Canceled) || !ended {
				t.Errorf("cancelled before %v: the task has ended %v, %v", before, ended, err)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSubmitOnTheOwnLoop would wait for itself.
func TestSubmitOnTheOwnLoop(t *testing.T) {
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			return g.Go("child", func(*kettle.Task) error {
				err := submit(t.Context(), task.Handle(), func(*kettle.Task) error { return nil })
				return want("refused", errors.Is(err, kettle.ErrWrongGoroutine), true)
			})
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// K15: when main ends the tasks that were submitted are cancelled, and Run waits for them.
func TestSubmittedTasksEndWithMain(t *testing.T) {
	began, outcome := make(chan struct{}), make(chan error, 1)
	cleaned := false
	err := kettle.Run(func(task *kettle.Task) error {
		h := task.Handle()
		go func() {
			outcome <- submit(context.Background(), h, func(task *kettle.Task) error {
				close(began)
				err := task.Sleep(24 * time.Hour)
				cleaned = task.Shield(time.Hour, (*kettle.Task).Yield) == nil
				if again := task.Group(func(g *kettle.Group) error {
					return start(g, sleepLong)
				}); again == nil {
					t.Error("a task was started when main has ended")
				}
				return err
			})
		}()
		_, _, err := kettle.Receive(task, began)
		return err
	})
	if got := <-outcome; err != nil || !errors.Is(got, context.Canceled) || !cleaned {
		t.Errorf("Run returns %v; the task %v, cleaned up %v", err, got, cleaned)
	}
}

// TestSubmitRacingWithTheEnd either runs its task to the end, or says that it never began.
func TestSubmitRacingWithTheEnd(t *testing.T) {
	for range 100 {
		var others sync.WaitGroup
		err := kettle.Run(func(task *kettle.Task) error {
			h := task.Handle()
			first := make(chan struct{}, 4)
			for range 4 {
				others.Go(func() {
					for ended := false; !ended; {
						var ran atomic.Bool
						err := submit(context.Background(), h, func(task *kettle.Task) error {
							ran.Store(true)
							return task.Yield()
						})
						ended = errors.Is(err, kettle.ErrClosed)
						if ran.Load() == ended {
							t.Errorf("the task has run %v, and the error is %v", ran.Load(), err)
						}
						select {
						case first <- struct{}{}:
						default:
						}
					}
				})
			}
			_, _, err := kettle.Receive(task, first)
			return err
		})
		if others.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSubmitToALoopThatCannotBeWoken fails, and the task does not run when something else wakes it.
func TestSubmitToALoopThatCannotBeWoken(t *testing.T) {
	selector := looptest.NewSelector()
	var handle kettle.Handle
	var incidents atomic.Int32
	handed := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- kettle.Run(func(task *kettle.Task) error {
			handle = task.Handle()
			close(handed)
			return task.AwaitDrain()
		}, kettle.Selector(func() loop.Selector { return selector }),
			kettle.OnIncident(func(loop.Incident) { incidents.Add(1) }))
	}()
	<-handed
	if !selector.AwaitSleep() {
		t.Fatal("the loop has ended")
	}
	selector.Fail(looptest.OpWake, errOne)
	err := submit(t.Context(), handle, func(*kettle.Task) error { t.Error("it runs"); return nil })
	if !errors.Is(err, errOne) || incidents.Load() != 1 {
		t.Errorf("Submit returns %v, and there were %d incidents", err, incidents.Load())
	}
	err = submit(t.Context(), handle, func(task *kettle.Task) error {
		task.Drain(time.Hour)
		return nil
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Error(err)
	}
}

// TestHandleKeepsTheLoopGoing: with somebody outside, nothing is stuck, though the clock jumps.
func TestHandleKeepsTheLoopGoing(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		h := task.Handle()
		var f kettle.Future[int]
		go func() {
			_ = submit(context.Background(), h, func(*kettle.Task) error {
				f.Resolve(7)
				return nil
			})
		}()
		_, err := f.Await(task)
		return err
	})
}
