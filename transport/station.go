package transport

import "github.com/kettle-go/kettle/loop"

// station is what all transports of a loop share.
type station struct {
	loop    *loop.Loop
	buffers buffers

	// The transports that have not been lost, each at its place, and the places that are free. A
	// list of their own would cost each of them two pointers.
	transports []*Transport
	free       []int32

	listeners map[*Listener]struct{}
	connects  map[*Connecting]struct{}
}

type stationKey struct{}

// stationOf returns the station of a loop.
func stationOf(l *loop.Loop) *station {
	return l.Local(stationKey{}, func() any {
		return &station{loop: l, listeners: map[*Listener]struct{}{},
			connects: map[*Connecting]struct{}{}}
	}).(*station)
}

func (s *station) add(t *Transport) {
	if last := len(s.free) - 1; last >= 0 {
		t.place = s.free[last]
		s.free = s.free[:last]
		s.transports[t.place] = t
		return
	}
	t.place = int32(len(s.transports))
	s.transports = append(s.transports, t)
}

func (s *station) remove(t *Transport) {
	s.transports[t.place] = nil
	s.free = append(s.free, t.place)
	if len(s.free) == len(s.transports) && len(s.free) > 4096 { // a burst is over
		s.transports, s.free = nil, nil
	}
}

// LoopClosed frees all descriptors. The protocols are told at once, as nothing will run any more.
func (s *station) LoopClosed() {
	for ln := range s.listeners { // in no order, and nobody is called
		ln.Close()
	}
	for c := range s.connects {
		c.Cancel()
	}
	for _, t := range s.transports {
		if t != nil {
			t.end(loop.ErrClosed)
			(*loser)(t).Run()
		}
	}
}

// Each calls f with the transports of a loop that have not been lost, in an order that depends on
// what has happened before only.
func Each(l *loop.Loop, f func(t *Transport)) {
	for _, t := range stationOf(l).transports {
		if t != nil {
			f(t)
		}
	}
}
