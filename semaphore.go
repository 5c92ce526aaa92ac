package kettle

import (
	"errors"
	"fmt"
)

// Semaphore lets a number of tasks at a time do something: connections to a database, requests that
// are under way. What they take and give back are its permits.
//
// It is fair: Release passes the permit to the task that has waited longest, and no newcomer gets
// in between. It belongs to the loop whose task acquires it first. Its methods are loop only.
type Semaphore struct {
	home    home
	limit   int
	free    int // none while somebody waits
	waiting waiters
}

// NewSemaphore returns a Semaphore with n permits. It panics if n is less than 1, as nobody could
// ever acquire it.
func NewSemaphore(n int) *Semaphore {
	if n < 1 {
		panic(fmt.Sprintf("kettle: a Semaphore with %d permits, which nobody could acquire", n))
	}
	return &Semaphore{limit: n, free: n}
}

// Acquire suspends the task until it has a permit. After an error it has none.
func (s *Semaphore) Acquire(t *Task) error {
	f, err := s.home.enter(t)
	switch {
	case err != nil:
		return err
	case s.limit == 0:
		return errors.New("kettle: acquire a Semaphore that NewSemaphore has not made")
	case s.free > 0:
		s.free--
		f.pass()
		return nil
	}
	return s.waiting.wait(f, "Semaphore.Acquire")
}

// TryAcquire takes a permit if there is one, and reports whether it did. It does not suspend.
func (s *Semaphore) TryAcquire() bool {
	s.home.inside("acquire a Semaphore")
	if s.free == 0 {
		return false
	}
	s.free--
	return true
}

// Release gives a permit back, or rather to the next task. It does not suspend, and may be called
// by any task of the loop. To release more than was acquired panics: the limit would not hold any
// more.
func (s *Semaphore) Release() {
	s.home.inside("release a Semaphore")
	switch {
	case s.waiting.handOver(nil):
	case s.free == s.limit:
		panic("kettle: release of a Semaphore that is not acquired")
	default:
		s.free++
	}
}

// Available returns how many permits there are to take.
func (s *Semaphore) Available() int { return s.free }
