package looptest

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

var _ loop.Clock = (*Clock)(nil)

// Clock is a virtual clock. It stands still while its loop works, and goes ahead to the next timer
// when nothing else can run. While work is outstanding that the loop knows of (loop.Loop.Outside),
// it stands still too, as nobody knows how long that takes in virtual time.
//
// The zero Clock is usable. Its methods may be called from any goroutine.
type Clock struct{ now atomic.Int64 }

// NewClock returns a clock that begins at zero. Each loop needs one of its own.
func NewClock() *Clock { return &Clock{} }

// Now returns for how long the clock has gone.
func (c *Clock) Now() time.Duration { return time.Duration(c.now.Load()) }

// Jump goes ahead by d, and returns true. Forever is no time that one could go ahead by: the clock
// stands still, and the loop has to wait for what comes from outside.
func (c *Clock) Jump(d time.Duration) bool {
	if d == selectors.Forever {
		return false
	}
	c.Advance(d)
	return true
}

// Advance goes ahead by d, as if that much time had passed in what runs at present. A negative d
// does nothing: the clock never goes back. A loop that sleeps does not notice: it reads the clock
// when something wakes it.
func (c *Clock) Advance(d time.Duration) {
	for {
		now := c.now.Load()
		next := now + int64(max(d, 0))
		if next < now {
			next = math.MaxInt64
		}
		if c.now.CompareAndSwap(now, next) {
			return
		}
	}
}
