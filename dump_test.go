package kettle_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
)

// K16: Dump shows the tasks as a tree, through scopes of all kinds, and what each of them waits
// for.
func TestDumpShowsTheTree(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		release := make(chan struct{})
		var text strings.Builder
		_ = task.Group(func(g *kettle.Group) error {
			err := waitForShow(g, release)
			for range 5 {
				err = errors.Join(err, g.Yield())
			}
			err = errors.Join(err, g.Dump(&text))
			close(release)
			g.Cancel(nil)
			return err
		})
		if got := text.String(); got != tree {
			t.Errorf("the dump is\n%s\nwant\n%s", got, tree)
		}
		return nil
	})
}

// waitForShow starts tasks that wait for all kinds of things.
func waitForShow(g *kettle.Group, release chan struct{}) error {
	var m kettle.Mutex
	var f kettle.Future[int]
	c := kettle.NewCondition(&m)
	q := kettle.NewQueue[int](1)
	locked := func(wait func(t *kettle.Task) error) func(t *kettle.Task) error {
		return func(t *kettle.Task) error {
			err := errors.Join(m.Lock(t), wait(t))
			m.Unlock()
			return err
		}
	}
	return errors.Join(
		g.Go("sleeper", sleepLong),
		g.Go("server", (*kettle.Task).AwaitDrain),
		g.Go("notified", locked(c.Wait)),
		g.Go("owner", locked(sleepLong)),
		g.Go("locker", m.Lock),
		g.Go("getter", func(t *kettle.Task) error { _, err := q.Get(t); return err }),
		g.Go("future", func(t *kettle.Task) error { _, err := f.Await(t); return err }),
		g.Go("blocking", func(t *kettle.Task) error {
			return t.Blocking(func(context.Context) error { <-release; return nil })
		}),
		g.Go("parent", func(t *kettle.Task) error {
			return t.WithTimeout(time.Hour, func(t *kettle.Task) error {
				return t.Shield(time.Hour, inGroup(sleepLong))
			})
		}),
		g.Go("gatherer", func(t *kettle.Task) error {
			_, err := kettle.Gather(t, f.Await, f.Await)
			return err
		}),
		g.Go("starter", func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error {
				return g.Start("slow", func(t *kettle.Task, _ func()) error { return sleepLong(t) })
			})
		}),
		g.Go("cancelled", func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error {
				g.Soon(func() { g.Cancel(errStop) })
				return g.Go("shielded", func(t *kettle.Task) error {
					return t.Shield(time.Minute, sleepLong)
				})
			})
		}))
}

const tree = `loop 0, tasks: 19
  main: running
    sleeper: waits for sleep, 24h0m0s left
    server: waits for drain
    notified: waits for Condition.Wait
    owner: waits for sleep, 24h0m0s left
    locker: waits for Mutex.Lock
    getter: waits for Queue.Get
    future: waits for Future.Await
    blocking: waits for Blocking
    parent: waits for tasks of a group; shield, 1h0m0s left; time-out, 1h0m0s left
      a: waits for sleep, 24h0m0s left
      b: waits for sleep, 24h0m0s left
    gatherer: waits for tasks of a group
      Gather 0: waits for Future.Await
      Gather 1: waits for Future.Await
    starter: waits for the start of task slow
      slow: waits for sleep, 24h0m0s left
    cancelled: waits for tasks of a group, cancelled
      shielded: waits for sleep, 24h0m0s left; shield, 1m0s left
`
