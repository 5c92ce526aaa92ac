package loop

import "time"

// Clock tells a loop the time.
type Clock interface {
	// Now returns the time since a moment that stays the same. It never goes back. If the clock
	// goes by itself, Now is called by other goroutines than the loop's too.
	Now() time.Duration

	// Jump is called when nothing can run until d has passed, or ever (selectors.Forever). A
	// clock that stands still while its loop works goes ahead by d and returns true, or false
	// for Forever. One that goes by itself always returns false: the loop waits. Which of them
	// a clock is, its loop learns from Jump(0), once, when it is made.
	Jump(d time.Duration) bool
}

// NewClock returns the system's monotonic clock, which begins now.
func NewClock() Clock { return &systemClock{begun: time.Now()} }

type systemClock struct{ begun time.Time }

func (c *systemClock) Now() time.Duration      { return time.Since(c.begun) }
func (c *systemClock) Jump(time.Duration) bool { return false }
