package selectors

import (
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// alarm wakes a thread that is blocked in poll or select. The kernel is told once per wait,
// however often wake is called.
type alarm struct {
	*sys.Waker
	ringing atomic.Bool
}

func newAlarm() (*alarm, error) {
	w, err := sys.NewWaker()
	return &alarm{Waker: w}, err
}

// wake makes the descriptor readable. It may be called from any goroutine.
func (a *alarm) wake() error {
	if a.ringing.Swap(true) {
		return nil
	}
	err := a.Wake()
	if err != nil {
		a.ringing.Store(false) // nobody was woken: the next call has to try again
	}
	return err
}

// answer makes the descriptor unreadable. The flag is lowered last: a wake-up that comes in
// between finds it raised, writes nothing, and concerns the wait that is returning now. The
// other way round its byte would be drained with the flag still up, and nobody woken again.
func (a *alarm) answer() {
	a.Drain()
	a.ringing.Store(false)
}

// kernelTimeout turns a time-out of Select into one of internal/sys: negative without end.
func kernelTimeout(d time.Duration) time.Duration {
	if d == Forever {
		return -1
	}
	return max(d, 0)
}
