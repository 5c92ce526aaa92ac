package loop

import (
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Stall is a turn that takes too long, while it does: everything else on the loop waits for it.
type Stall struct {
	Name  string        // of what holds the loop, by Mark; "" is a callback
	For   time.Duration // how long the turn has lasted
	Stack []byte        // of the goroutine that holds the loop; nil if it was not found
}

// labelKey is the key of the label in goroutine profiles that all goroutines of a loop have.
const labelKey = "kettle-loop"

// name is a loop's own label.
func (l *Loop) name() string { return fmt.Sprintf("%p", l) }

// watchdog is a goroutine that looks from time to time whether the loop is still in the turn that
// it was in before. It sees a turn that does not end, which the loop itself cannot. While the loop
// sleeps, so does the watchdog: an idle program uses no CPU.
type watchdog struct {
	loop   *Loop
	limit  time.Duration
	beat   atomic.Int64 // when the turn began, by the loop's clock; 0 while the loop sleeps
	looked atomic.Int64 // the beat of the turn that is looked at
	took   atomic.Int64 // how long that has lasted, if it is over
	asleep atomic.Bool
	wake   chan struct{}
	stop   chan struct{}
	done   chan struct{}
}

// watch starts the watchdog; stop ends it.
func (l *Loop) watch() (stop func()) {
	if l.jumps || l.config.Stall <= 0 {
		return func() {}
	}
	w := &watchdog{loop: l, limit: l.config.Stall, wake: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{})}
	l.watchdog = w
	go w.run()
	return func() {
		close(w.stop)
		<-w.done
		l.watchdog = nil
	}
}

// beat tells the watchdog that a turn has begun, or by 0 that the loop sleeps.
func (l *Loop) beat(at time.Duration) {
	w := l.watchdog
	if w == nil {
		return
	}
	w.beat.Store(int64(at))
	if at != 0 && w.asleep.Load() && w.asleep.CompareAndSwap(true, false) {
		w.wake <- struct{}{} // there is room: only who ends the sleep sends
	}
}

// looks is how often the watchdog looks in the time of the limit.
const looks = 4

func (w *watchdog) run() {
	defer close(w.done)
	ticker := time.NewTicker(max(w.limit/looks, time.Millisecond))
	defer ticker.Stop()
	idle, told := 0, int64(0)
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		beat := w.beat.Load()
		if beat != 0 {
			idle = 0
			if beat != told && w.look(beat) {
				told = beat
			}
			continue
		}
		if idle++; idle < looks {
			continue
		}
		ticker.Stop()
		if !w.sleep() {
			return
		}
		ticker.Reset(max(w.limit/looks, time.Millisecond))
		idle = 0
	}
}

// sleep waits until the loop begins a turn. It returns false if the watchdog has to end.
func (w *watchdog) sleep() bool {
	w.asleep.Store(true)
	if w.beat.Load() != 0 && w.asleep.CompareAndSwap(true, false) {
		return true // it began before it could see that the watchdog sleeps
	}
	select {
	case <-w.wake:
		return true
	case <-w.stop:
		return false
	}
}

// look tells of the turn that began at beat if it lasts too long. Among many goroutines it takes
// time to find the stack: it is looked for early, at half the limit, so that it is there when the
// limit is reached and the task, if it is still the same one, still holds the loop.
func (w *watchdog) look(beat int64) (told bool) {
	lasted := w.lasted(beat)
	if lasted < w.limit/2 {
		return false
	}
	w.took.Store(0)
	w.looked.Store(beat)
	label := w.loop.current.Load()
	name, stack := w.loop.Holder()
	if lasted = w.lasted(beat); lasted < w.limit && !w.pause(w.limit-lasted) {
		return false
	}
	if w.beat.Load() != beat { // it is over, while the stacks were gone through
		took := time.Duration(w.took.Load())
		return took >= w.limit && w.tell(Stall{name, took, stack})
	}
	if w.loop.current.Load() != label {
		name, stack = w.loop.Holder()
	}
	return w.tell(Stall{name, w.lasted(beat), stack})
}

// over tells the watchdog how long the turn has taken that it looks at.
func (w *watchdog) over(beat, took time.Duration) {
	if w != nil && w.looked.Load() == int64(max(1, beat)) {
		w.took.Store(int64(took))
	}
}

func (w *watchdog) lasted(beat int64) time.Duration {
	return w.loop.clock.Now() - time.Duration(beat)
}

// pause waits for d. It returns false if the watchdog has to end.
func (w *watchdog) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.stop:
		return false
	}
}

// tell tells of the stall. It returns false if it has seen nobody who holds the loop: then it is
// over, or one was just handing over to the next. Code with profiler labels of its own (pprof.Do)
// is never found, so after some looks it is told of without a stack.
func (w *watchdog) tell(stall Stall) (told bool) {
	if stall.Stack == nil && stall.For < 2*w.limit {
		return false
	}
	told = true
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(os.Stderr, "loop: the handler of stalls panicked: %v\n%s\n", v,
				stall.Stack)
		}
	}()
	if w.loop.config.OnStall != nil {
		w.loop.config.OnStall(stall)
	} else {
		slog.Warn("kettle loop: a turn takes too long", "task", stall.Name, "for", stall.For,
			"stack", string(stall.Stack))
	}
	return told
}
