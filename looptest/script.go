package looptest

import (
	"slices"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// SetReady says what a descriptor is ready for from now on, registered or not: each Select finds
// it, until SetReady says something else. A Select that waits ends.
func (s *Selector) SetReady(fd int, events selectors.Events) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if events == 0 {
		delete(s.ready, fd)
		return
	}
	s.ready[fd] = events
	s.ring()
}

// Script adds steps: each Select takes the next one, and what SetReady says counts when none is
// left. A loop whose clock jumps selects with a time-out of 0 before it jumps or waits, and that
// takes a step too.
func (s *Selector) Script(steps ...Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, steps...)
}

// Fail lets the next call of op that has nothing else wrong fail with an error that wraps err. Each
// call of Fail is one failure. A Select that waits fails at once; steps of the script do not.
func (s *Selector) Fail(op Op, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = append(s.faults[op], err)
	if op == OpSelect {
		s.ring()
	}
}

// AwaitSleep blocks until a Select waits, and returns false if the selector was closed instead.
func (s *Selector) AwaitSleep() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.waiting && !s.closed {
		s.state.Wait()
	}
	return !s.closed
}

// Key returns the registration of a descriptor.
func (s *Selector) Key(fd int) (key selectors.Key, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.registered[fd]
	if r == nil {
		return selectors.Key{}, false
	}
	return r.key, true
}

// Len returns how many descriptors are registered.
func (s *Selector) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.registered)
}

// Calls returns all calls in their order, such as "register 3 read|write", "modify 3 read",
// "unregister 3", "select 10ms", "select forever", "wake" and "close".
func (s *Selector) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Timeouts returns the time-out of each call of Select.
func (s *Selector) Timeouts() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.timeouts)
}

// Wakes returns how often Wake was called.
func (s *Selector) Wakes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wakes
}
