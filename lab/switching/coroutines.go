package switching

import (
	"context"
	"errors"
	"time"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
)

// coroutines are one, and who resumes it.
func coroutines(ctx context.Context, d time.Duration) (Result, error) {
	defer processors(1)()
	var token int64
	c := coro.New(func(c *coro.Coro) {
		for c.Yield() {
			token++
		}
	})
	defer c.Stop()
	c.Resume() // up to the first Yield
	pass := func(n int) (int64, error) {
		for range n / 2 {
			token++
			if !c.Resume() {
				return token, errors.New("the coroutine has ended")
			}
		}
		return token, nil
	}
	return measure(ctx, d, way{pass, sys.ProcessUsage})
}
