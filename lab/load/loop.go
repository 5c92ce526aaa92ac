package load

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// plan decides when requests are sent. All its methods are called by the loop.
type plan interface {
	begin(now int64)          // the phase has begun
	due(now int64) (at int64) // sends what is due, and says when it wants to be asked again
	answered(i int, c *conn, answers int)
	turned() // all events of a turn have been handled
}

// never is when a plan that does nothing by the clock wants to be asked again.
const never = math.MaxInt64

// phase says how long the parts of a phase last; a part of no length is left out.
//
//	| warm-up      | measured window        | drain                 |
//	begin          Start  answers count  End   nothing new is sent   settle
//	               |------ Elapsed -------|    until all is answered
//
// Greet has a drain only, and Idle a warm-up only.
type phase struct {
	warmup, measure, drain time.Duration
	silent                 bool // silent and idle connections take part as well
	deaf                   bool // those send that never read
	publishing             bool // it is for the service publish too
	hooks                  Hooks

	// opened and closed tell the plan of the window: when it begins and will end, and how long
	// the hook and catching up after it have held up the schedule.
	opened func(begin, end, held int64)
	closed func()
}

// run goes through a phase: the warm-up, the measured window, the drain.
func (l *Load) run(ctx context.Context, doing string, p plan, ph phase) error {
	l.lost, l.active, l.window.open, l.stuck = 0, 0, false, false
	if err := l.usable(); err != nil {
		return fmt.Errorf("load: %s: %w", doing, err)
	}
	if l.topic != nil && !ph.publishing {
		return fmt.Errorf("load: %s: %w", doing, errPublishes)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("load: %s: %w", doing, context.Cause(ctx))
	}
	if l.muster(ph.silent) == 0 {
		return fmt.Errorf("load: %w", unserved(doing, l.stats.First))
	}
	err := l.looping(ctx, func() error { return l.parts(ctx, p, ph) })
	l.settle()
	if err == nil {
		return nil
	}
	return fmt.Errorf("load: %s: %w", doing, err)
}

// looping calls f, in which the loop runs: on one thread, whose waits a cancellation of ctx ends.
func (l *Load) looping(ctx context.Context, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Waits end when they are due, and not up to 50 µs later; 0 is the thread's default.
	// Where there is no such thing, waits are as precise as the system makes them.
	_ = sys.SetTimerSlack(time.Microsecond)
	defer func() { _ = sys.SetTimerSlack(0) }()
	stop := l.interruptible(ctx)
	defer stop()
	return f()
}

// parts goes through the parts of a phase.
func (l *Load) parts(ctx context.Context, p plan, ph phase) error {
	now := l.clock()
	p.begin(now) // may send a lot; time counts from before it
	if ph.deaf {
		l.hear(true)
		defer l.hear(false)
	}
	if err := l.until(ctx, p, now+ph.warmup.Nanoseconds()); err != nil {
		return err
	}
	if ph.measure > 0 {
		end := l.open(p, ph)
		if err := l.until(ctx, p, end); err != nil {
			return err
		}
		l.shut(ph)
	}
	if ph.drain == 0 {
		return nil
	}
	return l.drain(ctx, p, l.clock()+ph.drain.Nanoseconds())
}

// muster has the connections take part that are able to, and returns how many there are.
func (l *Load) muster(silent bool) int {
	for i := range l.conns {
		c := &l.conns[i]
		c.active = c.state == alive && c.kind != deaf &&
			(silent || !c.silent && i < l.config.Conns)
		if !c.active {
			continue
		}
		c.slot, c.head, c.again, c.done, c.silent = int32(l.active), 0, 0, 0, false
		l.active++
	}
	return l.active
}

// settle ends a phase: who still owes an answer is silent. What has not begun to be sent
// will not be.
func (l *Load) settle() {
	size := int64(l.config.Size)
	for i := range l.conns {
		c := &l.conns[i]
		if c.state != alive {
			continue
		}
		if l.topic == nil || i == publisher {
			c.asked = min(c.asked, (c.sent+size-1)/size*size)
		}
		c.silent = l.owes(i, c)
	}
}

