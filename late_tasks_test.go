package kettle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
)

// TestTaskStartedAsTheGroupEnds: a group that has nobody to wait for may give way, and then another
// task may start one in it. The group waits for that one. K5
func TestTaskStartedAsTheGroupEnds(t *testing.T) {
	for waits := range 300 { // at some of them the group's end is the wait that gives way
		alive, left := false, false
		err := kettle.Run(func(t *kettle.Task) error {
			return t.Group(func(outer *kettle.Group) error {
				var inner *kettle.Group
				_ = outer.Go("other", func(*kettle.Task) error {
					_ = inner.Go("late", func(t *kettle.Task) error {
						alive = true
						defer func() { alive = false }()
						return t.Sleep(time.Hour)
					})
					return nil // it may have been too late
				})
				var set kettle.Event
				set.Set()
				err := outer.Task.Group(func(g *kettle.Group) error {
					inner = g
					for range waits {
						if err := set.Wait(g.Task); err != nil {
							return err
						}
					}
					return nil
				})
				left = alive
				return errors.Join(err, t.Yield())
			})
		}, virtualTime())
		if err != nil || left || alive {
			t.Fatalf("after %d waits: %v, left by its group: %v, by Run: %v", waits, err, left,
				alive)
		}
	}
}

// TestContextCancelledBeforeRun: main runs, and no wait of it succeeds.
func TestContextCancelledBeforeRun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	for range 20 {
		err := kettle.Run(func(t *kettle.Task) error { return t.Sleep(time.Hour) },
			kettle.Context(ctx), virtualTime())
		if !errors.Is(err, errStop) {
			t.Fatalf("%v, want the context's cause", err)
		}
	}
}

// TestReadyFromBlocking: what a task starts there may say so there.
func TestReadyFromBlocking(t *testing.T) {
	err := kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			over := make(chan struct{})
			err := g.Start("server", func(t *kettle.Task, ready func()) error {
				_, err := kettle.Blocking(t, func(context.Context) (int, error) {
					ready()
					<-over
					return 0, nil
				})
				return err
			})
			close(over)
			return err
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestExecutor: one that runs what it is given at once orders Blocking too.
func TestExecutor(t *testing.T) {
	given := 0
	err := kettle.Run(func(t *kettle.Task) error {
		n, err := kettle.Blocking(t, func(context.Context) (int, error) { return given, nil })
		if n != 1 || t.Stats().Tasks != 1 {
			return errors.Join(err, errors.New("it was not run by the executor"))
		}
		return err
	}, virtualTime(), kettle.Executor(func(work func()) {
		given++
		work()
	}))
	if err != nil {
		t.Error(err)
	}
}
