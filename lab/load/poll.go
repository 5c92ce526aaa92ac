package load

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

var _ poller = (*poll)(nil)

// poll waits with poll(2): every wait looks at every descriptor. It counts in milliseconds,
// so the part of a time-out below one is not waited for: the loop comes back until it is
// time, which costs CPU and keeps sends punctual.
type poll struct {
	fds  []sys.PollFD // by index; Fd is -1 where nothing is watched
	next int          // where the search for events begins, so that all have their turn
}

func newPoll(size int) (poller, error) {
	p := &poll{fds: make([]sys.PollFD, size)}
	for i := range p.fds {
		p.fds[i].Fd = -1
	}
	return p, nil
}

func (p *poll) watch(index, fd int, _, want interest) error {
	entry := &p.fds[index]
	*entry = sys.PollFD{Fd: int32(fd)}
	if want == 0 {
		entry.Fd = -1
	}
	if want&reading != 0 {
		entry.Events |= sys.PollIn
	}
	if want&writing != 0 {
		entry.Events |= sys.PollOut
	}
	return nil
}

func (p *poll) wait(out []event, timeout time.Duration) ([]event, error) {
	n, err := sys.Poll(p.fds, timeout.Truncate(time.Millisecond))
	out = out[:0]
	for range p.fds {
		if len(out) == min(n, batch) {
			break
		}
		i := p.next
		if p.next++; p.next == len(p.fds) {
			p.next = 0
		}
		bits := p.fds[i].Revents
		if bits == 0 || p.fds[i].Fd < 0 {
			continue
		}
		var ready interest
		if bits&^sys.PollOut != 0 {
			ready = reading
		}
		if bits&^sys.PollIn != 0 {
			ready |= writing
		}
		out = append(out, event{i, ready})
	}
	return out, err
}

func (p *poll) close() error { return nil }