// owes reports whether a connection has yet to get something.
func (l *Load) owes(i int, c *conn) bool {
	return c.owing() || l.topic != nil && c.kind != deaf && l.behind(i)
}

// until runs the loop up to a time.
func (l *Load) until(ctx context.Context, p plan, deadline int64) error {
	for {
		now := l.clock()
		if err := l.over(ctx); err != nil {
			return err
		}
		if now >= deadline {
			return nil
		}
		l.next = p.due(now)
		l.turn(p, min(l.next, deadline)-now)
	}
}

// drain runs the loop until nothing is owed any more, or up to a time. The plan sends what it
// should have sent in the window, if it was late, and then nothing more.
func (l *Load) drain(ctx context.Context, p plan, deadline int64) error {
	began := l.clock()
	heard, last := l.heard, began
	for {
		now := l.clock()
		if heard != l.heard {
			heard, last = l.heard, now
		}
		l.next = p.due(now)
		if l.err == nil && !l.anyOwing() && (l.next == never || l.active == 0) {
			return nil
		}
		if err := l.over(ctx); err != nil {
			return err
		}
		if now >= deadline {
			l.stuck = now-last > (now-began)/2
			return nil
		}
		l.turn(p, min(l.next, deadline)-now)
	}
}

// anyOwing reports whether a connection that takes part owes an answer, or is being made.
func (l *Load) anyOwing() bool {
	for i := range l.conns {
		c := &l.conns[i]
		if c.active && (c.state == connecting || c.state == alive && l.owes(i, c)) {
			return true
		}
	}
	return false
}

// over returns why a phase cannot go on, if so.
func (l *Load) over(ctx context.Context) error {
	switch {
	case l.err != nil:
		return l.err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case l.active == 0:
		return unserved("all connections are lost", l.stats.First)
	}
	return nil
}

// turn is one turn of the loop: it waits for events, at most ns nanoseconds, and handles
// them. In between it sends what has become due.
func (l *Load) turn(p plan, ns int64) {
	for _, ev := range l.wait(time.Duration(ns)) {
		if ev.index == len(l.conns) { // the context was cancelled: over will see to it
			l.waker.Drain()
			continue
		}
		// A connection may have been lost since the wait, by an earlier event of its own: its
		// state says so, and its index is nobody else's.
		c := &l.conns[ev.index]
		switch {
		case c.state == connecting:
			l.connected(ev.index, c)
			continue
		case c.kind == deaf:
			if c.state == alive {
				l.pour(ev.index, c)
			}
			continue
		}
		if ev.ready&reading != 0 && c.state == alive {
			l.receive(ev.index, c, p)
		}
		if ev.ready&writing != 0 && c.state == alive && c.interest&writing != 0 {
			l.pump(ev.index, c)
		}
		if l.err != nil {
			return
		}
		if l.next != never { // a batch takes up to a millisecond: too long for a pace
			if now := l.clock(); now >= l.next {
				l.next = p.due(now)
			}
		}
	}
	p.turned()
}

// wait returns what is ready, and waits for it up to d. Under load it only looks, as a wait
// tells Go's scheduler for nothing; if there was little to do the last time, it waits at once.
func (l *Load) wait(d time.Duration) []event {
	if l.config.Spin && l.next != never {
		d = 0
	}
	var err error
	busy := len(l.events) > 1
	if busy || d <= 0 {
		l.events, err = l.poller.wait(l.events, 0)
	}
	if !busy || len(l.events) == 0 {
		if err == nil && d > 0 {
			l.events, err = l.poller.wait(l.events, d)
		}
	}
	if err != nil {
		l.fail(err)
	}
	return l.events
}

// interruptible has a cancellation of ctx end the loop's waits, until stop is called.
func (l *Load) interruptible(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = l.waker.Wake() // cannot fail but on a closed pipe, and stop is called before that
	})
	return func() {
		if !cancel() {
			<-done
			l.waker.Drain()
		}
	}
}
