package loop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

// The errors of a loop.
var (
	// ErrClosed says that the loop is closed. It is selectors.ErrClosed.
	ErrClosed = selectors.ErrClosed

	// ErrRunning says that the loop runs: it cannot run within itself, nor be closed.
	ErrRunning = errors.New("the loop is running")
)

// Config says what a loop stands on. The zero Config is that of an ordinary loop.
type Config struct {
	Selector Selector   // nil is the best that this system has, as selectors.Default
	Clock    Clock      // nil is the system's monotonic clock
	Order    *rand.Rand // shuffles what is due at once; nil keeps it in order

	// Stall is how long a turn may take until OnStall is told, while it still lasts; 0 is never.
	Stall   time.Duration
	OnStall func(Stall) // called on a goroutine of its own; nil logs with log/slog

	// OnIncident is told of callbacks that panicked, and that the loop goes on without; nil logs
	// with log/slog. It is called by the loop, but if the loop could not be woken, by the goroutine
	// that has posted.
	OnIncident func(Incident)
}

// Loop is an event loop. The zero Loop is not usable: see New.
type Loop struct {
	config   Config
	clock    Clock
	begun    time.Time // when the clock stood at zero
	jumps    bool      // the clock stands still while the loop works
	selector Selector

	soon    []Runner // run in the next fifth phase
	batch   []Runner // run in the present one
	at      int      // the first of batch that has not run
	last    lasts    // run in the sixth
	turns   uint64   // that have begun
	timers  timers
	watched table
	sources []Runner
	posts   posts
	outside int // see Outside
	offers  int // see Offer
	held    int // see Hold
	locals  []local
	onWait  func(found int) // may be nil
	waits   bool            // the selector waits
	broken  error           // why it cannot
	phase   phase           // of the present turn

	running, stopping, ending, closed bool

	watchdog  *watchdog
	goroutine atomic.Uintptr        // of Run
	current   atomic.Pointer[Label] // what runs, if it has a name
	counters  counters
}

// Runner is something that can be due. A Runner that exists already costs no allocation, as a
// closure does.
type Runner interface {
	Run()
}

// Drainer is a Runner that reads from a descriptor, and knows when nothing is left there. A loop in
// which all that was ready has been drained need not ask the kernel before it waits.
type Drainer interface {
	Runner

	// Drained reports whether the descriptor has been found empty since the Drainer was last run
	// for it: a read has found nothing, or, of TCP, has got less than there was room for. The end
	// of the stream, and what is behind urgent data, need not be known. Of anything else a short
	// read says nothing: a unix socket ends one behind a message that carries descriptors.
	Drained() bool
}

// Func is a function as a Runner.
type Func func()

// Run calls f.
func (f Func) Run() { f() }

// Label names what runs, for who looks from outside: see Loop.Mark.
type Label struct {
	Name      string
	Goroutine atomic.Uintptr // sys.Goroutine of the one that runs it
}

// New returns a loop. It holds descriptors until it is closed.
func New(config Config) (*Loop, error) {
	l := &Loop{config: config, clock: config.Clock, selector: config.Selector}
	l.posts.over = make(chan struct{})
	if l.clock == nil {
		l.clock = NewClock()
	}
	l.jumps = l.clock.Jump(0)
	l.begun = time.Now().Add(-l.clock.Now())
	if l.selector == nil {
		selector, err := selectors.Default()
		if err != nil {
			return nil, fmt.Errorf("loop: %w", err)
		}
		l.selector = selector
	}
	l.counters.describe(l.selector)
	l.watched.ready = l.selector.Ready()
	l.watched.selector, _ = l.selector.(*selectors.Selector)
	return l, nil
}

// Run runs turns until Stop is called, and returns nil; stopped before it runs, it runs exactly
// one, and does not wait in it. It returns an error if waiting has become impossible, if it is
// called in a callback of the same loop (ErrRunning) or after Close (ErrClosed). It blocks. A
// callback that calls runtime.Goexit ends the goroutine of Run; what was due then stays due.
func (l *Loop) Run() (err error) {
	switch {
	case l.closed:
		return fmt.Errorf("loop: run: %w", ErrClosed)
	case l.running:
		return fmt.Errorf("loop: run: %w", ErrRunning)
	}
	l.running = true
	l.counters.ended = l.clock.Now() // of the turn before the first
	l.goroutine.Store(sys.Goroutine())
	defer func() {
		l.running, l.stopping, l.ending = false, false, false
		l.goroutine.Store(0) // soon another one's
		l.Mark(nil)
	}()
	if l.at < len(l.batch) { // after Goexit
		l.soon = slices.Concat(l.batch[l.at:], l.soon)
		l.batch, l.at = nil, 0
	}
	// Coroutines that are made while the loop runs inherit the label: it is how the watchdog
	// knows whose goroutines they are.
	labels := pprof.Labels(labelKey, l.name())
	pprof.Do(context.Background(), labels, func(context.Context) {
		stop := l.watch()
		defer stop()
		err = l.runTurns()
	})
	return err
}

