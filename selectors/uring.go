package selectors

import (
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/pages"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

var _ backend = (*ring)(nil)

// ring is the backend on Linux's io_uring(7). A registration is a request to poll the descriptor
// once. When it was told of, it is requested anew before the next wait, and the kernel looks at
// the descriptor again: so it is level-triggered, as the others are. All that a turn requests goes
// to the kernel in one call.
//
// Others may have requests of their own on the same ring: see Completions.
type ring struct {
	parker  *parker
	polls   pages.Table[polled] // by descriptor
	again   []int32             // descriptors to be polled anew
	batch   []event
	err     error
	collect func(fd uintptr) bool // is made once, as a closure for each wait would be an allocation

	shared Completions
}

// polled is a registration.
type polled struct {
	ring    *ring
	token   token
	request uring.Request // 0: none is under way
	events  Events        // 0: nothing is registered
	queued  bool          // it is in again
}

// Completions is the ring of a Selector that is on io_uring, for who has the kernel not only tell
// what is ready but do it. Its requests are submitted by the Select that follows, and told of in
// it. It belongs to the goroutine of the Selector.
type Completions struct {
	*uring.Ring

	// Submit, if not nil, is called by each Select before it submits.
	Submit func()

	roused bool
}

// Rouse has the Select in which it is called return, though nothing that is registered may be
// ready. It counts as one event.
func (c *Completions) Rouse() { c.roused = true }

// Completions returns the ring that the selector is on, nil if it is not on one.
func (s *Selector) Completions() *Completions {
	if s.closed {
		return nil
	}
	return s.shared
}

// reaped is how many completions a wait takes at most: as with other events, thousands that come
// at once are not to hold up the rest.
const reaped = 1024

func newRing() (backend, error) {
	u, err := uring.Open(uring.Config{})
	if err != nil {
		return nil, err
	}
	fd, err := sys.Duplicate(u.FD()) // the parker closes it
	if err != nil {
		u.Close()
		return nil, err
	}
	p, err := newParker(fd, "io_uring")
	if err != nil {
		u.Close()
		return nil, err
	}
	r := &ring{parker: p, shared: Completions{Ring: u}}
	r.collect = func(uintptr) bool { return r.reap() }
	return r, nil
}

// add refuses what is not open: the kernel would only say so later.
func (r *ring) add(fd int, events Events, tok token) error {
	if err := sys.CheckOpen(fd); err != nil {
		return err
	}
	p := r.polls.Grow(fd)
	*p = polled{ring: r, token: tok, events: events, queued: p.queued}
	r.queue(p)
	return nil
}

func (r *ring) modify(fd int, _, events Events, _ token) error {
	p := r.polls.At(fd)
	p.events = events
	r.cancel(p)
	r.queue(p)
	return nil
}

func (r *ring) remove(fd int, _ Events) error {
	p := r.polls.At(fd)
	p.events = 0
	r.cancel(p)
	return nil
}

// queue has the descriptor polled before the next wait.
func (r *ring) queue(p *polled) {
	if !p.queued {
		p.queued = true
		r.again = append(r.again, int32(p.token.fd()))
	}
}

// cancel ends the request that is under way. What it has to say is not listened to any more.
func (r *ring) cancel(p *polled) {
	if p.request != 0 {
		r.shared.Cancel(p.request)
		p.request = 0
	}
}

// wait submits what was requested, and waits for completions that matter.
func (r *ring) wait(batch []event, timeout time.Duration) ([]event, bool, error) {
	r.batch, r.err, r.shared.roused = batch, nil, false
	r.prepare()
	if r.err = r.shared.Enter(); r.err == nil && r.reap() {
		timeout = 0
	}
	woken, err := false, r.err
	if err == nil {
		woken, err = r.parker.park(r.collect, timeout)
	}
	if err == nil {
		err = r.err
	}
	batch, r.batch = r.batch, nil
	return batch, woken, err
}

// prepare prepares what is to be submitted.
func (r *ring) prepare() {
	if r.shared.Submit != nil {
		r.shared.Submit()
	}
	for _, fd := range r.again {
		p := r.polls.At(int(fd))
		p.queued = false
		if p.events != 0 && p.request == 0 {
			p.request = r.shared.Poll(int(fd), p.events&Read != 0, p.events&Write != 0, p)
		}
	}
	r.again = r.again[:0]
}

// reap takes what has come from the ring, and reports whether there is no need to wait. It makes no
// system call.
func (r *ring) reap() bool {
	r.shared.Reap(reaped)
	return len(r.batch) > 0 || r.shared.roused || r.err != nil
}

// Completed is called by Reap.
func (p *polled) Completed(c uring.Completion) {
	if c.Request != p.request { // it was cancelled
		return
	}
	p.request = 0
	r := p.ring
	r.queue(p)
	switch {
	case c.Errno == syscall.ECANCELED: // the thread that had requested it has ended
		r.shared.Rouse() // for the next wait to request it anew
	case c.Errno != 0:
		r.batch = append(r.batch, event{p.token, Read | Write}) // what is tried next tells why
	default:
		r.batch = append(r.batch, event{p.token, pollReady(int16(c.N))})
	}
}

func (r *ring) wake() error { return r.parker.wake() }

func (r *ring) fd() int { return r.shared.FD() }

func (r *ring) close() error {
	err := r.shared.Close()
	if perr := r.parker.file.Close(); err == nil {
		err = perr
	}
	return err
}
