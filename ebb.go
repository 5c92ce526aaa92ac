package kettle

import (
	"runtime/debug"
	"time"

	"github.com/kettle-go/kettle/loop"
)

// When many tasks have ended, little of what they had goes back to the system by itself: their
// stacks are free after the next collection of garbage only, which a program that is idle does not
// have for two minutes, and even then they stay with the process for long. So a loop that had a
// burst of tasks, and has had few for a while, has the memory given back, once.

const (
	// burst is how many tasks more than now there must have been.
	burst = 4096

	// calm is for how long there must have been few, and respite how long nothing is given back
	// after it was: to collect garbage costs CPU time in proportion to all that the program has.
	calm    = 5 * time.Second
	respite = time.Minute
)

// ebb follows the number of tasks.
type ebb struct {
	runtime *runtime
	peak    int64 // the most there were, since memory was given back
	timer   loop.Timer
	last    time.Duration // when that was, by the loop's clock
}

func (e *ebb) init(r *runtime) {
	e.runtime, e.last = r, -respite
	e.timer.Init(r.loop, e)
}

// rise is called when there are n tasks, and there was one less before.
func (e *ebb) rise(n int64) { e.peak = max(e.peak, n) }

// fall is called when there are n tasks, and there was one more before.
func (e *ebb) fall(n int64) {
	if e.low(n) && !e.timer.Set() {
		e.timer.ResetAt(max(e.runtime.loop.Now()+calm, e.last+respite))
	}
}

func (e *ebb) low(n int64) bool { return e.peak-n >= burst && n < e.peak/4 }

// Run is called by the timer.
func (e *ebb) Run() {
	n := e.runtime.tasks.Load()
	if !e.low(n) {
		return // there are many again
	}
	e.peak, e.last = n, e.runtime.loop.Now()
	e.runtime.coros.Close() // those that are kept
	e.runtime.config.giveBack()
}

// giveBack has memory that is free given back to the system, without the loop waiting for it.
func giveBack() { go debug.FreeOSMemory() }
