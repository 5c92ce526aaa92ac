package kettle_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
)

// crowd has n tasks sleep until the scope ends.
func crowd(t *kettle.Task, n int) error {
	return t.Group(func(g *kettle.Group) error {
		for range n {
			if err := g.Go("one of many", func(t *kettle.Task) error {
				return t.Sleep(time.Second)
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Memory is given back once after a burst of tasks, when it has been calm for a while, and not
// after a small one.
func TestMemoryIsGivenBackAfterABurst(t *testing.T) {
	given := 0
	err := kettle.Run(func(t *kettle.Task) error {
		after := func(what string, n int, d time.Duration, expected int) error {
			err := errors.Join(crowd(t, n), t.Sleep(d))
			return errors.Join(err, want(what, given, expected))
		}
		return errors.Join(
			after("after a few", 1000, time.Hour, 0),
			after("shortly after a burst", 6000, 4*time.Second, 0),
			after("as another one follows", 6000, 3*time.Second, 0),
			after("some time after both", 1, 4*time.Second, 1),
			after("shortly after the next", 6000, 30*time.Second, 1),
			after("a minute after the first", 1, 30*time.Second, 2),
			after("later", 1, time.Hour, 2))
	}, virtualTime(), kettle.GiveBack(func() { given++ }))
	if err != nil {
		t.Error(err)
	}
}
