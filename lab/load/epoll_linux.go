package load

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

var _ poller = (*epoll)(nil)

// epoll waits with epoll(7), to the nanosecond. It is level-triggered: what a turn of the
// loop leaves in a socket is reported by the next wait, so one receive per event is enough.
// EPOLLRDHUP is not asked for, as the end of the stream is to be seen after the last byte.
type epoll struct {
	fd     int
	events [batch]sys.EpollEvent
}

func newEpoll(int) (poller, error) {
	fd, err := sys.EpollCreate()
	if err != nil {
		return nil, err
	}
	return &epoll{fd: fd}, nil
}

func (e *epoll) watch(index, fd int, was, want interest) error {
	op := sys.EpollMod
	switch {
	case was == 0:
		op = sys.EpollAdd
	case want == 0:
		op = sys.EpollDel
	}
	var bits uint32
	if want&reading != 0 {
		bits |= sys.EpollIn
	}
	if want&writing != 0 {
		bits |= sys.EpollOut
	}
	return sys.EpollCtl(e.fd, op, fd, bits, uint64(index))
}

func (e *epoll) wait(out []event, timeout time.Duration) ([]event, error) {
	var n int
	var err error
	if timeout == 0 {
		n, err = sys.EpollTryWait(e.fd, e.events[:])
	} else {
		n, err = sys.EpollWait(e.fd, e.events[:], timeout)
	}
	out = out[:0]
	for i := range n {
		ev := &e.events[i] // EPOLLERR and EPOLLHUP count as both
		var ready interest
		if ev.Events&^sys.EpollOut != 0 {
			ready = reading
		}
		if ev.Events&^sys.EpollIn != 0 {
			ready |= writing
		}
		out = append(out, event{int(sys.Token(ev)), ready})
	}
	return out, err
}

func (e *epoll) close() error { return sys.Close(e.fd) }
