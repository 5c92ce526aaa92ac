package selectors

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

var _ backend = (*epoll)(nil)

// epoll is the backend on Linux's epoll(7), level-triggered.
type epoll struct {
	parker *parker
	events []sys.EpollEvent // what the kernel fills in: it grows when that was not enough
	asked  int              // how many times it was asked in this wait
	busy   int              // how many waits in a row did not have to wait

	modified bool // a registration was; for dispatch, which resets it

	// The arguments and results of collect, which is made once, as a closure for each wait
	// would be an allocation for each wait.
	collect func(fd uintptr) bool
	batch   []event
	err     error
}

func newEpoll() (backend, error) {
	fd, err := sys.EpollCreate()
	if err != nil {
		return nil, err
	}
	p, err := newParker(fd, "epoll")
	if err != nil {
		return nil, err
	}
	e := &epoll{parker: p, events: make([]sys.EpollEvent, atOnce)}
	e.collect = func(fd uintptr) bool { return e.poll(int(fd)) }
	return e, nil
}

func (e *epoll) add(fd int, events Events, tok token) error {
	return sys.EpollCtl(e.fd(), sys.EpollAdd, fd, epollEvents(events), uint64(tok))
}

func (e *epoll) modify(fd int, _, events Events, tok token) error {
	e.modified = true
	return sys.EpollCtl(e.fd(), sys.EpollMod, fd, epollEvents(events), uint64(tok))
}

func (e *epoll) remove(fd int, _ Events) error {
	return sys.EpollCtl(e.fd(), sys.EpollDel, fd, 0, 0)
}

func (e *epoll) wait(batch []event, timeout time.Duration) ([]event, bool, error) {
	e.batch, e.err, e.asked = batch, nil, 0
	woken, err := e.parker.park(e.collect, timeout)
	if e.busy++; e.asked > 1 { // it has waited
		e.busy = 0
	}
	if err == nil {
		err = e.err
	}
	batch, e.batch = e.batch, nil
	return batch, woken, err
}

// poll takes what is ready out of the kernel and reports whether there is no need to wait.
func (e *epoll) poll(fd int) bool {
	n, err := e.ask(fd, e.events)
	for err == nil && n == len(e.events) {
		// There may be more. They are asked for anew, as to go on would find some a second time.
		e.events = make([]sys.EpollEvent, 2*n)
		n, err = sys.EpollTryWait(fd, e.events)
	}
	e.take(n, err)
	return n > 0 || err != nil
}

// take takes over what the kernel has filled in.
func (e *epoll) take(n int, err error) {
	for i := range n {
		ev := &e.events[i]
		e.batch = append(e.batch, event{token(sys.Token(ev)), readyEvents(ev.Events)})
	}
	e.err = err
}

// ask has the kernel fill in what is ready. It does not wait.
func (e *epoll) ask(fd int, events []sys.EpollEvent) (int, error) {
	if e.asked++; e.busy >= announced {
		e.busy = 0
		return sys.EpollWait(fd, events, 0)
	}
	return sys.EpollTryWait(fd, events)
}

func (e *epoll) fd() int      { return int(e.parker.fd) }
func (e *epoll) wake() error  { return e.parker.wake() }
func (e *epoll) close() error { return e.parker.file.Close() }

func epollEvents(events Events) uint32 {
	var bits uint32
	if events&Read != 0 {
		bits |= sys.EpollIn | sys.EpollRdHup | sys.EpollPri
	}
	if events&Write != 0 {
		bits |= sys.EpollOut
	}
	return bits
}

// readyEvents turns the kernel's bits into events. An error or a hang-up is both: whatever
// is tried next will not wait.
func readyEvents(bits uint32) Events {
	const reading = sys.EpollIn | sys.EpollRdHup | sys.EpollPri
	var events Events
	if bits&^sys.EpollOut != 0 {
		events |= Read
	}
	if bits&^reading != 0 {
		events |= Write
	}
	if bits&(sys.EpollRdHup|sys.EpollPri) != 0 {
		events |= cut
	}
	return events
}
