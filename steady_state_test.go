package kettle_test

import (
	"context"
	"errors"
	"testing"

	"github.com/kettle-go/kettle"
)

// pair is two tasks that do something again and again, and wait for each other by it.
type pair struct{ mine, other func(*kettle.Task) error }

func pairs() map[string]pair {
	var m, guard kettle.Mutex
	var e kettle.Event
	c := kettle.NewCondition(&guard)
	turn := 0
	s, b := kettle.NewSemaphore(1), kettle.NewBarrier(2)
	there, back := kettle.NewQueue[int](1), kettle.NewQueue[int](1)
	many := kettle.NewQueue[int](4)
	lock := func(t *kettle.Task) error {
		if err := m.Lock(t); err != nil {
			return err
		}
		defer m.Unlock()
		return t.Yield() // the other one waits meanwhile
	}
	acquire := func(t *kettle.Task) error {
		if err := s.Acquire(t); err != nil {
			return err
		}
		defer s.Release()
		return t.Yield()
	}
	meet := func(t *kettle.Task) error { _, err := b.Wait(t); return err }
	takeTurns := func(mine int) func(*kettle.Task) error {
		isMine := func() bool { return turn == mine }
		return func(t *kettle.Task) error {
			if err := guard.Lock(t); err != nil {
				return err
			}
			defer guard.Unlock()
			err := c.WaitFor(t, isMine)
			turn = 1 - turn
			c.Notify(1)
			return err
		}
	}
	pass := func(from, to *kettle.Queue[int]) func(*kettle.Task) error {
		return func(t *kettle.Task) error {
			v, err := from.Get(t)
			return errors.Join(err, to.Put(t, v))
		}
	}
	return map[string]pair{
		"Mutex":     {lock, lock},
		"Semaphore": {acquire, acquire},
		"Condition": {takeTurns(0), takeTurns(1)},
		"Barrier":   {meet, meet},
		"Event":     {e.Wait, func(t *kettle.Task) error { e.Set(); e.Clear(); return t.Yield() }},
		"Queue": {func(t *kettle.Task) error {
			err := there.Put(t, 1)
			_, failure := back.Get(t)
			return errors.Join(err, failure)
		}, pass(there, back)},
		"full Queue": {func(t *kettle.Task) error {
			for range 10 {
				if err := many.Put(t, 1); err != nil {
					return err
				}
			}
			return nil
		}, func(t *kettle.Task) error { _, err := many.Get(t); return err }},
	}
}

// TestWaitsDoNotAllocate: once the queues have the size that they need, neither a wait that is over
// at once nor one for another task costs memory.
func TestWaitsDoNotAllocate(t *testing.T) {
	for name, two := range pairs() {
		t.Run(name, func(t *testing.T) {
			err := kettle.Run(func(task *kettle.Task) error {
				return task.Group(func(g *kettle.Group) error {
					g.Go("other", func(t *kettle.Task) error {
						for {
							if err := two.other(t); err != nil {
								return err
							}
						}
					})
					n := testing.AllocsPerRun(200, func() {
						if err := two.mine(g.Task); err != nil {
							t.Error(err)
						}
					})
					if n > 0 {
						t.Errorf("%v allocations", n)
					}
					g.Cancel(nil)
					return nil
				})
			}, kettle.OnStall(0, nil))
			var panicked *kettle.PanicError
			if !errors.Is(err, context.Canceled) || errors.As(err, &panicked) {
				t.Error(err)
			}
		})
	}
}
