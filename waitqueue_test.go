package kettle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// latch is something to wait for that is made of a callback, as users make it.
type latch struct {
	queue kettle.WaitQueue
	timer *loop.Timer
	ready bool
}

func newLatch(t *kettle.Task, after time.Duration) *latch {
	l := &latch{}
	l.queue.Init(t)
	l.timer = t.EventLoop().After(after, func() {
		l.ready = true
		l.queue.WakeAll(nil)
	})
	return l
}

func (l *latch) wait() error {
	if err := l.queue.Enter(); err != nil {
		return err
	}
	if l.ready {
		l.queue.Pass(1)
		return nil
	}
	return l.queue.Wait("latch")
}

func waitQueueScenario() play {
	var l *latch
	return play{body: func(g *kettle.Group) error {
		l = newLatch(g.Task, time.Second)
		return times(g, 3, "waiter", func(*kettle.Task) error {
			return errors.Join(l.wait(), l.wait())
		})
	}, holds: func() error {
		l.timer.Stop()
		return want("tasks in the queue", l.queue.Len(), 0)
	}}
}

func TestWaitQueueWakesInOrder(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		var queue kettle.WaitQueue
		queue.Init(task)
		var order []int
		return task.Group(func(g *kettle.Group) error {
			for i := range 3 {
				if err := g.Go("waiter", func(*kettle.Task) error {
					if err := queue.Enter(); err != nil {
						return err
					}
					err := queue.Wait("its turn")
					order = append(order, i)
					return err
				}); err != nil {
					return err
				}
			}
			if err := g.Yield(); err != nil {
				return err
			}
			err := want("those who wait", queue.Len(), 3)
			for queue.Wake(nil) {
				err = errors.Join(err, g.Yield(),
					want("woken", order[len(order)-1], 2-queue.Len()))
			}
			return err
		})
	})
}

// A queue has no Task: on another goroutine there is none to wait for.
func TestWaitQueueOnTheWrongGoroutine(t *testing.T) {
	if sys.Goroutine() == 0 {
		return // goroutines cannot be told apart here
	}
	err := kettle.Run(func(task *kettle.Task) error {
		l := newLatch(task, time.Hour)
		other := l.queue.Sibling()
		_, err := kettle.Blocking(task, func(context.Context) (int, error) {
			return 0, errors.Join(
				want("Enter is refused", errors.Is(l.wait(), kettle.ErrWrongGoroutine), true),
				want("so is that of its sibling",
					errors.Is(other.Enter(), kettle.ErrWrongGoroutine), true),
				want("inside", l.queue.Inside(), false))
		})
		done := make(chan error)
		task.EventLoop().Soon(func() { go func() { done <- l.wait() }() })
		refused, _, failed := kettle.Receive(task, done)
		return errors.Join(err, failed, want("inside", l.queue.Inside(), true),
			want("between two tasks", errors.Is(refused, kettle.ErrWrongGoroutine), true))
	})
	if err != nil {
		t.Error(err)
	}
}

// A task that always finds what it waits for gives way after as much as its budget allows.
func TestWaitQueuePassGivesWay(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		l := newLatch(task, 0)
		others := 0
		return task.Group(func(g *kettle.Group) error {
			if err := errors.Join(g.Sleep(time.Second), g.Go("other", func(*kettle.Task) error {
				others++
				return nil
			})); err != nil {
				return err
			}
			for range 3 {
				l.queue.Pass(40)
			}
			err := want("others before the budget is used up", others, 0)
			l.queue.Pass(40)
			return errors.Join(err, want("others after it", others, 1))
		})
	})
}
