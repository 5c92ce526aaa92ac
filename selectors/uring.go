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
// once. When it was told of, it is requested anew in the next wait, and the kernel looks at the
// descriptor again: so it is level-triggered, as the others are. What it has told between two waits
// was true then and may not be any more, so that is requested anew without being passed on. All
// that a turn requests goes to the kernel in one call.
//
// Others may have requests of their own on the same ring: see Completions.
type ring struct {
	parker  *parker
	polls   pages.Table[polled] // by descriptor
	again   []int32             // descriptors to be polled anew
	batch   []event
	fresh   bool // what comes from the ring is true of now
	err     error
	asked   int                   // how many times it was reaped in the wait proper
	busy    int                   // how many waits in a row did not have to wait
	refuses bool                  // the kernel takes no requests at present
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

	// Closed, if not nil, is called when the ring is closed, and the kernel has nothing any more of
	// what it was given.
	Closed func()

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

// reaped is how many completions are taken at a time, of which there are three in a wait, if there
// are some of what others have requested: thousands that come at once are not to hold up the rest.
// What is registered here has one each, and a Select reports all of them.
const reaped = 512

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
	r.collect = func(uintptr) bool {
		r.asked++
		return r.reap() || r.shared.Prepared() > 0 && !r.refuses
	}
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

// remove has the kernel let go of the descriptor at once: until then a connection whose descriptor
// is closed lives on, and the peer is not told of its end.
func (r *ring) remove(fd int, _ Events) error {
	p := r.polls.At(fd)
	p.events = 0
	r.cancel(p)
	if r.shared.Prepared() == 0 { // neither that, nor what modify has cancelled before
		return nil
	}
	return r.shared.Enter() // what fails now fails again in the wait
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
	r.batch, r.err, r.asked, r.shared.roused = batch, nil, 0, false
	r.fresh = false
	r.reap()
	r.prepare()
	r.announce()
	r.fresh = true
	if r.err = r.shared.Enter(); r.err == nil && r.reap() {
		timeout = 0
	}
	woken, err := false, r.err
	if err == nil {
		woken, err = r.park(timeout)
	}
	if r.busy++; r.asked > 1 { // it has waited
		r.busy = 0
	}
	if err == nil {
		err = r.err
	}
	batch, r.batch = r.batch, nil
	return batch, woken, err
}

// refused is how long it waits at most until it submits again what the kernel had no room for.
const refused = 10 * time.Millisecond

// park waits until there is something, or for a time. Where the kernel takes no requests, before or
// in the midst, it returns earlier, with nothing: the next wait submits them.
func (r *ring) park(timeout time.Duration) (woken bool, err error) {
	if r.refuses = r.shared.Prepared() > 0; r.refuses {
		timeout = min(timeout, refused)
	}
	return r.parker.park(r.collect, timeout)
}

// announce makes a call now and then that Go's scheduler is told of: see announced. It is any that
// is short. Entering the ring is not, and what is told of and takes long may go on on another
// thread, while requests are those of the thread that has made them.
func (r *ring) announce() {
	if r.busy == announced {
		r.busy = 0
		_ = sys.CheckOpen(r.shared.FD())
	}
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

// reap takes what has come from the ring, and reports whether there is no need to wait. If there
// is, nothing is left in the ring: Go's poller only tells of what comes after it was asked.
func (r *ring) reap() bool {
	for r.shared.Reap(reaped) == reaped && !r.shared.roused {
	}
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
	case !r.fresh:
	case c.Errno == syscall.ECANCELED: // the thread that had requested it has ended
		r.shared.Rouse() // for the next wait to request it anew
	case c.Errno != 0:
		r.batch = append(r.batch, event{p.token, Read | Write}) // what is tried next tells why
	default:
		r.batch = append(r.batch, event{p.token, pollReady(int16(c.N))})
	}
}

func (r *ring) wake() error { return r.parker.wake() }

func (r *ring) close() error {
	err := r.shared.Close()
	if err == nil && r.shared.Closed != nil {
		r.shared.Closed()
	}
	if perr := r.parker.file.Close(); err == nil {
		err = perr
	}
	return err
}
