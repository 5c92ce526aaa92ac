package looptest

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

var _ loop.Selector = (*Selector)(nil)

// Selector is a loop.Selector without a kernel. Any number is a descriptor, SetReady says what is
// ready, and Script what single calls of Select find. It keeps the promises of selectors.Selector,
// with the same errors, and notes each call.
//
// The methods of loop.Selector are for its loop, but for Wake; all others may be called from any
// goroutine.
type Selector struct {
	mu         sync.Mutex
	registered map[int]*registration
	ready      map[int]selectors.Events
	script     []Step
	faults     map[Op][]error
	generation uint64 // of the last registration

	batch []event // what the last Select found
	next  int     // the first of batch that Ready has not looked at

	woken, waiting, closed bool

	bell     chan struct{} // rung for the Select that waits; it has room for one
	state    *sync.Cond    // waiting or closed has changed
	calls    []string
	timeouts []time.Duration
	wakes    int
}

// registration is what is known of a descriptor.
type registration struct {
	key        selectors.Key
	generation uint64
}

// event is one that Select found. The generation tells to which registration of the descriptor it
// belongs: another one has nothing to do with it.
type event struct {
	Event
	generation uint64
}

// Event is readiness of one descriptor.
type Event struct {
	FD     int
	Events selectors.Events
}

// Step is what one Select does: it does not wait, and finds nothing but what the step says.
type Step struct {
	Before func()  // is called first, by the loop's goroutine; nil does nothing
	Ready  []Event // in this order; what is not registered for is left out
	Err    error   // is returned by Select, which finds nothing then
}

// Op is a method that can fail.
type Op string

// What Fail can let fail.
const (
	OpRegister Op = "register"
	OpModify   Op = "modify"
	OpSelect   Op = "select"
	OpWake     Op = "wake"
	OpClose    Op = "close"
)

// NewSelector returns a selector to which nothing is ready. It holds nothing that must be closed.
func NewSelector() *Selector {
	s := &Selector{
		registered: map[int]*registration{},
		ready:      map[int]selectors.Events{},
		faults:     map[Op][]error{},
		bell:       make(chan struct{}, 1),
	}
	s.state = sync.NewCond(&s.mu)
	return s
}

// Register registers a descriptor: an int that is not negative, or what has a method FD() int.
func (s *Selector) Register(file any, events selectors.Events, data any) (selectors.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd, err := descriptor(file)
	s.note("register %d %v", fd, events)
	switch {
	case s.closed:
		err = selectors.ErrClosed
	case !valid(events):
		err = fmt.Errorf("%w, not %v", selectors.ErrInvalidEvents, events)
	case s.registered[fd] != nil:
		err = fmt.Errorf("descriptor %d: %w", fd, selectors.ErrRegistered)
	case err == nil:
		err = s.fault(OpRegister)
	}
	if err != nil {
		return selectors.Key{}, fmt.Errorf("register: %w", err)
	}
	s.generation++
	key := selectors.Key{File: file, FD: fd, Events: events, Data: data}
	s.registered[fd] = &registration{key, s.generation}
	return key, nil
}

// Modify changes a registration. When it fails by Fail, the descriptor is not registered any more,
// as when the kernel refuses.
func (s *Selector) Modify(file any, events selectors.Events, data any) (selectors.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd, err := descriptor(file)
	s.note("modify %d %v", fd, events)
	r, err := s.find(fd, err)
	if err == nil && !valid(events) {
		err = fmt.Errorf("%w, not %v", selectors.ErrInvalidEvents, events)
	}
	if err == nil && r.key.Events != events { // else the kernel would not be asked
		if err = s.fault(OpModify); err != nil {
			delete(s.registered, fd)
		}
	}
	if err != nil {
		return selectors.Key{}, fmt.Errorf("modify: %w", err)
	}
	r.key.Events, r.key.Data = events, data
	return r.key, nil
}

// Unregister takes a registration away.
func (s *Selector) Unregister(file any) (selectors.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd, err := descriptor(file)
	s.note("unregister %d", fd)
	r, err := s.find(fd, err)
	if err != nil {
		return selectors.Key{}, fmt.Errorf("unregister: %w", err)
	}
	delete(s.registered, fd)
	return r.key, nil
}

// find returns the registration of a descriptor.
func (s *Selector) find(fd int, err error) (*registration, error) {
	r := s.registered[fd]
	switch {
	case s.closed:
		return nil, selectors.ErrClosed
	case err != nil:
		return nil, fmt.Errorf("%w: %w", selectors.ErrNotRegistered, err)
	case r == nil:
		return nil, fmt.Errorf("descriptor %d: %w", fd, selectors.ErrNotRegistered)
	}
	return r, nil
}

func valid(events selectors.Events) bool {
	return events != 0 && events&^(selectors.Read|selectors.Write) == 0
}

