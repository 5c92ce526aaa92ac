package kettle

import (
	"time"

	"github.com/kettle-go/kettle/loop"
)

// Sleep suspends the task until d has passed, never less. A d of zero or less is a Yield.
func (t *Task) Sleep(d time.Duration) error {
	if d <= 0 {
		return t.Yield()
	}
	f, err := t.enter()
	if err != nil {
		return err
	}
	s := f.runtime.sleepers.take(f)
	s.timer.Reset(d)
	err = f.park("sleep", s)
	f.runtime.sleepers.give(s)
	return err
}

// Yield suspends the task until everybody else who is ready has had a turn.
func (t *Task) Yield() error {
	f, err := t.enter()
	if err != nil {
		return err
	}
	f.wake(nil) // giveWay, with a frame less to return through: see coro.Coro.Switch
	if !f.co.Yield() {
		f.fatal, f.state = true, running
	}
	if f.masked {
		return nil
	}
	return f.scope.cause()
}

// sleeper is the timer of a fiber that sleeps. Most do not, so it is not part of them.
type sleeper struct {
	timer loop.Timer
	fiber *fiber
	next  *sleeper // in the list of those that nobody uses
}

// Run is called when the time has passed.
func (s *sleeper) Run() { s.fiber.wake(nil) }

func (s *sleeper) abandon(*fiber) { s.timer.Stop() }

// sleepers are those that nobody uses at present.
type sleepers struct {
	first *sleeper
	n     int
}

// maxIdleSleepers is how many of them a loop keeps.
const maxIdleSleepers = 1024

func (l *sleepers) take(f *fiber) *sleeper {
	s := l.first
	if s == nil {
		s = &sleeper{}
		s.timer.Init(f.runtime.loop, s)
	} else {
		l.first, s.next = s.next, nil
		l.n--
	}
	s.fiber = f
	return s
}

func (l *sleepers) give(s *sleeper) {
	s.fiber = nil
	if l.n < maxIdleSleepers {
		s.next, l.first = l.first, s
		l.n++
	}
}
