package selectors

import (
	"fmt"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/kettle-go/kettle/internal/pages"
)

// Events is a set of readiness events.
type Events uint8

// The events that a descriptor can be registered for.
const (
	Read  Events = 1 << iota // a receive or an accept will not wait
	Write                    // a send will not wait
)

// String returns "read", "write" or "read|write".
func (e Events) String() string {
	switch e {
	case Read:
		return "read"
	case Write:
		return "write"
	case Read | Write:
		return "read|write"
	}
	return fmt.Sprintf("Events(%#x)", uint8(e))
}

// Forever as a time-out of Select means to wait without end.
const Forever time.Duration = math.MaxInt64

// Key is one registration: what was registered, its descriptor, the events it is watched
// for and the value that the caller attached. Keys are values and never change.
type Key struct {
	File   any
	FD     int
	Events Events
	Data   any
}

// Selector watches descriptors. The zero Selector is not usable: see Default and Open.
// It belongs to one goroutine, but for Wake.
type Selector struct {
	name    string
	backend backend
	instead error             // why it is not the one that was preferred
	shared  *Completions      // nil if there is no ring
	slots   pages.Table[slot] // by descriptor: a number is below the limit on open files
	count   int               // of registered slots
	batch   []event           // what the last Select found
	next    int               // the first event of batch that Ready has not looked at

	dispatching bool // in Dispatch

	wakeMu sync.Mutex // lets Wake and Close exclude each other
	closed bool       // written under wakeMu by the owner
}

// backend is the mechanism under a Selector. It keeps no keys, checks no arguments and has
// no policy: it is told only what is right, but the kernel may still refuse it.
type backend interface {
	// add refuses a descriptor that is not open, before it makes room for its number.
	add(fd int, events Events, tok token) error
	modify(fd int, old, events Events, tok token) error
	remove(fd int, events Events) error
	// wait appends what is ready to batch. It waits until there is something, or woken,
	// or timeout has passed; it may also return early with nothing.
	wait(batch []event, timeout time.Duration) (_ []event, woken bool, _ error)
	wake() error  // from any goroutine
	close() error // never beside wake
}

// A token names a registration to the kernel, which gives it back with each event:
//
//	63            32 31             0
//	┌───────────────┬───────────────┐
//	│  generation   │  descriptor   │
//	└───────────────┴───────────────┘
//
// The generation grows whenever the number is registered anew. An event of a connection that
// is gone is then a comparison that fails, and never reaches the connection that has inherited
// its number.
type token uint64

func newToken(fd int, generation uint32) token {
	return token(generation)<<32 | token(uint32(fd))
}

func (t token) fd() int            { return int(uint32(t)) }
func (t token) generation() uint32 { return uint32(t >> 32) }

// event is what a backend found ready.
type event struct {
	token  token
	events Events
}

// slot is the registration of one descriptor number.
type slot struct {
	file, data any
	generation uint32
	events     Events
	used       bool
}

// key returns the key of a descriptor from its slot.
func (sl *slot) key(fd int) Key {
	return Key{File: sl.file, FD: fd, Events: sl.events, Data: sl.data}
}

// Register watches file for events and attaches data to it. File is an int, or has a method
// FD() int, or is a syscall.Conn. The errors are ErrInvalidEvents, ErrInvalidFD,
// ErrRegistered (the number is registered, be it through another file), ErrTooLarge (select),
// ErrClosed, and what the kernel says (EBADF for a descriptor that is not open); after an error
// nothing is registered.
func (s *Selector) Register(file any, events Events, data any) (Key, error) {
	fd, err := s.check(file, events)
	if err != nil {
		return Key{}, fmt.Errorf("register: %w", err)
	}
	generation := uint32(1)
	if sl := s.slots.At(fd); sl != nil {
		if sl.used {
			return Key{}, fmt.Errorf("register: descriptor %d: %w", fd, ErrRegistered)
		}
		generation += sl.generation
	}
	if err := s.backend.add(fd, events, newToken(fd, generation)); err != nil {
		return Key{}, fmt.Errorf("register descriptor %d with %s: %w", fd, s.name, err)
	}
	// The table grows now that the descriptor is known to be open: a wrong number may be huge.
	sl := s.slots.Grow(fd)
	*sl = slot{file: file, data: data, generation: generation, events: events, used: true}
	s.count++
	return sl.key(fd), nil
}

// Modify changes the events that file is watched for and the value attached to it. With the
// events unchanged it costs no system call. If the kernel refuses, file is no longer
// registered and the error is returned. An unknown file is ErrNotRegistered.
func (s *Selector) Modify(file any, events Events, data any) (Key, error) {
	sl, fd, err := s.find(file)
	if err == nil && !valid(events) {
		err = fmt.Errorf("%w, not %s", ErrInvalidEvents, events)
	}
	if err != nil {
		return Key{}, fmt.Errorf("modify: %w", err)
	}
	if old := sl.events; old != events {
		tok := newToken(fd, sl.generation)
		if err := s.backend.modify(fd, old, events, tok); err != nil {
			err = fmt.Errorf("modify descriptor %d with %s: %w", fd, s.name, err)
			s.drop(sl, fd)
			return Key{}, err
		}
		sl.events = events
	}
	sl.data = data
	return sl.key(fd), nil
}