func descriptor(file any) (int, error) {
	fd := -1
	switch f := file.(type) {
	case int:
		fd = f
	case interface{ FD() int }:
		fd = f.FD()
	}
	if fd < 0 {
		return fd, fmt.Errorf("%v: %w", file, selectors.ErrInvalidFD)
	}
	return fd, nil
}

// Select does what the next step of the script says. When there is none, it finds what is ready by
// SetReady, in the order of the descriptors, and waits for it or for Wake as long as it may: a
// time-out is one of Go's clock.
func (s *Selector) Select(timeout time.Duration) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch, s.next = s.batch[:0], 0
	s.timeouts = append(s.timeouts, timeout)
	if timeout == selectors.Forever {
		s.note("select forever")
	} else {
		s.note("select %v", timeout)
	}
	if s.closed {
		return 0, fmt.Errorf("select: %w", selectors.ErrClosed)
	}
	if len(s.script) > 0 {
		return s.follow()
	}
	return s.wait(timeout)
}

// follow does the next step of the script.
func (s *Selector) follow() (int, error) {
	step := s.script[0]
	s.script = s.script[1:]
	if step.Before != nil {
		s.mu.Unlock()
		step.Before()
		s.mu.Lock()
	}
	s.woken = false
	if step.Err != nil {
		return 0, fmt.Errorf("select: %w", step.Err)
	}
	for _, e := range step.Ready {
		s.found(e)
	}
	return len(s.batch), nil
}

// wait waits until there is a reason not to.
func (s *Selector) wait(timeout time.Duration) (int, error) {
	var over <-chan time.Time
	if timeout > 0 && timeout < selectors.Forever {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		over = timer.C
	}
	for {
		if err := s.fault(OpSelect); err != nil {
			return 0, fmt.Errorf("select: %w", err)
		}
		for _, fd := range slices.Sorted(maps.Keys(s.ready)) {
			s.found(Event{fd, s.ready[fd]})
		}
		woken := s.woken
		s.woken = false
		if len(s.batch) > 0 || woken || timeout <= 0 || s.closed {
			return len(s.batch), nil
		}
		s.setWaiting(true)
		s.mu.Unlock()
		select {
		case <-s.bell:
		case <-over:
			timeout = 0
		}
		s.mu.Lock()
		s.setWaiting(false)
	}
}

func (s *Selector) setWaiting(waiting bool) {
	s.waiting = waiting
	s.state.Broadcast()
}

// found adds an event to the batch, as far as the descriptor is registered for it.
func (s *Selector) found(e Event) {
	r := s.registered[e.FD]
	if r == nil {
		return
	}
	if e.Events &= r.key.Events; e.Events != 0 {
		s.batch = append(s.batch, event{e, r.generation})
	}
}

// Ready goes through what the last Select found, each event once, and leaves out those of
// descriptors that have been unregistered since, or are no longer watched for what has happened.
func (s *Selector) Ready() iter.Seq2[selectors.Key, selectors.Events] {
	return func(yield func(selectors.Key, selectors.Events) bool) {
		for {
			key, events, ok := s.take()
			if !ok || !yield(key, events) {
				return
			}
		}
	}
}

// take takes the next event of the batch.
func (s *Selector) take() (key selectors.Key, events selectors.Events, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.next < len(s.batch) {
		e := s.batch[s.next]
		s.next++
		r := s.registered[e.FD]
		if r != nil && r.generation == e.generation && e.Events&r.key.Events != 0 {
			return r.key, e.Events & r.key.Events, true
		}
	}
	return selectors.Key{}, 0, false
}

// Wake makes the Select that waits now, or else the next one, return at once. It may be called from
// any goroutine.
func (s *Selector) Wake() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("wake")
	s.wakes++
	if s.closed {
		return fmt.Errorf("wake: %w", selectors.ErrClosed)
	}
	if err := s.fault(OpWake); err != nil {
		return fmt.Errorf("wake: %w", err)
	}
	s.woken = true
	s.ring()
	return nil
}

// Close frees the selector. Closing again is no error.
func (s *Selector) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("close")
	if s.closed {
		return nil
	}
	s.closed = true
	clear(s.registered)
	s.batch, s.next = nil, 0
	s.ring()
	return s.fault(OpClose)
}

// ring has the Select that waits look again. From now on it does not wait, whenever it comes round.
func (s *Selector) ring() {
	s.setWaiting(false)
	select {
	case s.bell <- struct{}{}:
	default: // it is rung already
	}
}

// fault returns the error that an op must fail with.
func (s *Selector) fault(op Op) error {
	list := s.faults[op]
	if len(list) == 0 {
		return nil
	}
	s.faults[op] = list[1:]
	return list[0]
}

func (s *Selector) note(format string, args ...any) {
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}
