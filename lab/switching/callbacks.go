package switching

import (
	"context"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
)

// callbacks are two of a loop that runs as long as a batch.
func callbacks(ctx context.Context, d time.Duration) (r Result, err error) {
	defer processors(1)()
	l, err := loop.New(loop.Config{})
	if err != nil {
		return r, err
	}
	defer func() {
		if closeErr := l.Close(); err == nil {
			err = closeErr
		}
	}()
	var token int64
	var left int // there and back
	var one, other func()
	one = func() {
		token++
		l.Soon(other)
	}
	other = func() {
		token++
		if left--; left == 0 {
			l.Stop()
			return
		}
		l.Soon(one)
	}
	pass := func(n int) (int64, error) {
		left = n / 2
		l.Soon(one)
		err := l.Run()
		return token, err
	}
	return measure(ctx, d, way{pass, sys.ProcessUsage})
}

// party is one whose method is called.
type party interface{ take(token *int64) }

// one and other are the two. Their methods differ in nothing, but no compiler can take one for
// both, as the caller does not know whose it calls.
type one struct{}
type other struct{}

//go:noinline
func (one) take(token *int64) { *token++ }

//go:noinline
func (other) take(token *int64) { *token++ }

// parties keeps from the compiler who they are.
//
//go:noinline
func parties() (party, party) { return one{}, other{} }

// calls are two methods that are called one after the other.
func calls(ctx context.Context, d time.Duration) (Result, error) {
	defer processors(1)()
	first, second := parties()
	token := new(int64)
	pass := func(n int) (int64, error) {
		for range n / 2 {
			first.take(token)
			second.take(token)
		}
		return *token, nil
	}
	return measure(ctx, d, way{pass, sys.ProcessUsage})
}
