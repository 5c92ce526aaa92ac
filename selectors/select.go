package selectors

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

var _ backend = (*selectSets)(nil)

// selectSets is the backend on select(2): two sets of bits, one for each event, which the
// kernel overwrites with its answer. It cannot represent descriptors from 1,024 on.
type selectSets struct {
	waker       *alarm
	read, write sys.FDSet
	tokens      [sys.FDSetSize]token
	top         int // one above the highest descriptor watched
}

func newSelect() (backend, error) {
	waker, err := newAlarm()
	if err != nil {
		return nil, err
	}
	s := &selectSets{waker: waker}
	if err := s.add(waker.FD(), Read, 0); err != nil {
		waker.Close()
		return nil, err
	}
	return s, nil
}

func (s *selectSets) add(fd int, events Events, tok token) error {
	if fd >= sys.FDSetSize {
		return ErrTooLarge
	}
	if err := sys.CheckOpen(fd); err != nil {
		return err // select(2) would refuse the whole set because of it
	}
	s.tokens[fd] = tok
	s.top = max(s.top, fd+1)
	return s.modify(fd, 0, events, tok)
}

func (s *selectSets) modify(fd int, _, events Events, _ token) error {
	s.read.Clear(fd)
	s.write.Clear(fd)
	if events&Read != 0 {
		s.read.Set(fd)
	}
	if events&Write != 0 {
		s.write.Set(fd)
	}
	return nil
}

func (s *selectSets) remove(fd int, _ Events) error {
	s.read.Clear(fd)
	s.write.Clear(fd)
	for s.top > 0 && !s.read.Has(s.top-1) && !s.write.Has(s.top-1) {
		s.top--
	}
	return nil
}

func (s *selectSets) wait(batch []event, timeout time.Duration) ([]event, bool, error) {
	read, write := s.read, s.write // the kernel writes into its copies
	n, err := sys.Select(s.top, &read, &write, kernelTimeout(timeout))
	if sys.BadDescriptor(err) {
		read, write = s.read, s.write
		batch = s.takeBad(batch, &read, &write)
		n, err = sys.Select(s.top, &read, &write, 0)
	}
	if err != nil {
		return batch, false, err
	}
	woken := n > 0 && read.Has(s.waker.FD())
	if woken {
		s.waker.answer()
		read.Clear(s.waker.FD())
		n--
	}
	for fd := 0; n > 0 && fd < s.top; fd++ {
		var events Events
		if read.Has(fd) {
			events |= Read
			n--
		}
		if write.Has(fd) {
			events |= Write
			n--
		}
		if events != 0 {
			batch = append(batch, event{s.tokens[fd], events})
		}
	}
	return batch, woken, nil
}

// takeBad reports the descriptors that were closed before they were unregistered as ready,
// and takes them out of the sets: select(2) refuses the whole because of one of them, and
// does not say which. The others are then looked at without them.
func (s *selectSets) takeBad(batch []event, read, write *sys.FDSet) []event {
	for fd := range s.top {
		watched := read.Has(fd) || write.Has(fd)
		if watched && sys.BadDescriptor(sys.CheckOpen(fd)) {
			batch = append(batch, event{s.tokens[fd], Read | Write})
			read.Clear(fd)
			write.Clear(fd)
		}
	}
	return batch
}

func (s *selectSets) wake() error { return s.waker.wake() }

func (s *selectSets) close() error {
	s.waker.Close()
	return nil
}
