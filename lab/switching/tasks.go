package switching

import (
	"context"
	"errors"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
)

// tasks are two on a loop that is as Run makes it, but that it does not log a turn that takes too
// long: if one does, another program has the CPU.
func tasks(ctx context.Context, d time.Duration) (r Result, err error) {
	defer processors(1)()
	err = kettle.Run(func(t *kettle.Task) error {
		there, back := kettle.NewQueue[int64](1), kettle.NewQueue[int64](1)
		return t.Group(func(g *kettle.Group) error {
			err := g.Go("other", func(t *kettle.Task) error { return answer(t, there, back) })
			if err != nil {
				return err
			}
			defer there.Shutdown(true)
			var token int64
			pass := func(n int) (int64, error) {
				for range n / 2 {
					if err := there.Put(t, token+1); err != nil {
						return token, err
					}
					if token, err = back.Get(t); err != nil {
						return token, err
					}
				}
				return token, nil
			}
			r, err = measure(ctx, d, way{pass, sys.ProcessUsage})
			return err
		})
	}, kettle.OnStall(time.Second, func(loop.Stall) {}))
	return r, err
}

// answer is the life of the other task, until there is nothing to come.
func answer(t *kettle.Task, there, back *kettle.Queue[int64]) error {
	for {
		token, err := there.Get(t)
		if errors.Is(err, kettle.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := back.Put(t, token+1); err != nil {
			return err
		}
	}
}