// Soon has f run in the next fifth phase. It never runs it itself. Loop only.
func (l *Loop) Soon(f func()) { l.Ready(Func(f)) }

// Ready is Soon for a Runner. Loop only.
func (l *Loop) Ready(r Runner) { l.soon = append(l.soon, r) }

// Stop makes Run return when the turn that runs has ended. Loop only: others Post it.
func (l *Loop) Stop() { l.stopping = true }

// End is Stop as soon as nobody holds the loop when a turn has ended: see Hold. Loop only.
func (l *Loop) End() { l.ending = true }

// Hold tells the loop of something that End is to wait for, and that is sure to end by itself, such
// as a connection that has yet to send what it was given before it closes: that there is more of it
// (1) or less (-1). Loop only.
func (l *Loop) Hold(change int) { l.held += change }

// over reports whether Run returns when the turn has ended.
func (l *Loop) over() bool { return l.stopping || l.ending && l.held == 0 }

// Now returns the time of the loop's clock. Loop only.
func (l *Loop) Now() time.Duration { return l.clock.Now() }

// Outside tells the loop of work that others do for it and will Post the outcome of: that there
// is more of it (1) or less (-1). While there is any, the loop offers its processor in each turn,
// and a clock that can jump does not. Loop only.
func (l *Loop) Outside(change int) { l.outside += change }

// Offer tells the loop of goroutines that may Post something at any time: that there are more of
// them (1) or less (-1). While there are any, the loop offers its processor in each turn; a clock
// that can jump does so all the same. Loop only.
func (l *Loop) Offer(change int) { l.offers += change }

// Idle reports whether nothing can ever run again unless another goroutine posts it: nothing is
// due, no timer is set, no descriptor watched, no work outside. Loop only.
func (l *Loop) Idle() bool {
	due := len(l.soon) + len(l.batch) - l.at + l.last.left()
	return due == 0 && l.timers.len() == 0 && l.watched.count == 0 && l.outside == 0 &&
		!l.posts.waiting()
}

// Mark says what runs from here on, until the next Mark or the end of the turn, for those who look
// from outside while a turn lasts too long, and for Inside. Nil is a callback of no name. Loop
// only.
func (l *Loop) Mark(label *Label) {
	if l.current.Load() != label {
		l.current.Store(label)
	}
}

// OnWait has f called with -1 when the loop begins to wait, be it for no time at all, and when it
// goes on with how many events it has found, for those who record what it does. There is one such
// function, which nil takes away. Where a clock jumps instead, f is not told. Loop only.
func (l *Loop) OnWait(f func(found int)) { l.onWait = f }

// Inside reports whether it is called by the loop: by a callback, or by the goroutine that the
// present Label names. It may be called from any goroutine. Where goroutines cannot be told apart
// (see sys.Goroutine) it is always true.
func (l *Loop) Inside() bool { return l.goroutine.Load() == sys.Goroutine() || l.Marked() }

// Marked reports whether it is called by the goroutine that the present Label names, and not by a
// callback. It may be called from any goroutine. Where goroutines cannot be told apart it is true
// for callbacks and other goroutines too, while a Label is that of something that lives.
func (l *Loop) Marked() bool {
	label := l.current.Load()
	return label != nil && label.Goroutine.Load() == sys.Goroutine()
}

// Close frees the loop. What is due, set or watched is dropped, as is what is added later;
// descriptors stay open, but for those of a Local that closes them. Closing again is no error; a
// loop that runs cannot be closed (ErrRunning).
// Loop only.
func (l *Loop) Close() error {
	if l.running {
		return fmt.Errorf("loop: close: %w", ErrRunning)
	}
	if l.closed {
		return nil
	}
	l.closed = true
	for _, local := range l.locals {
		if c, ok := local.value.(Closer); ok {
			l.try(func(*Loop) { c.LoopClosed() }) // the others are closed even if it panics
		}
	}
	l.locals, l.last, l.sources = nil, lasts{}, nil
	l.posts.close()
	l.soon, l.batch, l.at = nil, nil, 0
	l.timers.clear()
	l.watched = table{}
	if err := l.selector.Close(); err != nil {
		return fmt.Errorf("loop: close: %w", err)
	}
	return nil
}
