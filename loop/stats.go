package loop

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Stats are the counts of a loop since it was made, as they were at the end of a turn.
type Stats struct {
	Turns   uint64
	Events  uint64 // descriptors that were ready and had their callback called
	Posts   uint64
	Timers  int // set at present
	Watched int // descriptors, at present
	Lag     Lag // of the turns
}

// Lag counts how long turns took, from the end of the wait to the end of the last callback: as long
// as that, what became ready meanwhile had to wait. Lag[i] is the number of turns that took less
// than LagBound(i), and not less than LagBound(i-1); the last one has all that took longer.
type Lag [24]uint64

// LagBound returns the upper bound of Lag[i]: 1 µs for the first, twice as much for each next.
func LagBound(i int) time.Duration { return time.Microsecond << i }

func lagIndex(d time.Duration) int {
	return min(bits.Len64(uint64(max(d, 0)/time.Microsecond)), len(Lag{})-1)
}

// Stats returns the loop's counts. It may be called from any goroutine.
func (l *Loop) Stats() Stats {
	c := &l.counters
	s := Stats{
		Turns:   c.shown.turns.Load(),
		Events:  c.shown.events.Load(),
		Posts:   c.shown.posts.Load(),
		Timers:  int(c.shown.timers.Load()),
		Watched: int(c.shown.watched.Load()),
	}
	for i := range s.Lag {
		s.Lag[i] = c.shown.lag[i].Load()
	}
	return s
}

// counters are what the loop counts, and below it what others may see of that.
type counters struct {
	events, posts uint64
	begun         time.Duration // the turn, by the loop's clock

	shown struct {
		turns, events, posts atomic.Uint64
		timers, watched      atomic.Int64
		lag                  [len(Lag{})]atomic.Uint64
	}
}

// began notes that the wait is over and the turn begins.
func (l *Loop) began() {
	l.Mark(nil)
	l.counters.begun = l.clock.Now()
	l.beat(max(1, l.counters.begun))
}

// ended notes that the turn is over.
func (l *Loop) ended() {
	c := &l.counters
	c.shown.turns.Add(1)
	c.shown.events.Store(c.events)
	c.shown.posts.Store(c.posts)
	c.shown.timers.Store(int64(l.timers.len()))
	c.shown.watched.Store(int64(l.watched.count))
	c.shown.lag[lagIndex(l.clock.Now()-c.begun)].Add(1)
}