// Unregister stops watching file and returns its key. A descriptor that has been closed, or
// has become another file's in the meantime, is no error; a file that is closed is found by
// identity. An unknown file is ErrNotRegistered.
func (s *Selector) Unregister(file any) (Key, error) {
	sl, fd, err := s.find(file)
	if err != nil {
		return Key{}, fmt.Errorf("unregister: %w", err)
	}
	key := sl.key(fd)
	s.drop(sl, fd)
	return key, nil
}

// drop takes the registration out of the table and out of the backend. What the backend
// says about it does not matter: the descriptor may be gone already.
func (s *Selector) drop(sl *slot, fd int) {
	_ = s.backend.remove(fd, sl.events)
	*sl = slot{generation: sl.generation}
	s.count--
}

// Select waits until a registered descriptor is ready, timeout has passed, or Wake is
// called, and returns how many events Ready will go through at most; 0 after a time-out
// or a wake-up. A timeout of zero or less does not wait; Forever waits without end. What the
// last Select found and Ready has not gone through is forgotten. It allocates only to grow its
// buffers.
func (s *Selector) Select(timeout time.Duration) (int, error) {
	if s.dispatching && timeout > 0 {
		return 0, fmt.Errorf("select: %w", ErrDispatching)
	}
	return s.wait(timeout)
}

// wait is Select, also for Dispatch.
func (s *Selector) wait(timeout time.Duration) (int, error) {
	s.batch, s.next = s.batch[:0], 0
	if s.closed {
		return 0, fmt.Errorf("select: %w", ErrClosed)
	}
	var deadline time.Time
	if timeout > 0 && timeout < Forever {
		deadline = time.Now().Add(timeout)
	}
	for {
		batch, woken, err := s.backend.wait(s.batch, timeout)
		s.batch = s.discardStale(batch)
		if err != nil {
			return 0, s.failure(err)
		}
		if s.shared != nil && s.shared.roused {
			return len(s.batch) + 1, nil
		}
		if len(s.batch) > 0 || woken || timeout <= 0 {
			return len(s.batch), nil
		}
		if timeout < Forever {
			if timeout = time.Until(deadline); timeout <= 0 {
				return 0, nil
			}
		}
	}
}

// failure returns the error of a wait.
func (s *Selector) failure(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("select with %s: %w", s.name, err)
}

// discardStale keeps the events of batch that belong to a present registration. Others
// come from a descriptor that was closed while a duplicate keeps it alive in epoll.
func (s *Selector) discardStale(batch []event) []event {
	kept := batch[:0]
	for _, ev := range batch {
		if sl := s.live(ev); sl != nil && ev.events&sl.events != 0 {
			kept = append(kept, ev)
		}
	}
	return kept
}

// Ready goes through what the last Select found, each event once: who breaks off can range
// over the rest later. Events of descriptors that have been unregistered since, or are no
// longer watched for what has happened, are skipped. Handling an event may register, modify
// and unregister any descriptor.
func (s *Selector) Ready() iter.Seq2[Key, Events] {
	return func(yield func(Key, Events) bool) {
		for s.next < len(s.batch) {
			ev := s.batch[s.next]
			s.next++
			sl := s.live(ev)
			if sl == nil {
				continue
			}
			events := ev.events & sl.events
			if events != 0 && !yield(sl.key(ev.token.fd()), events) {
				return
			}
		}
	}
}

// Take returns the next of what Ready would go through, its descriptor and what it is ready for;
// false if there is nothing more.
func (s *Selector) Take() (fd int, events Events, ok bool) {
	for s.next < len(s.batch) {
		ev := s.batch[s.next]
		s.next++
		if sl := s.live(ev); sl != nil && ev.events&sl.events != 0 {
			return ev.token.fd(), ev.events & sl.events, true
		}
	}
	return 0, 0, false
}

// live returns the registration that an event belongs to, nil if there is none any more.
func (s *Selector) live(ev event) *slot {
	sl := s.slots.At(ev.token.fd())
	if sl == nil || !sl.used || sl.generation != ev.token.generation() {
		return nil
	}
	return sl
}

// Wake makes the Select that waits now, or else the next one, return at once. Any number of
// calls before it returns are one. It may be called from any goroutine; after Close it
// returns ErrClosed. An error means that nobody was woken.
func (s *Selector) Wake() error {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	if s.closed {
		return fmt.Errorf("wake: %w", ErrClosed)
	}
	return s.backend.wake()
}

// Close frees the selector; the registered descriptors stay open. Closing again is no error.
func (s *Selector) Close() error {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.slots.Clear()
	s.batch, s.count, s.next = nil, 0, 0
	if s.dispatching {
		return nil // Dispatch does it when it has ended
	}
	return s.backend.close()
}
