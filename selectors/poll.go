package selectors

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

var _ backend = (*poll)(nil)

// poll is the backend on poll(2): the kernel gets the whole list for every wait, looks at
// each descriptor, and so do we. The list is kept dense: the last entry takes the place of a
// removed one. Entry 0 is the waker.
type poll struct {
	waker  *alarm
	fds    []sys.PollFD
	tokens []token // of fds, at the same place
	places []int32 // by descriptor: its place in fds
}

func newPoll() (backend, error) {
	waker, err := newAlarm()
	if err != nil {
		return nil, err
	}
	return &poll{
		waker:  waker,
		fds:    []sys.PollFD{{Fd: int32(waker.FD()), Events: sys.PollIn}},
		tokens: make([]token, 1),
	}, nil
}

func (p *poll) add(fd int, events Events, tok token) error {
	if err := sys.CheckOpen(fd); err != nil {
		return err // poll(2) would report it by each wait, and the table has no room for it
	}
	for fd >= len(p.places) {
		p.places = append(p.places, make([]int32, max(64, len(p.places)))...)
	}
	p.places[fd] = int32(len(p.fds))
	p.fds = append(p.fds, sys.PollFD{Fd: int32(fd), Events: pollEvents(events)})
	p.tokens = append(p.tokens, tok)
	return nil
}

func (p *poll) modify(fd int, _, events Events, _ token) error {
	p.fds[p.places[fd]].Events = pollEvents(events)
	return nil
}

func (p *poll) remove(fd int, _ Events) error {
	place, last := p.places[fd], len(p.fds)-1
	p.fds[place], p.tokens[place] = p.fds[last], p.tokens[last]
	p.places[p.fds[place].Fd] = place
	p.fds, p.tokens = p.fds[:last], p.tokens[:last]
	return nil
}

func (p *poll) wait(batch []event, timeout time.Duration) ([]event, bool, error) {
	n, err := sys.Poll(p.fds, kernelTimeout(timeout))
	if err != nil || n == 0 {
		return batch, false, err
	}
	woken := p.fds[0].Revents != 0
	if woken {
		p.waker.answer()
		n--
	}
	for i := 1; n > 0; i++ {
		if bits := p.fds[i].Revents; bits != 0 {
			batch = append(batch, event{p.tokens[i], pollReady(bits)})
			n--
		}
	}
	return batch, woken, nil
}

func (p *poll) wake() error { return p.waker.wake() }

func (p *poll) close() error {
	p.waker.Close()
	return nil
}

func pollEvents(events Events) int16 {
	var bits int16
	if events&Read != 0 {
		bits |= sys.PollIn
	}
	if events&Write != 0 {
		bits |= sys.PollOut
	}
	return bits
}

// pollReady turns the kernel's bits into events. An error, a hang-up or a bad descriptor is
// both: whatever is tried next will not wait.
func pollReady(bits int16) Events {
	var events Events
	if bits&^sys.PollOut != 0 {
		events |= Read
	}
	if bits&^sys.PollIn != 0 {
		events |= Write
	}
	return events
}
