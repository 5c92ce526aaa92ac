package models

import "github.com/kettle-go/kettle/internal/sys"

// Poll: select with a list in place of the sets.
//
//	list: {1, read} {2, read} {5, write} ...
//	   │                        ▲
//	   ▼                        │
//	poll(2) waits until one of them is ready, and writes into each entry what it is ready for
//
// What is asked and what is answered are different fields of an entry, so the list is kept
// from one wait to the next and only changed where a client has changed. A descriptor may have
// any number. But the kernel still gets the whole list for each wait and goes through it, and
// so do we, to find the ready ones.
//
// Good for: what select is good for, without its ceiling. Limited by the cost of each wait,
// which grows with everybody who is connected; and, in Go, by what select.go says of waiting in
// a system call.
func pollModel() Model {
	return Model{
		Name:        "poll",
		Summary:     "one thread, poll(2) over everybody",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 thread",
		Waits:       "the thread, in poll, for all",
		Limits:      "pays for all that are watched",
		Section:     "4.7",
		files:       []string{"poll.go", "conn.go", "single.go"},
		dispatch:    "polled",
		serve:       servePoll,
	}
}

// The list begins with the descriptor that ends the wait when the server drains, and the
// listener. The clients follow, in the order of single.conns.
const (
	wakerEntry = iota
	listenerEntry
	firstClient
)

func servePoll(s *server) error {
	l, err := s.newSingle()
	if err != nil {
		return err
	}
	defer l.finish()
	waker, err := sys.NewWaker()
	if err != nil {
		return err
	}
	defer waker.Close()
	defer l.onDrain(waker.Wake)()
	if err := l.announce(l.listener); err != nil {
		return err
	}
	list := []sys.PollFD{{Fd: int32(waker.FD()), Events: sys.PollIn}, {Fd: -1}}
	for l.turn() {
		list[listenerEntry] = sys.PollFD{Fd: -1} // poll passes over negative descriptors
		if l.accepting() {
			list[listenerEntry] = sys.PollFD{Fd: int32(l.listener), Events: sys.PollIn}
		}
		began := l.trace.Now()
		n, err := sys.Poll(list, l.untilNext())
		if l.waited("poll", began, n); err != nil {
			return err
		}
		if list[wakerEntry].Revents != 0 {
			waker.Drain()
		}
		list = l.polled(list)
	}
	return nil
}

// polled does what the list says can be done without waiting, and returns the list for the
// next wait.
func (l *single) polled(list []sys.PollFD) []sys.PollFD {
	for c := l.waits.take(); c != nil; c = l.waits.take() {
		c.want = l.flush(c)
		list[firstClient+c.place] = c.entry()
	}
	for i := len(l.conns) - 1; i >= 0; i-- { // backwards, as forget moves the last one
		c, ready := l.conns[i], list[firstClient+i].Revents != 0
		if c.want != wantClose && !ready && !l.unasked(c) {
			continue
		}
		switch c.want {
		case wantRead:
			c.want = l.receive(c)
		case wantWrite:
			c.want = l.flush(c)
		}
		if list[firstClient+i] = c.entry(); c.want == wantClose {
			list[firstClient+i] = list[len(list)-1]
			list = list[:len(list)-1]
			l.forget(c)
		}
	}
	if list[listenerEntry].Revents != 0 {
		for c := range l.newcomers() {
			c.want = wantRead
			list = append(list, c.entry())
		}
	}
	return list
}

// entry returns what poll is asked about c. To be asked about nothing takes a descriptor that
// poll passes over: errors and hang-ups would be reported all the same, at once and for ever.
func (c *conn) entry() sys.PollFD {
	switch c.want {
	case wantRead:
		return sys.PollFD{Fd: int32(c.fd), Events: sys.PollIn}
	case wantWrite:
		return sys.PollFD{Fd: int32(c.fd), Events: sys.PollOut}
	}
	return sys.PollFD{Fd: -1}
}
