package loop

import (
	"cmp"
	"fmt"
	"runtime"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// runTurns runs turns until the loop is over or cannot wait.
func (l *Loop) runTurns() error {
	l.waits, l.broken = false, nil
	err := l.dispatch()
	if l.waits {
		l.waited(0)
	}
	if err = cmp.Or(l.broken, err); err != nil {
		return fmt.Errorf("loop: %w", err)
	}
	return nil
}

// dispatch has the selector wait between the turns. One that is not the library's is asked anew
// each time, and so is one under a clock that jumps, which selects in the midst of a wait.
func (l *Loop) dispatch() error {
	if s := l.watched.selector; s != nil && !l.jumps {
		return s.Dispatch((*turns)(l))
	}
	for found := 0; ; {
		timeout, more := (*turns)(l).Next(found)
		if !more {
			return nil
		}
		var err error
		if found, err = l.selector.Select(timeout); err != nil {
			return err
		}
	}
}

// turns is a Loop as what a selector calls between two waits.
type turns Loop

// Next runs the turn that the wait is the first phase of, and those that follow without having to
// wait, until one has to, or the loop is over.
func (t *turns) Next(found int) (timeout time.Duration, more bool) {
	l := (*Loop)(t)
	if l.waits {
		l.waited(found)
		l.turn()
		if l.over() {
			return 0, false
		}
	}
	for {
		timeout, l.waits = l.wait()
		if l.waits || l.broken != nil {
			return timeout, l.waits
		}
		l.turn()
		if l.over() {
			return 0, false
		}
	}
}

// Drained reports whether who was run for fd has read all that there was.
func (t *turns) Drained(fd int) bool {
	w := t.watched.get(fd)
	if w == nil || t.watched.replaced {
		return false
	}
	d, ok := w.read.(Drainer)
	return ok && d.Drained()
}

// turn is one turn after its wait, as the documentation of the package describes it.
func (l *Loop) turn() {
	l.turns++
	l.takePosts() // phase 2
	l.phase = phaseSources
	for !l.try((*Loop).phases) {
	}
	l.ended()
}

// phase is a part of a turn that runs callbacks.
type phase uint8

const (
	phaseSources phase = iota // the third begins
	phaseEvents
	phaseTimers
	phaseSoon
	phaseLast
)

// phases runs what is left of the phases of a turn, from the present one. A callback that panics is
// an incident, and the phase goes on after it: each of them knows, at any time, what is left of it.
func (l *Loop) phases() {
	switch l.phase {
	case phaseSources:
		l.runSources()
		l.phase = phaseEvents
		fallthrough
	case phaseEvents:
		l.handleEvents()
		l.phase = phaseTimers
		fallthrough
	case phaseTimers:
		l.expireTimers()
		l.takeSoon()
		l.phase = phaseSoon
		fallthrough
	case phaseSoon:
		l.runBatch()
		if l.last.left() == 0 {
			return
		}
		l.takeLast()
		l.phase = phaseLast
		fallthrough
	case phaseLast:
		l.runLast()
	}
}

// wait begins the first phase: it returns how long to wait, or false if the wait is over already.
// That makes no system call where nothing is watched and callbacks are due, nor where the last turn
// has left events that are known already; but now and then it selects all the same, so that Go's
// monitor does not sleep on, as it would where nobody makes any.
func (l *Loop) wait() (timeout time.Duration, waits bool) {
	if l.outside > 0 || l.offers > 0 {
		runtime.Gosched()
		l.counters.ended = l.clock.Now() // what others did now is not the loop's
	}
	timeout = l.timeout()
	if timeout <= 0 && l.watched.count == 0 && l.turns%1024 != 1023 || l.watched.more {
		l.began(l.counters.ended)
		return 0, false
	}
	if timeout > 0 && l.jumps {
		var over bool
		if over, l.broken = l.jump(timeout); over || l.broken != nil {
			return 0, false
		}
		timeout = selectors.Forever // the clock does not go ahead by waiting
	}
	if timeout > 0 {
		l.beat(0)
		if !l.posts.sleep() {
			timeout = 0
		}
	}
	if l.onWait != nil {
		l.onWait(-1)
	}
	return timeout, true
}

// waited ends the first phase.
func (l *Loop) waited(found int) {
	l.waits, l.watched.replaced = false, false
	if l.onWait != nil {
		l.onWait(found)
	}
	l.posts.asleep.Store(false)
	l.began(l.clock.Now())
}

// jump is the wait with a clock that stands still: if nothing is ready, the clock goes ahead. It
// reports whether the wait is over.
func (l *Loop) jump(timeout time.Duration) (over bool, err error) {
	if l.outside > 0 {
		return false, nil
	}
	found, err := l.selector.Select(0)
	for tries := 0; found == 0 && err == nil && l.arriving(tries); tries++ {
		found, err = l.selector.Select(time.Millisecond)
	}
	if err != nil {
		return false, err
	}
	if over = found > 0 || l.clock.Jump(timeout); over {
		l.began(l.clock.Now())
	}
	return over, nil
}

// timeout returns how long the loop may wait.
func (l *Loop) timeout() time.Duration {
	if l.over() || len(l.soon) > 0 || l.last.left() > 0 || l.posts.waiting() {
		return 0
	}
	next, ok := l.timers.next()
	if !ok {
		return selectors.Forever
	}
	now := l.clock.Now()
	if next <= now { // the difference may be more than a Duration holds
		return 0
	}
	return next - now
}

// takeSoon makes what is due the batch of the fifth phase.
func (l *Loop) takeSoon() {
	if c := cap(l.batch); c > 1024 && len(l.soon) < c/8 { // a burst is over
		l.batch = nil
	}
	l.batch, l.soon, l.at = l.soon, l.batch[:0], 0
	if order := l.config.Order; order != nil {
		order.Shuffle(len(l.batch), func(i, j int) {
			l.batch[i], l.batch[j] = l.batch[j], l.batch[i]
		})
	}
}

// runBatch is the fifth phase.
func (l *Loop) runBatch() {
	for l.at < len(l.batch) {
		r := l.batch[l.at]
		l.batch[l.at] = nil // for the garbage collector
		l.at++
		r.Run()
	}
}
