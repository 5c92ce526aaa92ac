package selectors

import (
	"fmt"
	"time"
)

// Turns is what Dispatch calls.
type Turns interface {
	// Next is called before the first wait, and after each one, with how many events Ready will go
	// through at most. It may be called early, with 0. It returns how long to wait at most, as
	// Select takes it, or false if there is to be no other wait.
	Next(found int) (timeout time.Duration, more bool)

	// Drained reports whether the descriptor has been found empty since Next was told that it is
	// readable: a receive has found nothing, or, of TCP, has got less than there was room for. It
	// is asked after Next, of what that was told of. Who cannot tell returns false.
	Drained(fd int) bool
}

// Dispatch is Select, again and again, with a call of turns.Next between any two, until that ends
// it. Where the selector waits in Go's poller it is cheaper than to call Select: a wait that begins
// must ask what is ready, as that may have happened before, and in one long wait it need not. Where
// very many are ready, Next may be told of some at a time, of each once before any of them again.
// Next may end its goroutine; it must not wait itself, by Select or Dispatch (ErrDispatching). If
// it closes the selector, Dispatch returns ErrClosed. The other errors are those of Select.
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
