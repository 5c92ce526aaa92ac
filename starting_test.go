package kettle_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
)

// TestStartWaitsUntilReady, and the task goes on then.
func TestStartWaitsUntilReady(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, clock *looptest.Clock) error {
		var steps []string
		err := task.Group(func(g *kettle.Group) error {
			err := g.Start("server", func(task *kettle.Task, ready func()) error {
				err := task.Sleep(time.Second)
				steps = append(steps, "ready")
				ready()
				ready() // as often as it likes
				err = errors.Join(err, task.Sleep(time.Hour))
				steps = append(steps, "ended")
				return err
			})
			steps = append(steps, "started")
			return errors.Join(err, want("time", clock.Now(), time.Second))
		})
		if !slices.Equal(steps, []string{"ready", "started", "ended"}) {
			t.Errorf("the steps are %q", steps)
		}
		return errors.Join(err, want("time", clock.Now(), time.Hour+time.Second))
	})
}

// TestStartThatFails: before it is ready, the failure is the caller's; later it is the group's.
func TestStartThatFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		body  func(*kettle.Task, func()) error
		start error // what Start returns
		group error // what the group returns when its body has got over that
	}{
		{"fails before", func(task *kettle.Task, _ func()) error {
			return errors.Join(task.Sleep(1), errOne)
		}, errOne, nil},
		{"ends without a word", func(task *kettle.Task, _ func()) error { return task.Sleep(1) },
			kettle.ErrClosed, nil},
		{"ends at once", func(*kettle.Task, func()) error { return nil }, kettle.ErrClosed, nil},
		{"panics before", func(*kettle.Task, func()) error { return explode(errOne) },
			kettle.ErrClosed, errOne},
		{"exits before", func(*kettle.Task, func()) error { runtime.Goexit(); return nil },
			kettle.ErrClosed, kettle.ErrGoexit},
		{"fails afterwards", func(task *kettle.Task, ready func()) error {
			ready()
			return errors.Join(task.Sleep(1), errOne)
		}, nil, errOne},
		{"fails in the same step", func(_ *kettle.Task, ready func()) error {
			ready()
			return errOne
		}, nil, errOne},
		{"is ready too late", func(task *kettle.Task, ready func()) error {
			task.Soon(ready)
			return errOne
		}, errOne, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inAnyOrder(t, func(task *kettle.Task, _ *looptest.Clock) error {
				err := task.Group(func(g *kettle.Group) error {
					err := g.Start("server", c.body)
					if !errors.Is(err, c.start) || (err == nil) != (c.start == nil) {
						t.Errorf("Start returns %v, want %v", err, c.start)
					}
					return nil
				})
				if !errors.Is(err, c.group) || (err == nil) != (c.group == nil) {
					t.Errorf("the group returns %v, want %v", err, c.group)
				}
				return errors.Join(task.Yield(), want("tasks", task.Tasks(), 1))
			})
		})
	}
}

// TestStartIsCancelled: by the whole group or by a time-out around the call alone. The task is
// cancelled with its caller, who waits for its end; the group lives on in the second case.
func TestStartIsCancelled(t *testing.T) {
	slow := func(task *kettle.Task, ready func()) error {
		err := sleepLong(task)
		_ = task.Shield(time.Hour, func(task *kettle.Task) error { return task.Sleep(time.Second) })
		return err
	}
	inAnyOrder(t, func(task *kettle.Task, clock *looptest.Clock) error {
		err := task.Group(func(g *kettle.Group) error {
			err := g.WithTimeout(time.Minute, func(*kettle.Task) error {
				return g.Start("slow", slow)
			})
			if !timedOut(err, time.Minute) || clock.Now() != 61*time.Second {
				t.Errorf("after %v Start returns %v", clock.Now(), err)
			}
			return errors.Join(g.Sleep(time.Second), want("tasks", g.Tasks(), 1))
		})
		if err != nil {
			return err
		}
		err = task.WithTimeout(time.Minute, func(task *kettle.Task) error {
			return task.Group(func(g *kettle.Group) error { return g.Start("slow", slow) })
		})
		return want("timed out", timedOut(err, time.Minute), true)
	})
}

// TestStartIsCancelledTooLate: who was ready before its caller was cancelled stays.
func TestStartIsCancelledTooLate(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, clock *looptest.Clock) error {
		err := task.Group(func(g *kettle.Group) error {
			return g.WithCancel(func(scope *kettle.Task) error {
				err := g.Start("server", func(task *kettle.Task, ready func()) error {
					ready()
					scope.Cancel(errStop)
					return task.Sleep(time.Hour)
				})
				return errors.Join(err, want("the next wait fails", errors.Is(scope.Yield(),
					errStop), true))
			})
		})
		return errors.Join(err, want("time", clock.Now(), time.Hour))
	})
}

// TestStartInCancelledScopes never begins.
func TestStartInCancelledScopes(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.Group(func(g *kettle.Group) error {
			return g.WithTimeout(0, func(*kettle.Task) error {
				err := g.Start("never", func(*kettle.Task, func()) error {
					t.Error("the task runs")
					return nil
				})
				return want("it is the time-out", errors.Is(err, context.DeadlineExceeded), true)
			})
		})
	})
}
