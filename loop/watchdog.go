package loop

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"
)

// Stall is a turn that takes too long, while it does: everything else on the loop waits for it.
type Stall struct {
	Name  string        // of what holds the loop, by Mark; "" is a callback
	For   time.Duration // how long the turn has lasted
	Stack []byte        // of the goroutine that holds the loop now; nil if it was not found
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

// maxProfiled is how many goroutines there may be for their stacks to be looked at: each costs the
// program some microseconds, and a stall should not become a longer one.
const maxProfiled = 200_000

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
			lasted := w.loop.clock.Now() - time.Duration(beat)
			if lasted >= w.limit && beat != told && w.tell(beat, lasted) {
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

// tell tells of the stall. It returns false if it has seen nobody who holds the loop: then it is
// over, or one was just handing over to the next. Code with profiler labels of its own (pprof.Do)
// is never found, so after some looks it is told of without a stack.
func (w *watchdog) tell(beat int64, lasted time.Duration) (told bool) {
	name, stack := w.loop.Holder()
	if stack == nil && lasted < 2*w.limit || w.beat.Load() != beat { // else another turn's
		return false
	}
	stall := Stall{name, lasted, stack}
	told = true
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(os.Stderr, "loop: the handler of stalls panicked: %v\n%s\n", v, stack)
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

// Holder returns the name and the stack of what the loop runs at this moment, for who waits for the
// loop in vain; both are empty if it runs nothing. It may be called from any goroutine.
func (l *Loop) Holder() (name string, stack []byte) {
	if label := l.current.Load(); label != nil {
		name = label.Name
	}
	return name, l.holder()
}

// holder returns the stack of the goroutine that runs the loop's callback, or its coroutine, as
// the goroutine profile writes it; nil if none does.
//
// A profile stops the world far more briefly than runtime.Stack of all goroutines, and takes equal
// stacks together: those of thousands of coroutines that wait in the same place are one.
//
// All goroutines of the loop have its label, and all but one wait. So have those that a callback
// has started: they have neither the loop nor a coroutine at their root.
func (l *Loop) holder() []byte {
	if n := runtime.NumGoroutine(); n > maxProfiled {
		return fmt.Appendf(nil, "not looked for among %d goroutines", n)
	}
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return nil
	}
	label := fmt.Sprintf("%q:%q", labelKey, l.name())
	var deeper []byte
	for record := range strings.SplitSeq(profile.String(), "\n\n") {
		switch {
		case !strings.Contains(record, label) || waits(record):
		case strings.Contains(record, "/loop.(*Loop).turn+"),
			strings.Contains(record, "/coro.(*Coro).live+"):
			return []byte(record)
		case strings.Contains(record, "\truntime.corostart+"):
			deeper = []byte(record) // an iter.Pull of what the loop runs, if nothing else is
		}
	}
	return deeper
}

// waits reports whether a goroutine of the loop, by its record in the profile, waits: it is the
// loop itself, and selects, or it has switched to another one or back. Then its innermost function
// is that of iter.Pull.
func waits(record string) bool {
	if strings.Contains(record, "/loop.(*Loop).wait+") {
		return true
	}
	for line := range strings.Lines(record) {
		if frame, ok := strings.CutPrefix(line, "#\t"); ok {
			_, function, _ := strings.Cut(frame, "\t")
			return strings.HasPrefix(function, "iter.Pull") ||
				strings.HasPrefix(function, "runtime.coro")
		}
	}
	return true
}
