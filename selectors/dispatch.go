package selectors

import (
	"fmt"
	"time"
)

// Turns is what Dispatch calls.
type Turns interface {
	// Next is called after each wait, with what Select would have returned, and before the first
	// one, with 0. It goes through Ready, and returns how long to wait at most, as Select takes it,
	// or false if there is to be no other wait.
	Next(found int) (timeout time.Duration, more bool)

	// Drained reports whether everything has been received that made the descriptor readable, since
	// Next was told of it. It is asked after Next. Who cannot tell returns false.
	Drained(fd int) bool
}

// Dispatch is Select, again and again, with a call of turns.Next between any two, until that ends
// it. Where the selector waits in Go's poller it is cheaper than to call Select: a wait that begins
// must ask what is ready, as that may have happened before, and in one long wait it need not. Next
// may end its goroutine; it must not wait itself, by Select or Dispatch (ErrDispatching). If it
// closes the selector, Dispatch returns ErrClosed. The other errors are those of Select.
func (s *Selector) Dispatch(turns Turns) error {
	switch {
	case s.dispatching:
		return fmt.Errorf("dispatch: %w", ErrDispatching)
	case s.closed:
		return fmt.Errorf("dispatch: %w", ErrClosed)
	}
	s.dispatching = true
	defer s.dispatched()
	if b, ok := s.backend.(dispatcher); ok {
		return s.failure(b.dispatch(s, turns))
	}
	for found := 0; ; {
		timeout, more := turns.Next(found)
		if !more {
			return nil
		}
		var err error
		if found, err = s.wait(timeout); err != nil {
			return err
		}
	}
}

// dispatched ends a Dispatch. A backend cannot be closed while it waits: if that was wanted it
// comes now.
func (s *Selector) dispatched() {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	s.dispatching = false
	if s.closed {
		_ = s.backend.close()
	}
}

// dispatcher is a backend that has a Dispatch of its own.
type dispatcher interface {
	backend
	dispatch(s *Selector, turns Turns) error
}
