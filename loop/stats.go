package loop

import (
	"math/bits"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// Stats are what a loop stands on, and its counts since it was made, as they were at the end of a
// turn.
type Stats struct {
	Selector string // its name, such as "epoll"
	Instead  string // why it is that one and not the one that was preferred; "" if it is
	Lacks    string // what the kernel's io_uring lacks, and is done in another way

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
		Selector: c.selector, Instead: c.instead, Lacks: c.lacks,

		Events:  c.shown.events.Load(),
		Posts:   c.shown.posts.Load(),
		Timers:  int(c.shown.timers.Load()),
		Watched: int(c.shown.watched.Load()),
	}
	for i := range s.Lag {
		s.Lag[i] = c.shown.lag[i].Load()
		s.Turns += s.Lag[i]
	}
	return s
}

// describe notes what the selector says of itself.
func (c *counters) describe(s Selector) {
	if s, ok := s.(interface{ Name() string }); ok {
		c.selector = s.Name()
	}
	if s, ok := s.(*selectors.Selector); ok {
		if err := s.Instead(); err != nil {
			c.instead = err.Error()
		}
		c.lacks = strings.Join(s.Lacks(), ", ")
	}
}

// counters are what the loop counts, and below it what others may see of that.
type counters struct {
	selector, instead, lacks string // never change

	events, posts uint64
	begun, ended  time.Duration // the present turn and the last one, by the loop's clock

	shown struct {
		events, posts, timers, watched atomic.Uint64
		lag                            [len(Lag{})]atomic.Uint64
	}
}

// began notes that the wait is over and the turn begins.
func (l *Loop) began(at time.Duration) {
	l.counters.begun = at
	l.beat(max(1, at))
}

// ended notes that the turn is over.
func (l *Loop) ended() {
	l.Mark(nil)
	c := &l.counters
	show(&c.shown.events, c.events)
	show(&c.shown.posts, c.posts)
	show(&c.shown.timers, uint64(l.timers.len()))
	show(&c.shown.watched, uint64(l.watched.count))
	c.ended = l.clock.Now()
	took := c.ended - c.begun
	c.shown.lag[lagIndex(took)].Add(1)
	l.watchdog.over(c.begun, took)
}

// show stores n. To store what is there already costs more than to look first.
func show(shown *atomic.Uint64, n uint64) {
	if shown.Load() != n {
		shown.Store(n)
	}
}
