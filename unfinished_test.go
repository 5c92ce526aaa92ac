package kettle_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// resultWaits are waits for what never comes, each of which runs fn in its tasks if it has any.
func resultWaits(fn func(t *kettle.Task) (int, error)) map[string]func(t *kettle.Task) error {
	return map[string]func(t *kettle.Task) error{
		"Future": func(t *kettle.Task) error {
			_, err := new(kettle.Future[int]).Await(t)
			return err
		},
		"Gather": func(t *kettle.Task) error {
			_, err := kettle.Gather(t, fn, fn)
			return err
		},
		"Race": func(t *kettle.Task) error {
			_, err := kettle.Race(t, 0, fn, fn)
			return err
		},
		"staggered Race": func(t *kettle.Task) error {
			_, err := kettle.Race(t, time.Hour, fn, fn, fn)
			return err
		},
		"AsCompleted": func(t *kettle.Task) (err error) {
			for _, result := range kettle.AsCompleted(t, fn, fn) {
				_, err = result.Result()
			}
			return err
		},
		"body of AsCompleted": func(t *kettle.Task) (err error) {
			for range kettle.AsCompleted(t, fn, after(0, 1, nil)) {
				if err == nil {
					_, err = new(kettle.Future[int]).Await(t)
				}
			}
			return err
		},
		"Receive": func(t *kettle.Task) error {
			_, _, err := kettle.Receive(t, make(chan int))
			return err
		},
		"nil channel": func(t *kettle.Task) error { return kettle.Send(t, nil, 1) },
		"Send":        func(t *kettle.Task) error { return kettle.Send(t, make(chan int), 1) },
	}
}

// Where the loop cannot go on, every wait ends: with an error, without one of the functions left
// behind, and also in a shield, whose scope is not cancelled.
func TestResultsThatNeverComeAsTheLoopBreaks(t *testing.T) {
	broken := errors.New("broken")
	running := 0
	waits := resultWaits(func(t *kettle.Task) (int, error) {
		running++
		defer func() { running-- }()
		return 0, t.Sleep(time.Hour)
	})
	for name, wait := range waits {
		for _, shielded := range []bool{false, true} {
			kernel := looptest.NewSelector()
			var failure error
			err := kettle.Run(func(t *kettle.Task) error {
				return t.Group(func(g *kettle.Group) error {
					g.Go("waits", func(t *kettle.Task) error {
						if shielded {
							return t.Shield(time.Minute, func(t *kettle.Task) error {
								failure = wait(t)
								return failure
							})
						}
						failure = wait(t)
						return failure
					})
					for range 5 { // until it waits
						if err := g.Yield(); err != nil {
							return err
						}
					}
					kernel.Fail(looptest.OpSelect, broken)
					return g.Sleep(time.Hour)
				})
			}, kettle.Selector(func() loop.Selector { return kernel }))
			if !errors.Is(err, broken) || failure == nil || running != 0 {
				t.Errorf("%s, shielded %v: Run: %v, wait: %v, %d functions run", name, shielded,
					err, failure, running)
			}
		}
	}
	noDelegates(t)
}
