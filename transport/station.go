package transport

import (
	"github.com/kettle-go/kettle/internal/pages"
	"github.com/kettle-go/kettle/loop"
)

// station is what all transports of a loop share.
type station struct {
	loop     *loop.Loop
	driver   driver // of sockets
	blocking bool   // sockets are, as the driver asks for it
	buffers  buffers

	// The transports whose protocols may have to be told, each at its place, and what is free. A
	// list of their own would cost each of them two pointers.
	transports pages.Table[*Transport]
	places     int32 // that were ever taken
	free       []int32

	listeners map[*Listener]struct{}
	connects  map[*Connecting]struct{}
}

type stationKey struct{}

// stationOf returns the station of a loop.
func stationOf(l *loop.Loop) *station {
	return l.Local(stationKey{}, func() any {
		s := &station{loop: l, driver: readiness{l}, listeners: map[*Listener]struct{}{},
			connects: map[*Connecting]struct{}{}}
		if ring := l.Completions(); ring != nil {
			s.driver, s.blocking = newCompletion(s, ring), true
		}
		return s
	}).(*station)
}

func (s *station) add(t *Transport) {
	if last := len(s.free) - 1; last >= 0 {
		t.place = s.free[last]
		s.free = s.free[:last]
	} else {
		t.place = s.places
		s.places++
	}
	*s.transports.Grow(int(t.place)) = t
}

func (s *station) remove(t *Transport) {
	*s.transports.At(int(t.place)) = nil
	s.free = append(s.free, t.place)
	if len(s.free) == int(s.places) && len(s.free) > 4096 { // a burst is over
		s.transports.Clear()
		s.places, s.free = 0, nil
	}
}

// LoopClosed frees all descriptors, and then tells the protocols, as nothing will run any more:
// also those that were about to be told.
func (s *station) LoopClosed() {
	ring, _ := s.driver.(*completion)
	if ring != nil {
		ring.closed = true
	}
	for ln := range s.listeners { // in no order, and nobody is called
		ln.Close()
	}
	for c := range s.connects {
		c.Cancel()
	}
	var all []*Transport
	for _, entry := range s.transports.All {
		if t := *entry; t != nil {
			t.end(loop.ErrClosed)
			all = append(all, t)
		}
	}
	if ring != nil {
		ring.flush()
	}
	tell(all)
}

// tell tells the protocols that their connections are lost. That one panics is no reason for the
// others not to be told.
func tell(all []*Transport) {
	told := 0
	defer func() {
		if told < len(all) {
			tell(all[told+1:])
		}
	}()
	for ; told < len(all); told++ {
		(*loser)(all[told]).Run()
	}
}

// Each calls f with the transports of a loop that have not been lost, in an order that depends on
// what has happened before only.
func Each(l *loop.Loop, f func(t *Transport)) {
	for _, entry := range stationOf(l).transports.All {
		if t := *entry; t != nil && t.state != lost {
			f(t)
		}
	}
}
