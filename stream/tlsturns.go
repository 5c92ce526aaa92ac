package stream

import (
	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
)

// maxSteps is how many handshakes compute in a turn of the loop, or twice as many where others had
// to wait. Signatures and keys take a good part of a millisecond: a thousand clients that come at
// once would hold up everybody else for a second.
const maxSteps = 16

// steps are the handshakes of a loop, by turns. Who finds that enough have computed in this turn
// waits, first in, first out.
type steps struct {
	loop    *loop.Loop
	waiting kettle.WaitQueue
	turn    uint64 // of the loop
	taken   int    // in it
	due     bool   // Run is due
}

type stepsKey struct{}

// stepsOf returns the steps of the connection's loop.
func stepsOf(c *Conn) *steps {
	l := c.t.Loop()
	return l.Local(stepsKey{}, func() any {
		return &steps{loop: l, waiting: c.reading.Sibling()}
	}).(*steps)
}

// take suspends the task, which has entered, until it may compute.
func (s *steps) take() error {
	if now := s.loop.Turn(); s.turn != now {
		s.turn, s.taken = now, 0
	}
	if s.taken < maxSteps && s.waiting.Empty() {
		s.taken++
		return nil
	}
	s.wakeLater()
	return s.waiting.Wait("its turn to compute a TLS handshake")
}

// wakeLater has Run called in the next turn.
func (s *steps) wakeLater() {
	if !s.due {
		s.due = true
		s.loop.Ready(s)
	}
}

// Run lets those compute who have waited longest. They run in the turn after this one.
func (s *steps) Run() {
	s.due = false
	for range maxSteps {
		s.waiting.Wake(nil)
	}
	if !s.waiting.Empty() {
		s.wakeLater()
	}
}
